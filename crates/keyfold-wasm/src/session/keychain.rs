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

    /// Which shares are taken without asking, from now on: `auto`, `known` or `ask`.
    #[wasm_bindgen(js_name = acceptShares)]
    pub fn accept_shares(&mut self, #[wasm_bindgen(unchecked_param_type = "AcceptShares")] which: &str) -> Result<()> {
        self.inner.accept_shares(plain::accept_shares(which)?);
        Ok(())
    }

    /// Shares that wait for this account's answer.
    #[wasm_bindgen(js_name = incomingShares, unchecked_return_type = "IncomingShare[]")]
    pub async fn incoming_shares(&mut self) -> Result<JsValue> {
        to_js(&self.inner.incoming_shares().await?)
    }

    /// The same, as far as is known without asking the server.
    #[wasm_bindgen(js_name = waitingShares, unchecked_return_type = "IncomingShare[]")]
    pub async fn waiting_shares(&mut self) -> Result<JsValue> {
        to_js(&self.inner.waiting_shares().await?)
    }

    /// Takes a share that waits. `NotPending` if none does.
    #[wasm_bindgen(js_name = acceptShare, unchecked_return_type = "Keychain")]
    pub async fn accept_share(&mut self, keychain_fingerprint: &str) -> Result<JsValue> {
        to_js(&self.inner.accept_share(keychain_fingerprint).await?)
    }

    /// Refuses a share that waits. `NotPending` if none does.
    #[wasm_bindgen(js_name = declineShare)]
    pub async fn decline_share(&mut self, keychain_fingerprint: &str) -> Result<()> {
        self.inner.decline_share(keychain_fingerprint).await?;
        Ok(())
    }

    /// Withdraws a share before its recipient has answered. `NotPending` if there is none.
    #[wasm_bindgen(js_name = cancelShare)]
    pub async fn cancel_share(&mut self, user_id: &str, key_fingerprint: &str) -> Result<()> {
        Ok(self.inner.cancel_share(user_id, key_fingerprint).await?)
    }
}
