//! Who is in a keychain, and what each may do.

use super::Session;
use crate::{
    fault::{Fault, Result},
    plain::{self, JsPermissions, to_js},
};
use keyfold_client::OwnerDecision;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Who owns a copy of a key (of any key, if none is named), by the verified ledger; pending ones only if asked
    /// for.
    #[wasm_bindgen(unchecked_return_type = "Participant[]")]
    pub async fn participants(&mut self, kc: &str, key_fingerprint: Option<String>, pending: bool) -> Result<JsValue> {
        to_js(&self.inner.participants(kc, key_fingerprint.as_deref(), pending).await?)
    }

    /// What somebody may do in a keychain; oneself, if nobody is named.
    #[wasm_bindgen(unchecked_return_type = "PermissionFlags")]
    pub async fn permissions(&mut self, kc: &str, user_id: Option<String>) -> Result<JsValue> {
        to_js(&self.inner.permissions(kc, user_id.as_deref()).await?)
    }

    /// Changes what a member may do; what is left out stays. Answers what he may do now.
    #[wasm_bindgen(js_name = setPermissions, unchecked_return_type = "PermissionFlags")]
    pub async fn set_permissions(&mut self, kc: &str, user_id: &str, change: JsPermissions) -> Result<JsValue> {
        to_js(&self.inner.set_permissions(kc, user_id, plain::change(&change)).await?)
    }

    /// Bans somebody from a keychain, and makes a new key that he does not get; oneself: leaves it.
    #[wasm_bindgen(unchecked_return_type = "BanOutcome")]
    pub async fn ban(&mut self, kc: &str, user_id: &str) -> Result<JsValue> {
        to_js(&self.inner.ban(kc, user_id).await?)
    }

    /// Who owns a keychain, and what waits for more of them.
    #[wasm_bindgen(unchecked_return_type = "Owners")]
    pub async fn owners(&mut self, kc: &str) -> Result<JsValue> {
        to_js(&self.inner.owners(kc).await?)
    }

    /// Puts a decision to the owners, or joins those who are for it: `addOwner`, `removeOwner` or `successor`.
    #[wasm_bindgen(unchecked_return_type = "Owners")]
    pub async fn propose(&mut self, kc: &str, decision: &str, subject: String) -> Result<JsValue> {
        let decision = match decision {
            "addOwner" => OwnerDecision::AddOwner(subject),
            "removeOwner" => OwnerDecision::RemoveOwner(subject),
            "successor" => OwnerDecision::Successor(subject),
            _ => return Err(Fault::argument("there is no such decision")),
        };
        to_js(&self.inner.propose(kc, &decision).await?)
    }

    /// Joins those who are for a proposal.
    #[wasm_bindgen(unchecked_return_type = "Owners")]
    pub async fn approve(&mut self, kc: &str, proposal: &str) -> Result<JsValue> {
        to_js(&self.inner.approve(kc, proposal).await?)
    }

    /// In how many milliseconds a keychain will need a new key that one may make, or a share will be over that one may
    /// end. 0: now.
    #[wasm_bindgen(js_name = repairInMs)]
    pub fn repair_in_ms(&self) -> Option<f64> {
        // Nobody lives to see 2⁵³ milliseconds.
        self.inner.repair_in_ms().map(|ms| ms as f64)
    }

    /// Makes the new key of each keychain that needs one, unless somebody else was faster. Whether any was made.
    pub async fn repair(&mut self) -> Result<bool> {
        Ok(self.inner.repair().await?)
    }
}
