//! Reading ledgers: accounts' by any enrolled device, a scope's by who is in it.

use super::{Caller, Domain, Fault, fault, fault::unknown_keychain};
use crate::{clock, store::Limit};
use keyfold_format::entry::SignedEntry;
use keyfold_protocol::{
    Code, limits,
    wire::{After, LedgerPage, LedgerPages, Ledgers, ScopeKind, Scopes},
};
use std::collections::BTreeSet;

impl Domain {
    /// Pages of several ledgers, until the reply is full; what did not fit says `more`.
    pub(crate) async fn ledgers(&self, caller: &Caller, asked: Ledgers) -> Result<LedgerPages, Fault> {
        let distinct: BTreeSet<_> = asked.wanted.iter().map(|after| after.scope).collect();
        if distinct.len() != asked.wanted.len() {
            return Err(fault(Code::Malformed, "a ledger stands twice"));
        }
        let mut room = Limit { bytes: limits::PAGE_BYTES, entries: limits::PAGE_ENTRIES };
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
        let limit = if room.bytes == 0 { Limit { bytes: 0, entries: 0 } } else { *room };
        let page = self.store.page(after.scope, after.after, limit).await?.ok_or_else(unknown_keychain)?;
        if page.kind != ScopeKind::Account {
            self.store.standing(after.scope, caller.account).await?.ok_or_else(unknown_keychain)?;
        }
        room.bytes = room.bytes.saturating_sub(page.entries.iter().map(Vec::len).sum());
        room.entries = room.entries.saturating_sub(page.entries.len());
        Ok(LedgerPage {
            entries: decode_all(&page.entries)?,
            receipt: self.secrets.receipt(after.scope, page.head, clock::now_ms()),
            more: page.more,
        })
    }

    /// The caller's scopes.
    pub(crate) async fn scopes(&self, caller: &Caller) -> Result<Scopes, Fault> {
        Ok(Scopes { scopes: self.store.scopes(caller.account).await? })
    }
}

/// Stored entries decode, or the disk is broken.
pub(super) fn decode_all(entries: &[Vec<u8>]) -> Result<Vec<SignedEntry>, Fault> {
    entries.iter().map(|bytes| SignedEntry::decode(bytes)).collect::<Result<_, _>>().map_err(|_| {
        tracing::error!("an entry in the store does not decode");
        fault(Code::Internal, "the server's data is damaged")
    })
}
