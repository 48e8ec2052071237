//! Values on their way: `{ type, value }`, where the type says what the bytes in the value are.

use crate::{
    fault::{Fault, Result},
    plain::object,
};
use js_sys::Uint8Array;
use keyfold_client::{Code, DecryptedValue, EncryptedValue, Value};
use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    /// A value and its type.
    #[wasm_bindgen(typescript_type = "WireValue")]
    pub type WireValue;

    #[wasm_bindgen(method, getter, structural, js_name = type)]
    fn kind(this: &WireValue) -> Option<String>;

    #[wasm_bindgen(method, getter, structural)]
    fn value(this: &WireValue) -> JsValue;
}

pub(crate) fn from_js(wire: &WireValue) -> Result<Value> {
    let value = wire.value();
    let parsed = match wire.kind().as_deref() {
        Some("text") => value.as_string().map(Value::Text),
        Some("json") => value.as_string().map(Value::Json),
        Some("number") => value.as_f64().map(Value::Number),
        Some("boolean") => value.as_bool().map(Value::Boolean),
        Some("date") => value.as_f64().filter(|ms| ms.fract() == 0.0).map(|ms| Value::Date(ms as i64)),
        Some("bytes") => value.dyn_ref::<Uint8Array>().map(|bytes| Value::Bytes(bytes.to_vec())),
        _ => None,
    };
    parsed.ok_or_else(|| Fault::new(Code::Unsupported, "this cannot be a value"))
}

fn to_js(value: &Value) -> JsValue {
    let (kind, value) = match value {
        Value::Text(text) => ("text", text.into()),
        Value::Json(text) => ("json", text.into()),
        Value::Number(number) => ("number", (*number).into()),
        Value::Boolean(flag) => ("boolean", (*flag).into()),
        // JavaScript's dates end before a number stops being exact.
        Value::Date(ms) => ("date", (*ms as f64).into()),
        Value::Bytes(bytes) => ("bytes", Uint8Array::from(bytes.as_slice()).into()),
    };
    object([("type", kind.into()), ("value", value)])
}

pub(crate) fn encrypted(encrypted: &EncryptedValue) -> JsValue {
    object([("text", (&encrypted.text).into()), ("stale", encrypted.stale.into())])
}

pub(crate) fn decrypted(opened: &DecryptedValue) -> JsValue {
    object([
        ("value", to_js(&opened.value)),
        ("keychainFingerprint", (&opened.keychain_fingerprint).into()),
        ("keyFingerprint", (&opened.key_fingerprint).into()),
        ("keyNumber", opened.key_number.into()),
        ("current", opened.current.into()),
    ])
}
