//! Words on paper, as numbers: JavaScript has the list in a file of its own.

use crate::fault::{Fault, Result};
use js_sys::{Uint8Array, Uint16Array};
use keyfold_core::{
    RecoverySecret,
    recovery::{PaperError, PaperWords},
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// The numbers of a recovery secret's 24 words in the English list of BIP-39, from 0. `Malformed` unless the secret has
/// 32 bytes.
#[wasm_bindgen(js_name = paperNumbers, unchecked_return_type = "Uint16Array<ArrayBuffer>")]
pub fn paper_numbers(secret: &[u8]) -> Result<Uint16Array> {
    Ok(Uint16Array::from(PaperWords::of(&recovery_secret(secret)?).numbers().as_slice()))
}

/// The recovery secret of words. `WrongWordCount`, `WrongWords`.
#[wasm_bindgen(js_name = paperSecret, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn paper_secret(numbers: Vec<u16>) -> Result<Uint8Array> {
    let words = PaperWords::from_numbers(&Zeroizing::new(numbers))?;
    Ok(Uint8Array::from(words.secret().expose().as_slice()))
}

/// A new recovery secret, 32 bytes.
#[wasm_bindgen(js_name = generateRecoverySecret, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn generate_recovery_secret() -> Uint8Array {
    Uint8Array::from(RecoverySecret::generate(&mut crate::random::JsRng).expose().as_slice())
}

fn recovery_secret(bytes: &[u8]) -> Result<RecoverySecret> {
    RecoverySecret::from_slice(bytes).ok_or_else(|| Fault::new("Malformed", "a recovery secret has 32 bytes"))
}

impl From<PaperError> for Fault {
    fn from(fault: PaperError) -> Self {
        Self::new(fault.code(), fault)
    }
}
