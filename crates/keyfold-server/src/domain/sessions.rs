//! Logging devices in and out, and who a request comes from.

use super::{Caller, Domain, Fault, fault};
use crate::{
    clock,
    store::{Device, Once, USED_MS},
};
use keyfold_format::HolderId;
use keyfold_protocol::{
    Code,
    wire::{EndSessions, LoggedIn, LoggedOut, Sessions},
};

impl Domain {
    /// A device, enrolled and not revoked.
    pub(crate) async fn device(&self, id: HolderId) -> Result<Option<Device>, Fault> {
        Ok(self.store.device(id).await?)
    }

    /// Starts a session and gives what a device needs to open the account.
    pub(crate) async fn log_in(&self, caller: &Caller) -> Result<LoggedIn, Fault> {
        let account = caller.account;
        let ledger = self.replayed.account(&*self.store, account).await?;
        let ledger = ledger.ok_or_else(|| fault(Code::UnknownDevice, "no account has this device"))?;
        let sealed = self.store.envelopes(account, None).await?;
        let master_keys = sealed.into_iter().map(|sealed| sealed.envelope).collect();
        let since_ms = self.store.log_in(caller.once, clock::now_ms()).await?;
        let receipt = self.secrets.receipt(account, ledger.head(), clock::now_ms());
        Ok(LoggedIn { generation: ledger.generation(), master_keys, receipt, since_ms })
    }

    /// Ends the session. The device stays enrolled.
    pub(crate) async fn log_out(&self, caller: &Caller) -> Result<LoggedOut, Fault> {
        let Once { device, .. } = caller.once;
        self.store.log_out(caller.once).await?;
        self.hub.close_device(&caller.account, &device, Code::LoggedOut);
        Ok(LoggedOut { at_ms: clock::now_ms() })
    }
    /// The account's devices, and since when they are logged in.
    pub(crate) async fn sessions(&self, caller: &Caller) -> Result<Sessions, Fault> {
        Ok(Sessions { sessions: self.store.sessions(caller.account).await? })
    }

    /// Ends the sessions of the account's other devices, and with `own` the caller's too. They stay enrolled.
    pub(crate) async fn end_sessions(&self, caller: &Caller, asked: EndSessions) -> Result<LoggedOut, Fault> {
        let ended = self.store.end_sessions(caller.once, caller.account, asked.own).await?;
        for device in &ended {
            self.hub.close_device(&caller.account, device, Code::LoggedOut);
        }
        tracing::info!(account = %caller.account, sessions = ended.len(), "sessions ended");
        Ok(LoggedOut { at_ms: clock::now_ms() })
    }

    /// Remembers that a logged-in device asks something. Nobody waits for it, and it may be lost.
    pub(crate) fn device_is_used(&self, id: HolderId, device: &Device) {
        let now_ms = clock::now_ms();
        let is_noted = device.last_used_ms.is_some_and(|at| at.saturating_add(USED_MS) > now_ms);
        if device.session_since.is_some() && !is_noted {
            drop(self.store.used(id, now_ms));
        }
    }
}
