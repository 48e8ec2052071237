//! How a record descends from those before it: which of them its header names, and the headers that stand together.
//!
//! A former record's header is found in two places: in a later record, as long as there is room, and then in a list with
//! those that it stood with. So a small change puts nothing, and what was named without a place stays with who names it.
//!
//! Spec: `docs/spec/index.md`, "Former records".

use crate::{
    change::decoded,
    error::{IndexError, Result},
    record::{Header, RecordHash, SignedHeader},
    seal::At,
};
use keyfold_format::{IndexId, cbor};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

/// Headers that stand together.
const TOGETHER: usize = 64;

/// A former record, as a header names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) generation: u64,
    pub(crate) hash: RecordHash,
    /// The list that its header is in; `None`: it stands with the header that names it.
    pub(crate) at: Option<At>,
}

/// Which records one of this generation names, the newest first: for each power of two the newest one before it whose
/// generation is a multiple of that.
pub(crate) fn generations(generation: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(generation.checked_sub(1), |&last| (last > 0).then(|| without_lowest_bit(last)))
}

const fn without_lowest_bit(number: u64) -> u64 {
    number & number.wrapping_sub(1)
}

impl Header {
    /// Those that the record after this one names. `kept`: the list in which this header and those that it stands with
    /// now are; `None`, if they stand with the record after this one.
    pub(crate) fn former_of_next(&self, hash: RecordHash, kept: Option<At>) -> Vec<Former> {
        let this = Former { generation: self.generation, hash, at: kept };
        let further = self.former.iter().filter(|former| former.generation <= without_lowest_bit(self.generation));
        std::iter::once(this).chain(further.map(|former| Former { at: former.at.or(kept), ..*former })).collect()
    }

    /// The farthest record that this one names and that is not older than a generation.
    pub(crate) fn farthest(&self, generation: u64) -> Option<&Former> {
        self.former.iter().rev().find(|former| former.generation >= generation)
    }
}

/// Headers of records that follow each other, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<SignedHeader>);

impl Headers {
    /// With the header behind them.
    pub(crate) fn with(&self, next: &SignedHeader) -> Self {
        Self(self.0.iter().chain([next]).cloned().collect())
    }

    /// Bytes of all of them, encoded.
    pub(crate) fn weight(&self) -> usize {
        // The heads of an array and of two byte strings.
        self.0.iter().map(|header| header.bytes.len() + header.signature.0.len() + 6).sum()
    }

    /// The lists that its headers name.
    pub(crate) fn places(&self, index: &IndexId) -> Result<Vec<At>> {
        let mut places = Vec::new();
        for signed in &self.0 {
            places.extend(signed.header(index)?.former.iter().filter_map(|former| former.at));
        }
        Ok(places)
    }

    /// The header of a record that is named by a header which stands here.
    pub(crate) fn find(&self, former: &Former, index: &IndexId) -> Result<Option<Header>> {
        let found = self.0.iter().find(|signed| signed.hash() == former.hash);
        let header = found.map(|signed| signed.header(index)).transpose()?;
        Ok(header.filter(|header| header.generation == former.generation))
    }

    /// Whether each follows the one before it, and is named without a place by those behind it, and nothing else is.
    pub(crate) fn check(&self, index: &IndexId) -> Result<()> {
        let mut before: Vec<(u64, RecordHash)> = Vec::with_capacity(self.0.len());
        for signed in &self.0 {
            let header = signed.header(index)?;
            let first = before.first().map_or(header.generation, |(first, _)| *first);
            let follows = before.last().is_none_or(|(last, _)| last + 1 == header.generation);
            let are_named = header.former.iter().all(|former| {
                let here = former.generation >= first;
                here == former.at.is_none() && (!here || before.contains(&(former.generation, former.hash)))
            });
            if !follows || !are_named {
                return Err(IndexError::Damaged("headers stand together that do not follow each other"));
            }
            before.push((header.generation, signed.hash()));
        }
        Ok(())
    }
}

impl SignedHeader {
    /// The header, if it is one of this index.
    pub(crate) fn header(&self, index: &IndexId) -> Result<Header> {
        let header: Header = decoded(&self.bytes)?;
        if header.index == *index { Ok(header) } else { Err(IndexError::Damaged("a record is of another index")) }
    }
}

impl<C> Encode<C> for Headers {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(self.0.len() as u64)?;
        self.0.iter().try_for_each(|header| header.encode(e, c))
    }
}

impl<'b, C> Decode<'b, C> for Headers {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, DecodeError> {
        cbor::list(d, TOGETHER, |d| SignedHeader::decode(d, c)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Author;
    use keyfold_format::{EntryHash, ObjectId, ScopeId, Signature, entry::Head};
    use proptest::prelude::*;
    use std::collections::HashMap;

    const INDEX: IndexId = IndexId([1; 32]);

    fn signed(generation: u64, former: Vec<Former>) -> SignedHeader {
        let author = Author { account: ScopeId([0; 32]), head: Head { seq: 0, hash: EntryHash([0; 32]) } };
        let header = Header { index: INDEX, generation, author, former, body: [0; 32] };
        let signed = SignedHeader { bytes: header.encode(), signature: Signature([0; 64]) };
        assert_eq!(signed.header(&INDEX).unwrap(), header);
        signed
    }

    /// What every record had with it, and the lists that were put.
    struct History {
        records: Vec<(SignedHeader, Headers)>,
        lists: HashMap<ObjectId, Headers>,
    }

    /// `puts`: at which generations something is put anyway.
    fn history(length: u64, puts: impl Fn(u64) -> bool) -> History {
        let mut history = History { records: Vec::new(), lists: HashMap::new() };
        for generation in 0..length {
            let Some((last, with_it)) = history.records.last() else {
                history.records.push((signed(0, Vec::new()), Headers::default()));
                continue;
            };
            let (header, together) = (last.header(&INDEX).unwrap(), with_it.with(last));
            let mut object = [0; 32];
            object[..8].copy_from_slice(&generation.to_be_bytes());
            let at = At { object: ObjectId(object), key: 1 };
            let kept = (puts(generation) || together.weight() > crate::limits::INLINE_HEADERS).then_some(at);
            let former = header.former_of_next(last.hash(), kept);
            let with_it = if kept.is_some() { Headers::default() } else { together.clone() };
            if kept.is_some() {
                history.lists.insert(at.object, together);
            }
            history.records.push((signed(generation, former), with_it));
        }
        history
    }

    impl History {
        /// How many lists are fetched.
        fn descends(&self, from: usize, to: usize) -> usize {
            let (record, with_it) = &self.records[from];
            let (mut header, mut at_hand, mut fetched) = (record.header(&INDEX).unwrap(), with_it, 0);
            while header.generation > to as u64 {
                let far = *header.farthest(to as u64).unwrap();
                assert_eq!(far.hash, self.records[far.generation as usize].0.hash());
                if let Some(at) = far.at {
                    at_hand = &self.lists[&at.object];
                    fetched += 1;
                }
                header = at_hand.find(&far, &INDEX).unwrap().expect("it stands with who names it");
            }
            assert_eq!(header.generation, to as u64);
            fetched
        }
    }

    #[test]
    fn for_each_power_of_two_the_newest_multiple_is_named() {
        for generation in 1..1_500u64 {
            let mut expected: Vec<u64> = (0..64).map(|power| (generation - 1) >> power << power).collect();
            expected.dedup();
            assert_eq!(generations(generation).collect::<Vec<_>>(), expected);
        }
        assert_eq!(generations(0).count(), 0);
    }

    #[test]
    fn from_any_record_any_former_one_is_reached_in_few_reads() {
        let history = history(1_500, |_| false);
        for (record, with_it) in &history.records {
            with_it.with(record).check(&INDEX).unwrap();
        }
        for list in history.lists.values() {
            list.check(&INDEX).unwrap();
            assert!(list.weight() < 8_100, "{}", list.weight());
        }
        let most = (0..1_500usize).step_by(13).flat_map(|from| (0..=from).step_by(7).map(move |to| (from, to)));
        assert!(most.map(|(from, to)| history.descends(from, to)).max().unwrap() <= 20);
        assert_eq!(history.descends(1_499, 1_498), 0);
        assert!(history.lists.len() < 150, "{} puts for 1,500 small changes", history.lists.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_put_when_everybody_finds_the_way_back(
            puts in prop::collection::vec(prop::bool::weighted(0.2), 1..400), pairs in prop::collection::vec(any::<(u16, u16)>(), 50),
        ) {
            let history = history(puts.len() as u64, |generation| puts[generation as usize]);
            for (record, with_it) in &history.records {
                with_it.with(record).check(&INDEX).unwrap();
            }
            for (a, b) in pairs {
                let (a, b) = (usize::from(a) % puts.len(), usize::from(b) % puts.len());
                prop_assert!(history.descends(a.max(b), a.min(b)) <= 20);
            }
        }
    }

    #[test]
    fn headers_that_do_not_follow_each_other_do_not_stand_together() {
        let history = history(12, |_| false);
        let headers: Vec<SignedHeader> = history.records.iter().map(|(signed, _)| signed.clone()).collect();
        Headers(headers.clone()).check(&INDEX).unwrap();
        let swapped = [&headers[1..2], &headers[..1]].concat();
        let gap = [&headers[..3], &headers[4..]].concat();
        let without_the_first = headers[1..].to_vec();
        for wrong in [swapped, gap, without_the_first] {
            assert_eq!(Headers(wrong).check(&INDEX).unwrap_err().code(), "IndexDamaged");
        }
        assert_eq!(Headers(headers).check(&IndexId([2; 32])).unwrap_err().code(), "IndexDamaged");
    }
}
