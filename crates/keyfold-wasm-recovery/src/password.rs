//! PINs and passwords.

use crate::fault::{Fault, Result};
use js_sys::Uint8Array;
use keyfold_core::password;
use wasm_bindgen::prelude::*;

/// 32 bytes of Argon2id over the password (64 MiB, 3 passes, 1 lane) with a salt of 32 bytes. Takes a third of a
/// second and more, on purpose. `Malformed` for another length of salt, `Io` if there is no memory.
#[wasm_bindgen(js_name = stretchPassword, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn stretch_password(password: &[u8], salt: &[u8]) -> Result<Uint8Array> {
    let salt = salt.try_into().map_err(|_| Fault::new("Malformed", "a salt has 32 bytes"))?;
    let key = password::stretch(password, salt).map_err(|error| Fault::new("Io", error))?;
    Ok(Uint8Array::from(key.as_slice()))
}
