//! `Genesis`: founds a scope; its creator becomes its owner.

use super::{
    super::{
        entry::Entry,
        key_set::KeySet,
        op::{Algorithm, Genesis, KEYCHAIN_RANK, Op, binding},
        state::{Member, State},
    },
    rotate::check_key_kind,
};
use crate::{
    Malformed, Permissions, Rejected,
    entry::Head,
    id::{EntryHash, ScopeId},
    sorted::{SortedMap, SortedSet},
};
use alloc::vec;

/// Whether an entry stands where a genesis does.
pub(in super::super) fn check_genesis_frame(entry: &Entry) -> Result<(), Rejected> {
    let [Op::Genesis(_)] = entry.ops.as_slice() else { return Err(Rejected::GenesisMisplaced) };
    if entry.scope.is_some() {
        return Err(Rejected::WrongScope);
    }
    if entry.seq != 0 {
        return Err(Rejected::WrongSeq);
    }
    if entry.prev.is_some() { Err(Rejected::WrongPrev) } else { Ok(()) }
}

/// The state that a lone genesis founds.
pub(in super::super) fn genesis(entry: &Entry, hash: EntryHash) -> Result<State, Rejected> {
    let [Op::Genesis(op)] = entry.ops.as_slice() else { return Err(Rejected::GenesisMisplaced) };
    let Genesis { nonce, algorithm, rank, key } = op;
    let is_group = *algorithm == Algorithm::Group;
    if entry.group != is_group || (*rank == KEYCHAIN_RANK) == is_group {
        return Err(Malformed::Unsupported.into());
    }
    if !entry.via.is_empty() {
        return Err(Rejected::ViaBroken);
    }
    if key.number != 1 {
        return Err(Rejected::WrongKeyNumber);
    }
    if key.history_link.is_some() {
        return Err(Rejected::WrongHistoryLink);
    }
    check_key_kind(*algorithm, key)?;
    let [cite] = entry.cites.as_slice() else { return Err(Rejected::CitationUnneeded) };
    let creator = Member {
        permissions: Permissions::ALL,
        read_only: false,
        keys: KeySet::one(1),
        dropped: KeySet::default(),
        follows: true,
        history: Some(1),
        since: hash,
        since_time: entry.time,
        shared_by: None,
        expires_at: None,
    };
    Ok(State {
        id: ScopeId::from(hash),
        algorithm: *algorithm,
        rank: *rank,
        creator: entry.author,
        binding: binding(entry.author, nonce),
        head: Head { seq: 0, hash },
        time: entry.time,
        owners: SortedSet::from_iter([entry.author]),
        members: SortedMap::from_iter([(entry.author, creator)]),
        pending: SortedMap::new(),
        bans: SortedSet::new(),
        keys: vec![key.clone()],
        numbers: SortedMap::from_iter([(key.fingerprint, 1)]),
        cited: SortedMap::from_iter([(entry.author, *cite)]),
        groups: SortedMap::new(),
        exclusions: 0,
        needs_rotation: false,
        proposals: vec![],
        successor: None,
        rotated_at: 0,
        anchors: SortedMap::new(),
    })
}
