//! Signing up, logging in and out; people.

use super::Session;
use crate::{
    fault::{Fault, Result},
    plain::{self, texts, to_js},
};
use keyfold_client::{AcceptedIdentity, Code, Compared, SignIn, SignInProof};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Founds an account with this device, and logs in. The server has one of `serverKeys`, or it is refused. `token` is
    /// the identity provider's, `passkey` an answer to `askForPasskey`.
    #[wasm_bindgen(js_name = signUp, unchecked_return_type = "WhoAmI")]
    pub async fn sign_up(
        &mut self,
        user_id: &str,
        server_url: &str,
        server_keys: Vec<String>,
        token: Option<String>,
        passkey: Option<String>,
    ) -> Result<JsValue> {
        let proof = proof(&token, &passkey);
        let mut sign_up =
            async |key: &str| self.inner.sign_up(SignIn { user_id, server_url, server_key: Some(key), proof }).await;
        to_js(&by_any(&server_keys, &mut sign_up).await?)
    }

    /// What the server's gate asks this device, as options of WebAuthn in JSON: to make a passkey for `newUser`, or to
    /// use one that is there. `GateMismatch` if the gate asks for no passkey.
    #[wasm_bindgen(js_name = askForPasskey)]
    pub async fn ask_for_passkey(
        &mut self,
        server_url: &str,
        server_keys: Vec<String>,
        new_user: Option<String>,
    ) -> Result<String> {
        let new_user = new_user.as_deref();
        let mut ask = async |key: &str| self.inner.ask_for_passkey(server_url, Some(key), new_user).await;
        String::from_utf8(by_any(&server_keys, &mut ask).await?).map_err(|_| Fault::new(Code::Malformed, "no JSON"))
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

    /// The same of all of the account's devices.
    #[wasm_bindgen(js_name = logOutEverywhere)]
    pub async fn log_out_everywhere(&mut self) -> Result<()> {
        Ok(self.inner.log_out_everywhere().await?)
    }

    /// Follows the server to its next key, if it shows one that the pinned one leads to. Whether it does.
    #[wasm_bindgen(js_name = followServer)]
    pub async fn follow_server(&mut self) -> Result<bool> {
        Ok(self.inner.follow_server().await?)
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

    /// The safety words that one has in common with somebody, as eight numbers in the list. JavaScript has the list.
    #[wasm_bindgen(js_name = safetyNumbers)]
    pub async fn safety_numbers(&mut self, user_id: &str) -> Result<Vec<u16>> {
        Ok(self.inner.safety_words(user_id).await?.numbers().to_vec())
    }

    /// Says that somebody told one, by another way than the server, these safety words (as numbers), or this URI or
    /// account id. Either marks the pinned identity, or with `accept` takes the one that is shown in its place.
    #[wasm_bindgen(js_name = compareIdentity, unchecked_return_type = "AcceptedIdentity")]
    pub async fn compare_identity(
        &mut self,
        user_id: &str,
        #[wasm_bindgen(unchecked_param_type = "Told")] told: JsValue,
        accept: bool,
    ) -> Result<JsValue> {
        let compared = match told.as_string() {
            Some(text) => Compared::parse(&text)?,
            None => plain::safety_words(told)?,
        };
        let accepted = if accept {
            self.inner.accept_identity(user_id, &compared).await?
        } else {
            let identity = self.inner.verify_identity(user_id, &compared).await?;
            AcceptedIdentity { identity, former_account_id: None, former_keychains: Vec::new() }
        };
        to_js(&accepted)
    }
}

/// What is shown at the server's gate.
pub(super) fn proof<'a>(token: &'a Option<String>, passkey: &'a Option<String>) -> SignInProof<'a> {
    match (token, passkey) {
        (Some(token), _) => SignInProof::Token(token),
        (None, Some(answer)) => SignInProof::Passkey(answer.as_bytes()),
        (None, None) => SignInProof::Nothing,
    }
}

/// Asks a server that has one of these keys.
pub(super) async fn by_any<T>(
    server_keys: &[String],
    ask: &mut impl AsyncFnMut(&str) -> keyfold_client::Result<T>,
) -> Result<T> {
    let mut refusal = Fault::new(Code::WrongServerKey, "no server key was named");
    for key in server_keys {
        match ask(key).await {
            // The server is moving from one key to the other; nothing was sent to the one that it does not have.
            Err(error) if error.code == Code::WrongServerKey => refusal = error.into(),
            other => return Ok(other?),
        }
    }
    Err(refusal)
}
