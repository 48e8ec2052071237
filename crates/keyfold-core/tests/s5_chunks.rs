//! S5: chunks dropped, repeated, swapped, cut, appended, with another last flag, from another object. No byte of a
//! bad chunk is released, and the end of a body is proven before anybody relies on it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::envelope::{self, EnvelopeError, OpenedHead, Options, Sealer, Unopened};
use keyfold_format::{
    ObjectId,
    envelope::{Flags, Header, Prefix},
};
use support::{BoxKey, SeededRng, pattern, plans, reference};

const S: usize = 65_552;

fn sealed(seed: &str, len: usize, padded: bool) -> Vec<u8> {
    let (alice, options) = (BoxKey::new(1), Options { padded, ..Options::default() });
    envelope::seal_to_vec(&options, &[alice.writer()], &pattern(len), None, &mut SeededRng::new(seed)).unwrap()
}

fn head_bytes(envelope: &[u8]) -> usize {
    Prefix::parse(envelope).unwrap().head_bytes()
}

/// Reads as a driver does: in pieces of `step` bytes, giving on what was opened. What was given on before a fault is
/// returned with it.
///
/// Whoever follows the plan with another cipher, as browsers do, comes to the same end.
fn stream(envelope: &[u8], step: usize) -> (Vec<u8>, Result<u64, EnvelopeError>) {
    let alice = BoxKey::new(1);
    let (head, body) = Unopened::parse(envelope).unwrap();
    let head = head.open(b"", |fingerprint| alice.reader(fingerprint)).unwrap();
    let (released, outcome) = stream_here(&head, body, step);
    let (released_there, outcome_there) = plans::stream(&head, body, step);
    assert_eq!(outcome_there, outcome);
    assert!(released.starts_with(&released_there), "less, where a stride is given on as a whole");
    assert!(outcome.is_err() || released_there == released);
    (released, outcome)
}

fn stream_here(head: &OpenedHead, body: &[u8], step: usize) -> (Vec<u8>, Result<u64, EnvelopeError>) {
    let mut opener = head.opener().unwrap();
    let (mut released, mut buffer) = (Vec::new(), Vec::new());
    for piece in body.chunks(step) {
        buffer.extend_from_slice(piece);
        let ready = opener.ready(buffer.len());
        let mut segments: Vec<u8> = buffer.drain(..ready).collect();
        if let Err(fault) = opener.open_segments(&mut segments) {
            assert!(segments.iter().all(|byte| *byte == 0), "what did not authenticate was wiped");
            return (released, Err(fault));
        }
        for segment in segments.chunks(S) {
            released.extend_from_slice(&segment[..65_536]);
        }
    }
    match opener.finish(&mut buffer) {
        Ok(last) => {
            released.extend_from_slice(last.plaintext);
            (released, Ok(last.opened.len))
        }
        Err(fault) => {
            assert!(buffer.iter().all(|byte| *byte == 0), "what did not authenticate was wiped");
            (released, Err(fault))
        }
    }
}

/// Every way of reading refuses, and what a stream released before is a true beginning of the plaintext.
fn refused(envelope: &[u8], plaintext: &[u8], codes: &[&str], what: &str) {
    for step in [1_000, S, 16 * S] {
        let (released, result) = stream(envelope, step);
        let fault = result.expect_err(what);
        assert!(codes.contains(&fault.code()), "{what}: {}", fault.code());
        assert!(plaintext.starts_with(&released), "{what}: released something else");
        assert!(released.len() < plaintext.len() || released.is_empty(), "{what}: released everything");
    }
    let alice = BoxKey::new(1);
    assert!(envelope::open_slice(envelope, b"", |f| alice.reader(f)).is_err(), "{what}");
    assert!(range(envelope, 0..u64::MAX).is_err(), "{what}: a range read of everything");
}

fn range(envelope: &[u8], range: core::ops::Range<u64>) -> Result<Vec<u8>, EnvelopeError> {
    let alice = BoxKey::new(1);
    let (head, body) = Unopened::parse(envelope)?;
    let head = head.open(b"", |f| alice.reader(f))?;
    let outcome = range_here(&head, body, range.clone());
    assert_eq!(plans::range(&head, body, &range), outcome, "whoever follows the plan with another cipher");
    outcome
}

fn range_here(head: &OpenedHead, body: &[u8], range: core::ops::Range<u64>) -> Result<Vec<u8>, EnvelopeError> {
    let ranges = head.ranges(body.len() as u64)?;
    let at = |r: core::ops::Range<u64>| r.start as usize..r.end as usize;
    let ranges = {
        let mut last = body[at(ranges.last())].to_vec();
        let proven = ranges.prove(&mut last);
        assert!(last.iter().all(|byte| *byte == 0), "the last segment is wiped");
        proven?
    };
    let mut out = Vec::new();
    for index in ranges.touching(&range) {
        let mut segment = body[at(ranges.sealed_range(index).unwrap())].to_vec();
        out.extend_from_slice(ranges.open(index, &mut segment, &range)?);
    }
    Ok(out)
}

#[test]
fn the_reader_of_these_tests_reads_what_is_whole() {
    for len in [0, 1, 65_535, 65_536, 65_537, 3 * 65_536, 3 * 65_536 + 5] {
        for step in [1_000, S, 16 * S] {
            let (released, len_told) = stream(&sealed("whole", len, false), step);
            assert_eq!((released, len_told), (pattern(len), Ok(len as u64)), "{len} {step}");
        }
    }
}

#[test]
fn a_body_cut_between_segments_is_truncated_wherever_it_is_cut() {
    let plaintext = pattern(3 * 65_536 + 5);
    let whole = sealed("cut", plaintext.len(), false);
    let head = head_bytes(&whole);
    for segments in 0..=3 {
        refused(&whole[..head + segments * S], &plaintext, &["Truncated"], &format!("{segments} segments"));
    }
}

#[test]
fn a_body_cut_inside_a_segment_is_refused_wherever_it_is_cut() {
    let plaintext = pattern(2 * 65_536 + 100);
    let whole = sealed("cut", plaintext.len(), false);
    let head = head_bytes(&whole);
    let borders = (0..=2).flat_map(|i| (1..30).flat_map(move |d| [i * S + d, (i * S + S).saturating_sub(d)]));
    for cut in borders.chain([S / 2, S + S / 2]).filter(|cut| head + cut < whole.len()) {
        refused(&whole[..head + cut], &plaintext, &["Truncated", "Unauthentic"], &format!("{cut} bytes"));
    }
}

#[test]
fn segments_dropped_repeated_swapped_or_appended_are_refused() {
    let plaintext = pattern(3 * 65_536 + 5);
    let whole = sealed("order", plaintext.len(), false);
    let (head, body) = whole.split_at(head_bytes(&whole));
    let pieces: Vec<&[u8]> = body.chunks(S).collect();
    let with = |order: &[usize]| [head, &order.iter().map(|i| pieces[*i]).collect::<Vec<_>>().concat()].concat();
    assert_eq!(with(&[0, 1, 2, 3]), whole);
    for order in [
        &[1, 2, 3][..],
        &[0, 2, 3],
        &[0, 1, 3],
        &[3],
        &[0, 0, 1, 2, 3],
        &[0, 1, 1, 2, 3],
        &[1, 0, 2, 3],
        &[0, 2, 1, 3],
        &[0, 1, 2, 3, 3],
        &[0, 1, 2, 3, 0],
        &[3, 0, 1, 2],
    ] {
        refused(&with(order), &plaintext, &["Unauthentic", "Truncated"], &format!("{order:?}"));
    }
    for more in [1, 24, 144, S] {
        let longer = [&whole[..], &vec![0; more]].concat();
        refused(&longer, &plaintext, &["Unauthentic", "Truncated"], &format!("{more} bytes more"));
    }
}

#[test]
fn a_segment_of_another_object_at_the_same_place_is_refused() {
    let plaintext = pattern(3 * 65_536 + 5);
    let (ours, theirs) = (sealed("ours", plaintext.len(), false), sealed("theirs", plaintext.len(), false));
    let head = head_bytes(&ours);
    for index in 0..4 {
        let mut spliced = ours.clone();
        let (start, end) = (head + index * S, (head + index * S + S).min(ours.len()));
        spliced[start..end].copy_from_slice(&theirs[start..end]);
        for step in [1_000, 16 * S] {
            let (released, result) = stream(&spliced, step);
            assert_eq!(result.unwrap_err().code(), "Unauthentic", "{index}");
            assert!(released.len() <= index * 65_536 && plaintext.starts_with(&released));
        }
    }
}

#[test]
fn every_flipped_bit_of_a_small_envelope_is_refused() {
    let (alice, whole) = (BoxKey::new(1), sealed("flip", 40, false));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            assert!(envelope::open_slice(&flipped, b"", |f| alice.reader(f)).is_err(), "byte {at} bit {bit}");
        }
    }
}

/// Whoever knows the data key can write any body; a reader still holds it to the format.
mod crafted {
    use super::*;

    const DATA: [u8; 32] = [0xd7; 32];

    fn envelope(flags: Flags, body: impl Fn(&keyfold_format::envelope::FixedHeader) -> Vec<u8>) -> Vec<u8> {
        let (alice, object) = (BoxKey::new(1), ObjectId([9; 32]));
        let fixed = reference::fixed(&DATA, object, b"", flags);
        let slot = reference::slot(alice.key.expose(), alice.fingerprint, &alice.place, &object, &DATA);
        let body = body(&fixed);
        let header = Header::new(fixed, vec![slot], None).unwrap();
        [reference::head(&header, &DATA), body].concat()
    }

    fn open(envelope: &[u8]) -> Result<Vec<u8>, &'static str> {
        let alice = BoxKey::new(1);
        let opened = envelope::open_slice(envelope, b"", |f| alice.reader(f));
        let (_, streamed) = stream(envelope, S);
        assert_eq!(opened.as_ref().map(|o| o.opened.len).ok(), streamed.ok(), "both ways of reading agree");
        opened.map(|opened| opened.plaintext.to_vec()).map_err(EnvelopeError::code)
    }

    #[test]
    fn what_the_reference_writes_opens() {
        for len in [0, 1, 65_536, 65_537] {
            let plaintext = pattern(len);
            let whole = envelope(Flags::default(), |fixed| reference::body(fixed, &DATA, &plaintext, len as u64));
            assert_eq!(open(&whole).unwrap(), plaintext);
        }
    }

    #[test]
    fn a_true_length_that_disagrees_with_what_was_read_is_refused() {
        for told in [0, 99, 101, u64::MAX] {
            let lying = envelope(Flags::default(), |fixed| reference::body(fixed, &DATA, &pattern(100), told));
            assert_eq!(open(&lying), Err("Unauthentic"), "{told}");
        }
    }

    #[test]
    fn a_last_flag_in_the_middle_or_missing_at_the_end_is_refused() {
        let text = pattern(65_536);
        let early = envelope(Flags::default(), |fixed| {
            let key = reference::payload_key(fixed, &DATA);
            let first = reference::aes_gcm(&key, reference::nonce(0, 1), &text);
            let last =
                reference::aes_gcm(&key, reference::nonce(1, 1), &[&65_537_u64.to_be_bytes()[..], &[1]].concat());
            [first, last].concat()
        });
        assert_eq!(open(&early), Err("Unauthentic"));
        let missing = envelope(Flags::default(), |fixed| {
            let key = reference::payload_key(fixed, &DATA);
            reference::aes_gcm(&key, reference::nonce(0, 0), &[&1_u64.to_be_bytes()[..], &[1]].concat())
        });
        assert_eq!(open(&missing), Err("Unauthentic"));
    }

    #[test]
    fn an_empty_last_segment_after_others_is_refused() {
        let odd = envelope(Flags::default(), |fixed| {
            let key = reference::payload_key(fixed, &DATA);
            let first = reference::aes_gcm(&key, reference::nonce(0, 0), &pattern(65_536));
            [first, reference::aes_gcm(&key, reference::nonce(1, 1), &65_536_u64.to_be_bytes())].concat()
        });
        assert_eq!(open(&odd), Err("Truncated"));
    }

    #[test]
    fn padding_must_be_zero_and_of_the_padded_size() {
        let flags = Flags { padded: true, trailer: false };
        let padded = |text: usize, to: usize, told: u64, last: u8| {
            let mut bytes = pattern(text);
            bytes.resize(to, 0);
            if let Some(byte) = bytes.last_mut().filter(|_| last != 0) {
                *byte = last;
            }
            envelope(flags, |fixed| reference::body(fixed, &DATA, &bytes, told))
        };
        assert_eq!(open(&padded(1_000, 1_024, 1_000, 0)).unwrap(), pattern(1_000));
        assert_eq!(open(&padded(1_000, 1_024, 1_000, 1)), Err("Unauthentic"), "not zero");
        assert_eq!(open(&padded(1_000, 1_000, 1_000, 0)), Err("Unauthentic"), "not padded");
        assert_eq!(open(&padded(1_000, 1_088, 1_000, 0)), Err("Unauthentic"), "padded too far");
        // 600,000 pads to 606,208: the padding lies within the last segment; 1,100,000 to 1,114,112: before it too.
        assert_eq!(open(&padded(1_100_000, 1_114_112, 1_100_000, 0)).unwrap(), pattern(1_100_000));
        let shorter = padded(1_114_112, 1_114_112, 1_100_000, 0);
        assert_eq!(open(&shorter), Err("Unauthentic"), "not zero in the last segment");
    }

    #[test]
    fn padding_that_fills_segments_of_its_own_must_be_zero_there_too() {
        let flags = Flags { padded: true, trailer: false };
        let (len, padded) = (4_200_000_usize, 4_325_376_usize);
        assert_eq!(keyfold_format::padme::padme(len as u64), padded as u64);
        let mut bytes = pattern(len);
        bytes.resize(padded, 0);
        let honest = envelope(flags, |fixed| reference::body(fixed, &DATA, &bytes, len as u64));
        assert_eq!(open(&honest).unwrap(), pattern(len));
        // In the segment before the last, where nobody who looks at the last segment only sees it.
        bytes[padded - 65_536 - 1] = 1;
        let lying = envelope(flags, |fixed| reference::body(fixed, &DATA, &bytes, len as u64));
        assert_eq!(open(&lying), Err("Unauthentic"));
        // Zeros further to the front are no padding, however many.
        bytes[65_536..3 * 65_536].fill(0);
        let lying = envelope(flags, |fixed| reference::body(fixed, &DATA, &bytes, len as u64));
        assert_eq!(open(&lying), Err("Unauthentic"));
    }
}

#[test]
fn a_range_read_needs_the_last_segment_even_if_the_range_does_not_touch_it() {
    let plaintext = pattern(3 * 65_536 + 5);
    let whole = sealed("range", plaintext.len(), false);
    assert_eq!(range(&whole, 10..70_000).unwrap(), plaintext[10..70_000]);
    let mut bad = whole.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert_eq!(range(&bad, 10..70_000), Err(EnvelopeError::Unauthentic));
    for cut in 1..=3 {
        let cut = &whole[..head_bytes(&whole) + cut * S];
        assert_eq!(range(cut, 0..1).unwrap_err().code(), "Truncated");
    }
}

#[test]
fn a_range_read_refuses_a_bad_segment_that_it_touches() {
    let whole = sealed("range", 3 * 65_536 + 5, false);
    let head = head_bytes(&whole);
    for index in 0..3 {
        let mut bad = whole.clone();
        bad[head + index * S] ^= 1;
        let touching = index as u64 * 65_536..index as u64 * 65_536 + 1;
        assert_eq!(range(&bad, touching), Err(EnvelopeError::Unauthentic));
        let elsewhere = ((index as u64 + 1) % 3) * 65_536;
        assert!(range(&bad, elsewhere..elsewhere + 1).is_ok());
    }
}

#[test]
fn a_sealer_takes_no_empty_rest_after_segments_and_no_part_of_a_segment() {
    let alice = BoxKey::new(1);
    let begin = || Sealer::begin(&Options::default(), &[alice.writer()], &mut SeededRng::new("misuse")).unwrap().1;
    let mut sealer = begin();
    assert_eq!(sealer.seal_segments(&mut vec![0; S - 1]), Err(EnvelopeError::WrongBuffer));
    sealer.seal_segments(&mut vec![0; S]).unwrap();
    assert!(sealer.finish(&[]).is_err());
    assert!(begin().finish(&[0; 65_537]).is_err());
    assert!(begin().finish(&[]).unwrap().end().is_err(), "the last segment was not taken");
}
