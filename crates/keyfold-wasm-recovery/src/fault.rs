//! Errors as JavaScript throws them: an `Error` with the `code` of one of the stable codes.

use wasm_bindgen::JsValue;

/// What every exported call answers.
pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// An error on its way to JavaScript.
#[derive(Debug)]
pub struct Fault {
    code: &'static str,
    message: String,
}

impl Fault {
    /// `code` is the name of one of keyfold-protocol's codes, which this module does without.
    pub(crate) fn new(code: &'static str, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }
}

impl From<Fault> for JsValue {
    fn from(fault: Fault) -> Self {
        let thrown = js_sys::Error::new(&fault.message);
        // Setting a property of an object that was made a moment ago cannot fail.
        _ = js_sys::Reflect::set(&thrown, &"code".into(), &fault.code.into());
        thrown.into()
    }
}
