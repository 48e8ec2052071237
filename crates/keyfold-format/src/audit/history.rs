//! A whole ledger for somebody who believes nobody: every entry is replayed from the first one on, on ledgers of
//! accounts and groups that are replayed as well, and the server must have signed for where they lead.

use super::cited::Cited;
use crate::{
    Rejected, account,
    entry::{Head, SignedEntry},
    id::{EntryHash, ScopeId},
    key::VerifyingKey,
    receipt::{Receipt, Statement},
    scope::{self, Ledgers, ScopeEntry},
};
use alloc::vec::Vec;

/// A ledger, the ledgers of accounts and groups that its replay needs, and a receipt: nothing of it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Who is said to have signed the receipt.
    pub server: VerifyingKey,
    /// The newest one for this ledger.
    pub receipt: Receipt,
    /// Of an account, keychain or group, from the first one on.
    pub entries: Vec<SignedEntry>,
    /// Whole ledgers of the accounts that it or one of `groups` cites, ascending by account id. Of an account's
    /// ledger: none.
    pub accounts: Vec<Vec<SignedEntry>>,
    /// Whole ledgers of the groups that it cites, and of those that these cite, ascending by group id.
    pub groups: Vec<Vec<SignedEntry>>,
}

/// One verified entry, and the state that it led to, whose head it is.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    /// Of an account.
    Account(&'a account::Entry, &'a account::Ledger),
    /// Of a keychain or group; with the ledgers that it cites.
    Scope(&'a ScopeEntry, &'a scope::Ledger, &'a dyn Ledgers),
}

/// Why a history proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproved {
    /// There is no first entry.
    #[error("there is no entry")]
    Empty,
    /// An account ledger beside it breaks a rule.
    #[error("the ledger of the account {0} does not hold: {1} ({code})", code = .1.code())]
    Account(ScopeId, Rejected),
    /// A group's ledger beside it breaks a rule, or the state of another one is needed that cannot be had.
    #[error("the ledger of the group {0} does not hold: {1} ({code})", code = .1.code())]
    Group(ScopeId, Rejected),
    /// An entry breaks a rule.
    #[error("entry {0} does not hold: {1} ({code})", code = .1.code())]
    Entry(u64, Rejected),
    /// The receipt is not the server's.
    #[error("the receipt is not signed by the server's key")]
    Receipt,
    /// The receipt is of another ledger, or of another head.
    #[error("the server signed for another head than the one that the entries lead to")]
    OtherHead,
}

/// The id of the ledger that starts so; one without entries has none.
pub(super) fn founded_by(entries: &[SignedEntry]) -> Option<ScopeId> {
    entries.first().map(SignedEntry::scope_id)
}

impl History {
    /// The ledger's id, by its first entry.
    pub fn scope(&self) -> Option<ScopeId> {
        founded_by(&self.entries)
    }

    /// The hash of every entry, by number, whether or not it holds.
    pub fn hashes(&self) -> Vec<EntryHash> {
        let mut prev = EntryHash::NONE;
        let next = |(seq, entry): (u64, &SignedEntry)| {
            prev = entry.hash(prev, seq);
            prev
        };
        (0..).zip(&self.entries).map(next).collect()
    }

    /// Replays everything and shows each entry once it holds. What was shown counts only if all of it holds: then this
    /// is what the server signed.
    pub fn verify(&self, mut each: impl FnMut(Step<'_>)) -> Result<Statement, Unproved> {
        let first = self.entries.first().ok_or(Unproved::Empty)?;
        let mut cited = Cited::new(&self.accounts, &self.groups)?;
        let (id, head) = match account::Entry::decode(&first.signed) {
            Ok(_) => self.replay_account(&mut each)?,
            // Not an account's; if it is nothing at all, that shows now.
            Err(_) => self.replay_scope(&mut cited, &mut each)?,
        };
        cited.replay_groups()?;
        let statement = self.receipt.verify(&self.server).map_err(|_| Unproved::Receipt)?;
        if statement.scope != id || statement.head != head {
            return Err(Unproved::OtherHead);
        }
        Ok(statement)
    }

    fn replay_account(&self, each: &mut impl FnMut(Step<'_>)) -> Result<(ScopeId, Head), Unproved> {
        let mut ledger: Option<account::Ledger> = None;
        for (seq, entry) in (0..).zip(&self.entries) {
            let refused = |rule| Unproved::Entry(seq, rule);
            let next = match ledger.take() {
                Some(mut ledger) => ledger.append(entry).map(|_| ledger),
                None => account::Ledger::genesis(entry),
            };
            let next = ledger.insert(next.map_err(refused)?);
            let parsed = account::Entry::decode(&entry.signed).map_err(|fault| refused(fault.into()))?;
            each(Step::Account(&parsed, next));
        }
        ledger.map(|ledger| (ledger.id(), ledger.head())).ok_or(Unproved::Empty)
    }

    fn replay_scope(
        &self,
        cited: &mut Cited<'_>,
        each: &mut impl FnMut(Step<'_>),
    ) -> Result<(ScopeId, Head), Unproved> {
        let mut ledger: Option<scope::Ledger> = None;
        for (seq, entry) in (0..).zip(&self.entries) {
            loop {
                let next = match &mut ledger {
                    Some(ledger) => ledger.append(entry, cited).map(drop),
                    None => scope::Ledger::genesis(entry, cited).map(|founded| ledger = Some(founded)),
                };
                match next {
                    Ok(()) => break,
                    Err(Rejected::MissingState(group, at)) if cited.has_group(&group) => cited.recall(group, at)?,
                    Err(rule) => return Err(Unproved::Entry(seq, rule)),
                }
            }
            let parsed = ScopeEntry::decode(&entry.signed).map_err(|fault| Unproved::Entry(seq, fault.into()))?;
            let next = ledger.as_ref().ok_or(Unproved::Empty)?;
            each(Step::Scope(&parsed, next, cited));
            cited.let_go();
        }
        ledger.map(|ledger| (ledger.id(), ledger.head())).ok_or(Unproved::Empty)
    }
}
