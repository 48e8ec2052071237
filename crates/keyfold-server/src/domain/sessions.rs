//! Logging devices in and out, and who a request comes from.

use super::{Caller, Domain, Fault, fault};
use crate::{
    clock,
    store::{Device, Once},
};
use keyfold_format::HolderId;
use keyfold_protocol::{
    Code,
    wire::{LoggedIn, LoggedOut},
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
}
