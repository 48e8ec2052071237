//! Bytes that are wrong before anybody asks what they mean. Signed by alice all the same: the signature is no excuse.

use super::{Case, raw};
use crate::people::{World, rotate, share_latest, sign};
use keyfold_format::{
    Permissions,
    entry::SignedEntry,
    label::SignatureLabel,
    scope::{Op, ScopeEntry},
};

pub fn cases() -> Vec<Case> {
    let mut all = frames();
    all.extend(numbers());
    all
}

fn numbers() -> Vec<Case> {
    let world = World::new();
    let by_alice = |name, about, signed: Vec<u8>, expect| {
        let signatures = vec![sign(&world.alice.ledger_key, SignatureLabel::Entry, &signed)];
        raw(name, about, &world, SignedEntry { signed, signatures }.encode(), expect)
    };
    let share = share_latest(&world.ledger, &[&world.bob], Permissions::NONE);
    let share = world.alice.entry(&world.ledger, vec![Op::Share(share)], &[&world.bob]);
    let share = ScopeEntry::Ordinary(share).encode();
    // … keys [[1, 1]], permissions 0 …
    let permissions_at = share.windows(4).position(|w| w == [0x81, 0x82, 0x01, 0x01]).unwrap() + 4;
    assert_eq!(share[permissions_at], 0);
    let mut bit_16 = share.clone();
    bit_16[permissions_at] = 16;
    let time_at = share.windows(9).position(|w| w[0] == 0x1b && w[1..] == crate::people::TIME.to_be_bytes()).unwrap();
    let mut far = share.clone();
    far[time_at + 1] = 1;
    let mut version_256 = share.clone();
    version_256.splice(1..2, [0x19, 0x01, 0x00]);
    let newer = vec![0x82, 0x02, 0xa1, 0x01, 0x02];
    vec![
        by_alice("bytes-version-256", "a version that takes two bytes", version_256, "Unsupported"),
        by_alice("bytes-version-2-of-another-shape", "a newer version may be shaped as it likes", newer, "Unsupported"),
        by_alice("bytes-permission-bit-16", "a permission that this release does not know", bit_16, "Unsupported"),
        by_alice("bytes-time-past-2-to-the-53", "a time that not every client can hold", far, "TooLarge"),
    ]
}

fn frames() -> Vec<Case> {
    let world = World::new();
    let alice = &world.alice;
    let signed = ScopeEntry::Ordinary(alice.entry(&world.ledger, vec![rotate(2, true)], &[])).encode();
    let with = |name, about, signed: Vec<u8>, expect| {
        let signatures = vec![sign(&alice.ledger_key, SignatureLabel::Entry, &signed)];
        raw(name, about, &world, SignedEntry { signed, signatures }.encode(), expect)
    };
    let edit = |at: usize, byte: u8| {
        let mut bytes = signed.clone();
        bytes[at] = byte;
        bytes
    };
    // signed = 8a (array of 10) · 01 version · 01 form · 58 20 scope …
    assert_eq!(signed[..5], [0x8a, 0x01, 0x01, 0x58, 0x20]);
    let seq_at = 5 + 32;
    let mut long_seq = signed.clone();
    long_seq.splice(seq_at..=seq_at, [0x18, 0x01]);
    let mut indefinite = signed.clone();
    indefinite[0] = 0x9f;
    indefinite.push(0xff);
    let mut trailing = signed.clone();
    trailing.push(0);
    let truncated = signed[..signed.len() - 1].to_vec();
    // … [[9, [2, …]]]: the op's number
    let op_at = signed.windows(4).position(|w| w == [0x82, 0x09, 0x86, 0x02]).unwrap() + 1;
    let good = SignedEntry {
        signatures: vec![sign(&alice.ledger_key, SignatureLabel::Entry, &signed)],
        signed: signed.clone(),
    }
    .encode();
    let mut outer_trailing = good.clone();
    outer_trailing.push(0);
    vec![
        with("bytes-version-2", "a version that this release does not know", edit(1, 2), "Unsupported"),
        with("bytes-version-0", "a version that never was", edit(1, 0), "Unsupported"),
        with("bytes-form-5", "a form that this release does not know", edit(2, 5), "Unsupported"),
        with("bytes-account-form-on-keychain", "an account's form on a keychain", edit(2, 0), "Unsupported"),
        with("bytes-op-18", "an op that nobody knows", edit(op_at, 18), "Unsupported"),
        with("bytes-long-integer", "the number 1 in two bytes", long_seq, "NotCanonical"),
        with("bytes-indefinite-array", "an array without its length", indefinite, "NotCanonical"),
        with("bytes-trailing", "a byte after the end", trailing, "NotCanonical"),
        with("bytes-truncated", "the last byte is missing", truncated, "Truncated"),
        with("bytes-array-of-9", "a field too few", edit(0, 0x89), "Malformed"),
        with("bytes-empty", "nothing is signed", vec![], "Truncated"),
        with(
            "bytes-nested-too-deep",
            "nine arrays in each other",
            {
                let mut b = vec![0x81; 9];
                b.push(0);
                b
            },
            "TooMany",
        ),
        with("bytes-map", "a map in place of an array", vec![0xa0], "NotCanonical"),
        raw("bytes-entry-trailing", "a byte after the signatures", &world, outer_trailing, "NotCanonical"),
        raw(
            "bytes-entry-truncated",
            "the last byte of a signature is missing",
            &world,
            good[..good.len() - 1].to_vec(),
            "Truncated",
        ),
        raw("bytes-entry-is-text", "text in place of an entry", &world, b"\x64text".to_vec(), "Malformed"),
        raw(
            "bytes-entry-promises-3-mib",
            "a byte string of 3 MiB that is not there",
            &world,
            vec![0x82, 0x5a, 0x00, 0x30, 0x00, 0x00],
            "Truncated",
        ),
    ]
}
