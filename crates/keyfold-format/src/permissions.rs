//! The four permissions, as a set.

use crate::{cbor, error::Malformed};
use core::{fmt, ops};
use minicbor::{Decode, Decoder, Encode, Encoder};

/// A set of permissions. The empty set, the default, allows reading and writing only.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u8);

impl Permissions {
    /// Nothing beyond being a member.
    pub const NONE: Self = Self(0);
    /// May share keys on.
    pub const SHARING: Self = Self(1);
    /// May make a new key.
    pub const ROTATION: Self = Self(2);
    /// May ban, and end shares.
    pub const DELETION: Self = Self(4);
    /// May set permissions.
    pub const MANAGEMENT: Self = Self(8);
    /// All four.
    pub const ALL: Self = Self(15);

    /// From the bits of the encoding; an unknown bit is `Unsupported`.
    pub const fn from_bits(bits: u8) -> Result<Self, Malformed> {
        if bits > 15 { Err(Malformed::Unsupported) } else { Ok(Self(bits)) }
    }

    /// The bits of the encoding.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every permission of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no permission is in this set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Without those of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl ops::BitOr for Permissions {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl ops::BitAnd for Permissions {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        for (flag, name) in [
            (Self::SHARING, "sharing"),
            (Self::ROTATION, "rotation"),
            (Self::DELETION, "deletion"),
            (Self::MANAGEMENT, "management"),
        ] {
            if self.contains(flag) {
                set.entry(&name);
            }
        }
        set.finish()
    }
}

impl<C> Encode<C> for Permissions {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u8(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Permissions {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_bits(cbor::discriminant(d)?).map_err(cbor::fault)
    }
}
