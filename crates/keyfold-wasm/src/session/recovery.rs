//! Ways back. What turns a person's words into the secret of one is the other module's.

use super::{
    Session,
    account::{by_any, proof},
};
use crate::{
    fault::{Fault, Result},
    plain::{texts, to_js},
};
use js_sys::Uint8Array;
use keyfold_client::{NewRecovery, RecoverOptions, RecoveryKind, RecoveryProof, RecoverySecret, Revoke, SignIn};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// The secret of a way back, and what it is.
#[wasm_bindgen]
pub struct WayBack {
    method: RecoveryKind,
    secret: RecoverySecret,
}

#[wasm_bindgen]
impl WayBack {
    /// `method` is `password`, `paper`, `shares` or `passkey`; the secret has 32 bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(method: &str, secret: Vec<u8>) -> Result<WayBack> {
        let secret = Zeroizing::new(secret);
        let method = match method {
            "password" => RecoveryKind::Password,
            "paper" => RecoveryKind::Paper,
            "shares" => RecoveryKind::Shares,
            "passkey" => RecoveryKind::Passkey,
            _ => return Err(Fault::argument("a way back: password, paper, shares or passkey")),
        };
        let secret = RecoverySecret::from_slice(&secret);
        Ok(Self { method, secret: secret.ok_or_else(|| Fault::argument("a recovery secret has 32 bytes"))? })
    }
}

impl WayBack {
    fn proof(&self) -> RecoveryProof<'_> {
        RecoveryProof { method: self.method, secret: &self.secret }
    }
}

#[wasm_bindgen]
impl Session {
    /// Which ways back one has, and what is missing.
    #[wasm_bindgen(js_name = recoveryStatus, unchecked_return_type = "RecoveryStatus")]
    pub async fn recovery_status(&mut self) -> Result<JsValue> {
        to_js(&self.inner.recovery_status().await?)
    }

    /// Keeps a way back, with OPAQUE's record if it is a password, in the place of another one if `replaces` is given.
    #[wasm_bindgen(js_name = addRecovery, unchecked_return_type = "RecoveryMethod")]
    pub async fn add_recovery(
        &mut self,
        new: &WayBack,
        label: Option<String>,
        password: Option<Vec<u8>>,
        replaces: Option<WayBack>,
    ) -> Result<JsValue> {
        let (label, password) = (label.as_deref(), password.as_deref());
        let replaces = replaces.as_ref().map(WayBack::proof);
        to_js(&self.inner.add_recovery(NewRecovery { proof: new.proof(), label, password, replaces }).await?)
    }

    /// Takes a way back away, by itself or by an older one.
    #[wasm_bindgen(js_name = removeRecovery)]
    pub async fn remove_recovery(&mut self, recovery: &str, by: &WayBack) -> Result<()> {
        Ok(self.inner.remove_recovery(recovery, by.proof()).await?)
    }

    /// The server's part of setting a password.
    #[wasm_bindgen(js_name = registerPassword, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub async fn register_password(&mut self, request: Vec<u8>) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.inner.register_password(request).await?.as_slice()))
    }

    /// The server's part of trying a password.
    #[wasm_bindgen(js_name = tryPassword, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub async fn try_password(&mut self, recovery: &str, request: Vec<u8>) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.inner.try_password(recovery, request).await?.as_slice()))
    }

    /// Signs in to one's account with a device that it does not have.
    #[wasm_bindgen(js_name = startRecovery, unchecked_return_type = "RecoveryStarted")]
    pub async fn start_recovery(
        &mut self,
        user_id: &str,
        server_url: &str,
        server_keys: Vec<String>,
        token: Option<String>,
        passkey: Option<String>,
    ) -> Result<JsValue> {
        let proof = proof(&token, &passkey);
        let mut start = async |key: &str| {
            self.inner.start_recovery(SignIn { user_id, server_url, server_key: Some(key), proof }).await
        };
        to_js(&by_any(&server_keys, &mut start).await?)
    }

    /// Lets go of the user id of an account that is lost.
    #[wasm_bindgen(js_name = releaseName)]
    pub async fn release_name(&mut self) -> Result<()> {
        Ok(self.inner.release_name().await?)
    }

    /// Comes back with this device, and revokes those devices, or all for `"all"`.
    #[wasm_bindgen(unchecked_return_type = "Recovered")]
    pub async fn recover(
        &mut self,
        with: &WayBack,
        label: Option<String>,
        #[wasm_bindgen(unchecked_param_type = "\"all\" | string[]")] revoke: JsValue,
    ) -> Result<JsValue> {
        let named: Vec<String> = match revoke.as_string().as_deref() {
            Some("all") => Vec::new(),
            Some(_) => return Err(Fault::argument("which devices: all, or their ids")),
            None => js_sys::Array::from(&revoke).iter().filter_map(|id| id.as_string()).collect(),
        };
        let named = texts(&named);
        let revoke = if revoke.is_string() { Revoke::All } else { Revoke::These(&named) };
        to_js(&self.inner.recover(with.proof(), RecoverOptions { label: label.as_deref(), revoke }).await?)
    }
}
