//! How wire records are written: a CBOR array of the fields in order, each of a type that knows its own encoding.
//! One macro, so that a record's struct is its whole description.

use keyfold_format::{
    EntryHash, HolderId, ObjectId, ScopeId, ServerId, Signature, UserId, VerifyingKey, WrappingKey,
    account::HolderKeys,
    cbor,
    entry::{Head, SignedEntry},
    receipt::Receipt,
    succession::Succession,
    wrap::Wrap,
};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

/// A field of a record.
pub(crate) trait Field: Sized {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>>;
    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

/// What may stand in a list of a record, and how many of it at most.
pub(crate) trait Listed: Field {
    const AT_MOST: usize;
}

impl<T: Field> Field for Option<T> {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        match self {
            Some(value) => value.put(e),
            None => e.null()?.ok(),
        }
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::nullable(d, T::take)
    }
}

impl<T: Listed> Field for Vec<T> {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.array(self.len() as u64)?;
        self.iter().try_for_each(|item| item.put(e))
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::list(d, T::AT_MOST, T::take)
    }
}

impl Field for Vec<u8> {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.bytes(self)?.ok()
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        d.bytes().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.bytes(self)?.ok()
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::bytes_of(d)
    }
}

/// Types that bring minicbor's traits, and that no list of bytes can be confused with.
macro_rules! fields {
    ($($type:ty),+ $(,)?) => {$(
        impl Field for $type {
            fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
                Encode::<()>::encode(self, e, &mut ())
            }

            fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                <$type as Decode<'_, ()>>::decode(d, &mut ())
            }
        }
    )+};
}

fields!(
    bool,
    u16,
    u32,
    u64,
    String,
    EntryHash,
    HolderId,
    ObjectId,
    ScopeId,
    ServerId,
    Signature,
    UserId,
    VerifyingKey,
    WrappingKey,
    HolderKeys,
    Head,
    SignedEntry,
    Receipt,
    Succession,
    Wrap
);

macro_rules! listed {
    ($($type:ty = $max:expr),+ $(,)?) => {$(
        impl $crate::record::Listed for $type {
            const AT_MOST: usize = $max;
        }
    )+};
}
pub(crate) use listed;

listed!(
    UserId = crate::limits::LOOKUPS,
    ScopeId = crate::limits::UNSEEN,
    SignedEntry = crate::limits::PAGE_ENTRIES,
    Wrap = crate::limits::WRAPS,
    Succession = crate::limits::SUCCESSIONS,
    Vec<u8> = crate::limits::ENVELOPES,
);

/// Declares a record: a struct whose encoding is the array of its fields.
macro_rules! record {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $name {
            /// From the canonical encoding.
            pub fn decode(bytes: &[u8]) -> Result<Self, keyfold_format::Malformed> {
                keyfold_format::cbor::decode_canonical(bytes)
            }

            /// The canonical encoding.
            pub fn encode(&self) -> Vec<u8> {
                keyfold_format::cbor::encode(self)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.array(0 $(+ { let _ = stringify!($field); 1 })*)?;
                $($crate::record::Field::put(&self.$field, e)?;)*
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                keyfold_format::cbor::array(d, 0 $(+ { let _ = stringify!($field); 1 })*)?;
                Ok(Self { $($field: $crate::record::Field::take(d)?,)* })
            }
        }

        impl $crate::record::Field for $name {
            fn put<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                minicbor::Encode::<()>::encode(self, e, &mut ())
            }

            fn take(d: &mut minicbor::Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
                minicbor::Decode::<()>::decode(d, &mut ())
            }
        }
    )+};
}
pub(crate) use record;

/// Declares an enum that stands on the wire as a small number; another number is `Unsupported`.
macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $n:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant = $n,)+ }

        impl $name {
            /// From its number.
            pub fn from_number(n: u8) -> Result<Self, keyfold_format::Malformed> {
                match n {
                    $($n => Ok(Self::$variant),)+
                    _ => Err(keyfold_format::Malformed::Unsupported),
                }
            }

            /// Its number.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        impl $crate::record::Field for $name {
            fn put<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.u8(self.number())?.ok()
            }

            fn take(d: &mut minicbor::Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
                Self::from_number(d.u8()?).map_err(keyfold_format::cbor::fault)
            }
        }
    )+};
}
pub(crate) use numbered;
