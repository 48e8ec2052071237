//! Keychains, and sharing them.

use super::Session;
use crate::{
    fault::Result,
    plain::{self, JsShareKeys, JsShareOptions, texts, to_js},
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Founds a keychain. Answers its first key.
    #[wasm_bindgen(js_name = createKeychain, unchecked_return_type = "KeyMetadata")]
    pub async fn create_keychain(
        &mut self,
        purpose: &str,
        #[wasm_bindgen(unchecked_param_type = "Algorithm")] algorithm: &str,
    ) -> Result<JsValue> {
        to_js(&self.inner.create_keychain(purpose, plain::algorithm(algorithm)?).await?)
    }

    /// All keychains with all their keys, as they are known without asking the server, by purpose.
    #[wasm_bindgen(unchecked_return_type = "Keychain[]")]
    pub async fn keychains(&mut self) -> Result<JsValue> {
        to_js(&self.inner.held_keychains().await?)
    }

    /// Makes the next key of a keychain, for every follower. Answers it.
    #[wasm_bindgen(unchecked_return_type = "KeyMetadata")]
    pub async fn rotate(&mut self, kc: &str) -> Result<JsValue> {
        to_js(&self.inner.rotate(kc).await?)
    }

    /// Gives up this account's copy of a key, on all its devices. The membership goes on.
    #[wasm_bindgen(js_name = deleteKey)]
    pub async fn delete_key(&mut self, kc: &str, key_fingerprint: &str) -> Result<()> {
        Ok(self.inner.delete_key(kc, key_fingerprint).await?)
    }

    /// Shares keys of a keychain with people, in one request.
    #[wasm_bindgen(unchecked_return_type = "ShareOutcome")]
    pub async fn share(
        &mut self,
        kc: &str,
        user_ids: Vec<String>,
        keys: JsShareKeys,
        options: JsShareOptions,
    ) -> Result<JsValue> {
        let (keys, options) = (plain::share_keys(&keys)?, plain::share_options(&options)?);
        to_js(&self.inner.share(kc, &texts(&user_ids), &keys, &options).await?)
    }

    /// Shares of this account that wait for an answer.
    #[wasm_bindgen(js_name = outgoingShares, unchecked_return_type = "OutgoingShare[]")]
    pub async fn outgoing_shares(&mut self) -> Result<JsValue> {
        to_js(&self.inner.outgoing_shares().await?)
    }

    /// Withdraws a share before its recipient has answered. `NotPending` if there is none.
    #[wasm_bindgen(js_name = cancelShare)]
    pub async fn cancel_share(&mut self, user_id: &str, key_fingerprint: &str) -> Result<()> {
        Ok(self.inner.cancel_share(user_id, key_fingerprint).await?)
    }
}
