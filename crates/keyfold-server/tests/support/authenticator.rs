//! An authenticator for passkeys, in software: what a page's `navigator.credentials` would answer (WebAuthn Level 3,
//! sections 6.1 and 6.5). Every part can be another than it should be.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use keyfold_format::id::{base64url, from_base64url};
use serde_json::{Value, json};

pub const ORIGIN: &str = "https://app.keyfold.example";
pub const DOMAIN: &str = "app.keyfold.example";

/// A passkey, where it lies.
pub struct Authenticator {
    key: EcdsaKeyPair,
    credential: [u8; 32],
    handle: Vec<u8>,
    pub origin: String,
    pub counter: u32,
    /// Whether it asked its person for a finger or a number.
    pub verifies: bool,
}

impl Authenticator {
    pub fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: super::random(),
            handle: Vec::new(),
            origin: ORIGIN.to_owned(),
            counter: 0,
            verifies: true,
        }
    }

    /// Makes a passkey: the answer to options for `create`.
    pub fn make(&mut self, options: &[u8]) -> Vec<u8> {
        let options: Value = serde_json::from_slice(options).unwrap();
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        self.handle = from_base64url(options["user"]["id"].as_str().unwrap()).unwrap();
        // A COSE key (RFC 9052) of kind EC2, for ES256, on P-256.
        let [_, point @ ..] = self.key.public_key().as_ref() else { panic!("no point") };
        let (x, y) = point.split_at(32);
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat();
        // Attested credential data: of no known make, then the credential's name and key.
        let attested = [&[0; 16][..], &32_u16.to_be_bytes(), &self.credential, &key].concat();
        let data = self.data(0x40, &attested);
        let head = [0xa3, 0x63, b'f', b'm', b't', 0x64, b'n', b'o', b'n', b'e', 0x67];
        let length = [0x58, u8::try_from(data.len()).unwrap()];
        let object = [&head[..], b"attStmt", &[0xa0, 0x68], b"authData", &length, &data].concat();
        let response = json!({
            "clientDataJSON": base64url(&self.client_data("webauthn.create", &options)),
            "attestationObject": base64url(&object),
        });
        self.answer(response)
    }

    /// Uses the passkey: the answer to options for `get`.
    pub fn use_it(&mut self, options: &[u8]) -> Vec<u8> {
        let options: Value = serde_json::from_slice(options).unwrap();
        let client_data = self.client_data("webauthn.get", &options);
        self.counter += 1;
        let data = self.data(0, &[]);
        let hash = digest::digest(&digest::SHA256, &client_data);
        let signature = self.key.sign(&SystemRandom::new(), &[&data, hash.as_ref()].concat()).unwrap();
        let response = json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&data),
            "signature": base64url(signature.as_ref()),
            "userHandle": base64url(&self.handle),
        });
        self.answer(response)
    }

    /// Hash of the domain, flags (present, verified, and `more`), counter, and what follows.
    fn data(&self, more: u8, rest: &[u8]) -> Vec<u8> {
        let domain = digest::digest(&digest::SHA256, DOMAIN.as_bytes());
        let flags = 1 | u8::from(self.verifies) << 2 | more;
        [domain.as_ref(), &[flags], &self.counter.to_be_bytes(), rest].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn answer(&self, response: Value) -> Vec<u8> {
        let id = base64url(&self.credential);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
            .to_string()
            .into_bytes()
    }
}
