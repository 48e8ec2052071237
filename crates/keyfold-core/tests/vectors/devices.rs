//! Devices that come in: codes and texts, how they are read and refused; what a device is called, sealed for its account
//! and sealed by itself before it is one of it; what it signs; and the words that are compared.

use crate::{
    scaffold::{Named, array, bytes, edit, items, number, text},
    support::{ScriptedRng, SeededRng, hex, reference},
};
use keyfold_core::{
    DeviceSeed, MasterKey,
    account::AccountSecrets,
    device::DeviceKeys,
    enrolment::{EnrolmentText, label_generation, open_label, open_request_label, seal_label, seal_request_label},
    safety::{SafetyInput, SafetyWords},
};
use keyfold_format::{
    DeviceCode, HolderId, Name, ScopeId, UserId, VerifyingKey,
    account::holder_statement,
    id::{base64url, hash},
    label::{HashLabel, SignatureLabel},
};
use rand_core::CryptoRng;
use serde_json::{Value as Json, json};

const ACCOUNT: ScopeId = ScopeId([0xac; 32]);

pub fn check(vector: &Json) {
    match text(vector, "device") {
        "code" => compare(vector, code(text(vector, "text"))),
        "text" => compare(vector, enrolment(text(vector, "text"))),
        "label" => sealed(vector, &label(vector), open_sealed_label(vector)),
        "request" => sealed(vector, &request(vector), open_sealed_request(vector)),
        "joining" => assert_eq!(joining(&vector["in"]), vector["out"]),
        "words" => assert_eq!(words(&vector["in"]), vector["out"]),
        other => panic!("unknown kind of device vector {other}"),
    }
}

fn compare(vector: &Json, found: Option<Json>) {
    match found {
        Some(found) => {
            assert_eq!(text(vector, "expect"), "ok");
            assert_eq!(found, vector["out"]);
        }
        None => assert_eq!(text(vector, "expect"), "BadCode"),
    }
}

fn code(text: &str) -> Option<Json> {
    let code: DeviceCode = text.parse().ok()?;
    assert_eq!(code.to_string(), text);
    Some(json!({ "device": hex(&code.device.0), "user_id": code.user_id.as_str() }))
}

fn enrolment(text: &str) -> Option<Json> {
    let read = EnrolmentText::read(text).ok()?;
    let device = DeviceKeys::derive(&read.seed).unwrap().id();
    Some(json!({
        "seed": hex(read.seed.expose()), "device": hex(&device.0), "account": hex(&read.account.0),
        "user_id": read.user_id.as_str(), "expires": read.expires_ms, "server_key": hex(&read.server_key.0),
        "server_url": read.server_url,
    }))
}

/// What was sealed is made again, byte for byte; then it is edited and opened.
fn sealed(vector: &Json, sealed: &[u8], opened: Option<Name>) {
    assert_eq!(hex(sealed), text(vector, "sealed"));
    match opened {
        Some(name) => {
            assert_eq!(text(vector, "expect"), "ok");
            assert_eq!(name.as_str(), text(&vector["seal"], "label"));
        }
        None => assert_eq!(text(vector, "expect"), "Unauthentic"),
    }
}

fn edited(vector: &Json) -> Vec<u8> {
    let mut sealed = bytes(vector, "sealed");
    edit(&mut sealed, items(vector, "edits"));
    sealed
}

fn secrets(json: &Json) -> AccountSecrets {
    let master = MasterKey::from_slice(&bytes(json, "master_key")).unwrap();
    AccountSecrets::derive(&master, &array(json, "nonce"), number(json, "generation") as u32).unwrap()
}

fn name(json: &Json) -> Name {
    Name::new(text(json, "label")).unwrap()
}

/// By the page's formula: the salt is a writer's affair.
fn label(vector: &Json) -> Vec<u8> {
    let inputs = &vector["seal"];
    let generation = (number(inputs, "generation") as u32).to_be_bytes();
    let (master, nonce) = (bytes(inputs, "master_key"), bytes(inputs, "nonce"));
    let key = reference::derive(&master, &nonce, "KF1 account private state", &generation, 32);
    let place = [&b"label\0"[..], &bytes(inputs, "keys")].concat();
    let mut padded = text(inputs, "label").as_bytes().to_vec();
    padded.resize(padded.len().next_multiple_of(32), 0);
    let sealed = reference::seal_once(&key, "KF1 account private state", &place, &padded, array(inputs, "salt"));
    [&generation[..], &sealed].concat()
}

fn open_sealed_label(vector: &Json) -> Option<Name> {
    let (open, sealed) = (&vector["open"], edited(vector));
    let own = u64::from(label_generation(&sealed)?) == number(open, "generation");
    own.then(|| open_label(&secrets(open).private_state, &HolderId(array(open, "keys")), &sealed)).flatten()
}

fn request(vector: &Json) -> Vec<u8> {
    let inputs = &vector["seal"];
    let mut rng = ScriptedRng::new(bytes(inputs, "random"));
    let sealed = sealed_request(inputs, &mut rng);
    assert!(rng.is_used_up(), "random bytes are left");
    sealed
}

fn sealed_request(inputs: &Json, rng: &mut impl CryptoRng) -> Vec<u8> {
    let public = secrets(inputs).public();
    let to = (number(inputs, "generation") as u32, &public.sharing);
    let (account, device) = (ScopeId(array(inputs, "account")), HolderId(array(inputs, "device")));
    seal_request_label(&account, to, &device, &name(inputs), rng).unwrap()
}

fn open_sealed_request(vector: &Json) -> Option<Name> {
    let (open, sealed) = (&vector["open"], edited(vector));
    let own = u64::from(label_generation(&sealed)?) == number(open, "generation");
    let (account, device) = (ScopeId(array(open, "account")), HolderId(array(open, "device")));
    own.then(|| open_request_label(&account, &secrets(open).sharing, &device, &sealed)).flatten()
}

fn joining(inputs: &Json) -> Json {
    let device = DeviceKeys::derive(&DeviceSeed::from_slice(&bytes(inputs, "seed")).unwrap()).unwrap();
    let holder = match inputs["holder"].as_str() {
        Some(_) => HolderId(array(inputs, "holder")),
        None => device.id(),
    };
    let statement = holder_statement(&ScopeId(array(inputs, "account")), &holder, &device.id());
    let signature = device.signing.sign(SignatureLabel::HolderKey, &[&statement]);
    json!({ "device": hex(&device.id().0), "signature": hex(&signature.0) })
}

fn words(inputs: &Json) -> Json {
    let (account, device) = (ScopeId(array(inputs, "account")), ScopeId(array(inputs, "device")));
    let numbers = SafetyWords::from_stretched(SafetyInput::of(&account, &device).stretched()).numbers();
    let list = bip39::Language::English.word_list();
    json!({ "numbers": numbers, "words": numbers.map(|number| list[usize::from(number)]).join(" ") })
}

pub fn generate() -> Vec<Named> {
    [generate_codes(), generate_texts(), generate_labels(), generate_requests(), generate_joining()].concat()
}

fn generate_codes() -> Vec<Named> {
    let device = HolderId([0xde; 32]);
    let vector = |about: &str, text: String| {
        let found = code(&text);
        let expect = if found.is_some() { "ok" } else { "BadCode" };
        let mut vector = json!({ "about": about, "device": "code", "text": text, "expect": expect });
        if let Some(found) = found {
            vector["out"] = found;
        }
        vector
    };
    let of = |user: &str| DeviceCode { device, user_id: UserId::new(user).unwrap() }.to_string();
    let good = of("alice@example.org");
    vec![
        ("code", vector("a device of alice@example.org", good.clone())),
        ("code-of-other-letters", vector("a user id that is not ASCII", of("ärger ☃/%"))),
        ("code-with-unescaped-letters", vector("@ stands as itself", good.replace("%40", "@"))),
        ("code-with-small-digits", vector("escaped in small letters", of("ä").replace("%C3%A4", "%c3%a4"))),
        ("code-with-needless-escapes", vector("a as %61", good.replace("alice", "%61lice"))),
        ("code-that-is-not-text", vector("a user id that is not UTF-8", of("a").replace("/a", "/%FF"))),
        ("code-of-nobody", vector("no user id", good.replace("alice%40example.org", ""))),
        ("code-without-a-user-id", vector("and no slash", good.replace("/alice%40example.org", ""))),
        ("code-with-a-part-more", vector("another slash", format!("{good}/x"))),
        ("code-with-a-short-id", vector("a character of the id is missing", good.replacen("3t7", "3t", 1))),
        ("code-of-an-identity", vector("the text of an identity", good.replace("device", "identity"))),
        ("code-in-capitals", vector("another scheme", good.replacen("keyfold", "KEYFOLD", 1))),
        ("code-with-a-space-behind", vector("a space behind", format!("{good} "))),
        ("code-of-a-name-in-another-form", vector("a user id in normal form D", of("u").replace("/u", "/u%CC%88"))),
    ]
}

fn generate_texts() -> Vec<Named> {
    let vector = |about: &str, text: String| {
        let found = enrolment(&text);
        let expect = if found.is_some() { "ok" } else { "BadCode" };
        let mut vector = json!({ "about": about, "device": "text", "text": text, "expect": expect });
        if let Some(found) = found {
            vector["out"] = found;
        }
        vector
    };
    let of = |user: &str, url: &str| {
        let text = EnrolmentText {
            seed: DeviceSeed::from_slice(&[0x5d; 32]).unwrap(),
            account: ACCOUNT,
            user_id: UserId::new(user).unwrap(),
            expires_ms: 1_800_000_000_000,
            server_key: VerifyingKey([0x5e; 32]),
            server_url: url.to_owned(),
        };
        text.write().to_string()
    };
    let good = of("alice@example.org", "https://keyfold.example.org");
    // Written by somebody who works the checksum out, so that only what was altered is wrong.
    let forged = |change: &dyn Fn(&mut Vec<String>)| {
        let mut parts: Vec<String> = good.trim_start_matches("keyfold:enroll/").split('/').map(str::to_owned).collect();
        parts.pop();
        change(&mut parts);
        let text = format!("keyfold:enroll/{}", parts.join("/"));
        let sum = base64url(&hash(HashLabel::EnrolmentText, &[text.as_bytes()])[..6]);
        format!("{text}/{sum}")
    };
    assert_eq!(forged(&|_| {}), good);
    let with = |at: usize, part: &str| forged(&|parts| parts[at] = part.to_owned());
    let mut mistyped = good.clone();
    mistyped.replace_range(30..31, if &good[30..31] == "A" { "B" } else { "A" });
    vec![
        ("text", vector("a text for a device of alice@example.org", good.clone())),
        ("text-of-other-letters", vector("a user id that is not ASCII", of("ärger ☃/%", "http://127.0.0.1:8787"))),
        ("text-cut", vector("the last character is missing", good[..good.len() - 1].to_owned())),
        ("text-mistyped", vector("a wrong character in the seed", mistyped)),
        ("text-without-its-start", vector("without keyfold:enroll/", good["keyfold:enroll/".len()..].to_owned())),
        ("text-with-a-space-behind", vector("a space behind", format!("{good} "))),
        ("text-with-a-part-more", vector("a part more", forged(&|parts| parts.push("x".to_owned())))),
        ("text-with-a-part-less", vector("no server", forged(&|parts| drop(parts.pop())))),
        ("text-with-a-short-seed", vector("a seed of 31 bytes", with(0, &base64url(&[0x5d; 31])))),
        ("text-with-a-short-account", vector("an account id of 31 bytes", with(1, &base64url(&[0xac; 31])))),
        ("text-of-nobody", vector("no user id", with(2, ""))),
        ("text-with-unescaped-letters", vector("@ stands as itself", with(2, "alice@example.org"))),
        ("text-with-a-zero-before-its-time", vector("a time with a zero before it", with(3, "01800000000000"))),
        ("text-with-a-sign-before-its-time", vector("a time with a plus before it", with(3, "+1800000000000"))),
        ("text-without-a-time", vector("no time", with(3, ""))),
        ("text-with-a-long-server-key", vector("a server key of 33 bytes", with(4, &base64url(&[0x5e; 33])))),
    ]
}

fn sealing(generation: u32, label: &str) -> Json {
    json!({
        "master_key": hex(&[0x11; 32]), "nonce": hex(&[0x6e; 32]), "generation": generation, "label": label,
    })
}

fn opening(seal: &Json, fields: &[&str]) -> Json {
    fields.iter().map(|field| ((*field).to_owned(), seal[*field].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn generate_labels() -> Vec<Named> {
    let vector = |about: &str, label: &str, edits: Json, change: &dyn Fn(&mut Json), expect: &str| {
        let mut seal = sealing(2, label);
        let keys = HolderId([0xde; 32]);
        seal["keys"] = json!(hex(&keys.0));
        let mut rng = SeededRng::new("label");
        let sealed = seal_label(&secrets(&seal), 2, &keys, &name(&seal), &mut rng).unwrap();
        seal["salt"] = json!(hex(&sealed[4..28]));
        let mut open = opening(&seal, &["master_key", "nonce", "generation", "keys"]);
        change(&mut open);
        json!({
            "about": about, "device": "label", "seal": seal, "sealed": hex(&sealed), "edits": edits, "open": open,
            "expect": expect,
        })
    };
    let none: &dyn Fn(&mut Json) = &|_| {};
    let longest = "ü".repeat(128);
    vec![
        ("label", vector("a name of a device", "phone", json!([]), none, "ok")),
        ("label-of-32-bytes", vector("no padding", &"a".repeat(32), json!([]), none, "ok")),
        ("label-of-33-bytes", vector("31 bytes of padding", &"a".repeat(33), json!([]), none, "ok")),
        ("label-longest", vector("256 bytes", &longest, json!([]), none, "ok")),
        (
            "label-of-other-keys",
            vector("beside other keys", "phone", json!([]), &|o| o["keys"] = json!(hex(&[0xdf; 32])), "Unauthentic"),
        ),
        (
            "label-of-another-generation",
            vector("said to be of generation 3", "phone", json!([{ "flip": [3, 0] }]), none, "Unauthentic"),
        ),
        (
            "label-under-another-generation",
            vector(
                "opened with the key of generation 3",
                "phone",
                json!([{ "flip": [3, 0] }]),
                &|o| o["generation"] = json!(3),
                "Unauthentic",
            ),
        ),
        ("label-altered", vector("a bit of it flipped", "phone", json!([{ "flip": [40, 5] }]), none, "Unauthentic")),
        ("label-cut", vector("the last byte is missing", "phone", json!([{ "truncate": 75 }]), none, "Unauthentic")),
        ("label-of-three-bytes", vector("no generation", "phone", json!([{ "truncate": 3 }]), none, "Unauthentic")),
    ]
}

fn generate_requests() -> Vec<Named> {
    let vector = |about: &str, label: &str, edits: Json, change: &dyn Fn(&mut Json), expect: &str| {
        let mut seal = sealing(1, label);
        seal["account"] = json!(hex(&ACCOUNT.0));
        seal["device"] = json!(hex(&[0xde; 32]));
        let mut rng = SeededRng::new("request");
        let sealed = sealed_request(&seal, &mut rng);
        seal["random"] = json!(hex(&rng.record));
        let mut open = opening(&seal, &["master_key", "nonce", "generation", "account", "device"]);
        change(&mut open);
        json!({
            "about": about, "device": "request", "seal": seal, "sealed": hex(&sealed), "edits": edits, "open": open,
            "expect": expect,
        })
    };
    let none: &dyn Fn(&mut Json) = &|_| {};
    vec![
        ("request", vector("a device calls itself phone", "phone", json!([]), none, "ok")),
        ("request-longest", vector("256 bytes", &"ü".repeat(128), json!([]), none, "ok")),
        (
            "request-of-another-device",
            vector(
                "beside another device",
                "phone",
                json!([]),
                &|o| o["device"] = json!(hex(&[0xdf; 32])),
                "Unauthentic",
            ),
        ),
        (
            "request-to-another-account",
            vector(
                "shown to another account",
                "phone",
                json!([]),
                &|o| o["account"] = json!(hex(&[0xad; 32])),
                "Unauthentic",
            ),
        ),
        (
            "request-to-another-generation",
            vector("said to be to generation 0", "phone", json!([{ "flip": [3, 0] }]), none, "Unauthentic"),
        ),
        (
            "request-altered",
            vector("the last bit flipped", "phone", json!([{ "flip": [1171, 0] }]), none, "Unauthentic"),
        ),
        ("request-cut", vector("the tag is missing", "phone", json!([{ "truncate": 1156 }]), none, "Unauthentic")),
    ]
}

fn generate_joining() -> Vec<Named> {
    let joins = |about: &str, inputs: Json| json!({ "about": about, "device": "joining", "in": inputs, "out": joining(&inputs) });
    let first = json!({ "seed": hex(&[0x5d; 32]), "account": hex(&ACCOUNT.0) });
    let mut renewed = first.clone();
    renewed["holder"] = json!(hex(&[0xde; 32]));
    let compared = json!({ "account": hex(&ACCOUNT.0), "device": hex(&[0xde; 32]) });
    vec![
        ("joining", joins("a device signs that it joins an account", first)),
        ("joining-with-new-keys", joins("new keys sign that they are a device's", renewed)),
        (
            "words",
            json!({
                "about": "what an account and a device have in common", "device": "words", "in": compared,
                "out": words(&compared),
            }),
        ),
    ]
}
