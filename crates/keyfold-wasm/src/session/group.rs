//! Groups. Who is in one, and what they may do, is asked as of a keychain: `group:` and its fingerprint stand for it.

use super::Session;
use crate::{fault::Result, plain::to_js};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Founds a group.
    #[wasm_bindgen(js_name = createGroup, unchecked_return_type = "Group")]
    pub async fn create_group(&mut self, name: &str, rank: u16) -> Result<JsValue> {
        to_js(&self.inner.create_group(name, rank).await?)
    }

    /// The groups that one is in, also through others, by name.
    #[wasm_bindgen(unchecked_return_type = "Group[]")]
    pub async fn groups(&mut self) -> Result<JsValue> {
        to_js(&self.inner.groups().await?)
    }

    /// One group, by name or fingerprint.
    #[wasm_bindgen(unchecked_return_type = "Group")]
    pub async fn group(&mut self, name: &str) -> Result<JsValue> {
        to_js(&self.inner.group(name).await?)
    }
}
