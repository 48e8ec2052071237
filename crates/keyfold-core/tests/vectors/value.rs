//! Values. `seal.random` is the salt (24), and for a public key the secret (32) and the randomness of an X-Wing
//! encapsulation (64).

use crate::{
    scaffold::{Key, Named, bytes, edit, items, number, pair, symmetric, text},
    support::{ScriptedRng, SeededRng, hex, reference, unhex},
};
use keyfold_core::value::{self, Value, ValueError};
use keyfold_format::value::{from_text, to_text};
use rand_core::CryptoRng;
use serde_json::{Value as Json, json};

fn value(inputs: &Json) -> Value {
    let data = bytes(inputs, "data");
    match number(inputs, "type") {
        0 => Value::Bytes(data),
        1 => Value::Text(String::from_utf8(data).unwrap()),
        2 => Value::Number(f64::from_be_bytes(data.try_into().unwrap())),
        3 => Value::Boolean(data == [1]),
        4 => Value::Date(i64::from_be_bytes(data.try_into().unwrap())),
        5 => Value::Json(String::from_utf8(data).unwrap()),
        other => panic!("unknown type {other}"),
    }
}

fn seal(inputs: &Json, rng: &mut impl CryptoRng) -> Vec<u8> {
    let key = Key::parse(&inputs["key"]);
    value::seal_as_drawn(&value(inputs), &key.writer(), &bytes(inputs, "context"), rng).unwrap()
}

pub fn check(vector: &Json) {
    let inputs = &vector["seal"];
    let mut rng = ScriptedRng::new(bytes(inputs, "random"));
    let mut sealed = seal(inputs, &mut rng);
    assert!(rng.is_used_up(), "random bytes are left");
    assert_eq!(to_text(&sealed), text(vector, "sealed"));
    assert_eq!(from_text(text(vector, "sealed")).unwrap(), sealed);

    edit(&mut sealed, items(vector, "edits"));
    let (context, keys) = (bytes(&vector["open"], "context"), Key::all(&vector["open"], "keys"));
    let opened = value::open(&sealed, &context, |f| keys.iter().find_map(|key| key.reader(f)));
    assert_eq!(opened.as_ref().map_or_else(ValueError::code_of, |_| "ok"), text(vector, "expect"));
    if let Ok(opened) = opened {
        assert_eq!(opened.value, value(inputs));
    }
}

trait CodeOf {
    fn code_of(&self) -> &'static str;
}

impl CodeOf for ValueError {
    fn code_of(&self) -> &'static str {
        self.code()
    }
}

fn vector(about: &str, kind: u8, data: &[u8], key: Json, context: &[u8]) -> Json {
    let mut inputs = json!({ "type": kind, "data": hex(data), "key": key, "context": hex(context) });
    let mut rng = SeededRng::new(about);
    let sealed = seal(&inputs, &mut rng);
    inputs["random"] = json!(hex(&rng.record));
    let open = json!({ "context": inputs["context"], "keys": [inputs["key"]] });
    json!({
        "about": about, "seal": inputs, "sealed": to_text(&sealed), "edits": [], "open": open, "expect": "ok",
    })
}

pub fn generate() -> Vec<Named> {
    let good = |about, kind, data: &[u8]| vector(about, kind, data, symmetric(1), b"");
    let text = || vector("a text", 1, b"pay 10", symmetric(1), b"invoices");
    let bad = |about: &str, edits: Json, open: Option<(&str, Json)>, expect: &str| {
        let mut vector = text();
        vector["edits"] = edits;
        if let Some((field, value)) = open {
            vector["open"][field] = value;
        }
        vector["about"] = json!(about);
        vector["expect"] = json!(expect);
        vector
    };
    // Whoever knows the key can seal any payload; a reader holds it to the format.
    let crafted = |about: &str, payload: &[u8], expect: &str| {
        let mut vector = text();
        let inputs = &vector["seal"];
        let sealed = from_text(crate::scaffold::text(&vector, "sealed")).unwrap();
        let key = &inputs["key"];
        let context = keyfold_format::envelope::context_hash(b"invoices").unwrap();
        let number = number(key, "number") as u32;
        let place = [&bytes(key, "scope")[..], &number.to_be_bytes(), &[0], &context].concat();
        let keys = reference::derive(&bytes(key, "key"), &bytes(inputs, "random"), "KF1 value", &place, 64);
        assert_eq!(sealed[61..93], keys[32..]);
        let payload = reference::aes_gcm(&keys[..32], [0; 12], payload);
        vector["edits"] = json!([{ "truncate": 93 }, { "append": hex(&payload) }]);
        vector["about"] = json!(about);
        vector["expect"] = json!(expect);
        vector
    };
    let payload = |kind: u8, data: &[u8], zeros: usize| {
        [&[kind][..], &(data.len() as u32).to_be_bytes(), data, &vec![0; zeros]].concat()
    };
    let nan = 0x7ff8_0000_0000_0000_u64.to_be_bytes();
    vec![
        ("bytes-empty", good("no bytes", 0, b"")),
        ("bytes", good("100 bytes, padded to 104 with type and length", 0, &[7; 99])),
        ("text", text()),
        ("number", good("-0.5", 2, &(-0.5_f64).to_be_bytes())),
        ("boolean", good("yes", 3, &[1])),
        ("date-before-1970", good("-1 ms", 4, &(-1_i64).to_be_bytes())),
        ("json", good("an object", 5, b"{\"a\":[1,null]}")),
        ("to-a-public-key", vector("a text to a sealedBox key", 1, b"pay 10", pair(7), b"")),
        ("not-a-number-canonical", crafted("the one NaN", &payload(2, &nan, 3), "ok-nan")),
        (
            "context-differs",
            bad("a reader with another context", json!([]), Some(("context", json!(hex(b"offers")))), "Unauthentic"),
        ),
        ("key-number-differs", {
            let mut key = symmetric(1);
            key["number"] = json!(2);
            bad(
                "a reader who takes the key for another number's",
                json!([]),
                Some(("keys", json!([key]))),
                "Unauthentic",
            )
        }),
        (
            "no-key-of-that-fingerprint",
            bad("a reader with another key", json!([]), Some(("keys", json!([symmetric(9)]))), "NoSlot"),
        ),
        ("another-magic", bad("first byte", json!([{ "flip": [0, 0] }]), None, "Malformed")),
        ("version-2-unsupported", bad("version", json!([{ "splice": [3, "02"] }]), None, "Unsupported")),
        ("form-2-unsupported", bad("form", json!([{ "splice": [4, "02"] }]), None, "Unsupported")),
        ("salt-flipped", bad("salt", json!([{ "flip": [40, 0] }]), None, "Unauthentic")),
        ("commitment-flipped", bad("commitment", json!([{ "flip": [61, 0] }]), None, "Unauthentic")),
        ("payload-flipped", bad("payload", json!([{ "flip": [93, 0] }]), None, "Unauthentic")),
        ("truncated", bad("two bytes less", json!([{ "truncate": 123 }]), None, "Truncated")),
        ("longer-by-a-padded-size", bad("two bytes more", json!([{ "append": "0000" }]), None, "Unauthentic")),
        ("type-6-unsupported", crafted("an unknown type", &payload(6, b"", 11), "Unsupported")),
        ("boolean-2", crafted("neither yes nor no", &payload(3, &[2], 10), "Unauthentic")),
        ("text-not-utf-8", crafted("ff", &payload(1, &[0xff], 10), "Unauthentic")),
        ("not-a-number-other", crafted("another NaN", &payload(2, &unhex("fff8000000000001"), 3), "Unauthentic")),
        (
            "padding-not-zero",
            crafted("one bit in the padding", &[&payload(1, b"pay 10", 4)[..], &[1]].concat(), "Unauthentic"),
        ),
        ("padded-too-far", crafted("18 bytes instead of 16", &payload(1, b"pay 10", 7), "Unauthentic")),
        (
            "length-past-the-end",
            crafted("length 12 of 11", &[&[1][..], &[0, 0, 0, 12], &[0; 11]].concat(), "Unauthentic"),
        ),
    ]
    .into_iter()
    .filter(|(_, vector): &Named| vector["expect"] != "ok-nan")
    .collect()
}
