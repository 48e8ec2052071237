//! Taking in what happened, and telling it.

use super::Session;
use crate::{
    fault::{Fault, Result},
    plain::{self, to_js, whole},
    subscription::{Subscription, decode},
};
use js_sys::Uint8Array;
use keyfold_client::{
    ClientEvent, Code,
    events::{News, ServerFrame},
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// Events, and the number of the next one.
#[derive(Serialize)]
struct Journal {
    events: Vec<ClientEvent>,
    next: u64,
}

#[wasm_bindgen]
impl Session {
    /// Takes in everything that happened, except in the keychains that it answers.
    #[wasm_bindgen(js_name = catchUpAll, unchecked_return_type = "Stopped[]")]
    pub async fn catch_up_all(&mut self) -> Result<JsValue> {
        plain::stopped(&self.inner.catch_up_all().await?)
    }

    /// Takes in events, given as the frames in which they arrived. Answers the keychains that were left as they
    /// were.
    #[wasm_bindgen(unchecked_return_type = "Stopped[]")]
    pub async fn apply(&mut self, events: Vec<Uint8Array>) -> Result<JsValue> {
        let event = |frame: &Uint8Array| match decode(&frame.to_vec())? {
            ServerFrame::Event(event) => Ok(News::Event(event)),
            ServerFrame::Wraps(wraps) => Ok(News::Wraps(wraps.scope)),
            ServerFrame::Reference(news) => Ok(News::Reference(news)),
            ServerFrame::Enrolment(news) => Ok(News::Enrolment(news.device)),
            _ => Err(Fault::new(Code::BadServerSignature, "this frame is no event")),
        };
        let events = events.iter().map(event).collect::<Result<Vec<_>>>()?;
        plain::stopped(&self.inner.apply(&events).await?)
    }

    /// Events from number `from` on, and the number of the next one.
    #[wasm_bindgen(unchecked_return_type = "Journal")]
    pub async fn journal(&mut self, from: f64) -> Result<JsValue> {
        let (events, next) = self.inner.journal(whole(from)?).await?;
        to_js(&Journal { events, next })
    }

    /// The first event that nobody was told.
    pub fn untold(&self) -> f64 {
        // Nobody lives to see 2⁵³ events.
        self.inner.untold() as f64
    }

    /// Remembers that all events before `number` were told.
    #[wasm_bindgen(js_name = tellUntil)]
    pub async fn tell_until(&mut self, number: f64) -> Result<()> {
        Ok(self.inner.tell_until(whole(number)?).await?)
    }

    /// To follow events from now on. `LoggedOut`.
    pub fn subscription(&self) -> Result<Subscription> {
        Ok(Subscription::new(self.inner.subscription()?))
    }
}
