//! Wraps of keychain and group keys: the record that travels and is stored, and the place that each is bound to.
//! Making and opening them takes secrets and lies in keyfold-core.
//!
//! Spec: `docs/spec/wraps.md`.

use crate::{ScopeId, cbor, error::Malformed};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// Length of a wrap that carries the key only: `enc` (1,120), key (32), tag (16).
pub const KEY_WRAP_BYTES: usize = 1_168;
/// Length of a wrap that carries the key and its history secret.
pub const HISTORY_WRAP_BYTES: usize = 1_200;

/// What kind of scope the wrapped key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WrapKind {
    /// A keychain.
    Keychain = 1,
    /// A group.
    Group = 2,
}

/// What a wrap is bound to: which key, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapPlace {
    /// Keychain or group.
    pub kind: WrapKind,
    /// Whose key is wrapped.
    pub scope: ScopeId,
    /// Its number.
    pub number: u32,
    /// The account or group that opens it.
    pub recipient: ScopeId,
    /// The recipient's generation, or the number of the recipient group's key.
    pub recipient_number: u32,
    /// Whether the history secret goes with it.
    pub history: bool,
}

impl WrapPlace {
    /// HPKE `info`: `"KF1 wrap" ‖ 00 ‖ 01`, where 01 is the suite.
    pub const INFO: &'static [u8] = b"KF1 wrap\x00\x01";

    /// `u8 kind ‖ scope id ‖ u32 key number ‖ recipient's scope id ‖ u32 recipient's number ‖ u8 history`.
    pub fn associated_data(&self) -> [u8; 74] {
        let mut bytes = [0; 74];
        let parts: [&[u8]; 6] = [
            &[self.kind as u8],
            self.scope.as_bytes(),
            &self.number.to_be_bytes(),
            self.recipient.as_bytes(),
            &self.recipient_number.to_be_bytes(),
            &[u8::from(self.history)],
        ];
        for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }
}

/// A wrap on the wire and in the store: `[key number, recipient's scope id, recipient's number, history, sealed]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// Number of the wrapped key.
    pub number: u32,
    /// The account or group that opens it.
    pub recipient: ScopeId,
    /// The recipient's generation, or the number of the recipient group's key.
    pub recipient_number: u32,
    /// Whether the history secret goes with it.
    pub history: bool,
    sealed: Vec<u8>,
}

impl Wrap {
    /// `sealed` must be as long as `place.history` demands.
    pub fn new(place: &WrapPlace, sealed: Vec<u8>) -> Result<Self, Malformed> {
        let WrapPlace { number, recipient, recipient_number, history, .. } = *place;
        let expected = if history { HISTORY_WRAP_BYTES } else { KEY_WRAP_BYTES };
        if sealed.len() != expected {
            return Err(Malformed::Encoding);
        }
        Ok(Self { number, recipient, recipient_number, history, sealed })
    }

    /// What it is bound to, if it is a wrap of `scope`.
    pub const fn place(&self, kind: WrapKind, scope: ScopeId) -> WrapPlace {
        WrapPlace {
            kind,
            scope,
            number: self.number,
            recipient: self.recipient,
            recipient_number: self.recipient_number,
            history: self.history,
        }
    }

    /// `enc` and ciphertext: 1,168 bytes, or 1,200 with the history secret.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

impl<C> Encode<C> for Wrap {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(5)?.u32(self.number)?.bytes(self.recipient.as_bytes())?.u32(self.recipient_number)?;
        e.u8(u8::from(self.history))?.bytes(&self.sealed)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Wrap {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        cbor::array(d, 5)?;
        let (number, recipient, recipient_number) = (d.u32()?, d.decode()?, d.u32()?);
        let history = match d.u8()? {
            0 => false,
            1 => true,
            _ => return Err(cbor::unsupported()),
        };
        // Kind and scope are not written: they are those of the ledger that the wrap is kept with.
        let place =
            WrapPlace { kind: WrapKind::Keychain, scope: recipient, number, recipient, recipient_number, history };
        Self::new(&place, d.bytes()?.to_vec()).map_err(cbor::fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn place() -> WrapPlace {
        WrapPlace {
            kind: WrapKind::Keychain,
            scope: ScopeId([1; 32]),
            number: 2,
            recipient: ScopeId([3; 32]),
            recipient_number: 4,
            history: false,
        }
    }

    #[test]
    fn a_wrap_comes_back_and_its_length_says_whether_history_is_in_it() {
        for history in [false, true] {
            let place = WrapPlace { history, ..place() };
            let length = if history { 1_200 } else { 1_168 };
            let wrap = Wrap::new(&place, alloc::vec![7; length]).unwrap();
            assert_eq!(cbor::decode_canonical::<Wrap>(&cbor::encode(&wrap)), Ok(wrap.clone()));
            assert_eq!(wrap.place(WrapKind::Keychain, place.scope), place);
            for wrong in [length - 1, length + 1, 2_368 - length] {
                assert_eq!(Wrap::new(&place, alloc::vec![7; wrong]), Err(Malformed::Encoding));
            }
        }
    }

    #[test]
    fn an_unknown_history_is_unsupported() {
        let mut bytes = cbor::encode(&Wrap::new(&place(), alloc::vec![7; KEY_WRAP_BYTES]).unwrap());
        let at = 1 + 1 + 34 + 1;
        assert_eq!(bytes[at], 0);
        bytes[at] = 2;
        assert_eq!(cbor::decode_canonical::<Wrap>(&bytes), Err(Malformed::Unsupported));
    }

    #[test]
    fn every_part_of_the_place_changes_the_associated_data() {
        let places = [
            place(),
            WrapPlace { kind: WrapKind::Group, ..place() },
            WrapPlace { scope: ScopeId([9; 32]), ..place() },
            WrapPlace { number: 9, ..place() },
            WrapPlace { recipient: ScopeId([9; 32]), ..place() },
            WrapPlace { recipient_number: 9, ..place() },
            WrapPlace { history: true, ..place() },
        ];
        assert_eq!(places.iter().map(WrapPlace::associated_data).collect::<BTreeSet<_>>().len(), places.len());
        assert_eq!(place().associated_data()[0], 1);
    }

    #[test]
    fn the_info_is_the_label_and_the_suite() {
        let label = crate::label::DeriveLabel::Wrap.as_str().as_bytes();
        assert_eq!(WrapPlace::INFO, [label, &[0, 1]].concat());
    }
}
