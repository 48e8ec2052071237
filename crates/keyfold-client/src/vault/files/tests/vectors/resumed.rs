//! Puts that go on where they stopped: sealed again under the same data key, and compared with what was noted.

use super::{
    Named,
    contents::{Put, body_of, long, parts_of, put},
    scene::{KEYCHAIN, Key, files, hex, ids, text_of, unhex},
};
use crate::vault::files::{ObjectId, PART_BYTES, Sealed, Upload, context};
use keyfold_core::envelope::Unopened;
use serde_json::{Value as Json, json};

/// Which parts leave; `null` if none may, and everything is done anew.
fn leaving(head: &[u8], plaintext: &[u8], noted: Vec<ObjectId>, stored: usize) -> Json {
    let key = Key::new(1, false);
    let opened = Unopened::parse(head).unwrap().0.open(&context(&files()), |asked| key.reader(asked)).unwrap();
    let body = body_of(opened.sealer_again().unwrap(), plaintext, &Json::Null);
    let mut upload = Upload::new(None, [0; 16], head.to_vec(), noted, stored);
    let mut leaving = Vec::new();
    for part in parts_of(&body, PART_BYTES) {
        match upload.take(&part).unwrap() {
            Some(Sealed::New(id)) => leaving.push(id),
            Some(Sealed::Stored(_)) => {}
            None => return Json::Null,
        }
    }
    ids(&leaving)
}

pub(super) fn check(name: &str, json: &Json) {
    let again = &json["again"];
    let noted = again["noted"].as_array().unwrap();
    let noted = noted.iter().map(|id| ObjectId(unhex(id).try_into().unwrap())).collect();
    let stored = again["stored"].as_u64().unwrap() as usize;
    let head = unhex(&json["contents"][0]["sealed"]["head"]);
    assert_eq!(leaving(&head, &text_of(&again["plaintext"]), noted, stored), json["leaves"], "{name}");
}

pub(super) fn all() -> Vec<Named> {
    let film = put(9, long(2_200_000));
    let part = |of: &Put, at: usize| of.content.parts[at];
    let noted = |count: usize| film.content.parts[..count].to_vec();
    let resumed = |about: &str, plaintext: Json, noted: &[ObjectId], stored: usize, leaves: Json| {
        json!({
            "about": about, "keychain": hex(&KEYCHAIN.0), "index": hex(&files().0), "keys": [Key::new(1, false).json()],
            "contents": [film.json], "again": { "plaintext": plaintext, "noted": ids(noted), "stored": stored },
            "leaves": leaves,
        })
    };
    let same = || long(2_200_000);
    let other = json!({ "repeat": hex(&[0x6b; 7]), "len": 2_200_000 });
    vec![
        ("resumed-from-the-start", resumed("nothing was noted", same(), &[], 0, ids(&noted(3)))),
        ("resumed-after-a-part", resumed("one part is stored", same(), &noted(1), 1, ids(&noted(3)[1..]))),
        (
            "resumed-after-a-part-that-may-have-left",
            resumed("two were noted, of which one is certainly stored", same(), &noted(2), 1, ids(&noted(3)[1..])),
        ),
        ("resumed-at-the-end", resumed("all parts are stored", same(), &noted(3), 3, json!([]))),
        (
            "resumed-with-a-longer-source",
            resumed(
                "of two parts that were noted the second is the same, and more follows",
                long(2_500_000),
                &noted(2),
                2,
                leaving(&film.content.head, &text_of(&long(2_500_000)), noted(2), 2),
            ),
        ),
        (
            "resumed-with-a-shorter-source",
            resumed("the second part ends otherwise", long(2_000_000), &noted(2), 2, json!(null)),
        ),
        ("resumed-with-another-source", resumed("the first part is another one", other, &noted(1), 0, json!(null))),
        (
            "resumed-with-another-note",
            resumed("the second part was another one", same(), &[part(&film, 0), part(&film, 2)], 1, json!(null)),
        ),
    ]
}
