//! An account's secrets: the master keys of its generations, the envelope that holds them for devices and recovery
//! methods, and the keys that derive from them.
//!
//! Spec: `docs/spec/wraps.md`, "The master key".

use crate::{
    access::{ReaderKey, WriterKey},
    envelope::{self, EnvelopeError, Options},
    secret::MasterKey,
    suite::{SigningKey, StateKey, WrappingSecret, derive},
};
use alloc::vec::Vec;
use keyfold_format::{Malformed, ScopeId, WrappingKey, account::AccountKeys, label::DeriveLabel, limits};
use minicbor::{Decoder, Encoder, data::Type};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Why the master keys were not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The keys are not those that the account's ledger names: the envelope is refused.
    #[error("the master key is not the one that the account's ledger names")]
    Unauthentic,
    /// The account went on without the keys of that generation: nobody honest ever had them.
    #[error("the keys of that generation of the account are lost")]
    Lost,
    /// The envelope was not made or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

impl AccountError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthentic => "Unauthentic",
            Self::Lost => "WrapMissing",
            Self::Envelope(fault) => fault.code(),
        }
    }
}

/// The keys of one generation of an account.
#[derive(Debug)]
pub struct AccountSecrets {
    /// Signs entries of keychains and groups, and trailers.
    pub ledger: SigningKey,
    /// Opens what others wrap to this account.
    pub sharing: WrappingSecret,
    /// Signs publications.
    pub publication: SigningKey,
    /// Signs the application's statements.
    pub signature: SigningKey,
    /// Seals the account's private state.
    pub private_state: StateKey,
}

impl AccountSecrets {
    /// `Derive(master key, account's nonce, label, u32 generation, 32)`, one label for each. The nonce is that of the
    /// account's genesis.
    pub fn derive(master: &MasterKey, nonce: &[u8; 32], generation: u32) -> Result<Self, Malformed> {
        let seed = |label| derive::<32>(master.expose(), nonce, label, &generation.to_be_bytes());
        Ok(Self {
            ledger: SigningKey::from_seed(&seed(DeriveLabel::AccountLedgerKey)),
            sharing: WrappingSecret::from_seed(&seed(DeriveLabel::AccountSharingKey))?,
            publication: SigningKey::from_seed(&seed(DeriveLabel::AccountPublicationKey)),
            signature: SigningKey::from_seed(&seed(DeriveLabel::AccountSignatureKey)),
            private_state: StateKey::derived(
                master.expose(),
                nonce,
                DeriveLabel::AccountPrivateState,
                &generation.to_be_bytes(),
                DeriveLabel::AccountPrivateState,
            ),
        })
    }

    /// The public halves, as the ledger names them.
    pub fn public(&self) -> AccountKeys {
        AccountKeys {
            ledger: self.ledger.verifying_key(),
            sharing: self.sharing.public().clone(),
            publication: self.publication.verifying_key(),
            signature: self.signature.verifying_key(),
        }
    }
}

/// The master keys of all generations up to one, so that what was addressed to an older one still opens. Of a
/// generation that a thief made for himself there is none.
#[derive(Debug)]
pub struct MasterKeys {
    earlier: Vec<Option<MasterKey>>,
    newest: MasterKey,
}

impl MasterKeys {
    /// Of generation 0.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self { earlier: Vec::new(), newest: MasterKey::generate(rng) }
    }

    /// With one generation more.
    pub fn next(self, rng: &mut impl CryptoRng) -> Self {
        let newest = self.generation();
        self.next_after(newest, rng)
    }

    /// With the generation after `newest`, which is the ledger's. Those between it and these keys are lost: recovery
    /// goes on from the last envelope that opens.
    pub fn next_after(self, newest: u32, rng: &mut impl CryptoRng) -> Self {
        let lost = newest.min(limits::SCOPE_KEYS).saturating_sub(self.generation());
        let mut earlier = self.earlier;
        earlier.push(Some(self.newest));
        earlier.extend((0..lost).map(|_| None));
        Self { earlier, newest: MasterKey::generate(rng) }
    }

    /// These, with one generation more; nothing of these is given up.
    pub fn followed(&self, rng: &mut impl CryptoRng) -> Self {
        let copy = |key: &MasterKey| MasterKey::from_slice(key.expose());
        let earlier = self.earlier.iter().map(|key| key.as_ref().and_then(copy)).chain([copy(&self.newest)]).collect();
        Self { earlier, newest: MasterKey::generate(rng) }
    }

    /// The newest generation.
    pub fn generation(&self) -> u32 {
        // `parse` and `seal` bound the number.
        u32::try_from(self.earlier.len()).unwrap_or(u32::MAX)
    }

    /// The keys of the newest generation.
    pub fn secrets(&self, nonce: &[u8; 32]) -> Result<AccountSecrets, AccountError> {
        Ok(AccountSecrets::derive(&self.newest, nonce, self.generation()).map_err(EnvelopeError::from)?)
    }

    /// The keys of any generation, if they are those that the ledger names for it. Those of a lost one are
    /// [`AccountError::Lost`].
    pub fn secrets_of(
        &self,
        generation: u32,
        nonce: &[u8; 32],
        named: &AccountKeys,
    ) -> Result<AccountSecrets, AccountError> {
        let index = usize::try_from(generation).map_err(|_| AccountError::Unauthentic)?;
        let master = match index == self.earlier.len() {
            true => &self.newest,
            false => self.earlier.get(index).ok_or(AccountError::Unauthentic)?.as_ref().ok_or(AccountError::Lost)?,
        };
        let secrets = AccountSecrets::derive(master, nonce, generation).map_err(EnvelopeError::from)?;
        if secrets.public() == *named { Ok(secrets) } else { Err(AccountError::Unauthentic) }
    }

    /// The envelope that holds them, with a slot for every holder: devices and recovery methods.
    pub fn seal(
        &self,
        account: ScopeId,
        holders: &[&WrappingKey],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, AccountError> {
        let writers: Vec<_> = holders.iter().map(|key| WriterKey::Holder { key, account }).collect();
        let context = context(&account, self.generation());
        let options = Options { context: &context, ..Options::default() };
        Ok(envelope::seal_to_vec(&options, &writers, &self.encode()?, None, rng)?)
    }

    /// Opens the envelope of `generation` with a holder's key, and compares the keys that derive from it with those
    /// that the account's ledger names: a server can seal to a device, but not what the ledger says.
    pub fn open(
        envelope: &[u8],
        account: ScopeId,
        generation: u32,
        nonce: &[u8; 32],
        holder: &WrappingSecret,
        named: &AccountKeys,
    ) -> Result<(Self, AccountSecrets), AccountError> {
        let own = holder.public().fingerprint();
        let opened = envelope::open_slice(envelope, &context(&account, generation), |fingerprint| {
            (*fingerprint == own).then_some(ReaderKey::Holder { key: holder, account })
        })?;
        let keys = Self::parse(&opened.plaintext).ok_or(AccountError::Unauthentic)?;
        if keys.generation() != generation {
            return Err(AccountError::Unauthentic);
        }
        let secrets = keys.secrets_of(generation, nonce, named)?;
        Ok((keys, secrets))
    }

    /// `[generation, [master key of generation 0 / null, …]]`, canonical.
    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let generation = self.generation();
        if generation >= limits::SCOPE_KEYS {
            return Err(Malformed::TooMany.into());
        }
        // Room from the start: growing would leave copies of keys in freed memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 + 34 * (self.earlier.len() + 1)));
        let mut e = Encoder::new(&mut *bytes);
        let written = (|| {
            e.array(2)?.u32(generation)?.array(u64::from(generation) + 1)?;
            for key in &self.earlier {
                match key {
                    Some(key) => e.bytes(key.expose())?,
                    None => e.null()?,
                };
            }
            e.bytes(self.newest.expose())?.ok()
        })();
        debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        Ok(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(bytes);
        let (fields, generation) = (d.array().ok()?, d.u32().ok()?);
        let count = d.array().ok()??;
        if fields != Some(2) || generation >= limits::SCOPE_KEYS || count != u64::from(generation) + 1 {
            return None;
        }
        let mut earlier = Vec::new();
        for _ in 0..generation {
            earlier.push(match d.datatype().ok()? {
                Type::Null => d.null().map(|()| None).ok()?,
                _ => Some(MasterKey::from_slice(d.bytes().ok()?)?),
            });
        }
        let keys = Self { earlier, newest: MasterKey::from_slice(d.bytes().ok()?)? };
        // Canonical: what was read is what would be written, and nothing else.
        (*keys.encode().ok()? == bytes).then_some(keys)
    }
}

/// `"KF1 master key" ‖ 00 ‖ account id ‖ u32 generation`
fn context(account: &ScopeId, generation: u32) -> Vec<u8> {
    let mut context = b"KF1 master key\0".to_vec();
    context.extend_from_slice(account.as_bytes());
    context.extend_from_slice(&generation.to_be_bytes());
    context
}
