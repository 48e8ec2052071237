//! Envelopes. `seal.random` is consumed in this order: object id (32), data key (32), for each key a salt (24) or
//! the randomness of an X-Wing encapsulation (64), the salt of the metadata (24).

use crate::{
    scaffold::{Key, Named, array, bytes, content, describe, device, edit, items, number, pair, symmetric, text},
    support::{ScriptedRng, SeededRng, hex, reference, unhex_array},
};
use keyfold_core::{
    DataKey, SigningKey,
    envelope::{self, EnvelopeError, Metadata, Options, Unopened},
};
use keyfold_format::{
    EntryHash, ScopeId,
    envelope::{AuthorHead, Head, Prefix},
};
use rand_core::CryptoRng;
use serde_json::{Value as Json, json};

fn seal(inputs: &Json, rng: &mut impl CryptoRng) -> Vec<u8> {
    let keys = Key::all(inputs, "keys");
    let writers: Vec<_> = keys.iter().map(Key::writer).collect();
    let metadata = inputs["metadata"].is_object().then(|| Metadata {
        name: inputs["metadata"]["name"].as_str().map(Into::into),
        media_type: inputs["metadata"]["media_type"].as_str().map(Into::into),
        modified: inputs["metadata"]["modified"].as_u64(),
    });
    let options = Options {
        context: &bytes(inputs, "context"),
        metadata: metadata.as_ref(),
        padded: inputs["padded"] == true,
        trailer: false,
    };
    let author = author(inputs);
    let author = author.as_ref().map(|(key, author)| (key, *author));
    envelope::seal_to_vec(&options, &writers, &content(&inputs["plaintext"]), author, rng).unwrap()
}

fn author(inputs: &Json) -> Option<(SigningKey, AuthorHead)> {
    let author = inputs["author"].as_object().map(|_| &inputs["author"])?;
    let head = AuthorHead {
        account: ScopeId(array(author, "account")),
        generation: number(author, "generation") as u32,
        seq: number(author, "seq"),
        head: EntryHash(array(author, "head")),
    };
    Some((SigningKey::from_seed(&array(author, "seed")), head))
}

pub fn check(vector: &Json) {
    let inputs = &vector["seal"];
    let mut rng = ScriptedRng::new(bytes(inputs, "random"));
    let mut sealed = seal(inputs, &mut rng);
    assert!(rng.is_used_up(), "random bytes are left");
    assert_eq!(describe(&sealed), vector["sealed"], "the writer's bytes");

    edit(&mut sealed, items(vector, "edits"));
    let opening = &vector["open"];
    let (context, keys) = (bytes(opening, "context"), Key::all(opening, "keys"));
    if opening["data_key"].is_string() {
        let data = DataKey::from_slice(&bytes(opening, "data_key")).unwrap();
        let opened = Unopened::parse(&sealed).and_then(|(head, _)| head.open_cached(&context, data));
        assert_eq!(opened.map_or_else(EnvelopeError::code, |_| "ok"), text(vector, "expect"));
        return;
    }
    let opened = envelope::open_slice(&sealed, &context, |f| keys.iter().find_map(|key| key.reader(f)));
    assert_eq!(opened.as_ref().map_or_else(|fault| fault.code(), |_| "ok"), text(vector, "expect"));
    let Ok(opened) = opened else { return };
    assert_eq!(*opened.plaintext, content(&inputs["plaintext"]));
    let trailer = opened.opened.trailer.map(|trailer| {
        let (key, author) = author(inputs).unwrap();
        if trailer.verify(&key.verifying_key()) == Ok(&author) { "verifies" } else { "refused" }
    });
    assert_eq!(json!(trailer), vector["trailer"]);
}

/// A vector of an envelope to key 1, of `seal` with these fields besides.
fn vector(about: &str, mut seal_fields: Json, edits: Json, expect: &str) -> Json {
    let mut inputs = json!({
        "context": "", "padded": false, "metadata": null, "author": null, "keys": [symmetric(1)],
        "plaintext": { "hex": hex(b"hello") },
    });
    inputs.as_object_mut().unwrap().append(seal_fields.as_object_mut().unwrap());
    let mut rng = SeededRng::new(about);
    let sealed = seal(&inputs, &mut rng);
    inputs["random"] = json!(hex(&rng.record));
    let open = json!({ "context": inputs["context"], "keys": inputs["keys"] });
    json!({
        "about": about, "seal": inputs, "sealed": describe(&sealed), "edits": edits, "open": open, "expect": expect,
        "trailer": null,
    })
}

fn with(mut vector: Json, pointer: &str, value: Json) -> Json {
    *vector.pointer_mut(pointer).unwrap() = value;
    vector
}

fn sealed(vector: &Json) -> Vec<u8> {
    seal(&vector["seal"], &mut ScriptedRng::new(bytes(&vector["seal"], "random")))
}

pub fn generate() -> Vec<Named> {
    let none = || json!({});
    let long = |len: u64| json!({ "plaintext": { "repeat": "6b6579666f6c64", "len": len } });
    let author = json!({
        "author": {
            "seed": hex(&[3; 32]), "account": hex(&[0xac; 32]), "generation": 2, "seq": 9, "head": hex(&[0xee; 32]),
        },
    });
    let mut vectors: Vec<Named> = vec![
        (
            "empty",
            vector(
                "an empty plaintext: one segment of 24 bytes",
                json!({ "plaintext": { "hex": "" } }),
                json!([]),
                "ok",
            ),
        ),
        ("to-a-symmetric-key", vector("five bytes to a secretBox key", none(), json!([]), "ok")),
        ("to-a-public-key", vector("to a sealedBox key", json!({ "keys": [pair(7)] }), json!([]), "ok")),
        ("to-a-device", vector("to a device's wrapping key", json!({ "keys": [device(5)] }), json!([]), "ok")),
        (
            "to-two-keys",
            vector("to two secretBox keys", json!({ "keys": [symmetric(1), symmetric(2)] }), json!([]), "ok"),
        ),
        ("one-whole-segment", vector("65,536 bytes: still one segment", long(65_536), json!([]), "ok")),
        ("two-segments", vector("65,537 bytes: one more than a segment", long(65_537), json!([]), "ok")),
        (
            "padded",
            vector(
                "1,000 bytes padded to 1,024",
                json!({ "plaintext": { "repeat": "6b", "len": 1000 }, "padded": true }),
                json!([]),
                "ok",
            ),
        ),
        (
            "metadata",
            vector(
                "name, media type and time, sealed",
                json!({ "metadata": { "name": "minutes.txt", "media_type": "text/plain", "modified": 1_700_000_000_000_u64 } }),
                json!([]),
                "ok",
            ),
        ),
        ("context", vector("bound to a context", json!({ "context": hex(b"invoices") }), json!([]), "ok")),
        (
            "trailer",
            with(vector("an author's signature", author.clone(), json!([]), "ok"), "/trailer", json!("verifies")),
        ),
    ];

    let small = vector("five bytes to a secretBox key", none(), json!([]), "ok");
    let small_bytes = sealed(&small);
    let len = small_bytes.len();
    let head = Prefix::parse(&small_bytes).unwrap().head_bytes();
    let refused = |about: &str, edits: Json, expect: &str| {
        let mut refused = vector("five bytes to a secretBox key", none(), edits, expect);
        refused["about"] = json!(about);
        refused
    };
    vectors.extend([
        ("another-magic", refused("first byte", json!([{ "flip": [0, 0] }]), "NotAnEnvelope")),
        ("version-2-unsupported", refused("version byte", json!([{ "splice": [8, "02"] }]), "Unsupported")),
        ("suite-2-unsupported", refused("suite in the fixed header", json!([{ "splice": [17, "02"] }]), "Unsupported")),
        ("segment-bits-20-unsupported", refused("segment bits", json!([{ "splice": [52, "14"] }]), "Unsupported")),
        ("flag-4-unsupported", refused("an unknown flag", json!([{ "splice": [53, "04"] }]), "Unsupported")),
        (
            "slot-kind-2-unsupported",
            refused("an unknown kind of slot", json!([{ "splice": [124, "02"] }]), "Unsupported"),
        ),
        (
            "header-longer-than-the-limit",
            refused("the length says 16 MiB", json!([{ "splice": [9, "01000000"] }]), "TooLarge"),
        ),
        ("truncated-in-the-prefix", refused("10 bytes", json!([{ "truncate": 10 }]), "Truncated")),
        ("truncated-in-the-header", refused("100 bytes", json!([{ "truncate": 100 }]), "Truncated")),
        ("truncated-after-the-head", refused("no body", json!([{ "truncate": head }]), "Truncated")),
        (
            "truncated-below-the-least-segment",
            refused("23 bytes of body", json!([{ "truncate": head + 23 }]), "Truncated"),
        ),
        ("truncated-in-the-last-segment", refused("one byte less", json!([{ "truncate": len - 1 }]), "Unauthentic")),
        ("a-byte-appended", refused("one byte more", json!([{ "append": "00" }]), "Unauthentic")),
        ("context-hash-flipped", refused("context hash", json!([{ "flip": [60, 0] }]), "Unauthentic")),
        ("commitment-flipped", refused("commitment", json!([{ "flip": [100, 0] }]), "Unauthentic")),
        ("slot-flipped", refused("sealed data key", json!([{ "flip": [200, 0] }]), "Unauthentic")),
        ("mac-flipped", refused("MAC", json!([{ "flip": [head - 1, 7] }]), "Unauthentic")),
        ("true-length-flipped", refused("the true length, sealed", json!([{ "flip": [head, 0] }]), "Unauthentic")),
        ("tag-flipped", refused("the last tag", json!([{ "flip": [len - 1, 0] }]), "Unauthentic")),
    ]);
    vectors.push(("no-slot-for-this-reader", with(small.clone(), "/open/keys", json!([symmetric(9)]))));
    vectors.push((
        "context-differs",
        with(with(small.clone(), "/open/context", json!(hex(b"other"))), "/expect", json!("Unauthentic")),
    ));
    let mut other_number = symmetric(1);
    other_number["number"] = json!(2);
    vectors.push((
        "key-number-differs",
        with(with(small.clone(), "/open/keys", json!([other_number])), "/expect", json!("Unauthentic")),
    ));

    // Commitment and MAC of whoever knows another data key: what its slot holds no longer fits.
    let (parsed, _) = Head::parse(&small_bytes).unwrap();
    let other = [0x22; 32];
    let commitment = reference::commitment(&other, &parsed.header.fixed().object);
    let at = 90;
    assert_eq!(small_bytes[at..at + 32], parsed.header.fixed().commitment);
    let mut crafted = small_bytes.clone();
    crafted[at..at + 32].copy_from_slice(&commitment);
    let key = reference::derive(&other, &parsed.header.fixed().object.0, "KF1 envelope header", &[], 32);
    let mac = reference::hmac_sha256(&key, &crafted[..head - 32]);
    let edits = json!([{ "splice": [at, hex(&commitment)] }, { "splice": [head - 32, hex(&mac)] }]);
    let of_another = refused("commitment and MAC fit another data key than the slot holds", edits, "Unauthentic");
    vectors.push(("commitment-of-another-key", of_another));
    let mut cached = small.clone();
    cached["open"]["data_key"] = json!(hex(&unhex_array::<64>(&text(&small["seal"], "random")[..128])[32..]));
    vectors.push(("cached-data-key", cached.clone()));
    cached["open"]["data_key"] = json!(hex(&other));
    vectors.push(("cached-data-key-of-another-object", with(cached, "/expect", json!("Unauthentic"))));

    // Three whole segments and five bytes.
    let about = "196,613 bytes: four segments";
    let body = vector(about, long(196_613), json!([]), "ok");
    let body_bytes = sealed(&body);
    let head = Prefix::parse(&body_bytes).unwrap().head_bytes();
    let refused = |about_edit: &str, edits: Json, expect: &str| {
        let mut refused = vector(about, long(196_613), edits, expect);
        refused["about"] = json!(about_edit);
        refused
    };
    let segment = 65_552;
    vectors.extend([
        ("four-segments", body),
        (
            "truncated-at-segment-border",
            refused("the last segment is missing", json!([{ "truncate": head + 3 * segment }]), "Truncated"),
        ),
        (
            "truncated-after-the-first-segment",
            refused("one segment is left", json!([{ "truncate": head + segment }]), "Truncated"),
        ),
        ("segments-swapped", refused("segments 0 and 1", json!([{ "swap": [0, 1] }]), "Unauthentic")),
        ("segment-dropped", refused("segment 1", json!([{ "drop": 1 }]), "Unauthentic")),
        ("segment-repeated", refused("segment 1", json!([{ "repeat": 1 }]), "Unauthentic")),
        ("last-segment-repeated", refused("segment 3", json!([{ "repeat": 3 }]), "Unauthentic")),
    ]);

    // The last segment sealed as one that is not, by whoever knows the data key.
    let (parsed, _) = Head::parse(&small_bytes).unwrap();
    let data: [u8; 32] = unhex_array::<64>(&text(&small["seal"], "random")[..128])[32..].try_into().unwrap();
    let key = reference::payload_key(parsed.header.fixed(), &data);
    let plaintext = [&5_u64.to_be_bytes()[..], b"hello"].concat();
    let small_head = Prefix::parse(&small_bytes).unwrap().head_bytes();
    assert_eq!(small_bytes[small_head..], reference::aes_gcm(&key, reference::nonce(0, 1), &plaintext));
    let flag = reference::aes_gcm(&key, reference::nonce(0, 0), &plaintext);
    let length = reference::aes_gcm(&key, reference::nonce(0, 1), &[&4_u64.to_be_bytes()[..], b"hello"].concat());
    for (name, about, body) in [
        ("last-flag-flipped", "the only segment is sealed with last flag 0", flag),
        ("true-length-differs", "the true length says 4 of 5 bytes", length),
    ] {
        let mut crafted = with(small.clone(), "/edits", json!([{ "splice": [small_head, hex(&body)] }]));
        crafted["about"] = json!(about);
        vectors.push((name, with(crafted, "/expect", json!("Unauthentic"))));
    }

    let signed = vector("an author's signature", author, json!([]), "ok");
    let len = sealed(&signed).len();
    let claims = with(signed.clone(), "/edits", json!([{ "flip": [len - 70, 0] }]));
    vectors.push(("trailer-of-another-head", with(claims, "/trailer", json!("refused"))));
    let cut = with(signed.clone(), "/edits", json!([{ "truncate": len - 144 }]));
    vectors.push(("trailer-missing", with(cut, "/expect", json!("Truncated"))));
    let magic = with(signed, "/edits", json!([{ "splice": [len - 144, hex(b"KFT2")] }]));
    vectors.push(("trailer-version-2-unsupported", with(magic, "/expect", json!("Unsupported"))));
    for (name, vector) in &mut vectors {
        if *name == "no-slot-for-this-reader" {
            vector["expect"] = json!("NoSlot");
        }
    }
    vectors
}
