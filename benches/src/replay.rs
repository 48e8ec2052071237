//! Replay of a long ledger: from nothing, as a client does that meets a keychain for the first time, and from the
//! state that it kept. The ledger is real: every entry is signed, and every rule is checked.

use crate::Arguments;
use crate::machine::Machine;
use crate::person::Person;
use crate::table::{Line, Table, Target, Unit, Whose};
use anyhow::Context;
use keyfold_core::MasterKey;
use keyfold_core::keychain::{KeySite, KeyWithHistory};
use keyfold_format::account;
use keyfold_format::entry::SignedEntry;
use keyfold_format::label::SignatureLabel;
use keyfold_format::scope::{
    Algorithm, CancelShare, Entry, Genesis, KEYCHAIN_RANK, KeySet, Ledger, Op, Placed, Principal, Rotate, ScopeEntry,
    Share, binding,
};
use keyfold_format::{EntryHash, Name, Permissions, ScopeId};
use rand_core::UnwrapErr;
use std::collections::BTreeMap;
use std::time::Instant;

/// How long, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Entries of the ledger
    #[arg(long, default_value_t = Options::default().entries)]
    entries: usize,
    /// Replays
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { entries: 10_000, turns: 9 }
    }
}

/// Members besides the owner.
const MEMBERS: usize = 50;
/// One entry in so many makes a new key; between them, shares are offered and cancelled.
const ROTATION: usize = 10;
const TIME: u64 = 1_800_000_000_000;

type Accounts = BTreeMap<ScopeId, account::Ledger>;

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    println!("Writing a ledger of {} entries …", options.entries);
    let (entries, accounts) = ledger(options.entries)?;
    let snapshot = Ledger::replay(&entries, &accounts)?.to_snapshot();
    let (mut from_nothing, mut from_state) = (Vec::new(), Vec::new());
    for _ in 0..options.turns {
        let start = Instant::now();
        let replayed = Ledger::replay(&entries, &accounts)?;
        from_nothing.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let read = Ledger::from_snapshot(&snapshot)?;
        from_state.push(start.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(read == replayed, "the kept state is another than the replayed one");
    }
    let line = |work: &str, samples, most| Line {
        work: work.to_owned(),
        whose: Whose::Keyfold,
        unit: Unit::Milliseconds,
        samples,
        targets: vec![Target::at_most(most, Unit::Milliseconds)],
    };
    Table {
        id: "5-replay".to_owned(),
        title: format!("Replay of a ledger of {} entries", options.entries),
        note: format!(
            "A keychain with {MEMBERS} members besides its owner; one entry in {ROTATION} makes a new key, the others \
             offer and cancel shares. Every signature and rule is checked; medians of {} turns on one core.",
            options.turns
        ),
        machine: Machine::this(),
        lines: vec![line("from nothing", from_nothing, 800.0), line("from the kept state", from_state, 1.0)],
    }
    .keep(&arguments.samples)
}

/// The owner, and the ledger as it grows.
struct Keychain {
    owner: Person,
    accounts: Accounts,
    entries: Vec<SignedEntry>,
    ledger: Ledger,
    site: KeySite,
    name: Name,
    newest: KeyWithHistory,
}

/// A ledger of `length` entries, and the accounts that it cites.
fn ledger(length: usize) -> anyhow::Result<(Vec<SignedEntry>, Accounts)> {
    let people =
        (0..=MEMBERS).map(|number| Person::new(&format!("member{number}"), TIME)).collect::<Result<Vec<_>, _>>()?;
    let mut keychain = Keychain::new(Person::new("alice", TIME)?, &people)?;
    let (stranger, members) = people.split_last().context("there are people")?;
    for member in members {
        keychain.share(member)?;
        keychain.accept(member)?;
    }
    while keychain.entries.len() < length {
        match keychain.entries.len() {
            number if number.is_multiple_of(ROTATION) => keychain.rotate()?,
            _ if keychain.ledger.pending().is_empty() => keychain.share(stranger)?,
            _ => keychain.cancel(stranger)?,
        }
    }
    keychain.entries.truncate(length);
    Ok((keychain.entries, keychain.accounts))
}

impl Keychain {
    fn new(owner: Person, people: &[Person]) -> anyhow::Result<Self> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let accounts: Accounts =
            people.iter().chain([&owner]).map(|person| (person.id(), person.account.clone())).collect();
        let (nonce, name) = (*MasterKey::generate(&mut rng).expose(), Name::new("bench")?);
        let algorithm = Algorithm::SecretBox;
        let site = KeySite { binding: binding(owner.id(), &nonce), number: 1, algorithm };
        let (newest, key) = site.generate(&name, None, &mut rng)?;
        let genesis = ScopeEntry::Ordinary(Entry {
            group: false,
            scope: None,
            seq: 0,
            prev: None,
            author: owner.id(),
            via: Vec::new(),
            cites: vec![owner.cite()],
            time: TIME,
            ops: vec![Op::Genesis(Genesis { nonce, algorithm, rank: KEYCHAIN_RANK, key })],
        });
        let genesis = owner.sign(SignatureLabel::Entry, &genesis);
        let ledger = Ledger::genesis(&genesis, &accounts)?;
        Ok(Self { owner, accounts, entries: vec![genesis], ledger, site, name, newest })
    }

    /// The owner's next entry; it cites him, and `other` if it concerns somebody.
    fn append(&mut self, op: Op, other: Option<&Person>) -> anyhow::Result<()> {
        let mut cites: Vec<_> = other.map(Person::cite).into_iter().chain([self.owner.cite()]).collect();
        cites.sort_by_key(|cite| cite.principal);
        let head = self.ledger.head();
        let entry = ScopeEntry::Ordinary(Entry {
            group: false,
            scope: Some(self.ledger.id()),
            seq: head.seq + 1,
            prev: Some(head.hash),
            author: self.owner.id(),
            via: Vec::new(),
            cites,
            time: TIME,
            ops: vec![op],
        });
        self.push(self.owner.sign(SignatureLabel::Entry, &entry))
    }

    fn push(&mut self, entry: SignedEntry) -> anyhow::Result<()> {
        self.ledger.append(&entry, &self.accounts)?;
        self.entries.push(entry);
        Ok(())
    }

    fn share(&mut self, with: &Person) -> anyhow::Result<()> {
        let share = Share {
            principals: vec![Principal::Account(with.id())],
            keys: KeySet::one(self.ledger.current_key()),
            permissions: Permissions::NONE,
            follows: true,
            history: None,
            read_only: false,
            expires_at: None,
        };
        self.append(Op::Share(share), Some(with))
    }

    fn accept(&mut self, who: &Person) -> anyhow::Result<()> {
        let answers = self.offer(who);
        let (scope, author) = (self.ledger.id(), who.cite());
        let placed = Placed { group: false, scope, answers, author, time: TIME, op: Op::Accept };
        self.push(who.sign(SignatureLabel::PlacedEntry, &ScopeEntry::Placed(placed)))
    }

    fn cancel(&mut self, with: &Person) -> anyhow::Result<()> {
        let (share, principal) = (self.offer(with), with.id());
        self.append(Op::CancelShare(CancelShare { share, principal }), None)
    }

    fn offer(&self, to: &Person) -> EntryHash {
        self.ledger.pending().get(&to.id()).map_or(EntryHash::NONE, |share| share.entry)
    }

    fn rotate(&mut self) -> anyhow::Result<()> {
        self.site.number += 1;
        let mut rng = UnwrapErr(getrandom::SysRng);
        let (newest, key) = self.site.generate(&self.name, Some(&self.newest), &mut rng)?;
        self.newest = newest;
        self.append(Op::Rotate(Rotate { key }), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_is_as_long_as_asked_and_valid() {
        let (entries, accounts) = ledger(200).unwrap();
        let ledger = Ledger::replay(&entries, &accounts).unwrap();
        assert_eq!((entries.len(), ledger.head().seq), (200, 199));
        assert_eq!(ledger.members().len(), MEMBERS + 1);
        assert!(ledger.current_key() > 5);
    }
}
