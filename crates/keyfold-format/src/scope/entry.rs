//! The signed bytes of an entry of a keychain or group: an ordinary one, or a placed one.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Entries".

use super::op::Op;
use crate::{
    Malformed, cbor,
    entry::Cite,
    id::{EntryHash, ScopeId},
    limits,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError};

const VERSION: u8 = 1;

/// What an author signs under `KF1 entry`:
/// `[1, 1 keychain | 2 group, scope / null, seq, prev / null, author, [via, …], [cite, …], time, [op, …]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether the scope is a group.
    pub group: bool,
    /// The scope; `None` in a genesis, which founds it.
    pub scope: Option<ScopeId>,
    /// Number of the entry.
    pub seq: u64,
    /// Hash of the one before; `None` in a genesis.
    pub prev: Option<EntryHash>,
    /// The account that signs.
    pub author: ScopeId,
    /// The groups through which the author acts, outermost first; each is cited too.
    pub via: Vec<ScopeId>,
    /// Heads as the author saw them; ascending by principal.
    pub cites: Vec<Cite>,
    /// The author's claim, in milliseconds since 1970.
    pub time: u64,
    /// An atomic batch.
    pub ops: Vec<Op>,
}

/// What an author signs under `KF1 placed entry`, for the server to place after whatever stands there:
/// `[1, 3 keychain | 4 group, scope, answered entry, author's cite, time, op]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whether the scope is a group.
    pub group: bool,
    /// The scope.
    pub scope: ScopeId,
    /// The entry that is answered.
    pub answers: EntryHash,
    /// The author and the head of his account.
    pub author: Cite,
    /// The author's claim, in milliseconds since 1970.
    pub time: u64,
    /// One op.
    pub op: Op,
}

/// Either of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeEntry {
    /// Bound to its place by `seq` and `prev`.
    Ordinary(Entry),
    /// Bound to what it answers.
    Placed(Placed),
}

impl ScopeEntry {
    /// From signed bytes.
    pub fn decode(signed: &[u8]) -> Result<Self, Malformed> {
        cbor::check_version(signed, VERSION.into())?;
        cbor::decode_canonical(signed)
    }

    /// The bytes to sign.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// The account that signs.
    pub fn author(&self) -> ScopeId {
        match self {
            Self::Ordinary(entry) => entry.author,
            Self::Placed(placed) => placed.author.principal,
        }
    }
}

impl<C> Encode<C> for ScopeEntry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Ordinary(entry) => {
                e.array(10)?.u8(VERSION)?.u8(1 + u8::from(entry.group))?.encode_with(entry.scope, ctx)?;
                e.u64(entry.seq)?.encode_with(entry.prev, ctx)?.encode_with(entry.author, ctx)?;
                e.encode_with(&entry.via, ctx)?.encode_with(&entry.cites, ctx)?.u64(entry.time)?;
                e.encode_with(&entry.ops, ctx)?.ok()
            }
            Self::Placed(placed) => {
                e.array(7)?.u8(VERSION)?.u8(3 + u8::from(placed.group))?.encode_with(placed.scope, ctx)?;
                e.encode_with(placed.answers, ctx)?.encode_with(placed.author, ctx)?.u64(placed.time)?;
                e.encode_with(&placed.op, ctx)?.ok()
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for ScopeEntry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        if cbor::discriminant(d)? != VERSION {
            return Err(cbor::unsupported());
        }
        match (cbor::discriminant(d)?, len) {
            (form @ (1 | 2), Some(10)) => Ok(Self::Ordinary(Entry {
                group: form == 2,
                scope: cbor::nullable(d, |d| d.decode_with(ctx))?,
                seq: cbor::number(d)?,
                prev: cbor::nullable(d, |d| d.decode_with(ctx))?,
                author: d.decode_with(ctx)?,
                via: cbor::list(d, limits::GROUP_DEPTH, |d| d.decode_with(ctx))?,
                cites: cbor::set(d, limits::CITES, |cite: &Cite| cite.principal, |d| d.decode_with(ctx))?,
                time: cbor::number(d)?,
                ops: ops(d, ctx)?,
            })),
            (form @ (3 | 4), Some(7)) => Ok(Self::Placed(Placed {
                group: form == 4,
                scope: d.decode_with(ctx)?,
                answers: d.decode_with(ctx)?,
                author: d.decode_with(ctx)?,
                time: cbor::number(d)?,
                op: d.decode_with(ctx)?,
            })),
            (1..=4, _) => Err(DecodeError::message("array length")),
            _ => Err(cbor::unsupported()),
        }
    }
}

/// An entry that does nothing is none.
fn ops<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<Op>, DecodeError> {
    let ops = cbor::list(d, limits::ENTRY_OPS, |d| d.decode_with(ctx))?;
    if ops.is_empty() { Err(DecodeError::message("no ops")) } else { Ok(ops) }
}
