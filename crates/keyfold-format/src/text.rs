//! Names that people read: user ids and purposes. Checked once, then a type.

use crate::{cbor, error::Malformed, limits, normal::is_nfc};
use alloc::string::String;
use core::fmt;
use minicbor::{Decode, Decoder, Encode, Encoder};

fn check(text: &str, max: usize) -> Result<(), Malformed> {
    if text.len() > max {
        return Err(Malformed::TooLarge);
    }
    if text.is_empty() || text.chars().any(char::is_control) || !is_nfc(text) {
        return Err(Malformed::BadText);
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident <= $max:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks length, normal form and control characters.
            pub fn new(text: impl Into<String>) -> Result<Self, Malformed> {
                let text = text.into();
                check(&text, $max)?;
                Ok(Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, e: &mut Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(d.str()?).map_err(cbor::fault)
            }
        }
    )+};
}

names! {
    /// The application's own immutable name of a person: 1 to 128 bytes of UTF-8 in normal form C.
    UserId <= limits::USER_ID_BYTES;
    /// A keychain's purpose, a group's name, a device's label: 1 to 256 bytes.
    Name <= limits::NAME_BYTES;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_bytes_and_the_limit_is_inclusive() {
        assert!(UserId::new("é".repeat(64)).is_ok());
        assert_eq!(UserId::new("é".repeat(65)), Err(Malformed::TooLarge));
        assert!(Name::new("n".repeat(256)).is_ok());
        assert_eq!(Name::new("n".repeat(257)), Err(Malformed::TooLarge));
    }

    #[test]
    fn empty_control_characters_and_other_normal_forms_are_refused() {
        for bad in ["", "a\nb", "a\u{0}", "e\u{301}"] {
            assert_eq!(UserId::new(bad), Err(Malformed::BadText), "{bad:?}");
        }
    }
}
