//! Replay of an account: entries in, state out. The one place that decides what an account ledger allows.

use super::entry::{AccountKeys, AccountOp, DeviceKeys, Entry, Genesis};
use crate::{
    entry::{Head, SignedEntry},
    id::{EntryHash, HolderId, ScopeId},
    key::VerifyingKey,
    label::SignatureLabel,
    rejected::Rejected,
    sorted::SortedMap,
    text::UserId,
};
use alloc::{vec, vec::Vec};

/// An account whose every entry has been verified.
#[derive(Clone, Debug)]
pub struct Ledger {
    id: ScopeId,
    user_id: UserId,
    nonce: [u8; 32],
    time: u64,
    /// Hash and generation of every entry, by number: what others cite is looked up here.
    entries: Vec<(EntryHash, u32)>,
    generations: Vec<AccountKeys>,
    holders: SortedMap<HolderId, Holder>,
}

/// Somebody's device: it holds the master key. Recovery methods will stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its public keys and sealed label.
    pub keys: DeviceKeys,
    /// When it was added, as its adder claims, in milliseconds since 1970.
    pub added: u64,
    /// Who added it; a first device has nobody.
    pub added_by: Option<HolderId>,
}

impl Ledger {
    /// Founds an account from its first entry.
    pub fn genesis(entry: &SignedEntry) -> Result<Self, Rejected> {
        let parsed = Entry::decode(&entry.signed)?;
        let [AccountOp::Genesis(genesis)] = parsed.ops.as_slice() else { return Err(Rejected::GenesisMisplaced) };
        let Genesis { nonce, user_id, device, keys } = genesis;
        if parsed.scope.is_some() {
            return Err(Rejected::WrongScope);
        }
        if parsed.seq != 0 {
            return Err(Rejected::WrongSeq);
        }
        if parsed.prev.is_some() {
            return Err(Rejected::WrongPrev);
        }
        if parsed.author != device.id() {
            return Err(Rejected::NotAHolder);
        }
        verify(entry, &[&device.signing], keys)?;
        let hash = entry.hash(EntryHash::NONE, 0);
        let holder = Holder { keys: device.clone(), added: parsed.time, added_by: None };
        Ok(Self {
            id: hash.into(),
            user_id: user_id.clone(),
            nonce: *nonce,
            time: parsed.time,
            entries: vec![(hash, 0)],
            generations: vec![keys.clone()],
            holders: SortedMap::from_iter([(device.id(), holder)]),
        })
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    ///
    /// All ops past the genesis belong to a later release, and an entry that has one is `Unsupported`.
    pub fn append(&mut self, entry: &SignedEntry) -> Result<(), Rejected> {
        let parsed = Entry::decode(&entry.signed)?;
        if parsed.scope != Some(self.id) {
            return Err(Rejected::WrongScope);
        }
        if parsed.seq != self.head().seq + 1 {
            return Err(Rejected::WrongSeq);
        }
        if parsed.prev != Some(self.head().hash) {
            return Err(Rejected::WrongPrev);
        }
        if parsed.time < self.time {
            return Err(Rejected::TimeGoesBack);
        }
        if !self.holders.contains_key(&parsed.author) {
            return Err(Rejected::NotAHolder);
        }
        Err(Rejected::GenesisMisplaced)
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
        &self.holders
    }
}

/// The author's signature, and those by which each new account key shows that its holder made this entry: without
/// them a stranger's key could be listed as one's own.
fn verify(entry: &SignedEntry, authors: &[&VerifyingKey], keys: &AccountKeys) -> Result<(), Rejected> {
    let new = [&keys.ledger, &keys.publication, &keys.signature];
    if entry.signatures.len() != authors.len() + new.len() {
        return Err(Rejected::BadSignature);
    }
    let signers = authors
        .iter()
        .map(|key| (*key, SignatureLabel::Entry))
        .chain(new.into_iter().map(|key| (key, SignatureLabel::AccountKey)));
    for ((key, label), signature) in signers.zip(&entry.signatures) {
        key.verify(label, &[&entry.signed], signature).map_err(|_| Rejected::BadSignature)?;
    }
    Ok(())
}
