//! Identifiers: 32 bytes each, of different types so that none passes for another.
//!
//! Spec: `docs/spec/conventions.md`, "Identifiers" and "Hashes".

use crate::{cbor, error::Malformed, label::HashLabel};
use alloc::string::String;
use base64ct::{Base64UrlUnpadded, Encoding};
use core::{fmt, str::FromStr};
use minicbor::{Decode, Decoder, Encode, Encoder};

/// `H(label, parts)`: BLAKE3 in key-derivation mode over the concatenated parts.
pub fn hash(label: HashLabel, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(label.as_str());
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] { &self.0 }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] { &self.0 }
        }

        impl fmt::Display for $name {
            /// 43 characters of base64url.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base64url(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), base64url(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                let mut bytes = [0; 32];
                match Base64UrlUnpadded::decode(text, &mut bytes) {
                    Ok(b) if b.len() == 32 => Ok(Self(bytes)),
                    _ => Err(Malformed::Encoding),
                }
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, e: &mut Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                cbor::bytes_of(d).map(Self)
            }
        }
    )+};
}

ids! {
    /// The hash of a ledger's first entry: an account, a keychain or a group.
    ScopeId;
    /// The hash of a ledger entry.
    EntryHash;
    /// Commitment to one key of a keychain or group; for a wrapping key, its hash.
    KeyFingerprint;
    /// A device, or a recovery method.
    HolderId;
    /// An object in a storage: an envelope, a node of an index.
    ObjectId;
    /// An index, made of randomness by who founds it.
    IndexId;
    /// A server key's id.
    ServerId;
}

impl EntryHash {
    /// What the first entry of a ledger follows.
    pub const NONE: Self = Self([0; 32]);
}

impl From<EntryHash> for ScopeId {
    /// A genesis entry's hash is its scope's id.
    fn from(hash: EntryHash) -> Self {
        Self(hash.0)
    }
}

/// `H("KF1 server id", server key)`
pub fn server_id(key: &crate::key::VerifyingKey) -> ServerId {
    ServerId(hash(HashLabel::ServerId, &[&key.0]))
}

/// Unpadded base64url.
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The reverse of [`base64url`]; strict about padding and trailing bits.
pub fn from_base64url(text: &str) -> Result<alloc::vec::Vec<u8>, Malformed> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| Malformed::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_is_43_characters_and_comes_back() {
        let id = ScopeId([0xab; 32]);
        assert_eq!(id.to_string().len(), 43);
        assert_eq!(id.to_string().parse::<ScopeId>(), Ok(id));
    }

    #[test]
    fn trailing_bits_padding_and_other_lengths_are_refused() {
        let text = ScopeId([0; 32]).to_string();
        for bad in [&text[..42], &(text.clone() + "A"), &(text.clone() + "="), &(text[..42].to_string() + "B"), ""] {
            assert_eq!(bad.parse::<ScopeId>(), Err(Malformed::Encoding), "{bad}");
        }
    }
}
