//! Vectors of the standards that the suite is made of.

use crate::{
    scaffold::{array, bytes, text},
    support::{ScriptedRng, hex, reference},
};
use ed25519_dalek::Verifier;
use hpke::{Deserializable, Kem, kem::XWing};
use keyfold_core::{KeychainKey, SigningKey, keychain};
use keyfold_format::{
    ScopeId, Signature, VerifyingKey,
    wrap::{WrapKind, WrapPlace},
};
use serde_json::Value as Json;

pub fn check(vector: &Json) {
    match text(vector, "primitive") {
        "hkdf" => hkdf(vector),
        "ed25519" => ed25519(vector),
        "xwing" => xwing(vector),
        other => panic!("unknown primitive {other}"),
    }
}

/// The reference that the other vectors are checked with, and the library that the suite calls.
fn hkdf(vector: &Json) {
    let (secret, salt, info) = (bytes(vector, "secret"), bytes(vector, "salt"), bytes(vector, "info"));
    let mut okm = vec![0; bytes(vector, "okm").len()];
    hkdf::Hkdf::<sha2::Sha256>::new(Some(&salt), &secret).expand(&info, &mut okm).unwrap();
    assert_eq!(hex(&okm), text(vector, "okm"));
    assert_eq!(reference::hkdf_sha256(&salt, &secret, &info, okm.len()), okm);
}

fn ed25519(vector: &Json) {
    let (key, signature) = (VerifyingKey(array(vector, "public")), Signature(array(vector, "signature")));
    let message = bytes(vector, "message");
    let verified = key.verify_message(&message, &signature).is_ok();
    assert_eq!(verified, text(vector, "expect") == "ok");
    if vector["seed"].is_string() {
        let secret = SigningKey::from_seed(&array(vector, "seed"));
        assert_eq!((secret.verifying_key(), secret.sign_message(&message)), (key, signature));
    }
    if text(vector, "about").contains("neutral element") {
        let lax = ed25519_dalek::VerifyingKey::from_bytes(&key.0).unwrap();
        let lax = lax.verify(&message, &ed25519_dalek::Signature::from_bytes(&signature.0));
        assert!(lax.is_ok(), "the vector shows something only if lax verification accepts it");
    }
}

fn xwing(vector: &Json) {
    let pair = KeychainKey::from_slice(&bytes(vector, "seed")).unwrap().wrapping_secret().unwrap();
    assert_eq!(hex(pair.public().as_bytes()), text(vector, "public"));

    let place = WrapPlace {
        kind: WrapKind::Keychain,
        scope: ScopeId([0; 32]),
        number: 1,
        recipient: ScopeId([0; 32]),
        recipient_number: 0,
        history: false,
    };
    let mut rng = ScriptedRng::new(bytes(vector, "encapsulation_randomness"));
    let key = KeychainKey::from_slice(&[0; 32]).unwrap();
    let wrap = keychain::wrap(&place, &key, None, pair.public(), &mut rng).unwrap();
    assert_eq!(hex(&wrap.sealed()[..1_120]), text(vector, "ciphertext"), "a wrap starts with the ciphertext of X-Wing");

    let private = <XWing as Kem>::PrivateKey::from_bytes(&bytes(vector, "seed")).unwrap();
    let enc = <XWing as Kem>::EncappedKey::from_bytes(&bytes(vector, "ciphertext")).unwrap();
    let Ok(shared) = XWing::decap(&private, None, &enc) else { panic!("decapsulation") };
    assert_eq!(hex(&shared.0), text(vector, "shared_secret"));
}
