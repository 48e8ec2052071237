//! A process that writes to a storage in a folder, for tests that have several of them, or kill one.
//!
//! `store_writer FOLDER count TIMES` adds one to the number under the reference `count`, so often.
//! `store_writer FOLDER fill NUMBER` puts ten objects from that number on, says `put NUMBER` with the last of them, writes
//! that under the reference `last`, says `swapped NUMBER`, and so on until it is ended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyfold_client::stores::{DirectoryStore, Store, Swapped};
use keyfold_testing::numbered;

#[tokio::main]
async fn main() {
    let [folder, what, number] = std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("three arguments");
    let store = DirectoryStore::open(folder).await.expect("a folder");
    let number = number.parse().expect("a number");
    match what.as_str() {
        "count" => count(&store, number).await,
        "fill" => fill(&store, number).await,
        _ => panic!("count or fill"),
    }
}

async fn count(store: &DirectoryStore, times: u64) {
    let mut stands = store.read("count").await.unwrap();
    for _ in 0..times {
        loop {
            let (version, number) = match &stands {
                Some(stands) => {
                    (Some(stands.version.as_str()), u64::from_be_bytes(stands.bytes[..].try_into().unwrap()))
                }
                None => (None, 0),
            };
            match store.swap("count", version, (number + 1).to_be_bytes().to_vec()).await.unwrap() {
                Swapped::Stands(other) => stands = other,
                Swapped::Done(_) => break,
            }
        }
        stands = store.read("count").await.unwrap();
    }
}

async fn fill(store: &DirectoryStore, mut number: u64) {
    loop {
        store.put((number..number + 10).map(numbered::object).collect()).await.unwrap();
        number += 10;
        println!("put {}", number - 1);
        let stands = store.read("last").await.unwrap();
        let version = stands.map(|stands| stands.version);
        let bytes = (number - 1).to_be_bytes().to_vec();
        assert!(matches!(store.swap("last", version.as_deref(), bytes).await.unwrap(), Swapped::Done(_)));
        println!("swapped {}", number - 1);
    }
}
