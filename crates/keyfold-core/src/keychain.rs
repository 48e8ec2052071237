//! Keys of keychains and groups: made, named, linked to their predecessors, wrapped to members, and compared with
//! the signed ledger before anybody may use them.
//!
//! Spec: `docs/spec/keychain-ledger.md` ("Keys"), `docs/spec/wraps.md`.

use crate::{
    secret::{HistorySecret, KeychainKey},
    suite::{self, StateKey, Unauthentic, WrappingSecret},
};
use alloc::vec::Vec;
use keyfold_format::{
    IndexId, KeyFingerprint, Malformed, Name, WrappingKey,
    id::hash,
    label::{DeriveLabel, HashLabel},
    scope::{Algorithm, KeyEntry, key_fingerprint_message},
    wrap::{Wrap, WrapPlace},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Why a key was not made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeychainError {
    /// It does not open, or opens to something else than the ledger names. There is no detail.
    #[error("it cannot be opened with this key, or is not what the ledger names")]
    Unauthentic,
    /// A key or name that does not follow the format.
    #[error(transparent)]
    Format(#[from] Malformed),
}

impl KeychainError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthentic => "Unauthentic",
            Self::Format(fault) => fault.code(),
        }
    }
}

impl From<Unauthentic> for KeychainError {
    fn from(_: Unauthentic) -> Self {
        Self::Unauthentic
    }
}

impl KeychainKey {
    /// The key pair whose seed this is: of a `sealedBox` keychain or a group.
    pub fn wrapping_secret(&self) -> Result<WrappingSecret, Malformed> {
        WrappingSecret::from_seed(self.expose())
    }

    /// `Derive(key, "", "KF1 index tree", index id ‖ u16 tree, 32)`: what the objects of one tree of an index are sealed
    /// under (`KF1 index object`).
    ///
    /// Spec: `docs/spec/index.md`, "Objects".
    pub fn index_key(&self, index: &IndexId, tree: u16) -> StateKey {
        let place = [&index.0[..], &tree.to_be_bytes()].concat();
        StateKey::derived(self.expose(), &[], DeriveLabel::IndexTree, &place, DeriveLabel::IndexObject)
    }
}

/// A key and the secret of its history.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyWithHistory {
    /// The key.
    pub key: KeychainKey,
    /// What the link to the previous key is sealed under.
    pub history: HistorySecret,
}

/// What a wrap held: the key, and the history secret if its reader is entitled to history.
#[derive(Debug, PartialEq, Eq)]
pub struct UnwrappedKey {
    /// The key. It has the fingerprint that the ledger names.
    pub key: KeychainKey,
    /// The history secret. It has the commitment that the ledger names.
    pub history: Option<HistorySecret>,
}

/// Which key of which scope: what a key is bound to before there is a scope id, and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySite {
    /// [`keyfold_format::scope::binding`]: the creator and the scope's nonce.
    pub binding: [u8; 32],
    /// The key's number, from 1.
    pub number: u32,
    /// What kind of keys the scope has.
    pub algorithm: Algorithm,
}

impl KeySite {
    /// `H("KF1 key fingerprint", binding ‖ u32 number ‖ u8 algorithm ‖ key)`
    pub fn fingerprint(&self, key: &KeychainKey) -> KeyFingerprint {
        let message = key_fingerprint_message(&self.binding, self.number, self.algorithm);
        KeyFingerprint(hash(HashLabel::KeyFingerprint, &[&message, key.expose()]))
    }

    /// `H("KF1 history commitment", binding ‖ u32 number ‖ history secret)`
    pub fn history_commitment(&self, history: &HistorySecret) -> [u8; 32] {
        hash(HashLabel::HistoryCommitment, &[&self.place(), history.expose()])
    }

    /// Makes a key and its entry. With `previous`, the key before this one, the entry gets a history link.
    pub fn generate(
        &self,
        name: &Name,
        previous: Option<&KeyWithHistory>,
        rng: &mut impl CryptoRng,
    ) -> Result<(KeyWithHistory, KeyEntry), KeychainError> {
        let made = KeyWithHistory { key: KeychainKey::generate(rng), history: HistorySecret::generate(rng) };
        let entry = KeyEntry {
            number: self.number,
            fingerprint: self.fingerprint(&made.key),
            public: self.public(&made.key)?,
            history_commitment: self.history_commitment(&made.history),
            history_link: match previous {
                Some(previous) => Some(self.seal_link(&made.history, previous, rng)?),
                None => None,
            },
            name: self.seal_name(&made.key, name, rng)?,
        };
        Ok((made, entry))
    }

    /// `SealOnce(key, "KF1 name", binding ‖ u32 number, u16 length ‖ UTF-8 ‖ zeros)`, padded to 32, 64, 128 or 258
    /// bytes.
    pub fn seal_name(
        &self,
        key: &KeychainKey,
        name: &Name,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, KeychainError> {
        let text = name.as_str().as_bytes();
        let length = u16::try_from(text.len()).map_err(|_| Malformed::TooLarge)?;
        let mut padded = Zeroizing::new(Vec::with_capacity(LONGEST_NAME));
        padded.extend_from_slice(&length.to_be_bytes());
        padded.extend_from_slice(text);
        let size = name_size(padded.len()).ok_or(Malformed::TooLarge)?;
        padded.resize(size, 0);
        Ok(suite::seal_once(key.expose(), DeriveLabel::Name, &self.place(), &padded, rng)?)
    }

    /// The reverse of [`Self::seal_name`]. Other padding is `Unauthentic`.
    pub fn open_name(&self, key: &KeychainKey, sealed: &[u8]) -> Result<Name, KeychainError> {
        let padded = suite::open_once(key.expose(), DeriveLabel::Name, &self.place(), sealed)?;
        let (length, rest) = padded.split_first_chunk().ok_or(Unauthentic)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (text, zeros) = rest.split_at_checked(length).ok_or(Unauthentic)?;
        if name_size(length + 2) != Some(padded.len()) || zeros.iter().any(|byte| *byte != 0) {
            return Err(KeychainError::Unauthentic);
        }
        Ok(Name::new(core::str::from_utf8(text).map_err(|_| Unauthentic)?)?)
    }

    /// `SealOnce(history secret, "KF1 history link", binding ‖ u32 number, previous key ‖ previous history secret)`:
    /// 104 bytes. Number and history secret are those of the new key.
    pub fn seal_link(
        &self,
        history: &HistorySecret,
        previous: &KeyWithHistory,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, KeychainError> {
        let both = both(&previous.key, Some(&previous.history));
        Ok(suite::seal_once(history.expose(), DeriveLabel::HistoryLink, &self.place(), &both, rng)?)
    }

    /// Follows the link of the key at this site to the key before it, whose entry is `previous`.
    pub fn open_link(
        &self,
        history: &HistorySecret,
        link: &[u8],
        previous: &KeyEntry,
    ) -> Result<KeyWithHistory, KeychainError> {
        let both = suite::open_once(history.expose(), DeriveLabel::HistoryLink, &self.place(), link)?;
        let before = Self { number: self.number.checked_sub(1).ok_or(Unauthentic)?, ..*self };
        match before.check(&both, previous)? {
            UnwrappedKey { key, history: Some(history) } => Ok(KeyWithHistory { key, history }),
            UnwrappedKey { history: None, .. } => Err(KeychainError::Unauthentic),
        }
    }

    /// Opens a wrap and compares what it held with the key's entry in the ledger. A wrap that does not open, or
    /// opens to something else, is to be ignored: the next one may be right.
    pub fn unwrap(
        &self,
        wrap: &Wrap,
        place: &WrapPlace,
        recipient: &WrappingSecret,
        entry: &KeyEntry,
    ) -> Result<UnwrappedKey, KeychainError> {
        let opened = suite::open_from(recipient.seed(), WrapPlace::INFO, &place.associated_data(), wrap.sealed())?;
        if place.number != self.number || place.history != (opened.len() == 64) {
            return Err(KeychainError::Unauthentic);
        }
        self.check(&opened, entry)
    }

    /// Nothing that was opened is a key before it has passed here.
    fn check(&self, opened: &[u8], entry: &KeyEntry) -> Result<UnwrappedKey, KeychainError> {
        let (key, history) = opened.split_at_checked(32).ok_or(Unauthentic)?;
        let key = KeychainKey::from_slice(key).ok_or(Unauthentic)?;
        let history = match history {
            [] => None,
            bytes => Some(HistorySecret::from_slice(bytes).ok_or(Unauthentic)?),
        };
        let history_named = history
            .as_ref()
            .is_none_or(|history| suite::equal(&self.history_commitment(history), &entry.history_commitment));
        if entry.number != self.number
            || !suite::equal(self.fingerprint(&key).as_bytes(), entry.fingerprint.as_bytes())
            || !history_named
            || self.public(&key)? != entry.public
        {
            return Err(KeychainError::Unauthentic);
        }
        Ok(UnwrappedKey { key, history })
    }

    fn public(&self, key: &KeychainKey) -> Result<Option<WrappingKey>, Malformed> {
        if !self.algorithm.is_key_pair() {
            return Ok(None);
        }
        key.wrapping_secret().map(|secret| Some(secret.public().clone()))
    }

    /// `binding ‖ u32 number`
    fn place(&self) -> [u8; 36] {
        let mut place = [0; 36];
        for (to, from) in place.iter_mut().zip(self.binding.iter().chain(&self.number.to_be_bytes())) {
            *to = *from;
        }
        place
    }
}

/// HPKE.Seal(recipient, `"KF1 wrap" ‖ 00 ‖ 01`, place, `key` or `key ‖ history secret`). Whether the history secret
/// is in it, `history` says, whatever `place` does.
pub fn wrap(
    place: &WrapPlace,
    key: &KeychainKey,
    history: Option<&HistorySecret>,
    recipient: &WrappingKey,
    rng: &mut impl CryptoRng,
) -> Result<Wrap, KeychainError> {
    let place = WrapPlace { history: history.is_some(), ..*place };
    let sealed = suite::seal_to(recipient, WrapPlace::INFO, &place.associated_data(), &both(key, history), rng)?;
    Ok(Wrap::new(&place, sealed)?)
}

fn both(key: &KeychainKey, history: Option<&HistorySecret>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    bytes.extend_from_slice(key.expose());
    if let Some(history) = history {
        bytes.extend_from_slice(history.expose());
    }
    bytes
}

/// Length and the longest name.
const LONGEST_NAME: usize = 258;

/// Names come in four sizes, so that the ledger does not tell how long they are.
fn name_size(len: usize) -> Option<usize> {
    [32, 64, 128, LONGEST_NAME].into_iter().find(|size| len <= *size)
}
