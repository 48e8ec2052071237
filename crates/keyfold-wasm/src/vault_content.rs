//! A content on its way out of a vault: what it is of, what opens it, and where its parts are.

use crate::{
    fault::{Fault, Result},
    file_opener::FileOpener,
    host::JsHost,
    plain::to_js,
    vault_parts::{JsLine, VaultParts},
};
use keyfold_client::{
    OpenIndex, VaultItem,
    envelope::OpenedHead,
    files::{Cut, Located},
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// One content that is read: `opener` opens the body that `parts` brings.
#[wasm_bindgen]
pub struct VaultContent {
    item: VaultItem,
    cut: Cut,
    opener: Option<FileOpener>,
    open: Arc<OpenIndex<JsHost>>,
}

#[wasm_bindgen]
impl VaultContent {
    /// The file, as it was when this content was found.
    #[wasm_bindgen(unchecked_return_type = "VaultItem")]
    pub fn item(&self) -> Result<JsValue> {
        to_js(&self.item)
    }

    /// Bytes of its body.
    #[wasm_bindgen(getter)]
    pub fn body(&self) -> f64 {
        // At most 24 GiB: exact.
        self.cut.body() as f64
    }

    /// How many parts the body is cut into.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.cut.count()
    }

    /// What opens its body, once.
    pub fn opener(&mut self) -> Result<FileOpener> {
        self.opener.take().ok_or_else(Fault::out_of_turn)
    }

    /// The way to its parts.
    pub fn parts(&self, line: JsLine) -> VaultParts {
        VaultParts::new(&self.open, line, self.cut.clone())
    }
}

impl VaultContent {
    pub(crate) fn new(located: Located, head: OpenedHead, open: Arc<OpenIndex<JsHost>>) -> Result<Self> {
        let Located { item, content } = located;
        let opener = Some(FileOpener::new(head, None)?);
        Ok(Self { item, cut: content.cut(), opener, open })
    }
}
