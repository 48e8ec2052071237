//! A keychain's keys and writers, as an index needs them. Filled in by the session whenever it knows more.

use keyfold_core::{KeychainKey, StateKey, account::AccountSecrets};
use keyfold_format::{
    IndexId, ScopeId, Signature, VerifyingKey, entry::Head, label::SignatureLabel, scope::Anchored, sorted::SortedMap,
};
use keyfold_index::{Author, Keys};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Shared between the session and an index.
#[derive(Clone)]
pub struct VaultKeys(Arc<RwLock<Inner>>);

struct Inner {
    me: ScopeId,
    own: Arc<AccountSecrets>,
    /// How far the keychain's ledger is known.
    head: Head,
    current: u32,
    /// What the ledger says of the index.
    anchored: Option<Anchored>,
    /// What it says that counts no more.
    dismissed: Option<Anchored>,
    keys: SortedMap<u32, KeychainKey>,
    writers: SortedMap<ScopeId, Vec<KnownWriter>>,
    /// Authors of whom it is not known here whether they might write.
    asked: Vec<Asked>,
}

/// Somebody who may write, or might once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownWriter {
    /// What his signatures verify with.
    pub(crate) key: VerifyingKey,
    /// With which heads of the ledger that holds: with all that are not later than what is known here, or with this one.
    pub(crate) head: Option<Head>,
    /// The last record that may be his: the ledger says so much of the index after it has put him out.
    pub(crate) until: Option<u64>,
}

/// A record's author, and its generation.
pub(crate) type Asked = (Author, u64);

impl VaultKeys {
    pub(crate) fn new(me: ScopeId, own: Arc<AccountSecrets>, head: Head, current: u32) -> Self {
        let (keys, writers, asked) = (SortedMap::new(), SortedMap::new(), Vec::new());
        let (anchored, dismissed) = (None, None);
        Self(Arc::new(RwLock::new(Inner { me, own, head, current, anchored, dismissed, keys, writers, asked })))
    }

    /// The ledger is known as far as this: whoever may write is to be asked anew.
    pub(crate) fn advance(&self, own: Arc<AccountSecrets>, head: Head, current: u32, anchored: Option<Anchored>) {
        let mut inner = self.write();
        if inner.head != head {
            inner.writers = SortedMap::new();
        }
        let anchored = anchored.filter(|anchored| inner.dismissed != Some(*anchored));
        (inner.own, inner.head, inner.current, inner.anchored) = (own, head, current, anchored);
    }

    /// Whether the ledger has said something of the index that counts.
    pub(crate) fn is_anchored(&self) -> bool {
        self.read().anchored.is_some()
    }

    /// What the ledger says of the index counts no more.
    pub(crate) fn dismiss_anchor(&self) {
        let mut inner = self.write();
        inner.dismissed = inner.anchored.take();
    }

    pub(crate) fn head(&self) -> Head {
        self.read().head
    }

    pub(crate) fn has_writer(&self, account: &ScopeId) -> bool {
        self.read().writers.contains_key(account)
    }

    pub(crate) fn has_key(&self, number: u32) -> bool {
        self.read().keys.contains_key(&number)
    }

    pub(crate) fn add_key(&self, number: u32, key: KeychainKey) {
        self.write().keys.insert(number, key);
    }

    pub(crate) fn add_writer(&self, account: ScopeId, writer: KnownWriter) {
        let mut inner = self.write();
        let mut known = inner.writers.remove(&account).unwrap_or_default();
        if !known.contains(&writer) {
            known.push(writer);
        }
        inner.writers.insert(account, known);
    }

    /// Whose record was refused because it is not known whether he might write it.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.write().asked)
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys for VaultKeys {
    fn current(&self) -> u32 {
        self.read().current
    }

    fn index_key(&self, number: u32, index: &IndexId, tree: u16) -> Option<StateKey> {
        self.read().keys.get(&number).map(|key| key.index_key(index, tree))
    }

    fn author(&self) -> Author {
        let inner = self.read();
        Author { account: inner.me, head: inner.head }
    }

    fn sign(&self, record: &[u8]) -> Signature {
        self.read().own.ledger.sign(SignatureLabel::IndexRoot, &[record])
    }

    fn may_write(&self, author: &Author, generation: u64, record: &[u8], signature: &Signature) -> bool {
        let mut inner = self.write();
        let known = inner.head.seq;
        let holds = |writer: &KnownWriter| {
            writer.head.map_or(author.head.seq <= known, |head| head == author.head)
                && writer.until.is_none_or(|until| generation <= until)
                && writer.key.verify(SignatureLabel::IndexRoot, &[record], signature).is_ok()
        };
        let may = inner.writers.get(&author.account).is_some_and(|writers| writers.iter().any(holds));
        let asked = (*author, generation);
        if !may && !inner.asked.contains(&asked) {
            inner.asked.push(asked);
        }
        may
    }

    fn anchored(&self) -> Option<Anchored> {
        self.read().anchored
    }
}
