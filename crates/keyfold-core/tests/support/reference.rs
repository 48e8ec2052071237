//! The formulas of the spec a second time, as plainly as can be: HKDF by hand over HMAC, no streaming, no types. It
//! checks the crate's bytes, and crafts what an attacker who knows a data key could.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::Aead};
use hmac::{Hmac, Mac};
use keyfold_format::{
    KeyFingerprint, ObjectId,
    envelope::{FixedHeader, Flags, Header, Slot, SlotKind, SlotPlace, context_hash},
    id::hash,
    label::HashLabel,
};
use sha2::Sha256;

pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// RFC 5869.
pub fn hkdf_sha256(salt: &[u8], secret: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let prk = hmac_sha256(salt, secret);
    let (mut out, mut block) = (Vec::new(), Vec::new());
    for i in 1.. {
        if out.len() >= len {
            break;
        }
        block = hmac_sha256(&prk, &[&block[..], info, &[i]].concat()).to_vec();
        out.extend_from_slice(&block);
    }
    out.truncate(len);
    out
}

pub fn derive(secret: &[u8], salt: &[u8], label: &str, place: &[u8], len: usize) -> Vec<u8> {
    hkdf_sha256(salt, secret, &[label.as_bytes(), &[0], place].concat(), len)
}

pub fn aes_gcm(key: &[u8], nonce: [u8; 12], plaintext: &[u8]) -> Vec<u8> {
    Aes256Gcm::new_from_slice(key).unwrap().encrypt(&nonce.into(), plaintext).unwrap()
}

pub fn seal_once(key: &[u8], label: &str, place: &[u8], plaintext: &[u8], salt: [u8; 24]) -> Vec<u8> {
    let sealed = aes_gcm(&derive(key, &salt, label, place, 32), [0; 12], plaintext);
    [&salt[..], &sealed].concat()
}

pub fn commitment(data: &[u8; 32], object: &ObjectId) -> [u8; 32] {
    derive(data, &object.0, "KF1 envelope commitment", &[], 32).try_into().unwrap()
}

pub fn fixed(data: &[u8; 32], object: ObjectId, context: &[u8], flags: Flags) -> FixedHeader {
    FixedHeader { object, flags, context: context_hash(context).unwrap(), commitment: commitment(data, &object) }
}

pub fn slot(
    key: &[u8; 32],
    fingerprint: KeyFingerprint,
    place: &SlotPlace,
    object: &ObjectId,
    data: &[u8; 32],
) -> Slot {
    let place = [&object.0[..], &place.scope.0, &place.number.to_be_bytes(), &[1]].concat();
    let sealed = seal_once(key, "KF1 slot", &place, data, [0x5a; 24]);
    Slot::new(SlotKind::Symmetric, fingerprint, sealed).unwrap()
}

/// Prefix, header, and the MAC of whoever knows `data`.
pub fn head(header: &Header, data: &[u8; 32]) -> Vec<u8> {
    let object = header.fixed().object;
    let mut bytes = header.encode().unwrap();
    let mac = hmac_sha256(&derive(data, &object.0, "KF1 envelope header", &[], 32), &bytes);
    bytes.extend_from_slice(&mac);
    bytes
}

pub fn payload_key(fixed: &FixedHeader, data: &[u8; 32]) -> Vec<u8> {
    let place = hash(HashLabel::EnvelopeFixed, &[&fixed.encode()]);
    derive(data, &fixed.object.0, "KF1 envelope payload", &place, 32)
}

/// The segments of a plaintext (padding included), with whatever true length the attacker says.
pub fn body(fixed: &FixedHeader, data: &[u8; 32], padded: &[u8], len: u64) -> Vec<u8> {
    let key = payload_key(fixed, data);
    let mut out = Vec::new();
    let mut pieces = padded.chunks(65_536).collect::<Vec<_>>();
    let last = pieces.pop().unwrap_or_default();
    for (i, piece) in pieces.iter().enumerate() {
        out.extend_from_slice(&aes_gcm(&key, nonce(i, 0), piece));
    }
    out.extend_from_slice(&aes_gcm(&key, nonce(pieces.len(), 1), &[&len.to_be_bytes()[..], last].concat()));
    out
}

pub fn nonce(index: usize, last: u8) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(index as u64).to_be_bytes());
    nonce[11] = last;
    nonce
}
