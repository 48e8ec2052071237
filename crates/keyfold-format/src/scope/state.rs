//! What replay yields: the state of a keychain or group. Reading it is free; only replay changes it.

use super::{
    key_set::KeySet,
    op::{Algorithm, Decision, KeyEntry, Op},
};
use crate::{
    Permissions,
    entry::{Cite, Head},
    id::{EntryHash, IndexId, KeyFingerprint, ScopeId},
    sorted::{SortedMap, SortedSet},
};
use alloc::vec::Vec;

/// What a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keychain.
    Keychain,
    /// A group.
    Group,
}

impl Kind {
    /// The number in wraps: 1 or 2.
    pub const fn number(self) -> u8 {
        match self {
            Self::Keychain => 1,
            Self::Group => 2,
        }
    }
}

/// A principal in the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Granted permissions; an owner has all, whatever stands here. Use [`State::permissions`].
    pub permissions: Permissions,
    /// Whether others refuse what he writes.
    pub read_only: bool,
    /// The keys that he is entitled to.
    pub keys: KeySet,
    /// Those of them whose copy he gave up.
    pub dropped: KeySet,
    /// Whether he gets the keys that come later.
    pub follows: bool,
    /// The first key of the history that he can read back to.
    pub history: Option<u32>,
    /// The entry that made him a member: a genesis, or the share he accepted.
    pub since: EntryHash,
    /// Its time, as its author claims, in milliseconds since 1970.
    pub since_time: u64,
    /// Who shared; a creator has nobody.
    pub shared_by: Option<ScopeId>,
    /// When the membership ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

impl Member {
    /// The keys of which he has a copy: those that he is entitled to, and did not give up.
    pub fn held_keys(&self) -> KeySet {
        self.keys.without(&self.dropped)
    }
}

/// A share that nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingShare {
    /// The entry that made it.
    pub entry: EntryHash,
    /// What membership it would make.
    pub terms: Member,
    /// The account that signed it.
    pub author: ScopeId,
    /// The member through which the author acted: himself, or a group.
    pub through: ScopeId,
}

/// A decision that not enough owners are for yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is put to them.
    pub decision: Decision,
    /// The owners who are for it, in the order in which they said so: its author first.
    pub approvals: Vec<ScopeId>,
}

/// How far an index was, as an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The root record that was the newest.
    pub generation: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The entry that says so.
    pub seq: u64,
    /// Who wrote it.
    pub author: ScopeId,
}

/// What the cited ledger of a group says that is a member here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberGroup {
    /// The number of its current key: to that one keys are wrapped.
    pub key: u32,
    /// Whether keys are wrapped to it. They are not while somebody holds its key who must not hold ours.
    pub clean: bool,
    /// How deep groups stand in it: 1 for one that has only people.
    pub depth: u8,
}

/// The state of a keychain or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(super) id: ScopeId,
    pub(super) algorithm: Algorithm,
    pub(super) rank: u16,
    pub(super) creator: ScopeId,
    pub(super) binding: [u8; 32],
    pub(super) head: Head,
    pub(super) time: u64,
    pub(super) owners: SortedSet<ScopeId>,
    pub(super) members: SortedMap<ScopeId, Member>,
    pub(super) pending: SortedMap<ScopeId, PendingShare>,
    pub(super) bans: SortedSet<ScopeId>,
    pub(super) keys: Vec<KeyEntry>,
    /// Numbers by fingerprint.
    pub(super) numbers: SortedMap<KeyFingerprint, u32>,
    pub(super) cited: SortedMap<ScopeId, Cite>,
    /// Those members that are groups.
    pub(super) groups: SortedMap<ScopeId, MemberGroup>,
    pub(super) exclusions: u32,
    pub(super) needs_rotation: bool,
    /// In the order in which they were made.
    pub(super) proposals: Vec<Proposal>,
    pub(super) successor: Option<ScopeId>,
    pub(super) rotated_at: u64,
    pub(super) anchors: SortedMap<IndexId, Anchored>,
}

impl State {
    /// The scope id; a keychain's is its fingerprint.
    pub fn id(&self) -> ScopeId {
        self.id
    }

    /// Keychain or group.
    pub fn kind(&self) -> Kind {
        if self.algorithm == Algorithm::Group { Kind::Group } else { Kind::Keychain }
    }

    /// What kind of keys it has.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its rank.
    pub fn rank(&self) -> u16 {
        self.rank
    }

    /// The account that founded it.
    pub fn creator(&self) -> ScopeId {
        self.creator
    }

    /// What its keys are bound to.
    pub fn binding(&self) -> &[u8; 32] {
        &self.binding
    }

    /// The newest entry.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The time that the newest ordinary entry claims, in milliseconds since 1970: the next one is not before it.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Who can only be removed by a quorum.
    pub fn owners(&self) -> &SortedSet<ScopeId> {
        &self.owners
    }

    /// Members, owners included.
    pub fn members(&self) -> &SortedMap<ScopeId, Member> {
        &self.members
    }

    /// Shares that nobody has answered yet, by recipient.
    pub fn pending(&self) -> &SortedMap<ScopeId, PendingShare> {
        &self.pending
    }

    /// Who is banned.
    pub fn bans(&self) -> &SortedSet<ScopeId> {
        &self.bans
    }

    /// All keys, oldest first; key `n` is at `n - 1`.
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// A key by its number.
    pub fn key(&self, number: u32) -> Option<&KeyEntry> {
        self.keys.get((number as usize).checked_sub(1)?)
    }

    /// A key by its fingerprint.
    pub fn key_by_fingerprint(&self, fingerprint: &KeyFingerprint) -> Option<&KeyEntry> {
        self.key(*self.numbers.get(fingerprint)?)
    }

    /// The number of the current key.
    pub fn current_key(&self) -> u32 {
        self.keys.len() as u32
    }

    /// The newest head seen of a principal.
    pub fn cited(&self, principal: &ScopeId) -> Option<&Cite> {
        self.cited.get(principal)
    }

    /// Those members that are groups, as their cited ledgers say.
    pub fn groups(&self) -> &SortedMap<ScopeId, MemberGroup> {
        &self.groups
    }

    /// How often somebody was put out so far, here or in a ledger that an entry cited. Who cites this scope says it too.
    pub fn exclusions(&self) -> u32 {
        self.exclusions
    }

    /// How deep groups stand in this scope: 0 if it has only people.
    pub fn depth(&self) -> u8 {
        self.groups.values().filter(|group| group.clean).map(|group| group.depth).max().unwrap_or(0)
    }

    /// Whether somebody was excluded since the last rotation: until it happens nobody encrypts.
    pub fn needs_rotation(&self) -> bool {
        self.needs_rotation
    }

    /// What waits for the approval of more owners, oldest first. All of it lapses when the owners change.
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// How many owners must be for a decision: more than half of all.
    pub fn quorum(&self) -> usize {
        self.owners.len() / 2 + 1
    }

    /// The scope that replaces this one, as a majority of its owners decided.
    pub fn successor(&self) -> Option<ScopeId> {
        self.successor
    }

    /// The entry that made the current key.
    pub fn rotated_at(&self) -> u64 {
        self.rotated_at
    }

    /// How far indexes were, by the newest entries that say so: at most 256 indexes.
    pub fn anchors(&self) -> &SortedMap<IndexId, Anchored> {
        &self.anchors
    }

    /// What a member may do; owners everything, strangers nothing.
    pub fn permissions(&self, principal: &ScopeId) -> Permissions {
        if self.owners.contains(principal) {
            Permissions::ALL
        } else {
            self.members.get(principal).map_or(Permissions::NONE, |member| member.permissions)
        }
    }

    /// Members and those with a pending share: who may read this ledger and hears of its changes.
    pub fn audience(&self) -> impl Iterator<Item = &ScopeId> {
        self.members.keys().chain(self.pending.keys())
    }

    /// Who gets the next key: members and pending ones that follow, with what they are entitled to.
    pub fn followers(&self) -> impl Iterator<Item = (&ScopeId, &Member)> {
        self.members.iter().chain(self.pending.iter().map(|(id, share)| (id, &share.terms))).filter(|(_, m)| m.follows)
    }

    /// Whether ops put a principal out: his own ban or end, or a ban of whoever made the share that he has not
    /// answered.
    pub fn is_put_out_by(&self, ops: &[Op], principal: &ScopeId) -> bool {
        let bans = |who: &ScopeId| ops.iter().any(|op| matches!(op, Op::Ban(ban) if ban.principal == *who));
        let ends = |op: &Op| matches!(op, Op::Expire(expire) if expire.principal == *principal);
        let falls = |share: &PendingShare| bans(&share.author) || bans(&share.through);
        bans(principal) || ops.iter().any(ends) || self.pending.get(principal).is_some_and(falls)
    }

    /// Puts somebody out: ends a membership, if there is one, and with it what was proposed for him; an owner's end
    /// changes the owners.
    pub(super) fn exclude(&mut self, principal: &ScopeId) {
        self.exclusions += 1;
        self.members.remove(principal);
        self.groups.remove(principal);
        self.proposals.retain(|proposal| proposal.decision != Decision::AddOwner(*principal));
        if self.owners.remove(principal) {
            self.proposals.clear();
        }
    }

    /// Ends an entry that brought news of an exclusion, or none. One that rotates has answered it.
    pub(super) fn settle(&mut self, passes_exclusion: bool, rotates: bool) {
        if passes_exclusion {
            self.exclusions += 1;
            self.needs_rotation |= !rotates;
        }
    }

    /// The membership or pending terms of a principal.
    pub fn standing(&self, principal: &ScopeId) -> Option<&Member> {
        self.members.get(principal).or_else(|| self.pending.get(principal).map(|share| &share.terms))
    }

    /// Where the segment of history that holds key `number` starts.
    pub fn segment_start(&self, number: u32) -> u32 {
        (1..=number).rev().find(|n| self.key(*n).is_none_or(|key| key.history_link.is_none())).unwrap_or(1)
    }
}
