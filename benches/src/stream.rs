//! A stream that no memory and no disk of this machine needs to hold: made on the fly, encrypted and decrypted by two
//! programs in a pipe, and compared as it comes out.

use crate::Arguments;
use crate::home::{Home, PURPOSE};
use crate::machine::Machine;
use crate::process::{self, Cost};
use crate::table::{Line, Table, Target, Unit, Whose, size};
use anyhow::{Context, ensure};
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Instant;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Length of the stream in MiB
    #[arg(long, default_value_t = Options::default().mebibytes)]
    mebibytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { mebibytes: 10 * 1024 }
    }
}

const BLOCK: usize = 1 << 20;

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    let home = Home::new(&arguments.keyfold)?;
    println!("Streaming {} MiB …", options.mebibytes);
    let start = Instant::now();
    let mut encrypt = home.command();
    encrypt.args(["encrypt", PURPOSE, "-", "-o", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut encrypting = encrypt.spawn()?;
    let sealed = encrypting.stdout.take().context("the output is piped")?;
    let mut input = encrypting.stdin.take().context("the input is piped")?;
    let mut decrypt = home.command();
    decrypt.args(["decrypt", "-", "-o", "-"]).stdin(sealed).stdout(Stdio::piped());
    let mut decrypting = decrypt.spawn()?;
    // The command holds the pipe's other end too.
    drop(decrypt);
    let mut output = decrypting.stdout.take().context("the output is piped")?;

    let blocks = options.mebibytes;
    let writing = std::thread::spawn(move || -> std::io::Result<()> {
        let mut block = block();
        for number in 0..blocks {
            stamp(&mut block, number);
            input.write_all(&block)?;
        }
        Ok(())
    });
    let (mut expected, mut read) = (block(), vec![0; BLOCK]);
    for number in 0..blocks {
        output.read_exact(&mut read).with_context(|| format!("the stream ended in MiB {number}"))?;
        stamp(&mut expected, number);
        ensure!(read == expected, "other bytes came back in MiB {number}");
    }
    ensure!(output.read(&mut read)? == 0, "more came back than was sent");
    writing.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let encrypted = process::finish(encrypting, start).context("keyfold encrypt")?;
    let decrypted = process::finish(decrypting, start).context("keyfold decrypt")?;
    table(encrypted, decrypted, options).keep(&arguments.samples)
}

fn block() -> Vec<u8> {
    (0..BLOCK as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Makes a block unlike all others, so that one in a wrong place is noticed.
fn stamp(block: &mut [u8], number: u64) {
    for (byte, stamp) in block.iter_mut().zip(number.to_le_bytes()) {
        *byte = stamp;
    }
}

fn table(encrypted: Cost, decrypted: Cost, options: &Options) -> Table {
    let bytes = options.mebibytes << 20;
    let line = |work: &str, unit, sample, targets| Line {
        work: work.to_owned(),
        whose: Whose::Keyfold,
        unit,
        samples: vec![sample],
        targets,
    };
    let memory = || vec![Target::at_most(64.0, Unit::Mebibytes)];
    Table {
        id: "2-stream".to_owned(),
        title: format!("A stream of {}", size(options.mebibytes)),
        note:
            "`keyfold encrypt KC - -o - | keyfold decrypt - -o -`, fed and compared on the fly, so that nothing of it \
               is stored. One run; both programs and the comparison share the machine."
                .to_owned(),
        machine: Machine::this(),
        lines: vec![
            line("keyfold encrypt", Unit::Mebibytes, encrypted.resident_mib(), memory()),
            line("keyfold decrypt", Unit::Mebibytes, decrypted.resident_mib(), memory()),
            line("keyfold encrypt", Unit::RatePerCpu, encrypted.rate_per_cpu(bytes), Vec::new()),
            line("keyfold decrypt", Unit::RatePerCpu, decrypted.rate_per_cpu(bytes), Vec::new()),
            line("both, through pipes", Unit::Rate, decrypted.rate(bytes), Vec::new()),
        ],
    }
}
