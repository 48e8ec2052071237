//! Maps and sets in the order of their keys, for states with up to some ten thousand entries. Apart from the standard
//! library's because a page loads this: one B-tree for every type that is kept was a tenth of the module.
//!
//! Entries lie in one vector as they came; a second one has their places in order. An insertion then moves four bytes
//! for each entry behind it, a few microseconds among ten thousand, and in ascending order nothing.

use alloc::vec::Vec;
use core::{fmt, iter::FusedIterator, ops::Index, slice};

/// Values by key, one each.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    /// In no order.
    entries: Vec<(K, V)>,
    /// Every place in `entries` once, by ascending key.
    order: Vec<u32>,
}

/// Keys, each once.
#[derive(Clone, PartialEq, Eq)]
pub struct SortedSet<K>(SortedMap<K, ()>);

/// What [`SortedMap::iter`] returns.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    entries: &'a [(K, V)],
    order: slice::Iter<'a, u32>,
}

impl<K, V> SortedMap<K, V> {
    /// Without entries.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), order: Vec::new() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// By ascending key.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { entries: &self.entries, order: self.order.iter() }
    }

    /// Ascending.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// By ascending key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// In no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The entry with the largest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Where in `order` a key stands, or would stand.
    fn find(&self, key: &K) -> Result<usize, usize> {
        // What is read back from bytes comes in order.
        if self.last_key_value().is_none_or(|(last, _)| last < key) {
            return Err(self.order.len());
        }
        let at = self.order.partition_point(|place| self.entries.get(*place as usize).is_some_and(|(k, _)| k < key));
        if self.at(at).is_some_and(|(found, _)| found == key) { Ok(at) } else { Err(at) }
    }

    fn at(&self, at: usize) -> Option<&(K, V)> {
        self.entries.get(*self.order.get(at)? as usize)
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.at(self.find(key).ok()?).map(|(_, value)| value)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = *self.order.get(self.find(key).ok()?)?;
        self.entries.get_mut(place as usize).map(|(_, value)| value)
    }

    /// Whether there is an entry with this key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// The entries from `key` on, by ascending key.
    pub fn from_key(&self, key: &K) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        let (Ok(start) | Err(start)) = self.find(key);
        self.iter().skip(start)
    }

    /// Sets the value of a key, and returns the former one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => {
                let place = *self.order.get(at)?;
                let (_, before) = self.entries.get_mut(place as usize)?;
                Some(core::mem::replace(before, value))
            }
            Err(at) => {
                self.order.insert(at, self.entries.len() as u32);
                self.entries.push((key, value));
                None
            }
        }
    }

    /// Removes a key, and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        // The last entry takes the place of the removed one.
        let (last, _) = self.entries.last()?;
        let last = self.find(last).ok()?;
        let place = *self.order.get(at)?;
        *self.order.get_mut(last)? = place;
        self.order.remove(at);
        Some(self.entries.swap_remove(place as usize).1)
    }

    /// Keeps the entries for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool)
    where
        K: Clone,
    {
        let gone: Vec<K> = self.iter().filter(|(key, value)| !keep(key, value)).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remove(key);
        }
    }
}

impl<K> SortedSet<K> {
    /// Without keys.
    pub const fn new() -> Self {
        Self(SortedMap::new())
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.0.keys()
    }
}

impl<K: Ord> SortedSet<K> {
    /// Whether a key is in the set.
    pub fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Adds a key, and says whether it is new.
    pub fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// Removes a key, and says whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        self.0.remove(key).is_some()
    }

    /// Whether every key is in `other` too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|key| other.contains(key))
    }

    /// The keys that are not in `other`, ascending.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a K> {
        self.iter().filter(|key| !other.contains(key))
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.get(*self.order.next()? as usize)?;
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.get(*self.order.next_back()? as usize)?;
        Some((key, value))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}
impl<K, V> FusedIterator for Iter<'_, K, V> {}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries, order: self.order.clone() }
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K> IntoIterator for &'a SortedSet<K> {
    type Item = &'a K;
    type IntoIter = core::iter::Map<Iter<'a, K, ()>, fn((&'a K, &'a ())) -> &'a K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, ())| key)
    }
}

/// For a key that is surely there. Panics if it is not, as the standard library's maps do.
impl<K: Ord, V> Index<&K> for SortedMap<K, V> {
    type Output = V;

    #[expect(clippy::expect_used, reason = "what an index is for; `get` is for everybody else")]
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("no entry has this key")
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug> fmt::Debug for SortedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Of equal keys the last one counts.
impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key, ())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u16),
        Remove(u8),
        Retain(u16),
        Add(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
            3 => any::<u8>().prop_map(Step::Remove),
            1 => (1_u16..5).prop_map(Step::Retain),
            1 => any::<u16>().prop_map(Step::Add),
        ]
    }

    proptest! {
        #[test]
        fn does_what_a_tree_does(steps in proptest::collection::vec(step(), 0..300), probe: u8) {
            let (mut map, mut tree) = (SortedMap::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => prop_assert_eq!(map.insert(key, value), tree.insert(key, value)),
                    Step::Remove(key) => prop_assert_eq!(map.remove(&key), tree.remove(&key)),
                    Step::Retain(n) => {
                        map.retain(|_, value| value % n == 0);
                        tree.retain(|_, value| *value % n == 0);
                    }
                    Step::Add(by) => {
                        map.values_mut().for_each(|value| *value = value.wrapping_add(by));
                        tree.values_mut().for_each(|value| *value = value.wrapping_add(by));
                    }
                }
                prop_assert!(map.iter().eq(tree.iter()));
            }
            prop_assert!(map.iter().rev().eq(tree.iter().rev()));
            prop_assert!(map.from_key(&probe).eq(tree.range(probe..)));
            prop_assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
            prop_assert_eq!(map.last_key_value(), tree.last_key_value());
            for key in 0..=u8::MAX {
                prop_assert_eq!(map.get(&key), tree.get(&key));
                prop_assert_eq!(map.get_mut(&key), tree.get_mut(&key));
                prop_assert_eq!(map.contains_key(&key), tree.contains_key(&key));
            }
            // However it came to its entries.
            prop_assert_eq!(map, tree.into_iter().collect());
        }
    }

    #[test]
    fn a_set_holds_each_key_once_and_in_order() {
        let mut set: SortedSet<_> = [3, 1, 2, 1].into_iter().collect();
        assert!(set.iter().eq(&[1, 2, 3]));
        assert!(!set.insert(2) && set.remove(&2) && !set.remove(&2) && !set.contains(&2) && set.insert(2));
        assert_eq!(set, SortedSet::from_iter([1, 2, 3]));
        let other = SortedSet::from_iter([2, 3, 4]);
        assert!(set.difference(&other).eq([&1]) && !set.is_subset(&other));
        assert!(SortedSet::from_iter([2]).is_subset(&other));
    }
}
