//! Changes that are to be committed together.

use crate::{
    change::{Change, Put},
    error::{IndexError, Result},
    limits::{MAX_KEY, MAX_TREES, MAX_VALUE, VALUE_HERE},
};
use zeroize::Zeroizing;

/// Changes that are committed together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch(pub(crate) Vec<Wish>);

/// A tree, a key of it, and its new value or `None`.
pub(crate) type Wish = (u16, Box<[u8]>, Option<Zeroizing<Vec<u8>>>);

impl Batch {
    /// One without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key has this value from then on.
    pub fn put(&mut self, tree: u16, key: &[u8], value: &[u8]) -> &mut Self {
        self.0.push((tree, key.into(), Some(Zeroizing::new(value.to_vec()))));
        self
    }

    /// A key has none.
    pub fn remove(&mut self, tree: u16, key: &[u8]) -> &mut Self {
        self.0.push((tree, key.into(), None));
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// About what it takes in a record or segment.
    pub(crate) fn weight(&self) -> usize {
        let value = |value: &Option<Zeroizing<Vec<u8>>>| value.as_ref().map_or(0, |value| value.len().min(VALUE_HERE));
        self.0.iter().map(|(_, key, of)| 9 + key.len() + value(of)).sum()
    }

    /// Each tree, key, and new value or `None`.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8], Option<&[u8]>)> {
        self.0.iter().map(|(tree, key, value)| (*tree, &**key, value.as_ref().map(|value| value.as_slice())))
    }

    /// Whether all of it can be written.
    pub(crate) fn check(&self) -> Result<()> {
        for (tree, key, value) in &self.0 {
            if usize::from(*tree) >= MAX_TREES {
                return Err(IndexError::TooLarge { what: "number of trees", limit: MAX_TREES });
            }
            if key.len() > MAX_KEY {
                return Err(IndexError::TooLarge { what: "key", limit: MAX_KEY });
            }
            if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
                return Err(IndexError::TooLarge { what: "value", limit: MAX_VALUE });
            }
        }
        Ok(())
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Wish> for Batch {
    fn from_iter<T: IntoIterator<Item = Wish>>(wishes: T) -> Self {
        Self(wishes.into_iter().collect())
    }
}

/// The place of a change, and its value, which stands apart.
pub(crate) type Long = (usize, Zeroizing<Vec<u8>>);

/// Changes, and their values that stand apart: until they are sealed there is nothing for these.
pub(crate) fn parted(batch: Batch) -> (Vec<Change>, Vec<Long>) {
    let mut long = Vec::new();
    let mut change = |(place, (tree, key, value)): (usize, Wish)| {
        let put = match value {
            None => Put::Remove,
            Some(value) if value.len() > VALUE_HERE => {
                long.push((place, value));
                Put::Remove
            }
            Some(value) => Put::Here(value),
        };
        Change { tree, key, put }
    };
    let changes = batch.0.into_iter().enumerate().map(&mut change).collect();
    (changes, long)
}
