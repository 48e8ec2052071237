//! The storage in memory, which the others are measured against.

use super::Fixture;
use futures_util::{FutureExt as _, future::BoxFuture};
use keyfold_client::stores::MemoryStore;
use std::{collections::HashMap, sync::Mutex};

#[derive(Default)]
struct Memory(Mutex<HashMap<&'static str, MemoryStore>>);

impl Fixture for Memory {
    type Store = MemoryStore;

    async fn start() -> Option<Self> {
        Some(Self::default())
    }

    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, MemoryStore> {
        let store = self.0.lock().unwrap().entry(name).or_default().clone();
        async move { store }.boxed()
    }
}

super::conforms!(Memory);
