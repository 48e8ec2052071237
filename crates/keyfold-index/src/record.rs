//! The root record: what an index is at one moment, signed by who made it so, and how it descends from what was before.
//!
//! Spec: `docs/spec/index.md`, "The root record".

use crate::{
    change::{Changes, framed, unframed},
    error::{IndexError, Result},
    limits::{MAX_TREES, SEGMENTS},
    node::Child,
    seal::{At, Author},
};
use keyfold_format::{EntryHash, IndexId, ObjectId, ScopeId, Signature, cbor, entry::Head, id::hash, label::HashLabel};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// A record names one former record for each power of two.
const POWERS: usize = 64;

/// The hash of a record's header.
pub(crate) type RecordHash = [u8; 32];

/// A former record: the newest before this one whose generation is a multiple of some power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) generation: u64,
    pub(crate) hash: RecordHash,
    /// Where its header is.
    pub(crate) at: At,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) index: IndexId,
    /// From 0, one more with each record.
    pub(crate) generation: u64,
    pub(crate) author: Author,
    /// For `k` = 0, 1, 2, …: the newest record before this one whose generation is a multiple of 2^k; up to the first
    /// that is generation 0.
    pub(crate) former: Vec<Former>,
    /// `H("KF1 index body", body)`
    pub(crate) body: [u8; 32],
}

/// A header, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedHeader {
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Signature,
}

/// A tree: nothing, or what its topmost node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Top {
    pub(crate) level: u8,
    pub(crate) child: Child,
}

/// A segment of the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) at: At,
    /// Changes in it.
    pub(crate) count: u32,
}

/// What a record holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    /// By number; the last one is not empty.
    pub(crate) trees: Vec<Option<Top>>,
    /// The primary's topmost node, which is then no object.
    pub(crate) inline: Option<Zeroizing<Vec<u8>>>,
    /// Oldest first.
    pub(crate) segments: Vec<Segment>,
    /// After those of the segments.
    pub(crate) changes: Vec<crate::change::Change>,
    /// The newest list of what was replaced.
    pub(crate) retired: Option<At>,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Those that the record after this one names. `at` is where this one's header is.
    pub(crate) fn former_of_next(&self, hash: RecordHash, at: At) -> Vec<Former> {
        let this = Former { generation: self.generation, hash, at };
        let mut former = Vec::new();
        for power in 0..POWERS {
            let is_multiple = self.generation.trailing_zeros() as usize >= power;
            let newest = if is_multiple { Some(this) } else { self.former.get(power).or(self.former.last()).copied() };
            let Some(newest) = newest else { break };
            former.push(newest);
            if newest.generation == 0 {
                break;
            }
        }
        former
    }
}

impl SignedHeader {
    /// `H("KF1 index record", header)`
    pub(crate) fn hash(&self) -> RecordHash {
        hash(HashLabel::IndexRecord, &[&self.bytes])
    }

    /// The header, if it is one of this index.
    pub(crate) fn header(&self, index: &IndexId) -> Result<Header> {
        let header: Header = cbor::decode_canonical(&self.bytes)?;
        if header.index != *index {
            return Err(IndexError::Damaged("a record is of another index"));
        }
        let powers = header.former.iter().enumerate();
        let multiples = powers.clone().all(|(power, former)| {
            former.generation < header.generation && former.generation.trailing_zeros() as usize >= power
        });
        let ends = header.former.iter().position(|former| former.generation == 0);
        if !multiples
            || ends != header.former.len().checked_sub(1)
            || (header.generation > 0) == header.former.is_empty()
        {
            return Err(IndexError::Damaged("a record does not name those before it"));
        }
        if header.former.first().is_some_and(|former| former.generation + 1 != header.generation) {
            return Err(IndexError::Damaged("a record does not name the one before it"));
        }
        Ok(header)
    }
}

/// `H("KF1 index body", body)`
pub(crate) fn body_hash(body: &[u8]) -> [u8; 32] {
    hash(HashLabel::IndexBody, &[body])
}

/// `[header, signature, body]`, framed.
pub(crate) fn write(signed: &SignedHeader, body: &[u8]) -> Zeroizing<Vec<u8>> {
    framed(&Record { signed: signed.clone(), body: Zeroizing::new(body.to_vec()) })
}

pub(crate) struct Record {
    pub(crate) signed: SignedHeader,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

pub(crate) fn read(plain: &[u8]) -> Result<Record> {
    unframed(plain)
}

impl<C> Encode<C> for Record {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(3)?.bytes(&self.signed.bytes)?.bytes(&self.signed.signature.0)?.bytes(&self.body)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Record {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 3)?;
        let bytes = d.bytes()?.to_vec();
        let signature = Signature(cbor::bytes_of(d)?);
        Ok(Self { signed: SignedHeader { bytes, signature }, body: Zeroizing::new(d.bytes()?.to_vec()) })
    }
}

impl<C> Encode<C> for SignedHeader {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?.bytes(&self.bytes)?.bytes(&self.signature.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for SignedHeader {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        Ok(Self { bytes: d.bytes()?.to_vec(), signature: Signature(cbor::bytes_of(d)?) })
    }
}

fn put_at<W: Write>(e: &mut Encoder<W>, at: &At) -> Result<(), EncodeError<W::Error>> {
    e.bytes(&at.object.0)?.u32(at.key)?.ok()
}

fn take_at(d: &mut Decoder<'_>) -> Result<At, DecodeError> {
    Ok(At { object: ObjectId(cbor::bytes_of(d)?), key: d.u32()? })
}

impl<C> Encode<C> for Header {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(8)?.u8(VERSION)?.bytes(&self.index.0)?.u64(self.generation)?;
        e.bytes(&self.author.account.0)?.u64(self.author.head.seq)?.bytes(&self.author.head.hash.0)?;
        e.array(self.former.len() as u64)?;
        for former in &self.former {
            e.array(4)?.u64(former.generation)?.bytes(&former.hash)?;
            put_at(e, &former.at)?;
        }
        e.bytes(&self.body)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Header {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 8)?;
        if cbor::discriminant(d)? != VERSION {
            return Err(cbor::unsupported());
        }
        let index = IndexId(cbor::bytes_of(d)?);
        let generation = cbor::number(d)?;
        let account = ScopeId(cbor::bytes_of(d)?);
        let head = Head { seq: cbor::number(d)?, hash: EntryHash(cbor::bytes_of(d)?) };
        let former = cbor::list(d, POWERS, |d| {
            cbor::array(d, 4)?;
            Ok(Former { generation: cbor::number(d)?, hash: cbor::bytes_of(d)?, at: take_at(d)? })
        })?;
        Ok(Self { index, generation, author: Author { account, head }, former, body: cbor::bytes_of(d)? })
    }
}

impl<C> Encode<C> for Body {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(5)?.array(self.trees.len() as u64)?;
        for tree in &self.trees {
            match tree {
                None => e.null()?,
                Some(Top { level, child }) => {
                    let e = e.array(4)?.u8(*level)?.bytes(&child.object.0)?;
                    e.u32(child.key)?.u64(child.count)?
                }
            };
        }
        match &self.inline {
            None => e.null()?,
            Some(node) => e.bytes(node)?,
        };
        e.array(self.segments.len() as u64)?;
        for segment in &self.segments {
            e.array(3)?;
            put_at(e, &segment.at)?;
            e.u32(segment.count)?;
        }
        // Borrowed, not moved: a list of the record's own.
        Changes(self.changes.clone()).encode(e, c)?;
        match &self.retired {
            None => e.null()?.ok(),
            Some(at) => {
                e.array(2)?;
                put_at(e, at)
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Body {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 5)?;
        let trees = cbor::list(d, MAX_TREES, |d| {
            cbor::nullable(d, |d| {
                cbor::array(d, 4)?;
                let level = d.u8()?;
                let object = ObjectId(cbor::bytes_of(d)?);
                Ok(Top { level, child: Child { object, key: d.u32()?, count: d.u64()? } })
            })
        })?;
        let inline = cbor::nullable(d, |d| Ok(Zeroizing::new(d.bytes()?.to_vec())))?;
        let segments = cbor::list(d, SEGMENTS, |d| {
            cbor::array(d, 3)?;
            Ok(Segment { at: take_at(d)?, count: d.u32()? })
        })?;
        let Changes(changes) = Changes::decode(d, c)?;
        let retired = cbor::nullable(d, |d| {
            cbor::array(d, 2)?;
            take_at(d)
        })?;
        Ok(Self { trees, inline, segments, changes, retired })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_any_record_any_former_one_is_reached_in_few_steps() {
        let at = At { object: ObjectId([0; 32]), key: 1 };
        let author = Author { account: ScopeId([0; 32]), head: Head { seq: 0, hash: EntryHash([0; 32]) } };
        let mut headers: Vec<Header> = Vec::new();
        for generation in 0..1_500u64 {
            let former = headers.last().map_or(Vec::new(), |last| last.former_of_next(hash_of(last), at));
            let header = Header { index: IndexId([1; 32]), generation, author, former, body: [0; 32] };
            let signed = SignedHeader { bytes: header.encode(), signature: Signature([0; 64]) };
            assert_eq!(signed.header(&IndexId([1; 32])).unwrap(), header);
            headers.push(header);
        }
        for (from, to) in [(1_499, 0), (1_499, 1), (1_499, 777), (1_024, 1_023), (1_023, 3), (1_499, 1_498)] {
            let (mut now, mut steps) = (from, 0);
            while now > to {
                let far = headers[now].former.iter().rev().find(|former| former.generation >= to as u64).unwrap();
                assert_eq!(far.hash, hash_of(&headers[far.generation as usize]));
                now = far.generation as usize;
                steps += 1;
            }
            assert!(now == to && steps <= 22, "{from} to {to} in {steps}");
        }
    }

    fn hash_of(header: &Header) -> RecordHash {
        SignedHeader { bytes: header.encode(), signature: Signature([0; 64]) }.hash()
    }
}
