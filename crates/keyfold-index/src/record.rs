//! The root record: what an index is at one moment, signed by who made it so, and how it descends from what was before.
//!
//! Spec: `docs/spec/index.md`, "The root record".

use crate::{
    change::{Changes, framed, put_changes, unframed},
    error::Result,
    former::{Former, Headers, generations},
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

/// A record without its body and the former ones that its header names, at most: two lengths, nine heads, 9 bytes of
/// numbers each, five hashes and a signature.
const LONGEST_FRAME: usize = 320;
/// A former record in a header, at most.
const LONGEST_FORMER: usize = 76;

/// The hash of a record's header.
pub(crate) type RecordHash = [u8; 32];

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) index: IndexId,
    /// From 0, one more with each record.
    pub(crate) generation: u64,
    pub(crate) author: Author,
    /// Those of [`generations`], in that order.
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
    /// Of the records just before this one.
    pub(crate) headers: Headers,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl SignedHeader {
    /// `H("KF1 index record", header)`
    pub(crate) fn hash(&self) -> RecordHash {
        hash(HashLabel::IndexRecord, &[&self.bytes])
    }
}

/// `H("KF1 index body", body)`
pub(crate) fn body_hash(body: &[u8]) -> [u8; 32] {
    hash(HashLabel::IndexBody, &[body])
}

/// What a record that names these former ones takes at most, framed.
pub(crate) fn length(former: &[Former], body: &Body) -> usize {
    let body = Zeroizing::new(cbor::encode(body));
    LONGEST_FRAME + LONGEST_FORMER * former.len() + body.len()
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

/// `[object id, key number] / null`
pub(crate) fn put_place<W: Write>(e: &mut Encoder<W>, at: Option<&At>) -> Result<(), EncodeError<W::Error>> {
    match at {
        None => e.null()?.ok(),
        Some(at) => {
            e.array(2)?;
            put_at(e, at)
        }
    }
}

pub(crate) fn take_place(d: &mut Decoder<'_>) -> Result<Option<At>, DecodeError> {
    cbor::nullable(d, |d| {
        cbor::array(d, 2)?;
        take_at(d)
    })
}

impl<C> Encode<C> for Header {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(8)?.u8(VERSION)?.bytes(&self.index.0)?.u64(self.generation)?;
        e.bytes(&self.author.account.0)?.u64(self.author.head.seq)?.bytes(&self.author.head.hash.0)?;
        e.array(self.former.len() as u64)?;
        for former in &self.former {
            e.array(2)?.bytes(&former.hash)?;
            put_place(e, former.at.as_ref())?;
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
        let mut named = generations(generation);
        let former = cbor::list(d, POWERS, |d| {
            let generation = named.next().ok_or_else(|| DecodeError::message("a record before the first"))?;
            cbor::array(d, 2)?;
            Ok(Former { generation, hash: cbor::bytes_of(d)?, at: take_place(d)? })
        })?;
        if named.next().is_some() {
            return Err(DecodeError::message("a record does not name all that it descends from"));
        }
        Ok(Self { index, generation, author: Author { account, head }, former, body: cbor::bytes_of(d)? })
    }
}

impl<C> Encode<C> for Body {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(6)?.array(self.trees.len() as u64)?;
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
        put_changes(e, &self.changes)?;
        put_place(e, self.retired.as_ref())?;
        self.headers.encode(e, c)
    }
}

impl<'b, C> Decode<'b, C> for Body {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 6)?;
        let trees = cbor::list(d, MAX_TREES, |d| {
            cbor::nullable(d, |d| {
                cbor::array(d, 4)?;
                let level = d.u8()?;
                let object = ObjectId(cbor::bytes_of(d)?);
                Ok(Top { level, child: Child { object, key: d.u32()?, count: d.u64()? } })
            })
        })?;
        let inline = cbor::nullable(d, |d| Ok(Zeroizing::new(d.bytes()?.to_vec())))?;
        let primary = trees.first().copied().flatten();
        let is_inline = primary.is_none_or(|top| top.child.at() == At { object: ObjectId([0; 32]), key: 0 });
        if !is_inline || primary.is_some() != inline.is_some() || trees.last().is_some_and(Option::is_none) {
            return Err(DecodeError::message("trees and their topmost nodes"));
        }
        let segments = cbor::list(d, SEGMENTS, |d| {
            cbor::array(d, 3)?;
            Ok(Segment { at: take_at(d)?, count: d.u32()? })
        })?;
        let Changes(changes) = Changes::decode(d, c)?;
        let retired = take_place(d)?;
        Ok(Self { trees, inline, segments, changes, retired, headers: Headers::decode(d, c)? })
    }
}
