//! S22: no key meets a nonce twice, even where randomness repeats itself. Everything sealed under a long-lived key is
//! sealed under a key of its own, which its salt decides; so the salts must differ wherever the messages do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    DeviceSeed,
    device::DeviceKeys,
    value::{self, Value},
};
use keyfold_format::value::ValueHeader;
use std::collections::BTreeSet;
use support::{BoxKey, SeededRng};

/// The salt of a value that is sealed with randomness which starts again each time.
fn salt(key: &BoxKey, value: &Value, context: &[u8]) -> [u8; 24] {
    let sealed = value::seal(value, &key.writer(), context, &mut SeededRng::new("again")).unwrap();
    ValueHeader::parse(&sealed).unwrap().0.salt
}

#[test]
fn s22_with_repeated_randomness_two_values_have_two_salts() {
    let (alice, bob) = (BoxKey::new(1), BoxKey::new(2));
    let texts = ["pay 10", "pay 11", "pay 1", ""].map(|text| Value::Text(text.into()));
    let others = [Value::Bytes(b"pay 10".to_vec()), Value::Json("\"pay 10\"".into()), Value::Number(10.0)];
    let mut salts: Vec<_> = texts.iter().chain(&others).map(|value| salt(&alice, value, b"")).collect();
    salts.push(salt(&alice, &texts[0], b"invoices"));
    salts.push(salt(&bob, &texts[0], b""));
    assert_eq!(salts.iter().collect::<BTreeSet<_>>().len(), salts.len());
    // The same value gives the same bytes: that tells that it is the same, and nothing else.
    assert_eq!(salt(&alice, &texts[0], b""), salts[0]);
}

#[test]
fn s22_with_good_randomness_one_value_has_two_salts() {
    let (alice, value) = (BoxKey::new(1), Value::Boolean(true));
    let mut rng = SeededRng::new("good");
    let mut sealed = || value::seal(&value, &alice.writer(), b"", &mut rng).unwrap();
    let (one, other) = (sealed(), sealed());
    assert_ne!(ValueHeader::parse(&one).unwrap().0.salt, ValueHeader::parse(&other).unwrap().0.salt);
}

#[test]
fn s22_with_repeated_randomness_two_records_have_two_salts() {
    let device = DeviceKeys::derive(&DeviceSeed::from_slice(&[1; 32]).unwrap()).unwrap();
    let records: [(&[u8], &[u8]); 4] = [(b"place", b"one"), (b"place", b"two"), (b"placeo", b"ne"), (b"other", b"one")];
    let sealed = records.map(|(place, plaintext)| {
        let sealed = device.storage.seal(place, plaintext, &mut SeededRng::new("again")).unwrap();
        assert_eq!(device.storage.open(place, &sealed).unwrap().as_slice(), plaintext);
        sealed
    });
    let salts: BTreeSet<_> = sealed.iter().map(|sealed| &sealed[..24]).collect();
    assert_eq!(salts.len(), records.len());
}
