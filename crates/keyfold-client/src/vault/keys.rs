//! A keychain's keys and writers, as an index needs them. Filled in by the session whenever it knows more.

use keyfold_core::{KeychainKey, StateKey, account::AccountSecrets};
use keyfold_format::{
    IndexId, ScopeId, Signature, VerifyingKey, entry::Head, label::SignatureLabel, sorted::SortedMap,
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
    keys: SortedMap<u32, KeychainKey>,
    writers: SortedMap<ScopeId, Vec<KnownWriter>>,
    /// Authors of whom it is not known here whether they might write.
    asked: Vec<Author>,
}

/// Somebody who may write, or might once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownWriter {
    /// What his signatures verify with.
    pub(crate) key: VerifyingKey,
    /// With which heads of the ledger that holds: with all that are not later than what is known here, or with this one.
    pub(crate) head: Option<Head>,
}

impl VaultKeys {
    pub(crate) fn new(me: ScopeId, own: Arc<AccountSecrets>, head: Head, current: u32) -> Self {
        let (keys, writers, asked) = (SortedMap::new(), SortedMap::new(), Vec::new());
        Self(Arc::new(RwLock::new(Inner { me, own, head, current, keys, writers, asked })))
    }

    /// The ledger is known as far as this: whoever may write is to be asked anew.
    pub(crate) fn advance(&self, own: Arc<AccountSecrets>, head: Head, current: u32) {
        let mut inner = self.write();
        if inner.head != head {
            inner.writers = SortedMap::new();
        }
        (inner.own, inner.head, inner.current) = (own, head, current);
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
    pub(crate) fn take_asked(&self) -> Vec<Author> {
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

    fn may_write(&self, author: &Author, record: &[u8], signature: &Signature) -> bool {
        let mut inner = self.write();
        let known = inner.head.seq;
        let holds = |writer: &KnownWriter| {
            writer.head.map_or(author.head.seq <= known, |head| head == author.head)
                && writer.key.verify(SignatureLabel::IndexRoot, &[record], signature).is_ok()
        };
        let may = inner.writers.get(&author.account).is_some_and(|writers| writers.iter().any(holds));
        if !may && !inner.asked.contains(author) {
            inner.asked.push(*author);
        }
        may
    }
}
