//! Errors as JavaScript throws them: an `Error` whose own properties are `code`, `hint`, `retryable` and `class`.
//! Apart from the rest because every call ends here.

use keyfold_client::{Class, Code, Error, envelope::EnvelopeError};
use wasm_bindgen::JsValue;

/// What every exported call answers.
pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// An error on its way to JavaScript.
#[derive(Debug)]
pub struct Fault(Error);

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Error::new(code, message))
    }

    /// The caller did one step before another, or twice: a bug of ours.
    pub(crate) fn out_of_turn() -> Self {
        Self::new(Code::Internal, "this step of a file is not the next one")
    }

    /// The caller gave what no caller may.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(Code::Malformed, message)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<EnvelopeError> for Fault {
    fn from(fault: EnvelopeError) -> Self {
        Self(fault.into())
    }
}

impl From<Fault> for JsValue {
    fn from(Fault(error): Fault) -> Self {
        let thrown = js_sys::Error::new(&error.message);
        let set = |name: &str, value: JsValue| {
            // Setting a property of an object that was made a moment ago cannot fail.
            _ = js_sys::Reflect::set(&thrown, &name.into(), &value);
        };
        set("code", error.code.as_str().into());
        set("hint", error.hint.as_deref().map_or(Self::UNDEFINED, Self::from));
        set("retryable", error.retryable().into());
        set("class", class(error.class()).into());
        thrown.into()
    }
}

const fn class(class: Class) -> &'static str {
    match class {
        Class::Usage => "usage",
        Class::NotAllowed => "notAllowed",
        Class::NotFound => "notFound",
        Class::Unverified => "unverified",
        Class::Network => "network",
        _ => "failed",
    }
}
