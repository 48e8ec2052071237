//! The signature bases of both profiles, byte for byte, for other implementations: `vectors/http/`.
//!
//! `cargo test -p keyfold-protocol --test vectors -- --ignored regenerate` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{
    HolderId, Signature, VerifyingKey,
    id::base64url,
    key::signed_message,
    label::SignatureLabel,
    succession::{Succession, follow},
};
use keyfold_protocol::{
    signing::{
        Address, Binding, Fields, Method, Nonce, Outgoing, Received, Reply, ReplyHead, Request, Sender,
        response::server_id, sign_response,
    },
    wire::Successions,
};
use serde_json::{Value, json};
use std::{cell::RefCell, fs, path::PathBuf};

const CREATED: u64 = 1_800_000_000;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/http")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn device() -> SigningKey {
    SigningKey::from_bytes(&[0x11; 32])
}

fn server() -> SigningKey {
    SigningKey::from_bytes(&[0x22; 32])
}

fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey(key.verifying_key().to_bytes())
}

/// Signs, and keeps what was signed.
fn recording<'a>(key: &'a SigningKey, base: &'a RefCell<Vec<u8>>) -> impl Fn(&[u8]) -> Signature + 'a {
    |message| {
        *base.borrow_mut() = message.to_vec();
        Signature(key.sign(message).to_bytes())
    }
}

fn request(base: &RefCell<Vec<u8>>) -> Outgoing {
    let to = Address { authority: "keyfold.example".into(), server: server_id(&public(&server())) };
    Request { method: Method::Post, path: "/v1/ledgers".into(), query: String::new(), body: vec![0x81, 0x80] }.sign(
        &to,
        &HolderId([0x33; 32]),
        Nonce([0x44; 24]),
        CREATED,
        recording(&device(), base),
    )
}

fn headers(list: &[(&'static str, String)]) -> Value {
    list.iter().map(|(name, value)| json!([name, value])).collect()
}

/// A step of a server from one key to the next, signed with a third.
fn step([from, to, by]: [u8; 3]) -> Succession {
    let [former, next] = [from, to].map(|seed| public(&SigningKey::from_bytes(&[seed; 32])));
    let time = CREATED * 1_000;
    let message = signed_message(SignatureLabel::ServerSuccession, &[&Succession::signed(&former, &next, time)]);
    let signature = Signature(SigningKey::from_bytes(&[by; 32]).sign(&message).to_bytes());
    Succession { former, next, time, signature }
}

/// How a server came to its key, for somebody who pinned the first one.
fn successions() -> Vec<(&'static str, Value)> {
    let [first, second, third] = [[0x22, 0x23, 0x22], [0x23, 0x24, 0x23], [0x24, 0x25, 0x24]].map(step);
    let mut later = second;
    later.time += 1;
    let vector = |steps: &[Succession], expect: &str| {
        let newest = steps.last().map(|step| hex(&step.next.0)).filter(|_| expect == "ok");
        let body = Successions { steps: steps.to_vec() }.encode();
        json!({
            "kind": "succession", "body": hex(&body), "pinned": hex(&public(&server()).0), "newest": newest,
            "expect": expect,
        })
    };
    let refused = |steps: &[Succession]| vector(steps, "BadServerSignature");
    vec![
        ("succession", vector(&[first, second, third], "ok")),
        ("succession-after-others", vector(&[step([0x21, 0x22, 0x21]), first], "ok")),
        ("succession-from-another-key", refused(&[second, third])),
        ("succession-in-another-order", refused(&[first, third, second])),
        ("succession-of-nobody", refused(&[])),
        ("succession-signed-by-the-next-key", refused(&[step([0x22, 0x23, 0x23])])),
        ("succession-with-a-step-left-out", refused(&[first, third])),
        ("succession-with-a-time-altered", refused(&[first, later])),
    ]
}

/// Every vector: its name and content. What must fail says so in its name.
fn vectors() -> Vec<(&'static str, Value)> {
    let mut vectors = signatures();
    vectors.extend(successions());
    vectors
}

fn signatures() -> Vec<(&'static str, Value)> {
    let base = RefCell::default();
    let out = request(&base);
    let request_base = String::from_utf8(base.borrow().clone()).unwrap();
    let request = |headers: Value, body: &[u8], host: &str, now: u64, expect: &str| {
        json!({
            "kind": "request", "method": "POST", "host": host, "path": "/v1/ledgers", "query": "", "headers": headers,
            "body": hex(body), "device_key": hex(&public(&device()).0), "server_key": hex(&public(&server()).0),
            "now": now, "expect": expect,
        })
    };
    let good = headers(&out.headers);
    let edited = |i: usize, edit: &dyn Fn(&str) -> String| {
        let mut list = out.headers.clone();
        list[i].1 = edit(&list[i].1);
        headers(&list)
    };
    let body = [0x81, 0x80];
    let host = "keyfold.example";
    let mut signed = request(good.clone(), &body, host, CREATED, "ok");
    signed["base"] = json!(request_base);

    let reply = ReplyHead { status: 404, time_ms: CREATED * 1_000 + 7, body: b"error" };
    let answer = sign_response(reply, &out.binding, &server_id(&public(&server())), recording(&server(), &base));
    let response = |headers: Value, status: u16, body: &[u8], expect: &str| {
        json!({
            "kind": "response", "request": { "host": host, "headers": good, "body": hex(&[0x81, 0x80]) },
            "status": status, "headers": headers, "body": hex(body), "server_key": hex(&public(&server()).0),
            "expect": expect,
        })
    };
    let mut answered = response(headers(&answer), 404, b"error", "ok");
    answered["base"] = json!(String::from_utf8(base.borrow().clone()).unwrap());
    let other_time = |list: &[(&'static str, String)]| {
        let mut list = list.to_vec();
        list[1].1 = (CREATED * 1_000 + 8).to_string();
        headers(&list)
    };
    vec![
        ("request", signed),
        ("request-at-the-edge-of-the-window", request(good.clone(), &body, host, CREATED + 60, "ok")),
        ("request-a-second-too-old", request(good.clone(), &body, host, CREATED + 61, "ClockSkew")),
        ("request-to-another-host", request(good.clone(), &body, "other.example", CREATED, "Unauthorized")),
        ("request-with-another-body", request(good.clone(), &[0x81, 0x81], host, CREATED, "Malformed")),
        (
            "request-for-another-server",
            request(edited(2, &|_| base64url(&[0x55; 32])), &body, host, CREATED, "WrongServer"),
        ),
        (
            "request-with-another-nonce",
            request(edited(1, &|_| base64url(&[0x45; 24])), &body, host, CREATED, "Unauthorized"),
        ),
        (
            "request-that-does-not-cover-its-nonce",
            request(edited(3, &|v| v.replace(" \"keyfold-nonce\"", "")), &body, host, CREATED, "Unauthorized"),
        ),
        (
            "request-with-the-tag-of-a-response",
            request(
                edited(3, &|v| v.replace("keyfold-request", "keyfold-response")),
                &body,
                host,
                CREATED,
                "Unauthorized",
            ),
        ),
        ("response", answered),
        ("response-with-another-status", response(headers(&answer), 200, b"error", "BadServerSignature")),
        ("response-with-another-body", response(headers(&answer), 404, b"other", "BadServerSignature")),
        ("response-with-another-time", response(other_time(&answer), 404, b"error", "BadServerSignature")),
        ("response-unsigned", response(headers(&answer[..2]), 404, b"error", "BadServerSignature")),
    ]
}

fn list(value: &Value) -> Fields {
    let pairs = value.as_array().unwrap().iter();
    pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned())).collect()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn key(vector: &Value, name: &str) -> VerifyingKey {
    VerifyingKey(unhex(text(vector, name)).try_into().unwrap())
}

/// What this implementation makes of a vector.
fn outcome(vector: &Value) -> &'static str {
    if text(vector, "kind") == "request" {
        let fields = list(&vector["headers"]);
        let (host, path) = (text(vector, "host"), text(vector, "path"));
        let binding = Binding::of(text(vector, "method"), host, path, text(vector, "query"), &fields);
        let body = unhex(text(vector, "body"));
        let received = Received { binding: &binding, fields: &fields, body: &body };
        let verdict = received.sender(&server_id(&key(vector, "server_key"))).and_then(|sender| match sender {
            Sender::Claimed(claimed) => {
                claimed.verify(&key(vector, "device_key"), vector["now"].as_u64().unwrap()).map(drop)
            }
            Sender::Stranger(_) => panic!("unsigned"),
        });
        return verdict.map_or_else(|fault| fault.code().as_str(), |()| "ok");
    }
    if text(vector, "kind") == "succession" {
        let steps = Successions::decode(&unhex(text(vector, "body"))).unwrap().steps;
        return match follow(&steps, &key(vector, "pinned")) {
            Ok(keys) if *keys.last().unwrap() == key(vector, "newest") => "ok",
            Ok(_) => "another key",
            Err(_) => "BadServerSignature",
        };
    }
    let asked = &vector["request"];
    let binding = Binding::of("POST", text(asked, "host"), "/v1/ledgers", "", &list(&asked["headers"]));
    let status = vector["status"].as_u64().unwrap() as u16;
    let reply = Reply { status, fields: list(&vector["headers"]), body: unhex(text(vector, "body")) };
    reply.verify(&binding, &key(vector, "server_key")).map_or_else(|bad| bad.code().as_str(), |_| "ok")
}

#[test]
fn every_vector_has_the_outcome_that_it_states() {
    let Ok(files) = fs::read_dir(folder()) else { return }; // a packaged crate has no vectors beside it
    let mut seen = 0;
    for file in files {
        let path = file.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(outcome(&vector), text(&vector, "expect"), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, vectors().len(), "files that no test makes, or tests without a file");
}

#[test]
fn the_files_are_what_this_release_writes() {
    if !folder().exists() {
        return; // a packaged crate has no vectors beside it
    }
    for (name, vector) in vectors() {
        let file: Value = serde_json::from_slice(&fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap();
        assert_eq!(file, vector, "{name}");
    }
}

#[test]
#[ignore = "writes the vectors"]
fn regenerate() {
    fs::create_dir_all(folder()).unwrap();
    for (name, vector) in vectors() {
        let text = serde_json::to_string_pretty(&vector).unwrap() + "\n";
        fs::write(folder().join(format!("{name}.json")), text).unwrap();
    }
}
