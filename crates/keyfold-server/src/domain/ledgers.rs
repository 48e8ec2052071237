//! Reading ledgers: accounts' by any enrolled device, a scope's by who is in it, and by who was in it up to the entry
//! that ended that.

use super::{Caller, Domain, Fault, fault, fault::unknown_keychain};
use crate::{
    clock,
    store::{Limit, Page, Reading},
};
use keyfold_format::{
    ScopeId,
    entry::{Head, SignedEntry},
};
use keyfold_protocol::{
    Code, limits,
    wire::{After, LedgerPage, LedgerPages, Ledgers, ScopeKind, Scopes, Standing},
};
use std::collections::BTreeSet;

impl Domain {
    /// Pages of several ledgers, until the reply is full; what did not fit says `more`.
    pub(crate) async fn ledgers(&self, caller: &Caller, asked: Ledgers) -> Result<LedgerPages, Fault> {
        let distinct: BTreeSet<_> = asked.wanted.iter().map(|after| after.scope).collect();
        if distinct.len() != asked.wanted.len() {
            return Err(fault(Code::Malformed, "a ledger stands twice"));
        }
        let mut room = Limit::PAGE;
        let mut pages = Vec::with_capacity(asked.wanted.len());
        for after in &asked.wanted {
            pages.push(match self.ledger_page(caller, after, &mut room).await {
                Ok(page) => Ok(page),
                Err(refused) if refused.code() == Code::UnknownKeychain => Err(Code::UnknownKeychain),
                Err(failed) => return Err(failed),
            });
        }
        Ok(LedgerPages { pages })
    }

    async fn ledger_page(&self, caller: &Caller, after: &After, room: &mut Limit) -> Result<LedgerPage, Fault> {
        // A full reply still tells every head; the first entry of a page is given whatever its size.
        let limit = if room.bytes == 0 { Limit::HEAD } else { *room };
        let (page, reading) = self.readable_page(caller, after, limit).await?;
        room.bytes = room.bytes.saturating_sub(page.entries.iter().map(Vec::len).sum());
        room.entries = room.entries.saturating_sub(page.entries.len());
        // Who is out is told nothing of those who are in.
        let unseen = match (page.kind, reading) {
            (ScopeKind::Account, _) | (_, Reading::Until(_)) => Vec::new(),
            (_, Reading::All) => self.store.unseen(after.scope, limits::UNSEEN as u32).await?,
        };
        Ok(LedgerPage {
            entries: decode_all(&page.entries)?,
            receipt: self.secrets.receipt(after.scope, page.head, clock::now_ms()),
            more: page.more,
            unseen,
        })
    }

    /// A page of what the caller may read: an account's ledger, that of a scope in which he has a standing, or of
    /// one in which he was a member, up to the entry that ended it. And how much of it he may read.
    async fn readable_page(&self, caller: &Caller, after: &After, limit: Limit) -> Result<(Page, Reading), Fault> {
        let page = async |limit| self.store.page(after.scope, after.after, limit).await?.ok_or_else(unknown_keychain);
        // Read before it is asked who may: what was added meanwhile is not in it.
        let whole = page(limit).await?;
        if whole.kind == ScopeKind::Account {
            return Ok((whole, Reading::All));
        }
        let reading = self.store.reading(after.scope, caller.account).await?.ok_or_else(unknown_keychain)?;
        let page = match &reading {
            Reading::All => whole,
            Reading::Until(last) => page(Limit { last: Some(*last), ..limit }).await?,
        };
        Ok((page, reading))
    }

    /// The newest head that the caller may know of.
    pub(super) async fn readable_head(&self, caller: &Caller, scope: ScopeId) -> Result<Head, Fault> {
        Ok(self.readable_page(caller, &After { scope, after: None }, Limit::HEAD).await?.0.head)
    }

    /// The caller's scopes.
    pub(crate) async fn scopes(&self, caller: &Caller) -> Result<Scopes, Fault> {
        let mut scopes = self.store.scopes(caller.account).await?;
        for summary in &mut scopes {
            summary.missing =
                summary.standing == Standing::Member && self.missing.concerns(&summary.scope, &caller.account);
        }
        Ok(Scopes { scopes })
    }
}

/// Stored entries decode, or the disk is broken.
pub(super) fn decode_all(entries: &[Vec<u8>]) -> Result<Vec<SignedEntry>, Fault> {
    entries.iter().map(|bytes| SignedEntry::decode(bytes)).collect::<Result<_, _>>().map_err(|_| {
        tracing::error!("an entry in the store does not decode");
        fault(Code::Internal, "the server's data is damaged")
    })
}
