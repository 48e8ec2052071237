//! Who did what, verified; and what proves it to others.

use super::Session;
use crate::{fault::Result, plain::to_js};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// A keychain's or an account's ledger, verified from its first entry on.
    #[wasm_bindgen(unchecked_return_type = "Audit")]
    pub async fn audit(&mut self, scope: &str) -> Result<JsValue> {
        to_js(&self.inner.audit(scope).await?)
    }

    /// The same as a file.
    #[wasm_bindgen(js_name = exportAudit, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub async fn export_audit(&mut self, scope: &str) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.inner.export_audit(scope).await?.as_slice()))
    }

    /// Compares with what somebody else exported.
    #[wasm_bindgen(js_name = compareAudit, unchecked_return_type = "AuditComparison")]
    pub async fn compare_audit(&mut self, scope: &str, file: Vec<u8>) -> Result<JsValue> {
        to_js(&self.inner.compare_audit(scope, &file).await?)
    }

    /// Evidence that the server contradicted itself, as a file; of somebody else's export too, if it is given.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub async fn evidence(&mut self, scope: &str, file: Option<Vec<u8>>) -> Result<Uint8Array> {
        Ok(Uint8Array::from(self.inner.evidence(scope, file.as_deref()).await?.as_slice()))
    }
}
