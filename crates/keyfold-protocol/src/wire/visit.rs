//! Devices that no account has yet: they sign in at the gate, and see one account at most.
//!
//! Spec: `docs/spec/http.md`, "Visits".

use super::LedgerPage;
use crate::{
    limits,
    record::{Field, listed, numbered, record},
};
use keyfold_format::{ScopeId, UserId, VerifyingKey, WrappingKey, cbor};
use minicbor::{
    Decoder, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

record! {
    /// `POST /v1/visits`, signed by the device with these keys.
    Visit {
        /// Its signing key.
        signing: VerifyingKey,
        /// Its wrapping key: the device's id is a hash of both.
        wrapping: WrappingKey,
        /// Whose it claims to be, and by what.
        proof: Proof,
    }

    /// The answer.
    Visiting {
        /// Whom the gate let in.
        user_id: UserId,
        /// The account that has this user id.
        account: Option<ScopeId>,
        /// When the visit ends, in milliseconds since 1970.
        expires_ms: u64,
    }

    /// `POST /v1/visits/passkey`, signed by the device with these keys: what the gate `passkey` asks it.
    AskForPasskey {
        /// Its signing key.
        signing: VerifyingKey,
        /// Its wrapping key.
        wrapping: WrappingKey,
        /// Under which name a new passkey is made; `None` to use one that is there.
        user_id: Option<UserId>,
    }

    /// The answer: it is for a page, and lasts a few minutes.
    PasskeyQuestion {
        /// `PublicKeyCredentialCreationOptions` or `PublicKeyCredentialRequestOptions` of WebAuthn, in JSON.
        options: Vec<u8>,
    }

    /// `POST /v1/visits/account`: the visitor's own.
    ReadAccount {
        /// The newest entry that is known; `None` for none.
        after: Option<u64>,
        /// For envelopes that came with entries before this one; `None` for the newest.
        before: Option<u64>,
    }

    /// The answer.
    OwnAccount {
        /// Of its ledger, what comes after the known entry.
        page: LedgerPage,
        /// The newest master-key envelopes before the entry that was named, oldest first; none if there are no more.
        master_keys: Vec<SealedMasterKeys>,
    }

    /// An envelope of master keys.
    SealedMasterKeys {
        /// The number of the entry that it came with.
        seq: u64,
        /// The envelope.
        envelope: Vec<u8>,
    }

    /// `POST /v1/visits/name`: whoever signed in lets go of his user id, which a new account may take then. The account
    /// that had it goes on for the devices that it has, and without a name. Refused at a gate that is open.
    ReleaseName {
        /// The account that has the name: another one keeps it.
        account: ScopeId,
    }

    /// The answer.
    NameReleased {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }

    /// `GET /v1/visits/enrolment`: answered when it is decided, or after 20 s.
    EnrolmentAnswer {
        /// How it stands.
        state: EnrolmentState,
    }
}

numbered! {
    /// What became of a device's wish to be let in.
    EnrolmentState {
        /// Nobody has answered yet.
        Waiting = 0,
        /// The account's ledger has the device: it logs in.
        LetIn = 1,
        /// It was declined, or its time is over.
        Ended = 2,
    }
}

listed!(SealedMasterKeys = limits::ENVELOPES);

/// What a gate asks for. `[0, user id]`, `[1, token]`, `[2, answer]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// The gate `open`: a claim.
    Open(UserId),
    /// The gate `oidc`: a token of the provider.
    Token(String),
    /// The gate `passkey`: a `PublicKeyCredential` of WebAuthn, in JSON, that answers what the device was asked last.
    Passkey(Vec<u8>),
}

impl Field for Proof {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?;
        match self {
            Self::Open(user_id) => user_id.put(e.u8(0)?),
            Self::Token(token) => token.put(e.u8(1)?),
            Self::Passkey(answer) => answer.put(e.u8(2)?),
        }
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        match d.u8()? {
            0 => Field::take(d).map(Self::Open),
            1 => Field::take(d).map(Self::Token),
            2 => Field::take(d).map(Self::Passkey),
            _ => Err(cbor::unsupported()),
        }
    }
}
