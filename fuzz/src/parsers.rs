//! Parsers: whatever they take has one encoding, the one that they were given.

use keyfold_format::{
    Malformed, account, cbor,
    entry::SignedEntry,
    envelope,
    receipt::Receipt,
    scope::{Ledger, ScopeEntry},
    value,
    wrap::Wrap,
};
use keyfold_protocol::{
    ErrorBody,
    events::ServerFrame,
    signing::base::{SignatureParams, parse_signature},
    wire,
};

/// What was taken encodes to the bytes that it was taken from.
fn same<T>(taken: Result<T, Malformed>, encode: impl FnOnce(&T) -> Vec<u8>, bytes: &[u8]) {
    if let Ok(taken) = taken {
        assert_eq!(encode(&taken), bytes, "two encodings of one thing");
    }
}

pub(crate) fn account_entry(bytes: &[u8]) {
    same(account::Entry::decode(bytes), account::Entry::encode, bytes);
}

pub(crate) fn scope_entry(bytes: &[u8]) {
    same(ScopeEntry::decode(bytes), ScopeEntry::encode, bytes);
}

pub(crate) fn signed_entry(bytes: &[u8]) {
    same(SignedEntry::decode(bytes), SignedEntry::encode, bytes);
}

/// A snapshot is a device's own record: it may be anything on a broken disk, but no panic.
pub(crate) fn snapshot(bytes: &[u8]) {
    Ledger::head_of_snapshot(bytes).ok();
    if let Ok(ledger) = Ledger::from_snapshot(bytes) {
        let again = Ledger::from_snapshot(&ledger.to_snapshot()).expect("what was read is written");
        assert_eq!(again, ledger);
    }
}

pub(crate) fn receipt(bytes: &[u8]) {
    same(cbor::decode_canonical::<Receipt>(bytes), cbor::encode, bytes);
}

pub(crate) fn wrap(bytes: &[u8]) {
    same(cbor::decode_canonical::<Wrap>(bytes), cbor::encode, bytes);
}

pub(crate) fn envelope(bytes: &[u8]) {
    let Ok((head, body)) = envelope::Head::parse(bytes) else { return };
    let read = bytes.len() - body.len();
    let header = head.header.encode().expect("what was read is written");
    let at = bytes.get(..read).expect("the head is part of it");
    assert!(at.windows(header.len().max(1)).any(|window| window == header), "two encodings of one header");
}

pub(crate) fn value(bytes: &[u8]) {
    if let Ok((header, _)) = value::ValueHeader::parse(bytes) {
        assert!(bytes.starts_with(&header.encode()), "two encodings of one header");
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(sealed) = value::from_text(text) {
        assert_eq!(value::to_text(&sealed), text, "two texts of one value");
    }
}

/// Every body of a request or an answer.
pub(crate) fn bodies(bytes: &[u8]) {
    macro_rules! each {
        ($($body:ident)*) => {$( same(wire::$body::decode(bytes), wire::$body::encode, bytes); )*};
    }
    each!(SignUp SignedUp ExtendAccount Lookup Accounts Info Ledgers LedgerPages CreateScope Append Appended Place
          Placed OwnWraps Scopes LoggedIn LoggedOut);
    if let Ok(error) = ErrorBody::decode(bytes) {
        assert_eq!(ErrorBody::decode(&error.encode()).as_ref(), Ok(&error), "an error is what its bytes say");
    }
}

pub(crate) fn events(bytes: &[u8]) {
    same(ServerFrame::decode(bytes), ServerFrame::encode, bytes);
}

/// Fields of HTTP Message Signatures.
pub(crate) fn fields(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (field, label) = text.split_once('\n').unwrap_or((text, "keyfold"));
    parse_signature(field, label).ok();
    if let Ok(params) = SignatureParams::parse(field, label) {
        let once = params.serialize();
        params.base(|name, _| Some(name.to_owned()));
        let again = SignatureParams::parse(&format!("{label}={once}"), label).expect("what was read is written");
        assert_eq!(again.serialize(), once);
    }
}
