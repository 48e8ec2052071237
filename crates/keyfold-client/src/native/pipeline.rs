//! Moving a body: one thread reads and seals or opens in place, another writes, a few buffers go round between them.
//! Reading and writing take the kernel longer than AES takes the processor, so the two overlap.
//!
//! Memory is constant: [`BUFFERS`] of one mebibyte.

use crate::{Error, Result};
use keyfold_core::envelope::{Opened, Opener, Sealer, UnsignedTrailer};
use keyfold_format::{
    envelope::{SEALED_SEGMENT_BYTES, TRAILER_BYTES},
    limits::SEGMENT_BYTES,
};
use keyfold_protocol::Code;
use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use zeroize::Zeroize;

/// Told now and then how many bytes of plaintext have passed.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Asks work on a file to stop: between two buffers, with nothing left behind.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::new(Code::Cancelled, "stopped")) } else { Ok(()) }
    }
}

/// Segments of one buffer: a mebibyte of plaintext.
const SEGMENTS: usize = 16;
/// Whole segments, and what may be left over of a last one with its trailer.
const BUFFER_BYTES: usize = SEGMENTS * SEALED_SEGMENT_BYTES + SEALED_SEGMENT_BYTES + 8 + TRAILER_BYTES;
const BUFFERS: usize = 4;

/// Watches over one piece of work.
pub(crate) struct Watchman {
    pub(crate) cancel: Cancel,
    /// Set when the caller has dropped the future.
    pub(crate) dropped: Cancel,
    pub(crate) progress: Option<Progress>,
}

impl Watchman {
    pub(crate) fn pass(&self, bytes: u64) -> Result<()> {
        if let Some(progress) = &self.progress {
            progress(bytes);
        }
        self.cancel.check()?;
        self.dropped.check()
    }
}

/// What the writer is to write of a buffer.
enum Piece {
    /// All of the first bytes.
    Whole(usize),
    /// The plaintext of this many opened segments.
    Segments(usize),
}

struct Job {
    buffer: Vec<u8>,
    piece: Piece,
}

/// Seals everything that `input` has behind `head`.
pub(crate) fn seal(
    input: &mut dyn Read,
    output: &mut (dyn Write + Send),
    head: &[u8],
    mut sealer: Sealer,
    watchman: &Watchman,
) -> Result<(u64, Option<UnsignedTrailer>)> {
    output.write_all(head).map_err(|e| written(&e))?;
    overlapped(output, None, |writer| {
        let mut buffer = writer.buffer()?;
        let (mut carried, mut passed) = (0, 0);
        loop {
            let filled = read_segments(input, &mut buffer, carried)?;
            watchman.pass(passed + filled as u64)?;
            if filled < SEGMENTS * SEGMENT_BYTES {
                // The end. All but the last segment are sealed as they lie; the last may be short.
                let before = filled.saturating_sub(1) / SEGMENT_BYTES;
                let (segments, last) = split(&mut buffer, before * SEALED_SEGMENT_BYTES)?;
                sealer.seal_segments(segments)?;
                let rest = last.get(..filled - before * SEGMENT_BYTES).unwrap_or_default();
                let mut tail = sealer.finish(rest)?;
                last.zeroize();
                writer.send(Job { buffer, piece: Piece::Whole(before * SEALED_SEGMENT_BYTES) })?;
                while let Some(sealed) = tail.next_segment()? {
                    let mut buffer = writer.buffer()?;
                    buffer.get_mut(..sealed.len()).ok_or_else(too_small)?.copy_from_slice(sealed);
                    writer.send(Job { buffer, piece: Piece::Whole(sealed.len()) })?;
                }
                let sealed = tail.end()?;
                return Ok((sealed.len, sealed.trailer));
            }
            // More may follow or not, so the last segment of a full buffer waits in the next one.
            let mut next = writer.buffer()?;
            let (segments, last) = split(&mut buffer, (SEGMENTS - 1) * SEALED_SEGMENT_BYTES)?;
            let kept = last.get_mut(..SEGMENT_BYTES).ok_or_else(too_small)?;
            next.get_mut(..SEGMENT_BYTES).ok_or_else(too_small)?.copy_from_slice(kept);
            kept.zeroize();
            sealer.seal_segments(segments)?;
            writer.send(Job { buffer, piece: Piece::Whole((SEGMENTS - 1) * SEALED_SEGMENT_BYTES) })?;
            passed += ((SEGMENTS - 1) * SEGMENT_BYTES) as u64;
            (buffer, carried) = (next, SEGMENT_BYTES);
        }
    })
}

/// Opens everything that `input` has after the head. Nothing of a segment is written before it authenticated.
pub(crate) fn open(
    input: &mut dyn Read,
    output: &mut (dyn Write + Send),
    mut opener: Opener,
    is_padded: bool,
    watchman: &Watchman,
) -> Result<Opened> {
    let zeros = is_padded.then(Zeros::default);
    overlapped(output, zeros, |writer| {
        let mut buffer = writer.buffer()?;
        let (mut filled, mut passed) = (0, 0);
        loop {
            let wanted = buffer.get_mut(filled..).ok_or_else(too_small)?;
            let read = read_full(input, wanted)?;
            filled += read;
            let at_end = filled < buffer.len();
            let ready = opener.ready(filled);
            let segments = ready / SEALED_SEGMENT_BYTES;
            opener.open_segments(buffer.get_mut(..ready).ok_or_else(too_small)?)?;
            passed += (segments * SEGMENT_BYTES) as u64;
            watchman.pass(passed)?;
            // What is not ready may be the end: it waits at the front of the next buffer.
            let mut next = writer.buffer()?;
            let left = filled - ready;
            let rest = buffer.get(ready..filled).ok_or_else(too_small)?;
            next.get_mut(..left).ok_or_else(too_small)?.copy_from_slice(rest);
            writer.send(Job { buffer, piece: Piece::Segments(segments) })?;
            if at_end {
                let last = opener.finish(next.get_mut(..left).ok_or_else(too_small)?)?;
                let opened = last.opened;
                let mut end = writer.buffer()?;
                let text = last.plaintext;
                end.get_mut(..text.len()).ok_or_else(too_small)?.copy_from_slice(text);
                let len = text.len();
                next.zeroize();
                watchman.pass(opened.len)?;
                writer.send(Job { buffer: end, piece: Piece::Whole(len) })?;
                writer.finish_at(opened.len);
                return Ok(opened);
            }
            (buffer, filled) = (next, left);
        }
    })
}

/// The reading side's end of the pipeline.
struct Writer {
    empty: Receiver<Vec<u8>>,
    jobs: SyncSender<Job>,
    spare: Vec<Vec<u8>>,
    total: Option<u64>,
}

impl Writer {
    /// An empty buffer; waits until one was written if all are on their way.
    fn buffer(&mut self) -> Result<Vec<u8>> {
        match self.spare.pop() {
            Some(buffer) => Ok(buffer),
            None => self.empty.recv().map_err(|_| stopped()),
        }
    }

    fn send(&mut self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| stopped())
    }

    /// How long the whole plaintext is: with padding, zeros up to there are still to be written.
    fn finish_at(&mut self, total: u64) {
        self.total = Some(total);
    }
}

/// Runs `work` beside a thread that writes.
fn overlapped<T>(
    output: &mut (dyn Write + Send),
    zeros: Option<Zeros>,
    work: impl FnOnce(&mut Writer) -> Result<T>,
) -> Result<T> {
    let (jobs, to_write) = sync_channel::<Job>(BUFFERS);
    let (emptied, empty) = sync_channel::<Vec<u8>>(BUFFERS);
    thread::scope(|scope| {
        let writing = scope.spawn(move || {
            let mut zeros = zeros;
            while let Ok(job) = to_write.recv() {
                write_job(output, &job, &mut zeros)?;
                // Nobody takes it when the reading side is done.
                _ = emptied.send(job.buffer);
            }
            io::Result::Ok((output, zeros))
        });
        let spare = (0..BUFFERS).map(|_| vec![0; BUFFER_BYTES]).collect();
        let mut writer = Writer { empty, jobs, spare, total: None };
        let done = work(&mut writer);
        let total = writer.total;
        drop(writer);
        let wrote = writing.join().map_err(|_| Error::internal("the writing thread ended"))?;
        // A disk that is full is why the work stopped, not the other way round.
        let (output, zeros) = wrote.map_err(|e| written(&e))?;
        let done = done?;
        if let (Some(mut zeros), Some(total)) = (zeros, total) {
            zeros.fill_to(output, total).map_err(|e| written(&e))?;
        }
        output.flush().map_err(|e| written(&e))?;
        Ok(done)
    })
}

fn write_job(output: &mut dyn Write, job: &Job, zeros: &mut Option<Zeros>) -> io::Result<()> {
    let segments = |n: usize| {
        job.buffer.chunks(SEALED_SEGMENT_BYTES).take(n).map(|piece| piece.get(..SEGMENT_BYTES).unwrap_or_default())
    };
    match (&job.piece, zeros) {
        (Piece::Whole(len), None) => output.write_all(job.buffer.get(..*len).unwrap_or_default()),
        (Piece::Whole(len), Some(zeros)) => zeros.write(output, job.buffer.get(..*len).unwrap_or_default()),
        (Piece::Segments(n), None) => write_all_vectored(output, segments(*n).map(IoSlice::new).collect()),
        (Piece::Segments(n), Some(zeros)) => segments(*n).try_for_each(|text| zeros.write(output, text)),
    }
}

fn write_all_vectored(output: &mut dyn Write, mut slices: Vec<IoSlice<'_>>) -> io::Result<()> {
    let mut slices = slices.as_mut_slice();
    while !slices.is_empty() {
        match output.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// With padding, zeros at the end may be no plaintext: they are held back until something follows them.
#[derive(Default)]
struct Zeros {
    written: u64,
    held: u64,
}

impl Zeros {
    fn write(&mut self, output: &mut dyn Write, text: &[u8]) -> io::Result<()> {
        let own = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if own > 0 {
            self.fill_to(output, self.written + self.held)?;
            output.write_all(text.get(..own).unwrap_or_default())?;
            self.written += own as u64;
            self.held = 0;
        }
        self.held += (text.len() - own) as u64;
        Ok(())
    }

    fn fill_to(&mut self, output: &mut dyn Write, total: u64) -> io::Result<()> {
        let missing = total.saturating_sub(self.written);
        io::copy(&mut io::repeat(0).take(missing), output)?;
        self.written += missing;
        Ok(())
    }
}

/// Reads plaintext into segments with room for their tags, until they are full or the input ends. `carried` bytes
/// stand in front already. Returns how much plaintext there is.
fn read_segments(input: &mut dyn Read, buffer: &mut [u8], carried: usize) -> Result<usize> {
    let mut filled = carried;
    let full = SEGMENTS * SEGMENT_BYTES;
    while filled < full {
        let (segment, within) = (filled / SEGMENT_BYTES, filled % SEGMENT_BYTES);
        let mut slices: Vec<IoSliceMut<'_>> = buffer
            .chunks_mut(SEALED_SEGMENT_BYTES)
            .take(SEGMENTS)
            .skip(segment)
            .enumerate()
            .filter_map(|(i, piece)| piece.get_mut(if i == 0 { within } else { 0 }..SEGMENT_BYTES))
            .map(IoSliceMut::new)
            .collect();
        match input.read_vectored(&mut slices) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unread(&e)),
        }
    }
    Ok(filled)
}

/// Reads until `buffer` is full or the input ends.
pub(crate) fn read_full(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unread(&e)),
        }
    }
    Ok(filled)
}

fn split(buffer: &mut [u8], at: usize) -> Result<(&mut [u8], &mut [u8])> {
    buffer.split_at_mut_checked(at).ok_or_else(too_small)
}

fn too_small() -> Error {
    Error::internal("a buffer is too small")
}

fn stopped() -> Error {
    Error::internal("the writing thread ended")
}

pub(crate) fn unread(error: &io::Error) -> Error {
    Error::new(Code::Io, format!("reading failed: {error}"))
}

pub(crate) fn written(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(Code::StorageFull, "the disk is full").hint("Make room, then try again.")
        }
        _ => Error::new(Code::Io, format!("writing failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::host::SystemRng;
    use keyfold_core::{
        KeychainKey, ReaderKey, WriterKey,
        envelope::{Options, Unopened},
    };
    use keyfold_format::{KeyFingerprint, ScopeId, envelope::SlotPlace};

    const PLACE: SlotPlace = SlotPlace { scope: ScopeId([1; 32]), number: 1 };
    const FINGERPRINT: KeyFingerprint = KeyFingerprint([2; 32]);

    fn watchman() -> Watchman {
        Watchman { cancel: Cancel::default(), dropped: Cancel::default(), progress: None }
    }

    fn key() -> KeychainKey {
        KeychainKey::from_slice(&[3; 32]).unwrap()
    }

    fn sealed(text: &[u8], padded: bool) -> Vec<u8> {
        let (key, options) = (key(), Options { padded, ..Options::default() });
        let writer = WriterKey::Symmetric { key: &key, fingerprint: FINGERPRINT, place: PLACE };
        let (head, sealer) = Sealer::begin(&options, &[writer], &mut SystemRng).unwrap();
        let mut out = Vec::new();
        let (len, _) = seal(&mut &*text, &mut out, &head, sealer, &watchman()).unwrap();
        assert_eq!(len, text.len() as u64);
        out
    }

    fn opened(sealed: &[u8], out: &mut Vec<u8>) -> Result<u64> {
        let key = key();
        let (head, mut body) = Unopened::parse(sealed)?;
        let head = head.open(b"", |_| Some(ReaderKey::Symmetric { key: &key, place: PLACE }))?;
        Ok(open(&mut body, out, head.opener()?, head.flags().padded, &watchman())?.len)
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    /// Around every border: of a segment, of a buffer, of two.
    const LENGTHS: [usize; 14] = [
        0,
        1,
        65_535,
        65_536,
        65_537,
        15 * 65_536,
        15 * 65_536 + 1,
        16 * 65_536 - 1,
        16 * 65_536,
        16 * 65_536 + 1,
        17 * 65_536,
        31 * 65_536,
        31 * 65_536 + 7,
        48 * 65_536 + 3,
    ];

    #[test]
    fn every_length_comes_back_and_is_what_core_makes_in_one_piece() {
        for len in LENGTHS {
            let text = text(len);
            let sealed = sealed(&text, false);
            let mut out = Vec::new();
            assert_eq!(opened(&sealed, &mut out).unwrap(), len as u64);
            assert_eq!(out, text, "{len}");
            let key = key();
            let reader = |_: &KeyFingerprint| Some(ReaderKey::Symmetric { key: &key, place: PLACE });
            let whole = keyfold_core::envelope::open_slice(&sealed, b"", reader).unwrap();
            assert_eq!(*whole.plaintext, text, "{len}");
        }
    }

    #[test]
    fn padding_is_not_released_and_zeros_of_the_plaintext_are() {
        for len in LENGTHS {
            for zeros in [0, 1, 70_000, 1_200_000] {
                let mut text = text(len);
                text.resize(len + zeros, 0);
                let mut out = Vec::new();
                assert_eq!(opened(&sealed(&text, true), &mut out).unwrap(), text.len() as u64);
                assert!(out == text, "{len} {zeros}");
            }
        }
    }

    #[test]
    fn what_is_cut_or_altered_is_refused_and_only_authentic_segments_were_released() {
        let text = text(20 * 65_536 + 5);
        let sealed = sealed(&text, false);
        let body = sealed.len() - (20 * 65_552 + 5 + 24);
        // A cut within a segment cannot be told from an alteration; one between two can.
        for (cut, code) in [
            (sealed.len() - 1, Code::Unauthentic),
            (body + 20 * 65_552, Code::Truncated),
            (body + 16 * 65_552, Code::Truncated),
            (body + 10, Code::Truncated),
            (body, Code::Truncated),
        ] {
            let mut out = Vec::new();
            assert_eq!(opened(&sealed[..cut], &mut out).unwrap_err().code, code, "{cut}");
            assert!(text.starts_with(&out), "{cut}");
        }
        let mut altered = sealed.clone();
        altered[body + 18 * 65_552] ^= 1;
        let mut out = Vec::new();
        assert_eq!(opened(&altered, &mut out).unwrap_err().code, Code::Unauthentic);
        assert!(text.starts_with(&out) && out.len() <= 18 * 65_536);
    }

    #[test]
    fn a_cancelled_work_stops_and_a_full_disk_says_so() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let key = key();
        let writer = WriterKey::Symmetric { key: &key, fingerprint: FINGERPRINT, place: PLACE };
        let begin = || Sealer::begin(&Options::default(), &[writer], &mut SystemRng).unwrap();
        let (_, sealer) = begin();
        let endless = &mut io::repeat(7);
        let full = seal(endless, &mut Full, &[], sealer, &watchman());
        assert_eq!(full.err().unwrap().code, Code::StorageFull);
        let watchman = watchman();
        watchman.cancel.cancel();
        let (head, sealer) = begin();
        let stopped = seal(endless, &mut Vec::new(), &head, sealer, &watchman);
        assert_eq!(stopped.err().unwrap().code, Code::Cancelled);
    }
}
