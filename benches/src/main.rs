//! Benchmarks, run by `cargo xtask bench`. Each measures Keyfold and its peers in one go, alternating, because the
//! machine is never quite alone: ratios hold where seconds do not. The raw samples go to `target/bench/`, tables and
//! charts to `docs/`. A number is reported, never judged by a test: one that misses its target is printed as missed.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod bulk;
mod chart;
mod crowd;
mod devices;
mod home;
mod index;
mod machine;
mod memory;
mod person;
mod process;
mod relay;
mod replay;
mod report;
mod sharing;
mod stream;
mod table;
mod town;
mod web;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Measures Keyfold beside its peers
#[derive(Parser)]
struct Arguments {
    /// The program `keyfold`, as it is handed out
    #[arg(long, global = true, default_value = "target/release/keyfold")]
    keyfold: PathBuf,
    /// The folder with `rage` and `rage-keygen`
    #[arg(long, global = true, default_value = "target/peers/bin")]
    peers: PathBuf,
    /// The program in `benches/peers/openmls`
    #[arg(long, global = true, default_value = "target/peers/openmls/release/keyfold-peer-openmls")]
    openmls: PathBuf,
    /// The folder with the programs of `benches/peers/tables`
    #[arg(long, global = true, default_value = "target/peers")]
    programs: PathBuf,
    /// Where raw samples and large files go
    #[arg(long, global = true, default_value = "target/bench")]
    samples: PathBuf,
    /// Where `numbers.md` and its charts go
    #[arg(long, global = true, default_value = "docs")]
    docs: PathBuf,
    /// What to measure; everything, if not said
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Encrypt and decrypt a large file, beside rage and cp
    Bulk(bulk::Options),
    /// Encrypt and decrypt an endless stream in constant memory
    Stream(stream::Options),
    /// Seal and open in memory, beside raw AES-256-GCM
    Memory(memory::Options),
    /// Share with people who are online
    Sharing(sharing::Options),
    /// Let devices in, put one out, come back
    Devices(devices::Options),
    /// Replay a long ledger
    Replay(replay::Options),
    /// Ban one of ten thousand, beside OpenMLS
    Town(town::Options),
    /// Read and write an encrypted index, beside redb, SQLite, SQLCipher and SlateDB
    Index(index::Options),
    /// Measure the TypeScript client in Chromium and Node, beside WebCrypto and libsodium.js
    Web(web::Options),
    /// Write the tables and charts of what was measured
    Report,
    /// Run a program and print what it cost
    #[command(hide = true)]
    Cost {
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.samples)?;
    match &arguments.what {
        Some(What::Bulk(options)) => bulk::run(&arguments, options)?,
        Some(What::Stream(options)) => stream::run(&arguments, options)?,
        Some(What::Memory(options)) => memory::run(&arguments, options)?,
        Some(What::Sharing(options)) => sharing::run(&arguments, options)?,
        Some(What::Devices(options)) => devices::run(&arguments, options)?,
        Some(What::Replay(options)) => replay::run(&arguments, options)?,
        Some(What::Town(options)) => town::run(&arguments, options)?,
        Some(What::Index(options)) => index::run(&arguments, options)?,
        Some(What::Web(options)) => web::run(&arguments, options)?,
        Some(What::Report) => {}
        Some(What::Cost { command }) => return process::print_cost(command),
        None => {
            bulk::run(&arguments, &bulk::Options::default())?;
            stream::run(&arguments, &stream::Options::default())?;
            memory::run(&arguments, &memory::Options::default())?;
            sharing::run(&arguments, &sharing::Options::default())?;
            devices::run(&arguments, &devices::Options::default())?;
            replay::run(&arguments, &replay::Options::default())?;
            town::run(&arguments, &town::Options::default())?;
            index::run(&arguments, &index::Options::default())?;
            web::run(&arguments, &web::Options::default())?;
        }
    }
    report::write(&arguments.samples, &arguments.docs)
}
