//! Replay of an account: entries in, state out. The one place that decides what an account ledger allows.

use super::{
    entry::Entry,
    holders::{Holder, Holders},
    op::{AccountKeys, AccountOp, SetPrivate},
    rules::{self, Context, State},
    signatures::{self, Signers},
};
use crate::{
    entry::{Head, SignedEntry},
    id::{EntryHash, HolderId, ScopeId},
    rejected::Rejected,
    sorted::SortedMap,
    text::UserId,
};
use alloc::{vec, vec::Vec};

/// An account whose every entry has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    id: ScopeId,
    user_id: UserId,
    nonce: [u8; 32],
    time: u64,
    /// Hash and generation of every entry, by number: what others cite is looked up here.
    entries: Vec<(EntryHash, u32)>,
    generations: Vec<AccountKeys>,
    state: State,
}

impl Ledger {
    /// Founds an account from its first entry.
    pub fn genesis(entry: &SignedEntry) -> Result<Self, Rejected> {
        let parsed = Entry::decode(&entry.signed)?;
        let genesis = rules::check_genesis_frame(&parsed)?;
        signatures::verify_genesis(entry, &genesis.device, &genesis.keys)?;
        Self::founded(entry, &parsed)
    }

    fn founded(entry: &SignedEntry, parsed: &Entry) -> Result<Self, Rejected> {
        let genesis = rules::check_genesis_frame(parsed)?;
        let hash = entry.hash(EntryHash::NONE, 0);
        Ok(Self {
            id: hash.into(),
            user_id: genesis.user_id.clone(),
            nonce: genesis.nonce,
            time: parsed.time,
            entries: vec![(hash, 0)],
            generations: vec![genesis.keys.clone()],
            state: State { holders: Holders::founded(&genesis.device, parsed.time), private: None },
        })
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    pub fn append(&mut self, entry: &SignedEntry) -> Result<Entry, Rejected> {
        let parsed = Entry::decode(&entry.signed)?;
        let author = self.check_frame(&parsed)?;
        let former = match author.is_recovery() {
            // Whoever made the newest generation may have kept it to himself.
            true => None,
            false => Some(&self.current_keys().ok_or(Rejected::WrongGeneration)?.ledger),
        };
        let author_key = &author.keys.signing;
        signatures::verify(
            entry,
            &parsed.ops,
            &Signers { account: self.id, author: parsed.author, author_key, former },
        )?;
        self.extend(entry, &parsed)?;
        Ok(parsed)
    }

    fn extend(&mut self, entry: &SignedEntry, parsed: &Entry) -> Result<(), Rejected> {
        let author = self.check_frame(parsed)?;
        // All or nothing: ops are tried on a copy.
        let mut next = self.state.clone();
        let context = Context { entry: parsed, author, generations: &self.generations };
        parsed.ops.iter().try_for_each(|op| rules::apply(&mut next, op, &context))?;
        if next.holders.current().is_empty() {
            return Err(Rejected::LastHolder);
        }

        let hash = entry.hash(self.head().hash, parsed.seq);
        self.state = next;
        let rotated = parsed.ops.iter().filter_map(|op| match op {
            AccountOp::RotateAccount(op) => Some(op.keys.clone()),
            _ => None,
        });
        self.generations.extend(rotated);
        self.entries.push((hash, self.generation()));
        self.time = parsed.time;
        Ok(())
    }

    /// Whether a later entry stands where it does, and by whom it is.
    fn check_frame(&self, entry: &Entry) -> Result<&Holder, Rejected> {
        if entry.scope != Some(self.id) {
            return Err(Rejected::WrongScope);
        }
        if entry.seq != self.head().seq + 1 {
            return Err(Rejected::WrongSeq);
        }
        if entry.prev != Some(self.head().hash) {
            return Err(Rejected::WrongPrev);
        }
        let author = self.holders().get(&entry.author).ok_or(Rejected::NotAHolder)?;
        if entry.time < self.time {
            return Err(Rejected::TimeGoesBack);
        }
        if entry.ops.is_empty() || entry.ops.iter().any(|op| matches!(op, AccountOp::Genesis(_))) {
            return Err(Rejected::GenesisMisplaced);
        }
        Ok(author)
    }

    /// Replays a whole ledger.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a SignedEntry>) -> Result<Self, Rejected> {
        let mut entries = entries.into_iter();
        let mut ledger = Self::genesis(entries.next().ok_or(Rejected::GenesisMisplaced)?)?;
        for entry in entries {
            ledger.append(entry)?;
        }
        Ok(ledger)
    }

    /// From entries that were replayed before, and kept where nobody else writes. Their signatures are not verified
    /// again: four for each account are a second and more for somebody who reads those of a town.
    pub fn restored<'a>(entries: impl IntoIterator<Item = &'a SignedEntry>) -> Result<Self, Rejected> {
        let mut entries = entries.into_iter();
        let first = entries.next().ok_or(Rejected::GenesisMisplaced)?;
        let mut ledger = Self::founded(first, &Entry::decode(&first.signed)?)?;
        for entry in entries {
            ledger.extend(entry, &Entry::decode(&entry.signed)?)?;
        }
        Ok(ledger)
    }

    /// The account id.
    pub fn id(&self) -> ScopeId {
        self.id
    }

    /// The application's name of the person.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The genesis' random bytes: the salt of the account's keys.
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// The newest entry.
    pub fn head(&self) -> Head {
        let hash = self.entries.last().map_or(EntryHash::NONE, |(hash, _)| *hash);
        Head { seq: self.entries.len().saturating_sub(1) as u64, hash }
    }

    /// The hash of an entry, by number.
    pub fn hash_at(&self, seq: u64) -> Option<EntryHash> {
        self.entries.get(usize::try_from(seq).ok()?).map(|(hash, _)| *hash)
    }

    /// The generation as of a head that this ledger has.
    pub fn generation_at(&self, head: Head) -> Option<u32> {
        let (hash, generation) = self.entries.get(usize::try_from(head.seq).ok()?)?;
        (*hash == head.hash).then_some(*generation)
    }

    /// The newest generation.
    pub fn generation(&self) -> u32 {
        self.generations.len().saturating_sub(1) as u32
    }

    /// The public keys of a generation.
    pub fn keys(&self, generation: u32) -> Option<&AccountKeys> {
        self.generations.get(generation as usize)
    }

    /// The public keys of the newest generation.
    pub fn current_keys(&self) -> Option<&AccountKeys> {
        self.generations.last()
    }

    /// Active devices and recovery methods.
    pub fn holders(&self) -> &SortedMap<HolderId, Holder> {
        self.state.holders.current()
    }

    /// The newest entry's time, in milliseconds since 1970.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Version and hash of the private state, once there is one.
    pub fn private(&self) -> Option<&SetPrivate> {
        self.state.private.as_ref()
    }
}
