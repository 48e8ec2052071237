//! Letting a device in: what it is called, sealed for the account alone, and the text that brings a device in by itself.
//!
//! Spec: `docs/spec/devices.md`.

use crate::{
    account::AccountSecrets,
    secret::DeviceSeed,
    suite::{StateKey, WrappingSecret, open_from, seal_to},
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use keyfold_format::{
    HolderId, Malformed, Name, ScopeId, UserId, VerifyingKey, WrappingKey,
    id::{base64url, from_base64url, hash},
    label::HashLabel,
    uri::{escaped, unescaped},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Labels are padded to a multiple of this: their lengths would tell them apart.
const LABEL_BLOCK: usize = 32;
const TEXT: &str = "keyfold:enroll/";
/// HPKE `info`: the label, and the suite.
const REQUEST_INFO: &[u8] = b"KF1 device request\x00\x01";

/// `u32 generation ‖ SealOnce(private state, "KF1 account private state", "label" ‖ 00 ‖ id of the keys, label ‖ 00…)`:
/// what a holder is called, as its account's ledger has it.
pub fn seal_label(
    secrets: &AccountSecrets,
    generation: u32,
    keys: &HolderId,
    label: &Name,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Malformed> {
    let mut sealed = generation.to_be_bytes().to_vec();
    sealed.extend(secrets.private_state.seal(&label_place(keys), &padded(label), rng)?);
    Ok(sealed)
}

/// The generation whose key a sealed label is under.
pub fn label_generation(sealed: &[u8]) -> Option<u32> {
    sealed.first_chunk().map(|generation| u32::from_be_bytes(*generation))
}

/// The reverse of [`seal_label`], with the private-state key of [`label_generation`]; `None` if it was altered.
pub fn open_label(private_state: &StateKey, keys: &HolderId, sealed: &[u8]) -> Option<Name> {
    let (_, sealed) = sealed.split_first_chunk::<4>()?;
    unpadded(&private_state.open(&label_place(keys), sealed)?)
}

/// `u32 generation ‖ HPKE.Seal(sharing key, "KF1 device request" ‖ 00 ‖ 01, account id ‖ device id, label ‖ 00…)`: what a
/// device that asks to be let in calls itself.
pub fn seal_request_label(
    account: &ScopeId,
    (generation, sharing): (u32, &WrappingKey),
    device: &HolderId,
    label: &Name,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Malformed> {
    let mut sealed = generation.to_be_bytes().to_vec();
    sealed.extend(seal_to(sharing, REQUEST_INFO, &request_place(account, device), &padded(label), rng)?);
    Ok(sealed)
}

/// The reverse of [`seal_request_label`], with the sharing key of [`label_generation`]; `None` if it was altered.
pub fn open_request_label(
    account: &ScopeId,
    sharing: &WrappingSecret,
    device: &HolderId,
    sealed: &[u8],
) -> Option<Name> {
    let (_, sealed) = sealed.split_first_chunk::<4>()?;
    let place = request_place(account, device);
    unpadded(&open_from(sharing.seed(), REQUEST_INFO, &place, sealed).ok()?)
}

fn label_place(keys: &HolderId) -> Vec<u8> {
    [b"label\0", keys.as_bytes().as_slice()].concat()
}

fn request_place(account: &ScopeId, device: &HolderId) -> Vec<u8> {
    [account.as_bytes().as_slice(), device.as_bytes()].concat()
}

/// No label has a NUL in it.
fn padded(label: &Name) -> Vec<u8> {
    let mut bytes = label.as_str().as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(LABEL_BLOCK), 0);
    bytes
}

fn unpadded(padded: &[u8]) -> Option<Name> {
    let text = core::str::from_utf8(padded).ok()?;
    Name::new(text.trim_end_matches('\0')).ok()
}

/// A text that brings a device in by itself, until it is used or its time is over: the ledger has a device with these
/// keys, and whoever uses the text gives that device keys of his own.
///
/// `keyfold:enroll/SEED/ACCOUNT/USER/EXPIRES/SERVER KEY/SERVER/CHECK`. It holds a secret.
pub struct EnrolmentText {
    /// The seed of the device that was added.
    pub seed: DeviceSeed,
    /// The account.
    pub account: ScopeId,
    /// Whose it is.
    pub user_id: UserId,
    /// When the server refuses it, in milliseconds since 1970.
    pub expires_ms: u64,
    /// What the server's answers are signed with.
    pub server_key: VerifyingKey,
    /// Where the server is.
    pub server_url: String,
}

impl EnrolmentText {
    /// As text.
    pub fn write(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(base64url(self.seed.expose()));
        let text = Zeroizing::new(alloc::format!(
            "{TEXT}{}/{}/{}/{}/{}/{}",
            &*seed,
            self.account,
            escaped(self.user_id.as_str()),
            self.expires_ms,
            self.server_key,
            escaped(&self.server_url),
        ));
        Zeroizing::new(alloc::format!("{}/{}", &*text, check(&text)))
    }

    /// Only what [`Self::write`] writes.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let rest = text.strip_prefix(TEXT).ok_or(Malformed::Encoding)?;
        let mut parts = rest.split('/');
        let mut next = || parts.next().ok_or(Malformed::Encoding);
        let seed = Zeroizing::new(from_base64url(next()?)?);
        let seed = DeviceSeed::from_slice(&seed).ok_or(Malformed::Encoding)?;
        let account = next()?.parse()?;
        let user_id = UserId::new(&unescaped(next()?).ok_or(Malformed::Encoding)?)?;
        let expires_ms = next()?.parse().map_err(|_| Malformed::Encoding)?;
        let server_key = VerifyingKey(from_base64url(next()?)?.try_into().map_err(|_| Malformed::Encoding)?);
        let server_url = unescaped(next()?).ok_or(Malformed::Encoding)?;
        let read = Self { seed, account, user_id, expires_ms, server_key, server_url };
        if *read.write() == text { Ok(read) } else { Err(Malformed::Encoding) }
    }
}

/// Eight characters that go wrong when a text is cut or mistyped: base64url of the first 6 bytes of
/// `H("KF1 enrolment text", text)`.
fn check(text: &str) -> String {
    let hash = hash(HashLabel::EnrolmentText, &[text.as_bytes()]);
    base64url(hash.first_chunk::<6>().map_or(&[], |start| start.as_slice()))
}

impl fmt::Debug for EnrolmentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolmentText(…, {})", self.user_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn text() -> EnrolmentText {
        EnrolmentText {
            seed: DeviceSeed::from_slice(&[7; 32]).unwrap(),
            account: ScopeId([1; 32]),
            user_id: UserId::new("alice@example.org").unwrap(),
            expires_ms: 1_800_000_000_000,
            server_key: VerifyingKey([2; 32]),
            server_url: "http://127.0.0.1:8787".to_string(),
        }
    }

    #[test]
    fn a_text_comes_back_and_an_altered_or_cut_one_is_none() {
        let written = text().write();
        let read = EnrolmentText::read(&written).unwrap();
        assert_eq!(*read.write(), *written);
        assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
        for at in 0..written.len() {
            let mut altered = written.as_bytes().to_vec();
            altered[at] ^= 1;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            assert!(EnrolmentText::read(&altered).is_err(), "{altered}");
            assert!(EnrolmentText::read(&written[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn its_secret_is_not_shown() {
        assert!(!alloc::format!("{:?}", text()).contains(&base64url(&[7; 32])));
    }

    #[test]
    fn labels_of_similar_length_cannot_be_told_apart_and_come_back() {
        for label in ["a", "laptop", "a label of just about 31 bytes…", "ü".repeat(128).as_str()] {
            let name = Name::new(label).unwrap();
            let padded = padded(&name);
            assert!(padded.len().is_multiple_of(LABEL_BLOCK) && padded.len() <= 256);
            assert_eq!(unpadded(&padded), Some(name));
        }
        assert_eq!(padded(&Name::new("a").unwrap()).len(), padded(&Name::new("laptop").unwrap()).len());
    }
}
