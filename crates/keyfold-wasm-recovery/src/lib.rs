#![doc = include_str!("../README.md")]

mod fault;
mod paper;
mod password;
mod random;
mod recovery_password;
mod shares;

pub use paper::{generate_recovery_secret, paper_numbers, paper_secret};
pub use password::stretch_password;
pub use recovery_password::{
    PasswordRequest, RegisteredPassword, finish_password, finish_registration, register_password, try_password,
};
pub use shares::{ReadShare, SharedSecret, combine_shares};

use fault::Fault;
use keyfold_format::ScopeId;
use wasm_bindgen::prelude::*;

/// The release of this module. JavaScript of another release must not use it.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn account_id(bytes: &[u8]) -> fault::Result<ScopeId> {
    bytes.try_into().map(ScopeId).map_err(|_| Fault::new("Malformed", "an account id has 32 bytes"))
}
