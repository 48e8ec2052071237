//! The entries that break one rule each.
#![allow(unreachable_pub)]

mod account;
mod bytes;
mod frame;
mod members;
mod ops;
mod share;

use crate::people::{Person, World};
use keyfold_format::{
    entry::SignedEntry,
    scope::{Entry, Op},
};

/// A ledger, and the entry that it must answer with `expect`.
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub account: bool,
    pub entries: Vec<Vec<u8>>,
    pub last: Vec<u8>,
    pub expect: &'static str,
}

pub fn cases() -> Vec<Case> {
    let mut all = frame::cases();
    all.extend(share::cases());
    all.extend(ops::cases());
    all.extend(members::cases());
    all.extend(account::cases());
    all.extend(bytes::cases());
    all
}

/// Any entry after the world's ledger.
fn case(name: &'static str, about: &'static str, world: &World, last: SignedEntry, expect: &'static str) -> Case {
    raw(name, about, world, last.encode(), expect)
}

fn raw(name: &'static str, about: &'static str, world: &World, last: Vec<u8>, expect: &'static str) -> Case {
    let entries = world.entries.iter().map(SignedEntry::encode).collect();
    Case { name, about, account: false, entries, last, expect }
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
