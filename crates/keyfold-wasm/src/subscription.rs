//! The event stream: JavaScript holds the socket, this knows what the frames on it say.

use crate::{
    fault::{Fault, Result},
    plain::to_js,
    session::Session,
};
use js_sys::Uint8Array;
use keyfold_client::{
    Code, Error, Unreachable,
    events::{Challenge, ServerFrame, Subscribe},
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// One connection's handshake and frames.
#[wasm_bindgen]
pub struct Subscription {
    inner: keyfold_client::Subscription,
    asked: Option<(Challenge, Subscribe)>,
}

/// What an event is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    keychain_fingerprint: Option<String>,
    /// The index that has changed.
    index_id: Option<String>,
}

#[wasm_bindgen]
impl Subscription {
    /// Where the socket is.
    #[wasm_bindgen(getter)]
    pub fn url(&self) -> String {
        self.inner.url()
    }

    /// Answers the server's first frame. What it gives is to be sent.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn answer(&mut self, session: &Session, frame: &[u8]) -> Result<Uint8Array> {
        let ServerFrame::Challenge(challenge) = decode(frame)? else { return Err(unexpected()) };
        let sent = session.inner.answer(&self.inner, &challenge)?;
        let bytes = Uint8Array::from(sent.encode().as_slice());
        self.asked = Some((challenge, sent));
        Ok(bytes)
    }

    /// The server's second frame: whether it signed for this very handshake. Events follow; what was before, a
    /// catch-up brings, which is to be done now.
    pub fn welcomed(&self, frame: &[u8]) -> Result<()> {
        let ServerFrame::Welcome(welcome) = decode(frame)? else { return Err(unexpected()) };
        let (challenge, sent) = self.asked.as_ref().ok_or_else(unexpected)?;
        Ok(self.inner.welcomed(challenge, sent, &welcome)?)
    }

    /// What any later frame is about. If the server says goodbye in it, that is thrown.
    #[wasm_bindgen(unchecked_return_type = "{ keychainFingerprint: string | null, indexId: string | null }")]
    pub fn event(&self, frame: &[u8]) -> Result<JsValue> {
        let about =
            |scope: Option<String>, index_id: Option<String>| to_js(&About { keychain_fingerprint: scope, index_id });
        match decode(frame)? {
            ServerFrame::Event(event) => about(Some(event.scope.to_string()), None),
            ServerFrame::Wraps(wraps) => about(Some(wraps.scope.to_string()), None),
            ServerFrame::Enrolment(_) => about(None, None),
            ServerFrame::Reference(news) => about(Some(news.scope.to_string()), Some(news.name)),
            _ => Err(unexpected()),
        }
    }
}

impl Subscription {
    pub(crate) const fn new(inner: keyfold_client::Subscription) -> Self {
        Self { inner, asked: None }
    }
}

/// A frame, unless it is a goodbye: that is an error, whenever it comes.
pub(crate) fn decode(frame: &[u8]) -> Result<ServerFrame> {
    match ServerFrame::decode(frame) {
        Ok(ServerFrame::Goodbye(goodbye)) => Err(farewell(goodbye.code)),
        Ok(frame) => Ok(frame),
        Err(_) => Err(unexpected()),
    }
}

fn farewell(code: Code) -> Fault {
    match code {
        Code::LoggedOut => Error::new(code, "this device is logged out").hint("Log in first."),
        Code::Unauthorized => Error::new(code, "the server does not take this device's signature"),
        Code::UnknownDevice => Error::new(code, "the server does not know this device"),
        // Whatever else ends a stream, a new one may start: nothing in it was the server's signed word.
        _ => Unreachable::new("it ended the stream of events").into(),
    }
    .into()
}

fn unexpected() -> Fault {
    Fault::new(Code::BadServerSignature, "the stream of events does not follow the protocol")
}
