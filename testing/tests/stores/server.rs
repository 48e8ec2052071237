//! The Keyfold server: each storage is that of a keychain.

use super::Fixture;
use futures_util::{FutureExt as _, future::BoxFuture};
use keyfold_client::{
    Algorithm, Storage,
    stores::{ObjectId, Reference, Store, StoreError, Swapped},
};
use keyfold_server::Rate;
use keyfold_testing::people::{Person, TestServer};
use sqlx::SqlitePool;
use std::collections::BTreeSet;
use tokio::sync::Mutex;

struct Keychains {
    alice: Person,
    made: Mutex<BTreeSet<&'static str>>,
    server: TestServer,
}

impl Fixture for Keychains {
    type Store = Old;

    async fn start() -> Option<Self> {
        let much = Rate { per_second: 1e6, burst: 1e6 };
        let server = TestServer::start_with(|config| config.rates.account = much).await;
        let alice = Person::signed_up("alice", &server).await;
        Some(Self { alice, made: Mutex::default(), server })
    }

    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, Old> {
        async move {
            if self.made.lock().await.insert(name) {
                self.alice.client.create_keychain(name, Algorithm::SecretBox).await.unwrap();
            }
            let database = format!("sqlite://{}", self.server.data().join("keyfold.db").display());
            let database = SqlitePool::connect(&database).await.unwrap();
            Old { storage: self.alice.client.storage(name).await.unwrap(), database }
        }
        .boxed()
    }
}

/// A storage whose server has had everything for years when it is asked to list it.
struct Old {
    storage: Storage,
    database: SqlitePool,
}

impl Store for Old {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.storage.put(objects).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.storage.get(ids).await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        self.storage.delete(ids).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        self.storage.read(name).await
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        self.storage.swap(name, expected, bytes).await
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.storage.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        sqlx::query("UPDATE objects SET since = 0").execute(&self.database).await.unwrap();
        self.storage.list(after).await
    }
}

super::conforms!(Keychains);
