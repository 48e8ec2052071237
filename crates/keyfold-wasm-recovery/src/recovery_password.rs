//! The client's half of OPAQUE, in two calls each. The instance of this module does not outlive the wait for the
//! server between them, so what must be kept goes to the caller and comes back: as secret as the password, and wiped by
//! him as far as JavaScript lets him.

use crate::{
    account_id,
    fault::{Fault, Result},
    random::JsRng,
};
use js_sys::Uint8Array;
use keyfold_core::{
    RecoverySecret,
    recovery::{PasswordError, PasswordLogin, PasswordRegistration},
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// What a first call gives.
#[wasm_bindgen]
pub struct PasswordRequest {
    request: Vec<u8>,
    state: Zeroizing<Vec<u8>>,
}

#[wasm_bindgen]
impl PasswordRequest {
    /// For the server.
    #[wasm_bindgen(getter, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn request(&self) -> Uint8Array {
        Uint8Array::from(self.request.as_slice())
    }

    /// For the second call.
    #[wasm_bindgen(getter, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn state(&self) -> Uint8Array {
        Uint8Array::from(self.state.as_slice())
    }
}

/// A password that was set.
#[wasm_bindgen]
pub struct RegisteredPassword {
    secret: RecoverySecret,
    record: Vec<u8>,
}

#[wasm_bindgen]
impl RegisteredPassword {
    /// The recovery secret, 32 bytes.
    #[wasm_bindgen(getter, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn secret(&self) -> Uint8Array {
        Uint8Array::from(self.secret.expose().as_slice())
    }

    /// For the server, with the entry that adds the method.
    #[wasm_bindgen(getter, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn record(&self) -> Uint8Array {
        Uint8Array::from(self.record.as_slice())
    }
}

/// Begins to set a password, which is in normal form C. `BadText` unless it has 1 to 1,024 bytes.
#[wasm_bindgen(js_name = registerPassword)]
pub fn register_password(password: &str) -> Result<PasswordRequest> {
    let (state, request) = PasswordRegistration::start(password, &mut JsRng)?;
    Ok(PasswordRequest { request, state: state.state() })
}

/// Ends it with the server's response. `Malformed`; `Io` if there are no 64 MiB of memory.
#[wasm_bindgen(js_name = finishRegistration)]
pub fn finish_registration(
    password: &str,
    state: &[u8],
    response: &[u8],
    account: &[u8],
) -> Result<RegisteredPassword> {
    let state = PasswordRegistration::resume(password, state)?;
    let (secret, record) = state.finish(response, &account_id(account)?, &mut JsRng)?;
    Ok(RegisteredPassword { secret, record })
}

/// Begins to recover with a password, which is in normal form C. `BadText` unless it has 1 to 1,024 bytes.
#[wasm_bindgen(js_name = tryPassword)]
pub fn try_password(password: &str) -> Result<PasswordRequest> {
    let (state, request) = PasswordLogin::start(password, &mut JsRng)?;
    Ok(PasswordRequest { request, state: state.state() })
}

/// The recovery secret, from the server's response. `WrongPassword`, `Malformed`; `Io` if there are no 64 MiB of memory.
#[wasm_bindgen(js_name = finishPassword, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn finish_password(password: &str, state: &[u8], response: &[u8], account: &[u8]) -> Result<Uint8Array> {
    let state = PasswordLogin::resume(password, state)?;
    let secret = state.finish(response, &account_id(account)?, &mut JsRng)?;
    Ok(Uint8Array::from(secret.expose().as_slice()))
}

impl From<PasswordError> for Fault {
    fn from(fault: PasswordError) -> Self {
        Self::new(fault.code(), fault)
    }
}
