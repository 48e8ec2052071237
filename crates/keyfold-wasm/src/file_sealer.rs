//! A file on its way in: the head is sealed, and the plan of the body is followed by JavaScript with WebCrypto.

use crate::{
    fault::{Fault, Result},
    plain::{nonces, object},
};
use js_sys::Uint8Array;
use keyfold_client::{
    PayloadKey, SealedHead, base64url,
    envelope::{SealPlan, TailPlan, UnsignedTrailer},
};
use std::mem;
use wasm_bindgen::prelude::*;

/// One file that is sealed. Its steps, in order: `head`, `takeKey`, `segments` any number of times, `finish`, `tail`
/// until there is no more. With a signature every sealed byte passes `hash` in order, and `Session.signTrailer` gives
/// what ends the envelope.
#[wasm_bindgen]
pub struct FileSealer {
    head: Vec<u8>,
    keychains: Vec<String>,
    object: String,
    stale: bool,
    signed: bool,
    key: Option<PayloadKey>,
    stage: Stage,
}

enum Stage {
    Body(SealPlan),
    Tail(TailPlan),
    Spent,
}

#[wasm_bindgen]
impl FileSealer {
    /// What stands before the body.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn head(&self) -> Uint8Array {
        Uint8Array::from(self.head.as_slice())
    }

    /// The keychains that can open it.
    #[wasm_bindgen(js_name = keychainFingerprints, getter)]
    pub fn keychain_fingerprints(&self) -> Vec<String> {
        self.keychains.clone()
    }

    /// The object's id, base64url.
    #[wasm_bindgen(getter)]
    pub fn object(&self) -> String {
        self.object.clone()
    }

    /// Whether the server was not reached, so that a key may not be the newest.
    #[wasm_bindgen(getter)]
    pub fn stale(&self) -> bool {
        self.stale
    }

    /// Whether a trailer will follow.
    #[wasm_bindgen(getter)]
    pub fn signed(&self) -> bool {
        self.signed
    }

    /// The payload key, once. The caller imports it, not extractable, and wipes these bytes.
    #[wasm_bindgen(js_name = takeKey, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn take_key(&mut self) -> Result<Uint8Array> {
        let key = self.key.take().ok_or_else(Fault::out_of_turn)?;
        Ok(Uint8Array::from(key.expose().as_slice()))
    }

    /// The nonces, 12 bytes each, of the next `count` segments of 65,536 bytes that are not the last. Each is given
    /// once.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn segments(&mut self, count: usize) -> Result<Uint8Array> {
        let Stage::Body(plan) = &mut self.stage else { return Err(Fault::out_of_turn()) };
        Ok(nonces(plan.segments(count)?))
    }

    /// The sealed bytes, in order. Only needed with a signature.
    pub fn hash(&mut self, sealed: &[u8]) {
        match &mut self.stage {
            Stage::Body(plan) => plan.hash(sealed),
            Stage::Tail(plan) => plan.hash(sealed),
            Stage::Spent => {}
        }
    }

    /// So many bytes of plaintext are left: up to 65,536, and none only if no segment precedes them.
    pub fn finish(&mut self, rest: usize) -> Result<()> {
        let Stage::Body(plan) = mem::replace(&mut self.stage, Stage::Spent) else { return Err(Fault::out_of_turn()) };
        self.stage = Stage::Tail(plan.finish(rest)?);
        Ok(())
    }

    /// The next segment of the tail: `trueLength` if there is one, `rest` bytes of what was left, `zeros` zeros.
    /// Without padding there is exactly one.
    #[wasm_bindgen(unchecked_return_type = "TailSegment | undefined")]
    pub fn tail(&mut self) -> Result<JsValue> {
        let Stage::Tail(plan) = &mut self.stage else { return Err(Fault::out_of_turn()) };
        let Some(segment) = plan.next_segment()? else { return Ok(JsValue::UNDEFINED) };
        let length = segment.true_length.map(|length| Uint8Array::from(length.as_slice()));
        Ok(object([
            ("nonce", Uint8Array::from(segment.nonce.bytes().as_slice()).into()),
            ("trueLength", length.into()),
            ("rest", segment.rest.into()),
            ("zeros", segment.zeros.into()),
        ]))
    }
}

impl FileSealer {
    pub(crate) fn new(sealed: SealedHead) -> Self {
        let SealedHead { head, sealer, keychains, stale } = sealed;
        let (key, plan) = sealer.hand_over();
        Self {
            head,
            keychains: keychains.iter().map(ToString::to_string).collect(),
            object: base64url(plan.object().as_bytes()),
            stale,
            signed: plan.is_signed(),
            key: Some(key),
            stage: Stage::Body(plan),
        }
    }

    /// What the author signs, once the last segment was sealed and hashed.
    pub(crate) fn unsigned_trailer(&mut self) -> Result<UnsignedTrailer> {
        let Stage::Tail(plan) = mem::replace(&mut self.stage, Stage::Spent) else { return Err(Fault::out_of_turn()) };
        plan.end()?.trailer.ok_or_else(Fault::out_of_turn)
    }
}
