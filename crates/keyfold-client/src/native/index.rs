//! Indexes of keychains: each call opens the index with what is known of the keychain now, works without holding the
//! home, and keeps how far it saw.

use super::{Client, host::NativeHost};
use crate::{
    Error, IndexBatch, IndexDifference, IndexEntry, IndexQuery, OpenIndex, Result,
    key::{self, Part},
};
use keyfold_index::{
    IndexError,
    limits::{MAX_KEY, MAX_VALUE},
    store::StoreError,
};
use keyfold_protocol::Code;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use zeroize::Zeroizing;

/// An index of a keychain: an ordered map that the server keeps and cannot read. Everybody who is in the keychain finds
/// it by its name.
#[derive(Clone)]
pub struct Index {
    client: Client,
    kc: String,
    name: String,
    is_offline: Arc<AtomicBool>,
    only_current: bool,
}

/// Changes of an index that happen together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Changes(IndexBatch);

impl Changes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key has this value from then on. At most 1,024 bytes of key and 1 MiB of value, else `TooLarge`. `NotComparable`
    /// for NaN.
    pub fn put(&mut self, key: &[Part], value: &[u8]) -> Result<&mut Self> {
        let key = encoded(key)?;
        if value.len() > MAX_VALUE {
            return Err(IndexError::TooLarge { what: "value", limit: MAX_VALUE }.into());
        }
        self.0.put(0, &key, value);
        Ok(self)
    }

    /// A key has none.
    pub fn remove(&mut self, key: &[Part]) -> Result<&mut Self> {
        self.0.remove(0, &encoded(key)?);
        Ok(self)
    }
}

/// A key's bytes. That it is too long is said of it alone, before it is one of many.
fn encoded(key: &[Part]) -> Result<Vec<u8>> {
    let key = key::encode(key)?;
    match key.len() {
        0..=MAX_KEY => Ok(key),
        _ => Err(IndexError::TooLarge { what: "key", limit: MAX_KEY }.into()),
    }
}

impl Client {
    /// An index of a keychain, by purpose or fingerprint. Nothing is asked yet; one that is not there is empty.
    pub fn index(&self, kc: &str, name: &str) -> Index {
        Index {
            client: self.clone(),
            kc: kc.to_owned(),
            name: name.to_owned(),
            is_offline: Arc::default(),
            only_current: false,
        }
    }
}

impl Index {
    /// Never shows what may have passed: while the server is not reached, reading fails too.
    #[must_use]
    pub fn only_current(self) -> Self {
        Self { only_current: true, ..self }
    }

    /// Whether the last reading showed the index as this device saw it last, because the server was not reached. What
    /// this device never read is not there then: `ServerUnavailable`. Nothing is written without the server.
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Relaxed)
    }

    /// The value of a key. `UnknownKeychain`, `IndexDamaged`, `Rollback`.
    pub async fn get(&self, key: &[Part]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let key = key::encode(key)?;
        self.with(false, async |open| open.get(&key).await).await
    }

    /// The values of keys, in their order, as they are at one moment. Many are asked for together.
    pub async fn get_many(&self, keys: &[&[Part]]) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>> {
        let keys = keys.iter().map(|key| Ok((0, key::encode(key)?))).collect::<Result<Vec<_>>>()?;
        self.with(false, async |open| Ok(open.values(&keys).await?.1)).await
    }

    /// Gives a key a value.
    pub async fn put(&self, key: &[Part], value: &[u8]) -> Result<()> {
        let mut changes = Changes::new();
        changes.put(key, value)?;
        self.commit(&changes).await
    }

    /// Takes a key away. Whether it was there.
    pub async fn remove(&self, key: &[Part]) -> Result<bool> {
        let was_there = self.get(key).await?.is_some();
        if was_there {
            let mut changes = Changes::new();
            changes.remove(key)?;
            self.commit(&changes).await?;
        } else {
            self.check_known()?;
        }
        Ok(was_there)
    }

    /// Commits changes. Others who write at the same time are not disturbed; of two for one key the last one holds.
    /// `NotAllowed` where one may only read.
    pub async fn commit(&self, changes: &Changes) -> Result<()> {
        self.with(true, async |open| open.commit(changes.0.clone()).await).await
    }

    /// How many keys a query finds, without those that it skips.
    pub async fn count(&self, query: &IndexQuery) -> Result<u64> {
        self.with(false, async |open| open.count(query).await).await
    }

    /// What is not as it was at an earlier record of the index, and which record is the newest: to be given the next time.
    /// `None`: nothing was written yet. This client remembers the last few that it has seen; from an older one the index
    /// must be read whole, and so must it where nothing is there to compare with.
    pub async fn changes(&self, since: Option<u64>) -> Result<(Option<u64>, IndexDifference)> {
        self.with(false, async |open| open.changes(since).await).await
    }

    /// Shows the first `limit` entries of a query, in its order, as they were at one moment.
    pub async fn each(
        &self,
        query: &IndexQuery,
        limit: usize,
        mut see: impl FnMut(Vec<Part>, &[u8]) -> Result<()> + Send,
    ) -> Result<()> {
        let mut seen = 0;
        let reading = self.with(false, async |open| {
            let snapshot = open.newest_seen().await?;
            self.check_current(open)?;
            let mut range = snapshot.range(0, query.clone()).at_most(limit);
            loop {
                let page = match range.next().await {
                    Ok(Some(page)) => page,
                    Ok(None) => break,
                    // What was shown is not shown again.
                    Err(error) if seen > 0 => return Ok(Err(error.into())),
                    Err(error) => return Err(error),
                };
                for (key, value) in page.into_entries() {
                    seen += 1;
                    if let Err(stopped) = key::decode(&key).map_err(Error::from).and_then(|key| see(key, &value)) {
                        return Ok(Err(stopped));
                    }
                }
            }
            Ok(Ok(()))
        });
        reading.await?
    }

    /// Reads every node and value, and says how much there is and what is wrong, with its place.
    pub async fn check(&self) -> Result<keyfold_index::Checked> {
        self.with(false, async |open| open.check().await).await
    }

    /// The values of keys, each of a tree, and which record of the index they are of.
    pub(super) async fn values(
        &self,
        keys: &[(u16, Vec<u8>)],
    ) -> Result<(Option<u64>, Vec<Option<Zeroizing<Vec<u8>>>>)> {
        self.with(false, async |open| open.values(keys).await).await
    }

    /// The first `limit` entries of a query in a tree, and which record of the index they are of.
    pub(super) async fn page(
        &self,
        tree: u16,
        query: &IndexQuery,
        limit: usize,
    ) -> Result<(Option<u64>, Vec<IndexEntry>)> {
        self.with(false, async |open| open.page(tree, query, limit).await).await
    }

    /// How many keys a query finds in a tree.
    pub(super) async fn count_in(&self, tree: u16, query: &IndexQuery) -> Result<u64> {
        self.with(false, async |open| open.newest_seen().await?.count(tree, query).await).await
    }

    /// Commits changes that were worked out from a record of the index, if that is still the newest one.
    pub(super) async fn commit_on(&self, generation: Option<u64>, batch: &IndexBatch) -> Result<bool> {
        self.with(true, async |open| open.commit_on(generation, batch.clone()).await).await
    }

    /// What was read last is what stands there now.
    pub(super) fn check_known(&self) -> Result<()> {
        if self.is_offline() {
            return Err(Error::new(Code::ServerUnavailable, "what stands there now, only the server knows"));
        }
        Ok(())
    }

    fn check_current(&self, open: &OpenIndex<NativeHost>) -> Result<(), IndexError> {
        if self.only_current && open.is_offline() {
            return Err(StoreError::Unreachable("the server".to_owned()).into());
        }
        Ok(())
    }

    async fn with<T>(
        &self,
        to_write: bool,
        mut work: impl AsyncFnMut(&OpenIndex<NativeHost>) -> Result<T, IndexError>,
    ) -> Result<T> {
        for attempt in 0.. {
            let open = self.client.turn().await?.open_index(&self.kc, &self.name, to_write).await?;
            let outcome = match work(&open).await {
                Ok(done) if !to_write => self.check_current(&open).map(|()| done),
                outcome => outcome,
            };
            let mut turn = self.client.turn().await?;
            match outcome {
                Ok(done) => {
                    // Who has written was with the server.
                    self.is_offline.store(!to_write && open.is_offline(), Ordering::Relaxed);
                    turn.keep_seen(&open).await?;
                    return Ok(done);
                }
                Err(error) => turn.settle_index(&open, error, attempt).await?,
            }
        }
        Err(Error::internal("an index's operation went on without end"))
    }
}
