//! Recovering with a password: the server evaluates what it cannot read, and counts how often.

use super::{Caller, Domain, Fault, fault};
use crate::{
    limits::Origin,
    opaque::{self, NoMessage, Opaque, Whose},
    store::PasswordChanges,
};
use keyfold_format::{
    HolderId, ScopeId, UserId,
    account::{HolderKind, Ledger, RecoveryMethod},
};
use keyfold_protocol::{
    Code,
    wire::{PasswordResponse, RegisterPassword, TryPassword},
};
use std::time::Instant;

impl Domain {
    /// Helps a device to set a password. Nothing is kept: the record comes with the entry.
    pub(crate) fn register_password(
        &self,
        caller: &Caller,
        register: &RegisterPassword,
    ) -> Result<PasswordResponse, Fault> {
        let response = self.opaque()?.register(&caller.account, &register.request)?;
        Ok(PasswordResponse { response })
    }

    /// Whose device it is.
    pub(crate) async fn user_id(&self, caller: &Caller) -> Result<UserId, Fault> {
        let ledger = self.replayed.account(&*self.store, caller.account).await?;
        let ledger = ledger.ok_or_else(|| fault(Code::UnknownDevice, "no account has this device"))?;
        Ok(ledger.user_id().clone())
    }

    /// Helps somebody to try one. Who has no such password is answered in the same way.
    pub(crate) async fn try_password(
        &self,
        (user_id, account): (UserId, Option<ScopeId>),
        from: Origin,
        attempt: &TryPassword,
    ) -> Result<PasswordResponse, Fault> {
        let opaque = self.opaque()?;
        let now = Instant::now();
        self.passwords_from.take(from, 1.0, now).map_err(too_many)?;
        self.passwords.take(user_id.clone(), 1.0, now).map_err(too_many)?;
        let response = match account {
            Some(account) => {
                let record = self.store.password(account, attempt.recovery).await?;
                opaque.answer(Whose::Account(account, record.as_deref()), &attempt.request)?
            }
            None => opaque.answer(Whose::Nobody(&user_id), &attempt.request)?,
        };
        Ok(PasswordResponse { response })
    }

    fn opaque(&self) -> Result<&Opaque, Fault> {
        self.opaque.as_ref().ok_or_else(|| {
            fault(Code::RecoveryUnavailable, "this server cannot help with passwords")
                .hint("recover in another way, or ask who runs the server")
        })
    }
}

/// The record of the password that an entry adds, and the passwords that it takes away.
pub(super) fn changed(before: &Ledger, after: &Ledger, record: Option<Vec<u8>>) -> Result<PasswordChanges, Fault> {
    let gone = passwords(before).filter(|id| !after.holders().contains_key(id)).collect();
    let added: Vec<HolderId> = passwords(after).filter(|id| !before.holders().contains_key(id)).collect();
    let added = match (added.as_slice(), record) {
        ([], None) => None,
        ([id], Some(record)) => {
            opaque::check_record(&record)?;
            Some((*id, record))
        }
        ([], Some(_)) => return Err(fault(Code::Malformed, "a password's record comes without the password")),
        ([_], None) => return Err(fault(Code::Malformed, "a password is added without its record")),
        _ => return Err(fault(Code::Malformed, "an entry adds one password at most")),
    };
    Ok(PasswordChanges { added, gone })
}

fn passwords(ledger: &Ledger) -> impl Iterator<Item = HolderId> {
    let holders = ledger.holders().iter();
    holders.filter(|(_, holder)| holder.kind == HolderKind::Recovery(RecoveryMethod::Password)).map(|(id, _)| *id)
}

fn too_many(seconds: u32) -> Fault {
    fault::rate_limited(seconds)
        .hint(format!("passwords are tried slowly: wait {seconds} s, or recover in another way"))
}

impl From<NoMessage> for Fault {
    fn from(_: NoMessage) -> Self {
        fault(Code::Malformed, "this is no message of OPAQUE")
    }
}
