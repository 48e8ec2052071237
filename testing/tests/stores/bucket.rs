//! A bucket, and what becomes of it when writers race and replies are lost.

use super::{Fixture, s3_server::S3Server};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use keyfold_client::stores::{BucketStore, LISTED_AFTER, MAX_OBJECT, Store, StoreError, Swapped};
use keyfold_testing::numbered;
use std::{
    fs::{File, FileTimes},
    time::{Duration, SystemTime},
};

struct Bucket(S3Server);

impl Fixture for Bucket {
    type Store = BucketStore;

    async fn start() -> Option<Self> {
        Some(Self(S3Server::start().await))
    }

    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, BucketStore> {
        async move { self.0.store(name).await.listed_after(Duration::ZERO) }.boxed()
    }
}

super::conforms!(Bucket);

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}

/// Adds one to the number under a reference, so often.
async fn count(store: BucketStore, times: u64) {
    let mut stands = store.read("count").await.unwrap();
    let mut left = times;
    while left > 0 {
        let counted = stands.as_ref().map_or(0, |stands| number(&stands.bytes)) + 1;
        let version = stands.as_ref().map(|stands| stands.version.as_str());
        match store.swap("count", version, counted.to_be_bytes().to_vec()).await.unwrap() {
            Swapped::Stands(other) => stands = other,
            Swapped::Done(_) => {
                left -= 1;
                stands = store.read("count").await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_writers_who_count_at_once_none_loses_a_step() {
    let server = S3Server::start().await;
    let writers = join_all((0..8).map(|_| server.store("index"))).await;
    for writer in join_all(writers.into_iter().map(|writer| tokio::spawn(count(writer, 8)))).await {
        writer.unwrap();
    }
    let stands = server.store("index").await.read("count").await.unwrap().unwrap();
    assert_eq!(number(&stands.bytes), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_whose_reply_is_lost_is_known_to_be_done() {
    let server = S3Server::start().await;
    let store = server.store("index").await;
    let mut version: Option<String> = None;
    for round in 0..4u8 {
        server.lose_replies(1);
        let swapped = store.swap("name", version.as_deref(), vec![round]).await.unwrap();
        assert!(server.lost_them());
        let Swapped::Done(next) = swapped else { panic!("{swapped:?} in round {round}") };
        let stands = store.read("name").await.unwrap().unwrap();
        assert_eq!((&stands.version, stands.bytes), (&next, vec![round]));
        version = Some(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_keeps_no_conditions_is_refused() {
    let server = S3Server::start_heedless().await;
    let opened = BucketStore::open(server.bucket("any"), "index").await;
    assert!(matches!(opened, Err(StoreError::Denied(_))), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_and_not_answered_is_put_again() {
    let server = S3Server::start().await;
    let store = server.store("index").await;
    server.lose_replies(5);
    store.put((0..20).map(numbered::object).collect()).await.unwrap();
    assert!(server.lost_them());
    let (ids, objects): (Vec<_>, Vec<_>) = (0..20).map(numbered::object).map(|(id, object)| (id, Some(object))).unzip();
    assert_eq!(store.get(&ids).await.unwrap(), objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_younger_than_an_hour_is_not_listed() {
    let server = S3Server::start().await;
    let store = server.store("index").await;
    store.put((0..4).map(numbered::object).collect()).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), []);
    let long_ago = FileTimes::new().set_modified(SystemTime::now() - LISTED_AFTER - Duration::from_secs(60));
    let file = server.file(&format!("index/objects/{}", numbered::id(2)));
    File::options().write(true).open(file).unwrap().set_times(long_ago).unwrap();
    assert_eq!(store.list(None).await.unwrap(), [numbered::id(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_of_a_bucket_have_nothing_to_do_with_each_other() {
    let server = S3Server::start().await;
    let one = server.store("one").await.listed_after(Duration::ZERO);
    let other = server.store("one/more").await.listed_after(Duration::ZERO);
    one.put(vec![numbered::object(1)]).await.unwrap();
    other.put(vec![numbered::object(2)]).await.unwrap();
    assert_eq!(one.get(&[numbered::id(1), numbered::id(2)]).await.unwrap(), [Some(numbered::object(1).1), None]);
    assert_eq!(one.list(None).await.unwrap(), [numbered::id(1)]);
    assert_eq!(other.list(None).await.unwrap(), [numbered::id(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_the_key_of_the_bucket_is_refused() {
    let server = S3Server::start().await;
    server.store("index").await.put(vec![numbered::object(1)]).await.unwrap();
    let mallory = BucketStore::open(server.bucket("a guess"), "index").await.unwrap();
    assert!(matches!(mallory.get(&[numbered::id(1)]).await, Err(StoreError::Denied(_))));
    assert!(matches!(mallory.put(vec![numbered::object(2)]).await, Err(StoreError::Denied(_))));
    assert!(matches!(mallory.swap("name", None, vec![1]).await, Err(StoreError::Denied(_))));
    assert!(matches!(mallory.list(None).await, Err(StoreError::Denied(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_made_huge_is_not_fetched_as_a_whole() {
    let server = S3Server::start().await;
    let store = server.store("index").await;
    store.put(vec![numbered::object(1)]).await.unwrap();
    let file = server.file(&format!("index/objects/{}", numbered::id(1)));
    File::options().write(true).open(file).unwrap().set_len(1 << 40).unwrap();
    let found = store.get(&[numbered::id(1)]).await.unwrap().remove(0).unwrap();
    assert!(found.len() <= MAX_OBJECT + 1);
}
