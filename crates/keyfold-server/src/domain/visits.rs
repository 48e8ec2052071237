//! Devices that no account has yet: let in by the gate, they see the account of their user id and no other.

use super::{Caller, Domain, Fault, fault, fault::unknown_user, ledgers::decode_all};
use crate::{
    clock,
    gate::Admitted,
    store::{Limit, Once, Visitor},
};
use keyfold_format::{HolderId, ScopeId, UserId, VerifyingKey, WrappingKey, key::device_id};
use keyfold_protocol::{
    Code, limits,
    wire::{Gate, LedgerPage, NameReleased, OwnAccount, PasskeyQuestion, ReadAccount, ReleaseName, Visit, Visiting},
};

/// Who asks: a device that visits.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) user_id: UserId,
    pub(crate) once: Once,
}

impl Domain {
    /// A device that visits, and whose visit is not over.
    pub(crate) async fn visitor(&self, device: HolderId) -> Result<Option<Visitor>, Fault> {
        let visitor = self.store.visitor(device).await?;
        Ok(visitor.filter(|visitor| visitor.expires_ms > clock::now_ms()))
    }

    /// The key that a visit must be signed with: its device's id is a hash of it.
    pub(crate) fn visiting_key(
        (signing, wrapping): (&VerifyingKey, &WrappingKey),
        device: &HolderId,
    ) -> Result<VerifyingKey, Fault> {
        if device_id(signing, wrapping) == *device {
            return Ok(*signing);
        }
        Err(fault(Code::Unauthorized, "the request is signed by another device"))
    }

    /// What a device is asked for, to show a passkey at the gate.
    pub(crate) fn ask_for_passkey(&self, device: HolderId, name: Option<UserId>) -> Result<PasskeyQuestion, Fault> {
        Ok(PasskeyQuestion { options: self.gate.ask_for_passkey(device, name)? })
    }

    /// Lets a device in for a while, as whom the gate says.
    pub(crate) async fn visit(&self, once: Once, visit: Visit) -> Result<Visiting, Fault> {
        let find = async |credential| Ok(self.store.passkey(credential).await?);
        let Admitted { user_id, made, used } = self.gate.admit(once.device, &visit.proof, find).await?;
        let now_ms = clock::now_ms();
        let expires_ms = now_ms + limits::VISIT_MS;
        let is_new = made.is_some();
        let visitor = Visitor { signing_key: visit.signing, user_id: user_id.clone(), expires_ms, passkey: made };
        self.store.visit(once, visitor, used, now_ms).await?;
        let account = if is_new { None } else { self.store.account(user_id.clone()).await? };
        tracing::info!(device = %once.device, "visits");
        Ok(Visiting { user_id, account, expires_ms })
    }

    /// A user id is taken by who came in as it, and by nobody else. Whether an account has it makes no difference here:
    /// a stranger is told the same.
    pub(super) async fn check_visit(&self, device: HolderId, user_id: &UserId) -> Result<(), Fault> {
        if self.gate.kind() == Gate::Open {
            return Ok(());
        }
        match self.visitor(device).await? {
            Some(visitor) if visitor.user_id == *user_id => Ok(()),
            Some(visitor) => Err(fault(Code::NotAllowed, format!("you came in as {}", visitor.user_id))
                .hint("sign up as who you are at the gate")),
            // Signing up once more, after a lost reply.
            None if self.store.device(device).await?.is_some() => Ok(()),
            None => Err(self.gate.mismatch()),
        }
    }

    /// What a device needs to become one of the account: its ledger, and what its holders open.
    pub(crate) async fn own_account(&self, guest: &Guest, asked: ReadAccount) -> Result<OwnAccount, Fault> {
        let id = self.account_of(guest).await?;
        let page = self.store.page(id, asked.after, Limit::PAGE).await?.ok_or_else(unknown_user)?;
        let (entries, more) = (decode_all(&page.entries)?, page.more);
        let receipt = self.secrets.receipt(id, page.head, clock::now_ms());
        let master_keys = self.store.envelopes(id, asked.before).await?;
        Ok(OwnAccount { page: LedgerPage { entries, receipt, more, unseen: Vec::new() }, master_keys })
    }

    /// Lets go of a guest's user id: he lost every way into the account that has it. Nothing of that account changes for
    /// the devices that it has; what it was called says nothing any more.
    pub(crate) async fn release_name(&self, guest: &Guest, asked: &ReleaseName) -> Result<NameReleased, Fault> {
        if self.gate.kind() == Gate::Open {
            let open = fault(Code::NotAllowed, "at an open gate anybody could take anybody's user id");
            return Err(open.hint("sign up under another user id"));
        }
        if !self.store.release_name(guest.once, asked.account, guest.user_id.clone()).await? {
            return Err(unknown_user());
        }
        tracing::warn!(account = %asked.account, "its user id was let go of");
        Ok(NameReleased { at_ms: clock::now_ms() })
    }

    /// A guest as a caller of his account.
    pub(crate) async fn guest_of(&self, guest: &Guest) -> Result<Caller, Fault> {
        Ok(Caller { account: self.account_of(guest).await?, once: guest.once })
    }

    /// The account that a guest may see, if there is one.
    pub(crate) async fn account_if_any(&self, guest: &Guest) -> Result<Option<ScopeId>, Fault> {
        Ok(self.store.account(guest.user_id.clone()).await?)
    }

    pub(super) async fn account_of(&self, guest: &Guest) -> Result<ScopeId, Fault> {
        self.store.account(guest.user_id.clone()).await?.ok_or_else(unknown_user)
    }
}
