//! From a wish and the verified state to a signed entry and its wraps. Every entry is replayed here before it is
//! sent: what our own replay refuses never reaches a server.

mod keychain;
mod member;
mod share;
mod sign_up;

pub(crate) use keychain::{accept, cancel_share, create, decline, rotate};
pub(crate) use member::{ban, decide, drop_key, leave, next_end, over, repair, set_permissions};
pub(crate) use share::{Standing, Terms, share, standing};
pub(crate) use sign_up::sign_up;

use super::{Keyring, KnownScope, Own, own::cite, scope::Stop};
use crate::{Error, Result};
use keyfold_core::keychain::{KeyWithHistory, wrap};
use keyfold_format::{
    Rejected, ScopeId, account,
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{Entry, Ledger, Ledgers, Op, ScopeEntry},
    sorted::SortedMap,
    wrap::{Wrap, WrapKind, WrapPlace},
};
use rand_core::CryptoRng;

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) own: &'a Own,
    pub(crate) ledger: &'a account::Ledger,
    pub(crate) now_ms: u64,
}

impl Author<'_> {
    pub(crate) fn id(&self) -> ScopeId {
        self.own.account()
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
    for id in others.iter().filter(|id| **id != author.id()) {
        cites.insert(*id, cite(accounts.account(id).ok_or(Stop::MissingLedger(*id))?));
    }
    let entry = ScopeEntry::Ordinary(Entry {
        group: false,
        scope: Some(ledger.id()),
        seq: ledger.head().seq + 1,
        prev: Some(ledger.head().hash),
        author: author.id(),
        via: Vec::new(),
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

/// Where the keys of wraps come from.
#[derive(Clone, Copy)]
struct Keys<'a> {
    ring: Option<&'a Keyring>,
    made: Option<(u32, &'a KeyWithHistory)>,
}

/// The wraps that an entry needs, each to the sharing key of the generation that the scope has cited, after the
/// citation was compared with the recipient's ledger.
fn wraps(
    ledger: &Ledger,
    ops: &[Op],
    keys: Keys<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Wrap>, Stop> {
    let mut wraps = Vec::new();
    for needed in ledger.wraps_needed(ops) {
        let cite = ledger.verify_citation(&needed.recipient, accounts)?;
        let recipient = accounts
            .account(&needed.recipient)
            .and_then(|account| account.keys(cite.exclusions))
            .ok_or(Stop::MissingLedger(needed.recipient))?;
        let made = keys.made.filter(|(number, _)| *number == needed.key).map(|(_, made)| (&made.key, &made.history));
        let held = || {
            let ring = keys.ring?;
            Some((ring.key(needed.key)?, ring.history(needed.key)))
        };
        let (key, history) = match made {
            Some((key, history)) => (key, Some(history)),
            None => held().ok_or_else(|| super::keyring::unreached(needed.key))?,
        };
        let history =
            needed.history.then(|| history.ok_or_else(|| super::keyring::unreached(needed.key))).transpose()?;
        let place = WrapPlace {
            kind: WrapKind::Keychain,
            scope: ledger.id(),
            number: needed.key,
            recipient: needed.recipient,
            recipient_number: needed.recipient_number,
            history: needed.history,
        };
        let wrapped = wrap(&place, key, history, &recipient.sharing, rng).map_err(Error::from)?;
        wraps.push(wrapped);
    }
    Ok(wraps)
}

/// Replay refuses before the server would.
fn refused(rule: Rejected) -> Stop {
    Stop::Refused(rule.into())
}
