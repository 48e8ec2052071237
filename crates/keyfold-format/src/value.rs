//! The public bytes of a value: its header and its text form. Apart from envelopes because a value has neither slots
//! nor segments.
//!
//! Spec: `docs/spec/values.md`.

use crate::{
    ScopeId,
    error::Malformed,
    id::{KeyFingerprint, base64url, from_base64url},
    limits,
    padme::padme,
};
use alloc::{string::String, vec::Vec};

const MAGIC: [u8; 3] = *b"KFV";
const VERSION: u8 = 1;
const TEXT_PREFIX: &str = "kf1.";
const TAG_BYTES: usize = 16;
/// Type and length in front of the data.
const PAYLOAD_OVERHEAD_BYTES: usize = 5;
const LEAST_PAYLOAD_BYTES: u64 = 16;

/// The salt of a value.
pub const SALT_BYTES: usize = 24;
/// What a sealed-box value holds besides: `enc` (1,120) and ciphertext (48).
pub const VALUE_KEM_BYTES: usize = 1_168;

/// How a value's secret is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// It is the keychain's key.
    SecretBox = 0,
    /// It is sealed to the keychain's public key.
    SealedBox = 1,
}

/// What stands before a value's sealed payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueHeader {
    /// The key: a reader never tries another.
    pub fingerprint: KeyFingerprint,
    /// Random; makes the key of this value a key used once.
    pub salt: [u8; SALT_BYTES],
    /// Commitment to that key.
    pub commitment: [u8; 32],
    /// With [`Form::SealedBox`]: the secret, sealed to the public key.
    pub sealed_secret: Option<Vec<u8>>,
}

impl ValueHeader {
    /// The form that the header has.
    pub const fn form(&self) -> Form {
        if self.sealed_secret.is_some() { Form::SealedBox } else { Form::SecretBox }
    }

    /// Parses the header at the start of `bytes`; what follows is the sealed payload, of a length that a payload
    /// can have.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        if bytes.iter().zip(&MAGIC).any(|(a, b)| a != b) {
            return Err(Malformed::Encoding);
        }
        let ([_, _, _, version, form], rest) = take::<5>(bytes)?;
        if version != VERSION {
            return Err(Malformed::Unsupported);
        }
        let form = match form {
            0 => Form::SecretBox,
            1 => Form::SealedBox,
            _ => return Err(Malformed::Unsupported),
        };
        let (fingerprint, rest) = take(rest)?;
        let (salt, rest) = take(rest)?;
        let (commitment, rest) = take(rest)?;
        let (sealed_secret, payload) = match form {
            Form::SecretBox => (None, rest),
            Form::SealedBox => {
                let (sealed, rest) = rest.split_at_checked(VALUE_KEM_BYTES).ok_or(Malformed::Truncated)?;
                (Some(sealed.to_vec()), rest)
            }
        };
        check_payload(payload.len())?;
        Ok((Self { fingerprint: KeyFingerprint(fingerprint), salt, commitment, sealed_secret }, payload))
    }

    /// The header's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(93 + VALUE_KEM_BYTES);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.push(self.form() as u8);
        out.extend_from_slice(self.fingerprint.as_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.commitment);
        out.extend_from_slice(self.sealed_secret.as_deref().unwrap_or_default());
        out
    }
}

/// Length of the padded payload that holds `data` bytes: `Padmé(5 + data)`, at least 16. More than 16 MiB of data
/// are `TooLarge`.
pub fn payload_bytes(data: usize) -> Result<usize, Malformed> {
    if data > limits::VALUE_BYTES {
        return Err(Malformed::TooLarge);
    }
    let padded = padme((data + PAYLOAD_OVERHEAD_BYTES) as u64).max(LEAST_PAYLOAD_BYTES);
    usize::try_from(padded).map_err(|_| Malformed::TooLarge)
}

/// Refuses lengths that no payload has, before anybody allocates or decrypts.
fn check_payload(sealed: usize) -> Result<(), Malformed> {
    let padded = sealed.checked_sub(TAG_BYTES).ok_or(Malformed::Truncated)? as u64;
    if padded > payload_bytes(limits::VALUE_BYTES)? as u64 {
        return Err(Malformed::TooLarge);
    }
    // A padded size pads to itself; one that does not was cut, or made longer.
    if padded < LEAST_PAYLOAD_BYTES || padme(padded) != padded {
        return Err(Malformed::Truncated);
    }
    Ok(())
}

/// `scope id ‖ u32 key number ‖ u8 form ‖ context hash`: what a value's key is bound to.
pub fn value_place(scope: &ScopeId, number: u32, form: Form, context: &[u8; 32]) -> [u8; 69] {
    let mut place = [0; 69];
    let parts: [&[u8]; 4] = [scope.as_bytes(), &number.to_be_bytes(), &[form as u8], context];
    for (to, from) in place.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    place
}

/// `salt ‖ scope id ‖ u32 key number ‖ 02`: what a sealed-box value's secret is bound to.
pub fn secret_place(salt: &[u8; SALT_BYTES], scope: &ScopeId, number: u32) -> [u8; 61] {
    let mut place = [0; 61];
    let parts: [&[u8]; 4] = [salt, scope.as_bytes(), &number.to_be_bytes(), &[2]];
    for (to, from) in place.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    place
}

/// `kf1.` and base64url.
pub fn to_text(value: &[u8]) -> String {
    let mut text = String::from(TEXT_PREFIX);
    text.push_str(&base64url(value));
    text
}

/// The reverse of [`to_text`]. Space around it, padding and trailing bits are `Malformed`.
pub fn from_text(text: &str) -> Result<Vec<u8>, Malformed> {
    from_base64url(text.strip_prefix(TEXT_PREFIX).ok_or(Malformed::Encoding)?)
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), Malformed> {
    bytes.split_first_chunk().map(|(head, rest)| (*head, rest)).ok_or(Malformed::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(form: Form) -> ValueHeader {
        ValueHeader {
            fingerprint: KeyFingerprint([1; 32]),
            salt: [2; 24],
            commitment: [3; 32],
            sealed_secret: (form == Form::SealedBox).then(|| alloc::vec![4; VALUE_KEM_BYTES]),
        }
    }

    #[test]
    fn a_header_of_either_form_comes_back() {
        for (form, length) in [(Form::SecretBox, 93), (Form::SealedBox, 1_261)] {
            let header = header(form);
            let mut bytes = header.encode();
            assert_eq!(bytes.len(), length);
            bytes.extend_from_slice(&[9; 32]);
            assert_eq!(ValueHeader::parse(&bytes), Ok((header, &[9; 32][..])));
            for len in 1..bytes.len() {
                assert_eq!(ValueHeader::parse(&bytes[..len]), Err(Malformed::Truncated), "{len}");
            }
        }
    }

    #[test]
    fn another_magic_version_or_form_is_refused() {
        let mut bytes = header(Form::SecretBox).encode();
        bytes.extend_from_slice(&[9; 32]);
        for (at, byte, fault) in
            [(0, b'k', Malformed::Encoding), (3, 2, Malformed::Unsupported), (4, 2, Malformed::Unsupported)]
        {
            let mut other = bytes.clone();
            other[at] = byte;
            assert_eq!(ValueHeader::parse(&other), Err(fault), "{at}");
        }
    }

    #[test]
    fn payloads_are_of_padded_sizes_only() {
        for (data, padded) in [(0, 16), (11, 16), (12, 18), (95, 104), (16 << 20, 17_301_504)] {
            assert_eq!(payload_bytes(data), Ok(padded), "{data}");
            assert_eq!(check_payload(padded + 16), Ok(()));
        }
        assert_eq!(payload_bytes((16 << 20) + 1), Err(Malformed::TooLarge));
        assert_eq!(check_payload(17 + 16), Err(Malformed::Truncated));
        assert_eq!(check_payload(payload_bytes(16 << 20).unwrap() * 2), Err(Malformed::TooLarge));
    }

    #[test]
    fn text_comes_back_and_has_one_form() {
        let text = to_text(&[0xfb, 0xff]);
        assert_eq!(text, "kf1.-_8");
        assert_eq!(from_text(&text), Ok(alloc::vec![0xfb, 0xff]));
        for bad in ["-_8", "kf1.-_8=", "kf1.-_9", " kf1.-_8", "kf1.-_8\n", "KF1.-_8", "kf2.-_8"] {
            assert_eq!(from_text(bad), Err(Malformed::Encoding), "{bad:?}");
        }
    }
}
