//! A set of key numbers, as ranges: a follower's set stays one range however often a keychain rotates.

use crate::{Malformed, cbor};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// Ascending ranges `(first, last)`, both included, that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<(u32, u32)>);

/// Ranges in one encoding.
const RANGES: usize = 1_024;

impl KeySet {
    /// One key.
    pub fn one(number: u32) -> Self {
        Self::range(number, number)
    }

    /// All from `first` to `last`, both included.
    pub fn range(first: u32, last: u32) -> Self {
        if first > last { Self::default() } else { Self(alloc::vec![(first, last)]) }
    }

    /// Whether a key is in the set.
    pub fn contains(&self, number: u32) -> bool {
        self.contains_range(number, number)
    }

    /// Whether all keys from `first` to `last` are in the set.
    pub fn contains_range(&self, first: u32, last: u32) -> bool {
        self.0.iter().any(|(a, b)| *a <= first && last <= *b)
    }

    /// Whether every key of `other` is in the set.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|(a, b)| self.contains_range(*a, *b))
    }

    /// The ranges, as they stand in the encoding.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// How many keys are in it.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest number in it.
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|(_, last)| *last)
    }

    /// Adds a number that is at least as large as all in the set.
    pub(super) fn push(&mut self, number: u32) {
        match self.0.last_mut() {
            Some((_, last)) if *last >= number => {}
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => self.0.push((number, number)),
        }
    }

    /// What is in this set and not in another.
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (start, end) in &other.0 {
            let parts = |(first, last): &(u32, u32)| {
                let below = start.checked_sub(1).map(|before| (*first, before.min(*last)));
                let above = end.checked_add(1).map(|after| (after.max(*first), *last));
                [below, above].into_iter().flatten().filter(|(first, last)| first <= last)
            };
            rest.0 = rest.0.iter().flat_map(parts).collect();
        }
        rest
    }

    /// Adds all of another set.
    pub(super) fn extend(&mut self, other: &Self) {
        let mut own = core::mem::take(&mut self.0).into_iter().peekable();
        let mut others = other.0.iter().copied().peekable();
        let mut lowest = || match (own.peek(), others.peek()) {
            (Some(a), Some(b)) if a < b => own.next(),
            (_, Some(_)) => others.next(),
            _ => own.next(),
        };
        while let Some((a, b)) = lowest() {
            match self.0.last_mut() {
                Some((_, last)) if a <= last.saturating_add(1) => *last = b.max(*last),
                _ => self.0.push((a, b)),
            }
        }
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(a, b)| *a..=*b)
    }
}

impl FromIterator<u32> for KeySet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::default();
        for number in numbers {
            match set.last() {
                Some(last) if number < last => set.extend(&Self::one(number)),
                _ => set.push(number),
            }
        }
        set
    }
}

impl<C> Encode<C> for KeySet {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        for (first, last) in &self.0 {
            e.array(2)?.u32(*first)?.u32(*last)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for KeySet {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::decode_up_to(d, RANGES)
    }
}

impl KeySet {
    /// Ranges that touch, overlap or descend would be a second encoding of one set, and are refused.
    pub(super) fn decode_up_to(d: &mut Decoder<'_>, ranges: usize) -> Result<Self, minicbor::decode::Error> {
        let ranges = cbor::list(d, ranges, |d| {
            cbor::array(d, 2)?;
            Ok((d.u32()?, d.u32()?))
        })?;
        let mut before = None;
        for (first, last) in &ranges {
            let apart = before.is_none_or(|b: u32| b.checked_add(1).is_some_and(|next| next < *first));
            if first > last || !apart {
                return Err(cbor::fault(Malformed::NotCanonical));
            }
            before = Some(*last);
        }
        Ok(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_like_a_set_of_numbers(a in prop::collection::btree_set(1u32..40, 0..20), b in prop::collection::btree_set(1u32..40, 0..20)) {
            let (x, y): (KeySet, KeySet) = (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(x.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(x.contains_all(&y), a.is_superset(&b));
            let mut both = x.clone();
            both.extend(&y);
            prop_assert_eq!(both.iter().collect::<BTreeSet<_>>(), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(cbor::decode_canonical::<KeySet>(&cbor::encode(&both)), Ok(both.clone()));
            let less = x.without(&y);
            prop_assert_eq!(less.iter().collect::<BTreeSet<_>>(), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(cbor::decode_canonical::<KeySet>(&cbor::encode(&less)), Ok(less));
        }
    }

    #[test]
    fn touching_overlapping_and_reversed_ranges_are_refused() {
        for ranges in [vec![(1, 2), (3, 4)], vec![(1, 5), (4, 6)], vec![(4, 4), (1, 1)], vec![(2, 1)]] {
            assert_eq!(cbor::decode_canonical::<KeySet>(&cbor::encode(&KeySet(ranges))), Err(Malformed::NotCanonical));
        }
    }
}
