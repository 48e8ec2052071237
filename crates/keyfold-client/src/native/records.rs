//! Records in an index: found by their key and by whatever else is declared as a function of them, all of which changes
//! together. What stands in the index is what `@keyfold/client` writes there, so that a page and a service share one.

use super::{Changes, Client, Index};
use crate::{
    Error, IndexBatch, IndexQuery, Result, Unsent,
    key::{self, Part},
    session::refused,
};
use keyfold_index::IndexError;
use keyfold_protocol::Code;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use zeroize::Zeroizing;

/// How often a change that others overtook is worked out anew.
const TRIES: usize = 16;
/// Records that are read at once where they are found by something else than their key.
const PAGE: usize = 500;
/// Secondary keys of a schema: trees of an index, less the records' own.
const MOST_SECONDARY: usize = keyfold_index::limits::MAX_TREES - 1;

/// A function of a record.
type Of<T, K> = Box<dyn Fn(&T) -> K + Send + Sync>;

/// What records are found by. Every member's application declares the same.
pub struct Schema<T> {
    key: Of<T, Vec<Part>>,
    secondary: Vec<Secondary<T>>,
}

struct Secondary<T> {
    name: &'static str,
    by: Of<T, Vec<Vec<Part>>>,
    is_unique: bool,
}

impl<T> Schema<T> {
    /// By a record's own key: of two records with one key the later one stays.
    pub fn new(key: impl Fn(&T) -> Vec<Part> + Send + Sync + 'static) -> Self {
        Self { key: Box::new(key), secondary: Vec::new() }
    }

    /// Also by this: one key, several (each word of a text), or none. At most 63, in an order that never changes: a new one
    /// goes last, and knows the records written since.
    #[must_use]
    pub fn by(self, name: &'static str, by: impl Fn(&T) -> Vec<Vec<Part>> + Send + Sync + 'static) -> Self {
        self.with(Secondary { name, by: Box::new(by), is_unique: false })
    }

    /// The same; no two records have one: `NotUnique`.
    #[must_use]
    pub fn unique(self, name: &'static str, by: impl Fn(&T) -> Vec<Vec<Part>> + Send + Sync + 'static) -> Self {
        self.with(Secondary { name, by: Box::new(by), is_unique: true })
    }

    fn with(mut self, secondary: Secondary<T>) -> Self {
        self.secondary.push(secondary);
        self
    }

    /// The secondary keys, each with its tree.
    fn secondary(&self) -> impl Iterator<Item = (u16, &Secondary<T>)> {
        (1..).zip(&self.secondary)
    }
}

/// An index of records.
pub struct Records<T> {
    index: Index,
    schema: Arc<Schema<T>>,
}

impl<T> Clone for Records<T> {
    fn clone(&self) -> Self {
        Self { index: self.index.clone(), schema: Arc::clone(&self.schema) }
    }
}

impl Client {
    /// Records in an index of a keychain, by purpose or fingerprint. Nothing is asked yet; one that is not there is empty.
    pub fn records<T>(&self, kc: &str, name: &str, schema: Schema<T>) -> Records<T> {
        Records { index: self.index(kc, name), schema: Arc::new(schema) }
    }
}

impl<T: Serialize + DeserializeOwned> Records<T> {
    /// The record with a key. `UnknownKeychain`, `IndexDamaged`, `Rollback`.
    pub async fn get(&self, key: &[Part]) -> Result<Option<T>> {
        let value = self.read(async || self.index.get(key).await).await?;
        value.map(|value| record(&value)).transpose()
    }

    /// Keeps records, all or none. A record takes the place of one with the same key. `NotAllowed` where one may only
    /// read, `NotUnique`.
    ///
    /// While the server is not reached, that waits as [`Index::commit`] says: what the records are found by is worked out
    /// from what stands there when they are sent, and whether that is unique is seen then.
    pub async fn put(&self, records: impl IntoIterator<Item = T>) -> Result<()> {
        let records = records.into_iter().map(|record| Ok((self.key_of(&record)?, record)));
        let records: BTreeMap<Vec<u8>, T> = records.collect::<Result<_>>()?;
        if self.schema.secondary.is_empty() {
            let mut changes = Changes::new();
            for record in records.values() {
                changes.put(&(self.schema.key)(record), &json(record)?)?;
            }
            while !self.index.commit_behind(&changes).await? {
                Box::pin(self.flush()).await?;
            }
            return Ok(());
        }
        let keys: Vec<Vec<u8>> = records.keys().cloned().collect();
        let texts = records.values().map(json).collect::<Result<Vec<_>>>()?;
        // As it will be read.
        self.change(&keys, true, |place, _| texts.get(place).map(|text| record(text)).transpose()).await
    }

    /// Takes records away, all or none. Those that are not there are gone already. While the server is not reached, that
    /// waits too.
    pub async fn remove(&self, keys: &[&[Part]]) -> Result<()> {
        let keys: BTreeSet<Vec<u8>> = keys.iter().map(|key| Ok(key::encode(key)?)).collect::<Result<_>>()?;
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        self.change(&keys, true, |_, _| Ok(None)).await
    }

    /// Changes the record with a key as it is now: if somebody else is faster, `change` is called again with what he
    /// wrote. What it returns takes its place, and has the same key; `None` takes it away. That does not wait:
    /// `ServerUnavailable`.
    pub async fn update(&self, key: &[Part], mut change: impl FnMut(Option<T>) -> Option<T>) -> Result<()> {
        self.change(&[key::encode(key)?], false, |_, record| Ok(change(record))).await
    }

    /// How many changes wait for the server.
    pub async fn waiting(&self) -> Result<u64> {
        self.index.waiting().await
    }

    /// Forgets what waits. How many changes that were.
    pub async fn give_up(&self) -> Result<u64> {
        self.index.give_up().await
    }

    /// Sends what waits, now: see [`Index::flush`]. `NotUnique` where others have written a record meanwhile that has the
    /// same.
    pub async fn flush(&self) -> Result<()> {
        let (mut tried, mut overtaken) = (None, 0);
        while let Some(first) = self.index.send_unsent().await? {
            overtaken = if tried == Some(first.id) { overtaken + 1 } else { 0 };
            if overtaken == TRIES {
                return Err(overtaken_too_often());
            }
            tried = Some(first.id);
            self.send(&first).await?;
        }
        Ok(())
    }

    /// Sends the first that waits, with all that it is found by now, unless others are faster.
    async fn send(&self, first: &Unsent) -> Result<()> {
        let keys: Vec<Vec<u8>> = first.changes.iter().map(|(_, key, _)| key.to_vec()).collect();
        let values: Vec<Option<&[u8]>> = first.changes.iter().map(|(_, _, value)| value).collect();
        let (generation, stand) = self.index.values(true, &primary(&keys)).await?;
        let next = |place: usize, _| values.get(place).copied().flatten().map(record).transpose();
        let changed = self.changed(&keys, stand, next).map_err(refused)?;
        self.check_unique(&changed, true).await.map_err(refused)?;
        self.index.send_derived(first, generation, &changed.batch()).await.map(drop)
    }

    /// Reads; again, if what waits was only waiting for somebody who knows the schema. Where it is refused, it is seen.
    async fn read<R>(&self, reading: impl AsyncFn() -> Result<R>) -> Result<R> {
        let found = reading().await?;
        if self.index.holds_back() && Box::pin(self.flush()).await.is_ok() { reading().await } else { Ok(found) }
    }

    /// The first `limit` records of a query, in the order of their keys.
    pub async fn list(&self, query: &IndexQuery, limit: usize) -> Result<Vec<T>> {
        let (_, entries) = self.read(async || self.index.page(false, 0, query, limit).await).await?;
        entries.iter().map(|(_, value)| record(value)).collect()
    }

    /// The first `limit` records that a query of a secondary key finds, in its order. One that several of its keys find is
    /// there once for each.
    pub async fn list_by(&self, name: &str, query: &IndexQuery, limit: usize) -> Result<Vec<T>> {
        let tree = self.tree(name)?;
        self.read(async || self.found_by(tree, query, limit).await).await
    }

    async fn found_by(&self, tree: u16, query: &IndexQuery, limit: usize) -> Result<Vec<T>> {
        let (mut query, mut left, mut found) = (query.clone(), limit, Vec::new());
        loop {
            let (_, entries) = self.index.page(false, tree, &query, left.min(PAGE)).await?;
            let own = entries.iter().map(|(key, value)| own_key(key, value)).collect::<Result<Vec<_>>>()?;
            let (_, values) = self.index.values(false, &primary(&own)).await?;
            // One that was taken away between the two readings is not there.
            for value in values.iter().flatten() {
                found.push(record(value)?);
            }
            left -= entries.len();
            match entries.last() {
                Some((last, _)) if left > 0 && entries.len() == PAGE => query = query.after(last),
                _ => return Ok(found),
            }
        }
    }

    /// How many records a query finds.
    pub async fn count(&self, query: &IndexQuery) -> Result<u64> {
        self.read(async || self.index.count(query).await).await
    }

    /// How many keys a query of a secondary key finds.
    pub async fn count_by(&self, name: &str, query: &IndexQuery) -> Result<u64> {
        let tree = self.tree(name)?;
        self.read(async || self.index.count_in(tree, query).await).await
    }

    fn tree(&self, name: &str) -> Result<u16> {
        let tree = self.schema.secondary().find(|(_, secondary)| secondary.name == name).map(|(tree, _)| tree);
        tree.ok_or_else(|| Error::new(Code::Malformed, format!("records have no secondary key `{name}`")))
    }

    fn key_of(&self, record: &T) -> Result<Vec<u8>> {
        Ok(key::encode(&(self.schema.key)(record))?)
    }

    /// Works out new records from those that stand, with all by which they are found, until nobody was faster.
    /// `may_wait`: `next` says the same whatever stands there.
    async fn change(
        &self,
        keys: &[Vec<u8>],
        may_wait: bool,
        mut next: impl FnMut(usize, Option<T>) -> Result<Option<T>>,
    ) -> Result<()> {
        if self.schema.secondary.len() > MOST_SECONDARY {
            return Err(IndexError::TooLarge { what: "number of secondary keys", limit: MOST_SECONDARY }.into());
        }
        for _ in 0..TRIES {
            let (generation, values) = match self.index.values(false, &primary(keys)).await {
                // What stands there was never read here.
                Err(error) if may_wait && error.is_offline() => {
                    return Box::pin(self.keep(keys, None, next, error)).await;
                }
                found => found?,
            };
            if self.index.holds_back() {
                Box::pin(self.flush()).await?;
                continue;
            }
            if may_wait && let Err(error) = self.index.check_known() {
                return Box::pin(self.keep(keys, Some(values), next, error)).await;
            }
            let changed = self.changed(keys, values, &mut next)?;
            if changed.is_empty() {
                return self.index.check_known();
            }
            let committed = match self.check_unique(&changed, false).await {
                Ok(()) => self.index.commit_on(generation, &changed.batch()).await,
                Err(error) => Err(error),
            };
            match committed {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // What is read next is what was seen last.
                Err(error) if may_wait && error.is_offline() => {}
                Err(error) => return Err(error),
            }
        }
        Err(overtaken_too_often())
    }

    /// Keeps what cannot be sent, with what it changes as far as is known here.
    async fn keep(
        &self,
        keys: &[Vec<u8>],
        stand: Option<Vec<Option<Zeroizing<Vec<u8>>>>>,
        mut next: impl FnMut(usize, Option<T>) -> Result<Option<T>>,
        unreached: Error,
    ) -> Result<()> {
        let mut changes = IndexBatch::new();
        for (place, key) in keys.iter().enumerate() {
            match next(place, None)? {
                Some(record) => changes.put(0, key, &json(&record)?),
                None => changes.remove(0, key),
            };
        }
        let shown = self.changed(keys, stand.unwrap_or_else(|| vec![None; keys.len()]), next)?;
        match self.check_unique(&shown, false).await {
            // That is seen when it is sent.
            Err(error) if error.is_offline() => {}
            checked => checked?,
        }
        self.index.keep(changes, Some(shown.batch()), unreached).await
    }

    /// What is to change, where these values stand for keys.
    fn changed(
        &self,
        keys: &[Vec<u8>],
        stand: Vec<Option<Zeroizing<Vec<u8>>>>,
        mut next: impl FnMut(usize, Option<T>) -> Result<Option<T>>,
    ) -> Result<Changed> {
        let mut changed = Changed::default();
        for (place, (key, value)) in keys.iter().zip(stand).enumerate() {
            let stands = || value.as_ref().map(|value| record::<T>(value)).transpose();
            // The function takes the record; what it was found by is asked of another one.
            let (before, after) = (stands()?, next(place, stands()?)?);
            self.note(key, before.as_ref(), after.as_ref(), &mut changed)?;
        }
        Ok(changed)
    }

    /// What is to change in all trees, if a record takes the place of another one.
    fn note(&self, key: &[u8], before: Option<&T>, after: Option<&T>, changed: &mut Changed) -> Result<()> {
        if before.is_none() && after.is_none() {
            return Ok(());
        }
        let own = after.map(|after| (self.schema.key)(after)).unwrap_or_default();
        match after {
            Some(_) if key::encode(&own)? != key => {
                return Err(Error::new(Code::Malformed, "the record has another key than the one that is changed"));
            }
            Some(after) => changed.put(0, key.to_vec(), json(after)?),
            None => changed.remove(0, key.to_vec()),
        }
        let parts = u8::try_from(own.len())
            .map_err(|_| IndexError::TooLarge { what: "number of parts of a key", limit: usize::from(u8::MAX) })?;
        for (tree, secondary) in self.schema.secondary() {
            if let Some(before) = before {
                for by in (secondary.by)(before) {
                    changed.remove(tree, [key::encode(&by)?, key.to_vec()].concat());
                }
            }
            for by in after.map(|after| (secondary.by)(after)).unwrap_or_default() {
                changed.put(tree, [key::encode(&by)?, key.to_vec()].concat(), Zeroizing::new(vec![parts]));
            }
        }
        Ok(())
    }

    /// `now`: whatever waits.
    async fn check_unique(&self, changed: &Changed, now: bool) -> Result<()> {
        for (tree, secondary) in self.schema.secondary().filter(|(_, secondary)| secondary.is_unique) {
            let mut seen: BTreeMap<Vec<u8>, &[u8]> = BTreeMap::new();
            let here = changed.0.iter().filter(|((of, _), _)| *of == tree);
            for ((_, key), value) in here {
                let Some(value) = value else { continue };
                let found_by = found_by(key, value)?;
                let (_, others) = self.index.page(now, tree, &IndexQuery::parts(&found_by)?, 2).await?;
                let stays =
                    |other: &[u8]| other != &key[..] && !matches!(changed.0.get(&(tree, other.to_vec())), Some(None));
                let twice = seen.insert(key::encode(&found_by)?, key).is_some_and(|first| first != &key[..]);
                if twice || others.iter().any(|(other, _)| stays(other)) {
                    let message = format!("another record has the same {}", secondary.name);
                    return Err(Error::new(Code::NotUnique, message));
                }
            }
        }
        Ok(())
    }
}

/// Keys of records, as an index has them.
fn primary(keys: &[Vec<u8>]) -> Vec<(u16, Vec<u8>)> {
    keys.iter().map(|key| (0, key.clone())).collect()
}

fn overtaken_too_often() -> Error {
    Error::new(Code::Conflict, "others committed first, too many times")
}

/// What is to stand under keys of trees; `None`: nothing. What comes stays, whatever goes.
#[derive(Default)]
struct Changed(BTreeMap<Place, Option<Zeroizing<Vec<u8>>>>);

/// A key of a tree.
type Place = (u16, Vec<u8>);

impl Changed {
    fn put(&mut self, tree: u16, key: Vec<u8>, value: Zeroizing<Vec<u8>>) {
        self.0.insert((tree, key), Some(value));
    }

    fn remove(&mut self, tree: u16, key: Vec<u8>) {
        self.0.entry((tree, key)).or_insert(None);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn batch(&self) -> IndexBatch {
        let mut batch = IndexBatch::new();
        for ((tree, key), value) in &self.0 {
            match value {
                Some(value) => batch.put(*tree, key, value),
                None => batch.remove(*tree, key),
            };
        }
        batch
    }
}

/// A key of a secondary tree: what a record is found by, and behind it the record's own key, of so many parts.
fn split(key: &[u8], value: &[u8]) -> Result<(Vec<Part>, Vec<Part>)> {
    let mut found_by = key::decode(key)?;
    let own = value.first().and_then(|own| found_by.len().checked_sub(usize::from(*own)));
    let own = own.ok_or(IndexError::Damaged("a secondary key names no record"))?;
    let own = found_by.split_off(own);
    Ok((found_by, own))
}

fn found_by(key: &[u8], value: &[u8]) -> Result<Vec<Part>> {
    Ok(split(key, value)?.0)
}

fn own_key(key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    Ok(key::encode(&split(key, value)?.1)?)
}

fn record<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|_| Error::new(Code::Malformed, "a value of the index is not such a record"))
}

fn json<T: Serialize>(record: &T) -> Result<Zeroizing<Vec<u8>>> {
    let text = serde_json::to_vec(record);
    text.map(Zeroizing::new).map_err(|error| Error::new(Code::Malformed, format!("a record is not JSON: {error}")))
}
