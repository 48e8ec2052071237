//! Keychains as this device knows them: a verified ledger that is only ever extended, and the highest head that the
//! server ever signed for it.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay".

use crate::{Error, Result};
use keyfold_format::{
    EntryHash, Rejected, ScopeId, VerifyingKey,
    entry::{Head, SignedEntry},
    receipt::Receipt,
    scope::{Accounts, Ledger, Op, ScopeEntry},
};
use minicbor::{Decode, Encode};

/// A keychain's verified state.
#[derive(Clone, Debug)]
pub(crate) struct KnownScope {
    ledger: Ledger,
    /// The highest head seen in a receipt; at or after the ledger's own.
    mark: Head,
    /// When each key was made, as its maker claims.
    created: Vec<u64>,
    /// The share that was accepted, while the ledger here does not show it yet.
    accepted: Option<EntryHash>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[cbor(n(0), with = "minicbor::bytes")]
    snapshot: Vec<u8>,
    #[n(1)]
    mark: Head,
    #[n(2)]
    created: Vec<u64>,
    #[n(3)]
    accepted: Option<EntryHash>,
}

/// Why served entries are not taken in.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This account's ledger is needed first.
    MissingLedger(ScopeId),
    /// For good.
    Refused(Error),
}

impl From<Rejected> for Stop {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::MissingLedger(id) => Self::MissingLedger(id),
            other => Self::Refused(other.into()),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl KnownScope {
    /// From a first entry that this device composed, and that the server has not seen.
    pub(crate) fn founded(genesis: &SignedEntry, accounts: &impl Accounts) -> Result<Self, Stop> {
        let ledger = Ledger::genesis(genesis, accounts)?;
        let created = vec![ledger.time()];
        Ok(Self { mark: ledger.head(), ledger, created, accepted: None })
    }

    /// With the next entry, composed here: not signed for by the server so far.
    pub(crate) fn tried(&self, entry: &SignedEntry, accounts: &impl Accounts) -> Result<Self, Stop> {
        let mut next = self.clone();
        next.append(entry, accounts)?;
        Ok(next)
    }

    /// What was tried stands: the server signed for it, or for something after it.
    pub(crate) fn confirmed(mut self, receipt: &Receipt, server: &VerifyingKey) -> Result<Self> {
        let statement = receipt.verify(server)?;
        let head = self.ledger.head();
        let low = statement.head.seq < head.seq || statement.head.seq < self.mark.seq;
        let other = statement.head.seq == head.seq && statement.head.hash != head.hash;
        if statement.scope != self.ledger.id() || low || other {
            return Err(Error::rollback(format!("the server signed for something else in {}", self.ledger.id())));
        }
        self.mark = statement.head;
        self.accepted = self.accepted.filter(|share| self.waits(share));
        Ok(self)
    }

    /// A page of a ledger from its first entry on, which must be the one that `id` names.
    pub(crate) fn received(
        id: &ScopeId,
        page: Page<'_>,
        accounts: &impl Accounts,
        server: &VerifyingKey,
    ) -> Result<Self, Stop> {
        let (first, rest) = page.entries.split_first().ok_or_else(|| empty(id))?;
        if first.scope_id() != *id {
            return Err(Error::rollback(format!("the server answers with another ledger than {id}")).into());
        }
        Self::founded(first, accounts)?.extended(Page { entries: rest, ..page }, accounts, server)
    }

    /// A page of the entries after the newest known one.
    ///
    /// Entries that do not follow, a head below one that was signed before, or another one: `Rollback`.
    pub(crate) fn extended(
        &self,
        page: Page<'_>,
        accounts: &impl Accounts,
        server: &VerifyingKey,
    ) -> Result<Self, Stop> {
        let mut next = self.clone();
        let statement = page.receipt.verify(server).map_err(Error::from)?;
        let id = self.ledger.id();
        if statement.scope != id || statement.head.seq < self.mark.seq {
            return Err(Error::rollback(format!("the server shows an older state of {id} than before")).into());
        }
        for entry in page.entries {
            next.append(entry, accounts).map_err(|stop| match stop {
                Stop::Refused(error) if is_other_history(&error) => {
                    Error::rollback(format!("the server shows another history of {id} than before")).into()
                }
                other => other,
            })?;
            let head = next.ledger.head();
            for known in [self.mark, statement.head] {
                if head.seq == known.seq && head.hash != known.hash {
                    return Err(Error::rollback(format!("the server signed two histories of {id}")).into());
                }
            }
        }
        let head = next.ledger.head();
        let partial = page.more && head.seq < statement.head.seq;
        if head != statement.head && !partial {
            return Err(Error::rollback(format!("the server does not show the state of {id} that it signed")).into());
        }
        next.mark = statement.head;
        next.accepted = next.accepted.filter(|share| next.waits(share));
        Ok(next)
    }

    /// One's own placed entry, which stands at `at` and may leave a gap before it. `receipt` is the newest head.
    pub(crate) fn accepted(
        &self,
        share: EntryHash,
        at: Head,
        receipt: &Receipt,
        server: &VerifyingKey,
    ) -> Result<Self> {
        let statement = receipt.verify(server)?;
        let id = self.ledger.id();
        let low = statement.head.seq < at.seq || statement.head.seq < self.mark.seq;
        let other = statement.head.seq == at.seq && statement.head.hash != at.hash;
        if statement.scope != id || low || other || at.seq <= self.ledger.head().seq {
            return Err(Error::rollback(format!("the server did not place the answer in {id}")));
        }
        let mut next = self.clone();
        next.accepted = Some(share);
        next.mark = statement.head;
        Ok(next)
    }

    fn append(&mut self, entry: &SignedEntry, accounts: &impl Accounts) -> Result<(), Stop> {
        if let ScopeEntry::Ordinary(entry) = self.ledger.append(entry, accounts)? {
            self.created.extend(entry.ops.iter().filter(|op| matches!(op, Op::Rotate(_))).map(|_| entry.time));
        }
        Ok(())
    }

    /// Whether this share still stands as pending in the ledger here.
    fn waits(&self, share: &EntryHash) -> bool {
        self.ledger.pending().values().any(|pending| pending.entry == *share)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The highest head that the server ever signed.
    pub(crate) fn mark(&self) -> Head {
        self.mark
    }

    /// Whether everything that the server signed for is known.
    pub(crate) fn is_complete(&self) -> bool {
        self.mark == self.ledger.head()
    }

    /// When a key was made, as its maker claims.
    pub(crate) fn created(&self, number: u32) -> u64 {
        usize::try_from(number).ok().and_then(|n| self.created.get(n.checked_sub(1)?)).copied().unwrap_or_default()
    }

    /// The share that waits for `account`'s answer.
    pub(crate) fn unanswered(&self, account: &ScopeId) -> Option<EntryHash> {
        let share = self.ledger.pending().get(account)?.entry;
        (self.accepted != Some(share)).then_some(share)
    }

    /// Whether `account` is in: a member here, or by an answer that the server placed beyond what is known here.
    pub(crate) fn is_in(&self, account: &ScopeId) -> bool {
        self.ledger.members().contains_key(account)
            || self.ledger.pending().get(account).is_some_and(|share| self.accepted == Some(share.entry))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        keyfold_format::cbor::encode(&Stored {
            snapshot: self.ledger.to_snapshot(),
            mark: self.mark,
            created: self.created.clone(),
            accepted: self.accepted,
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let unreadable = || Error::internal("a stored keychain cannot be read");
        let stored: Stored = minicbor::decode(bytes).map_err(|_| unreadable())?;
        let ledger = Ledger::from_snapshot(&stored.snapshot).map_err(|_| unreadable())?;
        Ok(Self { ledger, mark: stored.mark, created: stored.created, accepted: stored.accepted })
    }
}

/// Served entries of a keychain, after the newest known one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) entries: &'a [SignedEntry],
    pub(crate) receipt: &'a Receipt,
    /// Whether more may follow before the head that the receipt names.
    pub(crate) more: bool,
}

fn empty(id: &ScopeId) -> Error {
    Error::rollback(format!("the server shows nothing of {id}"))
}

/// Rejections that say: these entries belong to another history than the one that is known.
fn is_other_history(error: &Error) -> bool {
    use keyfold_protocol::Code;
    matches!(error.code, Code::Rejected(Rejected::WrongPrev | Rejected::WrongSeq | Rejected::WrongScope))
}
