//! S8: one ciphertext, one key. AES-GCM and HMAC do not promise it; the commitment does, also to whoever brings the
//! data key from a cache.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    DataKey, ReaderKey, WriterKey,
    envelope::{self, EnvelopeError, Unopened},
    value::{self, Value, ValueError},
};
use keyfold_format::{
    ObjectId,
    envelope::{Flags, Header},
    value::ValueHeader,
};
use support::{BoxKey, SeededRng, reference};

const ONE: [u8; 32] = [0x11; 32];
const TWO: [u8; 32] = [0x22; 32];

/// Alice's slot holds `ONE` and Bob's holds `TWO`; the author of this knows both, and commits to one.
fn crafted(committed: &[u8; 32], mac: &[u8; 32], body: &[u8; 32]) -> Vec<u8> {
    let object = ObjectId([9; 32]);
    let fixed = reference::fixed(committed, object, b"", Flags::default());
    let slots = [(BoxKey::new(1), ONE), (BoxKey::new(2), TWO)]
        .map(|(to, data)| reference::slot(to.key.expose(), to.fingerprint, &to.place, &object, &data));
    let body = reference::body(&fixed, body, b"pay 10", 6);
    let header = Header::new(fixed, slots.to_vec(), None).unwrap();
    [reference::head(&header, mac), body].concat()
}

fn open(envelope: &[u8], reader: &BoxKey) -> Result<Vec<u8>, EnvelopeError> {
    envelope::open_slice(envelope, b"", |f| reader.reader(f)).map(|opened| opened.plaintext.to_vec())
}

#[test]
fn of_two_slots_with_different_data_keys_only_the_committed_one_opens() {
    let [alice, bob] = [BoxKey::new(1), BoxKey::new(2)];
    for (data, opens, not) in [(ONE, &alice, &bob), (TWO, &bob, &alice)] {
        let envelope = crafted(&data, &data, &data);
        assert_eq!(open(&envelope, opens).unwrap(), b"pay 10");
        assert_eq!(open(&envelope, not), Err(EnvelopeError::Unauthentic));
    }
}

#[test]
fn a_header_whose_mac_and_body_fit_another_key_than_the_commitment_opens_for_nobody() {
    let envelope = crafted(&ONE, &TWO, &TWO);
    assert_eq!(open(&envelope, &BoxKey::new(1)), Err(EnvelopeError::Unauthentic), "the MAC is another's");
    assert_eq!(open(&envelope, &BoxKey::new(2)), Err(EnvelopeError::Unauthentic), "the commitment is another's");
}

#[test]
fn a_cached_data_key_is_held_to_the_commitment_too() {
    let envelope = crafted(&ONE, &TWO, &TWO);
    let cached = |data: &[u8; 32], envelope| {
        let (head, _) = Unopened::parse(envelope).unwrap();
        head.open_cached(b"", DataKey::from_slice(data).unwrap()).map(drop)
    };
    assert_eq!(cached(&TWO, &envelope), Err(EnvelopeError::Unauthentic));
    assert_eq!(cached(&TWO, &crafted(&TWO, &TWO, &TWO)), Ok(()));
}

#[test]
fn a_reader_who_knows_two_slots_tries_one() {
    let [alice, bob] = [BoxKey::new(1), BoxKey::new(2)];
    let envelope = crafted(&ONE, &ONE, &ONE);
    let first = Unopened::parse(&envelope).unwrap().0.fingerprints().next().unwrap();
    let mut asked = Vec::new();
    let opened = envelope::open_slice(&envelope, b"", |f| {
        asked.push(*f);
        alice.reader(f).or_else(|| bob.reader(f))
    });
    assert_eq!(asked, [first], "after a slot that does not open there is no second try");
    assert_eq!(opened.is_ok(), first == alice.fingerprint);
}

#[test]
fn a_value_opens_only_under_the_key_that_it_commits_to() {
    let [alice, bob] = [BoxKey::new(1), BoxKey::new(2)];
    let seal = |key: &BoxKey| {
        let writer = WriterKey::Symmetric { key: &key.key, fingerprint: alice.fingerprint, place: alice.place };
        value::seal(&Value::Text("pay 10".into()), &writer, b"", &mut SeededRng::new("s8")).unwrap()
    };
    let (ours, theirs) = (seal(&alice), seal(&bob));
    let open = |bytes: &[u8], key: &BoxKey| {
        let reader = ReaderKey::Symmetric { key: &key.key, place: alice.place };
        value::open(bytes, b"", |_| Some(reader))
    };
    assert!(open(&theirs, &bob).is_ok());
    // Bob's payload under Alice's commitment: it decrypts under Bob's key, and is refused for the commitment alone.
    let (mut header, payload) = ValueHeader::parse(&theirs).unwrap();
    header.commitment = ValueHeader::parse(&ours).unwrap().0.commitment;
    let crafted = [&header.encode()[..], payload].concat();
    assert_eq!(open(&crafted, &bob), Err(ValueError::Unauthentic));
    assert_eq!(open(&crafted, &alice), Err(ValueError::Unauthentic));
}
