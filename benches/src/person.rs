//! Somebody with an account of one device and no client: his entries are signed here. Separate because a long ledger
//! and a town need many people, of whom only a few have to do anything else.

use keyfold_core::account::{AccountSecrets, MasterKeys};
use keyfold_core::device::DeviceKeys;
use keyfold_core::{DeviceSeed, MasterKey};
use keyfold_format::account::{self, AccountOp};
use keyfold_format::entry::{Cite, SignedEntry};
use keyfold_format::label::SignatureLabel;
use keyfold_format::scope::ScopeEntry;
use keyfold_format::{ScopeId, UserId};
use keyfold_protocol::wire::SignUp;
use rand_core::UnwrapErr;

/// His keys and his ledger.
pub(crate) struct Person {
    pub(crate) device: DeviceKeys,
    pub(crate) account: account::Ledger,
    genesis: SignedEntry,
    masters: MasterKeys,
    secrets: AccountSecrets,
}

impl Person {
    /// An account that begins at `time`, in milliseconds since 1970.
    pub(crate) fn new(user_id: &str, time: u64) -> anyhow::Result<Self> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let nonce = *MasterKey::generate(&mut rng).expose();
        let device = DeviceKeys::derive(&DeviceSeed::generate(&mut rng))?;
        let masters = MasterKeys::generate(&mut rng);
        let secrets = masters.secrets(&nonce)?;
        let (signing, wrapping) = (device.signing.verifying_key(), device.wrapping.public().clone());
        let entry = account::Entry {
            scope: None,
            seq: 0,
            prev: None,
            author: device.id(),
            time,
            ops: vec![AccountOp::Genesis(account::Genesis {
                nonce,
                user_id: UserId::new(user_id)?,
                device: account::HolderKeys { signing, wrapping, label: None },
                keys: secrets.public(),
            })],
        };
        let signed = entry.encode();
        let mut signatures = vec![device.signing.sign(SignatureLabel::Entry, &[&signed])];
        for key in [&secrets.ledger, &secrets.publication, &secrets.signature] {
            signatures.push(key.sign(SignatureLabel::AccountKey, &[&signed]));
        }
        let genesis = SignedEntry { signed, signatures };
        let account = account::Ledger::genesis(&genesis)?;
        Ok(Self { device, account, genesis, masters, secrets })
    }

    pub(crate) fn id(&self) -> ScopeId {
        self.account.id()
    }

    /// How entries cite him.
    pub(crate) fn cite(&self) -> Cite {
        Cite { principal: self.id(), head: self.account.head(), exclusions: self.account.generation() }
    }

    /// Signs an entry of a keychain or group.
    pub(crate) fn sign(&self, label: SignatureLabel, entry: &ScopeEntry) -> SignedEntry {
        let signed = entry.encode();
        let signatures = vec![self.secrets.ledger.sign(label, &[&signed])];
        SignedEntry { signed, signatures }
    }

    /// What founds his account on a server.
    pub(crate) fn sign_up(&self) -> anyhow::Result<SignUp> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let master_key = self.masters.seal(self.id(), &[self.device.wrapping.public()], &mut rng)?;
        Ok(SignUp { genesis: self.genesis.clone(), master_key })
    }
}
