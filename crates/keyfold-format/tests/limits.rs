//! The largest scopes, which fit no vector: the last that is let in, and the first that is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;

use keyfold_format::{
    EntryHash, Permissions, Rejected, ScopeId, account,
    entry::{Cite, Head, SignedEntry},
    limits::{ENTRY_WRAPS, SCOPE_KEYS, SCOPE_MEMBERS, SHARE_PRINCIPALS},
    scope::{Algorithm, KeyEntry, KeySet, Ledger, Op, Principal, Rotate, Share},
};
use people::{Person, key_entry, rotate, share_latest};
use std::collections::BTreeMap;

/// Alice's keychain, with nobody else.
struct Alone {
    alice: Person,
    accounts: BTreeMap<ScopeId, account::Ledger>,
    ledger: Ledger,
}

impl Alone {
    fn new() -> Self {
        let alice = Person::new("alice");
        let accounts = BTreeMap::from([(alice.id(), alice.account.clone())]);
        let genesis = alice.sign(&alice.keychain_genesis(Algorithm::SecretBox));
        let ledger = Ledger::genesis(&genesis, &accounts).unwrap();
        Self { alice, accounts, ledger }
    }

    fn does(&mut self, entry: &SignedEntry) -> Result<(), Rejected> {
        self.ledger.append(entry, &self.accounts).map(drop)
    }

    /// A share of these keys with so many strangers: of whoever is cited for the first time nothing need be known.
    fn share(&self, keys: KeySet, first: usize, count: usize) -> SignedEntry {
        let stranger = |number: usize| {
            let mut id = ScopeId([0xee; 32]);
            id.0[..8].copy_from_slice(&(number as u64).to_be_bytes());
            id
        };
        let strangers: Vec<ScopeId> = (first..first + count).map(stranger).collect();
        let principals = strangers.iter().map(|id| Principal::Account(*id)).collect();
        let share = Share { principals, keys, history: None, ..share_latest(&self.ledger, &[], Permissions::NONE) };
        let mut entry = self.alice.entry(&self.ledger, vec![Op::Share(share)], &[]);
        let head = Head { seq: 0, hash: EntryHash([7; 32]) };
        entry.cites.extend(strangers.iter().map(|&principal| Cite { principal, head, exclusions: 0 }));
        entry.cites.sort_by_key(|cite| cite.principal);
        self.alice.sign(&entry)
    }

    fn latest(&self) -> KeySet {
        KeySet::range(self.ledger.current_key(), self.ledger.current_key())
    }

    fn rotates(&mut self, key: KeyEntry) -> Result<(), Rejected> {
        let entry = self.alice.entry(&self.ledger, vec![Op::Rotate(Rotate { key })], &[]);
        self.does(&self.alice.sign(&entry))
    }
}

#[test]
fn a_scope_has_so_many_members_and_pending_ones_and_no_more() {
    let mut alone = Alone::new();
    let whole = SCOPE_MEMBERS / SHARE_PRINCIPALS - 1;
    for turn in 0..whole {
        let share = alone.share(alone.latest(), turn * SHARE_PRINCIPALS, SHARE_PRINCIPALS);
        alone.does(&share).unwrap();
    }
    let before = alone.ledger.clone();
    let one_too_many = alone.share(alone.latest(), whole * SHARE_PRINCIPALS, SHARE_PRINCIPALS);
    assert_eq!(alone.does(&one_too_many), Err(Rejected::TooManyMembers));
    assert_eq!(alone.ledger, before);
    let last = alone.share(alone.latest(), whole * SHARE_PRINCIPALS, SHARE_PRINCIPALS - 1);
    alone.does(&last).unwrap();
    assert_eq!(alone.ledger.members().len() + alone.ledger.pending().len(), SCOPE_MEMBERS);
    let one = alone.share(alone.latest(), SCOPE_MEMBERS, 1);
    assert_eq!(alone.does(&one), Err(Rejected::TooManyMembers));
}

#[test]
fn an_entry_asks_for_so_many_wraps_and_no_more() {
    let mut alone = Alone::new();
    let keys = (ENTRY_WRAPS / SHARE_PRINCIPALS) as u32;
    for number in 2..=keys + 1 {
        let entry = alone.alice.entry(&alone.ledger, vec![rotate(number, true)], &[]);
        alone.does(&alone.alice.sign(&entry)).unwrap();
    }
    // Keys by themselves: one wrap each.
    let too_many = alone.share(KeySet::range(1, keys + 1), 0, SHARE_PRINCIPALS);
    assert_eq!(alone.does(&too_many), Err(Rejected::TooManyWraps));
    let most = alone.share(KeySet::range(2, keys + 1), 0, SHARE_PRINCIPALS);
    alone.does(&most).unwrap();
}

#[test]
fn a_scope_has_so_many_keys_and_no_more() {
    let mut alone = Alone::new();
    for number in 2..=SCOPE_KEYS {
        alone.rotates(key_entry(number, Algorithm::SecretBox, true)).unwrap();
    }
    let refused = alone.rotates(key_entry(SCOPE_KEYS + 1, Algorithm::SecretBox, true));
    assert_eq!(refused, Err(Rejected::TooManyKeys));
    assert_eq!(alone.ledger.current_key(), SCOPE_KEYS);
}
