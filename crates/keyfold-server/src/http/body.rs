//! Bodies of requests: how large, how long they may take, and how much memory all of them together. Apart from
//! [`super::signed`], which says who sent them and so what they may have.

use crate::domain::{Fault, fault, too_large};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use keyfold_protocol::{Code, Details, limits};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Body of a request by somebody who is not logged in: a sign-up takes less.
const STRANGER_BYTES: usize = 64 << 10;

/// Memory for bodies. Members' is apart from everybody else's, so that strangers cannot use it up.
pub(crate) struct Bodies {
    members: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    timeout: Duration,
}

/// A body, and its part of the memory, which is given back when this is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) memory: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// Room for so many bytes. A body takes at most `timeout` to arrive.
    pub(crate) fn new(memory: usize, timeout: Duration) -> Self {
        let strangers = memory / 4;
        let room = |bytes: usize| Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Self { members: room(memory - strangers), strangers: room(strangers), timeout }
    }

    /// Reads a body.
    pub(super) async fn read(&self, body: Body, member: bool) -> Result<Held, Fault> {
        let (room, most) =
            if member { (&self.members, limits::REQUEST_BODY_BYTES) } else { (&self.strangers, STRANGER_BYTES) };
        let late = |_| Err(fault(Code::Timeout, "the request's body did not arrive in time"));
        tokio::time::timeout(self.timeout, collect(body, room, most)).await.unwrap_or_else(late)
    }
}

async fn collect(mut body: Body, room: &Arc<Semaphore>, most: usize) -> Result<Held, Fault> {
    let (mut bytes, mut memory, mut seen) = (BytesMut::new(), None::<OwnedSemaphorePermit>, 0);
    let mut refused = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| fault(Code::Malformed, "the request's body did not arrive whole"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > limits::REQUEST_BODY_BYTES {
            return Err(refused.unwrap_or_else(|| too_large(most)));
        }
        if refused.is_some() {
            continue;
        }
        let taken = u32::try_from(data.len()).ok().and_then(|size| room.clone().try_acquire_many_owned(size).ok());
        refused = match taken {
            _ if seen > most => Some(too_large(most)),
            None => Some(
                fault(Code::ServerUnavailable, "the server has no room for the request")
                    .details(Details::RetryAfter(1)),
            ),
            Some(more) => {
                match &mut memory {
                    Some(memory) => memory.merge(more),
                    none => *none = Some(more),
                }
                bytes.extend_from_slice(&data);
                continue;
            }
        };
        // The rest is read and let go: who is still writing does not hear an answer.
        (bytes, memory) = (BytesMut::new(), None);
    }
    match refused {
        Some(refused) => Err(refused),
        None => Ok(Held { bytes: bytes.freeze(), memory }),
    }
}
