//! What derives from master keys, device seeds and keychain keys. These vectors have no failures: what they show is
//! that another implementation gets the same bytes.

use crate::{
    scaffold::{Named, array, bytes, number, text},
    support::{SeededRng, hex, reference},
};
use keyfold_core::{
    DeviceSeed, HistorySecret, KeychainKey, MasterKey,
    account::AccountSecrets,
    device::DeviceKeys,
    keychain::{KeySite, KeyWithHistory},
    safety::{SafetyInput, SafetyWords},
};
use keyfold_format::{IdentityUri, Name, ScopeId, UserId, scope::Algorithm};
use serde_json::{Value as Json, json};

pub fn check(vector: &Json) {
    assert_eq!(outputs(&vector["in"], text(vector, "derives")), vector["out"]);
    let inputs = &vector["in"];
    match text(vector, "derives") {
        "account" => {
            // Once more by the formulas.
            let generation = (number(inputs, "generation") as u32).to_be_bytes();
            let (master, nonce) = (bytes(inputs, "master_key"), bytes(inputs, "nonce"));
            let seed = reference::derive(&master, &nonce, "KF1 account ledger key", &generation, 32);
            let key = ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap());
            assert_eq!(hex(key.verifying_key().as_bytes()), text(&vector["out"], "ledger_key"));
        }
        "device" => {
            let seed = reference::derive(&bytes(inputs, "seed"), &[], "KF1 device signing key", &[], 32);
            let key = ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap());
            assert_eq!(hex(key.verifying_key().as_bytes()), text(&vector["out"], "signing_key"));
        }
        "safety words" | "identity uri" => {}
        _ => {
            let (site, made) = key(inputs);
            let (name, link) = (bytes(inputs, "sealed_name"), bytes(inputs, "link"));
            assert_eq!(site.open_name(&made.key, &name).unwrap().as_str(), text(inputs, "name"));
            let place = [&site.binding[..], &site.number.to_be_bytes()].concat();
            let salt = name[..24].try_into().unwrap();
            let text = text(inputs, "name").as_bytes();
            let mut padded = [&(text.len() as u16).to_be_bytes()[..], text].concat();
            padded.resize(32, 0);
            assert_eq!(name, reference::seal_once(made.key.expose(), "KF1 name", &place, &padded, salt));
            let both = [array::<32>(inputs, "previous_key"), array(inputs, "previous_history")].concat();
            let salt = link[..24].try_into().unwrap();
            let sealed = reference::seal_once(made.history.expose(), "KF1 history link", &place, &both, salt);
            assert_eq!(link, sealed);
        }
    }
}

fn key(inputs: &Json) -> (KeySite, KeyWithHistory) {
    let site = KeySite {
        binding: array(inputs, "binding"),
        number: number(inputs, "number") as u32,
        algorithm: Algorithm::from_number(number(inputs, "algorithm") as u8).unwrap(),
    };
    let made = KeyWithHistory {
        key: KeychainKey::from_slice(&bytes(inputs, "key")).unwrap(),
        history: HistorySecret::from_slice(&bytes(inputs, "history")).unwrap(),
    };
    (site, made)
}

fn outputs(inputs: &Json, derives: &str) -> Json {
    match derives {
        "account" => {
            let master = MasterKey::from_slice(&bytes(inputs, "master_key")).unwrap();
            let generation = number(inputs, "generation") as u32;
            let keys = AccountSecrets::derive(&master, &array(inputs, "nonce"), generation).unwrap().public();
            json!({
                "ledger_key": hex(&keys.ledger.0), "sharing_key": hex(keys.sharing.as_bytes()),
                "publication_key": hex(&keys.publication.0), "signature_key": hex(&keys.signature.0),
            })
        }
        "device" => {
            let keys = DeviceKeys::derive(&DeviceSeed::from_slice(&bytes(inputs, "seed")).unwrap()).unwrap();
            json!({
                "signing_key": hex(&keys.signing.verifying_key().0),
                "wrapping_key": hex(keys.wrapping.public().as_bytes()), "device_id": hex(keys.id().as_bytes()),
            })
        }
        "key" => {
            let (site, made) = key(inputs);
            json!({
                "fingerprint": hex(site.fingerprint(&made.key).as_bytes()),
                "history_commitment": hex(&site.history_commitment(&made.history)),
            })
        }
        "safety words" => {
            let [one, other] = ["one_account", "other_account"].map(|name| ScopeId(array(inputs, name)));
            let numbers = SafetyWords::from_stretched(SafetyInput::of(&one, &other).stretched()).numbers();
            let list = bip39::Language::English.word_list();
            json!({ "numbers": numbers, "words": numbers.map(|number| list[usize::from(number)]).join(" ") })
        }
        "identity uri" => {
            let user_id = UserId::new(text(inputs, "user_id")).unwrap();
            let uri = IdentityUri { account: ScopeId(array(inputs, "account")), user_id }.to_string();
            assert!(uri.parse::<IdentityUri>().is_ok());
            json!({ "uri": uri })
        }
        other => panic!("unknown derivation {other}"),
    }
}

pub fn generate() -> Vec<Named> {
    let vector = |about: &str, derives: &str, inputs: Json| json!({ "about": about, "derives": derives, "in": inputs, "out": outputs(&inputs, derives) });
    let key_vector = |about: &str, algorithm: u8| {
        let mut inputs = json!({
            "binding": hex(&[4; 32]), "number": 3, "algorithm": algorithm, "key": hex(&[0x61; 32]),
            "history": hex(&[0x62; 32]), "name": "minutes", "previous_key": hex(&[0x51; 32]),
            "previous_history": hex(&[0x52; 32]),
        });
        let (site, made) = key(&inputs);
        let mut rng = SeededRng::new(about);
        let name = site.seal_name(&made.key, &Name::new("minutes").unwrap(), &mut rng).unwrap();
        let previous = KeyWithHistory {
            key: KeychainKey::from_slice(&[0x51; 32]).unwrap(),
            history: HistorySecret::from_slice(&[0x52; 32]).unwrap(),
        };
        inputs["sealed_name"] = json!(hex(&name));
        inputs["link"] = json!(hex(&site.seal_link(&made.history, &previous, &mut rng).unwrap()));
        vector(about, "key", inputs)
    };
    let account = |generation: u32| json!({ "master_key": hex(&[0x4d; 32]), "nonce": hex(&[0x6e; 32]), "generation": generation });
    vec![
        ("account-generation-0", vector("an account's keys", "account", account(0))),
        ("account-generation-1", vector("the same master key in another generation", "account", account(1))),
        ("device", vector("a device's keys and id", "device", json!({ "seed": hex(&[0x5d; 32]) }))),
        ("key-secret-box", key_vector("fingerprint, commitment, name and link of a secretBox key", 0)),
        (
            "safety-words",
            vector(
                "the words of two accounts",
                "safety words",
                json!({ "one_account": hex(&[0xa1; 32]), "other_account": hex(&[0xb0; 32]) }),
            ),
        ),
        (
            "safety-words-the-other-way-round",
            vector(
                "the same, from the other side",
                "safety words",
                json!({ "one_account": hex(&[0xb0; 32]), "other_account": hex(&[0xa1; 32]) }),
            ),
        ),
        (
            "identity-uri",
            vector(
                "an identity to show and to scan",
                "identity uri",
                json!({ "account": hex(&[0xb0; 32]), "user_id": "bob/b\u{f6}b+1@example.org" }),
            ),
        ),
        ("key-group", key_vector("the same bytes as a group's key", 2)),
    ]
}
