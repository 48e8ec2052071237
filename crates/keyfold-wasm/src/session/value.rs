//! Values, and statements of the application.

use super::Session;
use crate::{
    fault::Result,
    plain,
    value::{self, WireValue},
};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Seals a value under the current key of a keychain.
    #[wasm_bindgen(js_name = encryptValue, unchecked_return_type = "EncryptedValue")]
    pub async fn encrypt_value(&mut self, kc: &str, value: WireValue, context: &[u8]) -> Result<JsValue> {
        let value = value::from_js(&value)?;
        Ok(value::encrypted(&self.inner.encrypt_value(kc, &value, context).await?))
    }

    /// Opens a value with the key that it names.
    #[wasm_bindgen(js_name = decryptValue, unchecked_return_type = "DecryptedValue")]
    pub async fn decrypt_value(&mut self, text: &str, context: &[u8]) -> Result<JsValue> {
        Ok(value::decrypted(&self.inner.decrypt_value(text, context).await?))
    }

    /// Signs items together and in order, with the account's key for such statements. Base64url.
    pub fn sign(&self, items: Vec<Uint8Array>) -> Result<String> {
        let items = plain::bytes_of(&items);
        Ok(self.inner.sign(&plain::slices(&items))?)
    }
}
