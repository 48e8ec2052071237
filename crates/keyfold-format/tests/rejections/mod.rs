//! The entries that break one rule each.
#![allow(unreachable_pub)]

mod account;
mod anchor;
mod answers;
mod ban;
mod bytes;
mod frame;
mod generations;
mod genesis;
mod leave;
mod ops;
mod owners;
mod permissions;
mod share;

use crate::people::{Person, World, share_latest};
use keyfold_format::{
    Permissions,
    entry::SignedEntry,
    scope::{Entry, Op},
};

/// A ledger, and the entry that it must answer with `expect`.
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub account: bool,
    /// Ledgers that are at hand in place of those in `accounts.json`, by their owners' names.
    pub accounts: Vec<(&'static str, Vec<Vec<u8>>)>,
    pub entries: Vec<Vec<u8>>,
    pub last: Vec<u8>,
    pub expect: &'static str,
}

impl Case {
    /// About a keychain, without entries before.
    fn of(name: &'static str, about: &'static str, last: Vec<u8>, expect: &'static str) -> Self {
        Self { name, about, account: false, accounts: vec![], entries: vec![], last, expect }
    }
}

pub fn cases() -> Vec<Case> {
    let mut all = frame::cases();
    all.extend(share::cases());
    all.extend(ops::cases());
    all.extend(permissions::cases());
    all.extend(anchor::cases());
    all.extend(ban::cases());
    all.extend(leave::cases());
    all.extend(answers::cases());
    all.extend(owners::cases());
    all.extend(account::cases());
    all.extend(generations::cases());
    all.extend(bytes::cases());
    all
}

/// Any entry after the world's ledger.
fn case(name: &'static str, about: &'static str, world: &World, last: SignedEntry, expect: &'static str) -> Case {
    raw(name, about, world, last.encode(), expect)
}

fn raw(name: &'static str, about: &'static str, world: &World, last: Vec<u8>, expect: &'static str) -> Case {
    let entries = world.entries.iter().map(SignedEntry::encode).collect();
    Case { entries, ..Case::of(name, about, last, expect) }
}

/// An entry of `author` with these ops, altered before it is signed.
fn altered(
    world: &World,
    author: &Person,
    ops: Vec<Op>,
    others: &[&Person],
    alter: impl FnOnce(&mut Entry),
) -> SignedEntry {
    let mut entry = author.entry(&world.ledger, ops, others);
    alter(&mut entry);
    author.sign(&entry)
}

/// An entry of `who` with these ops, as it comes.
fn doing(world: &World, who: &Person, ops: Vec<Op>) -> SignedEntry {
    altered(world, who, ops, &[], |_| ())
}

/// Bob's share has not been answered.
fn invited(permissions: Permissions) -> World {
    let mut world = World::new();
    let share = share_latest(&world.ledger, &[&world.bob], permissions);
    world.alice_shares(share, &[|w| &w.bob]).unwrap();
    world
}
