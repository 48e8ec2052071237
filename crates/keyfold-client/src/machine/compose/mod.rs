//! From a wish and the verified state to a signed entry and its wraps. Every entry is replayed here before it is
//! sent: what our own replay refuses never reaches a server.

mod anchor;
mod holder;
mod keychain;
mod member;
mod share;
mod sign_up;

pub(crate) use anchor::{anchor, wants_anchor};
pub(crate) use holder::{AccountDraft, Deed, Holder, devices, extend_account, next_generation};
pub(crate) use keychain::{accept, cancel_share, create, decline, rotate};
pub(crate) use member::{ban, decide, drop_key, leave, next_end, over, repair, set_permissions};
pub(crate) use share::{Standing, Terms, share, standing};
pub(crate) use sign_up::sign_up;

use super::{
    Keyring, KnownScope, Own,
    keyring::wrap_kind,
    own::cite,
    scope::Stop,
    ways::{self, Rights},
};
use crate::{Error, Result};
use keyfold_core::keychain::{KeyWithHistory, wrap};
use keyfold_format::{
    Rejected, ScopeId, account,
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{Entry, Kind, Ledger, Ledgers, Op, ScopeEntry, State, WrapFor, wraps_of_keys},
    sorted::SortedMap,
    wrap::{Wrap, WrapPlace},
};
use rand_core::CryptoRng;

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) own: &'a Own,
    pub(crate) ledger: &'a account::Ledger,
    /// The groups through which he acts; none as himself.
    pub(crate) via: &'a [ScopeId],
    pub(crate) now_ms: u64,
}

impl Author<'_> {
    pub(crate) fn id(&self) -> ScopeId {
        self.own.account()
    }

    /// The member through which he acts.
    pub(crate) fn through(&self) -> ScopeId {
        self.via.first().copied().unwrap_or(self.id())
    }

    /// What he may do in a scope.
    fn rights(&self, ledger: &Ledger, ledgers: &impl Ledgers) -> Result<Rights, Stop> {
        ways::rights(ledger, &self.id(), self.via, ledgers).ok_or_else(|| refused(Rejected::NotAMember))
    }

    fn cite(&self) -> Cite {
        cite(self.ledger)
    }

    fn sign(&self, label: SignatureLabel, entry: &ScopeEntry) -> SignedEntry {
        let signed = entry.encode();
        let signature = self.own.current().ledger.sign(label, &[&signed]);
        SignedEntry { signed, signatures: vec![signature] }
    }
}

/// An entry that is ready to be sent, and what will be true when the server has taken it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The head that it follows; a genesis follows none.
    pub(crate) expected: Option<Head>,
    pub(crate) entry: SignedEntry,
    /// Exactly those that the entry entitles.
    pub(crate) wraps: Vec<Wrap>,
    pub(crate) next: KnownScope,
    /// The key that the entry makes.
    pub(crate) made: Option<KeyWithHistory>,
}

/// Composes the next entry of a keychain, cites the author and `others`, replays it, and makes the wraps.
fn append(
    scope: &KnownScope,
    ops: Vec<Op>,
    others: &[ScopeId],
    author: Author<'_>,
    keys: Keys<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Draft, Stop> {
    let ledger = scope.ledger();
    let mut cites = SortedMap::from_iter([(author.id(), author.cite())]);
    for id in others.iter().chain(author.via).filter(|id| **id != author.id()) {
        cites.insert(*id, newest(id, accounts)?);
    }
    let entry = ScopeEntry::Ordinary(Entry {
        group: ledger.kind() == Kind::Group,
        scope: Some(ledger.id()),
        seq: ledger.head().seq + 1,
        prev: Some(ledger.head().hash),
        author: author.id(),
        via: author.via.to_vec(),
        cites: cites.values().copied().collect(),
        // A clock that is behind does not make an entry invalid.
        time: author.now_ms.max(ledger.time()),
        ops: ops.clone(),
    });
    let entry = author.sign(SignatureLabel::Entry, &entry);
    let next = scope.tried(&entry, accounts)?;
    let wraps = wraps(next.ledger(), &ops, keys, accounts, rng)?;
    Ok(Draft { expected: Some(ledger.head()), entry, wraps, next, made: None })
}

/// The newest head that is known of somebody, as an entry cites it.
fn newest(id: &ScopeId, ledgers: &impl Ledgers) -> Result<Cite, Stop> {
    let of_group = |group: &State| Cite { principal: *id, head: group.head(), exclusions: group.exclusions() };
    let known = ledgers.account(id).map(cite).or_else(|| ledgers.newest_group(id).map(of_group));
    known.ok_or(Stop::MissingLedger(*id))
}

/// Where the keys of wraps come from.
#[derive(Clone, Copy)]
struct Keys<'a> {
    ring: Option<&'a Keyring>,
    made: Option<(u32, &'a KeyWithHistory)>,
}

/// The wraps that an entry needs, each to the key that the scope has cited, after the citation was compared with the
/// recipient's ledger: to an account's sharing key of that generation, to a group's key of that number.
fn wraps(
    ledger: &Ledger,
    ops: &[Op],
    keys: Keys<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Wrap>, Stop> {
    ledger.wraps_needed(ops).iter().map(|needed| wrap_for(ledger, needed, keys, accounts, rng)).collect()
}

/// Keys below the current one of which a group gets what it missed.
const MISSED_KEYS: usize = 64;

/// Wraps for groups to which keys are wrapped again since an entry: of what they are entitled to and did not get while
/// they were not clean, as far as it is held here. What came with the entry is not among them.
pub(crate) fn missed(
    before: &Ledger,
    draft: &Draft,
    ring: &Keyring,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Wrap>, Stop> {
    let ledger = draft.next.ledger();
    let mut wraps = Vec::new();
    for (group, member) in ledger.groups().keys().filter_map(|id| Some((*id, ledger.members().get(id)?))) {
        if before.groups().get(&group).is_none_or(|before| before.clean) || !ledger.takes_wraps(&group) {
            continue;
        }
        let due = wraps_of_keys(ledger, &member.keys, member.history).into_iter().rev().take(MISSED_KEYS);
        for (key, history) in due.filter(|(key, history)| ring.opens(*key, *history)) {
            let needed = WrapFor { key, recipient: group, recipient_number: ledger.wrap_number(&group), history };
            if !draft.wraps.iter().any(|wrap| wrap.recipient == group && wrap.number == key) {
                wraps.push(wrap_for(ledger, &needed, Keys { ring: Some(ring), made: None }, accounts, rng)?);
            }
        }
    }
    Ok(wraps)
}

/// Wraps that others say they lack, `(recipient, key number)`: of what the state entitles them to, as far as it is held
/// here.
pub(crate) fn wanted(
    ledger: &Ledger,
    wanted: impl Iterator<Item = (ScopeId, u32)>,
    ring: &Keyring,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Wrap>, Stop> {
    let mut wraps = Vec::new();
    for (recipient, key) in wanted {
        let Some(member) = ledger.members().get(&recipient).filter(|_| ledger.takes_wraps(&recipient)) else {
            continue;
        };
        let due = wraps_of_keys(ledger, &member.keys, member.history);
        let due = due.into_iter().find(|(number, history)| *number == key && ring.opens(key, *history));
        if let Some((key, history)) = due {
            let needed = WrapFor { key, recipient, recipient_number: ledger.wrap_number(&recipient), history };
            wraps.push(wrap_for(ledger, &needed, Keys { ring: Some(ring), made: None }, accounts, rng)?);
        }
    }
    Ok(wraps)
}

fn wrap_for(
    ledger: &Ledger,
    needed: &WrapFor,
    keys: Keys<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Wrap, Stop> {
    let cite = ledger.verify_citation(&needed.recipient, accounts)?;
    let generation = || accounts.account(&needed.recipient)?.keys(cite.exclusions).map(|keys| &keys.sharing);
    let recipient = match accounts.group(&needed.recipient, cite.head.seq) {
        Some(group) => group.key(needed.recipient_number).and_then(|key| key.public.as_ref()),
        None => generation(),
    };
    let recipient = recipient.ok_or(Stop::MissingLedger(needed.recipient))?;
    let made = keys.made.filter(|(number, _)| *number == needed.key).map(|(_, made)| (&made.key, &made.history));
    let held = || {
        let ring = keys.ring?;
        Some((ring.key(needed.key)?, ring.history(needed.key)))
    };
    let (key, history) = match made {
        Some((key, history)) => (key, Some(history)),
        None => held().ok_or_else(|| super::keyring::unreached(needed.key))?,
    };
    let history = needed.history.then(|| history.ok_or_else(|| super::keyring::unreached(needed.key))).transpose()?;
    let place = WrapPlace {
        kind: wrap_kind(ledger),
        scope: ledger.id(),
        number: needed.key,
        recipient: needed.recipient,
        recipient_number: needed.recipient_number,
        history: needed.history,
    };
    Ok(wrap(&place, key, history, recipient, rng).map_err(Error::from)?)
}

/// Replay refuses before the server would.
fn refused(rule: Rejected) -> Stop {
    Stop::Refused(rule.into())
}
