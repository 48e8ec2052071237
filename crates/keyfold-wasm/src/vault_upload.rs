//! A content on its way into a vault: its sealer, and which of its parts may leave.

use crate::{
    fault::{Fault, Result},
    file_sealer::FileSealer,
    host::JsHost,
    vault_parts::{JsLine, VaultParts},
};
use keyfold_client::{
    OpenIndex, SealedHead, VaultPath,
    files::{Cut, Sealed, Upload},
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// One content that is put. Its steps: `sealer` seals the body; each part of it passes `take` in order, then
/// `Session.noteParts`, then leaves by `parts`, then `allStored`; at the end `Session.endUpload`.
#[wasm_bindgen]
pub struct VaultUpload {
    pub(crate) upload: Upload,
    pub(crate) path: VaultPath,
    sealed: Option<SealedHead>,
    open: Arc<OpenIndex<JsHost>>,
}

#[wasm_bindgen]
impl VaultUpload {
    /// What seals its body, once.
    pub fn sealer(&mut self) -> Result<FileSealer> {
        self.sealed.take().map(FileSealer::new).ok_or_else(Fault::out_of_turn)
    }

    /// The way to the storage.
    pub fn parts(&self, line: JsLine) -> VaultParts {
        VaultParts::new(&self.open, line, Cut::default())
    }

    /// Takes the next part: `true` if it is to leave, `false` if it is stored already. `undefined`: it is another one
    /// than the last time, and nothing may leave any more.
    pub fn take(&mut self, part: &[u8]) -> Result<Option<bool>> {
        Ok(self.upload.take(part)?.map(|sealed| matches!(sealed, Sealed::New(_))))
    }

    /// All parts that were taken are stored.
    #[wasm_bindgen(js_name = allStored)]
    pub fn all_stored(&mut self) {
        self.upload.all_stored();
    }
}

impl VaultUpload {
    pub(crate) fn new(upload: Upload, sealed: SealedHead, open: Arc<OpenIndex<JsHost>>, path: VaultPath) -> Self {
        Self { upload, path, sealed: Some(sealed), open }
    }
}
