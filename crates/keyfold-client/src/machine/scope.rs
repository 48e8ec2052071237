//! Keychains and groups as this device knows them: a verified ledger that is only ever extended, and what the server
//! signed.
//!
//! The ledger itself is the high-water mark: a head counts once the entries up to it were replayed here. A receipt of
//! something beyond is a hint to fetch; believed by itself, one lie would end the keychain on this device.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay".

mod growing;

use super::replayed::Replayed;
use crate::{Error, Result};
use keyfold_format::{
    EntryHash, Malformed, Rejected, ScopeId, VerifyingKey,
    entry::{Head, SignedEntry},
    receipt::{Receipt, Statement},
    scope::{Ledger, Ledgers, Op, ScopeEntry, State},
};
use keyfold_protocol::Code;
use minicbor::{Decode, Encode};

pub(crate) use growing::{Growing, Page};

/// The verified state of a keychain or group.
#[derive(Clone, Debug)]
pub(crate) struct KnownScope {
    replayed: Replayed,
    /// The newest receipt whose head the ledger has reached: the evidence for it.
    receipt: Option<Receipt>,
    /// When each key was made, as its maker claims.
    created: Vec<u64>,
    /// One's own answer to a share, while the ledger here does not reach to where it stands.
    answer: Option<Answer>,
    /// What the server signed when it claimed to have placed an answer that its ledger does not have there.
    contradicted: Option<Receipt>,
    /// How far the ledger reached before it was fetched anew, until it does again.
    floor: Option<Head>,
}

/// An answer that the server claims to have placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Answer {
    /// The share that it answers.
    #[n(0)]
    share: EntryHash,
    /// Where it stands.
    #[n(1)]
    at: Head,
    /// What was signed with that.
    #[n(2)]
    receipt: Receipt,
}

#[derive(Debug, Default, Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[cbor(n(0), with = "minicbor::bytes")]
    snapshot: Vec<u8>,
    #[n(1)]
    receipt: Option<Receipt>,
    #[n(2)]
    created: Vec<u64>,
    #[n(3)]
    answer: Option<Answer>,
    #[n(4)]
    contradicted: Option<Receipt>,
    #[n(5)]
    floor: Option<Head>,
    /// Those of a group: others cite heads that it has left behind.
    #[cbor(n(6), default)]
    entries: Vec<SignedEntry>,
}

/// What is stored of a keychain's ledger.
#[derive(Debug)]
pub(crate) enum StoredScope {
    /// Its verified state.
    Known(Box<KnownScope>),
    /// How far it reached. The state is to be replayed from the first entry: another release wrote it, or the server
    /// did not show it any more when there was nothing for this account in it.
    Floor(Head),
}

/// Why served entries are not taken in.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This account's ledger is needed first.
    MissingLedger(ScopeId),
    /// The state of this group right after its entry with this number is needed first.
    MissingState(ScopeId, u64),
    /// For good.
    Refused(Error),
}

impl From<Rejected> for Stop {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::MissingLedger(id) => Self::MissingLedger(id),
            Rejected::MissingState(id, seq) => Self::MissingState(id, seq),
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
    pub(crate) fn founded(genesis: &SignedEntry, accounts: &impl Ledgers) -> Result<Self, Stop> {
        let replayed = Replayed::genesis(genesis, accounts)?;
        let created = vec![replayed.newest().time()];
        Ok(Self { replayed, receipt: None, created, answer: None, contradicted: None, floor: None })
    }

    /// With the next entry, composed here: not signed for by the server so far.
    pub(crate) fn tried(&self, entry: &SignedEntry, accounts: &impl Ledgers) -> Result<Self, Stop> {
        let mut next = self.clone();
        next.append(entry, accounts)?;
        Ok(next)
    }

    /// What was tried stands: the server signed for it. If it signed for something after it, that is to be fetched:
    /// only its entries show that what was tried is among them.
    pub(crate) fn confirmed(mut self, receipt: &Receipt, server: &VerifyingKey) -> Result<Self> {
        let statement = self.verified(receipt, server)?;
        let head = self.ledger().head();
        let other = statement.head.seq == head.seq && statement.head.hash != head.hash;
        if statement.head.seq < head.seq || other {
            return Err(Error::rollback(format!("the server signed for something else in {}", self.ledger().id())));
        }
        if statement.head == head {
            self.receipt = Some(*receipt);
        }
        Ok(self)
    }

    fn verified(&self, receipt: &Receipt, server: &VerifyingKey) -> Result<Statement> {
        let id = self.ledger().id();
        let bad = |_| Error::new(Code::Unauthentic, format!("a receipt for {id} is not signed by the server"));
        let statement = receipt.verify(server).map_err(bad)?;
        if statement.scope != id {
            return Err(Error::rollback(format!("the server signed for another ledger than {id}")));
        }
        Ok(statement)
    }

    /// Where the ledger was known up to an entry before, that entry stands in it.
    fn check_floor(&mut self) -> Result<(), Stop> {
        let head = self.ledger().head();
        let Some(floor) = self.floor.filter(|floor| floor.seq <= head.seq) else { return Ok(()) };
        if floor != head {
            let id = self.ledger().id();
            return Err(Error::rollback(format!("the server shows another history of {id} than before")).into());
        }
        self.floor = None;
        Ok(())
    }

    /// `Rollback`, if the server claimed to have placed an answer, and the ledger that it shows now does not have it
    /// there. That is told once: the ledger is verified, so it settles what is true, and a share that still waits is
    /// answered again.
    pub(crate) fn broken_word(&self, before: Option<&Self>) -> Option<Error> {
        let news = self.contradicted.is_some() && before.is_some_and(|before| before.contradicted != self.contradicted);
        let id = self.ledger().id();
        news.then(|| Error::rollback(format!("the server had signed for another place of your answer in {id}")))
    }

    /// An answer that the server claimed to have placed, in a keychain that it no longer shows: there was no more than
    /// the claim. `None` if the ledger itself says that one is in, or nothing was claimed.
    pub(crate) fn unanswered_after_all(&self, account: &ScopeId) -> Option<Self> {
        let answer = self.answer.filter(|_| !self.ledger().members().contains_key(account))?;
        Some(Self { answer: None, contradicted: Some(answer.receipt), ..self.clone() })
    }

    /// One's own placed entry, which stands at `at` and may leave a gap before it. `receipt` is the newest head.
    pub(crate) fn accepted(
        &self,
        share: EntryHash,
        at: Head,
        receipt: &Receipt,
        server: &VerifyingKey,
    ) -> Result<Self> {
        let statement = self.verified(receipt, server)?;
        let low = statement.head.seq < at.seq;
        let other = statement.head.seq == at.seq && statement.head.hash != at.hash;
        if low || other || at.seq <= self.ledger().head().seq {
            return Err(Error::rollback(format!("the server did not place the answer in {}", self.ledger().id())));
        }
        Ok(Self { answer: Some(Answer { share, at, receipt: *receipt }), ..self.clone() })
    }

    fn append(&mut self, entry: &SignedEntry, accounts: &impl Ledgers) -> Result<(), Stop> {
        self.replayed.append(entry, accounts)?;
        if let ScopeEntry::Ordinary(entry) = ScopeEntry::decode(&entry.signed).map_err(Rejected::from)? {
            self.created.extend(entry.ops.iter().filter(|op| matches!(op, Op::Rotate(_))).map(|_| entry.time));
        }
        Ok(())
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        self.replayed.newest()
    }

    /// A group's state right after its entry `seq`, if it is at hand.
    pub(crate) fn at(&self, seq: u64) -> Option<&State> {
        self.replayed.at(seq)
    }

    /// Gets such a state ready. `false` if there is none.
    pub(crate) fn recall(&mut self, seq: u64, ledgers: &impl Ledgers) -> Result<bool, Rejected> {
        self.replayed.recall(seq, ledgers)
    }

    /// How far the ledger reached, here or before it was fetched anew.
    pub(crate) fn reached(&self) -> Head {
        self.floor.unwrap_or(self.ledger().head())
    }

    /// Everything that the server signed and that is kept: the newest receipt, that for an answer, and that for one
    /// which its ledger does not have.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = Receipt> {
        let answer = self.answer.map(|answer| answer.receipt);
        [self.receipt, answer, self.contradicted].into_iter().flatten()
    }

    /// Whether the ledger is as far as the server last signed for, and shows what this device did.
    pub(crate) fn is_complete(&self) -> bool {
        self.answer.is_none() && self.receipt.is_some_and(|receipt| receipt.statement.head == self.ledger().head())
    }

    /// When a key was made, as its maker claims.
    pub(crate) fn created(&self, number: u32) -> u64 {
        usize::try_from(number).ok().and_then(|n| self.created.get(n.checked_sub(1)?)).copied().unwrap_or_default()
    }

    /// The share that waits for `account`'s answer.
    pub(crate) fn unanswered(&self, account: &ScopeId) -> Option<EntryHash> {
        let share = self.ledger().pending().get(account)?.entry;
        (self.answer.map(|answer| answer.share) != Some(share)).then_some(share)
    }

    /// Whether `account` is in: a member here, or by an answer that the server placed beyond what is known here.
    pub(crate) fn is_in(&self, account: &ScopeId) -> bool {
        self.ledger().members().contains_key(account)
            || self
                .ledger()
                .pending()
                .get(account)
                .is_some_and(|share| self.answer.is_some_and(|answer| answer.share == share.entry))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        keyfold_format::cbor::encode(&Stored {
            snapshot: self.ledger().to_snapshot(),
            receipt: self.receipt,
            created: self.created.clone(),
            answer: self.answer,
            contradicted: self.contradicted,
            floor: self.floor,
            entries: self.replayed.entries().to_vec(),
        })
    }
}

impl StoredScope {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Known(known) => known.encode(),
            Self::Floor(head) => keyfold_format::cbor::encode(&Stored { floor: Some(*head), ..Stored::default() }),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let unreadable = |_| Error::internal("a stored keychain cannot be read");
        let stored: Stored = minicbor::decode(bytes).map_err(|_| Malformed::Encoding).map_err(unreadable)?;
        let Stored { snapshot, receipt, created, answer, contradicted, floor, entries } = stored;
        if let (true, Some(floor)) = (snapshot.is_empty(), floor) {
            return Ok(Self::Floor(floor));
        }
        match Ledger::from_snapshot(&snapshot) {
            Ok(ledger) => {
                let replayed = Replayed::restored(ledger, entries).ok_or_else(|| unreadable(Malformed::Encoding))?;
                Ok(Self::Known(Box::new(KnownScope { replayed, receipt, created, answer, contradicted, floor })))
            }
            Err(Malformed::Unsupported) => {
                let head = Ledger::head_of_snapshot(&snapshot).map_err(unreadable)?;
                Ok(Self::Floor(floor.unwrap_or(head)))
            }
            Err(fault) => Err(unreadable(fault)),
        }
    }
}
