//! Signing up, and looking accounts up.

use super::{Caller, Domain, Fault, fault, fault::check_entry_time};
use crate::{
    clock,
    store::{Limit, NewAccount, NewEntry, Once},
};
use keyfold_format::{
    EntryHash, UserId, VerifyingKey,
    account::{self, Entry},
    entry::SignedEntry,
};
use keyfold_protocol::{
    Code, limits,
    wire::{AccountLedger, Accounts, Info, Lookup, ScopeKind, SignUp, SignedUp, Standing, Successions},
};
use std::{collections::BTreeSet, time::Instant};

/// The oldest client that this server serves.
const OLDEST_CLIENT: &str = "0.1.0";

impl Domain {
    /// What anybody may know.
    pub(crate) fn info(&self) -> Info {
        Info {
            server_key: self.secrets.key(),
            server_id: self.secrets.id(),
            time_ms: clock::now_ms(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            oldest_client: OLDEST_CLIENT.to_owned(),
            gate: self.gate.kind(),
            limits: keyfold_protocol::wire::Limits {
                body_bytes: limits::REQUEST_BODY_BYTES as u64,
                lookups: limits::LOOKUPS as u32,
                ledgers: limits::LEDGERS as u32,
            },
        }
    }

    /// How the server came to its key.
    pub(crate) fn successions(&self) -> Successions {
        let steps = self.secrets.successions();
        Successions { steps: steps.get(steps.len().saturating_sub(limits::SUCCESSIONS)..).unwrap_or_default().to_vec() }
    }

    /// The key that a sign-up must be signed with: the new device's, as its own first entry names it.
    pub(crate) fn newcomer_key(
        sign_up: &SignUp,
        once_device: &keyfold_format::HolderId,
    ) -> Result<VerifyingKey, Fault> {
        let ledger = account::Ledger::genesis(&sign_up.genesis)?;
        let holder = ledger.holders().get(once_device);
        let holder = holder.ok_or_else(|| fault(Code::Unauthorized, "the request is signed by another device"))?;
        Ok(holder.keys.signing)
    }

    /// Founds an account.
    pub(crate) async fn sign_up(
        &self,
        once: Once,
        signing_key: VerifyingKey,
        sign_up: SignUp,
    ) -> Result<SignedUp, Fault> {
        if sign_up.master_key.is_empty() || sign_up.master_key.len() > limits::MASTER_KEY_BYTES {
            return Err(fault::too_large(limits::MASTER_KEY_BYTES));
        }
        let ledger = account::Ledger::genesis(&sign_up.genesis)?;
        self.check_visit(once.device, ledger.user_id()).await?;
        check_entry_time(Entry::decode(&sign_up.genesis.signed)?.time)?;
        let (id, head) = (ledger.id(), ledger.head());
        let new = NewAccount {
            user_id: ledger.user_id().clone(),
            signing_key,
            master_key: sign_up.master_key,
            now_ms: clock::now_ms(),
            entry: NewEntry {
                scope: id,
                kind: ScopeKind::Account,
                head,
                follows: None,
                content: content(&sign_up.genesis),
                author: id,
                entry: sign_up.genesis.encode(),
                wraps: Vec::new(),
                cites: Vec::new(),
                cited: Vec::new(),
                bans: Vec::new(),
                standings: vec![(id, Some(Standing::Member))],
                audience: vec![id],
                audience_groups: Vec::new(),
            },
        };
        let since_ms = self.store.sign_up(once, new).await?;
        tracing::info!(account = %id, device = %once.device, "signed up");
        Ok(SignedUp { receipt: self.secrets.receipt(id, head, clock::now_ms()), since_ms })
    }

    /// Accounts by user id, for enrolled callers only and not many at a time.
    pub(crate) async fn look_up(&self, caller: &Caller, lookup: Lookup) -> Result<Accounts, Fault> {
        let ids: BTreeSet<&UserId> = lookup.user_ids.iter().collect();
        if ids.len() != lookup.user_ids.len() {
            return Err(fault(Code::Malformed, "a user id stands twice"));
        }
        let cost = ids.len().max(1) as f64;
        self.lookups.take(caller.account, cost, Instant::now()).map_err(fault::rate_limited)?;
        let mut accounts = Vec::with_capacity(lookup.user_ids.len());
        for user_id in lookup.user_ids {
            accounts.push(match self.store.account(user_id).await? {
                Some(account) => self.account_ledger(account).await?,
                None => None,
            });
        }
        Ok(Accounts { accounts })
    }

    async fn account_ledger(&self, account: keyfold_format::ScopeId) -> Result<Option<AccountLedger>, Fault> {
        let Some(page) = self.store.page(account, None, Limit::PAGE).await? else { return Ok(None) };
        let entries = super::ledgers::decode_all(&page.entries)?;
        Ok(Some(AccountLedger { entries, receipt: self.secrets.receipt(account, page.head, clock::now_ms()) }))
    }
}

/// Names a signed entry without its place.
pub(super) fn content(entry: &SignedEntry) -> EntryHash {
    entry.hash(EntryHash::NONE, 0)
}
