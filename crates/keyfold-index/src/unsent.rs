//! Changes that wait until the storage is reached: sealed under the index's key like what a storage keeps, and kept by
//! whoever made them. They never go to a storage.
//!
//! Spec: `docs/spec/index.md`, "Written offline".

use crate::{
    batch::{Batch, Wish},
    change::{Change, Put, framed, unframed},
    error::{IndexError, Result},
    index::Index,
    limits::{MAX_KEY, MAX_TREES, MAX_VALUE},
    seal::{Keys, Kind, name},
    snapshot::Snapshot,
    state::State,
    store::Store,
};
use keyfold_format::{ObjectId, cbor};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use rand_core::CryptoRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The format's version.
const VERSION: u8 = 1;

/// A batch that waits.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Which one it is, whatever its number: no two are the same.
    pub id: ObjectId,
    /// Its place in the order of those that wait.
    pub number: u64,
    /// What is to stand there, whatever stands there then.
    pub changes: Batch,
    /// All that changes with it, as far as was known when it was written: where the rest is a function of what stands
    /// there, which only the application knows. It is seen until that is worked out anew.
    pub shown: Option<Batch>,
}

impl Unsent {
    /// What is seen of it while it waits.
    pub fn seen(&self) -> &Batch {
        self.shown.as_ref().unwrap_or(&self.changes)
    }
}

/// What is sealed.
struct Content {
    number: u64,
    changes: Batch,
    shown: Option<Batch>,
}

impl<S: Store, K: Keys> Index<S, K> {
    /// Seals a batch that is to wait. `TooLarge` where it could not be written, or does not fit into an object.
    pub fn seal_unsent(
        &self,
        number: u64,
        changes: Batch,
        shown: Option<Batch>,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>> {
        changes.check()?;
        if let Some(shown) = &shown {
            shown.check()?;
        }
        let content = framed(&Content { number, changes, shown });
        let (at, sealed) = self.trees.sealer.seal(Kind::Unsent, content, rng)?;
        Ok([&at.key.to_be_bytes()[..], &sealed].concat())
    }

    /// The reverse. `number`: as which it was kept.
    pub fn open_unsent(&self, number: u64, kept: &[u8]) -> Result<Unsent> {
        let (key, sealed) = kept.split_first_chunk::<4>().ok_or(IndexError::Damaged("what waits is cut"))?;
        let plain = self.trees.sealer.open_unnamed(Kind::Unsent, u32::from_be_bytes(*key), sealed)?;
        let content: Content = unframed(&plain)?;
        if content.number != number {
            return Err(IndexError::Damaged("what waits is in another's place"));
        }
        Ok(Unsent { id: name(sealed), number, changes: content.changes, shown: content.shown })
    }
}

impl<S, K> Snapshot<S, K> {
    /// The same as if these had been committed on it one after the other, for reading. Where nothing was ever written
    /// there is nothing that they could stand on, and it stays so.
    #[must_use]
    pub fn with<'b>(&self, batches: impl IntoIterator<Item = &'b Batch>) -> Self {
        let mut batches = batches.into_iter().peekable();
        let state = match &self.state {
            Some(before) if batches.peek().is_some() => {
                let mut state = State::clone(before);
                for batch in batches {
                    state.overlay.add(&batch.0.iter().map(change).collect::<Vec<_>>());
                }
                Some(Arc::new(state))
            }
            state => state.clone(),
        };
        Self { trees: Arc::clone(&self.trees), state }
    }
}

/// A change with its value beside it, however long: it is read, and never written so.
fn change((tree, key, value): &Wish) -> Change {
    Change { tree: *tree, key: key.clone(), put: value.clone().map_or(Put::Remove, Put::Here) }
}

impl<C> Encode<C> for Content {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(4)?.u8(VERSION)?.u64(self.number)?;
        put_wishes(e, &self.changes)?;
        match &self.shown {
            Some(shown) => put_wishes(e, shown),
            None => e.null().map(drop),
        }
    }
}

fn put_wishes<W: Write>(e: &mut Encoder<W>, batch: &Batch) -> Result<(), EncodeError<W::Error>> {
    e.array(batch.0.len() as u64)?;
    for (tree, key, value) in &batch.0 {
        match value {
            None => e.array(2)?.u16(*tree)?.bytes(key)?,
            Some(value) => e.array(3)?.u16(*tree)?.bytes(key)?.bytes(value)?,
        };
    }
    Ok(())
}

impl<'b, C> Decode<'b, C> for Content {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 4)?;
        if cbor::discriminant(d)? != VERSION {
            return Err(cbor::unsupported());
        }
        Ok(Self { number: d.u64()?, changes: wishes(d)?, shown: cbor::nullable(d, wishes)? })
    }
}

fn wishes(d: &mut Decoder<'_>) -> Result<Batch, DecodeError> {
    let malformed = || DecodeError::message("a change that waits");
    let wish = |d: &mut Decoder<'_>| {
        let parts = d.array()?.ok_or_else(malformed)?;
        let (tree, key) = (d.u16()?, d.bytes()?);
        let value = match parts {
            2 => None,
            3 => Some(Zeroizing::new(d.bytes()?.to_vec())),
            _ => return Err(malformed()),
        };
        let is_long = value.as_ref().is_some_and(|value| value.len() > MAX_VALUE);
        if usize::from(tree) >= MAX_TREES || key.len() > MAX_KEY || is_long {
            return Err(malformed());
        }
        Ok((tree, key.into(), value))
    };
    cbor::list(d, usize::MAX, wish).map(Batch)
}
