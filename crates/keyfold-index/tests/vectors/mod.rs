//! The vectors in `vectors/index`: what a storage holds, and what a reader must find there, or refuse. They are written by
//! `cargo test -p keyfold-index -- --ignored regenerate`.

mod altered;
mod forgeries;
mod good;
mod histories;
mod scene;

use crate::support::{ALICE, Member, NAME, all};
use futures_executor::block_on;
use keyfold_format::{IndexId, ObjectId};
use keyfold_index::{
    Index, IndexError, Query, Seen,
    store::{MemoryStore, Store, Swapped},
};
use scene::{Entries, hex, unhex};
use serde_json::{Value as Json, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

fn id(text: &str) -> ObjectId {
    ObjectId(unhex(&json!(text)).try_into().unwrap())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/index")
}

/// Objects that another vector has as well are left away, so that one sees what is different.
fn compacted(name: &'static str, mut json: Json, of: &'static str, whole: &Json) -> (&'static str, Json) {
    let (objects, theirs) = (json["objects"].as_object().unwrap(), whole["objects"].as_object().unwrap());
    let mut different: serde_json::Map<String, Json> = objects
        .iter()
        .filter(|(id, sealed)| theirs.get(*id) != Some(sealed))
        .map(|(id, sealed)| (id.clone(), sealed.clone()))
        .collect();
    different.extend(theirs.keys().filter(|id| !objects.contains_key(*id)).map(|id| (id.clone(), Json::Null)));
    json["objects"] = different.into();
    json["of"] = json!(of);
    (name, json)
}

fn generate() -> BTreeMap<&'static str, Json> {
    let good = good::good();
    let whole = |name: &str| good.iter().find(|(found, _)| *found == name).unwrap().1.clone();
    let mut vectors: BTreeMap<&'static str, Json> = good.clone().into_iter().collect();
    for (name, json) in altered::altered() {
        let of = if name.contains("by-lists") || name.starts_with("list") {
            "former-records"
        } else if name.starts_with("object") {
            "a-value-apart"
        } else {
            "small-changes"
        };
        let (name, json) = compacted(name, json, of, &whole(of));
        vectors.insert(name, json);
    }
    for name in ["small-changes-seen", "seen-as-it-is", "former-records-seen-first"] {
        let of = if name.starts_with("former") { "former-records" } else { "small-changes" };
        vectors.insert(name, compacted(name, whole(name), of, &whole(of)).1);
    }
    for (name, json) in forgeries::forgeries() {
        let (name, json) = compacted(name, json, "forged-well", &whole("forged-well"));
        vectors.insert(name, json);
    }
    vectors.extend(histories::histories());
    vectors
}

/// Everything in all trees, and the values.
async fn read(store: MemoryStore, member: Member, id: IndexId, seen: Option<Seen>) -> Result<Entries, IndexError> {
    let snapshot = Index::new(store, member, NAME, id, seen).latest().await?;
    let mut entries = Entries::new();
    for tree in 0..64 {
        entries.extend(all(&snapshot, tree, Query::default()).await?.into_iter().map(|(k, v)| ((tree, k), v)));
    }
    Ok(entries)
}

async fn check(name: &str, json: &Json, vectors: &BTreeMap<&'static str, Json>) {
    let store = MemoryStore::default();
    let whole = json["of"].as_str().map(|of| &vectors[of]);
    let mut objects: BTreeMap<String, Json> = BTreeMap::new();
    for part in [whole, Some(json)].into_iter().flatten() {
        objects.extend(part["objects"].as_object().unwrap().clone());
    }
    let put = objects.iter().filter(|(_, sealed)| !sealed.is_null()).map(|(at, sealed)| (id(at), unhex(sealed)));
    store.put(put.collect()).await.unwrap();
    if !json["reference"].is_null() {
        assert!(matches!(store.swap(NAME, None, unhex(&json["reference"])).await.unwrap(), Swapped::Done(_)));
    }
    let member = Member { current: json["keys"].as_array().unwrap().len() as u32, ..ALICE };
    let seen = json["seen"].as_object().map(|seen| Seen {
        generation: seen["generation"].as_u64().unwrap(),
        hash: unhex(&seen["hash"]).try_into().unwrap(),
        ledger: seen["ledger"].as_u64().unwrap(),
    });
    let found = read(store, member, IndexId(unhex(&json["index"]).try_into().unwrap()), seen).await;
    match found {
        Ok(entries) => {
            let entries: Json =
                entries.iter().map(|((tree, key), value)| json!([tree, hex(key), hex(value)])).collect();
            assert_eq!((&json["expect"], &entries), (&json!("ok"), &json["entries"]), "{name}");
        }
        Err(error) => assert_eq!(json["expect"], json!(error.code()), "{name}: {error}"),
    }
}

#[test]
fn every_vector_is_what_is_written_now_and_ends_as_it_says() {
    let vectors = generate();
    let folder = folder();
    if !folder.join("..").exists() {
        return; // a packaged crate has no vectors folder beside it
    }
    let files: BTreeSet<String> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, vectors.keys().map(|name| format!("{name}.json")).collect::<BTreeSet<_>>());
    for (name, json) in &vectors {
        let file = fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
        assert!(file == serde_json::to_string_pretty(json).unwrap() + "\n", "{name} is written otherwise now");
        block_on(check(name, json, &vectors));
    }
}

#[test]
#[ignore = "writes the vectors; run it when the format changes, and look at what changed"]
fn regenerate() {
    let vectors = generate();
    fs::create_dir_all(folder()).unwrap();
    for file in fs::read_dir(folder()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    for (name, json) in &vectors {
        block_on(check(name, json, &vectors));
        fs::write(folder().join(name).with_extension("json"), serde_json::to_string_pretty(json).unwrap() + "\n")
            .unwrap();
    }
}
