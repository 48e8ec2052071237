//! Who reads and writes: one member of a keychain, as the client has it when a keychain is open.

use keyfold_core::{KeychainKey, SigningKey, StateKey};
use keyfold_format::{EntryHash, IndexId, ScopeId, Signature, VerifyingKey, entry::Head, label::SignatureLabel};
use keyfold_index::{Author, Index, Keys, Moment, store::Store};
use rand_core::{Rng, UnwrapErr};
use std::sync::Arc;

/// The index that is measured.
const INDEX: IndexId = IndexId([7; 32]);

/// A member. A clone is the same one.
#[derive(Clone)]
pub(super) struct Member(Arc<Own>);

struct Own {
    key: KeychainKey,
    signing: SigningKey,
    verifying: VerifyingKey,
}

impl Member {
    pub(super) fn new() -> Self {
        let mut rng = rng();
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let signing = SigningKey::from_seed(&seed);
        let verifying = signing.verifying_key();
        Self(Arc::new(Own { key: KeychainKey::generate(&mut rng), signing, verifying }))
    }

    /// Opens the index anew: nothing is known of it.
    pub(super) fn index<S: Store>(&self, store: S) -> Index<S, Self> {
        Index::new(store, self.clone(), "entries", INDEX, None)
    }

    /// What trees are sealed under.
    pub(super) fn tree_key(&self) -> StateKey {
        self.0.key.index_key(&INDEX, 0)
    }
}

/// Randomness of the system.
pub(super) fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// What a commit takes from outside. `now`: any clock.
pub(super) fn moment(now: u64, rng: &mut UnwrapErr<getrandom::SysRng>) -> Moment<'_, UnwrapErr<getrandom::SysRng>> {
    Moment { now_ms: now, rng }
}

impl Keys for Member {
    fn current(&self) -> u32 {
        0
    }

    fn index_key(&self, number: u32, index: &IndexId, tree: u16) -> Option<StateKey> {
        (number == 0).then(|| self.0.key.index_key(index, tree))
    }

    fn author(&self) -> Author {
        Author { account: ScopeId([1; 32]), head: Head { seq: 1, hash: EntryHash([3; 32]) } }
    }

    fn sign(&self, record: &[u8]) -> Signature {
        self.0.signing.sign(SignatureLabel::IndexRoot, &[record])
    }

    fn may_write(&self, _: &Author, _: u64, record: &[u8], signature: &Signature) -> bool {
        self.0.verifying.verify(SignatureLabel::IndexRoot, &[record], signature).is_ok()
    }
}
