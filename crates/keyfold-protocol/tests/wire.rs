//! Bodies and frames: they come back as they were, in one encoding only, and within their limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyfold_format::{
    EntryHash, HolderId, Malformed, ScopeId, Signature, UserId,
    entry::{Head, SignedEntry},
    limits::{ENTRY_BYTES, ENTRY_SIGNATURES, SCOPE_MEMBERS},
    receipt::{Receipt, Statement},
    wrap::{HISTORY_WRAP_BYTES, Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    Code, Details, ErrorBody,
    error::Standing,
    events::{Challenge, Event, Goodbye, ServerFrame, Subscribe, Welcome},
    limits,
    wire::{AccountLedger, Accounts, After, Append, LedgerPage, LedgerPages, Ledgers, Lookup, ScopeKind},
};

fn entry() -> SignedEntry {
    SignedEntry { signed: vec![1, 2, 3], signatures: vec![Signature([4; 64])] }
}

fn receipt() -> Receipt {
    let head = Head { seq: 5, hash: EntryHash([6; 32]) };
    Receipt {
        statement: Statement { server: keyfold_format::ServerId([6; 32]), scope: ScopeId([7; 32]), head, time: 8 },
        signature: Signature([9; 64]),
    }
}

#[test]
fn bodies_with_null_and_with_errors_for_each_item_come_back() {
    let accounts =
        Accounts { accounts: vec![None, Some(AccountLedger { entries: vec![entry()], receipt: receipt() })] };
    assert_eq!(Accounts::decode(&accounts.encode()), Ok(accounts));
    let page = LedgerPage { entries: vec![entry()], receipt: receipt(), more: true, unseen: Vec::new() };
    let pages = LedgerPages { pages: vec![Ok(page), Err(Code::UnknownKeychain)] };
    assert_eq!(LedgerPages::decode(&pages.encode()), Ok(pages));
}

#[test]
fn errors_come_back_with_every_kind_of_details_and_unknown_codes_are_unknown() {
    let all = [
        Details::Standing(Standing { entries: vec![entry()], receipt: receipt() }),
        Details::RetryAfter(3),
        Details::Time(4),
        Details::Limit(5),
        Details::OldestClient("0.1.0".into()),
    ];
    for details in all {
        let body = ErrorBody::new(Code::Conflict, "the ledger moved on").hint("replay").details(details);
        assert_eq!(ErrorBody::decode(&body.encode()), Ok(body));
    }
    let encoded = ErrorBody::new(Code::Conflict, "x").encode();
    let at = encoded.windows(8).position(|w| w == b"Conflict").unwrap();
    let mut newer = encoded.clone();
    newer[at..at + 8].copy_from_slice(b"Tomorrow");
    let read = ErrorBody::decode(&newer).unwrap();
    assert_eq!((read.code, read.message.as_str()), (Code::Unknown, "x"));
    newer.push(0);
    assert_eq!(ErrorBody::decode(&newer), Err(Malformed::Encoding));
}

#[test]
fn another_encoding_of_the_same_body_is_not_canonical() {
    let body = Ledgers { wanted: vec![After { scope: ScopeId([1; 32]), after: Some(5) }] }.encode();
    assert_eq!(body.last(), Some(&5));
    let mut long = body[..body.len() - 1].to_vec();
    long.extend([0x18, 5]);
    assert_eq!(Ledgers::decode(&long), Err(Malformed::NotCanonical));
    let mut trailing = body.clone();
    trailing.push(0);
    assert_eq!(Ledgers::decode(&trailing), Err(Malformed::NotCanonical));
    assert_eq!(Ledgers::decode(&body[..body.len() - 1]), Err(Malformed::Truncated));
}

#[test]
fn one_item_too_many_is_told_from_a_malformed_body() {
    let lookup = |n: usize| Lookup { user_ids: (0..n).map(|i| UserId::new(format!("u{i}")).unwrap()).collect() };
    assert!(Lookup::decode(&lookup(256).encode()).is_ok());
    assert_eq!(Lookup::decode(&lookup(257).encode()), Err(Malformed::TooMany));
}

#[test]
fn the_largest_entry_with_wraps_for_as_many_as_a_scope_may_have_fits_into_one_request() {
    let scope = ScopeId([7; 32]);
    let wraps = (0..SCOPE_MEMBERS).map(|number| {
        let mut recipient = ScopeId([0xff; 32]);
        recipient.0[..8].copy_from_slice(&number.to_be_bytes());
        let (number, recipient_number) = (u32::MAX, u32::MAX);
        let place = WrapPlace { kind: WrapKind::Keychain, scope, number, recipient, recipient_number, history: true };
        Wrap::new(&place, vec![1; HISTORY_WRAP_BYTES]).unwrap()
    });
    let head = Head { seq: u64::MAX, hash: EntryHash([6; 32]) };
    let entry = SignedEntry { signed: vec![1; ENTRY_BYTES], signatures: vec![Signature([4; 64]); ENTRY_SIGNATURES] };
    let append = Append { expected: head, entry, wraps: wraps.collect() };
    assert!(append.encode().len() <= limits::REQUEST_BODY_BYTES, "{}", append.encode().len());
}

#[test]
fn frames_come_back_and_unknown_kinds_are_unsupported() {
    let event = Event {
        cursor: u64::MAX,
        scope: ScopeId([1; 32]),
        kind: ScopeKind::Keychain,
        seq: 3,
        author: ScopeId([2; 32]),
    };
    for frame in [
        ServerFrame::Challenge(Challenge { nonce: [1; 32] }),
        ServerFrame::Welcome(Welcome { cursor: 0, signature: Signature([2; 64]) }),
        ServerFrame::Event(event),
        ServerFrame::Goodbye(Goodbye { code: Code::LoggedOut }),
    ] {
        let bytes = frame.encode();
        assert_eq!(ServerFrame::decode(&bytes), Ok(frame));
        let mut unknown = bytes.clone();
        unknown[1] = 9;
        assert_eq!(ServerFrame::decode(&unknown), Err(Malformed::Unsupported));
    }
    assert_eq!(ServerFrame::decode(&[0; 5_000]), Err(Malformed::TooLarge));
}

#[test]
fn a_subscription_signs_each_of_its_parts() {
    let message = |server: u8, theirs: u8, ours: u8, after, created| {
        let challenge = Challenge { nonce: [theirs; 32] };
        Subscribe::message(&keyfold_format::ServerId([server; 32]), &challenge, &[ours; 32], after, created)
    };
    let first = message(1, 2, 3, Some(4), 5);
    for other in [
        message(9, 2, 3, Some(4), 5),
        message(1, 9, 3, Some(4), 5),
        message(1, 2, 9, Some(4), 5),
        message(1, 2, 3, None, 5),
        message(1, 2, 3, Some(9), 5),
        message(1, 2, 3, Some(4), 9),
    ] {
        assert_ne!(first, other);
    }
    let welcome = Welcome::message(&Challenge { nonce: [2; 32] }, &[3; 32], &HolderId([1; 32]), 4);
    assert!(welcome.starts_with(b"KF1 events welcome\0"));
}
