//! What any storage must offer: objects that never change, and small references, each swapped in one step.

mod cached;
pub mod conformance;
mod memory;

pub use cached::{Cache, Cached};
pub use memory::MemoryStore;

use keyfold_format::ObjectId;
use std::future::Future;

/// Why a storage did not do it. Nothing that was asked for happened, or all of it: whoever asks again loses nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It was not reached, or its answer was lost.
    #[error("the storage was not reached: {0}")]
    Unreachable(String),
    /// It has no room.
    #[error("the storage is full")]
    Full,
    /// It says that one may not.
    #[error("the storage refused: {0}")]
    Denied(String),
}

impl StoreError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "ServerUnavailable",
            Self::Full => "StorageFull",
            Self::Denied(_) => "NotAllowed",
        }
    }
}

/// What stands under a reference. Its version is the storage's word for these very bytes, and means nothing elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// To be named when it is swapped. Never that of other bytes that stood here before.
    pub version: String,
    /// At most [`MAX_REFERENCE`].
    pub bytes: Vec<u8>,
}

/// What a swap came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The new bytes stand there, under this version.
    Done(String),
    /// They do not: this stands there, or nothing.
    Stands(Option<Reference>),
}

/// Bytes of a reference.
pub const MAX_REFERENCE: usize = 64 << 10;

/// Bytes of an object. It has one at least.
pub const MAX_OBJECT: usize = 4 << 20;

/// A storage. It is trusted with nothing: what it gives back is checked, and what it is given is sealed.
///
/// A call whose answer is lost may have taken effect. Putting, deleting and reading again is harmless; whoever swaps
/// again is told what stands there.
pub trait Store {
    /// Keeps objects that never change, each named by its hash, in no order. One that is there already is the same.
    /// Once this returns, they are found by everybody and outlast a crash.
    ///
    /// An index puts none of no bytes or of more than [`MAX_OBJECT`]. A storage that is given one refuses it
    /// ([`StoreError::Denied`]), or need not give it back whole.
    fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> impl Future<Output = Result<(), StoreError>>;
    /// Objects, in the order of the ids; `None` for one that is not there.
    fn get(&self, ids: &[ObjectId]) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, StoreError>>;
    /// Lets go of objects; those that are not there are gone already.
    fn delete(&self, ids: &[ObjectId]) -> impl Future<Output = Result<(), StoreError>>;
    /// What stands under a name (letters, digits, `-` and `_`, at most 64), as of the last swap that returned.
    fn read(&self, name: &str) -> impl Future<Output = Result<Option<Reference>, StoreError>>;
    /// Puts bytes in the place of the version `expected`; `None`: where nothing stands. Of those who swap at once for
    /// one version one succeeds.
    ///
    /// An index keeps within [`MAX_REFERENCE`] bytes. A storage that is given more refuses them
    /// ([`StoreError::Denied`]), or need not give them back whole.
    fn swap(
        &self,
        name: &str,
        expected: Option<&str>,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<Swapped, StoreError>>;
    /// The names under which something stands, ascending, those after `after`; none: there are no more. For sweeping.
    fn references(&self, after: Option<&str>) -> impl Future<Output = Result<Vec<String>, StoreError>>;
    /// Every object that is there for longer than any write takes, for sweeping; a page that starts after `after`.
    fn list(&self, after: Option<ObjectId>) -> impl Future<Output = Result<Vec<ObjectId>, StoreError>>;
}
