//! Values that were found: beside their key, or to be fetched, all at once.

use crate::{
    change::Put,
    error::{IndexError, Result},
    node::{Apart, Node, Value},
    seal::Keys,
    store::Store,
    tree::Trees,
};
use zeroize::Zeroizing;

/// A value that may have to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Here(Zeroizing<Vec<u8>>),
    Apart(Apart),
}

impl Found {
    /// What a change gives a key; `None`: it takes it away.
    pub(crate) fn of_change(put: &Put) -> Option<Self> {
        match put {
            Put::Remove => None,
            Put::Here(value) => Some(Self::Here(value.clone())),
            Put::Apart(apart) => Some(Self::Apart(*apart)),
        }
    }

    /// What stands in a place of a leaf.
    pub(crate) fn in_leaf(leaf: &Node, place: usize) -> Option<Self> {
        match leaf.value(place)? {
            Value::Here(value) => Some(Self::Here(Zeroizing::new(value.to_vec()))),
            Value::Apart(apart) => Some(Self::Apart(apart)),
        }
    }
}

impl<S: Store, K: Keys> Trees<S, K> {
    /// Values, each of its tree, in their order.
    pub(crate) async fn values(&self, found: Vec<(u16, Found)>) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let apart = |(_, found): &(u16, Found)| if let Found::Apart(apart) = found { Some(apart.object) } else { None };
        let apart: Vec<_> = found.iter().filter_map(apart).collect();
        let fetched = if apart.is_empty() { Vec::new() } else { self.store.get(&apart).await? };
        let mut fetched = fetched.into_iter();
        let mut values = Vec::with_capacity(found.len());
        for (tree, found) in found {
            values.push(match found {
                Found::Here(value) => value,
                Found::Apart(apart) => {
                    let sealed = fetched.next().flatten().ok_or(IndexError::Missing(apart.object))?;
                    self.sealer.open_value(tree, &apart, &sealed)?
                }
            });
        }
        Ok(values)
    }
}
