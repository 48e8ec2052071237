//! One's own account on this device: who it is, and, while logged in, its keys.

use super::ServerPin;
use crate::{Error, Result};
use keyfold_core::{
    account::{AccountSecrets, MasterKeys},
    device::DeviceKeys,
};
use keyfold_format::{HolderId, ScopeId, UserId, account, entry::Cite};
use minicbor::{Decode, Encode};
use std::sync::Arc;

/// What does not change from sign-up on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Enrolled {
    /// Where the account lives.
    #[n(0)]
    pub(crate) server: ServerPin,
    /// The application's name of the person.
    #[n(1)]
    pub(crate) user_id: UserId,
    /// The account.
    #[n(2)]
    pub(crate) account: ScopeId,
    /// This device, if it has other keys than those that it was added with.
    #[cbor(n(3), default)]
    pub(crate) device: Option<HolderId>,
}

/// A device that is to become one of an account. The account is pinned from then on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Joining {
    /// What it will be.
    #[n(0)]
    pub(crate) enrolled: Enrolled,
    /// Whether it only asked: then another device decides.
    #[n(1)]
    pub(crate) asked: bool,
}

/// New keys of this device that the server has not acknowledged yet.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Renewing {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) seed: Vec<u8>,
}

/// A sign-up that was not acknowledged yet. It is sent again byte for byte: if only the answer was lost, the account
/// is there, and this device's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct PendingSignUp {
    #[n(0)]
    pub(crate) server: ServerPin,
    #[n(1)]
    pub(crate) user_id: UserId,
    /// The body of the request.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) body: Vec<u8>,
}

/// The account's secrets, while logged in.
#[derive(Debug)]
pub(crate) struct Own {
    account: ScopeId,
    masters: MasterKeys,
    current: Arc<AccountSecrets>,
}

impl Own {
    /// Opens the master-key envelope of the newest generation with the device's key. Keys that the ledger does not
    /// name are refused.
    pub(crate) fn open(envelope: &[u8], device: &DeviceKeys, ledger: &account::Ledger) -> Result<Self> {
        let generation = ledger.generation();
        let named = ledger.keys(generation).ok_or_else(|| Error::internal("an account without keys"))?;
        let (masters, current) =
            MasterKeys::open(envelope, ledger.id(), generation, ledger.nonce(), &device.wrapping, named)?;
        Ok(Self { account: ledger.id(), masters, current: Arc::new(current) })
    }

    /// The generation of these keys.
    pub(crate) fn generation(&self) -> u32 {
        self.masters.generation()
    }

    /// The master keys of all generations.
    pub(crate) fn masters(&self) -> &MasterKeys {
        &self.masters
    }

    pub(crate) fn account(&self) -> ScopeId {
        self.account
    }

    /// The keys of the newest generation.
    pub(crate) fn current(&self) -> &AccountSecrets {
        &self.current
    }

    /// The same, to be kept as long as something is written in one's name.
    pub(crate) fn shared(&self) -> Arc<AccountSecrets> {
        Arc::clone(&self.current)
    }

    /// Calls with the keys of a generation; of an older one they are derived for the call. `None` if the ledger does
    /// not name it.
    pub(crate) fn with_generation<T>(
        &self,
        generation: u32,
        ledger: &account::Ledger,
        use_keys: impl FnOnce(&AccountSecrets) -> T,
    ) -> Option<T> {
        if generation == self.masters.generation() {
            return Some(use_keys(&self.current));
        }
        let named = ledger.keys(generation)?;
        self.masters.secrets_of(generation, ledger.nonce(), named).ok().map(|keys| use_keys(&keys))
    }
}

/// The newest head of an account that is known, as an entry cites it.
pub(crate) fn cite(ledger: &account::Ledger) -> Cite {
    Cite { principal: ledger.id(), head: ledger.head(), exclusions: ledger.generation() }
}
