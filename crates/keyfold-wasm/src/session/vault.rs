//! Files of keychains: what there is, and how a content comes and goes. Its bytes move without the session.

use super::Session;
use crate::{
    fault::{Fault, Result},
    plain::{object, to_js, whole},
    vault_content::VaultContent,
    vault_parts::VaultParts,
    vault_upload::VaultUpload,
};
use keyfold_client::{About, VaultPath, files::Source};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What is said of a content that is put.
    #[wasm_bindgen(typescript_type = "VaultAbout")]
    pub type VaultAbout;

    #[wasm_bindgen(method, getter, structural)]
    fn size(this: &VaultAbout) -> f64;

    #[wasm_bindgen(method, getter, structural, js_name = mediaType)]
    fn media_type(this: &VaultAbout) -> String;

    #[wasm_bindgen(method, getter, structural)]
    fn modified(this: &VaultAbout) -> Option<f64>;

    #[wasm_bindgen(method, getter, structural)]
    fn keep(this: &VaultAbout) -> Option<f64>;

    /// What a content is read from, where it can be told again.
    #[wasm_bindgen(typescript_type = "VaultSource")]
    pub type VaultSource;

    #[wasm_bindgen(method, getter, structural)]
    fn size(this: &VaultSource) -> f64;

    #[wasm_bindgen(method, getter, structural)]
    fn changed(this: &VaultSource) -> f64;
}

#[wasm_bindgen]
impl Session {
    /// What is in a folder, by name.
    #[wasm_bindgen(js_name = vaultList, unchecked_return_type = "VaultListing")]
    pub async fn vault_list(&mut self, kc: &str, folder: &str) -> Result<JsValue> {
        let path = VaultPath::parse(folder)?;
        let items = self.inner.with_files(kc, false, async |files| files.list(&path).await).await?;
        let index = self.inner.open_files(kc, false).await?.id;
        Ok(object([("indexId", index.to_string().into()), ("items", to_js(&items)?)]))
    }

    /// What is at a path.
    #[wasm_bindgen(js_name = vaultStat, unchecked_return_type = "VaultItem")]
    pub async fn vault_stat(&mut self, kc: &str, path: &str) -> Result<JsValue> {
        let path = VaultPath::parse(path)?;
        to_js(&self.inner.with_files(kc, false, async |files| files.stat(&path).await).await?)
    }

    /// The contents that a file has and has had, the newest first.
    #[wasm_bindgen(js_name = vaultVersions, unchecked_return_type = "VaultVersion[]")]
    pub async fn vault_versions(&mut self, kc: &str, path: &str) -> Result<JsValue> {
        let path = VaultPath::parse(path)?;
        to_js(&self.inner.with_files(kc, false, async |files| files.versions(&path).await).await?)
    }

    /// A former content of a file is its content again.
    #[wasm_bindgen(js_name = vaultRestore, unchecked_return_type = "VaultItem")]
    pub async fn vault_restore(&mut self, kc: &str, path: &str, version: f64) -> Result<JsValue> {
        let (path, version) = (VaultPath::parse(path)?, whole(version)?);
        to_js(&self.inner.with_files(kc, true, async |files| files.restore(&path, version).await).await?)
    }

    /// Makes a folder, and those on the way to it.
    #[wasm_bindgen(js_name = vaultCreateFolder, unchecked_return_type = "VaultItem")]
    pub async fn vault_create_folder(&mut self, kc: &str, path: &str) -> Result<JsValue> {
        let path = VaultPath::parse(path)?;
        to_js(&self.inner.with_files(kc, true, async |files| files.make_folder(&path).await).await?)
    }

    /// Renames or moves a file, or a folder with all that is in it.
    #[wasm_bindgen(js_name = vaultRename, unchecked_return_type = "VaultItem")]
    pub async fn vault_rename(&mut self, kc: &str, from: &str, to: &str) -> Result<JsValue> {
        let (from, to) = (VaultPath::parse(from)?, VaultPath::parse(to)?);
        to_js(&self.inner.with_files(kc, true, async |files| files.rename(&from, &to).await).await?)
    }

    /// Removes a file, or a folder: with all that is in it if `recursive`.
    #[wasm_bindgen(js_name = vaultRemove, unchecked_return_type = "VaultItem")]
    pub async fn vault_remove(&mut self, kc: &str, path: &str, recursive: bool) -> Result<JsValue> {
        let path = VaultPath::parse(path)?;
        to_js(&self.inner.with_files(kc, true, async |files| files.remove(&path, recursive).await).await?)
    }

    /// What can be read with other keys than the keychain's current one.
    #[wasm_bindgen(js_name = vaultStillReadable, unchecked_return_type = "StillReadable")]
    pub async fn vault_still_readable(&mut self, kc: &str) -> Result<JsValue> {
        to_js(&self.inner.still_readable(kc).await?)
    }

    /// Brings everything under the keychain's current key, and deletes what nothing refers to. What there was to do.
    #[wasm_bindgen(js_name = vaultSweep, unchecked_return_type = "VaultSwept")]
    pub async fn vault_sweep(&mut self, kc: &str) -> Result<JsValue> {
        to_js(&Box::pin(self.inner.sweep_vault(kc)).await?)
    }

    /// Begins to put a content at a path. With a source, what was interrupted is gone on with, unless `anew`.
    #[wasm_bindgen(js_name = beginUpload)]
    pub async fn begin_upload(
        &mut self,
        kc: &str,
        path: &str,
        source: Option<VaultSource>,
        anew: bool,
    ) -> Result<VaultUpload> {
        let path = VaultPath::parse(path)?;
        if path.is_root() {
            return Err(Fault::new(keyfold_client::Code::NotAFile, "the root of a vault is a folder"));
        }
        let source = source.map(|source| -> Result<Source> {
            Ok(Source { size: whole(source.size())?, changed: whole(source.changed())? })
        });
        let (upload, sealed) = self.inner.begin_upload(kc, &path, source.transpose()?, anew).await?;
        let open = self.inner.open_files(kc, true).await?;
        Ok(VaultUpload::new(upload, sealed, open, path))
    }

    /// Keeps which parts were sealed, before they leave. `Conflict` if somebody else has gone on with the same file.
    #[wasm_bindgen(js_name = noteParts)]
    pub async fn note_parts(&mut self, upload: &mut VaultUpload) -> Result<()> {
        Ok(self.inner.note_parts(&mut upload.upload).await?)
    }

    /// Commits a content whose parts are all stored.
    #[wasm_bindgen(js_name = endUpload, unchecked_return_type = "VaultItem")]
    pub async fn end_upload(&mut self, kc: &str, upload: &mut VaultUpload, about: VaultAbout) -> Result<JsValue> {
        let size = whole(about.size())?;
        let keep = about.keep().map(whole).transpose()?;
        let about = About {
            media_type: about.media_type(),
            modified: about.modified().map(whole).transpose()?,
            keep: keep.map(|keep| usize::try_from(keep).unwrap_or(usize::MAX)),
        };
        let VaultUpload { upload, path, .. } = upload;
        to_js(&self.inner.end_upload(kc, path, upload, size, &about).await?)
    }

    /// Opens the head of a content: that of a file, or the one that it had as a version.
    #[wasm_bindgen(js_name = openContent)]
    pub async fn open_content(&mut self, kc: &str, path: &str, version: Option<f64>) -> Result<VaultContent> {
        let (path, version) = (VaultPath::parse(path)?, version.map(whole).transpose()?);
        let located = self.inner.with_files(kc, false, async |files| files.content(&path, version).await).await?;
        let head = self.inner.open_content(kc, &located).await?;
        let open = self.inner.open_files(kc, false).await?;
        VaultContent::new(located, head, open)
    }

    /// After parts could not be moved: does what makes it succeed, or throws why they could not. `attempt` counts
    /// from 0.
    #[wasm_bindgen(js_name = settleParts)]
    pub async fn settle_parts(&mut self, parts: &VaultParts, attempt: u32) -> Result<()> {
        let Some(error) = parts.take_failure() else { return Ok(()) };
        Ok(self.inner.settle_parts(&parts.inner, error, attempt).await?)
    }
}
