//! Ledgers as large as a town: a ban with rotation among ten thousand people, directly and by groups, beside what
//! OpenMLS takes to remove one of as many; and a complete keychain shared with one person, whatever it holds.

mod complete;
mod groups;
mod keychain;
mod openmls;
mod place;

use crate::Arguments;
use crate::chart::number;
use crate::crowd::Crowd;
use crate::machine::Machine;
use crate::table::{Bound, Line, Table, Target, Unit, Whose, median};
use groups::Division;
use openmls::Tree;
use place::Ban;
use std::time::Instant;

/// How many, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// People of the town
    #[arg(long, default_value_t = Options::default().people)]
    people: usize,
    /// Groups that they stand in, where they do
    #[arg(long, default_value_t = Options::default().groups)]
    groups: usize,
    /// People of an OpenMLS group of which each has sent a commit: more take too long to set up
    #[arg(long, default_value_t = Options::default().populated)]
    populated: usize,
    /// Bans, and removals
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { people: 10_000, groups: 100, populated: 1_000, turns: 5 }
    }
}

/// A team, for comparison.
const FEW: usize = 50;
/// Keys of the complete keychains.
const KEYS: [usize; 3] = [1, 20, 1_000];

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    let start = Instant::now();
    println!("Making keys for {} people …", options.people);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let crowd = runtime.block_on(Crowd::new(options.people))?;
    let at = |what: &str| println!("{:>5.0} s  {what}", start.elapsed().as_secs_f64());

    at("complete keychains");
    let shares = complete::measure(&runtime, &arguments.keyfold, &crowd, &KEYS, options.turns)?;
    shares_table(shares, options).keep(&arguments.samples)?;

    let mut keychains = Vec::new();
    for members in [FEW, options.people] {
        at(&format!("a keychain of {members}"));
        keychains.push(keychain::measure(&runtime, &arguments.keyfold, &crowd, members, options.turns)?);
    }
    at("a keychain of groups");
    let division = Division { groups: options.groups, size: options.people / options.groups };
    let in_groups = groups::measure(&runtime, &arguments.keyfold, &crowd, division, options.turns)?;
    drop(crowd);

    let mut peers = Vec::new();
    for (tree, people) in [(Tree::Blank, FEW), (Tree::Blank, options.people), (Tree::Populated, options.populated)] {
        at(&format!("OpenMLS with {people}"));
        peers.push((tree, people, openmls::measure(&arguments.openmls, tree, people, options.turns)?));
    }
    at("done");
    bans_table(keychains, (division, in_groups), peers, options).keep(&arguments.samples)
}

fn shares_table(shares: Vec<complete::Costs>, options: &Options) -> Table {
    let one = shares.first().map_or(f64::NAN, |one| median(&one.times));
    let like_one = || Target { bound: Bound::AtMost(1.5 * one), words: "as one key (≤ 1.5 ×)".to_owned() };
    let mut times = Vec::new();
    let mut sizes = Vec::new();
    for complete::Costs { keys, times: took, sent } in shares {
        let work = if keys == 1 { "1 key".to_owned() } else { format!("{} keys", count(keys)) };
        let targets = if keys == 1 { Vec::new() } else { vec![like_one()] };
        times.push(line(&work, Unit::Milliseconds, took, targets));
        sizes.push(line(&work, Unit::Kilobytes, sent, Vec::new()));
    }
    times.extend(sizes);
    Table {
        id: "5-town-keys".to_owned(),
        title: "A complete keychain, shared with one person".to_owned(),
        note: format!(
            "From the call to its end, over TCP on one machine, with a person who was looked up before; medians of {} \
             shares. One wrap opens the newest key, and history the others: before it grants that, the sharer's client \
             opens every link of it. Sent is what goes over the wire.",
            options.turns
        ),
        machine: Machine::this(),
        lines: times,
    }
}

fn bans_table(
    keychains: Vec<keychain::Costs>,
    (division, in_groups): (Division, Vec<Ban>),
    peers: Vec<(Tree, usize, openmls::Costs)>,
    options: &Options,
) -> Table {
    let (mut ours, mut theirs) = (Rows::default(), Rows::default());
    let mut reading = Vec::new();
    for keychain::Costs { members, reading: read, bans } in keychains {
        let most = if members == FEW { None } else { Some(2_500.0) };
        ours.bans(&format!("1 of {}", count(members)), &bans, most);
        let what = format!("keyfold: reads {} acceptances", count(members));
        reading.push(line(&what, Unit::Milliseconds, vec![read.wall_ms()], Vec::new()));
    }
    ours.bans(&format!("1 of {} × {}", division.groups, division.size), &in_groups, Some(100.0));
    for (tree, people, costs) in peers {
        let tree = match tree {
            Tree::Blank => "",
            Tree::Populated => ", full tree",
        };
        theirs.removals(&format!("1 of {}{tree}", count(people)), costs);
    }
    let mut lines = ours.times;
    lines.extend(theirs.times);
    lines.extend(ours.taking_in);
    lines.extend(theirs.taking_in);
    lines.extend(reading);
    for rows in [ours.sizes, theirs.sizes, ours.memory, theirs.memory] {
        lines.extend(rows);
    }
    Table {
        id: "5-town".to_owned(),
        title: "A ban in a town".to_owned(),
        note: note(division, options),
        machine: Machine::this(),
        lines,
    }
}

fn note(division: Division, options: &Options) -> String {
    format!(
        "One person is put out, and everybody else gets a new key: `keyfold ban` from its start to its end, on a \
         home that is up to date, with a server in a process beside it, which checks all of it and has it on the \
         disk. It is one entry and one request, all or nothing: 10,000 wraps are 12 MB, and a request has room for \
         24 MiB, which is enough for the 16,384 members that a keychain can have. {} × {}: of so many groups of so \
         many people, one is put out of one group, and the time ends when the keychain above has its new key too. \
         Takes in: `keyfold sync` of another member who was up to date before. Reads: that of one who joined first, \
         when all others have come in, their accounts included. The accounts, shares and answers of the people went \
         through the server as those of clients do, but they have no homes: their requests are signed by the \
         benchmark. Medians of {} bans, one after the other; memory is the most that was resident during one. Peer: \
         OpenMLS {} with X25519, Ed25519 and AES-128 (Keyfold wraps to X-Wing, which is post-quantum), on all \
         cores, in memory alone, without a server or a disk: the commit made and taken over, and processed by \
         another. One member has added all others and nobody has written since; full tree: everybody has sent a \
         commit, the best case, here with as many people as can be set up in a minute or two. Its memory is that of \
         two members.",
        division.groups,
        division.size,
        options.turns,
        openmls::VERSION,
    )
}

/// Lines of one party, by what they count.
#[derive(Default)]
struct Rows {
    times: Vec<Line>,
    taking_in: Vec<Line>,
    sizes: Vec<Line>,
    memory: Vec<Line>,
}

impl Rows {
    /// `most`: milliseconds of the banning client's CPU.
    fn bans(&mut self, of: &str, bans: &[Ban], most: Option<f64>) {
        let each = |what: fn(&Ban) -> f64| bans.iter().map(what).collect::<Vec<_>>();
        let target = most.map(|most| Target::at_most(most, Unit::Milliseconds)).into_iter().collect();
        let ms = Unit::Milliseconds;
        self.times.push(line(&format!("keyfold: bans {of}"), ms, each(|ban| ban.banning.wall_ms()), Vec::new()));
        self.times.push(line(&format!("… its CPU time, {of}"), ms, each(|ban| ban.banning.cpu_ms()), target));
        let taking_in = each(|ban| ban.taking_in.wall_ms());
        self.taking_in.push(line(&format!("keyfold: takes in, {of}"), ms, taking_in, Vec::new()));
        let sent = each(|ban| ban.sent as f64 / 1e3);
        self.sizes.push(line(&format!("keyfold: sends, {of}"), Unit::Kilobytes, sent, Vec::new()));
        let mut memory =
            |whose: &str, mib| self.memory.push(line(&format!("{whose}, {of}"), Unit::Mebibytes, mib, Vec::new()));
        memory("keyfold: client", each(|ban| ban.banning.resident_mib()));
        memory("keyfold: other member", each(|ban| ban.taking_in.resident_mib()));
        memory("keyfold: server", each(|ban| ban.server_mib));
    }

    fn removals(&mut self, of: &str, costs: openmls::Costs) {
        let peer = |work: &str, unit, samples| Line {
            whose: Whose::Peer,
            ..line(&format!("OpenMLS: {work} {of}"), unit, samples, Vec::new())
        };
        self.times.push(peer("removes", Unit::Milliseconds, costs.commit_ms));
        self.taking_in.push(peer("takes in,", Unit::Milliseconds, costs.process_ms));
        let kilobytes = costs.commit_bytes.iter().map(|bytes| bytes / 1e3).collect();
        self.sizes.push(peer("sends,", Unit::Kilobytes, kilobytes));
        self.memory.push(peer("two members,", Unit::Mebibytes, vec![costs.peak_kib / 1024.0]));
    }
}

/// A number of people or keys, as people write it.
fn count(number_of: usize) -> String {
    if number_of < 100 { number_of.to_string() } else { number(number_of as f64) }
}

fn line(work: &str, unit: Unit, samples: Vec<f64>, targets: Vec<Target>) -> Line {
    Line { work: work.to_owned(), whose: Whose::Keyfold, unit, samples, targets }
}
