//! A large file, encrypted and decrypted from file to file, beside rage and `cp`. The programs take turns, so that
//! whatever else the machine does meets all of them.

use crate::Arguments;
use crate::home::{Home, PURPOSE};
use crate::machine::Machine;
use crate::process::{self, Cost};
use crate::table::{Line, Table, Target, Unit, Whose, median, size};
use anyhow::{Context, ensure};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How much, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Size of the file in MiB
    #[arg(long, default_value_t = Options::default().mebibytes)]
    mebibytes: u64,
    /// Turns of each program
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { mebibytes: 1024, turns: 5 }
    }
}

/// One program's part in a turn.
struct Work {
    name: &'static str,
    whose: Whose,
    command: Box<dyn Fn() -> Command>,
    /// What it writes; removed before it starts.
    output: PathBuf,
    costs: Vec<Cost>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    let home = Home::new(&arguments.keyfold)?;
    let folder = tempfile::Builder::new().prefix("bulk-").tempdir_in(&arguments.samples)?;
    let plain = folder.path().join("plain");
    println!("Writing {} MiB …", options.mebibytes);
    write_plain(&plain, options.mebibytes)?;
    let mut works = works(arguments, &home, &plain, folder.path())?;
    for turn in 1..=options.turns {
        println!("Turn {turn} of {} …", options.turns);
        for work in &mut works {
            work.turn()?;
            if turn == 1 && work.name.ends_with("decrypt") {
                ensure!(are_equal(&plain, &work.output)?, "{} gave back other bytes", work.name);
            }
        }
    }
    table(&works, options).keep(&arguments.samples)
}

/// Who takes turns, and in which order: what one decrypts, it encrypted before.
fn works(arguments: &Arguments, home: &Home, plain: &Path, folder: &Path) -> anyhow::Result<Vec<Work>> {
    let path = |name: &str| folder.join(name);
    let identity = path("identity");
    let rage = arguments.peers.join("rage");
    let recipient = rage_recipient(&arguments.peers.join("rage-keygen"), &identity)?;
    let command = |program: &Path, parts: Vec<&std::ffi::OsStr>| {
        let (program, parts) = (program.to_owned(), parts.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>());
        Box::new(move || {
            let mut command = Command::new(&program);
            command.args(&parts).stdin(Stdio::null()).stdout(Stdio::null());
            command
        })
    };
    let keyfold = |verb: &[&str], input: &Path, output: &Path| {
        let mut base = home.command();
        base.args(verb).arg(input).arg("-o").arg(output);
        command(&arguments.keyfold, base.get_args().collect())
    };
    let work = |name, whose, command, output| Work { name, whose, command, output, costs: Vec::new() };
    let (sealed, opened) = (path("keyfold.sealed"), path("keyfold.opened"));
    let (rage_sealed, rage_opened) = (path("rage.sealed"), path("rage.opened"));
    let copy = path("copy");
    let encrypt = command(
        &rage,
        ["-r".as_ref(), recipient.as_ref(), "-o".as_ref(), rage_sealed.as_os_str(), plain.as_os_str()].to_vec(),
    );
    let decrypt = command(
        &rage,
        [
            "-d".as_ref(),
            "-i".as_ref(),
            identity.as_os_str(),
            "-o".as_ref(),
            rage_opened.as_os_str(),
            rage_sealed.as_os_str(),
        ]
        .to_vec(),
    );
    let cp = command(Path::new("cp"), ["--reflink=never".as_ref(), plain.as_os_str(), copy.as_os_str()].to_vec());
    Ok(vec![
        work("keyfold encrypt", Whose::Keyfold, keyfold(&["encrypt", PURPOSE], plain, &sealed), sealed.clone()),
        work("keyfold decrypt", Whose::Keyfold, keyfold(&["decrypt"], &sealed, &opened), opened),
        work("rage encrypt", Whose::Peer, encrypt, rage_sealed.clone()),
        work("rage decrypt", Whose::Peer, decrypt, rage_opened),
        work("cp", Whose::Limit, cp, copy),
    ])
}

impl Work {
    fn turn(&mut self) -> anyhow::Result<()> {
        if self.output.exists() {
            std::fs::remove_file(&self.output)?;
        }
        self.costs.push(process::run(&mut (self.command)())?);
        // What is left to write would be written while the next one is measured.
        File::open(&self.output)?.sync_all()?;
        Ok(())
    }

    fn line(&self, unit: Unit, sample: impl Fn(&Cost) -> f64) -> Line {
        let samples = self.costs.iter().map(sample).collect();
        Line { work: self.name.to_owned(), whose: self.whose, unit, samples, targets: Vec::new() }
    }
}

/// Speed by the clock and by CPU time, and memory. Each rate is held against the peers' in the same unit.
fn table(works: &[Work], options: &Options) -> Table {
    let bytes = options.mebibytes << 20;
    let mut lines = Vec::new();
    for (unit, rate) in [(Unit::RatePerCpu, Cost::rate_per_cpu as fn(&Cost, u64) -> f64), (Unit::Rate, Cost::rate)] {
        let mut of_unit: Vec<_> = works.iter().map(|work| work.line(unit, |cost| rate(cost, bytes))).collect();
        let of = |name: &str| {
            let line = of_unit.iter().find(|line| line.work == name);
            line.map_or(f64::NAN, |line| median(&line.samples))
        };
        let targets = |peer: &str| vec![Target::times(2.5, peer, of(peer)), Target::times(0.7, "cp", of("cp"))];
        let (encrypt, decrypt) = (targets("rage encrypt"), targets("rage decrypt"));
        for (name, targets) in [("keyfold encrypt", encrypt), ("keyfold decrypt", decrypt)] {
            if let Some(line) = of_unit.iter_mut().find(|line| line.work == name) {
                line.targets = targets;
            }
        }
        lines.append(&mut of_unit);
    }
    for work in works.iter().filter(|work| work.whose != Whose::Limit) {
        let mut line = work.line(Unit::Mebibytes, Cost::resident_mib);
        if work.whose == Whose::Keyfold {
            line.targets = vec![Target::at_most(64.0, Unit::Mebibytes)];
        }
        lines.push(line);
    }
    Table {
        id: "1-bulk".to_owned(),
        title: format!("A file of {}, from file to file", size(options.mebibytes)),
        note: format!(
            "Medians of {} turns; the programs take turns, and what one wrote is on the disk before the next starts. \
             CPU time is user and system time of all threads; memory is the most that was resident. Peer: rage 0.12.1 \
             with one X25519 recipient; limit: `cp`.",
            options.turns
        ),
        machine: Machine::this(),
        lines,
    }
}

/// Makes an identity for rage, and returns its recipient.
fn rage_recipient(keygen: &Path, identity: &Path) -> anyhow::Result<String> {
    let output = Command::new(keygen).arg("-o").arg(identity).output().context("rage-keygen did not start")?;
    ensure!(output.status.success(), "rage-keygen: {}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(identity)?;
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    Ok(recipient.context("rage-keygen names no public key")?.to_owned())
}

/// Bytes that no file system can make smaller: xorshift, which is as fast as the disk.
fn write_plain(path: &Path, mebibytes: u64) -> anyhow::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..mebibytes << 17 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

fn are_equal(a: &Path, b: &Path) -> anyhow::Result<bool> {
    let mut a = BufReader::new(File::open(a)?);
    let mut b = BufReader::new(File::open(b)?);
    let (mut from_a, mut from_b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let len = a.read(&mut from_a)?;
        let (Some(from_a), Some(from_b)) = (from_a.get(..len), from_b.get_mut(..len)) else { return Ok(false) };
        if len == 0 {
            return Ok(b.read(&mut [0])? == 0);
        }
        if b.read_exact(from_b).is_err() || from_a != from_b {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_differ_by_a_byte_or_by_their_length() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let long = vec![7; 3 << 20];
        let mut changed = long.clone();
        changed[(2 << 20) + 5] = 8;
        let a = file("a", &long);
        assert!(are_equal(&a, &file("same", &long)).unwrap());
        assert!(!are_equal(&a, &file("changed", &changed)).unwrap());
        assert!(!are_equal(&a, &file("shorter", &long[1..])).unwrap());
        assert!(!are_equal(&file("shorter", &long[1..]), &a).unwrap());
    }

    #[test]
    fn the_file_has_the_size_that_was_asked_for_and_does_not_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain");
        write_plain(&path, 2).unwrap();
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.len(), 2 << 20);
        assert_ne!(bytes[..1 << 20], bytes[1 << 20..]);
    }
}
