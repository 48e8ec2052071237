//! Frames of the event stream. An event says that a scope has a new head; what happened is read from the ledger,
//! which is signed. So the frames themselves need no signatures after the two sides have shown who they are.
//!
//! Spec: `docs/spec/http.md`, "Events".

use crate::{
    Code, limits,
    record::{Field, record},
    wire::ScopeKind,
};
use keyfold_format::{
    BadSignature, HolderId, Malformed, ScopeId, ServerId, Signature, VerifyingKey, cbor, key::signed_message,
    label::SignatureLabel,
};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

/// A place in the server's stream of events. Cursors only grow; they are the server's and mean nothing elsewhere.
pub type Cursor = u64;

/// In signatures, the cursor of a subscriber who has none.
const NO_CURSOR: u64 = u64::MAX;

record! {
    /// The server's first frame.
    Challenge {
        /// Random.
        nonce: [u8; 32],
    }

    /// The client's only frame.
    Subscribe {
        /// The device.
        device: HolderId,
        /// The last event that was applied; `None` for only what comes.
        after: Option<Cursor>,
        /// Random.
        nonce: [u8; 32],
        /// Seconds since 1970.
        created: u64,
        /// By the device, see [`Subscribe::message`].
        signature: Signature,
    }

    /// The server's answer, before the first event.
    Welcome {
        /// Where the stream starts: events follow that are after it.
        cursor: Cursor,
        /// By the server, see [`Welcome::message`].
        signature: Signature,
    }

    /// A scope has a new head.
    Event {
        /// To be sent as `after` next time, once this event is applied.
        cursor: Cursor,
        /// Which scope.
        scope: ScopeId,
        /// What it is.
        kind: ScopeKind,
        /// Number of its newest entry. Events of one scope that were missed may come as one.
        seq: u64,
        /// The account that wrote it.
        author: ScopeId,
    }

    /// Somebody lacks a wrap of this scope, or one has come beside those that came with its entries.
    WrapNews {
        /// Which scope.
        scope: ScopeId,
    }

    /// A device asks to be let into the account.
    EnrolmentNews {
        /// Which device.
        device: HolderId,
    }

    /// Something else stands under a reference of a keychain's vault.
    ReferenceNews {
        /// Which keychain.
        scope: ScopeId,
        /// Which reference.
        name: String,
    }

    /// The server ends the stream.
    Goodbye {
        /// Why.
        code: Code,
    }
}

impl Subscribe {
    /// What the device signs: `label ‖ 00 ‖ server id ‖ server nonce ‖ client nonce ‖ u64 cursor ‖ u64 created`.
    pub fn message(
        server: &ServerId,
        challenge: &Challenge,
        nonce: &[u8; 32],
        after: Option<Cursor>,
        created: u64,
    ) -> Vec<u8> {
        let parts: [&[u8]; 5] =
            [&server.0, &challenge.nonce, nonce, &after.unwrap_or(NO_CURSOR).to_be_bytes(), &created.to_be_bytes()];
        signed_message(SignatureLabel::Events, &parts)
    }

    /// Verifies with the device's key. The time is the caller's to compare.
    pub fn verify(&self, key: &VerifyingKey, server: &ServerId, challenge: &Challenge) -> Result<(), BadSignature> {
        let message = Self::message(server, challenge, &self.nonce, self.after, self.created);
        key.verify_message(&message, &self.signature)
    }
}

impl Welcome {
    /// What the server signs: `label ‖ 00 ‖ server nonce ‖ client nonce ‖ device id ‖ u64 cursor`.
    pub fn message(challenge: &Challenge, nonce: &[u8; 32], device: &HolderId, cursor: Cursor) -> Vec<u8> {
        let parts: [&[u8]; 4] = [&challenge.nonce, nonce, &device.0, &cursor.to_be_bytes()];
        signed_message(SignatureLabel::EventsWelcome, &parts)
    }

    /// Verifies with the pinned server key, against what was sent.
    pub fn verify(&self, key: &VerifyingKey, challenge: &Challenge, sent: &Subscribe) -> Result<(), BadSignature> {
        key.verify_message(&Self::message(challenge, &sent.nonce, &sent.device, self.cursor), &self.signature)
    }
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerFrame {
    /// First.
    Challenge(Challenge),
    /// Second.
    Welcome(Welcome),
    /// From then on.
    Event(Event),
    /// Last.
    Goodbye(Goodbye),
    /// Among the events, in no order with them.
    Wraps(WrapNews),
    /// Among the events, in no order with them.
    Enrolment(EnrolmentNews),
    /// Among the events, in no order with them.
    Reference(ReferenceNews),
}

/// What a stream tells after its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A scope has a new head.
    Event(Event),
    /// Wraps of a scope are wanted, or have come.
    Wraps(ScopeId),
    /// A device asks to be let into the account.
    Enrolment(HolderId),
    /// Something else stands under a reference of a keychain's vault.
    Reference(ReferenceNews),
}

impl News {
    /// Which scope it is about, if it is about one.
    pub fn scope(&self) -> Option<ScopeId> {
        match self {
            Self::Event(event) => Some(event.scope),
            Self::Wraps(scope) => Some(*scope),
            Self::Reference(news) => Some(news.scope),
            Self::Enrolment(_) => None,
        }
    }
}

impl ServerFrame {
    /// From the canonical encoding `[kind, body]`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > limits::FRAME_BYTES {
            return Err(Malformed::TooLarge);
        }
        cbor::decode_canonical(bytes)
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl<C> Encode<C> for ServerFrame {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?;
        match self {
            Self::Challenge(frame) => frame.put(e.u8(1)?),
            Self::Welcome(frame) => frame.put(e.u8(2)?),
            Self::Event(frame) => frame.put(e.u8(3)?),
            Self::Goodbye(frame) => frame.put(e.u8(4)?),
            Self::Wraps(frame) => frame.put(e.u8(5)?),
            Self::Enrolment(frame) => frame.put(e.u8(6)?),
            Self::Reference(frame) => frame.put(e.u8(7)?),
        }
    }
}

impl<'b, C> Decode<'b, C> for ServerFrame {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        match d.u8()? {
            1 => Field::take(d).map(Self::Challenge),
            2 => Field::take(d).map(Self::Welcome),
            3 => Field::take(d).map(Self::Event),
            4 => Field::take(d).map(Self::Goodbye),
            5 => Field::take(d).map(Self::Wraps),
            6 => Field::take(d).map(Self::Enrolment),
            7 => Field::take(d).map(Self::Reference),
            _ => Err(cbor::unsupported()),
        }
    }
}
