//! Wraps of keychain keys. `seal.random` is the randomness of an X-Wing encapsulation (64).

use crate::{
    scaffold::{Named, array, bytes, edit, items, number, text},
    support::{ScriptedRng, SeededRng, hex},
};
use keyfold_core::{
    HistorySecret, KeychainKey, WrappingSecret,
    keychain::{self, KeySite, KeychainError},
};
use keyfold_format::{
    KeyFingerprint, Malformed, ScopeId, WrappingKey, cbor,
    scope::{Algorithm, KeyEntry},
    wrap::{Wrap, WrapKind, WrapPlace},
};
use rand_core::CryptoRng;
use serde_json::{Value as Json, json};

fn place(json: &Json) -> WrapPlace {
    WrapPlace {
        kind: if number(json, "kind") == 2 { WrapKind::Group } else { WrapKind::Keychain },
        scope: ScopeId(array(json, "scope")),
        number: number(json, "number") as u32,
        recipient: ScopeId(array(json, "recipient")),
        recipient_number: number(json, "recipient_number") as u32,
        history: json["history"] == true || json["history"].is_string(),
    }
}

fn pair(json: &Json, field: &str) -> WrappingSecret {
    KeychainKey::from_slice(&bytes(json, field)).unwrap().wrapping_secret().unwrap()
}

fn seal(inputs: &Json, rng: &mut impl CryptoRng) -> Wrap {
    let key = KeychainKey::from_slice(&bytes(inputs, "key")).unwrap();
    let history = inputs["history"].as_str().map(|_| HistorySecret::from_slice(&bytes(inputs, "history")).unwrap());
    keychain::wrap(&place(inputs), &key, history.as_ref(), pair(inputs, "recipient_seed").public(), rng).unwrap()
}

pub fn check(vector: &Json) {
    let inputs = &vector["seal"];
    let mut rng = ScriptedRng::new(bytes(inputs, "random"));
    let wrap = seal(inputs, &mut rng);
    assert!(rng.is_used_up(), "random bytes are left");
    assert_eq!(hex(&cbor::encode(&wrap)), text(vector, "wrap"));

    let mut sealed = wrap.sealed().to_vec();
    edit(&mut sealed, items(vector, "edits"));
    let opened = open(&vector["open"], sealed);
    assert_eq!(opened.as_ref().map_or_else(|fault| fault.code(), |_| "ok"), text(vector, "expect"));
    if let Ok(opened) = opened {
        assert_eq!(opened.key.expose(), &array::<32>(inputs, "key"));
        assert_eq!(opened.history.map(|history| hex(history.expose())).as_deref(), inputs["history"].as_str());
    }
}

fn open(json: &Json, sealed: Vec<u8>) -> Result<keychain::UnwrappedKey, KeychainError> {
    let place = place(json);
    let wrap = Wrap::new(&place, sealed)?;
    let algorithm = Algorithm::from_number(number(json, "algorithm") as u8)?;
    let site = KeySite { binding: array(json, "binding"), number: number(json, "entry_number") as u32, algorithm };
    let public = match json["public"].as_str() {
        Some(_) => Some(WrappingKey::from_slice(&bytes(json, "public")).ok_or(Malformed::Encoding)?),
        None => None,
    };
    let entry = KeyEntry {
        number: site.number,
        fingerprint: KeyFingerprint(array(json, "fingerprint")),
        public,
        history_commitment: array(json, "history_commitment"),
        history_link: None,
        name: Vec::new(),
    };
    site.unwrap(&wrap, &place, &pair(json, "recipient_seed"), &entry)
}

fn vector(about: &str, kind: u8, algorithm: u8, with_history: bool) -> Json {
    let (key, history) =
        (KeychainKey::from_slice(&[0x61; 32]).unwrap(), HistorySecret::from_slice(&[0x62; 32]).unwrap());
    let site = KeySite { binding: [4; 32], number: 3, algorithm: Algorithm::from_number(algorithm).unwrap() };
    let mut inputs = json!({
        "kind": kind, "scope": hex(&[1; 32]), "number": 3, "recipient": hex(&[2; 32]), "recipient_number": 5,
        "key": hex(key.expose()), "history": with_history.then(|| hex(history.expose())),
        "recipient_seed": hex(&[0xb0; 32]),
    });
    let mut rng = SeededRng::new(about);
    let wrap = seal(&inputs, &mut rng);
    inputs["random"] = json!(hex(&rng.record));
    let public = site.algorithm.is_key_pair().then(|| hex(key.wrapping_secret().unwrap().public().as_bytes()));
    let open = json!({
        "kind": kind, "scope": inputs["scope"], "number": 3, "recipient": inputs["recipient"], "recipient_number": 5,
        "history": with_history, "recipient_seed": inputs["recipient_seed"], "entry_number": 3,
        "binding": hex(&site.binding), "algorithm": algorithm, "fingerprint": hex(&site.fingerprint(&key).0),
        "public": public, "history_commitment": hex(&site.history_commitment(&history)),
    });
    json!({
        "about": about, "seal": inputs, "wrap": hex(&cbor::encode(&wrap)), "edits": [], "open": open, "expect": "ok",
    })
}

pub fn generate() -> Vec<Named> {
    let bad = |about: &str, field: &str, value: Json| {
        let mut vector = vector("a key with its history secret", 1, 0, true);
        vector["about"] = json!(about);
        vector["expect"] = json!("Unauthentic");
        assert_ne!(vector["open"][field], value, "{about} would change nothing");
        vector["open"][field] = value;
        vector
    };
    let edited = |about: &str, edits: Json, expect: &str| {
        let mut vector = vector("a key with its history secret", 1, 0, true);
        vector["about"] = json!(about);
        vector["edits"] = edits;
        vector["expect"] = json!(expect);
        vector
    };
    let other = || json!(hex(&[0x0e; 32]));
    vec![
        ("key", vector("a secretBox key", 1, 0, false)),
        ("key-with-history", vector("a key with its history secret", 1, 0, true)),
        ("key-pair", vector("the seed of a sealedBox key", 1, 1, false)),
        ("group-key", vector("the seed of a group's key", 2, 2, true)),
        ("opens-to-another-key", bad("the ledger names another key", "fingerprint", other())),
        ("opens-to-another-history-secret", bad("the ledger names another one", "history_commitment", other())),
        ("public-half-where-there-is-none", {
            let public = pair(&json!({ "s": hex(&[0x61; 32]) }), "s");
            bad("a secretBox key's entry has a public key", "public", json!(hex(public.public().as_bytes())))
        }),
        ("of-another-kind", bad("opened as a group's", "kind", json!(2))),
        ("of-another-scope", bad("opened for another scope", "scope", other())),
        ("of-another-number", bad("opened as another key's", "number", json!(4))),
        ("of-another-entry", bad("compared with another key's entry", "entry_number", json!(4))),
        ("of-another-recipient", bad("opened as another's", "recipient", other())),
        ("of-another-generation", bad("opened as another generation's", "recipient_number", json!(6))),
        ("of-another-binding", bad("a scope with another binding", "binding", other())),
        ("of-another-algorithm", bad("a scope of another kind", "algorithm", json!(1))),
        ("for-somebody-else", bad("another's sharing key", "recipient_seed", other())),
        ("enc-flipped", edited("the encapsulated key", json!([{ "flip": [0, 0] }]), "Unauthentic")),
        ("enc-x25519-flipped", edited("its X25519 half", json!([{ "flip": [1100, 0] }]), "Unauthentic")),
        ("ciphertext-flipped", edited("the sealed key", json!([{ "flip": [1120, 0] }]), "Unauthentic")),
        ("tag-flipped", edited("the tag", json!([{ "flip": [1199, 7] }]), "Unauthentic")),
        ("cut-to-a-key-only", edited("as long as one without history", json!([{ "truncate": 1168 }]), "Malformed")),
        ("a-byte-appended", edited("one byte more", json!([{ "append": "00" }]), "Malformed")),
    ]
}
