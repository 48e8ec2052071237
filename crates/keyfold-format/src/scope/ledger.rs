//! Replay: entries in, state out. The one function that server, clients and audit believe.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay".

use super::{
    entry::{Entry, Placed, ScopeEntry},
    op::Op,
    reach::group_at,
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

/// Verified ledgers that replay may look at.
pub trait Ledgers {
    /// The ledger of an account, as far as it is known.
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger>;

    /// The state of a group right after its entry `seq`, if it is at hand. Without groups there is none.
    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        _ = (id, seq);
        None
    }

    /// The newest known state of a group. Replay never asks for it: [`State::unseen`] does.
    fn newest_group(&self, id: &ScopeId) -> Option<&State> {
        _ = id;
        None
    }
}

impl Ledgers for alloc::collections::BTreeMap<ScopeId, account::Ledger> {
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
    pub fn genesis(entry: &SignedEntry, ledgers: &dyn Ledgers) -> Result<Self, Rejected> {
        let ScopeEntry::Ordinary(parsed) = ScopeEntry::decode(&entry.signed)? else {
            return Err(Rejected::GenesisMisplaced);
        };
        rules::check_genesis_frame(&parsed)?;
        verify_entry(entry, &parsed, ledgers)?;
        let state = rules::genesis(&parsed, entry.hash(EntryHash::NONE, 0))?;
        Ok(Self { state })
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    pub fn append(&mut self, entry: &SignedEntry, ledgers: &dyn Ledgers) -> Result<ScopeEntry, Rejected> {
        let parsed = ScopeEntry::decode(&entry.signed)?;
        let head = Head { seq: self.head.seq + 1, hash: entry.hash(self.head.hash, self.head.seq + 1) };
        match &parsed {
            ScopeEntry::Ordinary(parsed) => self.append_ordinary(entry, parsed, head, ledgers)?,
            ScopeEntry::Placed(parsed) => self.append_placed(entry, parsed, head, ledgers)?,
        }
        Ok(parsed)
    }

    /// Replays a whole ledger.
    pub fn replay<'a>(
        entries: impl IntoIterator<Item = &'a SignedEntry>,
        ledgers: &dyn Ledgers,
    ) -> Result<Self, Rejected> {
        let mut entries = entries.into_iter();
        let mut ledger = Self::genesis(entries.next().ok_or(Rejected::GenesisMisplaced)?, ledgers)?;
        for entry in entries {
            ledger.append(entry, ledgers)?;
        }
        Ok(ledger)
    }

    /// Compares what the scope cites of a principal with its ledger: before anybody wraps to it, or shows it as
    /// verified. [`Rejected::MissingLedger`] or [`Rejected::MissingState`] if that ledger is not known so far.
    pub fn verify_citation(&self, principal: &ScopeId, ledgers: &dyn Ledgers) -> Result<Cite, Rejected> {
        let cite = *self.cited(principal).ok_or(Rejected::CitationMissing)?;
        if self.groups.contains_key(principal) {
            return group_at(&cite, ledgers).map(|_| cite);
        }
        match ledgers.account(principal) {
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
        ledgers: &dyn Ledgers,
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
        let actor = rules::resolve_actor(&self.state, parsed, ledgers)?;
        verify_entry(entry, parsed, ledgers)?;
        let mut observed = rules::check_cites(&self.state, parsed, &actor, ledgers)?;
        let context = |actor, observed| Context { entry: parsed, actor, hash: head.hash, observed, ledgers };
        match parsed.ops.as_slice() {
            [op] if !self.concerns_groups(parsed) => {
                rules::apply(&mut self.state, op, &context(actor, &observed))?;
                observed.apply(&mut self.state);
                self.state.settle(observed.passes_exclusion, op.is_rotate());
            }
            // All or nothing: it is tried on a copy.
            ops => {
                let mut next = self.state.clone();
                observed.apply(&mut next);
                observed.passes_exclusion |= next.judge_groups(ledgers)?;
                for op in ops {
                    let actor = rules::resolve_actor(&next, parsed, ledgers)?;
                    rules::apply(&mut next, op, &context(actor, &observed))?;
                }
                let fell = next.judge_groups(ledgers)?;
                next.settle(observed.passes_exclusion | fell, ops.iter().any(Op::is_rotate));
                self.state = next;
            }
        }
        self.state.head = head;
        self.state.time = parsed.time;
        Ok(())
    }

    /// Whether a group is a member, or about to be one.
    fn concerns_groups(&self, entry: &Entry) -> bool {
        let shares = |op: &Op| matches!(op, Op::Share(share) if share.principals.iter().any(|p| p.is_group()));
        !self.groups.is_empty() || entry.ops.iter().any(shares)
    }

    fn append_placed(
        &mut self,
        entry: &SignedEntry,
        parsed: &Placed,
        head: Head,
        ledgers: &dyn Ledgers,
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
        verify_author(entry, &parsed.author, SignatureLabel::PlacedEntry, ledgers)?;
        let observed = rules::check_cite(&self.state, &parsed.author, ledgers)?;
        if self.groups.is_empty() {
            rules::apply_placed(&mut self.state, parsed)?;
            observed.apply(&mut self.state);
            self.state.settle(observed.passes_exclusion, false);
        } else {
            let mut next = self.state.clone();
            rules::apply_placed(&mut next, parsed)?;
            observed.apply(&mut next);
            let passes_exclusion = observed.passes_exclusion | next.judge_groups(ledgers)?;
            next.settle(passes_exclusion, false);
            self.state = next;
        }
        // The latest time stays: who answers does not know what he is placed after, and must not date it.
        self.state.head = head;
        Ok(())
    }
}

/// The author cites himself, and signed with the ledger key of the generation that he cites.
fn verify_entry(entry: &SignedEntry, parsed: &Entry, ledgers: &dyn Ledgers) -> Result<(), Rejected> {
    let cite = parsed.cites.iter().find(|c| c.principal == parsed.author).ok_or(Rejected::CitationMissing)?;
    verify_author(entry, cite, SignatureLabel::Entry, ledgers)
}

fn verify_author(
    entry: &SignedEntry,
    cite: &Cite,
    label: SignatureLabel,
    ledgers: &dyn Ledgers,
) -> Result<(), Rejected> {
    let missing = Rejected::MissingLedger(cite.principal);
    let account = ledgers.account(&cite.principal).ok_or(missing)?;
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
