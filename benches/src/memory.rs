//! Sealing and opening in memory, beside the raw AES-256-GCM of aws-lc-rs in the same process: how much of what the
//! processor can do is left when it is an envelope. One thread; segments of 64 KiB in both.

use crate::Arguments;
use crate::machine::Machine;
use crate::process;
use crate::table::{Line, Table, Target, Unit, Whose, median};
use anyhow::{Context, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use keyfold_core::envelope::{Opener, Options as EnvelopeOptions, Sealer, Unopened};
use keyfold_core::{KeychainKey, ReaderKey, WriterKey};
use keyfold_format::envelope::{SEALED_SEGMENT_BYTES, SlotPlace, TAG_BYTES};
use keyfold_format::{KeyFingerprint, ScopeId};
use rand_core::UnwrapErr;
use std::time::{Duration, Instant};

/// How much, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// MiB in a turn
    #[arg(long, default_value_t = Options::default().mebibytes)]
    mebibytes: u32,
    /// Turns of each
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { mebibytes: 512, turns: 11 }
    }
}

/// Segments that are handed over at once: 1 MiB of plaintext, which stays in the processor's cache as it does for a
/// program that reads, seals and writes.
const SEGMENTS: usize = 16;

/// Seals and opens buffers of [`SEGMENTS`] segments in place.
trait Cipher {
    fn seal(&mut self, segments: &mut [u8]) -> anyhow::Result<()>;
    fn open(&mut self, segments: &mut [u8]) -> anyhow::Result<()>;
}

struct Envelope {
    sealer: Sealer,
    opener: Opener,
}

struct Raw {
    key: LessSafeKey,
    sealed: u64,
    opened: u64,
}

#[derive(Default)]
struct Rates {
    seal: Vec<f64>,
    open: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    println!("Sealing in memory …");
    let (mut keyfold, mut raw) = (Rates::default(), Rates::default());
    for _ in 0..options.turns {
        turn(&mut Envelope::new()?, options, &mut keyfold)?;
        turn(&mut Raw::new()?, options, &mut raw)?;
    }
    table(keyfold, raw, options).keep(&arguments.samples)
}

fn turn(cipher: &mut impl Cipher, options: &Options, rates: &mut Rates) -> anyhow::Result<()> {
    let mut buffer = vec![0x5a; SEGMENTS * SEALED_SEGMENT_BYTES];
    let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..options.mebibytes {
        let start = Instant::now();
        cipher.seal(&mut buffer)?;
        let between = Instant::now();
        cipher.open(&mut buffer)?;
        sealing += between - start;
        opening += between.elapsed();
    }
    anyhow::ensure!(buffer.first() == Some(&0x5a), "other bytes came back");
    let bytes = u64::from(options.mebibytes) << 20;
    rates.seal.push(process::rate(bytes, sealing));
    rates.open.push(process::rate(bytes, opening));
    Ok(())
}

impl Envelope {
    fn new() -> anyhow::Result<Self> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let key = KeychainKey::generate(&mut rng);
        let (fingerprint, place) = (KeyFingerprint([1; 32]), SlotPlace { scope: ScopeId([2; 32]), number: 0 });
        let writer = WriterKey::Symmetric { key: &key, fingerprint, place };
        let (head, sealer) = Sealer::begin(&EnvelopeOptions::default(), &[writer], &mut rng)?;
        let (unopened, _) = Unopened::parse(&head)?;
        let opener = unopened.open(&[], |_| Some(ReaderKey::Symmetric { key: &key, place }))?.opener()?;
        Ok(Self { sealer, opener })
    }
}

impl Cipher for Envelope {
    fn seal(&mut self, segments: &mut [u8]) -> anyhow::Result<()> {
        Ok(self.sealer.seal_segments(segments)?)
    }

    fn open(&mut self, segments: &mut [u8]) -> anyhow::Result<()> {
        Ok(self.opener.open_segments(segments)?)
    }
}

impl Raw {
    fn new() -> anyhow::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(|_| anyhow!("aws-lc refused a key"))?;
        Ok(Self { key: LessSafeKey::new(key), sealed: 0, opened: 0 })
    }
}

fn nonce(counter: &mut u64) -> Nonce {
    *counter += 1;
    let mut nonce = [0; 12];
    for (byte, of_counter) in nonce.iter_mut().zip(counter.to_le_bytes()) {
        *byte = of_counter;
    }
    Nonce::assume_unique_for_key(nonce)
}

impl Cipher for Raw {
    fn seal(&mut self, segments: &mut [u8]) -> anyhow::Result<()> {
        for segment in segments.chunks_mut(SEALED_SEGMENT_BYTES) {
            let (text, tag) = segment.split_last_chunk_mut::<TAG_BYTES>().context("a segment has a tag")?;
            let sealed = self.key.seal_in_place_separate_tag(nonce(&mut self.sealed), Aad::empty(), text);
            tag.copy_from_slice(sealed.map_err(|_| anyhow!("aws-lc did not seal"))?.as_ref());
        }
        Ok(())
    }

    fn open(&mut self, segments: &mut [u8]) -> anyhow::Result<()> {
        for segment in segments.chunks_mut(SEALED_SEGMENT_BYTES) {
            let opened = self.key.open_in_place(nonce(&mut self.opened), Aad::empty(), segment);
            opened.map_err(|_| anyhow!("aws-lc did not open"))?;
        }
        Ok(())
    }
}

fn table(keyfold: Rates, raw: Rates, options: &Options) -> Table {
    let line =
        |work: &str, whose, samples, targets| Line { work: work.to_owned(), whose, unit: Unit::Rate, samples, targets };
    let target = |limit: &[f64]| vec![Target::times(0.85, "raw", median(limit))];
    let (seal, open) = (target(&raw.seal), target(&raw.open));
    Table {
        id: "3-memory".to_owned(),
        title: "In memory, segments of 64 KiB".to_owned(),
        note: format!(
            "One thread, in place, medians of {} turns of {} MiB, alternating. Limit: AES-256-GCM of aws-lc-rs, called \
             for each 64 KiB in the same process.",
            options.turns, options.mebibytes
        ),
        machine: Machine::this(),
        lines: vec![
            line("keyfold seals", Whose::Keyfold, keyfold.seal, seal),
            line("raw aws-lc-rs seals", Whose::Limit, raw.seal, Vec::new()),
            line("keyfold opens", Whose::Keyfold, keyfold.open, open),
            line("raw aws-lc-rs opens", Whose::Limit, raw.open, Vec::new()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_give_back_what_they_sealed() {
        let mut rates = Rates::default();
        let options = Options { mebibytes: 2, turns: 1 };
        turn(&mut Envelope::new().unwrap(), &options, &mut rates).unwrap();
        turn(&mut Raw::new().unwrap(), &options, &mut rates).unwrap();
        assert_eq!((rates.seal.len(), rates.open.len()), (2, 2));
    }
}
