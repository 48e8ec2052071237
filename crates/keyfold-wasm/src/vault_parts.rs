//! Parts of files on their way to a storage and from it. Nothing here waits for the session.

use crate::{fault::Result, host::JsHost, plain::bytes_of};
use js_sys::{Array, Uint8Array};
use keyfold_client::{
    Error, OpenIndex,
    files::{Cut, Parts},
};
use std::{cell::RefCell, sync::Arc};
use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    /// How the server is reached: of a host, this is all that is asked of it.
    #[wasm_bindgen(typescript_type = "Pick<Host, 'exchange'>")]
    pub type JsLine;
}

/// The way of one file. After a failure `Session.settleParts` says what comes of it.
#[wasm_bindgen]
pub struct VaultParts {
    pub(crate) inner: Parts<JsHost>,
    cut: Cut,
    failure: RefCell<Option<Error>>,
}

#[wasm_bindgen]
impl VaultParts {
    /// Stores parts.
    pub async fn put(&self, parts: Vec<Uint8Array>) -> Result<()> {
        self.noting(self.inner.put(bytes_of(&parts)).await)
    }

    /// So many of the file's parts, from that number on, each what it was when it was put.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>[]")]
    pub async fn get(&self, first: usize, count: usize) -> Result<JsValue> {
        let parts = self.noting(self.inner.get(&self.cut, first, count).await)?;
        Ok(parts.iter().map(|part| JsValue::from(Uint8Array::from(part.as_slice()))).collect::<Array>().into())
    }
}

impl VaultParts {
    pub(crate) fn new(open: &Arc<OpenIndex<JsHost>>, line: JsLine, cut: Cut) -> Self {
        let inner = Parts::new(Arc::clone(open), line.unchecked_into());
        Self { inner, cut, failure: RefCell::default() }
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure.borrow_mut().take()
    }

    fn noting<T>(&self, outcome: keyfold_client::Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            *self.failure.borrow_mut() = Some(error.clone());
        }
        Ok(outcome?)
    }
}
