//! What envelopes promise to honest people: any size comes back whole or in part, readers come and go, the author
//! can be proven.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    DataKey, DeviceSeed, KeychainKey, ReaderKey, SigningKey, WriterKey,
    device::DeviceKeys,
    envelope::{self, EnvelopeError, Metadata, OpenedHead, Options, Sealer, Unopened},
};
use keyfold_format::{
    EntryHash, KeyFingerprint, ScopeId,
    envelope::{AuthorHead, Prefix, SlotPlace},
};
use proptest::prelude::*;
use support::{BoxKey, SeededRng, pattern, plans};

fn rng() -> SeededRng {
    SeededRng::new("envelopes")
}

fn seal(options: &Options<'_>, writers: &[WriterKey<'_>], plaintext: &[u8]) -> Vec<u8> {
    envelope::seal_to_vec(options, writers, plaintext, None, &mut rng()).unwrap()
}

fn open(bytes: &[u8], context: &[u8], reader: &BoxKey) -> Result<Vec<u8>, &'static str> {
    let opened = envelope::open_slice(bytes, context, |f| reader.reader(f));
    opened.map(|opened| opened.plaintext.to_vec()).map_err(EnvelopeError::code)
}

fn open_head(bytes: &[u8], reader: &BoxKey) -> (OpenedHead, Vec<u8>) {
    let (head, body) = Unopened::parse(bytes).unwrap();
    (head.open(b"", |f| reader.reader(f)).unwrap(), body.to_vec())
}

/// Sizes at the borders of segments, and others.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![prop::sample::select(vec![0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073]), 0_usize..200_000,]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plaintext_of_any_size_comes_back(len in sizes(), padded: bool, trailer: bool) {
        let (alice, plaintext) = (BoxKey::new(1), pattern(len));
        let author = AuthorHead { account: ScopeId([1; 32]), generation: 0, seq: 0, head: EntryHash([2; 32]) };
        let key = SigningKey::from_seed(&[3; 32]);
        let options = Options { padded, ..Options::default() };
        let author = trailer.then_some((&key, author));
        let sealed = envelope::seal_to_vec(&options, &[alice.writer()], &plaintext, author, &mut rng()).unwrap();
        let there = plans::seal(&options, &[alice.writer()], &plaintext, author, 2, &mut rng()).unwrap();
        prop_assert!(there == sealed, "whoever follows the plan with another cipher seals the same bytes");
        let opened = envelope::open_slice(&sealed, b"", |f| alice.reader(f)).unwrap();
        prop_assert_eq!(&*opened.plaintext, &plaintext);
        prop_assert_eq!(opened.opened.len, len as u64);
        prop_assert_eq!(opened.opened.trailer.is_some(), trailer);
    }

    #[test]
    fn a_range_is_that_slice_of_the_plaintext(len in sizes(), a in 0_usize..210_000, b in 0_usize..210_000, padded: bool) {
        let (alice, plaintext) = (BoxKey::new(1), pattern(len));
        let sealed = seal(&Options { padded, ..Options::default() }, &[alice.writer()], &plaintext);
        let (head, body) = open_head(&sealed, &alice);
        let ranges = head.ranges(body.len() as u64).unwrap();
        let last = ranges.last();
        let ranges = ranges.prove(&mut body[last.start as usize..last.end as usize].to_vec()).unwrap();
        prop_assert_eq!(ranges.len(), len as u64);
        let mut out = Vec::new();
        for index in ranges.touching(&(a as u64..b as u64)) {
            let place = ranges.sealed_range(index).unwrap();
            let mut segment = body[place.start as usize..place.end as usize].to_vec();
            out.extend_from_slice(ranges.open(index, &mut segment, &(a as u64..b as u64)).unwrap());
        }
        let (start, end) = (a.min(len), b.min(len));
        prop_assert_eq!(&out[..], plaintext.get(start..end).unwrap_or_default());
    }
}

#[test]
fn a_stream_in_batches_gives_the_same_bytes_as_one_piece() {
    let (alice, plaintext) = (BoxKey::new(1), pattern(20 * 65_536 + 7));
    for padded in [false, true] {
        let options = Options { padded, ..Options::default() };
        let (mut streamed, mut sealer) = Sealer::begin(&options, &[alice.writer()], &mut rng()).unwrap();
        let (segments, rest) = plaintext.split_at(20 * 65_536);
        for batch in segments.chunks(16 * 65_536) {
            let mut strides: Vec<u8> = batch.chunks(65_536).flat_map(|text| [text, &[0; 16]].concat()).collect();
            sealer.seal_segments(&mut strides).unwrap();
            streamed.extend_from_slice(&strides);
        }
        let mut tail = sealer.finish(rest).unwrap();
        while let Some(sealed) = tail.next_segment().unwrap() {
            streamed.extend_from_slice(sealed);
        }
        assert_eq!(tail.end().unwrap().len, plaintext.len() as u64);
        assert_eq!(streamed, seal(&options, &[alice.writer()], &plaintext));
    }
}

#[test]
fn padding_hides_sizes() {
    let alice = BoxKey::new(1);
    let size = |len| seal(&Options { padded: true, ..Options::default() }, &[alice.writer()], &pattern(len)).len();
    assert_eq!(size(99_000), size(98_305));
    assert_ne!(size(99_000), size(110_000));
}

#[test]
fn the_context_must_be_the_writer_s() {
    let alice = BoxKey::new(1);
    let sealed = seal(&Options { context: b"invoices", ..Options::default() }, &[alice.writer()], b"x");
    assert_eq!(open(&sealed, b"invoices", &alice).unwrap(), b"x");
    for other in [&b""[..], b"invoice", b"invoices "] {
        assert_eq!(open(&sealed, other, &alice), Err("Unauthentic"));
    }
    assert_eq!(open(&sealed, &[0; 65_537], &alice), Err("TooLarge"));
}

#[test]
fn metadata_comes_back_and_only_with_the_key() {
    let alice = BoxKey::new(1);
    let metadata =
        Metadata { name: Some("minutes.txt".into()), media_type: Some("text/plain".into()), modified: Some(1_700) };
    let sealed = seal(&Options { metadata: Some(&metadata), ..Options::default() }, &[alice.writer()], b"x");
    assert_eq!(open_head(&sealed, &alice).0.metadata(), Some(&metadata));
    assert!(!sealed.windows(7).any(|bytes| bytes == b"minutes"));
    let long = Metadata { name: Some("n".repeat(5_000)), ..Metadata::default() };
    let options = Options { metadata: Some(&long), ..Options::default() };
    let refused = envelope::seal_to_vec(&options, &[alice.writer()], b"", None, &mut rng());
    assert_eq!(refused.unwrap_err().code(), "TooLarge");
}

#[test]
fn who_has_no_slot_is_told_so_and_nothing_else() {
    let [alice, carol] = [BoxKey::new(1), BoxKey::new(3)];
    let sealed = seal(&Options::default(), &[alice.writer()], b"x");
    assert_eq!(open(&sealed, b"", &carol), Err("NoSlot"));
    let pretending = |f: &KeyFingerprint| {
        Some(ReaderKey::Symmetric { key: &carol.key, place: alice.place }).filter(|_| *f == alice.fingerprint)
    };
    assert_eq!(envelope::open_slice(&sealed, b"", pretending).unwrap_err(), EnvelopeError::Unauthentic);
}

#[test]
fn a_slot_is_bound_to_the_scope_and_number_of_its_key() {
    let alice = BoxKey::new(1);
    let sealed = seal(&Options::default(), &[alice.writer()], b"x");
    for place in [
        SlotPlace { scope: ScopeId([0; 32]), ..alice.place },
        SlotPlace { number: alice.place.number + 1, ..alice.place },
    ] {
        let opened = envelope::open_slice(&sealed, b"", |_| Some(ReaderKey::Symmetric { key: &alice.key, place }));
        assert_eq!(opened.unwrap_err(), EnvelopeError::Unauthentic);
    }
}

#[test]
fn readers_come_and_go_and_the_body_stays() {
    let [alice, bob, carol] = [BoxKey::new(1), BoxKey::new(2), BoxKey::new(3)];
    let sealed = seal(&Options::default(), &[alice.writer()], b"hello");
    let (head, body) = open_head(&sealed, &alice);

    let with_bob = head.with_slot(&bob.writer(), &mut rng()).unwrap();
    let both = [&with_bob[..], &body].concat();
    assert_eq!(open(&both, b"", &alice).unwrap(), b"hello");
    assert_eq!(open(&both, b"", &bob).unwrap(), b"hello");
    assert_eq!(open(&both, b"", &carol), Err("NoSlot"));

    let (head, _) = open_head(&both, &bob);
    assert_eq!(head.fingerprints().count(), 2);
    let only_bob = [&head.without_slot(&alice.fingerprint).unwrap()[..], &body].concat();
    assert_eq!(open(&only_bob, b"", &alice), Err("NoSlot"));
    assert_eq!(open(&only_bob, b"", &bob).unwrap(), b"hello");

    let (head, _) = open_head(&only_bob, &bob);
    assert_eq!(head.without_slot(&bob.fingerprint).unwrap_err().code(), "NoSlot", "the last slot stays");
    assert_eq!(head.without_slot(&carol.fingerprint).unwrap_err().code(), "NoSlot");
    let again = head.with_slot(&bob.writer(), &mut rng()).unwrap();
    assert_eq!(Unopened::parse(&again).unwrap().0.fingerprints().count(), 1, "a second slot replaces the first");
}

#[test]
fn slots_written_by_who_does_not_know_the_data_key_are_refused() {
    let [alice, bob] = [BoxKey::new(1), BoxKey::new(2)];
    let sealed = seal(&Options::default(), &[alice.writer(), bob.writer()], b"x");
    let other = envelope::seal_to_vec(&Options::default(), &[bob.writer()], b"x", None, &mut SeededRng::new("other"));
    // Bob's header of another object in front of this body.
    let head = Prefix::parse(&sealed).unwrap().head_bytes();
    let other = other.unwrap();
    let other_head = Prefix::parse(&other).unwrap().head_bytes();
    let spliced = [&other[..other_head], &sealed[head..]].concat();
    assert_eq!(open(&spliced, b"", &bob), Err("Unauthentic"));
}

#[test]
fn a_public_key_s_owner_and_a_device_open_what_others_sealed_to_them() {
    let pair = KeychainKey::from_slice(&[7; 32]).unwrap();
    let public = pair.wrapping_secret().unwrap();
    let place = SlotPlace { scope: ScopeId([8; 32]), number: 3 };
    let fingerprint = KeyFingerprint([9; 32]);
    let device = DeviceKeys::derive(&DeviceSeed::from_slice(&[5; 32]).unwrap()).unwrap();
    let account = ScopeId([6; 32]);
    let writers = [
        WriterKey::Public { key: public.public(), fingerprint, place },
        WriterKey::Holder { key: device.wrapping.public(), account },
    ];
    let sealed = seal(&Options::default(), &writers, b"to both");
    let own = device.wrapping.public().fingerprint();
    for reader in [
        (fingerprint, ReaderKey::Private { key: &pair, place }),
        (own, ReaderKey::Holder { key: &device.wrapping, account }),
    ] {
        let opened = envelope::open_slice(&sealed, b"", |f| (*f == reader.0).then_some(reader.1)).unwrap();
        assert_eq!(&**opened.plaintext, b"to both");
        assert_eq!(opened.head.opened_by(), Some(reader.0));
    }
    let elsewhere = ReaderKey::Holder { key: &device.wrapping, account: ScopeId([0; 32]) };
    let opened = envelope::open_slice(&sealed, b"", |f| (*f == own).then_some(elsewhere));
    assert_eq!(opened.unwrap_err(), EnvelopeError::Unauthentic);
}

#[test]
fn a_cached_data_key_opens_its_object_and_no_other() {
    let alice = BoxKey::new(1);
    let sealed = seal(&Options::default(), &[alice.writer()], b"x");
    let other = envelope::seal_to_vec(&Options::default(), &[alice.writer()], b"x", None, &mut SeededRng::new("other"))
        .unwrap();
    let data = open_head(&sealed, &alice).0.into_data_key();
    let cached = |bytes| {
        let (head, _) = Unopened::parse(bytes).unwrap();
        head.open_cached(b"", DataKey::from_slice(data.expose()).unwrap()).map(|head| head.opened_by())
    };
    assert_eq!(cached(&sealed), Ok(None));
    assert_eq!(cached(&other), Err(EnvelopeError::Unauthentic));
    let (head, _) = Unopened::parse(&sealed).unwrap();
    let elsewhere = head.open_cached(b"another context", DataKey::from_slice(data.expose()).unwrap());
    assert_eq!(elsewhere.map(drop), Err(EnvelopeError::Unauthentic));
}

#[test]
fn an_author_is_proven_and_slots_may_still_change() {
    let [alice, bob] = [BoxKey::new(1), BoxKey::new(2)];
    let (key, other) = (SigningKey::from_seed(&[3; 32]), SigningKey::from_seed(&[4; 32]));
    let author = AuthorHead { account: ScopeId([1; 32]), generation: 2, seq: 9, head: EntryHash([2; 32]) };
    let options = Options::default();
    let plaintext = pattern(70_000);
    let sealed =
        envelope::seal_to_vec(&options, &[alice.writer()], &plaintext, Some((&key, author)), &mut rng()).unwrap();
    let (head, body) = open_head(&sealed, &alice);
    let shared = [&head.with_slot(&bob.writer(), &mut rng()).unwrap()[..], &body].concat();
    let trailer = envelope::open_slice(&shared, b"", |f| bob.reader(f)).unwrap().opened.trailer.unwrap();
    assert_eq!(trailer.claimed_author(), &author);
    assert_eq!(trailer.verify(&key.verifying_key()), Ok(&author));
    assert!(trailer.verify(&other.verifying_key()).is_err());

    // Bob, who knows the data key, seals another body of the same object: it opens, and is not the author's.
    let flipped = {
        let mut bytes = shared.clone();
        let at = bytes.len() - 70;
        bytes[at] ^= 1;
        bytes
    };
    let trailer = envelope::open_slice(&flipped, b"", |f| bob.reader(f)).unwrap().opened.trailer.unwrap();
    assert!(trailer.verify(&key.verifying_key()).is_err(), "another claim");
    assert_eq!(open(&shared[..shared.len() - 144], b"", &bob), Err("Unauthentic"), "the trailer is announced");
}

#[test]
fn an_envelope_has_a_reader_and_at_most_1_024() {
    let keys: Vec<BoxKey> = (0..2).map(BoxKey::new).collect();
    let seal = |writers: &[WriterKey<'_>]| {
        envelope::seal_to_vec(&Options::default(), writers, b"", None, &mut rng()).map_err(EnvelopeError::code)
    };
    assert_eq!(seal(&[]), Err("Malformed"));
    assert_eq!(seal(&[keys[0].writer(), keys[0].writer()]), Err("NotCanonical"));
    let many = vec![keys[0].writer(); 1_025];
    assert_eq!(seal(&many), Err("TooMany"));
}
