//! Recovery: what words, shares and a password come to, and how they fail; and the master keys of an account that went
//! on over lost generations.

use crate::{
    scaffold::{Named, array, bytes, items, number, text},
    support::{SeededRng, hex, opaque::Server},
};
use bip39::Language;
use keyfold_core::{
    DeviceSeed, RecoverySecret, WriterKey,
    account::{AccountSecrets, MasterKeys},
    device::DeviceKeys,
    envelope::{self, Options},
    recovery::{PaperError, PaperWords, PasswordLogin, PasswordRegistration, RecoveryKeys, Share},
};
use keyfold_format::{
    ScopeId,
    account::RecoveryMethod,
    id::{base64url, from_base64url, hash},
    label::HashLabel,
};
use serde_json::{Value as Json, json};

const ACCOUNT: ScopeId = ScopeId([0xac; 32]);

pub fn check(vector: &Json) {
    let found = match text(vector, "recovery") {
        "keys" => {
            assert_eq!(keys(&vector["in"]), vector["out"]);
            return;
        }
        "paper" => paper(vector),
        "shares" => shares(vector),
        "password" => password(vector),
        "master keys" => master_keys(vector),
        other => panic!("unknown recovery {other}"),
    };
    let expected = text(vector, "expect");
    match found {
        Ok(found) => {
            assert_eq!(expected, "ok");
            assert_eq!(found, vector["out"]);
        }
        Err(code) => assert_eq!(code, expected),
    }
}

fn keys(inputs: &Json) -> Json {
    let secret = RecoverySecret::from_slice(&bytes(inputs, "secret")).unwrap();
    let methods = [RecoveryMethod::Password, RecoveryMethod::Paper, RecoveryMethod::Shares, RecoveryMethod::Passkey];
    let method = methods[number(inputs, "method") as usize];
    let keys = RecoveryKeys::derive(&secret, &ScopeId(array(inputs, "account")), method).unwrap();
    json!({
        "signing_key": hex(&keys.signing.verifying_key().0), "wrapping_key": hex(keys.wrapping.public().as_bytes()),
        "recovery_id": hex(keys.id().as_bytes()),
    })
}

type Found = Result<Json, &'static str>;

fn shown(secret: RecoverySecret) -> Json {
    json!({ "secret": hex(secret.expose()) })
}

fn paper(vector: &Json) -> Found {
    let words = text(vector, "words").to_lowercase();
    let words = words.split([' ', ',', '\n']).filter(|word| !word.is_empty());
    let numbers: Option<Vec<u16>> = words.map(|word| Language::English.find_word(word)).collect();
    let words = numbers.ok_or(PaperError::Unknown { place: 0 }).and_then(|numbers| PaperWords::from_numbers(&numbers));
    words.map(|words| shown(words.secret())).map_err(PaperError::code)
}

fn shares(vector: &Json) -> Found {
    let shares: Result<Vec<Share>, _> =
        items(vector, "shares").iter().map(|share| Share::parse(share.as_str().unwrap())).collect();
    let secret = shares.and_then(|shares| Share::combine(&shares, &ScopeId(array(vector, "account"))));
    secret.map(shown).map_err(|fault| fault.code())
}

/// The client's randomness is its own, so a vector begins where the server has answered: the OPRF's output is the same
/// whatever the blinding.
fn password(vector: &Json) -> Found {
    let mut server = Server::of_key(&bytes(vector, "server_key"), text(vector, "about"));
    let account = ScopeId(array(vector, "account"));
    let mut rng = SeededRng::new("any");
    let (state, request) = PasswordLogin::start(text(vector, "password"), &mut rng).unwrap();
    let record = bytes(vector, "record");
    let response = server.login(&request, &account.0, Some(&record)).unwrap();
    state.finish(&response, &account, &mut rng).map(shown).map_err(|fault| fault.code())
}

/// Seals the plaintext to a device, and opens it as the newest generation that the ledger names.
fn master_keys(vector: &Json) -> Found {
    let (nonce, generation) = (array(vector, "nonce"), number(vector, "generation") as u32);
    let device = DeviceKeys::derive(&DeviceSeed::from_slice(&[1; 32]).unwrap()).unwrap().wrapping;
    let context = [&b"KF1 master key\0"[..], &ACCOUNT.0, &generation.to_be_bytes()].concat();
    let options = Options { context: &context, ..Options::default() };
    let writer = WriterKey::Holder { key: device.public(), account: ACCOUNT };
    let plaintext = bytes(vector, "plaintext");
    let sealed = envelope::seal_to_vec(&options, &[writer], &plaintext, None, &mut SeededRng::new("masters")).unwrap();
    let named = keyfold_core::MasterKey::from_slice(&bytes(vector, "newest")).unwrap();
    let named = AccountSecrets::derive(&named, &nonce, generation).unwrap().public();
    let opened = MasterKeys::open(&sealed, ACCOUNT, generation, &nonce, &device, &named);
    let (keys, _) = opened.map_err(|fault| fault.code())?;
    let is_lost = |at: &u32| keys.secrets_of(*at, &nonce, &named).is_err_and(|fault| fault.code() == "WrapMissing");
    Ok(json!({ "lost": (0..generation).filter(is_lost).collect::<Vec<u32>>() }))
}

pub fn generate() -> Vec<Named> {
    [generate_keys(), generate_paper(), generate_shares(), generate_password(), generate_masters()].concat()
}

fn generate_keys() -> Vec<Named> {
    let vector = |about: &str, account: u8, method: u8| {
        let inputs = json!({ "secret": hex(&[0x5e; 32]), "account": hex(&[account; 32]), "method": method });
        json!({ "about": about, "recovery": "keys", "in": inputs, "out": keys(&inputs) })
    };
    vec![
        ("keys-paper", vector("keys of words on paper", 0xac, 1)),
        ("keys-passkey", vector("the same secret, as a passkey's", 0xac, 3)),
        ("keys-of-another-account", vector("the same secret, for another account", 0xad, 1)),
    ]
}

fn generate_paper() -> Vec<Named> {
    let secret = [0x5e; 32];
    let numbers = *PaperWords::of(&RecoverySecret::from_slice(&secret).unwrap()).numbers();
    let list = Language::English.word_list();
    let words = numbers.map(|number| list[usize::from(number)]);
    let vector = |about: &str, words: String, expect: &str| {
        let mut vector = json!({ "about": about, "recovery": "paper", "words": words, "expect": expect });
        if expect == "ok" {
            vector["out"] = json!({ "secret": hex(&secret) });
        }
        vector
    };
    let with = |at: usize, word: &'static str| {
        let mut words = words;
        words[at] = word;
        words.join(" ")
    };
    let mut swapped = words;
    swapped.swap(0, 23);
    vec![
        ("paper", vector("24 words", words.join(" "), "ok")),
        (
            "paper-typed",
            vector("the same, as somebody types them", format!(" {}\n", words.join(",\n").to_uppercase()), "ok"),
        ),
        ("paper-with-another-word", vector("one word is another of the list", with(3, "zoo"), "WrongWords")),
        (
            "paper-with-two-words-swapped",
            vector("the first and the last word are swapped", swapped.join(" "), "WrongWords"),
        ),
        ("paper-with-a-word-that-is-none", vector("a word with a letter more", with(3, "zoos"), "UnknownWord")),
        ("paper-with-a-word-less", vector("the last word is missing", words[..23].join(" "), "WrongWordCount")),
        (
            "paper-with-a-word-more",
            vector("the first word stands there twice", format!("{} {}", words[0], words.join(" ")), "WrongWordCount"),
        ),
    ]
}

fn generate_shares() -> Vec<Named> {
    let set = |seed: &str, needed, count| Share::generate(ACCOUNT, needed, count, &mut SeededRng::new(seed)).unwrap();
    let ((secret, one), (_, other)) = (set("one set", 3, 5), set("another set", 3, 5));
    let text = |share: &Share| share.text().to_string();
    let forged = |share: &Share, change: fn(&mut Vec<u8>)| {
        let mut bytes = from_base64url(share.text().strip_prefix("keyfold:share/").unwrap()).unwrap();
        bytes.truncate(84);
        change(&mut bytes);
        let sum = hash(HashLabel::Share, &[&bytes]);
        format!("keyfold:share/{}", base64url(&[&bytes[..], &sum[..4]].concat()))
    };
    let vector = |about: &str, shares: Vec<String>, expect: &str| {
        let account = hex(&ACCOUNT.0);
        let mut vector =
            json!({ "about": about, "recovery": "shares", "account": account, "shares": shares, "expect": expect });
        if expect == "ok" {
            vector["out"] = json!({ "secret": hex(secret.expose()) });
        }
        vector
    };
    let pick = |indices: &[usize]| indices.iter().map(|at| text(&one[*at])).collect::<Vec<_>>();
    let with = |other: String| [pick(&[0, 1]), vec![other]].concat();
    let mut misread = text(&one[2]);
    misread.replace_range(100..101, if &misread[100..101] == "A" { "B" } else { "A" });
    let elsewhere = Share::generate(ScopeId([0xad; 32]), 3, 5, &mut SeededRng::new("elsewhere")).unwrap().1;
    let elsewhere = vec![text(&elsewhere[0]), text(&elsewhere[1]), text(&elsewhere[2])];
    vec![
        ("shares-three-of-five", vector("the first three of five", pick(&[0, 1, 2]), "ok")),
        ("shares-in-another-order", vector("three others, the last first", pick(&[4, 1, 3]), "ok")),
        ("shares-all", vector("all five", pick(&[0, 1, 2, 3, 4]), "ok")),
        (
            "shares-in-lines",
            vector(
                "one of them broken into lines",
                with(format!(" {}\n{}\n", &text(&one[2])[..60], &text(&one[2])[60..])),
                "ok",
            ),
        ),
        ("shares-too-few", vector("two where three are needed", pick(&[0, 4]), "TooFewShares")),
        ("shares-none", vector("none", vec![], "TooFewShares")),
        ("shares-repeated", vector("one given twice", pick(&[0, 4, 0]), "ShareRepeated")),
        ("shares-mixed", vector("one of another set", with(text(&other[2])), "SharesMixed")),
        ("shares-of-another-account", vector("all for another account", elsewhere, "ShareOfAnotherAccount")),
        ("shares-misread", vector("one with a wrong character", with(misread), "ShareDamaged")),
        (
            "shares-without-their-start",
            vector("one without keyfold:share/", with(text(&one[2])[14..].to_owned()), "ShareDamaged"),
        ),
        (
            "shares-of-version-2",
            vector("one of a version to come", with(forged(&one[2], |bytes| bytes[0] = 2)), "Unsupported"),
        ),
        (
            "shares-with-number-0",
            vector("one that would be the secret itself", with(forged(&one[2], |bytes| bytes[51] = 0)), "ShareDamaged"),
        ),
        (
            "shares-of-one-that-suffices",
            vector(
                "one that says that it suffices alone",
                vec![forged(&one[2], |bytes| bytes[49] = 1)],
                "ShareDamaged",
            ),
        ),
        (
            "shares-altered",
            vector(
                "one written anew with another part",
                with(forged(&one[2], |bytes| bytes[60] ^= 1)),
                "SharesAltered",
            ),
        ),
        (
            "shares-renumbered",
            vector(
                "one written anew with another number",
                with(forged(&one[2], |bytes| bytes[51] = 4)),
                "SharesAltered",
            ),
        ),
        (
            "shares-of-which-fewer-say-to-suffice",
            vector(
                "two that say that two suffice",
                vec![forged(&one[0], |bytes| bytes[49] = 2), forged(&one[1], |bytes| bytes[49] = 2)],
                "SharesAltered",
            ),
        ),
    ]
}

fn generate_password() -> Vec<Named> {
    let server = Server::new("vectors");
    let mut rng = SeededRng::new("password");
    let (state, request) = PasswordRegistration::start("correct horse", &mut rng).unwrap();
    let response = server.register(&request, &ACCOUNT.0).unwrap();
    let (secret, record) = state.finish(&response, &ACCOUNT, &mut rng).unwrap();
    let vector = |about: &str, password: &str, account: u8, record: &[u8], expect: &str| {
        let mut vector = json!({
            "about": about, "recovery": "password", "server_key": hex(&server.key()), "account": hex(&[account; 32]),
            "record": hex(record), "password": password, "expect": expect,
        });
        if expect == "ok" {
            vector["out"] = json!({ "secret": hex(secret.expose()) });
        }
        vector
    };
    let mut altered = record.clone();
    altered[191] ^= 1;
    vec![
        ("password", vector("the password that was set", "correct horse", 0xac, &record, "ok")),
        ("password-wrong", vector("another one", "correct horsf", 0xac, &record, "WrongPassword")),
        (
            "password-of-another-account",
            vector("the record of another account", "correct horse", 0xad, &record, "WrongPassword"),
        ),
        (
            "password-altered-record",
            vector("the tag of the record's envelope was altered", "correct horse", 0xac, &altered, "WrongPassword"),
        ),
    ]
}

fn generate_masters() -> Vec<Named> {
    let key = |byte: u8| [&[0x58, 0x20][..], &[byte; 32]].concat();
    let list = |generation: u8, items: &[Vec<u8>]| {
        [&[0x82, generation, 0x80 + items.len() as u8][..], &items.concat()].concat()
    };
    let null = vec![0xf6];
    let vector = |about: &str, plaintext: Vec<u8>, generation: u32, lost: Option<&[u32]>| {
        let mut vector = json!({
            "about": about, "recovery": "master keys", "nonce": hex(&[0x6e; 32]), "generation": generation,
            "newest": hex(&[0x10 + generation as u8; 32]), "plaintext": hex(&plaintext),
            "expect": if lost.is_some() { "ok" } else { "Unauthentic" },
        });
        if let Some(lost) = lost {
            vector["out"] = json!({ "lost": lost });
        }
        vector
    };
    vec![
        ("master-keys", vector("of three generations", list(2, &[key(0x10), key(0x11), key(0x12)]), 2, Some(&[]))),
        (
            "master-keys-after-a-theft",
            vector(
                "a thief made generations 1 and 2",
                list(3, &[key(0x10), null.clone(), null.clone(), key(0x13)]),
                3,
                Some(&[1, 2]),
            ),
        ),
        (
            "master-keys-without-the-first",
            vector("the first generation is lost", list(1, &[null.clone(), key(0x11)]), 1, Some(&[0])),
        ),
        (
            "master-keys-without-the-newest",
            vector("the newest is never lost", list(1, &[key(0x10), null.clone()]), 1, None),
        ),
        ("master-keys-one-less", vector("a key less than generations", list(1, &[key(0x11)]), 1, None)),
        (
            "master-keys-of-another-generation",
            vector("of generation 2, for generation 1", list(2, &[key(0x10), key(0x11), key(0x12)]), 1, None),
        ),
        (
            "master-keys-that-the-ledger-does-not-name",
            vector("the newest is another one", list(1, &[key(0x10), key(0x77)]), 1, None),
        ),
        (
            "master-keys-with-undefined",
            vector("undefined in place of null", list(1, &[vec![0xf7], key(0x11)]), 1, None),
        ),
    ]
}
