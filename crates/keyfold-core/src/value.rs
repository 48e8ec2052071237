//! Values: what fits a column of a database or a field of JSON, typed and padded.
//!
//! Spec: `docs/spec/values.md`.

use crate::{
    access::{self, ReaderKey, WriterKey},
    suite::{self, HedgedRng, Unauthentic, derive},
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use keyfold_format::{
    KeyFingerprint, Malformed,
    envelope::{SlotPlace, context_hash},
    label::DeriveLabel,
    value::{Form, SALT_BYTES, ValueHeader, payload_bytes, secret_place, value_place},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// What can be a value.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Bytes, as they are.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// A number. Every NaN becomes the same one.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// A moment, in milliseconds since 1970; before that, negative.
    Date(i64),
    /// A JSON text. Whether it is one, whoever parses it finds out.
    Json(String),
}

/// Why a value was not made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Key, commitment, context, payload: something does not check. There is no detail.
    #[error("it cannot be opened with this key and context, or was altered")]
    Unauthentic,
    /// The reader has no key of that fingerprint.
    #[error("it is not sealed to any of these keys")]
    NoSlot,
    /// The bytes do not follow the format.
    #[error(transparent)]
    Format(#[from] Malformed),
}

impl ValueError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthentic => "Unauthentic",
            Self::NoSlot => "NoSlot",
            Self::Format(fault) => fault.code(),
        }
    }
}

impl From<Unauthentic> for ValueError {
    fn from(_: Unauthentic) -> Self {
        Self::Unauthentic
    }
}

/// A value, and the key it was sealed under. Whoever ever held that key can have made it: look whether it is still
/// the current one.
#[derive(Debug, PartialEq)]
pub struct OpenedValue {
    /// The value.
    pub value: Value,
    /// Names the key in its keychain's ledger.
    pub fingerprint: KeyFingerprint,
}

/// Seals a value for `writer`, as clients do: what is drawn from `rng` is bound to the value first, so that two values
/// get one salt under one key only if they are the same, even where `rng` repeats itself.
pub fn seal(
    value: &Value,
    writer: &WriterKey<'_>,
    context: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, ValueError> {
    let payload = value.payload()?;
    // A writer who has only the public key has no secret. His randomness is all that there is, but is bound all the
    // same: a repeated secret does not meet two values.
    let none = Zeroizing::new([0; 32]);
    let secret = if let WriterKey::Symmetric { key, .. } = writer { key.expose() } else { &*none };
    seal_as_drawn(value, writer, context, &mut HedgedRng::new(secret, &[context, &payload], rng))
}

/// Seals a value with exactly the randomness that `rng` gives: for vectors, which say what that was.
/// [`keyfold_format::value::to_text`] gives its text form.
pub fn seal_as_drawn(
    value: &Value,
    writer: &WriterKey<'_>,
    context: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, ValueError> {
    let context = context_hash(context)?;
    let mut payload = value.payload()?;
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    let (keys, sealed_secret) = match writer {
        WriterKey::Symmetric { key, place, .. } => {
            (ValueKeys::derive(key.expose(), &salt, place, Form::SecretBox, &context), None)
        }
        WriterKey::Public { key, place, .. } => {
            let (keys, sealed) = seal_secret(key, &salt, place, &context, rng)?;
            (keys, Some(sealed))
        }
        WriterKey::Holder { key, account } => {
            let place = SlotPlace { scope: *account, number: 0 };
            let (keys, sealed) = seal_secret(key, &salt, &place, &context, rng)?;
            (keys, Some(sealed))
        }
    };
    let (fingerprint, commitment) = (writer.fingerprint(), *keys.commitment());
    let mut out = ValueHeader { fingerprint, salt, commitment, sealed_secret }.encode();
    suite::seal_single(keys.key(), &mut payload)?;
    out.extend_from_slice(&payload);
    Ok(out)
}

/// Opens a value with the key that it names: `key` is asked once. A context that differs from the writer's is
/// `Unauthentic`.
pub fn open<'k>(
    bytes: &[u8],
    context: &[u8],
    key: impl FnOnce(&KeyFingerprint) -> Option<ReaderKey<'k>>,
) -> Result<OpenedValue, ValueError> {
    let (header, sealed) = ValueHeader::parse(bytes)?;
    let context = context_hash(context)?;
    let reader = key(&header.fingerprint).ok_or(ValueError::NoSlot)?;
    let place = reader.place();
    let from_pair = |seed: &[u8; 32]| -> Result<ValueKeys, Unauthentic> {
        let sealed = header.sealed_secret.as_deref().ok_or(Unauthentic)?;
        let associated = secret_place(&header.salt, &place.scope, place.number);
        let secret = access::open_hpke(seed, &associated, sealed)?;
        let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| Unauthentic)?;
        Ok(ValueKeys::derive(secret, &header.salt, &place, Form::SealedBox, &context))
    };
    let keys = match (reader, header.form()) {
        (ReaderKey::Symmetric { key, .. }, Form::SecretBox) => {
            ValueKeys::derive(key.expose(), &header.salt, &place, Form::SecretBox, &context)
        }
        (ReaderKey::Private { key, .. }, Form::SealedBox) => from_pair(key.expose())?,
        (ReaderKey::Holder { key, .. }, Form::SealedBox) => from_pair(key.seed())?,
        _ => return Err(ValueError::Unauthentic),
    };
    if !suite::equal(keys.commitment(), &header.commitment) {
        return Err(ValueError::Unauthentic);
    }
    let value = Value::from_payload(&suite::open_single(keys.key(), sealed)?)?;
    Ok(OpenedValue { value, fingerprint: header.fingerprint })
}

fn seal_secret(
    key: &keyfold_format::WrappingKey,
    salt: &[u8; SALT_BYTES],
    place: &SlotPlace,
    context: &[u8; 32],
    rng: &mut impl CryptoRng,
) -> Result<(ValueKeys, Vec<u8>), Malformed> {
    let mut secret = Zeroizing::new([0; 32]);
    rng.fill_bytes(secret.as_mut_slice());
    let sealed = access::seal_hpke(key, &secret_place(salt, &place.scope, place.number), &secret, rng)?;
    Ok((ValueKeys::derive(&secret, salt, place, Form::SealedBox, context), sealed))
}

/// `key ‖ commitment = Derive(S, salt, "KF1 value", place, 64)`
struct ValueKeys {
    key: Zeroizing<[u8; 32]>,
    commitment: [u8; 32],
}

impl ValueKeys {
    fn derive(secret: &[u8; 32], salt: &[u8; SALT_BYTES], place: &SlotPlace, form: Form, context: &[u8; 32]) -> Self {
        let place = value_place(&place.scope, place.number, form, context);
        let both = derive::<64>(secret, salt, DeriveLabel::Value, &place);
        let (mut key, mut commitment) = (Zeroizing::new([0; 32]), [0; 32]);
        for (to, from) in key.iter_mut().chain(&mut commitment).zip(both.iter()) {
            *to = *from;
        }
        Self { key, commitment }
    }

    fn key(&self) -> &[u8; 32] {
        &self.key
    }

    const fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }
}

const THE_NAN: u64 = 0x7ff8_0000_0000_0000;

impl Value {
    /// `u8 type ‖ u32 length ‖ data ‖ zero bytes`, with room for the tag.
    fn payload(&self) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let eight;
        let (kind, data): (u8, &[u8]) = match self {
            Self::Bytes(bytes) => (0, bytes),
            Self::Text(text) => (1, text.as_bytes()),
            Self::Number(number) => {
                eight = if number.is_nan() { THE_NAN } else { number.to_bits() }.to_be_bytes();
                (2, &eight)
            }
            Self::Boolean(false) => (3, &[0]),
            Self::Boolean(true) => (3, &[1]),
            Self::Date(date) => {
                eight = date.to_be_bytes();
                (4, &eight)
            }
            Self::Json(text) => (5, text.as_bytes()),
        };
        let padded = payload_bytes(data.len())?;
        let length = u32::try_from(data.len()).map_err(|_| Malformed::TooLarge)?;
        let mut payload = Zeroizing::new(Vec::with_capacity(padded + 16));
        payload.push(kind);
        payload.extend_from_slice(&length.to_be_bytes());
        payload.extend_from_slice(data);
        payload.resize(padded, 0);
        Ok(payload)
    }

    fn from_payload(payload: &[u8]) -> Result<Self, ValueError> {
        let ([kind, length @ ..], rest) = payload.split_first_chunk::<5>().ok_or(Unauthentic)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Unauthentic)?;
        let (data, padding) = rest.split_at_checked(length).ok_or(Unauthentic)?;
        if payload_bytes(length).map_err(|_| Unauthentic)? != payload.len() || padding.iter().any(|byte| *byte != 0) {
            return Err(ValueError::Unauthentic);
        }
        let text = || String::from_utf8(data.to_vec()).map_err(|_| Unauthentic);
        let eight = || <[u8; 8]>::try_from(data).map_err(|_| Unauthentic);
        Ok(match kind {
            0 => Self::Bytes(data.to_vec()),
            1 => Self::Text(text()?),
            2 => match f64::from_bits(u64::from_be_bytes(eight()?)) {
                number if number.is_nan() && number.to_bits() != THE_NAN => return Err(ValueError::Unauthentic),
                number => Self::Number(number),
            },
            3 => match data {
                [0] => Self::Boolean(false),
                [1] => Self::Boolean(true),
                _ => return Err(ValueError::Unauthentic),
            },
            4 => Self::Date(i64::from_be_bytes(eight()?)),
            5 => Self::Json(text()?),
            _ => return Err(Malformed::Unsupported.into()),
        })
    }
}

impl fmt::Debug for Value {
    /// The type, never the value: values end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Bytes(…)",
            Self::Text(_) => "Text(…)",
            Self::Number(_) => "Number(…)",
            Self::Boolean(_) => "Boolean(…)",
            Self::Date(_) => "Date(…)",
            Self::Json(_) => "Json(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(kind: u8, length: u32, rest: &[u8]) -> Result<Value, ValueError> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(rest);
        Value::from_payload(&bytes)
    }

    #[test]
    fn every_type_comes_back() {
        for value in [
            Value::Bytes(vec![]),
            Value::Bytes(vec![0; 1_000]),
            Value::Text("naïve".into()),
            Value::Number(-0.0),
            Value::Number(f64::INFINITY),
            Value::Boolean(true),
            Value::Boolean(false),
            Value::Date(i64::MIN),
            Value::Json("{}".into()),
        ] {
            assert_eq!(Value::from_payload(&value.payload().unwrap()), Ok(value));
        }
    }

    #[test]
    fn there_is_one_nan() {
        let odd = Value::Number(f64::from_bits(0xfff8_0000_0000_0001)).payload().unwrap();
        assert_eq!(odd[5..13], THE_NAN.to_be_bytes());
        let other = [&0xfff8_0000_0000_0001_u64.to_be_bytes()[..], &[0; 3]].concat();
        assert_eq!(payload(2, 8, &other), Err(ValueError::Unauthentic));
    }

    #[test]
    fn data_that_does_not_fit_its_type_is_unauthentic_and_another_type_unsupported() {
        assert_eq!(payload(1, 2, &[&[0xff, 0xfe][..], &[0; 9]].concat()), Err(ValueError::Unauthentic));
        assert_eq!(payload(3, 1, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(ValueError::Unauthentic));
        assert_eq!(payload(3, 0, &[0; 11]), Err(ValueError::Unauthentic));
        assert_eq!(payload(4, 7, &[0; 11]), Err(ValueError::Unauthentic));
        assert_eq!(payload(6, 0, &[0; 11]), Err(ValueError::Format(Malformed::Unsupported)));
    }

    #[test]
    fn padding_that_is_not_zero_or_not_of_its_length_is_unauthentic() {
        assert!(payload(0, 0, &[0; 11]).is_ok());
        for (length, rest) in
            [(0, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..]), (0, &[0; 12]), (0, &[0; 10]), (12, &[0; 11])]
        {
            assert_eq!(payload(0, length, rest), Err(ValueError::Unauthentic), "{length} {rest:?}");
        }
        assert_eq!(payload(0, u32::MAX, &[0; 11]), Err(ValueError::Unauthentic));
    }
}
