//! Members with keys, and a storage that does what it is told to.

use keyfold_core::{KeychainKey, SigningKey, StateKey};
use keyfold_format::{
    EntryHash, IndexId, ObjectId, ScopeId, Signature, entry::Head, label::SignatureLabel, scope::Anchored,
};
use keyfold_index::{
    Author, Batch, Index, Keys, Moment, Query, Result, Snapshot,
    store::{MemoryStore, Reference, Store, StoreError, Swapped},
};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub(crate) const INDEX: IndexId = IndexId([7; 32]);
pub(crate) const NAME: &str = "an index";

/// Randomness that is the same in each run, and never repeats itself in one.
pub(crate) struct Dice(pub u64);

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    // SplitMix64 (Steele, Lea, Flood 2014).
    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

/// A member: who writes as `account`, and holds keys 1 to `current`.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub(crate) account: u8,
    pub(crate) current: u32,
    /// How much he knows of the ledger.
    pub(crate) ledger: u64,
    /// What that says of the index.
    pub(crate) anchored: Option<Anchored>,
}

pub(crate) const ALICE: Member = Member { account: 1, current: 1, ledger: 3, anchored: None };
pub(crate) const BOB: Member = Member { account: 2, current: 1, ledger: 3, anchored: None };
/// Holds the keys, and may not write.
pub(crate) const READER: Member = Member { account: 9, current: 1, ledger: 3, anchored: None };

impl Keys for Member {
    fn current(&self) -> u32 {
        self.current
    }

    fn index_key(&self, number: u32, index: &IndexId, tree: u16) -> Option<StateKey> {
        let key = KeychainKey::from_slice(&[number as u8; 32])?;
        (1..=self.current).contains(&number).then(|| key.index_key(index, tree))
    }

    fn author(&self) -> Author {
        let head = Head { seq: self.ledger, hash: EntryHash([3; 32]) };
        Author { account: ScopeId([self.account; 32]), head }
    }

    fn sign(&self, record: &[u8]) -> Signature {
        SigningKey::from_seed(&[self.account; 32]).sign(SignatureLabel::IndexRoot, &[record])
    }

    fn may_write(&self, author: &Author, _generation: u64, record: &[u8], signature: &Signature) -> bool {
        let key = SigningKey::from_seed(&author.account.0).verifying_key();
        // Bob is put out by entry 5.
        let is_out = author.account == ScopeId([BOB.account; 32]) && author.head.seq >= 5;
        author.account != ScopeId([READER.account; 32])
            && !is_out
            && key.verify(SignatureLabel::IndexRoot, &[record], signature).is_ok()
    }

    fn anchored(&self) -> Option<Anchored> {
        self.anchored
    }
}

/// What a storage does to a call, by the number of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not arrive.
    Lost,
    /// It takes effect, and the answer is lost.
    Unanswered,
    /// Of the objects of a `put` half arrive.
    Half,
}

/// A storage with faults, that notes what it is asked.
#[derive(Clone, Default)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    faults: Arc<Mutex<BTreeMap<usize, Fault>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
    pub(crate) alter: Arc<Mutex<Option<Alter>>>,
}

pub(crate) type Alter = Box<dyn Fn(&ObjectId, &mut Option<Vec<u8>>) + Send>;

impl Faulty {
    pub(crate) fn fault(&self, after: usize, fault: Fault) {
        let now = self.calls.lock().unwrap().len();
        self.faults.lock().unwrap().insert(now + after, fault);
    }

    /// Faults that did not happen yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.faults.lock().unwrap().len()
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn called(&self, what: &'static str) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(what);
        self.faults.lock().unwrap().remove(&(calls.len() - 1))
    }
}

fn gone<T>() -> std::result::Result<T, StoreError> {
    Err(StoreError::Unreachable("a test".to_owned()))
}

impl Store for Faulty {
    async fn put(&self, mut objects: Vec<(ObjectId, Vec<u8>)>) -> std::result::Result<(), StoreError> {
        let fault = self.called("put");
        match fault {
            Some(Fault::Lost) => return gone(),
            Some(Fault::Half) => objects.truncate(objects.len() / 2),
            _ => {}
        }
        self.inner.put(objects).await?;
        if fault.is_some() { gone() } else { Ok(()) }
    }

    async fn get(&self, ids: &[ObjectId]) -> std::result::Result<Vec<Option<Vec<u8>>>, StoreError> {
        if self.called("get").is_some() {
            return gone();
        }
        let mut objects = self.inner.get(ids).await?;
        if let Some(alter) = &*self.alter.lock().unwrap() {
            ids.iter().zip(&mut objects).for_each(|(id, object)| alter(id, object));
        }
        Ok(objects)
    }

    async fn delete(&self, ids: &[ObjectId]) -> std::result::Result<(), StoreError> {
        let fault = self.called("delete");
        if fault != Some(Fault::Lost) {
            self.inner.delete(ids).await?;
        }
        if fault.is_some() { gone() } else { Ok(()) }
    }

    async fn read(&self, name: &str) -> std::result::Result<Option<Reference>, StoreError> {
        if self.called("read").is_some() { gone() } else { self.inner.read(name).await }
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&str>,
        bytes: Vec<u8>,
    ) -> std::result::Result<Swapped, StoreError> {
        let fault = self.called("swap");
        if fault == Some(Fault::Lost) {
            return gone();
        }
        let swapped = self.inner.swap(name, expected, bytes).await?;
        if fault.is_some() { gone() } else { Ok(swapped) }
    }

    async fn references(&self, after: Option<&str>) -> std::result::Result<Vec<String>, StoreError> {
        if self.called("references").is_some() {
            return gone();
        }
        self.inner.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> std::result::Result<Vec<ObjectId>, StoreError> {
        if self.called("list").is_some() {
            return gone();
        }
        self.inner.list(after).await
    }
}

pub(crate) fn index<S: Store>(store: S, member: Member) -> Index<S, Member> {
    Index::new(store, member, NAME, INDEX, None)
}

pub(crate) fn moment(dice: &mut Dice) -> Moment<'_, Dice> {
    Moment { now_ms: 1_800_000_000_000, rng: dice }
}

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything in a tree.
pub(crate) async fn all<S: Store, K: Keys>(
    snapshot: &Snapshot<S, K>,
    tree: u16,
    query: Query,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut range = snapshot.range(tree, query);
    while let Some(entries) = range.next().await? {
        entries.each(|key, value| found.push((key.to_vec(), value.to_vec())));
    }
    Ok(found)
}

/// A batch that makes of one map another.
pub(crate) fn batch<'a>(changes: impl IntoIterator<Item = (&'a Vec<u8>, Option<&'a Vec<u8>>)>) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(0, key, value),
            None => batch.remove(0, key),
        };
    }
    batch
}
