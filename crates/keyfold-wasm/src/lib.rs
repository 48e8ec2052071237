#![doc = include_str!("../README.md")]

mod fault;
mod file_opener;
mod file_ranges;
mod file_sealer;
mod host;
mod plain;
mod session;
#[cfg(feature = "storages")]
mod storages;
mod subscription;
mod value;
mod vault_content;
mod vault_parts;
mod vault_upload;

pub use file_opener::{FileOpener, unopened};
pub use file_ranges::FileRanges;
pub use file_sealer::FileSealer;
pub use session::{Session, WayBack, read_enrolment_text};
#[cfg(feature = "storages")]
pub use storages::{JsStorage, check_storage, storage_checks};
pub use subscription::Subscription;
pub use vault_content::VaultContent;
pub use vault_parts::VaultParts;
pub use vault_upload::VaultUpload;

use fault::Result;
use host::JsRng;
use js_sys::Uint8Array;
use keyfold_client::{Code, DeviceSeed, envelope::Unopened};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// The release of this module. JavaScript of another release must not use it.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Every stable code that an error may have.
#[wasm_bindgen(js_name = errorCodes)]
pub fn error_codes() -> Vec<String> {
    Code::every().map(|code| code.as_str().to_owned()).collect()
}

/// How many bytes the head of an envelope has, from its first 13. `NotAnEnvelope` if it is none.
#[wasm_bindgen(js_name = headBytes)]
pub fn head_bytes(start: &[u8]) -> Result<usize> {
    Ok(Unopened::head_bytes(start)?)
}

/// The seed of a new device: 32 random bytes, which the caller keeps, and wipes where he can.
#[wasm_bindgen(js_name = generateDevice, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn generate_device() -> Uint8Array {
    Uint8Array::from(DeviceSeed::generate(&mut JsRng).expose().as_slice())
}

/// Whether `signature` is what `Session.sign` made over the same items, with the key of an identity's
/// `signaturePublicKey`. Both base64url; what is none verifies nothing.
#[wasm_bindgen(js_name = verifySignature)]
pub fn verify_signature(signature: &str, public_key: &str, items: Vec<Uint8Array>) -> bool {
    let items = plain::bytes_of(&items);
    keyfold_client::verify_signature(signature, public_key, &plain::slices(&items))
}

/// Verifies an audit file, with the server's key if one is given (base64url), else with the one that it names.
#[wasm_bindgen(js_name = verifyAuditFile, unchecked_return_type = "AuditedFile")]
pub fn verify_audit_file(file: &[u8], server_key: Option<String>) -> Result<JsValue> {
    plain::to_js(&keyfold_client::verify_audit_file(file, server_key.as_deref())?)
}
