//! What an entry of a keychain or group does: the ops and their bytes.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Ops".

use super::key_set::KeySet;
use crate::{
    Malformed, Permissions, cbor,
    id::{EntryHash, IndexId, KeyFingerprint, ScopeId, hash},
    key::WrappingKey,
    label::HashLabel,
    limits,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError};

/// What kind of keys a scope has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// 0: 32-byte keys; members read and write.
    SecretBox,
    /// 1: key pairs; anybody writes with the public key, members read.
    SealedBox,
    /// 2: key pairs of a group, to which other scopes wrap.
    Group,
}

/// Somebody who can be a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// 0: a person.
    Account(ScopeId),
    /// 1: a group.
    Group(ScopeId),
}

impl Op {
    /// Whether it makes the next key.
    pub fn is_rotate(&self) -> bool {
        matches!(self, Self::Rotate(_))
    }
}

impl Principal {
    /// Whether it is a group.
    pub fn is_group(self) -> bool {
        matches!(self, Self::Group(_))
    }

    /// The account id or group id.
    pub fn id(self) -> ScopeId {
        let (Self::Account(id) | Self::Group(id)) = self;
        id
    }
}

/// One version of a scope's key, as everybody may see it:
/// `[number, fingerprint, public key / null, history commitment, history link / null, sealed name]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// From 1, without gaps.
    pub number: u32,
    /// Commitment to the key.
    pub fingerprint: KeyFingerprint,
    /// For key pairs: the public half.
    pub public: Option<WrappingKey>,
    /// Commitment to the history secret.
    pub history_commitment: [u8; 32],
    /// The previous key and its history secret, sealed under this key's history secret; `None` starts a segment.
    pub history_link: Option<Vec<u8>>,
    /// The purpose or name, sealed under this key.
    pub name: Vec<u8>,
}

/// `[0, nonce, algorithm, rank, key]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// 32 random bytes: nobody can make this scope again.
    pub nonce: [u8; 32],
    /// Fixes what the scope is.
    pub algorithm: Algorithm,
    /// A scope joins only what has a higher rank; a keychain has the highest, 65,535.
    pub rank: u16,
    /// Key 1.
    pub key: KeyEntry,
}

/// `[1, [[kind, principal], …], keys, permissions, follows, history from / null, read-only, expires at / null]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// With whom; ascending.
    pub principals: Vec<Principal>,
    /// Which keys.
    pub keys: KeySet,
    /// What else they may do.
    pub permissions: Permissions,
    /// Whether they get the keys that come later.
    pub follows: bool,
    /// The first key of the history that they can read back to.
    pub history: Option<u32>,
    /// Whether others refuse what they write.
    pub read_only: bool,
    /// When the share ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

/// `[6, share, principal]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelShare {
    /// The entry that made the share.
    pub share: EntryHash,
    /// Whose share.
    pub principal: ScopeId,
}

/// `[5, key]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropKey {
    /// The number of the key.
    pub key: u32,
}

/// `[7, share, principal]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expire {
    /// The entry that made the share.
    pub share: EntryHash,
    /// Whose share, or whose membership by it.
    pub principal: ScopeId,
}

/// What only owners decide together: `[14 add | 15 remove, account]`, `[16, scope]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// 14: a member becomes an owner.
    AddOwner(ScopeId),
    /// 15: an owner becomes a member without permissions.
    RemoveOwner(ScopeId),
    /// 16: another scope replaces this one.
    Successor(ScopeId),
}

/// `[8, principal, granted, withdrawn]`: what is in neither stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetPermissions {
    /// Whose permissions.
    pub principal: ScopeId,
    /// What he may do from now on; none of it is withdrawn too.
    pub granted: Permissions,
    /// What he may not do any more.
    pub withdrawn: Permissions,
}

/// `[10, principal]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who is out, and stays so until somebody who may shares with him.
    pub principal: ScopeId,
}

/// `[11, principal]`: the entry cites a newer head of somebody whom the scope reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observe {
    /// Whose head.
    pub principal: ScopeId,
}

/// `[17, [[index id, generation, record hash], …]]`: how far indexes of the keychain were when somebody read them who
/// knew the entries before this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Of which indexes; ascending by id, one at least.
    pub records: Vec<AnchoredRecord>,
}

/// A root record of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchoredRecord {
    /// Of which index.
    pub index: IndexId,
    /// Which record, from 0.
    pub generation: u64,
    /// `H("KF1 index record", header)`
    pub hash: [u8; 32],
}

/// `[9, key]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// The next key.
    pub key: KeyEntry,
}

/// What an entry does. Numbers 14 to 16 are [`Decision`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// 0: founds the scope.
    Genesis(Genesis),
    /// 1: shares keys with principals.
    Share(Share),
    /// 2, placed: takes a share.
    Accept,
    /// 3, placed: refuses a share.
    Decline,
    /// 4, placed: ends one's own membership.
    Leave,
    /// 5, placed: gives up one's own copy of a key.
    DropKey(DropKey),
    /// 6: withdraws a pending share.
    CancelShare(CancelShare),
    /// 7: ends a share that has an end.
    Expire(Expire),
    /// 8: changes what a member may do.
    SetPermissions(SetPermissions),
    /// 9: makes the next key.
    Rotate(Rotate),
    /// 10: ends somebody's membership, in one entry with a rotation.
    Ban(Ban),
    /// 11: takes in what became of somebody whom the scope reaches.
    Observe(Observe),
    /// 12: an owner puts a decision to the others, and is for it.
    Propose(Decision),
    /// 13: an owner is for it too.
    Approve(Decision),
    /// 17: says how far indexes are.
    Anchor(Anchor),
}

/// The rank of every keychain.
pub const KEYCHAIN_RANK: u16 = u16::MAX;

/// `H("KF1 binding", creator's account id ‖ nonce)`: what keys are bound to from the genesis on, when there is no
/// scope id yet.
pub fn binding(creator: ScopeId, nonce: &[u8; 32]) -> [u8; 32] {
    hash(HashLabel::Binding, &[&creator.0, nonce])
}

/// What precedes the key in the hash that is its fingerprint: `binding ‖ u32 number ‖ u8 algorithm`.
pub fn key_fingerprint_message(binding: &[u8; 32], number: u32, algorithm: Algorithm) -> [u8; 37] {
    let mut message = [0; 37];
    let (head, rest) = message.split_at_mut(32);
    head.copy_from_slice(binding);
    let (middle, last) = rest.split_at_mut(4);
    middle.copy_from_slice(&number.to_be_bytes());
    last.copy_from_slice(&[algorithm.number()]);
    message
}

impl Algorithm {
    /// The number in the encoding.
    pub const fn number(self) -> u8 {
        match self {
            Self::SecretBox => 0,
            Self::SealedBox => 1,
            Self::Group => 2,
        }
    }

    /// From the number in the encoding.
    pub const fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::SecretBox),
            1 => Ok(Self::SealedBox),
            2 => Ok(Self::Group),
            _ => Err(Malformed::Unsupported),
        }
    }

    /// Whether keys are pairs, whose public half stands in the entry.
    pub const fn is_key_pair(self) -> bool {
        !matches!(self, Self::SecretBox)
    }
}

/// Room for a name of 258 bytes and the overhead of its sealing.
const NAME_BYTES: usize = 384;
/// The exact size of a history link.
pub const HISTORY_LINK_BYTES: usize = 104;

impl<C> Encode<C> for Principal {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let (kind, id) = match self {
            Self::Account(id) => (0, id),
            Self::Group(id) => (1, id),
        };
        e.array(2)?.u8(kind)?.encode_with(id, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Principal {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        match cbor::discriminant(d)? {
            0 => Ok(Self::Account(d.decode_with(ctx)?)),
            1 => Ok(Self::Group(d.decode_with(ctx)?)),
            _ => Err(cbor::unsupported()),
        }
    }
}

impl<C> Encode<C> for KeyEntry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(6)?.u32(self.number)?.encode_with(self.fingerprint, ctx)?.encode_with(&self.public, ctx)?;
        e.bytes(&self.history_commitment)?;
        match &self.history_link {
            Some(link) => e.bytes(link)?,
            None => e.null()?,
        };
        e.bytes(&self.name)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for KeyEntry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 6)?;
        let entry = Self {
            number: d.u32()?,
            fingerprint: d.decode_with(ctx)?,
            public: cbor::nullable(d, |d| d.decode_with(ctx))?,
            history_commitment: cbor::bytes_of(d)?,
            history_link: cbor::nullable(d, |d| cbor::bytes_of::<HISTORY_LINK_BYTES>(d).map(|link| link.to_vec()))?,
            name: d.bytes()?.to_vec(),
        };
        if entry.name.len() > NAME_BYTES { Err(cbor::fault(Malformed::TooLarge)) } else { Ok(entry) }
    }
}

impl<C> Encode<C> for AnchoredRecord {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(3)?.encode_with(self.index, ctx)?.u64(self.generation)?.bytes(&self.hash)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for AnchoredRecord {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 3)?;
        Ok(Self { index: d.decode_with(ctx)?, generation: cbor::number(d)?, hash: cbor::bytes_of(d)? })
    }
}

impl<C> Encode<C> for Decision {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let (number, id) = match self {
            Self::AddOwner(id) => (14, id),
            Self::RemoveOwner(id) => (15, id),
            Self::Successor(id) => (16, id),
        };
        e.array(2)?.u8(number)?.encode_with(id, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Decision {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        let number = cbor::discriminant(d)?;
        let id = d.decode_with(ctx)?;
        match number {
            14 => Ok(Self::AddOwner(id)),
            15 => Ok(Self::RemoveOwner(id)),
            16 => Ok(Self::Successor(id)),
            _ => Err(cbor::unsupported()),
        }
    }
}

impl<C> Encode<C> for Op {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Genesis(op) => {
                e.array(5)?.u8(0)?.bytes(&op.nonce)?.u8(op.algorithm.number())?.u16(op.rank)?;
                e.encode_with(&op.key, ctx)?.ok()
            }
            Self::Share(op) => {
                e.array(8)?.u8(1)?.encode_with(&op.principals, ctx)?.encode_with(&op.keys, ctx)?;
                e.encode_with(op.permissions, ctx)?.bool(op.follows)?.encode_with(op.history, ctx)?;
                e.bool(op.read_only)?.encode_with(op.expires_at, ctx)?.ok()
            }
            Self::Accept => e.array(1)?.u8(2)?.ok(),
            Self::Decline => e.array(1)?.u8(3)?.ok(),
            Self::Leave => e.array(1)?.u8(4)?.ok(),
            Self::DropKey(op) => e.array(2)?.u8(5)?.u32(op.key)?.ok(),
            Self::Expire(op) => e.array(3)?.u8(7)?.encode_with(op.share, ctx)?.encode_with(op.principal, ctx)?.ok(),
            Self::CancelShare(op) => {
                e.array(3)?.u8(6)?.encode_with(op.share, ctx)?.encode_with(op.principal, ctx)?.ok()
            }
            Self::SetPermissions(op) => {
                e.array(4)?.u8(8)?.encode_with(op.principal, ctx)?.encode_with(op.granted, ctx)?;
                e.encode_with(op.withdrawn, ctx)?.ok()
            }
            Self::Rotate(op) => e.array(2)?.u8(9)?.encode_with(&op.key, ctx)?.ok(),
            Self::Ban(op) => e.array(2)?.u8(10)?.encode_with(op.principal, ctx)?.ok(),
            Self::Observe(op) => e.array(2)?.u8(11)?.encode_with(op.principal, ctx)?.ok(),
            Self::Propose(decision) => e.array(2)?.u8(12)?.encode_with(decision, ctx)?.ok(),
            Self::Approve(decision) => e.array(2)?.u8(13)?.encode_with(decision, ctx)?.ok(),
            Self::Anchor(op) => e.array(2)?.u8(17)?.encode_with(&op.records, ctx)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Op {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        let number = cbor::discriminant(d)?;
        let expected = match number {
            0 => 5,
            1 => 8,
            2..=4 => 1,
            5 | 9..=13 | 17 => 2,
            6 | 7 => 3,
            8 => 4,
            _ => return Err(cbor::unsupported()),
        };
        if len != Some(expected) {
            return Err(DecodeError::message("array length"));
        }
        Ok(match number {
            0 => Self::Genesis(Genesis {
                nonce: cbor::bytes_of(d)?,
                algorithm: Algorithm::from_number(cbor::discriminant(d)?).map_err(cbor::fault)?,
                rank: d.u16()?,
                key: d.decode_with(ctx)?,
            }),
            1 => Self::Share(Share {
                principals: cbor::set(d, limits::SHARE_PRINCIPALS, |p| *p, |d| d.decode_with(ctx))?,
                keys: d.decode_with(ctx)?,
                permissions: d.decode_with(ctx)?,
                follows: d.bool()?,
                history: cbor::nullable(d, Decoder::u32)?,
                read_only: d.bool()?,
                expires_at: cbor::nullable(d, cbor::number)?,
            }),
            2 => Self::Accept,
            3 => Self::Decline,
            4 => Self::Leave,
            5 => Self::DropKey(DropKey { key: d.u32()? }),
            6 => Self::CancelShare(CancelShare { share: d.decode_with(ctx)?, principal: d.decode_with(ctx)? }),
            7 => Self::Expire(Expire { share: d.decode_with(ctx)?, principal: d.decode_with(ctx)? }),
            8 => Self::SetPermissions(set_permissions(d, ctx)?),
            9 => Self::Rotate(Rotate { key: d.decode_with(ctx)? }),
            10 => Self::Ban(Ban { principal: d.decode_with(ctx)? }),
            11 => Self::Observe(Observe { principal: d.decode_with(ctx)? }),
            12 => Self::Propose(d.decode_with(ctx)?),
            13 => Self::Approve(d.decode_with(ctx)?),
            _ => Self::Anchor(anchor(d)?),
        })
    }
}

/// One that says nothing is none.
fn anchor(d: &mut Decoder<'_>) -> Result<Anchor, DecodeError> {
    let records: Vec<AnchoredRecord> =
        cbor::set(d, limits::ANCHORS, |record: &AnchoredRecord| record.index, Decoder::decode)?;
    if records.is_empty() { Err(DecodeError::message("no records")) } else { Ok(Anchor { records }) }
}

/// A permission that is granted and withdrawn would have two readings, and one that is neither is not named.
fn set_permissions<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<SetPermissions, DecodeError> {
    let (principal, granted, withdrawn) = (d.decode_with(ctx)?, d.decode_with(ctx)?, d.decode_with(ctx)?);
    let op = SetPermissions { principal, granted, withdrawn };
    if !(op.granted & op.withdrawn).is_empty() {
        return Err(cbor::fault(Malformed::NotCanonical));
    }
    if (op.granted | op.withdrawn).is_empty() { Err(DecodeError::message("no permissions")) } else { Ok(op) }
}
