//! Bytes that mean something to begin with: all that the vectors contain.

use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

/// Every string of hexadecimal digits in `vectors/`, as bytes; what an index's storage holds aside, which is sealed and so
/// means nothing.
///
/// # Panics
/// If there are no vectors.
pub fn from_vectors() -> Vec<Vec<u8>> {
    let mut found = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    for kind in std::fs::read_dir(folder).expect("the vectors").map(|kind| kind.expect("a folder").path()) {
        if kind.ends_with("index") {
            continue;
        }
        for file in std::fs::read_dir(kind).into_iter().flatten().map(|file| file.expect("a file").path()) {
            let text = std::fs::read_to_string(&file).expect("a vector");
            collect(&serde_json::from_str(&text).expect("a vector is JSON"), &mut found);
        }
    }
    assert!(found.len() > 500, "the vectors are there");
    found.into_iter().collect()
}

fn collect(value: &Value, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) => {
            found.extend(bytes(text));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        _ => {}
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() < 8 || !text.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
