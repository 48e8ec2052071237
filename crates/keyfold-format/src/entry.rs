//! What all ledgers share: a head, a signed entry as bytes, a citation of another ledger's head.
//!
//! Spec: `docs/spec/account-ledger.md`, "Entries".

use crate::{
    cbor,
    error::Malformed,
    id::{EntryHash, ScopeId, hash},
    key::Signature,
    label::HashLabel,
    limits,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// The newest entry of a ledger: its number, from 0, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Number of the entry; the genesis has 0.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
}

/// An entry as it is stored and sent: the signed bytes exactly as they were signed, and the signatures.
///
/// Nothing about it has been checked beyond its size and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEntry {
    /// What is signed.
    pub signed: Vec<u8>,
    /// The author's signature first, then those that the ops ask for.
    pub signatures: Vec<Signature>,
}

/// `H("KF1 entry hash", prev ‖ u64 seq ‖ signed bytes)`.
pub fn entry_hash(prev: EntryHash, seq: u64, signed: &[u8]) -> EntryHash {
    EntryHash(hash(HashLabel::EntryHash, &[&prev.0, &seq.to_be_bytes(), signed]))
}

impl SignedEntry {
    /// From its canonical encoding `[signed bytes, [signature, …]]`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > limits::ENTRY_BYTES {
            return Err(Malformed::TooLarge);
        }
        cbor::decode_canonical(bytes)
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Its hash at a place: [`entry_hash`].
    pub fn hash(&self, prev: EntryHash, seq: u64) -> EntryHash {
        entry_hash(prev, seq, &self.signed)
    }

    /// The id of the scope that this entry founds, if it is a genesis.
    pub fn scope_id(&self) -> ScopeId {
        self.hash(EntryHash::NONE, 0).into()
    }
}

/// The head of another ledger as an author saw it, and the number of exclusions up to there: for an account its
/// generation. The number lets replay notice an exclusion without that ledger; with it, the number is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cite {
    /// Whose ledger.
    pub principal: ScopeId,
    /// Its head.
    pub head: Head,
    /// Exclusions at or before that head.
    pub exclusions: u32,
}

impl<C> Encode<C> for Head {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.u64(self.seq)?.encode_with(self.hash, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Head {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 2)?;
        Ok(Self { seq: cbor::number(d)?, hash: d.decode_with(ctx)? })
    }
}

impl<C> Encode<C> for Cite {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(4)?
            .encode_with(self.principal, ctx)?
            .u64(self.head.seq)?
            .encode_with(self.head.hash, ctx)?
            .u32(self.exclusions)?
            .ok()
    }
}

impl<'b, C> Decode<'b, C> for Cite {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 4)?;
        Ok(Self {
            principal: d.decode_with(ctx)?,
            head: Head { seq: cbor::number(d)?, hash: d.decode_with(ctx)? },
            exclusions: d.u32()?,
        })
    }
}

impl<C> Encode<C> for SignedEntry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.bytes(&self.signed)?.array(self.signatures.len() as u64)?;
        for signature in &self.signatures {
            e.encode_with(signature, ctx)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for SignedEntry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 2)?;
        let signed = d.bytes()?;
        if signed.len() > limits::ENTRY_BYTES {
            return Err(cbor::fault(Malformed::TooLarge));
        }
        Ok(Self {
            signed: signed.to_vec(),
            signatures: cbor::list(d, limits::ENTRY_SIGNATURES, |d| d.decode_with(ctx))?,
        })
    }
}
