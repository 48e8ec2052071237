//! A verified state as bytes, for its owner's own store: replay then starts where it stopped.
//!
//! A snapshot proves nothing. It is only to be read back from where nobody else writes, sealed or on one's own disk.

use super::{
    key_set::KeySet,
    ledger::Ledger,
    op::{Algorithm, KeyEntry},
    state::{Anchored, Member, MemberGroup, PendingShare, Proposal, State},
};
use crate::{
    Malformed, cbor,
    entry::Head,
    id::ScopeId,
    limits,
    sorted::{SortedMap, SortedSet},
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError};

/// Changes with every change of the encoding; an older snapshot is dropped and the ledger replayed.
const VERSION: u8 = 4;

impl Ledger {
    /// The state as bytes.
    pub fn to_snapshot(&self) -> Vec<u8> {
        cbor::encode(&self.state)
    }

    /// Back from bytes that [`Self::to_snapshot`] made; `Unsupported` when another release did.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut d = Decoder::new(bytes);
        let state = d.decode().map_err(cbor::classify)?;
        if d.position() == bytes.len() { Ok(Self { state }) } else { Err(Malformed::Encoding) }
    }

    /// The head in a snapshot of any release: what a client has seen, when it must replay the rest.
    pub fn head_of_snapshot(bytes: &[u8]) -> Result<Head, Malformed> {
        let mut d = Decoder::new(bytes);
        let mut head = || -> Result<Head, DecodeError> {
            d.array()?;
            let (_version, _id): (u8, ScopeId) = (d.u8()?, d.decode()?);
            let (_algorithm, _rank, _creator): (u8, u16, ScopeId) = (d.u8()?, d.u16()?, d.decode()?);
            cbor::bytes_of::<32>(&mut d)?;
            d.decode()
        };
        head().map_err(cbor::classify)
    }
}

impl<C> Encode<C> for State {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(20)?.u8(VERSION)?.encode_with(self.id, ctx)?.u8(self.algorithm.number())?.u16(self.rank)?;
        e.encode_with(self.creator, ctx)?.bytes(&self.binding)?.encode_with(self.head, ctx)?.u64(self.time)?;
        e.array(self.owners.len() as u64)?;
        for owner in &self.owners {
            e.encode_with(owner, ctx)?;
        }
        e.array(self.members.len() as u64)?;
        for (id, member) in &self.members {
            e.array(2)?.encode_with(id, ctx)?.encode_with(member, ctx)?;
        }
        e.array(self.pending.len() as u64)?;
        for (id, share) in &self.pending {
            e.array(5)?.encode_with(id, ctx)?.encode_with(share.entry, ctx)?.encode_with(&share.terms, ctx)?;
            e.encode_with(share.author, ctx)?.encode_with(share.through, ctx)?;
        }
        e.array(self.bans.len() as u64)?;
        for banned in &self.bans {
            e.encode_with(banned, ctx)?;
        }
        e.encode_with(&self.keys, ctx)?;
        e.array(self.cited.len() as u64 + 1)?.bool(self.needs_rotation)?;
        for cite in self.cited.values() {
            e.encode_with(cite, ctx)?;
        }
        e.array(self.proposals.len() as u64)?;
        for Proposal { decision, approvals } in &self.proposals {
            e.array(2)?.encode_with(decision, ctx)?.encode_with(approvals, ctx)?;
        }
        e.array(self.groups.len() as u64)?;
        for (id, MemberGroup { key, clean, depth }) in &self.groups {
            e.array(4)?.encode_with(id, ctx)?.u32(*key)?.bool(*clean)?.u8(*depth)?;
        }
        e.u32(self.exclusions)?.encode_with(self.successor, ctx)?;
        e.u64(self.rotated_at)?.array(self.anchors.len() as u64)?;
        for (index, Anchored { generation, hash, seq, author }) in &self.anchors {
            e.array(5)?.encode_with(index, ctx)?.u64(*generation)?.bytes(hash)?.u64(*seq)?;
            e.encode_with(author, ctx)?;
        }
        e.ok()
    }
}

impl<'b, C> Decode<'b, C> for State {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        if d.u8()? != VERSION {
            return Err(cbor::unsupported());
        }
        if len != Some(20) {
            return Err(DecodeError::message("array length"));
        }
        let id = d.decode_with(ctx)?;
        let algorithm = Algorithm::from_number(d.u8()?).map_err(cbor::fault)?;
        let (rank, creator, binding) = (d.u16()?, d.decode_with(ctx)?, cbor::bytes_of(d)?);
        let (head, time): (Head, u64) = (d.decode_with(ctx)?, d.u64()?);
        let owners = cbor::list(d, limits::SCOPE_MEMBERS, |d| d.decode_with(ctx))?;
        let members = cbor::list(d, limits::SCOPE_MEMBERS, |d| {
            cbor::array(d, 2)?;
            Ok((d.decode_with(ctx)?, d.decode_with(ctx)?))
        })?;
        let pending = cbor::list(d, limits::SCOPE_MEMBERS, |d| {
            cbor::array(d, 5)?;
            let (id, entry, terms) = (d.decode_with(ctx)?, d.decode_with(ctx)?, d.decode_with(ctx)?);
            Ok((id, PendingShare { entry, terms, author: d.decode_with(ctx)?, through: d.decode_with(ctx)? }))
        })?;
        let bans = cbor::list(d, usize::MAX, |d| d.decode_with(ctx))?;
        let keys: Vec<KeyEntry> = cbor::list(d, limits::SCOPE_KEYS as usize, |d| d.decode_with(ctx))?;
        let cites = d.array()?.and_then(|n| n.checked_sub(1)).ok_or_else(|| DecodeError::message("cites"))?;
        let needs_rotation = d.bool()?;
        let mut cited = SortedMap::new();
        for _ in 0..cites {
            let cite: crate::entry::Cite = d.decode_with(ctx)?;
            cited.insert(cite.principal, cite);
        }
        let proposals = cbor::list(d, usize::MAX, |d| {
            cbor::array(d, 2)?;
            let decision = d.decode_with(ctx)?;
            Ok(Proposal { decision, approvals: cbor::list(d, limits::SCOPE_MEMBERS, |d| d.decode_with(ctx))? })
        })?;
        let groups = cbor::list(d, limits::SCOPE_MEMBERS, |d| {
            cbor::array(d, 4)?;
            let id = d.decode_with(ctx)?;
            Ok((id, MemberGroup { key: d.u32()?, clean: d.bool()?, depth: d.u8()? }))
        })?;
        let exclusions = d.u32()?;
        let successor = cbor::nullable(d, |d| d.decode_with(ctx))?;
        let rotated_at = d.u64()?;
        let anchors = cbor::list(d, limits::ANCHORS, |d| {
            cbor::array(d, 5)?;
            let index = d.decode_with(ctx)?;
            let (generation, hash, seq) = (d.u64()?, cbor::bytes_of(d)?, d.u64()?);
            Ok((index, Anchored { generation, hash, seq, author: d.decode_with(ctx)? }))
        })?;
        Ok(Self {
            id,
            algorithm,
            rank,
            creator,
            binding,
            head,
            time,
            owners: SortedSet::from_iter(owners),
            members: SortedMap::from_iter(members),
            pending: SortedMap::from_iter(pending),
            bans: SortedSet::from_iter(bans),
            numbers: keys.iter().map(|key| (key.fingerprint, key.number)).collect(),
            keys,
            cited,
            groups: SortedMap::from_iter(groups),
            exclusions,
            needs_rotation,
            proposals,
            successor,
            rotated_at,
            anchors: SortedMap::from_iter(anchors),
        })
    }
}

impl<C> Encode<C> for Member {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(10)?.encode_with(self.permissions, ctx)?.bool(self.read_only)?.encode_with(&self.keys, ctx)?;
        e.encode_with(&self.dropped, ctx)?
            .bool(self.follows)?
            .encode_with(self.history, ctx)?
            .encode_with(self.since, ctx)?
            .u64(self.since_time)?;
        e.encode_with(self.shared_by, ctx)?.encode_with(self.expires_at, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Member {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 10)?;
        Ok(Self {
            permissions: d.decode_with(ctx)?,
            read_only: d.bool()?,
            keys: KeySet::decode_up_to(d, usize::MAX)?,
            dropped: KeySet::decode_up_to(d, usize::MAX)?,
            follows: d.bool()?,
            history: cbor::nullable(d, Decoder::u32)?,
            since: d.decode_with(ctx)?,
            since_time: d.u64()?,
            shared_by: cbor::nullable(d, |d| d.decode_with(ctx))?,
            expires_at: cbor::nullable(d, Decoder::u64)?,
        })
    }
}
