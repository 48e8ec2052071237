//! The lock of a home: while it has one, its records and the device's seed are sealed under a key that opens with a
//! passphrase alone. What stands in the records' file decides; a seed that lies beside a lock is left from a change that
//! was cut off, and is removed.
//!
//! Spec: `docs/spec/device-lock.md`, "The home of a native device".

use super::{
    client::Client,
    host::SystemRng,
    store::{Records, Store},
};
use crate::{Error, Result};
use keyfold_core::{
    DeviceSeed, LockKey,
    device::DeviceKeys,
    lock::PersonKey,
    password::{NoMemory, SALT_BYTES},
};
use keyfold_format::cbor;
use keyfold_protocol::Code;
use minicbor::{Decode, Encode};
use rand_core::Rng;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// What a passphrase may have, in characters.
const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=1_024;

/// The lock, as it stands beside the records.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct LockRecord {
    #[n(0)]
    version: u8,
    /// Of Argon2id. Random, so it also tells one lock from another.
    #[cbor(n(1), with = "minicbor::bytes")]
    salt: [u8; SALT_BYTES],
    /// The lock's key, under the person's.
    #[cbor(n(2), with = "minicbor::bytes")]
    key: Vec<u8>,
    /// The device's seed, under the lock's key.
    #[cbor(n(3), with = "minicbor::bytes")]
    seed: Vec<u8>,
}

/// A lock that somebody opened.
pub(crate) struct Unlocked {
    salt: [u8; SALT_BYTES],
    key: LockKey,
}

impl LockRecord {
    fn new(seed: &DeviceSeed, passphrase: &str) -> Result<(Self, Unlocked)> {
        let passphrase = checked(passphrase)?;
        let mut salt = [0; SALT_BYTES];
        SystemRng.fill_bytes(&mut salt);
        let key = LockKey::generate(&mut SystemRng);
        let record = Self {
            version: VERSION,
            salt,
            key: PersonKey::stretch(passphrase.as_bytes(), &salt).map_err(no_memory)?.seal(&key, &mut SystemRng)?,
            seed: key.seal_seed(seed, &mut SystemRng)?,
        };
        Ok((record, Unlocked { salt, key }))
    }

    /// As it is stored. `StorageTooNew` if a later release wrote it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let version = minicbor::Decoder::new(bytes)
            .array()
            .and(bytes.get(1).copied().ok_or_else(|| minicbor::decode::Error::message("no version")));
        match version {
            Ok(VERSION) => minicbor::decode(bytes).map_err(|_| altered()),
            Ok(_) => Err(Error::new(Code::StorageTooNew, "a newer release wrote the lock of this home")),
            Err(_) => Err(altered()),
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    fn open(&self, passphrase: &str) -> Result<Unlocked> {
        let normal = normal(passphrase);
        let person = PersonKey::stretch(normal.as_bytes(), &self.salt).map_err(no_memory)?;
        match person.open(&self.key) {
            Some(key) => Ok(Unlocked { salt: self.salt, key }),
            None => Err(Error::new(Code::WrongSecret, "this does not unlock the home")
                .hint("Whoever forgot it removes the device: `keyfold logout --forget`.")),
        }
    }

    /// The records and the seed, for who has opened this very lock.
    pub(crate) fn opened(&self, records: Records, unlocked: Option<&Unlocked>) -> Result<(Store, DeviceSeed)> {
        let unlocked = unlocked.filter(|unlocked| unlocked.salt == self.salt).ok_or_else(locked)?;
        let seed = unlocked.key.open_seed(&self.seed).ok_or_else(altered)?;
        Ok((records.with(unlocked.key.storage(), Some(self.write())), seed))
    }
}

impl Client {
    /// Locks the home with a passphrase of 8 to 1,024 characters, or with another one than so far: from then on nobody
    /// opens what lies in it without that. This client stays unlocked. It takes a third of a second of one core.
    ///
    /// `BadText`, `NoHome`; `Locked` if there is a lock that was not unlocked.
    pub async fn lock(&self, passphrase: &str) -> Result<()> {
        checked(passphrase)?;
        self.alone(|shared, records| {
            let (store, seed) = shared.open(records)?;
            let (record, unlocked) = LockRecord::new(&seed, passphrase)?;
            store.reseal(&unlocked.key.storage(), Some(&record.write()))?;
            shared.home.drop_device_seed()?;
            *shared.unlocked() = Some(unlocked);
            Ok(())
        })
        .await
    }

    /// Takes the lock away. `Locked` if it was not unlocked.
    pub async fn remove_lock(&self) -> Result<()> {
        self.alone(|shared, records| {
            if records.lock()?.is_none() {
                return Ok(());
            }
            let (store, seed) = shared.open(records)?;
            // First, for without it the records would be lost; beside a lock it counts for nothing.
            shared.home.keep_device_seed(&seed)?;
            store.reseal(&DeviceKeys::derive(&seed)?.storage, None)?;
            *shared.unlocked() = None;
            Ok(())
        })
        .await
    }

    /// Unlocks the home for this client and its clones, until they are dropped. It takes a third of a second of one
    /// core, on the thread that calls. `WrongSecret`.
    pub fn unlock(&self, passphrase: &str) -> Result<()> {
        if let Some(lock) = self.shared.lock_record()? {
            let unlocked = lock.open(passphrase)?;
            *self.shared.unlocked() = Some(unlocked);
        }
        Ok(())
    }

    /// Whether the home has a lock.
    pub fn has_lock(&self) -> Result<bool> {
        Ok(self.shared.lock_record()?.is_some())
    }

    /// Whether the home has a lock that this client has not opened.
    pub fn is_locked(&self) -> Result<bool> {
        let lock = self.shared.lock_record()?;
        let unlocked = self.shared.unlocked();
        Ok(lock.is_some_and(|lock| unlocked.as_ref().is_none_or(|unlocked| unlocked.salt != lock.salt)))
    }
}

/// In normal form KC, as keyboards differ in how they compose letters. A text that grows leaves its former bytes behind.
fn normal(passphrase: &str) -> Zeroizing<String> {
    let mut normal = Zeroizing::new(String::with_capacity(passphrase.len() * 4));
    normal.extend(passphrase.nfkc());
    normal
}

fn checked(passphrase: &str) -> Result<Zeroizing<String>> {
    let normal = normal(passphrase);
    if CHARACTERS.contains(&normal.chars().count()) {
        return Ok(normal);
    }
    Err(Error::new(Code::BadText, "a passphrase has 8 to 1,024 characters"))
}

fn locked() -> Error {
    Error::new(Code::Locked, "this home is locked")
        .hint("Give its passphrase: at the prompt, or with --passphrase FILE. `keyfold unlock` takes the lock away.")
}

fn altered() -> Error {
    Error::internal("the lock of this home was altered")
}

fn no_memory(_: NoMemory) -> Error {
    Error::new(Code::Io, "this machine has no memory for Argon2id: it takes 64 MiB")
}
