//! A company with a team, a keychain that both stand in, and the files that an auditor gets of them.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::{
    people::{self, bytes_of},
    town::Town,
};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    EntryHash, Permissions, ScopeId, VerifyingKey,
    audit::History,
    entry::{Cite, Head, SignedEntry},
    id::server_id,
    label::SignatureLabel,
    receipt::{Receipt, Statement},
    scope::{KEYCHAIN_RANK, Observe, Op},
};

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&bytes_of(name))
}

pub fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey(key.verifying_key().to_bytes())
}

pub fn receipt(by: &SigningKey, scope: ScopeId, head: Head) -> Receipt {
    let statement = Statement { server: server_id(&public(by)), scope, head, time: people::TIME };
    let signature = people::sign(by, SignatureLabel::Receipt, &statement.signed());
    Receipt { statement, signature }
}

/// What a history of a scope in a town needs: all accounts, and all groups.
pub fn of_town(town: &Town, scope: &ScopeId) -> History {
    let ascending = |mut ledgers: Vec<Vec<SignedEntry>>| {
        ledgers.sort_by_key(|ledger| ledger[0].scope_id());
        ledgers
    };
    let server = key("server");
    let groups = town.order.iter().filter(|id| town.is_group(id) && *id != scope);
    History {
        server: public(&server),
        receipt: receipt(&server, *scope, town.state(scope).head()),
        entries: town.scopes[scope].entries().to_vec(),
        accounts: ascending(town.people.iter().map(|person| vec![person.genesis.clone()]).collect()),
        groups: ascending(groups.map(|id| town.scopes[id].entries().to_vec()).collect()),
    }
}

pub const ALICE: usize = 0;
pub const BOB: usize = 1;
pub const CAROL: usize = 2;

/// Bob writes to alice's keychain through her company and its team; later carol leaves the team, which the keychain
/// gets to know after the company did. So the team is needed in two states at once, and in one that it has left.
pub struct Company {
    pub town: Town,
    pub team: ScopeId,
    pub company: ScopeId,
    pub keychain: ScopeId,
}

impl Company {
    pub fn new() -> Self {
        let mut town = Town::new(&["alice", "bob", "carol"]);
        let [bob, carol] = [BOB, CAROL].map(|person| town.people[person].id());
        let team = town.found("team", ALICE, 100);
        town.brings(ALICE, &team, bob, Permissions::ALL);
        town.brings(ALICE, &team, carol, Permissions::NONE);
        let company = town.found("company", ALICE, 200);
        town.brings(ALICE, &company, team, Permissions::ALL);
        let keychain = town.found("plans", ALICE, KEYCHAIN_RANK);
        town.brings(ALICE, &keychain, company, Permissions::ALL);
        let way = [company, team];
        let key = town.next_key(BOB, &keychain, &way);
        town.does(BOB, &keychain, &way, vec![key]).unwrap();
        town.answers(CAROL, &team, Op::Leave).unwrap();
        let key = town.next_key(ALICE, &team, &[]);
        town.does(ALICE, &team, &[], vec![key]).unwrap();
        let observe = |principal| Op::Observe(Observe { principal });
        town.does(ALICE, &keychain, &[], vec![observe(team)]).unwrap();
        let key = town.next_key(ALICE, &company, &[]);
        town.does(ALICE, &company, &[], vec![observe(team), key]).unwrap();
        let key = town.next_key(ALICE, &keychain, &[]);
        town.does(ALICE, &keychain, &[], vec![observe(company), key]).unwrap();
        Self { town, team, company, keychain }
    }

    pub fn history(&self) -> History {
        of_town(&self.town, &self.keychain)
    }
}

pub fn at<'a>(history: &'a mut History, group: &ScopeId) -> &'a mut Vec<SignedEntry> {
    history.groups.iter_mut().find(|ledger| ledger[0].scope_id() == *group).unwrap()
}

/// A keychain with a group whose ledger cites another one, which cites the first.
pub fn in_a_circle() -> History {
    let mut town = Town::new(&["alice"]);
    let [one, other] = ["one", "other"].map(|name| town.found(name, ALICE, 100));
    let keychain = town.found("plans", ALICE, KEYCHAIN_RANK);
    let cite = |principal| Cite { principal, head: Head { seq: 1, hash: EntryHash([7; 32]) }, exclusions: 0 };
    let shares = |scope: &ScopeId, with: ScopeId| {
        let mut entry = town.entry(ALICE, scope, &[], vec![]);
        entry.ops = vec![Op::Share(town.share_of(scope, with, Permissions::NONE))];
        entry.cites = vec![town.cite(&town.people[ALICE].id()), cite(with)];
        entry.cites.sort_by_key(|cite| cite.principal);
        town.people[ALICE].sign(&entry)
    };
    let entries = [(one, other), (other, one), (keychain, one)].map(|(scope, with)| shares(&scope, with));
    let mut history = of_town(&town, &keychain);
    let [of_one, of_other, of_keychain] = entries;
    at(&mut history, &one).push(of_one);
    at(&mut history, &other).push(of_other);
    history.entries.push(of_keychain);
    history.receipt = receipt(&key("server"), keychain, Head { seq: 1, hash: history.hashes()[1] });
    history
}
