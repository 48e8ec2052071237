//! Audit files: what they prove, and that nothing can be altered in them. As vectors, too.
//!
//! `cargo test -p keyfold-format --test audit -- --ignored` writes `vectors/audit/` anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod company;
mod household;
mod people;
mod town;

use company::{BOB, Company, at, in_a_circle, key, of_town, public, receipt};
use ed25519_dalek::SigningKey;
use household::{Account, Do};
use keyfold_format::{
    EntryHash, Malformed, Permissions, Rejected, ScopeId,
    audit::{AuditFile, Evidence, History, NotEvidence, Step, Unproved},
    entry::{Head, SignedEntry},
    receipt::Receipt,
    scope::Kind,
};
use people::World;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// What alice and bob would have seen, had the server shown each of them another world.
struct Forked {
    server: SigningKey,
    alice: World,
    bob: World,
}

impl Forked {
    /// Both have three entries. Then alice rotates once and bob twice, each in a world of his own.
    fn new() -> Self {
        let world = || World::with_bob(Permissions::ROTATION);
        let alice = world().after(|w| &w.alice, |_| vec![people::rotate(2, true)]);
        let mut bob = world();
        for number in 2..=3 {
            let entry = bob.bob.sign(&bob.bob.entry(&bob.ledger, vec![people::rotate(number, number == 3)], &[]));
            bob.append(entry).unwrap();
        }
        Self { server: key("server"), alice, bob }
    }

    fn history(&self, world: &World) -> History {
        let mut accounts: Vec<Vec<SignedEntry>> =
            [&world.alice, &world.bob].map(|person| vec![person.genesis.clone()]).into();
        accounts.sort_by_key(|ledger| ledger[0].scope_id());
        let receipt = receipt(&self.server, world.ledger.id(), world.head());
        History { server: public(&self.server), receipt, entries: world.entries.clone(), accounts, groups: vec![] }
    }

    fn receipts(&self) -> [Receipt; 2] {
        [&self.alice, &self.bob].map(|world| receipt(&self.server, world.ledger.id(), world.head()))
    }

    fn evidence(&self) -> Evidence {
        let [alice, bob] = self.receipts();
        Evidence::find(&public(&self.server), &alice, &bob, &self.bob.entries).unwrap()
    }
}

fn proves(file: &AuditFile) -> bool {
    match file {
        AuditFile::History(history) => history.verify(|_| ()).is_ok(),
        AuditFile::Evidence(evidence) => evidence.verify().is_ok(),
    }
}

#[test]
fn a_history_shows_every_entry_and_the_state_it_led_to() {
    let forked = Forked::new();
    let file = AuditFile::decode(&AuditFile::History(forked.history(&forked.bob)).encode()).unwrap();
    let AuditFile::History(history) = file else { panic!("a history") };
    assert_eq!(history.scope(), Some(forked.bob.ledger.id()));
    let mut heads = Vec::new();
    let mut last = None;
    let replayed = history.verify(|step| {
        let Step::Scope(_, ledger, _) = step else { panic!("a keychain's entry") };
        heads.push(ledger.head());
        last = Some(ledger.clone());
    });
    assert_eq!(heads.iter().map(|head| head.hash).collect::<Vec<_>>(), history.hashes());
    assert_eq!(heads.last(), Some(&forked.bob.head()));
    assert_eq!(last, Some(forked.bob.ledger.clone()));
    assert_eq!(replayed.unwrap().head, forked.bob.head());
}

#[test]
fn an_accounts_history_proves_itself() {
    let forked = Forked::new();
    let person = &forked.bob.bob;
    let receipt = receipt(&forked.server, person.id(), person.account.head());
    let server = public(&forked.server);
    let history = History { server, receipt, entries: vec![person.genesis.clone()], accounts: vec![], groups: vec![] };
    let mut shown = 0;
    history.verify(|step| shown += usize::from(matches!(step, Step::Account(..)))).unwrap();
    assert_eq!(shown, 1);
}

/// What is done to a history, and why it then proves nothing.
type Alteration = (fn(&mut History), fn(&Unproved) -> bool);

#[test]
fn a_history_with_an_entry_left_out_altered_or_added_proves_nothing() {
    let forked = Forked::new();
    let whole = forked.history(&forked.alice);
    let cases: [Alteration; 6] = [
        (|history| history.entries.clear(), |why| *why == Unproved::Empty),
        (|history| drop(history.entries.pop()), |why| *why == Unproved::OtherHead),
        (|history| drop(history.entries.remove(1)), |why| matches!(why, Unproved::Entry(1, _))),
        (|history| history.entries[3].signatures[0].0[0] ^= 1, |why| matches!(why, Unproved::Entry(3, _))),
        (|history| drop(history.accounts.pop()), |why| matches!(why, Unproved::Entry(..))),
        (|history| history.accounts[0][0].signatures[0].0[0] ^= 1, |why| matches!(why, Unproved::Account(..))),
    ];
    for (number, (alter, expected)) in cases.into_iter().enumerate() {
        let mut altered = whole.clone();
        alter(&mut altered);
        let why = altered.verify(|_| ()).expect_err("altered");
        assert!(expected(&why), "{number}: {why}");
    }
    let other = History { server: public(&key("another server")), ..whole };
    assert_eq!(other.verify(|_| ()).err(), Some(Unproved::Receipt));
}

#[test]
fn a_history_brings_the_groups_that_it_cites_each_as_it_was_when_it_was_cited() {
    let Company { town, keychain, company, .. } = Company::new();
    let file = AuditFile::decode(&AuditFile::History(of_town(&town, &keychain)).encode()).unwrap();
    let AuditFile::History(history) = file else { panic!("a history") };
    let mut needs = Vec::new();
    let said = history.verify(|step| {
        let Step::Scope(_, ledger, _) = step else { panic!("a keychain's entry") };
        needs.push(ledger.needs_rotation());
    });
    assert_eq!(said.unwrap().head, town.state(&keychain).head());
    // The keychain asks for a key where it hears that carol is out, and has it once the company has one.
    assert_eq!(needs, [false, false, false, true, false]);
    // A group's own history needs those that stand in it.
    let mut groups = 0;
    let of_company = of_town(&town, &company);
    let shown = |step: Step<'_>| groups += usize::from(matches!(step, Step::Scope(_, l, _) if l.kind() == Kind::Group));
    of_company.verify(shown).unwrap();
    assert_eq!(groups, of_company.entries.len());
}

#[test]
fn a_group_that_is_missing_cut_altered_no_group_or_in_a_circle_proves_nothing() {
    let all = Company::new();
    let (team, company) = (all.team, all.company);
    let altered = |alter: &dyn Fn(&mut History)| {
        let mut altered = all.history();
        alter(&mut altered);
        altered.verify(|_| ()).expect_err("altered")
    };
    let without = |id: ScopeId| altered(&|history| history.groups.retain(|ledger| ledger[0].scope_id() != id));
    let missing = |id, why| matches!(why, Rejected::MissingState(of, _) if of == id);
    assert!(matches!(without(company), Unproved::Entry(1, why) if missing(company, why)));
    assert!(matches!(without(team), Unproved::Group(of, why) if of == company && missing(team, why)));
    let cut = altered(&|history| drop(at(history, &team).pop()));
    assert!(matches!(cut, Unproved::Entry(..) | Unproved::Group(..)), "{cut}");
    let flipped = altered(&|history| at(history, &team)[1].signatures[0].0[0] ^= 1);
    assert_eq!(flipped, Unproved::Group(team, Rejected::BadSignature));
    // What nobody cites is in the file, too, and has to hold.
    let mut town = all.town.clone();
    let lonely = town.found("lonely", company::ALICE, 100);
    town.brings(company::ALICE, &lonely, town.people[BOB].id(), Permissions::NONE);
    let mut history = of_town(&town, &all.keychain);
    history.verify(|_| ()).unwrap();
    at(&mut history, &lonely)[1].signatures[0].0[0] ^= 1;
    assert_eq!(history.verify(|_| ()), Err(Unproved::Group(lonely, Rejected::BadSignature)));
    let keychain = altered(&|history| history.groups.push(history.entries.clone()));
    assert!(matches!(keychain, Unproved::Group(of, why) if of == all.keychain && missing(of, why)));
    assert!(matches!(in_a_circle().verify(|_| ()), Err(Unproved::Group(_, Rejected::MissingState(..)))));
}

#[test]
fn s11_two_receipts_that_no_ledger_has_are_evidence_whoever_is_ahead() {
    let forked = Forked::new();
    let server = public(&forked.server);
    let [alice, bob] = forked.receipts();
    assert_eq!(bob.statement.head.seq, alice.statement.head.seq + 1);
    let proved = forked.evidence().verify().unwrap();
    assert_eq!((proved.earlier, proved.later), (alice.statement, bob.statement));
    assert_eq!(proved.fork, forked.history(&forked.bob).hashes()[3]);
    // For one number no entry is needed.
    let third = Head { seq: 3, hash: proved.fork };
    let of_bobs_third = receipt(&forked.server, alice.statement.scope, third);
    Evidence::find(&server, &alice, &of_bobs_third, &[]).unwrap().verify().unwrap();
    // The shorter branch says nothing of the longer one's receipt.
    assert_eq!(Evidence::find(&server, &bob, &alice, &forked.alice.entries), None);
}

#[test]
fn s11_receipts_of_one_ledger_are_never_evidence_in_whatever_order_they_came() {
    let forked = Forked::new();
    let entries = &forked.bob.entries;
    let hashes = forked.history(&forked.bob).hashes();
    let head = |seq: usize| Head { seq: seq as u64, hash: hashes[seq] };
    let signed = |seq| receipt(&forked.server, forked.bob.ledger.id(), head(seq));
    for low in 0..hashes.len() {
        for high in 0..hashes.len() {
            let found = Evidence::find(&public(&forked.server), &signed(low), &signed(high), entries);
            assert_eq!(found, None, "{low} {high}");
        }
    }
}

#[test]
fn evidence_with_anything_altered_proves_nothing() {
    let evidence = Forked::new().evidence();
    let alterations: [fn(&mut Evidence); 8] = [
        |e| e.server = public(&key("another server")),
        |e| e.earlier.statement.head.hash = EntryHash([7; 32]),
        |e| e.later.statement.scope = ScopeId([7; 32]),
        |e| e.fork = e.earlier.statement.head.hash,
        |e| drop(e.chain.pop()),
        |e| e.chain.push(vec![]),
        |e| e.chain[0][0] ^= 1,
        |e| std::mem::swap(&mut e.earlier, &mut e.later),
    ];
    for (number, alter) in alterations.into_iter().enumerate() {
        let mut altered = evidence.clone();
        alter(&mut altered);
        assert_eq!(altered.verify(), Err(NotEvidence), "{number}");
    }
}

#[test]
fn a_file_with_any_byte_flipped_or_cut_is_refused_or_proves_nothing() {
    let forked = Forked::new();
    let company = Company::new();
    // Of the longest one every 17th byte, to be done in time.
    let files = [
        (AuditFile::History(forked.history(&forked.alice)), 1),
        (AuditFile::Evidence(forked.evidence()), 1),
        (AuditFile::History(of_town(&company.town, &company.company)), 17),
    ];
    for (file, stride) in files {
        let bytes = file.encode();
        assert!(proves(&AuditFile::decode(&bytes).unwrap()));
        for at in (0..bytes.len()).step_by(stride) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(AuditFile::decode(&flipped).map_or(true, |file| !proves(&file)), "byte {at}");
        }
        for len in 0..bytes.len() {
            assert!(AuditFile::decode(&bytes[..len]).is_err(), "cut to {len}");
        }
        assert_eq!(AuditFile::decode(&[&bytes[..], &[0]].concat()), Err(Malformed::NotCanonical));
    }
}

// Vectors.

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/audit"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// An account that did all that accounts do: two devices and a password, of which in the end one device is left.
fn account_of_a_long_life() -> Account {
    let account = Account::new("alice");
    let (first, laptop, password) = (account.first.clone(), account.device("laptop"), account.recovery("password"));
    let renewed = laptop.renewed("alice laptop renewed");
    account
        .after(&first, &[Do::AddDevice(&laptop), Do::AddRecovery(&password)])
        .after(&laptop, &[Do::RotateDevice(&renewed)])
        .after(&first, &[Do::SetPrivate(1)])
        .after(&password, &[Do::Revoke(&renewed, &[]), Do::Rotate])
        .after(&password, &[Do::RemoveRecovery(&password), Do::Rotate])
}

/// A file's name, what it is about, its bytes, and how reading it ends.
type Case = (&'static str, &'static str, Vec<u8>, &'static str);

fn cases() -> Vec<Case> {
    let forked = Forked::new();
    let history = forked.history(&forked.alice);
    let altered = |alter: fn(&mut History)| {
        let mut altered = history.clone();
        alter(&mut altered);
        AuditFile::History(altered).encode()
    };
    let evidence = forked.evidence();
    let altered_evidence = |alter: fn(&mut Evidence)| {
        let mut altered = evidence.clone();
        alter(&mut altered);
        AuditFile::Evidence(altered).encode()
    };
    let [alice, bob] = forked.receipts();
    let fork = evidence.fork;
    let same = receipt(&forked.server, alice.statement.scope, Head { seq: alice.statement.head.seq, hash: fork });
    let of_one_number = Evidence::find(&public(&forked.server), &alice, &same, &[]).unwrap();
    let person = &forked.bob.bob;
    let account = History {
        receipt: receipt(&forked.server, person.id(), person.account.head()),
        entries: vec![person.genesis.clone()],
        accounts: vec![],
        ..history.clone()
    };
    let lived = account_of_a_long_life();
    let with_devices = History {
        receipt: receipt(&forked.server, lived.ledger.id(), lived.ledger.head()),
        entries: lived.entries,
        accounts: vec![],
        ..history.clone()
    };
    // Once a server's word, and no contradiction: a newer head of the same ledger.
    let hashes = forked.history(&forked.bob).hashes();
    let older = receipt(&forked.server, bob.statement.scope, Head { seq: 2, hash: hashes[2] });
    let one_ledger = Evidence {
        server: public(&forked.server),
        earlier: older,
        later: bob,
        fork: hashes[2],
        chain: forked.bob.entries[3..].iter().map(|entry| entry.signed.clone()).collect(),
    };
    let company = Company::new();
    let of_company = of_town(&company.town, &company.company);
    let altered_company = |alter: &dyn Fn(&mut History)| {
        let mut altered = company.history();
        alter(&mut altered);
        AuditFile::History(altered).encode()
    };
    let ok = AuditFile::History(history.clone()).encode();
    let mut magic = ok.clone();
    magic[1] = b'X';
    let mut version = ok.clone();
    version[8] = 2;
    let mut kind = ok.clone();
    kind[10] = 2;
    vec![
        ("history-of-a-keychain", "alice's view of a keychain of four entries", ok.clone(), "ok"),
        (
            "history-of-an-account-with-devices",
            "and a password, and generations",
            AuditFile::History(with_devices).encode(),
            "ok",
        ),
        ("history-of-an-account", "an account's ledger", AuditFile::History(account).encode(), "ok"),
        (
            "history-of-a-keychain-with-groups",
            "through two groups",
            AuditFile::History(company.history()).encode(),
            "ok",
        ),
        ("history-of-a-group", "a group stands in it", AuditFile::History(of_company).encode(), "ok"),
        (
            "history-without-a-groups-ledger",
            "that of the team in the company",
            altered_company(&|h| h.groups.retain(|ledger| ledger[0].scope_id() != company.team)),
            "NotProved",
        ),
        (
            "history-with-a-groups-ledger-cut",
            "it ends before the head that is cited",
            altered_company(&|h| at(h, &company.company).truncate(2)),
            "NotProved",
        ),
        (
            "history-with-a-groups-signature-flipped",
            "a bit of an author's signature",
            altered_company(&|h| at(h, &company.team)[1].signatures[0].0[0] ^= 1),
            "NotProved",
        ),
        (
            "history-with-groups-in-another-order",
            "they stand ascending",
            altered_company(&|h| h.groups.reverse()),
            "NotProved",
        ),
        (
            "history-with-a-keychain-among-the-groups",
            "groups only",
            altered_company(&|h| {
                h.groups.push(h.entries.clone());
                h.groups.sort_by_key(|ledger| ledger[0].scope_id());
            }),
            "NotProved",
        ),
        (
            "history-with-groups-in-a-circle",
            "each cites the other",
            AuditFile::History(in_a_circle()).encode(),
            "NotProved",
        ),
        ("evidence-of-one-number", "two heads under one number", AuditFile::Evidence(of_one_number).encode(), "ok"),
        ("evidence-of-two-branches", "bob's branch is longer", AuditFile::Evidence(evidence.clone()).encode(), "ok"),
        ("another-magic", "not an audit file", magic, "Malformed"),
        ("version-2-unsupported", "of a later release", version, "Unsupported"),
        ("kind-2-unsupported", "neither history nor evidence", kind, "Unsupported"),
        ("truncated", "the last byte is missing", ok[..ok.len() - 1].to_vec(), "NotProved"),
        ("a-byte-appended", "a byte follows the body", [&ok[..], &[0]].concat(), "NotProved"),
        ("history-without-entries", "no entry at all", altered(|h| h.entries.clear()), "NotProved"),
        (
            "history-without-its-last-entry",
            "the receipt is of a later head",
            altered(|h| drop(h.entries.pop())),
            "NotProved",
        ),
        ("history-with-an-entry-left-out", "the second one", altered(|h| drop(h.entries.remove(1))), "NotProved"),
        (
            "history-with-a-signature-flipped",
            "a bit of an author's signature",
            altered(|h| h.entries[3].signatures[0].0[0] ^= 1),
            "NotProved",
        ),
        ("history-without-an-authors-ledger", "one is missing", altered(|h| drop(h.accounts.pop())), "NotProved"),
        (
            "history-with-accounts-in-another-order",
            "they stand ascending",
            altered(|h| h.accounts.reverse()),
            "NotProved",
        ),
        (
            "history-of-another-server",
            "the receipt is not that server's",
            altered(|h| h.server = public(&key("another server"))),
            "NotProved",
        ),
        (
            "evidence-that-is-one-ledger",
            "the later head grows from the earlier one",
            AuditFile::Evidence(one_ledger).encode(),
            "NotProved",
        ),
        (
            "evidence-with-a-link-missing",
            "the chain is too short",
            altered_evidence(|e| drop(e.chain.pop())),
            "NotProved",
        ),
        (
            "evidence-with-a-link-altered",
            "the chain leads elsewhere",
            altered_evidence(|e| e.chain[0][40] ^= 1),
            "NotProved",
        ),
        (
            "evidence-of-two-scopes",
            "receipts of different ledgers contradict nothing",
            altered_evidence(|e| e.later.statement.scope = ScopeId([7; 32])),
            "NotProved",
        ),
        (
            "evidence-with-a-made-up-receipt",
            "the earlier one is not the server's",
            altered_evidence(|e| e.earlier.statement.head.hash = EntryHash([7; 32])),
            "NotProved",
        ),
        (
            "evidence-the-wrong-way-round",
            "the later receipt first",
            altered_evidence(|e| std::mem::swap(&mut e.earlier, &mut e.later)),
            "NotProved",
        ),
    ]
}

/// As clients answer: past magic and version everything that does not check is one code.
fn verdict(bytes: &[u8]) -> &'static str {
    match AuditFile::decode(bytes) {
        Err(Malformed::Encoding) if !bytes.starts_with(&keyfold_format::audit::MAGIC) => "Malformed",
        Err(Malformed::Unsupported) => "Unsupported",
        Ok(file) if proves(&file) => "ok",
        _ => "NotProved",
    }
}

#[test]
#[ignore = "writes the vectors"]
fn regenerate() {
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(folder()).unwrap();
    for (name, about, file, expect) in cases() {
        let vector = json!({ "about": about, "file": hex(&file), "expect": expect });
        fs::write(folder().join(format!("{name}.json")), serde_json::to_string_pretty(&vector).unwrap() + "\n")
            .unwrap();
    }
}

#[test]
fn the_vectors_are_those_that_the_cases_make_and_end_as_they_say() {
    let cases = cases();
    assert_eq!(fs::read_dir(folder()).unwrap().count(), cases.len());
    for (name, _, file, expect) in cases {
        let vector: Value =
            serde_json::from_slice(&fs::read(folder().join(format!("{name}.json"))).unwrap_or_default())
                .unwrap_or_default();
        assert_eq!(vector["file"], hex(&file), "{name}: vectors are stale, regenerate them");
        assert_eq!(vector["expect"], expect, "{name}");
        assert_eq!(verdict(&file), expect, "{name}");
    }
}
