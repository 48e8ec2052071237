//! The index beside other ordered tables, in Rust, in C, encrypted and not: what it costs the processor, what it stores, and
//! how long it takes on storage that is far away. All parties take turns; each turn builds everything anew.

mod afar;
mod costs;
mod cpu;
mod entries;
mod limit;
mod line;
mod member;
mod naive;
mod near;
mod peers;

use crate::Arguments;
use crate::chart::number;
use crate::machine::Machine;
use crate::table::{Bound, Line, Table, Target, Unit, Whose};
use costs::{Afar, Costs};
use naive::Naive;
use peers::PEERS;
use std::time::Instant;

/// How much, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Entries of the index
    #[arg(long, default_value_t = Options::default().entries)]
    entries: u64,
    /// Entries where single ones are read
    #[arg(long, default_value_t = Options::default().few)]
    few: u64,
    /// Turns of each
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
    /// Keyfold only, while it is worked on
    #[arg(long)]
    alone: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { entries: 1_000_000, few: 100_000, turns: 5, alone: false }
    }
}

/// What was measured.
#[derive(Default)]
struct Measured {
    keyfold: Vec<Costs>,
    peers: Vec<(&'static str, Vec<Costs>)>,
    limit: Vec<f64>,
    commits_afar: Vec<f64>,
    naive: Option<Naive>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let start = Instant::now();
    let at = |what: &str, turn: usize| println!("{:>5.0} s  {what}, turn {turn}", start.elapsed().as_secs_f64());
    let peers = if options.alone { &[][..] } else { &PEERS };
    let mut measured =
        Measured { peers: peers.iter().map(|peer| (peer.name(), Vec::new())).collect(), ..Measured::default() };
    for turn in 1..=options.turns {
        at("Keyfold", turn);
        let (mut costs, loaded) = runtime.block_on(near::measure(options))?;
        measured.limit.push(limit::scan_ms(loaded.store.stored().1)?);
        let afar = afar::measure(&loaded, options.entries, turn as u64, &mut costs);
        measured.commits_afar.push(runtime.block_on(afar)?);
        measured.keyfold.push(costs);
        for (peer, (name, costs)) in peers.iter().zip(&mut measured.peers) {
            at(name, turn);
            costs.push(peer.measure(&arguments.programs, &arguments.samples, options)?);
        }
    }
    at("one blob, and one row per entry", 1);
    measured.naive = Some(runtime.block_on(naive::measure(options.entries))?);
    near_table(&measured, options).keep(&arguments.samples)?;
    afar_table(&measured, options).keep(&arguments.samples)
}

impl Measured {
    /// Lines of one work: Keyfold's, and of each peer that does it.
    fn lines(&self, work: &str, unit: Unit, target: Option<Target>, cost: impl Fn(&Costs) -> Option<f64>) -> Vec<Line> {
        let all =
            std::iter::once(("Keyfold", &self.keyfold)).chain(self.peers.iter().map(|(name, costs)| (*name, costs)));
        let mut targets: Vec<_> = target.into_iter().collect();
        let lines = all.map(|(name, costs)| Line {
            work: format!("{work}: {name}"),
            whose: if name == "Keyfold" { Whose::Keyfold } else { Whose::Peer },
            unit,
            samples: costs.iter().filter_map(&cost).collect(),
            targets: std::mem::take(&mut targets),
        });
        lines.filter(|line| !line.samples.is_empty()).collect()
    }
}

fn near_table(measured: &Measured, options: &Options) -> Table {
    let at_most = |most, unit| Some(Target::at_most(most, unit));
    let live_mb = options.entries as f64 * (entries::KEY + entries::VALUE) as f64 / 1e6;
    let churned = Target { bound: Bound::AtMost(1.6 * live_mb), words: "≤ 1.6 × keys and values".to_owned() };
    // A unit of its own for each, so that each has a chart.
    let mut scan =
        measured.lines("full scan", Unit::Milliseconds, at_most(120.0, Unit::Milliseconds), |costs| costs.scan_ms);
    let limit = Line {
        work: "limit: only BLAKE3, HKDF and AES".to_owned(),
        whose: Whose::Limit,
        unit: Unit::Milliseconds,
        samples: measured.limit.clone(),
        targets: Vec::new(),
    };
    let of_limit = scan.first().map_or(f64::NAN, Line::median) / limit.median();
    scan.push(limit);
    let lines = [
        measured.lines("point read", Unit::Nanoseconds, at_most(1_500.0, Unit::Nanoseconds), |costs| costs.point_ns),
        measured.lines("range of 1,000", Unit::Microseconds, at_most(40.0, Unit::Microseconds), |costs| costs.range_us),
        scan,
        measured.lines("bulk load", Unit::Seconds, at_most(1.0, Unit::Seconds), |costs| costs.load_s),
        measured.lines("as many changes", Unit::Seconds, None, |costs| costs.churn_s),
        measured.lines("stored", Unit::Megabytes, at_most(135.0, Unit::Megabytes), |costs| costs.stored_mb),
        measured.lines("behind changes", Unit::Megabytes, Some(churned), |costs| costs.churned_mb),
        measured.lines("8 writers", Unit::Commits, None, |costs| costs.commits_per_s),
    ];
    Table {
        id: "9-index".to_owned(),
        title: "An encrypted index, at hand".to_owned(),
        note: near_note(options, of_limit),
        machine: Machine::this(),
        lines: lines.into_iter().flatten().collect(),
    }
}

fn near_note(options: &Options, of_limit: f64) -> String {
    format!(
        "{} entries with keys of 16 bytes, in no order, and values of 100 that nothing makes smaller; for point reads and \
         writers {}. Times are CPU time of all threads, so that others on the machine do not count; medians of {} turns, in \
         which all parties take theirs. Point reads and ranges (of 50 places): what was read before. Full scan: Keyfold \
         fetches, checks and decrypts every node each time, from storage in memory; redb, SQLite and SQLCipher read \
         their file a second time, with pages in memory. Limit: the same bytes hashed by BLAKE3 and decrypted by aws-lc-rs, \
         with a key derived for each node, and nothing else; Keyfold takes {} times that. Bulk load: one batch or \
         transaction (SlateDB: batches of {}, and its tables are sorted and compacted later). As many changes: a third each \
         overwrites, deletes and adds, in batches of {}; Keyfold deletes what it replaced. What is stored then is held against \
         16 + 100 bytes an entry. 8 writers: one entry a commit, by 8 threads at once, each a client of its own that signs \
         its commits and checks those of the others; nobody waits for a disk, and the entries are counted afterwards. Peers: \
         {}; none but SQLCipher and Keyfold encrypts.",
        number(options.entries as f64),
        number(options.few as f64),
        options.turns,
        number(of_limit),
        number(entries::BATCH as f64),
        number(entries::BATCH as f64),
        peers::VERSIONS,
    )
}

/// A work from afar: what it costs, and what time and requests must reach.
type Work = (&'static str, fn(&Costs) -> Option<Afar>, Option<Target>, Option<Target>);

fn afar_table(measured: &Measured, options: &Options) -> Table {
    let ms = |most| Some(Target::at_most(most, Unit::Milliseconds));
    let requests = |most| Some(Target::at_most(most, Unit::Requests));
    let works: [Work; 5] = [
        ("opened, 1 entry", |costs| costs.cold_point, ms(66.0), None),
        ("interiors cached, 1 entry", |costs| costs.cached_point, ms(21.0), None),
        ("opened, range of 1,000", |costs| costs.cold_range, ms(80.0), None),
        ("1 insert", |costs| costs.insert, ms(21.0), requests(1.0)),
        ("1,000 scattered inserts", |costs| costs.inserts, ms(55.0), requests(2.0)),
    ];
    let (mut times, mut counts) = (Vec::new(), Vec::new());
    for (work, cost, time, count) in works {
        times.extend(measured.lines(work, Unit::Milliseconds, time, |costs| Some(cost(costs)?.ms)));
        counts.extend(measured.lines(work, Unit::Requests, count, |costs| cost(costs)?.requests));
    }
    for (work, cost) in measured.naive.iter().flat_map(|naive| {
        [
            ("one blob, 1 entry", naive.blob_point),
            ("one blob, 1 insert", naive.blob_insert),
            ("a row per entry, 1 entry", naive.rows_point),
        ]
    }) {
        let line = |unit, sample| Line {
            work: work.to_owned(),
            whose: Whose::Peer,
            unit,
            samples: vec![sample],
            targets: Vec::new(),
        };
        times.push(line(Unit::Milliseconds, cost.ms));
        counts.extend(cost.requests.map(|requests| line(Unit::Requests, requests)));
    }
    let writers = measured.commits_afar.clone();
    let writers = Line {
        work: "8 writers: Keyfold".to_owned(),
        whose: Whose::Keyfold,
        unit: Unit::Commits,
        samples: writers,
        targets: Vec::new(),
    };
    Table {
        id: "9-index-storage".to_owned(),
        title: "An encrypted index, far away".to_owned(),
        note: format!(
            "The same entries, {}, on storage whose every request takes 20 ms, and 100 Mbit/s in both directions: what waits \
             is a store in memory that sleeps. Medians of {} turns, in which all parties take theirs; requests are those that \
             follow each other, many objects in one. Opened: by a client that knows nothing of it. SlateDB does not wait for \
             the bytes that it puts; it is read by its `DbReader`. SQLite's and SQLCipher's are what they read of their file, \
             each read taken as a request. What everybody thinks of first, once: the whole table in one encrypted object, and \
             one encrypted row per entry, fetched 1,000 at a time and filtered by the client.",
            number(options.entries as f64),
            options.turns,
        ),
        machine: Machine::this(),
        lines: times.into_iter().chain(counts).chain([writers]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More leaves than are read before what is measured.
    const ENTRIES: u64 = 60_000;

    fn options() -> Options {
        Options { entries: ENTRIES, few: 3_000, turns: 1, alone: true }
    }

    #[test]
    fn every_work_is_done_and_has_its_line() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (mut costs, loaded) = runtime.block_on(near::measure(&options())).unwrap();
        runtime.block_on(afar::measure(&loaded, ENTRIES, 1, &mut costs)).unwrap();
        let peers = vec![("redb", vec![Costs { point_ns: Some(1.0), ..Costs::default() }])];
        let measured = Measured { keyfold: vec![costs], peers, ..Measured::default() };
        let works = |table: Table| table.lines.into_iter().map(|line| line.work).collect::<Vec<_>>();
        let near = works(near_table(&measured, &options()));
        assert_eq!(near.iter().filter(|work| work.ends_with("Keyfold")).count(), 8, "{near:?}");
        assert_eq!(
            near.iter().filter(|work| work.ends_with("redb")).count(),
            1,
            "what it does not do is left out: {near:?}"
        );
        let afar = afar_table(&measured, &options());
        let requests =
            afar.lines.iter().filter(|line| line.unit == Unit::Requests).map(Line::median).collect::<Vec<_>>();
        assert!(requests.len() == 5 && requests.iter().all(|requests| *requests >= 1.0), "{requests:?}");
    }

    #[test]
    fn changes_leave_as_many_entries_as_they_say() {
        let mut entries: std::collections::BTreeSet<_> = (0..1_000).map(entries::key).collect();
        assert_eq!(entries.len(), 1_000, "no two keys are one");
        for (key, value) in entries::churn(1_000) {
            if value.is_some() {
                entries.insert(key)
            } else {
                entries.remove(&key)
            };
        }
        assert_eq!(entries.len() as u64, entries::churned(1_000));
    }
}
