//! A storage that is written to, what must be found there, and how a vector says so.

use crate::{
    forge::{Change, account},
    support::{ALICE, BOB, Dice, INDEX, Member, NAME, index, moment},
};
use futures_executor::block_on;
use keyfold_core::SigningKey;
use keyfold_index::{
    Batch, Index, Seen,
    store::{MemoryStore, Store},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

pub(super) type Entries = BTreeMap<(u16, Vec<u8>), Vec<u8>>;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A storage that is written to and what must be found in it.
pub(super) struct Scene {
    pub(super) store: MemoryStore,
    pub(super) dice: Dice,
    pub(super) member: Member,
    pub(super) entries: Entries,
    /// All records so far, and who had seen them.
    pub(super) records: Vec<(Vec<u8>, Seen)>,
    pub(super) now_ms: u64,
    pub(super) client: Index<MemoryStore, Member>,
}

impl Scene {
    pub(super) fn new(seed: u64) -> Self {
        let store = MemoryStore::default();
        let client = index(store.clone(), ALICE);
        let (entries, records) = (Entries::new(), Vec::new());
        Self { store, dice: Dice(seed), member: ALICE, entries, records, now_ms: 1_800_000_000_000, client }
    }

    pub(super) fn writes_as(mut self, member: Member) -> Self {
        self.member = member;
        self.client = index(self.store.clone(), member);
        self
    }

    pub(super) fn put(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        let mut batch = Batch::new();
        for (tree, key, value) in changes {
            match value {
                Some(value) => {
                    batch.put(tree, &key, &value);
                    self.entries.insert((tree, key), value);
                }
                None => {
                    batch.remove(tree, &key);
                    self.entries.remove(&(tree, key));
                }
            }
        }
        let mut moment = moment(&mut self.dice);
        moment.now_ms = self.now_ms;
        block_on(self.client.commit(batch, moment)).unwrap();
        self.noted()
    }

    pub(super) fn fold(mut self) -> Self {
        let mut moment = moment(&mut self.dice);
        moment.now_ms = self.now_ms;
        assert!(block_on(self.client.fold(moment)).unwrap());
        self.noted()
    }

    /// What was replaced is deleted, so that the vector has only what is read.
    pub(super) fn collect(self) -> Self {
        block_on(self.client.collect_garbage(u64::MAX)).unwrap();
        self
    }

    pub(super) fn noted(mut self) -> Self {
        let reference = block_on(self.store.read(NAME)).unwrap().unwrap();
        self.records.push((reference.bytes, self.client.seen().unwrap()));
        self.now_ms += 1_000;
        self
    }

    pub(super) fn seen(&self, generation: usize) -> Seen {
        self.records[generation].1
    }

    pub(super) fn json(&self, about: &str, seen: Option<Seen>) -> Json {
        let mut json = storage(about, &self.store, seen);
        let entries = self.entries.iter().map(|((tree, key), value)| json!([tree, hex(key), hex(value)]));
        json["keys"] = keys(self.member);
        json["entries"] = entries.collect();
        json["expect"] = json!("ok");
        json
    }

    /// The same storage, with other things in it, and the code that must come of it.
    pub(super) fn altered(&self, about: &str, seen: Option<Seen>, expect: &str, alter: impl FnOnce(&mut Json)) -> Json {
        let mut json = self.json(about, seen);
        json.as_object_mut().unwrap().remove("entries");
        alter(&mut json);
        json["expect"] = json!(expect);
        json
    }
}

pub(super) fn keys(member: Member) -> Json {
    (1..=member.current).map(|number| json!({ "number": number, "key": hex(&[number as u8; 32]) })).collect()
}

/// Who may write; bob with what the ledger was before entry 5.
pub(super) fn writers() -> Json {
    let key = |member: Member| hex(&SigningKey::from_seed(&[member.account; 32]).verifying_key().0);
    json!([
        { "account": hex(&account(ALICE).0), "key": key(ALICE), "before": null },
        { "account": hex(&account(BOB).0), "key": key(BOB), "before": 5 },
    ])
}

pub(super) fn storage(about: &str, store: &MemoryStore, seen: Option<Seen>) -> Json {
    let ids = block_on(store.list(None)).unwrap();
    let objects = ids.iter().zip(block_on(store.get(&ids)).unwrap());
    let objects: serde_json::Map<_, _> =
        objects.map(|(id, sealed)| (hex(&id.0), json!(hex(&sealed.unwrap())))).collect();
    let reference = block_on(store.read(NAME)).unwrap();
    let seen =
        seen.map(|seen| json!({ "generation": seen.generation, "hash": hex(&seen.hash), "ledger": seen.ledger }));
    json!({
        "about": about, "index": hex(&INDEX.0), "keys": keys(ALICE), "writers": writers(), "seen": seen,
        "reference": reference.map(|reference| hex(&reference.bytes)), "objects": objects,
    })
}
