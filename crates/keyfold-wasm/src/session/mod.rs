//! A device at work, as JavaScript sees it. Its methods lie in one file for each subject, as those of the session
//! that it wraps do. None may be called while another one's promise is pending: the engine gives turns.

mod account;
mod audit;
mod device;
mod file;
mod group;
mod index;
mod keychain;
mod member;
mod recovery;
mod sync;
mod value;
mod vault;

pub use device::read_enrolment_text;
pub use recovery::WayBack;

use crate::{
    fault::{Fault, Result},
    host::JsHost,
};
use keyfold_client::DeviceSeed;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// A device at work.
#[wasm_bindgen]
pub struct Session {
    pub(crate) inner: keyfold_client::Session<JsHost>,
}

#[wasm_bindgen]
impl Session {
    /// For the device of this seed, 32 bytes, on the host's store. The module keeps no copy of the seed.
    #[wasm_bindgen(constructor)]
    pub fn new(host: JsHost, seed: Vec<u8>) -> Result<Self> {
        let seed = Zeroizing::new(seed);
        let seed = DeviceSeed::from_slice(&seed).ok_or_else(|| Fault::argument("a device's seed has 32 bytes"))?;
        Ok(Self { inner: keyfold_client::Session::new(host, &seed)? })
    }

    /// To be called before each operation: takes in what another tab has committed.
    pub async fn refresh(&mut self) -> Result<()> {
        Ok(self.inner.refresh().await?)
    }
}
