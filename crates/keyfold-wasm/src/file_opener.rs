//! A file on its way out, from its front: the head is open, and the plan of the body is followed by JavaScript with
//! WebCrypto.

use crate::{
    fault::{Fault, Result},
    file_ranges::FileRanges,
    plain::{nonces, object},
};
use js_sys::Uint8Array;
use keyfold_client::{
    NamedKey, PayloadKey, base64url,
    envelope::{Ending, LastPlan, OpenPlan, OpenedHead, UnverifiedTrailer},
};
use std::mem;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// One file that is opened. Its steps, in order: `takeKey`, then `segments` for what `ready` says, then at the end
/// of the input `last` and `finish`. With a signature every sealed byte passes `hash` in order, and
/// `Session.checkTrailer` says whose it is. Or, where any part can be read: `ranges`.
#[wasm_bindgen]
pub struct FileOpener {
    head: OpenedHead,
    named: Option<NamedKey>,
    key: Option<PayloadKey>,
    stage: Stage,
}

enum Stage {
    Body(OpenPlan),
    Last(LastPlan),
    Ended(Option<UnverifiedTrailer>),
    Spent,
}

#[wasm_bindgen]
impl FileOpener {
    /// What is known of the file before its body: the key that opened it, and what its writer says about it.
    #[wasm_bindgen(unchecked_return_type = "FileAbout")]
    pub fn about(&self) -> JsValue {
        let flags = self.head.flags();
        let metadata = self.head.metadata();
        let (named, key) = (self.named.as_ref(), self.head.opened_by());
        // Milliseconds that a Date can hold are exact; others are nobody's.
        let modified = metadata.and_then(|about| about.modified).map(|ms| ms as f64);
        object([
            ("object", base64url(self.head.object().as_bytes()).into()),
            ("keychainFingerprint", named.map(|named| named.keychain.to_string()).into()),
            ("keyFingerprint", key.map(|key| key.to_string()).into()),
            ("keyNumber", named.map(|named| named.number).into()),
            ("current", named.is_some_and(|named| named.current).into()),
            ("signed", flags.trailer.into()),
            ("padded", flags.padded.into()),
            ("name", metadata.and_then(|about| about.name.as_deref()).into()),
            ("mediaType", metadata.and_then(|about| about.media_type.as_deref()).into()),
            ("modified", modified.into()),
        ])
    }

    /// The payload key, once. The caller imports it, not extractable, and wipes these bytes.
    #[wasm_bindgen(js_name = takeKey, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn take_key(&mut self) -> Result<Uint8Array> {
        let key = self.key.take().ok_or_else(Fault::out_of_turn)?;
        Ok(Uint8Array::from(key.expose().as_slice()))
    }

    /// How many of `buffered` bytes, from the front, are segments that cannot be the last: a multiple of 65,552.
    pub fn ready(&self, buffered: usize) -> Result<usize> {
        let Stage::Body(plan) = &self.stage else { return Err(Fault::out_of_turn()) };
        Ok(plan.ready(buffered))
    }

    /// The nonces, 12 bytes each, of the next `count` sealed segments that are not the last.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn segments(&mut self, count: usize) -> Result<Uint8Array> {
        let Stage::Body(plan) = &mut self.stage else { return Err(Fault::out_of_turn()) };
        Ok(nonces(plan.segments(count)?))
    }

    /// The sealed bytes, in order. Only needed with a signature.
    pub fn hash(&mut self, sealed: &[u8]) {
        match &mut self.stage {
            Stage::Body(plan) => plan.hash(sealed),
            Stage::Last(plan) => plan.hash(sealed),
            Stage::Ended(_) | Stage::Spent => {}
        }
    }

    /// The next `len` bytes of plaintext, in order, end in `zeros` zero bytes. Only needed with padding.
    pub fn passed(&mut self, len: u32, zeros: u32) -> Result<()> {
        let Stage::Body(plan) = &mut self.stage else { return Err(Fault::out_of_turn()) };
        plan.passed(len.into(), zeros.into());
        Ok(())
    }

    /// The input has ended with `left` bytes left: how to open the last segment in them.
    #[wasm_bindgen(unchecked_return_type = "LastSegment")]
    pub fn last(&mut self, left: usize) -> Result<JsValue> {
        let Stage::Body(plan) = mem::replace(&mut self.stage, Stage::Spent) else { return Err(Fault::out_of_turn()) };
        let plan = plan.last(left)?;
        let last = last_segment(plan.ending());
        self.stage = Stage::Last(plan);
        Ok(last)
    }

    /// Takes what the last segment held, and the bytes after it. Gives where in it the end of the plaintext lies.
    /// Only now anything of the file may be called decrypted.
    #[wasm_bindgen(unchecked_return_type = "FileEnd")]
    pub fn finish(&mut self, opened: Vec<u8>, trailer: &[u8]) -> Result<JsValue> {
        let opened = Zeroizing::new(opened);
        let Stage::Last(plan) = mem::replace(&mut self.stage, Stage::Spent) else { return Err(Fault::out_of_turn()) };
        let (text, end) = plan.finish(&opened, trailer)?;
        self.stage = Stage::Ended(end.trailer);
        // At most 2⁴⁰: exact.
        let size = end.len as f64;
        Ok(object([("start", text.start.into()), ("end", text.end.into()), ("size", size.into())]))
    }

    /// For a file any part of which can be read, whose body has so many bytes.
    pub fn ranges(&self, body: f64) -> Result<FileRanges> {
        FileRanges::new(&self.head, body)
    }
}

impl FileOpener {
    pub(crate) fn new(head: OpenedHead, named: Option<NamedKey>) -> Result<Self> {
        let (key, plan) = head.opener()?.hand_over();
        Ok(Self { head, named, key: Some(key), stage: Stage::Body(plan) })
    }

    /// The author's signature, if there is one, once the end was seen.
    pub(crate) fn trailer(&self) -> Result<Option<&UnverifiedTrailer>> {
        match &self.stage {
            Stage::Ended(trailer) => Ok(trailer.as_ref()),
            _ => Err(Fault::out_of_turn()),
        }
    }
}

/// How the last segment is opened.
pub(crate) fn last_segment(ending: &Ending) -> JsValue {
    let cut = ending.cut_nonce().map(|nonce| Uint8Array::from(nonce.bytes().as_slice()));
    object([
        ("sealedBytes", ending.sealed_bytes().into()),
        ("nonce", Uint8Array::from(ending.nonce().bytes().as_slice()).into()),
        ("cutNonce", cut.into()),
    ])
}

/// What to throw when a segment does not open: of the last one, whether `cutNonce` opened the first 65,552 bytes of
/// what was left.
#[wasm_bindgen(js_name = unopened, unchecked_return_type = "Fault")]
pub fn unopened(opened_as_another: bool) -> JsValue {
    Fault::from(Ending::verdict(opened_as_another)).into()
}
