//! What a file needs of a session: its head sealed or opened, its author's signature made or checked. Bytes move
//! without it.

use super::Session;
use crate::{
    fault::{Fault, Result},
    file_opener::FileOpener,
    file_sealer::FileSealer,
    plain::{object, texts, whole},
};
use js_sys::Uint8Array;
use keyfold_client::{
    TrailerCheck,
    envelope::{Metadata, Options},
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// How to seal a file.
    #[wasm_bindgen(typescript_type = "SealFileOptions")]
    pub type SealFileOptions;

    #[wasm_bindgen(method, getter, structural)]
    fn context(this: &SealFileOptions) -> Uint8Array;

    #[wasm_bindgen(method, getter, structural)]
    fn name(this: &SealFileOptions) -> Option<String>;

    #[wasm_bindgen(method, getter, structural, js_name = mediaType)]
    fn media_type(this: &SealFileOptions) -> Option<String>;

    #[wasm_bindgen(method, getter, structural)]
    fn modified(this: &SealFileOptions) -> Option<f64>;

    #[wasm_bindgen(method, getter, structural)]
    fn padded(this: &SealFileOptions) -> bool;

    #[wasm_bindgen(method, getter, structural)]
    fn sign(this: &SealFileOptions) -> bool;
}

#[wasm_bindgen]
impl Session {
    /// Seals the head of a file to the current keys of keychains.
    #[wasm_bindgen(js_name = sealFile)]
    pub async fn seal_file(&mut self, kcs: Vec<String>, options: SealFileOptions) -> Result<FileSealer> {
        let context = options.context().to_vec();
        let modified = options.modified().map(whole).transpose()?;
        let metadata = Metadata { name: options.name(), media_type: options.media_type(), modified };
        let options = Options {
            context: &context,
            metadata: (metadata != Metadata::default()).then_some(&metadata),
            padded: options.padded(),
            trailer: options.sign(),
        };
        Ok(FileSealer::new(self.inner.seal_head(&texts(&kcs), &options).await?))
    }

    /// Opens the head of a file: its first bytes, as many as `headBytes` says.
    #[wasm_bindgen(js_name = openFile)]
    pub async fn open_file(&mut self, head: &[u8], context: &[u8]) -> Result<FileOpener> {
        let opened = self.inner.open_head(head, context).await?;
        let named = opened.opened_by().and_then(|fingerprint| self.inner.name_key(&fingerprint));
        FileOpener::new(opened, named)
    }

    /// Signs a file as its author, once its last segment was sealed. The 144 bytes that end the envelope.
    #[wasm_bindgen(js_name = signTrailer, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn sign_trailer(&self, sealer: &mut FileSealer) -> Result<Uint8Array> {
        let trailer = self.inner.sign_trailer(sealer.unsigned_trailer()?)?;
        Ok(Uint8Array::from(trailer.as_slice()))
    }

    /// Whose signature a file has, once its last segment was opened. `unchecked` if the server was not reached to
    /// look the author up. A signature that does not verify is `Unauthentic`.
    #[wasm_bindgen(js_name = checkTrailer, unchecked_return_type = "TrailerCheck")]
    pub async fn check_trailer(&mut self, opener: &FileOpener) -> Result<JsValue> {
        let Some(trailer) = opener.trailer()? else { return Err(Fault::out_of_turn()) };
        let (signed_by, unchecked) = match self.inner.check_trailer(trailer).await? {
            TrailerCheck::By(person) => (person.user_id.into(), false),
            TrailerCheck::Unchecked => (JsValue::NULL, true),
        };
        Ok(object([("signedBy", signed_by), ("unchecked", unchecked.into())]))
    }
}
