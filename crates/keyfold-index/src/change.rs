//! Changes that are not in the trees yet: the tail of an index, in the record and in segments.

use crate::{
    error::{IndexError, Result},
    limits::{MAX_KEY, MAX_TREES, VALUE_HERE},
    node::Apart,
};
use keyfold_format::{Malformed, ObjectId, cbor};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is taken away.
    Remove,
    /// It has this value.
    Here(Zeroizing<Vec<u8>>),
    /// It has a value that is an object of its own.
    Apart(Apart),
}

impl Put {
    /// The object that nobody needs any more once another change follows this one.
    fn replaced_by(&self, later: &Self) -> Option<ObjectId> {
        match self {
            Self::Apart(apart) if self != later => Some(apart.object),
            _ => None,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) tree: u16,
    pub(crate) key: Box<[u8]>,
    pub(crate) put: Put,
}

impl Change {
    /// About what it takes in a record or segment.
    pub(crate) fn weight(&self) -> usize {
        let value = match &self.put {
            Put::Remove => 1,
            Put::Here(value) => value.len() + 3,
            Put::Apart(_) => 48,
        };
        6 + self.key.len() + value
    }
}

/// A key and what becomes of it.
pub(crate) type Changed<'c> = (&'c [u8], &'c Put);

/// What most keys differ in, in one number that compares as they do.
fn first_bytes(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// The newest change of each key, for each tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    trees: BTreeMap<u16, BTreeMap<Box<[u8]>, Put>>,
    /// Values that stand apart and that a later change took away.
    replaced: Vec<ObjectId>,
    weight: usize,
    count: usize,
}

impl Overlay {
    pub(crate) fn add(&mut self, changes: &[Change]) {
        for change in changes {
            self.weight += change.weight();
            self.count += 1;
            let before = self.trees.entry(change.tree).or_default().insert(change.key.clone(), change.put.clone());
            self.replaced.extend(before.and_then(|before| before.replaced_by(&change.put)));
        }
    }

    /// Values that stand apart, were changed in the tail, and were changed there again.
    pub(crate) fn replaced(&self) -> &[ObjectId] {
        &self.replaced
    }

    /// The newest change of each key, tree by tree.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &[u8], &Put)> {
        self.trees.iter().flat_map(|(tree, puts)| puts.iter().map(|(key, put)| (*tree, &**key, put)))
    }

    pub(crate) fn tree(&self, tree: u16) -> Option<&BTreeMap<Box<[u8]>, Put>> {
        self.trees.get(&tree)
    }

    /// The newest change of each key, ascending, for each tree: these, and those that follow them. `replaced`: the values
    /// apart of those among them that are not the newest.
    pub(crate) fn with<'c>(
        &'c self,
        changes: &'c [Change],
        replaced: &mut Vec<ObjectId>,
    ) -> BTreeMap<u16, Vec<Changed<'c>>> {
        let mut trees: BTreeMap<u16, Vec<(u64, Changed<'c>)>> = BTreeMap::new();
        for (tree, key, put) in self.iter().chain(changes.iter().map(|change| (change.tree, &*change.key, &change.put)))
        {
            trees.entry(tree).or_default().push((first_bytes(key), (key, put)));
        }
        let mut newest = |mut changes: Vec<(u64, Changed<'c>)>| {
            // Stable, so that of two for one key the later one stands behind, and stays.
            changes.sort_by(|(a, (key, _)), (b, (other, _))| a.cmp(b).then_with(|| key.cmp(other)));
            changes.dedup_by(|(_, later), (_, kept)| {
                later.0 == kept.0 && {
                    replaced.extend(kept.1.replaced_by(later.1));
                    *kept = *later;
                    true
                }
            });
            changes.into_iter().map(|(_, changed)| changed).collect()
        };
        trees.into_iter().map(|(tree, changes)| (tree, newest(changes))).collect()
    }

    /// Bytes of all changes that were added, overwritten ones included.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// How many were added.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// `u32 length ‖ CBOR`: what follows is padding.
pub(crate) fn framed<T: Encode<()>>(value: &T) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(cbor::encode(value));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut framed = Zeroizing::new(Vec::with_capacity(4 + bytes.len()));
    framed.extend(length.to_be_bytes());
    framed.extend_from_slice(&bytes);
    framed
}

pub(crate) fn unframed<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> Result<T> {
    let cut = || IndexError::Damaged("what was sealed is cut");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
    let (value, padding) = rest.split_at_checked(length).ok_or_else(cut)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(IndexError::Damaged("something stands where padding is"));
    }
    decoded(value)
}

/// What was sealed or signed by somebody who may be wrong: either he keeps to the format, or the index is damaged.
pub(crate) fn decoded<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> Result<T> {
    cbor::decode_canonical(bytes).map_err(|fault| match fault {
        Malformed::Unsupported => IndexError::Format(fault),
        _ => IndexError::Damaged("what was sealed does not follow the format"),
    })
}

/// A segment's content: a list of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes(pub(crate) Vec<Change>);

pub(crate) fn put_changes<W: Write>(e: &mut Encoder<W>, changes: &[Change]) -> Result<(), EncodeError<W::Error>> {
    e.array(changes.len() as u64)?;
    for Change { tree, key, put } in changes {
        match put {
            Put::Remove => e.array(2)?.u16(*tree)?.bytes(key)?,
            Put::Here(value) => e.array(3)?.u16(*tree)?.bytes(key)?.bytes(value)?,
            Put::Apart(at) => {
                let e = e.array(5)?.u16(*tree)?.bytes(key)?;
                e.bytes(&at.object.0)?.u32(at.key)?.u32(at.length)?
            }
        };
    }
    Ok(())
}

impl<C> Encode<C> for Changes {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        put_changes(e, &self.0)
    }
}

impl<'b, C> Decode<'b, C> for Changes {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let malformed = || DecodeError::message("a change");
        cbor::list(d, usize::MAX, |d| {
            let parts = d.array()?.ok_or_else(malformed)?;
            let (tree, key) = (d.u16()?, d.bytes()?);
            if usize::from(tree) >= MAX_TREES || key.len() > MAX_KEY {
                return Err(malformed());
            }
            let put = match parts {
                2 => Put::Remove,
                3 => Put::Here(Zeroizing::new(d.bytes()?.to_vec())),
                5 => Put::Apart(Apart { object: ObjectId(cbor::bytes_of(d)?), key: d.u32()?, length: d.u32()? }),
                _ => return Err(malformed()),
            };
            if matches!(&put, Put::Here(value) if value.len() > VALUE_HERE) {
                return Err(malformed());
            }
            Ok(Change { tree, key: key.into(), put })
        })
        .map(Self)
    }
}
