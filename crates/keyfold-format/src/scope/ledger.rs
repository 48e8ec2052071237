//! Replay: entries in, state out. The one function that server, clients and audit believe.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay".

use super::{
    entry::{Entry, Placed, ScopeEntry},
    op::Op,
    rules::{self, Context},
    state::State,
};
use crate::{
    Rejected, account,
    entry::{Cite, Head, SignedEntry},
    id::{EntryHash, ScopeId},
    label::SignatureLabel,
};
use core::ops::Deref;

/// Verified account ledgers that replay may look at.
pub trait Accounts {
    /// The ledger of an account, as far as it is known.
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger>;
}

impl Accounts for alloc::collections::BTreeMap<ScopeId, account::Ledger> {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.get(id)
    }
}

/// A keychain or group whose every entry has been verified. Reads like its [`State`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub(super) state: State,
}

impl Deref for Ledger {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl Ledger {
    /// Founds a scope from its first entry.
    pub fn genesis(entry: &SignedEntry, accounts: &dyn Accounts) -> Result<Self, Rejected> {
        let ScopeEntry::Ordinary(parsed) = ScopeEntry::decode(&entry.signed)? else {
            return Err(Rejected::GenesisMisplaced);
        };
        rules::check_genesis_frame(&parsed)?;
        verify_entry(entry, &parsed, accounts)?;
        let state = rules::genesis(&parsed, entry.hash(EntryHash::NONE, 0))?;
        Ok(Self { state })
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    pub fn append(&mut self, entry: &SignedEntry, accounts: &dyn Accounts) -> Result<ScopeEntry, Rejected> {
        let parsed = ScopeEntry::decode(&entry.signed)?;
        let head = Head { seq: self.head.seq + 1, hash: entry.hash(self.head.hash, self.head.seq + 1) };
        match &parsed {
            ScopeEntry::Ordinary(parsed) => self.append_ordinary(entry, parsed, head, accounts)?,
            ScopeEntry::Placed(parsed) => self.append_placed(entry, parsed, head, accounts)?,
        }
        Ok(parsed)
    }

    /// Replays a whole ledger.
    pub fn replay<'a>(
        entries: impl IntoIterator<Item = &'a SignedEntry>,
        accounts: &dyn Accounts,
    ) -> Result<Self, Rejected> {
        let mut entries = entries.into_iter();
        let mut ledger = Self::genesis(entries.next().ok_or(Rejected::GenesisMisplaced)?, accounts)?;
        for entry in entries {
            ledger.append(entry, accounts)?;
        }
        Ok(ledger)
    }

    /// Compares what the scope cites of an account with its ledger: before anybody wraps to it, or shows it as
    /// verified. [`Rejected::MissingLedger`] if that ledger is not known so far.
    pub fn verify_citation(&self, principal: &ScopeId, accounts: &dyn Accounts) -> Result<Cite, Rejected> {
        let cite = *self.cited(principal).ok_or(Rejected::CitationMissing)?;
        match accounts.account(principal) {
            Some(ledger) if ledger.generation_at(cite.head) == Some(cite.exclusions) => Ok(cite),
            Some(ledger) if ledger.head().seq >= cite.head.seq => Err(Rejected::CitationUnknown),
            _ => Err(Rejected::MissingLedger(*principal)),
        }
    }

    fn append_ordinary(
        &mut self,
        entry: &SignedEntry,
        parsed: &Entry,
        head: Head,
        accounts: &dyn Accounts,
    ) -> Result<(), Rejected> {
        if parsed.scope != Some(self.id) || parsed.group != (self.kind() == super::Kind::Group) {
            return Err(Rejected::WrongScope);
        }
        if parsed.seq != head.seq {
            return Err(Rejected::WrongSeq);
        }
        if parsed.prev != Some(self.head.hash) {
            return Err(Rejected::WrongPrev);
        }
        if parsed.time < self.time {
            return Err(Rejected::TimeGoesBack);
        }
        if !parsed.via.is_empty() {
            return Err(Rejected::GroupsUnsupported);
        }
        if self.bans.contains(&parsed.author) {
            return Err(Rejected::AuthorBanned);
        }
        if !self.members.contains_key(&parsed.author) {
            return Err(Rejected::NotAMember);
        }
        verify_entry(entry, parsed, accounts)?;
        let observed = rules::check_cites(&self.state, parsed, accounts)?;
        let context = Context { entry: parsed, hash: head.hash, observed: &observed };
        match parsed.ops.as_slice() {
            [op] => rules::apply(&mut self.state, op, &context)?,
            // All or nothing: a batch is tried on a copy.
            ops => {
                let mut next = self.state.clone();
                ops.iter().try_for_each(|op| rules::apply(&mut next, op, &context))?;
                self.state = next;
            }
        }
        let rotates = parsed.ops.iter().any(|op| matches!(op, Op::Rotate(_)));
        observed.apply(&mut self.state, rotates);
        self.state.head = head;
        self.state.time = parsed.time;
        Ok(())
    }

    fn append_placed(
        &mut self,
        entry: &SignedEntry,
        parsed: &Placed,
        head: Head,
        accounts: &dyn Accounts,
    ) -> Result<(), Rejected> {
        if parsed.scope != self.id || parsed.group != (self.kind() == super::Kind::Group) {
            return Err(Rejected::WrongScope);
        }
        if self.bans.contains(&parsed.author.principal) {
            return Err(Rejected::AuthorBanned);
        }
        match parsed.op {
            Op::Accept | Op::Decline => rules::check_pending(&self.state, parsed)?,
            Op::Leave | Op::DropKey(_) => rules::check_membership(&self.state, parsed)?,
            _ => return Err(Rejected::PlacedMisplaced),
        }
        verify_author(entry, &parsed.author, SignatureLabel::PlacedEntry, accounts)?;
        let observed = rules::check_cite(&self.state, &parsed.author, accounts)?;
        match parsed.op {
            Op::Leave => rules::leave(&mut self.state, parsed)?,
            Op::DropKey(op) => rules::drop_key(&mut self.state, &op, parsed)?,
            Op::Decline => rules::decline(&mut self.state, parsed),
            _ => rules::accept(&mut self.state, parsed),
        }
        observed.apply(&mut self.state, false);
        // The latest time stays: who answers does not know what he is placed after, and must not date it.
        self.state.head = head;
        Ok(())
    }
}

/// The author cites himself, and signed with the ledger key of the generation that he cites.
fn verify_entry(entry: &SignedEntry, parsed: &Entry, accounts: &dyn Accounts) -> Result<(), Rejected> {
    let cite = parsed.cites.iter().find(|c| c.principal == parsed.author).ok_or(Rejected::CitationMissing)?;
    verify_author(entry, cite, SignatureLabel::Entry, accounts)
}

fn verify_author(
    entry: &SignedEntry,
    cite: &Cite,
    label: SignatureLabel,
    accounts: &dyn Accounts,
) -> Result<(), Rejected> {
    let missing = Rejected::MissingLedger(cite.principal);
    let account = accounts.account(&cite.principal).ok_or(missing)?;
    if account.head().seq < cite.head.seq {
        return Err(missing);
    }
    let generation = account.generation_at(cite.head).ok_or(Rejected::CitationUnknown)?;
    if generation != cite.exclusions {
        return Err(Rejected::CitationUnknown);
    }
    let key = &account.keys(generation).ok_or(Rejected::CitationUnknown)?.ledger;
    let [signature] = entry.signatures.as_slice() else { return Err(Rejected::BadSignature) };
    key.verify(label, &[&entry.signed], signature).map_err(|_| Rejected::BadSignature)
}
