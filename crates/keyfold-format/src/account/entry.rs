//! The signed bytes of an account entry.
//!
//! Spec: `docs/spec/account-ledger.md`, "Entries".

use super::op::AccountOp;
use crate::{
    cbor,
    error::Malformed,
    id::{EntryHash, HolderId, ScopeId},
    limits,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

const VERSION: u8 = 1;
const FORM: u8 = 0;

/// What an author signs:
/// `[1, 0, scope / null, seq, prev / null, author, time, [op, …]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account; `None` in a genesis, which founds it.
    pub scope: Option<ScopeId>,
    /// Number of the entry.
    pub seq: u64,
    /// Hash of the one before; `None` in a genesis.
    pub prev: Option<EntryHash>,
    /// The device or recovery method that signs.
    pub author: HolderId,
    /// The author's claim, in milliseconds since 1970.
    pub time: u64,
    /// An atomic batch.
    pub ops: Vec<AccountOp>,
}

impl Entry {
    /// From signed bytes.
    pub fn decode(signed: &[u8]) -> Result<Self, Malformed> {
        cbor::check_version(signed, VERSION.into())?;
        cbor::decode_canonical(signed)
    }

    /// The bytes to sign.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl<C> Encode<C> for Entry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(8)?.u8(VERSION)?.u8(FORM)?.encode_with(self.scope, ctx)?.u64(self.seq)?;
        e.encode_with(self.prev, ctx)?.encode_with(self.author, ctx)?.u64(self.time)?;
        e.encode_with(&self.ops, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Entry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let len = d.array()?;
        if cbor::discriminant(d)? != VERSION || cbor::discriminant(d)? != FORM {
            return Err(cbor::unsupported());
        }
        if len != Some(8) {
            return Err(minicbor::decode::Error::message("array length"));
        }
        Ok(Self {
            scope: cbor::nullable(d, |d| d.decode_with(ctx))?,
            seq: cbor::number(d)?,
            prev: cbor::nullable(d, |d| d.decode_with(ctx))?,
            author: d.decode_with(ctx)?,
            time: cbor::number(d)?,
            ops: cbor::list(d, limits::ENTRY_OPS, |d| d.decode_with(ctx))?,
        })
    }
}
