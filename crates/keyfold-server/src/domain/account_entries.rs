//! Appending to an account's ledger: devices, recovery methods, generations. Apart from scopes, for an account has no
//! members, and what comes along is an envelope, not wraps.

use super::{Caller, Domain, Fault, Guest, accounts::content, fault, fault::check_entry_time, passwords, scopes::busy};
use crate::{
    clock,
    store::{AccountEntry, NewEntry, StoreError},
};
use keyfold_format::{
    HolderId, ScopeId, VerifyingKey,
    account::{AccountOp, Entry, Holder, HolderKind, Ledger},
};
use keyfold_protocol::{
    Code, limits,
    wire::{Appended, ExtendAccount, ScopeKind, Standing},
};
use std::{sync::Arc, time::Instant};

impl Domain {
    /// Appends an entry to the caller's own account.
    pub(crate) async fn extend_account(&self, caller: &Caller, extend: ExtendAccount) -> Result<Appended, Fault> {
        self.extend_account_as(caller, extend, false).await
    }

    /// Appends an entry by which a recovery method of the guest's account lets his device in.
    pub(crate) async fn recover_account(&self, guest: &Guest, extend: ExtendAccount) -> Result<Appended, Fault> {
        let caller = self.guest_of(guest).await?;
        self.extend_account_as(&caller, extend, true).await
    }

    async fn extend_account_as(
        &self,
        caller: &Caller,
        extend: ExtendAccount,
        is_guest: bool,
    ) -> Result<Appended, Fault> {
        self.check_fresh(caller).await?;
        check_entry_time(Entry::decode(&extend.entry.signed)?.time)?;
        let id = caller.account;
        let before = self.replayed.account(&*self.store, id).await?;
        let before = before.ok_or_else(|| fault(Code::UnknownDevice, "no account has this device"))?;
        if before.head() != extend.expected {
            return Err(self.stands_elsewhere(id, &extend).await);
        }
        let mut after = Ledger::clone(&before);
        let parsed = after.append(&extend.entry)?;
        let is_recovery = before.holders().get(&parsed.author).is_some_and(Holder::is_recovery);
        if is_guest && !(is_recovery && after.holders().contains_key(&caller.once.device)) {
            return Err(fault(Code::NotAllowed, "only a recovery method of the account lets your device in"));
        }
        check_envelope(&parsed.ops, extend.master_key.as_deref())?;
        let passwords = passwords::changed(&before, &after, extend.password.clone())?;
        let devices = changed_devices(&before, &after);
        // Whoever comes back without a device, and whoever puts one out, must not be kept from it by who floods the
        // ledger: by a thief, who could put out no more devices than he let in.
        if !is_guest && devices.iter().all(|(_, key)| key.is_some()) {
            self.entries.take(id, 1.0, Instant::now()).map_err(fault::rate_limited)?;
        }
        let head = after.head();
        let entry = NewEntry {
            scope: id,
            kind: ScopeKind::Account,
            head,
            follows: Some(extend.expected),
            content: content(&extend.entry),
            author: id,
            entry: extend.entry.encode(),
            wraps: Vec::new(),
            cites: Vec::new(),
            cited: Vec::new(),
            bans: Vec::new(),
            standings: vec![(id, Some(Standing::Member))],
            audience: vec![id],
            audience_groups: Vec::new(),
        };
        let gone: Vec<HolderId> = devices.iter().filter(|(_, key)| key.is_none()).map(|(device, _)| *device).collect();
        let new_generation = after.generation() > before.generation();
        let expires_ms = extend.expires_ms.map(|at| at.min(clock::now_ms() + limits::REGISTER_MS));
        let master_key = extend.master_key.clone();
        let new = AccountEntry { entry, new_generation, devices, master_key, expires_ms, passwords };
        match self.store.extend_account(caller.once, new).await {
            Ok(()) => {}
            Err(StoreError::HeadMoved) => {
                self.replayed.forget_account(&id);
                return Err(self.stands_elsewhere(id, &extend).await);
            }
            Err(error) => return Err(error.into()),
        }
        self.replayed.keep_account(Arc::new(after));
        self.decided.notify_waiters();
        for device in &gone {
            self.hub.close_device(&id, device, Code::UnknownDevice);
        }
        tracing::info!(account = %id, seq = head.seq, devices_gone = gone.len(), "account extended");
        Ok(Appended { receipt: self.secrets.receipt(id, head, clock::now_ms()) })
    }

    async fn stands_elsewhere(&self, account: ScopeId, extend: &ExtendAccount) -> Fault {
        match self.conflict(account, extend.expected).await {
            Ok(conflict) => conflict.unwrap_or_else(busy),
            Err(failed) => failed,
        }
    }
}

/// An envelope comes with what changes the holders' slots or the master key, or somebody could not open the account;
/// with nothing else, or the store could be filled.
fn check_envelope(ops: &[AccountOp], envelope: Option<&[u8]>) -> Result<(), Fault> {
    let needed = ops.iter().any(|op| {
        matches!(
            op,
            AccountOp::AddDevice(_)
                | AccountOp::RotateDevice(_)
                | AccountOp::AddRecovery(_)
                | AccountOp::RotateAccount(_)
        )
    });
    match envelope {
        Some(envelope) if envelope.is_empty() || envelope.len() > limits::MASTER_KEY_BYTES => {
            Err(fault::too_large(limits::MASTER_KEY_BYTES))
        }
        None if needed => Err(fault(Code::WrapMissing, "the master key is not wrapped for who holds it now")),
        Some(_) if !needed => Err(fault(Code::WrapUnexpected, "nothing changed for whom the master key is wrapped")),
        _ => Ok(()),
    }
}

/// The devices that an entry added, renewed or took away.
fn changed_devices(before: &Ledger, after: &Ledger) -> Vec<(HolderId, Option<VerifyingKey>)> {
    let keys = |ledger: &Ledger, id: &HolderId| ledger.holders().get(id).map(|holder| holder.keys.signing);
    let devices = [before, after].into_iter().flat_map(|ledger| ledger.holders());
    let mut changed: Vec<_> = devices
        .filter(|(id, holder)| holder.kind == HolderKind::Device && keys(before, id) != keys(after, id))
        .map(|(id, _)| (*id, keys(after, id)))
        .collect();
    changed.sort_by_key(|(id, _)| *id);
    changed.dedup();
    changed
}
