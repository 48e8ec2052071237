//! What everybody thinks of first: the whole table as one encrypted object, and one encrypted row per entry, which are
//! fetched and filtered by whoever looks for one. From afar, as Keyfold's own works are.

use super::afar::Distant;
use super::costs::Afar;
use super::entries::{self, KEY, VALUE};
use super::member::{Member, rng};
use anyhow::{Context, ensure};
use keyfold_core::StateKey;
use keyfold_format::ObjectId;
use keyfold_index::store::{MemoryStore, Store};

/// Rows of a request.
const PAGE: usize = 1_000;
const ENTRY: usize = KEY + VALUE;
const BLOB: ObjectId = ObjectId([0xff; 32]);

/// What the ideas cost.
pub(super) struct Naive {
    pub(super) blob_point: Afar,
    pub(super) blob_insert: Afar,
    pub(super) rows_point: Afar,
}

pub(super) async fn measure(all: u64) -> anyhow::Result<Naive> {
    let (store, key) = (Distant::new(MemoryStore::default()), Member::new().tree_key());
    let mut table: Vec<_> = (0..all).map(|entry| (entries::key(entry), entries::value(entry, 0))).collect();
    table.sort_unstable();
    let mut plain = Vec::with_capacity(table.len() * ENTRY);
    for (key, value) in &table {
        plain.extend_from_slice(key);
        plain.extend_from_slice(value);
    }
    drop(table);
    store.nearby(async || put_blob(&store, &key, &plain).await).await?;
    let wanted = entries::key(all / 2);
    let blob_point = store
        .cost(async || {
            let plain = fetched_blob(&store, &key).await?;
            ensure!(find(&plain, &wanted).is_ok(), "an entry is missing");
            Ok(())
        })
        .await?;
    let blob_insert = store
        .cost(async || {
            let mut plain = fetched_blob(&store, &key).await?;
            let (new, value) = (entries::key(all), entries::value(all, 0));
            let at = find(&plain, &new).err().context("an entry that is new")? * ENTRY;
            plain.splice(at..at, new.into_iter().chain(value));
            put_blob(&store, &key, &plain).await
        })
        .await?;
    store.nearby(async || Ok(store.delete(&[BLOB]).await?)).await?;

    let mut ids = Vec::new();
    let mut rows = Vec::new();
    for (entry, number) in plain.chunks(ENTRY).zip(0u64..) {
        let mut id = [0; 32];
        id.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        ids.push(ObjectId(id));
        rows.push((ObjectId(id), key.seal(&[], entry, &mut rng())?));
    }
    store.nearby(async || Ok(store.put(rows).await?)).await?;
    let rows_point = store
        .cost(async || {
            let mut found = 0;
            for page in ids.chunks(PAGE) {
                for row in store.get(page).await?.into_iter().flatten() {
                    let entry = key.open(&[], &row).context("a row does not open")?;
                    found += usize::from(entry.starts_with(&wanted));
                }
            }
            ensure!(found == 1, "an entry is missing");
            Ok(())
        })
        .await?;
    Ok(Naive { blob_point, blob_insert, rows_point })
}

async fn put_blob(store: &Distant, key: &StateKey, plain: &[u8]) -> anyhow::Result<()> {
    Ok(store.put(vec![(BLOB, key.seal(&[], plain, &mut rng())?)]).await?)
}

async fn fetched_blob(store: &Distant, key: &StateKey) -> anyhow::Result<Vec<u8>> {
    let sealed = store.get(&[BLOB]).await?.pop().flatten().context("the blob is missing")?;
    Ok(std::mem::take(&mut *key.open(&[], &sealed).context("the blob does not open")?))
}

/// Where an entry is, or would be.
fn find(plain: &[u8], wanted: &[u8; KEY]) -> Result<usize, usize> {
    let entries: Vec<&[u8]> = plain.chunks(ENTRY).collect();
    entries.binary_search_by(|entry| entry.get(..KEY).cmp(&Some(&wanted[..])))
}
