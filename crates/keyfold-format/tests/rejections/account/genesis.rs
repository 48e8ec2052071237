//! The genesis, and where a later entry stands.

use super::super::Case;
use crate::people::{Person, TIME, bytes_of, sign};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    EntryHash, HolderId, ScopeId,
    account::{AccountOp, Entry},
    entry::SignedEntry,
    label::SignatureLabel,
};

pub fn cases() -> Vec<Case> {
    let alice = Person::new("alice");
    let stranger = SigningKey::from_bytes(&bytes_of("stranger"));
    let keys = [&alice.device, &alice.ledger_key, &alice.publication, &alice.signature];
    let entry = Person::genesis_entry("alice", keys[0], keys[1], keys[2], keys[3]);
    let genesis = |alter: &dyn Fn(&mut Entry)| {
        let mut entry = entry.clone();
        alter(&mut entry);
        Person::sign_genesis(&entry, keys[0], keys[1], keys[2], keys[3])
    };
    let resigned = |at: usize, key: &SigningKey, label| {
        let mut signed = genesis(&|_| ());
        signed.signatures[at] = sign(key, label, &signed.signed);
        signed
    };
    let first =
        |name, about, last: SignedEntry, expect| Case { account: true, ..Case::of(name, about, last.encode(), expect) };
    let next = |name, about, alter: &dyn Fn(&mut Entry), expect| {
        let mut later = Entry {
            scope: Some(alice.id()),
            seq: 1,
            prev: Some(alice.account.head().hash),
            time: TIME + 1,
            ..entry.clone()
        };
        alter(&mut later);
        let last = Person::sign_genesis(&later, keys[0], keys[1], keys[2], keys[3]).encode();
        Case { account: true, entries: vec![alice.genesis.encode()], ..Case::of(name, about, last, expect) }
    };
    let label = SignatureLabel::AccountKey;
    vec![
        first("account-ok", "an account", genesis(&|_| ()), "ok"),
        first(
            "account-genesis-names-a-scope",
            "a first entry that names a scope",
            genesis(&|e| e.scope = Some(ScopeId([1; 32]))),
            "WrongScope",
        ),
        first(
            "account-genesis-follows-something",
            "a first entry that follows another",
            genesis(&|e| e.prev = Some(EntryHash([1; 32]))),
            "WrongPrev",
        ),
        first("account-genesis-with-seq-1", "a first entry with number 1", genesis(&|e| e.seq = 1), "WrongSeq"),
        first(
            "account-genesis-by-another-device",
            "the author is not the device it names",
            genesis(&|e| e.author = HolderId([1; 32])),
            "NotAHolder",
        ),
        first(
            "account-genesis-twice-in-one-entry",
            "two geneses",
            genesis(&|e| e.ops.push(e.ops[0].clone())),
            "GenesisMisplaced",
        ),
        first("account-genesis-empty", "an entry that does nothing", genesis(&|e| e.ops.clear()), "GenesisMisplaced"),
        first(
            "account-device-signature-by-stranger",
            "the device did not sign",
            resigned(0, &stranger, SignatureLabel::Entry),
            "BadSignature",
        ),
        first(
            "account-ledger-key-of-a-stranger",
            "who lists a ledger key shows that he holds it",
            resigned(1, &stranger, label),
            "BadSignature",
        ),
        first(
            "account-publication-key-of-a-stranger",
            "the same for the publication key",
            resigned(2, &stranger, label),
            "BadSignature",
        ),
        first(
            "account-signature-key-of-a-stranger",
            "the same for the signature key",
            resigned(3, &stranger, label),
            "BadSignature",
        ),
        first(
            "account-ledger-key-signs-under-entry-label",
            "another label",
            resigned(1, &alice.ledger_key, SignatureLabel::Entry),
            "BadSignature",
        ),
        first(
            "account-signatures-missing",
            "only the device signed",
            {
                let mut e = genesis(&|_| ());
                e.signatures.truncate(1);
                e
            },
            "BadSignature",
        ),
        next("account-second-genesis", "a second genesis", &|_| (), "GenesisMisplaced"),
        next(
            "account-next-of-another-account",
            "an entry of another account",
            &|e| e.scope = Some(ScopeId([2; 32])),
            "WrongScope",
        ),
        next("account-next-wrong-seq", "a number is left out", &|e| e.seq = 2, "WrongSeq"),
        next(
            "account-next-wrong-prev",
            "it follows another entry",
            &|e| e.prev = Some(EntryHash([2; 32])),
            "WrongPrev",
        ),
        next("account-next-time-goes-back", "it is older than the genesis", &|e| e.time = TIME - 1, "TimeGoesBack"),
        next("account-next-by-stranger", "the author is no holder", &|e| e.author = HolderId([3; 32]), "NotAHolder"),
        next(
            "account-next-without-ops",
            "an entry that does nothing",
            &|e: &mut Entry| e.ops = Vec::<AccountOp>::new(),
            "GenesisMisplaced",
        ),
    ]
}
