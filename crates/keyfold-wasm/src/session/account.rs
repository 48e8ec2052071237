//! Signing up, logging in and out; people.

use super::Session;
use crate::{
    fault::{Fault, Result},
    plain::{texts, to_js},
};
use keyfold_client::{Code, SignUpOptions};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Founds an account with this device, and logs in. The server has one of `serverKeys`, or it is refused.
    #[wasm_bindgen(js_name = signUp, unchecked_return_type = "WhoAmI")]
    pub async fn sign_up(&mut self, user_id: &str, server_url: &str, server_keys: Vec<String>) -> Result<JsValue> {
        let mut refusal = Fault::new(Code::WrongServerKey, "no server key was named");
        for key in &server_keys {
            let options = SignUpOptions { user_id, server_url, server_key: Some(key) };
            match self.inner.sign_up(options).await {
                // The server is moving from one key to the other; nothing was sent to the one that it does not have.
                Err(error) if error.code == Code::WrongServerKey => refusal = error.into(),
                other => return to_js(&other?),
            }
        }
        Err(refusal)
    }

    /// Starts a session and opens the account's keys again.
    #[wasm_bindgen(js_name = logIn, unchecked_return_type = "WhoAmI")]
    pub async fn log_in(&mut self) -> Result<JsValue> {
        to_js(&self.inner.log_in().await?)
    }

    /// Ends the session and wipes the account's keys and all keychains' keys from this device. They are wiped even
    /// if the server is not reached; then it is an error.
    #[wasm_bindgen(js_name = logOut)]
    pub async fn log_out(&mut self) -> Result<()> {
        Ok(self.inner.log_out().await?)
    }

    /// Who this device belongs to. `NoHome` before it was signed up.
    #[wasm_bindgen(js_name = whoAmI, unchecked_return_type = "WhoAmI")]
    pub fn who_am_i(&self) -> Result<JsValue> {
        to_js(&self.inner.who_am_i()?)
    }

    /// One's own identity, without asking the server; `undefined` while nobody is logged in.
    #[wasm_bindgen(js_name = ownIdentity, unchecked_return_type = "Identity | undefined")]
    pub fn own_identity(&self) -> Result<JsValue> {
        self.inner.own_identity().map_or(Ok(JsValue::UNDEFINED), |identity| to_js(&identity))
    }

    /// People's identities, in the order of the user ids; `null` for whom there is no account.
    #[wasm_bindgen(unchecked_return_type = "(Identity | null)[]")]
    pub async fn identities(&mut self, user_ids: Vec<String>) -> Result<JsValue> {
        to_js(&self.inner.identities(&texts(&user_ids)).await?)
    }
}
