//! The vectors in `vectors/vault`: paths, what stands in the index of files, contents as they are put and got, and what goes
//! on where it stopped. They are written by `cargo test -p keyfold-client --lib -- --ignored regenerate`.

mod altered;
mod contents;
mod entries;
mod paths;
mod resumed;
pub(super) mod scene;

use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

type Named = (&'static str, Json);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/vault")
}

async fn generate() -> BTreeMap<&'static str, Json> {
    let all = [paths::all(), entries::good(), entries::bad(), contents::good(), altered::altered(), resumed::all()];
    let count = all.iter().map(Vec::len).sum::<usize>();
    let vectors: BTreeMap<&'static str, Json> = all.into_iter().flatten().collect();
    assert_eq!(vectors.len(), count, "two have one name");
    vectors
}

async fn check(name: &str, json: &Json) {
    if !json["path"].is_null() {
        paths::check(name, json);
    } else if !json["tree"].is_null() {
        entries::check(name, json);
    } else if !json["again"].is_null() {
        resumed::check(name, json);
    } else {
        contents::check(name, json).await;
    }
}

#[tokio::test]
async fn every_vector_is_what_is_written_now_and_ends_as_it_says() {
    let (vectors, folder) = (generate().await, folder());
    if !folder.join("..").exists() {
        return; // a packaged crate has no vectors folder beside it
    }
    let files: BTreeSet<String> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, vectors.keys().map(|name| format!("{name}.json")).collect::<BTreeSet<_>>());
    for (name, json) in &vectors {
        let file = fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
        assert!(file == serde_json::to_string_pretty(json).unwrap() + "\n", "{name} is written otherwise now");
        check(name, json).await;
    }
}

#[tokio::test]
#[ignore = "writes the vectors; run it when the format changes, and look at what changed"]
async fn regenerate() {
    let vectors = generate().await;
    fs::create_dir_all(folder()).unwrap();
    for file in fs::read_dir(folder()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    for (name, json) in &vectors {
        check(name, json).await;
        fs::write(folder().join(name).with_extension("json"), serde_json::to_string_pretty(json).unwrap() + "\n")
            .unwrap();
    }
}
