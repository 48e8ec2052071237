//! How a keychain begins: its first entry, and who that cites.

use super::Case;
use crate::people::{Person, World, rotate};
use keyfold_format::{
    EntryHash, ScopeId,
    entry::SignedEntry,
    scope::{Algorithm, Entry, Op, ScopeEntry},
};

/// A first entry of `author`, altered before it is signed.
fn altered_genesis(author: &Person, algorithm: Algorithm, alter: &dyn Fn(&mut Entry)) -> SignedEntry {
    let mut entry = author.keychain_genesis(algorithm);
    alter(&mut entry);
    author.sign(&entry)
}

/// An entry that a ledger starts with.
fn first(name: &'static str, about: &'static str, last: SignedEntry, expect: &'static str) -> Case {
    Case::of(name, about, last.encode(), expect)
}

pub(super) fn cases(world: &World) -> Vec<Case> {
    let alice = &world.alice;
    let altered = |algorithm, alter: &dyn Fn(&mut Entry)| altered_genesis(alice, algorithm, alter);
    let key = |alter: fn(&mut keyfold_format::scope::KeyEntry)| {
        altered(Algorithm::SecretBox, &move |e| {
            if let Op::Genesis(op) = &mut e.ops[0] {
                alter(&mut op.key);
            }
        })
    };
    let stranger = Person::new("dave");
    let placed = ScopeEntry::Placed(alice.accept(&world.ledger)).encode();
    vec![
        first("genesis-ok-sealed-box", "a sealedBox keychain", altered(Algorithm::SealedBox, &|_| ()), "ok"),
        first(
            "genesis-names-a-scope",
            "a first entry that names a scope",
            altered(Algorithm::SecretBox, &|e| e.scope = Some(ScopeId([1; 32]))),
            "WrongScope",
        ),
        first(
            "genesis-with-seq-1",
            "a first entry with number 1",
            altered(Algorithm::SecretBox, &|e| e.seq = 1),
            "WrongSeq",
        ),
        first(
            "genesis-is-a-rotation",
            "a ledger that starts without a genesis",
            altered(Algorithm::SecretBox, &|e| e.ops = vec![rotate(1, false)]),
            "GenesisMisplaced",
        ),
        first(
            "genesis-with-a-second-op",
            "a genesis that is not alone",
            altered(Algorithm::SecretBox, &|e| e.ops.push(rotate(2, true))),
            "GenesisMisplaced",
        ),
        first(
            "genesis-placed",
            "a ledger that starts with a placed entry",
            alice.sign_placed(&match ScopeEntry::decode(&placed) {
                Ok(ScopeEntry::Placed(p)) => p,
                _ => unreachable!(),
            }),
            "GenesisMisplaced",
        ),
        first(
            "genesis-ok-group",
            "a group of rank 100",
            altered(Algorithm::Group, &|e| {
                e.group = true;
                if let Op::Genesis(op) = &mut e.ops[0] {
                    op.rank = 100;
                }
            }),
            "ok",
        ),
        first(
            "genesis-group-with-the-rank-of-keychains",
            "a group that could join nothing, and everything it",
            altered(Algorithm::Group, &|e| e.group = true),
            "Unsupported",
        ),
        first(
            "genesis-group-in-keychain-form",
            "the form says keychain, the algorithm group",
            altered(Algorithm::Group, &|e| {
                if let Op::Genesis(op) = &mut e.ops[0] {
                    op.rank = 100;
                }
            }),
            "Unsupported",
        ),
        first(
            "genesis-through-a-group",
            "nobody founds a scope as somebody else",
            altered(Algorithm::SecretBox, &|e| e.via = vec![ScopeId([4; 32])]),
            "ViaBroken",
        ),
        first(
            "genesis-keychain-with-low-rank",
            "a keychain with a group's rank",
            altered(Algorithm::SecretBox, &|e| {
                if let Op::Genesis(op) = &mut e.ops[0] {
                    op.rank = 100
                }
            }),
            "Unsupported",
        ),
        first("genesis-key-number-0", "keys are counted from 1", key(|k| k.number = 0), "WrongKeyNumber"),
        first(
            "genesis-with-history-link",
            "there is nothing before key 1",
            key(|k| k.history_link = Some(vec![1; 104])),
            "WrongHistoryLink",
        ),
        first(
            "genesis-secret-box-with-public-key",
            "a public key that no secretBox has",
            key(|k| k.public = crate::people::key_entry(1, Algorithm::SealedBox, false).public),
            "WrongKeyKind",
        ),
        first(
            "genesis-sealed-box-without-public-key",
            "a key pair without its public half",
            altered(Algorithm::SealedBox, &|e| {
                if let Op::Genesis(op) = &mut e.ops[0] {
                    op.key.public = None
                }
            }),
            "WrongKeyKind",
        ),
        first(
            "genesis-without-cite",
            "the author is not cited",
            altered(Algorithm::SecretBox, &|e| e.cites.clear()),
            "CitationMissing",
        ),
        first(
            "genesis-by-somebody-unknown",
            "the author's ledger is not at hand: no verdict",
            stranger.sign(&stranger.keychain_genesis(Algorithm::SecretBox)),
            "MissingLedger",
        ),
    ]
}

pub(super) fn citations(world: &World) -> Vec<Case> {
    let alice = &world.alice;
    let altered = |alter: &dyn Fn(&mut Entry)| altered_genesis(alice, Algorithm::SecretBox, alter);
    vec![
        first(
            "genesis-cites-somebody-else-too",
            "bob is cited, whom a genesis does not concern",
            altered(&|e| {
                e.cites.push(world.bob.cite());
                e.cites.sort_by_key(|c| c.principal);
            }),
            "CitationUnneeded",
        ),
        first(
            "genesis-follows-something",
            "a first entry that follows another",
            altered(&|e| e.prev = Some(EntryHash([1; 32]))),
            "WrongPrev",
        ),
    ]
}
