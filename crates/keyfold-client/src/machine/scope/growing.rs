//! Taking in served entries, one after the other. Replay may stop at each of them for a ledger that is not at hand; what
//! was replayed before stays, so a long ledger that cites many heads of groups is still read once.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay".

use super::{KnownScope, Stop};
use crate::{Error, Result};
use keyfold_format::{
    Rejected, ScopeId, VerifyingKey,
    entry::{Head, SignedEntry},
    receipt::{Receipt, Statement},
    scope::Ledgers,
};
use keyfold_protocol::Code;

/// Served entries, after the newest known one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) entries: &'a [SignedEntry],
    pub(crate) receipt: &'a Receipt,
    /// Whether more may follow before the head that the receipt names.
    pub(crate) more: bool,
}

/// What is known, and what of a page was replayed on it so far.
pub(crate) struct Growing<'a> {
    next: KnownScope,
    page: Page<'a>,
    rest: &'a [SignedEntry],
    statement: Statement,
    answer_stands: bool,
}

impl<'a> Growing<'a> {
    /// On the newest known entry. A head below it, and a page that promises more and brings nothing: `Rollback`.
    pub(crate) fn on(known: &KnownScope, page: Page<'a>, server: &VerifyingKey) -> Result<Self> {
        let id = known.ledger().id();
        if page.more && page.entries.is_empty() {
            return Err(Error::rollback(format!("the server promises more of {id} and does not show it")));
        }
        Self::after(known.clone(), page.entries, page, server)
    }

    /// From the first entry on, which must be the one that `id` names. The ledger has the entry `floor`, which was known
    /// before.
    pub(crate) fn of(
        id: &ScopeId,
        page: Page<'a>,
        floor: Option<Head>,
        ledgers: &impl Ledgers,
        server: &VerifyingKey,
    ) -> Result<Self, Stop> {
        let nothing = || Error::rollback(format!("the server shows nothing of {id}"));
        let (first, rest) = page.entries.split_first().ok_or_else(nothing)?;
        if first.scope_id() != *id {
            return Err(Error::rollback(format!("the server answers with another ledger than {id}")).into());
        }
        let mut founded = KnownScope { floor, ..KnownScope::founded(first, ledgers)? };
        founded.check_floor()?;
        Ok(Self::after(founded, rest, page, server)?)
    }

    fn after(next: KnownScope, rest: &'a [SignedEntry], page: Page<'a>, server: &VerifyingKey) -> Result<Self> {
        let statement = next.verified(page.receipt, server)?;
        if statement.head.seq < next.ledger().head().seq {
            let id = next.ledger().id();
            return Err(Error::rollback(format!("the server shows an older state of {id} than before")));
        }
        Ok(Self { next, page, rest, statement, answer_stands: false })
    }

    /// Replays what is left. After a [`Stop`] that asks for a ledger it goes on where it stopped.
    ///
    /// Entries that do not follow, and another one than was known: `Rollback`.
    pub(crate) fn go(&mut self, ledgers: &impl Ledgers) -> Result<(), Stop> {
        while let Some((entry, rest)) = self.rest.split_first() {
            let id = self.next.ledger().id();
            self.next.append(entry, ledgers).map_err(|stop| match stop {
                Stop::Refused(error) if is_other_history(&error) => {
                    Error::rollback(format!("the server shows another history of {id} than before")).into()
                }
                other => other,
            })?;
            self.next.check_floor()?;
            self.answer_stands |= self.next.answer.is_some_and(|answer| answer.at == self.next.ledger().head());
            self.rest = rest;
        }
        Ok(())
    }

    /// How many entries are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The ledger with all of the page, as far as the server signed for it. [`KnownScope::broken_word`] may have
    /// something to say afterwards.
    pub(crate) fn done(self) -> Result<KnownScope> {
        let Self { mut next, page, statement, answer_stands, .. } = self;
        let (id, head) = (next.ledger().id(), next.ledger().head());
        let partial = page.more && head.seq < statement.head.seq;
        if head != statement.head && !partial {
            return Err(Error::rollback(format!("the server does not show the state of {id} that it signed")));
        }
        if !partial {
            if next.floor.is_some() {
                return Err(Error::rollback(format!("the server shows an older state of {id} than before")));
            }
            next.receipt = Some(*page.receipt);
        }
        if let Some(answer) = next.answer.filter(|answer| !partial || answer.at.seq <= head.seq) {
            next.answer = None;
            if !answer_stands {
                next.contradicted = Some(answer.receipt);
            }
        }
        Ok(next)
    }
}

/// Rejections that say: these entries belong to another history than the one that is known.
fn is_other_history(error: &Error) -> bool {
    matches!(error.code, Code::Rejected(Rejected::WrongPrev | Rejected::WrongSeq | Rejected::WrongScope))
}
