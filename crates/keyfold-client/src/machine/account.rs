//! Accounts as this device knows them: a verified ledger that is only ever extended. First use pins; what is no
//! extension of the pinned ledger is refused, and no key goes to it.
//!
//! Spec: `docs/spec/account-ledger.md`, "Pins".

use crate::{Error, Result};
use keyfold_format::{
    UserId, VerifyingKey,
    account::Ledger,
    entry::{Head, SignedEntry},
    receipt::Receipt,
};
use keyfold_protocol::wire::{AccountLedger, LedgerPage};
use minicbor::{Decode, Encode};

/// A pinned account. The ledger is the high-water mark.
#[derive(Clone, Debug)]
pub(crate) struct KnownAccount {
    ledger: Ledger,
    entries: Vec<SignedEntry>,
    /// The server's for the head: the evidence.
    receipt: Option<Receipt>,
}

/// How it rests in the store.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    entries: Vec<SignedEntry>,
    #[n(1)]
    receipt: Option<Receipt>,
}

impl KnownAccount {
    /// From a first entry: one's own at sign-up.
    pub(crate) fn founded(genesis: SignedEntry) -> Result<Self> {
        Ok(Self { ledger: Ledger::genesis(&genesis)?, entries: vec![genesis], receipt: None })
    }

    /// From what a server answers to a look-up of `user_id`, given what was pinned for him before.
    ///
    /// A fork, an older state, another account or another person's is `IdentityChanged`.
    pub(crate) fn looked_up(
        user_id: &UserId,
        pinned: Option<&Self>,
        answer: &AccountLedger,
        server: &VerifyingKey,
    ) -> Result<Self> {
        let found = match pinned {
            // What was verified before need not be again, byte for byte the same.
            Some(pinned) if pinned.entries == answer.entries => pinned.clone().checked(&answer.receipt, server)?,
            _ => Self::received(answer, server)?,
        };
        let extends = |pinned: &Self| found.extends(pinned.head());
        if found.ledger.user_id() != user_id || !pinned.is_none_or(extends) {
            return Err(Error::identity_changed(user_id));
        }
        Ok(found)
    }

    /// The next entries of this account's ledger.
    pub(crate) fn extended(&self, page: &LedgerPage, server: &VerifyingKey) -> Result<Self> {
        let mut next = self.clone();
        let changed = || Error::identity_changed(self.ledger.user_id());
        for entry in &page.entries {
            next.ledger.append(entry).map_err(|_| changed())?;
            next.entries.push(entry.clone());
        }
        next.checked(&page.receipt, server)
    }

    /// With an entry of one's own that no server has taken yet.
    pub(crate) fn tried(&self, entry: &SignedEntry) -> Result<Self> {
        let mut next = self.clone();
        next.ledger.append(entry)?;
        next.entries.push(entry.clone());
        next.receipt = None;
        Ok(next)
    }

    /// The same once the server has taken it.
    pub(crate) fn confirmed(self, receipt: &Receipt, server: &VerifyingKey) -> Result<Self> {
        self.checked(receipt, server)
    }

    /// With entries after which there are more: the receipt is of the newest.
    pub(crate) fn extended_partly(&self, page: &LedgerPage, server: &VerifyingKey) -> Result<Self> {
        if !page.more {
            return self.extended(page, server);
        }
        let mut next = self.clone();
        for entry in &page.entries {
            next = next.tried(entry)?;
        }
        Ok(next)
    }

    /// A whole ledger, whoever asked for it.
    pub(crate) fn received(answer: &AccountLedger, server: &VerifyingKey) -> Result<Self> {
        let ledger = Ledger::replay(&answer.entries)?;
        Self { ledger, entries: answer.entries.clone(), receipt: None }.checked(&answer.receipt, server)
    }

    /// The receipt is the server's, and names exactly what was served.
    fn checked(mut self, receipt: &Receipt, server: &VerifyingKey) -> Result<Self> {
        let statement = receipt.verify(server)?;
        if statement.scope != self.ledger.id() || statement.head != self.ledger.head() {
            return Err(Error::identity_changed(self.ledger.user_id()));
        }
        self.receipt = Some(*receipt);
        Ok(self)
    }

    /// Whether this ledger has `head` in it.
    fn extends(&self, head: Head) -> bool {
        self.ledger.hash_at(head.seq) == Some(head.hash)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the ledger was replayed from.
    pub(crate) fn entries(&self) -> &[SignedEntry] {
        &self.entries
    }

    pub(crate) fn receipt(&self) -> Option<Receipt> {
        self.receipt
    }

    pub(crate) fn head(&self) -> Head {
        self.ledger.head()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        keyfold_format::cbor::encode(&Stored { entries: self.entries.clone(), receipt: self.receipt })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let stored: Stored = minicbor::decode(bytes).map_err(|_| Error::internal("a stored account cannot be read"))?;
        Ok(Self { ledger: Ledger::restored(&stored.entries)?, entries: stored.entries, receipt: stored.receipt })
    }
}
