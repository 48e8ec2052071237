//! Indexes of keychains: each call opens the index with what is known of the keychain now, works without holding the
//! home, and keeps how far it saw.

use super::{Client, host::NativeHost};
use crate::{
    Error, IndexBatch, IndexDifference, IndexEntry, IndexQuery, NearStore, OpenIndex, Result, Unsent, VaultKeys,
    key::{self, Part},
};
use keyfold_index::{
    IndexError, Snapshot,
    limits::{MAX_KEY, MAX_VALUE},
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
    /// Whether something waited when it was used last.
    is_waiting: Arc<AtomicBool>,
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
            is_waiting: Arc::default(),
            only_current: false,
        }
    }
}

impl Index {
    /// Never shows what may have passed, or is still to come: while the server is not reached, reading fails, and nothing
    /// waits.
    #[must_use]
    pub fn only_current(self) -> Self {
        Self { only_current: true, ..self }
    }

    /// Whether the last reading showed the index as this device saw it last, because the server was not reached, or what
    /// was written last waits for it. What this device never read is not there then: `ServerUnavailable`.
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Relaxed)
    }

    /// Whether something waited for the server when the index was used last: that was not reached, or refuses it, or it is
    /// of records. How much, [`Self::waiting`] looks up.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed)
    }

    /// The value of a key. `UnknownKeychain`, `IndexDamaged`, `Rollback`.
    pub async fn get(&self, key: &[Part]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let key = key::encode(key)?;
        self.with(false, async |open| self.view(open).await?.get(0, &key).await).await
    }

    /// The values of keys, in their order, as they are at one moment. Many are asked for together.
    pub async fn get_many(&self, keys: &[&[Part]]) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>> {
        let keys = keys.iter().map(|key| Ok((0, key::encode(key)?))).collect::<Result<Vec<_>>>()?;
        self.with(false, async |open| Ok(open.values(self.only_current, &keys).await?.1)).await
    }

    /// Gives a key a value. While the server is not reached, that waits: see [`Self::waiting`].
    pub async fn put(&self, key: &[Part], value: &[u8]) -> Result<()> {
        let mut changes = Changes::new();
        changes.put(key, value)?;
        self.commit(&changes).await
    }

    /// Takes a key away. Whether it was there, as far as is known: while the server is not reached, the removal waits in
    /// any case, for others may have written it.
    pub async fn remove(&self, key: &[Part]) -> Result<bool> {
        let was_there = match self.get(key).await {
            Err(error) if error.is_offline() && !self.only_current => true,
            found => found?.is_some(),
        };
        if was_there || self.is_offline() {
            let mut changes = Changes::new();
            changes.remove(key)?;
            self.commit(&changes).await?;
        }
        Ok(was_there)
    }

    /// Commits changes. Others who write at the same time are not disturbed; of two for one key the last one holds.
    /// `NotAllowed` where one may only read.
    ///
    /// While the server is not reached, they are kept in the home, if this device has seen the index before: all reading
    /// on this device shows them, and they go out, in their order and each commit as a whole, before anything else is
    /// done with the index once the server is reached.
    pub async fn commit(&self, changes: &Changes) -> Result<()> {
        if self.commit_behind(changes).await? { Ok(()) } else { Err(needs_schema()) }
    }

    /// The same; `false`: records wait, which go first.
    pub(super) async fn commit_behind(&self, changes: &Changes) -> Result<bool> {
        match self.with(true, async |open| open.commit_behind(changes.0.clone()).await).await {
            Err(error) if error.is_offline() => {
                Box::pin(self.keep(changes.0.clone(), None, error)).await.map(|()| true)
            }
            committed => committed,
        }
    }

    /// How many commits wait for the server.
    pub async fn waiting(&self) -> Result<u64> {
        let mut turn = self.client.turn().await?;
        Box::pin(turn.waiting(&self.kc, &self.name)).await
    }

    /// Sends what waits, now. `ServerUnavailable` if the server is not reached; what it refuses goes on waiting, and all
    /// behind it, until it is not refused any more or is given up: `NotAllowed` where one may not write any more,
    /// `AuthorBanned` after a ban.
    /// `Unsupported` where records wait that were put with a [`Schema`](super::Schema): only
    /// [`Records::flush`](super::Records::flush) sends these.
    pub async fn flush(&self) -> Result<()> {
        if self.send_unsent().await?.is_some() { Err(needs_schema()) } else { Ok(()) }
    }

    /// Forgets what waits. How many commits that were.
    pub async fn give_up(&self) -> Result<u64> {
        let mut turn = self.client.turn().await?;
        let (_, count) = Box::pin(turn.give_up(&self.kc, &self.name)).await?;
        self.is_waiting.store(false, Ordering::Relaxed);
        Ok(count)
    }

    /// Sends what waits, up to the first that is of records.
    pub(super) async fn send_unsent(&self) -> Result<Option<Unsent>> {
        let mut turn = self.client.turn().await?;
        Box::pin(turn.send_unsent(&self.kc, &self.name)).await
    }

    /// Sends the first that waits, worked out from a record of the index, if that and it are still what they were.
    pub(super) async fn send_derived(
        &self,
        first: &Unsent,
        generation: Option<u64>,
        batch: &IndexBatch,
    ) -> Result<bool> {
        let mut turn = self.client.turn().await?;
        Box::pin(turn.send_derived(&self.kc, &self.name, &first.id, generation, batch)).await
    }

    /// Keeps changes that could not be sent.
    pub(super) async fn keep(&self, changes: IndexBatch, shown: Option<IndexBatch>, unreached: Error) -> Result<()> {
        if self.only_current {
            return Err(unreached);
        }
        let mut turn = self.client.turn().await?;
        Box::pin(turn.keep_unsent(&self.kc, &self.name, changes, shown, unreached)).await?;
        self.is_offline.store(true, Ordering::Relaxed);
        self.is_waiting.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether something waits although the server is reached.
    pub(super) fn holds_back(&self) -> bool {
        self.is_waiting() && !self.is_offline()
    }

    /// How many keys a query finds, without those that it skips.
    pub async fn count(&self, query: &IndexQuery) -> Result<u64> {
        self.with(false, async |open| self.view(open).await?.count(0, query).await).await
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
            let snapshot = self.view(open).await?;
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

    /// The values of keys, each of a tree, and which record of the index they are of; `now`: whatever waits.
    pub(super) async fn values(
        &self,
        now: bool,
        keys: &[(u16, Vec<u8>)],
    ) -> Result<(Option<u64>, Vec<Option<Zeroizing<Vec<u8>>>>)> {
        self.with(false, async |open| open.values(now || self.only_current, keys).await).await
    }

    /// The first `limit` entries of a query in a tree, and which record of the index they are of; `now`: whatever waits.
    pub(super) async fn page(
        &self,
        now: bool,
        tree: u16,
        query: &IndexQuery,
        limit: usize,
    ) -> Result<(Option<u64>, Vec<IndexEntry>)> {
        self.with(false, async |open| open.page(now || self.only_current, tree, query, limit).await).await
    }

    /// How many keys a query finds in a tree.
    pub(super) async fn count_in(&self, tree: u16, query: &IndexQuery) -> Result<u64> {
        self.with(false, async |open| self.view(open).await?.count(tree, query).await).await
    }

    /// Commits changes that were worked out from a record of the index, if that is still the newest one and nothing
    /// waits.
    pub(super) async fn commit_on(&self, generation: Option<u64>, batch: &IndexBatch) -> Result<bool> {
        let commit = async |open: &OpenIndex<NativeHost>| {
            if !open.is_waiting() { open.commit_on(generation, batch.clone()).await } else { Ok(false) }
        };
        self.with(true, commit).await
    }

    /// What was read last is what stands there now.
    pub(super) fn check_known(&self) -> Result<()> {
        if self.is_offline() {
            return Err(Error::new(Code::ServerUnavailable, "what stands there now, only the server knows"));
        }
        Ok(())
    }

    /// What is read.
    async fn view(
        &self,
        open: &OpenIndex<NativeHost>,
    ) -> Result<Snapshot<NearStore<NativeHost>, VaultKeys>, IndexError> {
        open.seen(self.only_current).await
    }

    async fn with<T>(
        &self,
        to_write: bool,
        mut work: impl AsyncFnMut(&OpenIndex<NativeHost>) -> Result<T, IndexError>,
    ) -> Result<T> {
        for attempt in 0.. {
            let mut turn = self.client.turn().await?;
            // On the heap: whoever calls this calls it often, one inside the other.
            let open = Box::pin(turn.open_index(&self.kc, &self.name, to_write)).await?;
            turn.send_before(&open, &self.kc, &self.name, to_write).await?;
            drop(turn);
            let outcome = work(&open).await;
            let mut turn = self.client.turn().await?;
            match outcome {
                Ok(done) => {
                    // Who has written was with the server.
                    self.is_offline.store(!to_write && open.is_offline(), Ordering::Relaxed);
                    self.is_waiting.store(open.is_waiting(), Ordering::Relaxed);
                    turn.keep_seen(&open).await?;
                    return Ok(done);
                }
                Err(error) => Box::pin(turn.settle_index(&open, error, attempt)).await?,
            }
        }
        Err(Error::internal("an index's operation went on without end"))
    }
}

fn needs_schema() -> Error {
    Error::new(Code::Unsupported, "records wait that only whoever declares what they are found by can send")
        .hint("The application that put them sends them when it uses them next. `give_up` forgets them.")
}
