//! S20: shares that are wrong, repeated, mixed or altered come to a named error, and never to a key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    RecoverySecret,
    recovery::{Share, ShareError},
};
use keyfold_format::{
    ScopeId,
    id::{base64url, from_base64url, hash},
    label::HashLabel,
};
use support::SeededRng;

const ACCOUNT: ScopeId = ScopeId([0xac; 32]);
const PREFIX: &str = "keyfold:share/";
const INDEX: usize = 51;
const PART: usize = 52;

fn set(seed: &str, needed: u8, count: u8) -> (RecoverySecret, Vec<Share>) {
    Share::generate(ACCOUNT, needed, count, &mut SeededRng::new(seed)).unwrap()
}

fn copy(share: &Share) -> Share {
    Share::parse(&share.text()).unwrap()
}

fn pick(shares: &[Share], indices: &[usize]) -> Vec<Share> {
    indices.iter().map(|at| copy(&shares[*at])).collect()
}

fn fault(shares: &[Share]) -> ShareError {
    Share::combine(shares, &ACCOUNT).unwrap_err()
}

/// What somebody makes who knows the format: other bytes, with a checksum that holds.
fn forged(share: &Share, change: impl FnOnce(&mut Vec<u8>)) -> Share {
    let mut bytes = from_base64url(share.text().strip_prefix(PREFIX).unwrap()).unwrap();
    bytes.truncate(84);
    change(&mut bytes);
    let sum = hash(HashLabel::Share, &[&bytes]);
    Share::parse(&format!("{PREFIX}{}", base64url(&[&bytes[..], &sum[..4]].concat()))).unwrap()
}

#[test]
fn any_that_suffice_give_the_secret_in_any_order_and_number() {
    for (needed, count) in [(2, 2), (2, 3), (3, 5), (16, 16), (2, 16)] {
        let (secret, shares) = set("any", needed, count);
        assert_eq!(shares.len(), usize::from(count));
        let all: Vec<usize> = (0..shares.len()).collect();
        let first = &all[..usize::from(needed)];
        let last: Vec<usize> = all.iter().rev().take(usize::from(needed)).copied().collect();
        for indices in [first, &last, &all] {
            assert!(Share::combine(&pick(&shares, indices), &ACCOUNT).unwrap() == secret, "{indices:?}");
        }
    }
}

#[test]
fn s20_wrong_repeated_mixed_or_altered_shares_are_named_errors_never_a_wrong_key() {
    let (_, shares) = set("one", 3, 5);
    let (_, others) = set("two", 3, 5);
    assert_eq!(fault(&[]), ShareError::TooFew { needed: 2, given: 0 });
    assert_eq!(fault(&pick(&shares, &[0, 4])), ShareError::TooFew { needed: 3, given: 2 });
    assert_eq!(fault(&pick(&shares, &[0, 4, 0])), ShareError::Repeated { index: 1 });
    let mut mixed = pick(&shares, &[0, 1]);
    mixed.push(copy(&others[2]));
    assert_eq!(fault(&mixed), ShareError::Mixed { index: 3 });
    let elsewhere = Share::combine(&shares, &ScopeId([9; 32]));
    assert_eq!(elsewhere.unwrap_err(), ShareError::OtherAccount { index: 1 });

    // Whoever holds one share and writes it anew, with a checksum that holds.
    for bit in 0..256 {
        let mut altered = pick(&shares, &[0, 1]);
        altered.push(forged(&shares[2], |bytes| bytes[PART + bit / 8] ^= 1 << (bit % 8)));
        assert_eq!(fault(&altered), ShareError::Altered, "bit {bit}");
    }
    let mut renumbered = pick(&shares, &[0, 1]);
    renumbered.push(forged(&shares[2], |bytes| bytes[INDEX] = 4));
    assert_eq!(fault(&renumbered), ShareError::Altered);
    let mut fewer: Vec<Share> = shares[..2].iter().map(|share| forged(share, |bytes| bytes[49] = 2)).collect();
    assert_eq!(fault(&fewer), ShareError::Altered, "three are needed, and two say that two are");
    fewer.push(copy(&shares[2]));
    assert_eq!(fault(&fewer), ShareError::Mixed { index: 3 });
    let moved: Vec<Share> = shares.iter().map(|share| forged(share, |bytes| bytes[1..33].fill(9))).collect();
    let elsewhere = Share::combine(&moved, &ScopeId([9; 32]));
    assert_eq!(elsewhere.unwrap_err(), ShareError::Altered, "all of them, for another account");
}

#[test]
fn s20_one_altered_share_is_noticed_also_where_the_others_would_suffice() {
    let (_, shares) = set("more", 2, 3);
    let mut given = pick(&shares, &[0, 1]);
    given.push(forged(&shares[2], |bytes| bytes[PART] ^= 1));
    assert_eq!(fault(&given), ShareError::Altered);
}

#[test]
fn a_share_that_was_misread_anywhere_is_no_share() {
    let (_, shares) = set("misread", 2, 2);
    let bytes = from_base64url(shares[0].text().strip_prefix(PREFIX).unwrap()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { ShareError::Unsupported } else { ShareError::Damaged };
        assert_eq!(Share::parse(&format!("{PREFIX}{}", base64url(&bytes))).unwrap_err(), expected, "bit {bit}");
    }
    for len in 1..bytes.len() {
        let text = format!("{PREFIX}{}", base64url(&bytes[..len]));
        assert_eq!(Share::parse(&text).unwrap_err(), ShareError::Damaged, "{len} bytes");
    }
    for text in ["", "keyfold:share/", "keyfold:shares/AQ", "keyfold:share/A", "level join sea"] {
        assert_eq!(Share::parse(text).unwrap_err(), ShareError::Damaged, "{text}");
    }
}

#[test]
fn numbers_that_no_set_has_are_refused_from_whoever_asks_and_whoever_wrote_them() {
    for (needed, count) in [(0, 0), (0, 3), (1, 3), (4, 3), (2, 17), (17, 17)] {
        let made = Share::generate(ACCOUNT, needed, count, &mut SeededRng::new("numbers"));
        assert_eq!(made.unwrap_err(), ShareError::Numbers, "{needed} of {count}");
    }
    let (_, shares) = set("numbers", 2, 3);
    for (needed, count, index) in [(1, 3, 1), (4, 3, 1), (2, 17, 1), (2, 3, 0), (2, 3, 4)] {
        let mut bytes = from_base64url(shares[0].text().strip_prefix(PREFIX).unwrap()).unwrap();
        bytes.truncate(84);
        bytes[49..52].copy_from_slice(&[needed, count, index]);
        let sum = hash(HashLabel::Share, &[&bytes]);
        let text = format!("{PREFIX}{}", base64url(&[&bytes[..], &sum[..4]].concat()));
        assert_eq!(Share::parse(&text).unwrap_err(), ShareError::Damaged, "{needed} of {count}, {index}");
    }
}

#[test]
fn a_share_is_read_however_it_was_broken_into_lines_and_shows_no_part_of_the_secret() {
    let (_, shares) = set("lines", 2, 3);
    let text = shares[1].text();
    assert_eq!(text.len(), 132);
    let broken = format!("  {}\n {}\r\n", &text[..40], &text[40..]);
    let read = Share::parse(&broken).unwrap();
    assert_eq!((read.index(), read.needed(), read.count(), read.account()), (2, 2, 3, ACCOUNT));
    assert_eq!(format!("{read:?}"), format!("Share(2 of 3, {ACCOUNT:?}, …)"));
}

/// One share of two is the secret plus a random byte. Were any byte left out, the zero for instance, each share would
/// say of 32 bytes what they are not.
#[test]
fn one_share_less_than_suffices_excludes_no_secret() {
    let mut seen = [false; 256];
    let mut rng = SeededRng::new("excludes");
    for _ in 0..256 {
        let (secret, shares) = Share::generate(ACCOUNT, 2, 2, &mut rng).unwrap();
        let bytes = from_base64url(shares[0].text().strip_prefix(PREFIX).unwrap()).unwrap();
        for (part, byte) in bytes[PART..PART + 32].iter().zip(secret.expose()) {
            seen[usize::from(part ^ byte)] = true;
        }
    }
    assert_eq!(seen.iter().filter(|seen| !**seen).count(), 0);
}
