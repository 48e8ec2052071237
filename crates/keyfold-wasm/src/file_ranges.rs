//! Parts of a file: which segments to read and open for a range, after the last one has shown that the file is whole.

use crate::{
    fault::{Fault, Result},
    file_opener::last_segment,
    plain::{object, whole},
};
use js_sys::Uint8Array;
use keyfold_client::{
    PayloadKey,
    envelope::{OpenedHead, RangePlan, UnprovenRangePlan},
};
use std::{mem, ops::Range};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// Ranges of one file. Its steps, in order: `takeKey`, `last`, `prove`; then `touching` and `segment` as often as one
/// likes.
#[wasm_bindgen]
pub struct FileRanges {
    key: Option<PayloadKey>,
    stage: Stage,
}

enum Stage {
    Unproven(UnprovenRangePlan),
    Proven(RangePlan),
    Spent,
}

#[wasm_bindgen]
impl FileRanges {
    /// The payload key, once. The caller imports it, not extractable, and wipes these bytes.
    #[wasm_bindgen(js_name = takeKey, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn take_key(&mut self) -> Result<Uint8Array> {
        let key = self.key.take().ok_or_else(Fault::out_of_turn)?;
        Ok(Uint8Array::from(key.expose().as_slice()))
    }

    /// Where the last segment lies in the body, and how to open it.
    #[wasm_bindgen(unchecked_return_type = "Place & LastSegment")]
    pub fn last(&self) -> Result<JsValue> {
        let Stage::Unproven(plan) = &self.stage else { return Err(Fault::out_of_turn()) };
        let last = last_segment(plan.ending());
        Ok(js_sys::Object::assign(&place(plan.last()).into(), &last.into()).into())
    }

    /// Takes what the last segment held. Gives the length of the whole plaintext.
    pub fn prove(&mut self, opened: Vec<u8>) -> Result<f64> {
        let opened = Zeroizing::new(opened);
        let Stage::Unproven(plan) = mem::replace(&mut self.stage, Stage::Spent) else {
            return Err(Fault::out_of_turn());
        };
        let plan = plan.prove(&opened)?;
        // At most 2⁴⁰: exact.
        let len = plan.len() as f64;
        self.stage = Stage::Proven(plan);
        Ok(len)
    }

    /// The segments that hold a range of the plaintext, which is cut off at its end: from `start` to before `end`.
    #[wasm_bindgen(unchecked_return_type = "Place")]
    pub fn touching(&self, start: f64, end: f64) -> Result<JsValue> {
        let touched = self.proven()?.touching(&(whole(start)?..whole(end)?));
        Ok(object([("start", touched.start.into()), ("end", touched.end.into())]))
    }

    /// Where a segment lies in the body, what opens it, and which part of what it holds is of the range.
    #[wasm_bindgen(unchecked_return_type = "RangeSegment")]
    pub fn segment(&self, index: u32, start: f64, end: f64) -> Result<JsValue> {
        let plan = self.proven()?;
        let lies = plan.sealed_range(index).ok_or_else(Fault::out_of_turn)?;
        let part = plan.part(index, &(whole(start)?..whole(end)?))?;
        Ok(object([
            ("sealed", place(lies)),
            ("nonce", Uint8Array::from(plan.nonce(index).bytes().as_slice()).into()),
            ("start", part.start.into()),
            ("end", part.end.into()),
        ]))
    }
}

impl FileRanges {
    pub(crate) fn new(head: &OpenedHead, body: f64) -> Result<Self> {
        let (key, plan) = head.ranges(whole(body)?)?.hand_over();
        Ok(Self { key: Some(key), stage: Stage::Unproven(plan) })
    }

    fn proven(&self) -> Result<&RangePlan> {
        match &self.stage {
            Stage::Proven(plan) => Ok(plan),
            _ => Err(Fault::out_of_turn()),
        }
    }
}

/// A range of bytes; at most 2⁴¹, so the numbers are exact.
fn place(range: Range<u64>) -> JsValue {
    object([("start", (range.start as f64).into()), ("end", (range.end as f64).into())])
}
