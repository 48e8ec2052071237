//! The head of an envelope: prefix, header, MAC. Parsing refuses everything that this release does not know before
//! anybody looks for a key.
//!
//! Spec: `docs/spec/envelope.md`, "Header".

use super::BadEnvelope;
use crate::{
    ObjectId, ScopeId, cbor,
    error::Malformed,
    id::{KeyFingerprint, hash},
    label::HashLabel,
    limits,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

const MAGIC: [u8; 8] = *b"\x89KEYFOLD";
const VERSION: u8 = 1;
const SUITE_KF1: u64 = 1;
const SEGMENT_BITS: u64 = 16;

/// Magic, version and the header's length.
pub const PREFIX_BYTES: usize = 13;
/// HMAC-SHA-256 over prefix and header.
pub const MAC_BYTES: usize = 32;
/// A data key sealed to a public key: `enc` (1,120) and ciphertext (48).
pub const PUBLIC_SLOT_BYTES: usize = 1_168;
/// A data key sealed under a symmetric key: salt (24), key (32) and tag (16).
pub const SYMMETRIC_SLOT_BYTES: usize = 72;

/// The first 13 bytes, checked: they say how many more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    header: usize,
}

impl Prefix {
    /// Reads the prefix at the start of `bytes`. Fewer than 13 bytes that start like an envelope are `Truncated`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEnvelope> {
        if bytes.iter().zip(&MAGIC).any(|(a, b)| a != b) {
            return Err(BadEnvelope::NotAnEnvelope);
        }
        if bytes.get(MAGIC.len()).is_some_and(|version| *version != VERSION) {
            return Err(Malformed::Unsupported.into());
        }
        let length = match bytes.first_chunk::<PREFIX_BYTES>() {
            Some([_, _, _, _, _, _, _, _, _, length @ ..]) => u32::from_be_bytes(*length),
            None if bytes.is_empty() => return Err(BadEnvelope::NotAnEnvelope),
            None => return Err(Malformed::Truncated.into()),
        };
        match usize::try_from(length) {
            Ok(header) if header <= limits::HEADER_BYTES => Ok(Self { header }),
            _ => Err(Malformed::TooLarge.into()),
        }
    }

    /// Length of prefix, header and MAC together: where the body starts.
    pub const fn head_bytes(self) -> usize {
        PREFIX_BYTES + self.header + MAC_BYTES
    }
}

/// What an envelope's flags say. Both are fixed when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// An author's signature follows the body.
    pub trailer: bool,
    /// The plaintext was padded to its Padmé size.
    pub padded: bool,
}

impl Flags {
    const fn bits(self) -> u8 {
        self.trailer as u8 | (self.padded as u8) << 1
    }

    const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0..4 => Some(Self { trailer: bits & 1 != 0, padded: bits & 2 != 0 }),
            _ => None,
        }
    }
}

/// The part of the header that never changes, and that the payload key is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedHeader {
    /// Random; with the data key it yields every key of the envelope.
    pub object: ObjectId,
    /// Trailer and padding.
    pub flags: Flags,
    /// [`context_hash`] of the application's context.
    pub context: [u8; 32],
    /// Commitment to the data key.
    pub commitment: [u8; 32],
}

/// `H("KF1 context", context)`. Contexts longer than 65,536 bytes are `TooLarge`.
pub fn context_hash(context: &[u8]) -> Result<[u8; 32], Malformed> {
    if context.len() > limits::CONTEXT_BYTES {
        return Err(Malformed::TooLarge);
    }
    Ok(hash(HashLabel::Context, &[context]))
}

impl FixedHeader {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// `H("KF1 envelope fixed", fixed)`.
    pub fn hash(&self) -> [u8; 32] {
        hash(HashLabel::EnvelopeFixed, &[&self.encode()])
    }
}

impl<C> Encode<C> for FixedHeader {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(6)?.u64(SUITE_KF1)?.bytes(self.object.as_bytes())?.u64(SEGMENT_BITS)?.u8(self.flags.bits())?;
        e.bytes(&self.context)?.bytes(&self.commitment)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for FixedHeader {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let fields = d.array()?;
        // The suite comes first, because only the suite says what the other fields are.
        if d.u64()? != SUITE_KF1 {
            return Err(cbor::unsupported());
        }
        if fields != Some(6) {
            return Err(decode::Error::message("fields of the fixed header"));
        }
        let object = d.decode()?;
        if d.u64()? != SEGMENT_BITS {
            return Err(cbor::unsupported());
        }
        let flags = Flags::from_bits(d.u64()?).ok_or_else(cbor::unsupported)?;
        Ok(Self { object, flags, context: cbor::bytes_of(d)?, commitment: cbor::bytes_of(d)? })
    }
}

/// What a slot's data key is sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A public key: HPKE.
    Public,
    /// A symmetric key: `SealOnce`.
    Symmetric,
}

/// One reader's way to the data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    kind: SlotKind,
    fingerprint: KeyFingerprint,
    sealed: Vec<u8>,
}

impl Slot {
    /// A slot with its sealed data key, whose length must be that of its kind.
    pub fn new(kind: SlotKind, fingerprint: KeyFingerprint, sealed: Vec<u8>) -> Result<Self, Malformed> {
        let expected = match kind {
            SlotKind::Public => PUBLIC_SLOT_BYTES,
            SlotKind::Symmetric => SYMMETRIC_SLOT_BYTES,
        };
        if sealed.len() == expected { Ok(Self { kind, fingerprint, sealed }) } else { Err(Malformed::Encoding) }
    }

    /// How it is sealed.
    pub const fn kind(&self) -> SlotKind {
        self.kind
    }

    /// The key that opens it.
    pub const fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// The sealed data key.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

impl<C> Encode<C> for Slot {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.u8(self.kind as u8)?.bytes(self.fingerprint.as_bytes())?.bytes(&self.sealed)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Slot {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let fields = d.array()?;
        let kind = match d.u64()? {
            0 => SlotKind::Public,
            1 => SlotKind::Symmetric,
            _ => return Err(cbor::unsupported()),
        };
        if fields != Some(3) {
            return Err(decode::Error::message("fields of a slot"));
        }
        Self::new(kind, d.decode()?, d.bytes()?.to_vec()).map_err(cbor::fault)
    }
}

/// Where a key stands: the scope whose ledger names it, and its number there. For a device or recovery method the
/// account's id and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotPlace {
    /// The keychain, group or account.
    pub scope: ScopeId,
    /// The key's number.
    pub number: u32,
}

impl SlotPlace {
    /// `object id ‖ scope id ‖ u32 key number ‖ 01`: what a slot is bound to.
    pub fn of_object(&self, object: &ObjectId) -> [u8; 69] {
        let mut place = [0; 69];
        let parts: [&[u8]; 4] = [object.as_bytes(), self.scope.as_bytes(), &self.number.to_be_bytes(), &[1]];
        for (to, from) in place.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        place
    }
}

/// A header: the fixed part, the slots, sealed metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    fixed: FixedHeader,
    slots: Vec<Slot>,
    metadata: Option<Vec<u8>>,
}

impl Header {
    /// Puts the slots in order. None is `Malformed`, more than 1,024 are `TooMany`, two for one key are
    /// `NotCanonical`.
    pub fn new(fixed: FixedHeader, mut slots: Vec<Slot>, metadata: Option<Vec<u8>>) -> Result<Self, Malformed> {
        slots.sort_unstable_by_key(Slot::fingerprint);
        let header = Self { fixed, slots, metadata };
        header.check()?;
        Ok(header)
    }

    /// Prefix and header, as they are written and as the MAC covers them.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let header = cbor::encode(&RawHeader {
            fixed: &self.fixed.encode(),
            slots: self.slots.clone(),
            metadata: self.metadata.clone(),
        });
        let length = u32::try_from(header.len()).map_err(|_| Malformed::TooLarge)?;
        if header.len() > limits::HEADER_BYTES {
            return Err(Malformed::TooLarge);
        }
        let mut out = Vec::with_capacity(PREFIX_BYTES + header.len() + MAC_BYTES);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&header);
        Ok(out)
    }

    /// The part that the payload key is bound to.
    pub const fn fixed(&self) -> &FixedHeader {
        &self.fixed
    }

    /// The slots, ascending by fingerprint.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The sealed metadata.
    pub fn metadata(&self) -> Option<&[u8]> {
        self.metadata.as_deref()
    }

    /// The same header with other slots.
    pub fn with_slots(&self, slots: Vec<Slot>) -> Result<Self, Malformed> {
        Self::new(self.fixed.clone(), slots, self.metadata.clone())
    }

    fn check(&self) -> Result<(), Malformed> {
        match self.slots.len() {
            0 => return Err(Malformed::Encoding),
            1..=limits::SLOTS => {}
            _ => return Err(Malformed::TooMany),
        }
        match self.slots.is_sorted_by(|a, b| a.fingerprint < b.fingerprint) {
            true => Ok(()),
            false => Err(Malformed::NotCanonical),
        }
    }
}

/// The header as it is written: the fixed part is a byte string, so that its bytes can be bound to.
struct RawHeader<'b> {
    fixed: &'b [u8],
    slots: Vec<Slot>,
    metadata: Option<Vec<u8>>,
}

impl<C> Encode<C> for RawHeader<'_> {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.bytes(self.fixed)?.encode_with(&self.slots, ctx)?;
        match &self.metadata {
            Some(sealed) => e.bytes(sealed)?.ok(),
            None => e.null()?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for RawHeader<'b> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        cbor::array(d, 3)?;
        Ok(Self {
            fixed: d.bytes()?,
            slots: cbor::list(d, limits::SLOTS, |d| d.decode())?,
            metadata: cbor::nullable(d, |d| Ok(d.bytes()?.to_vec()))?,
        })
    }
}

/// Prefix, header and MAC, parsed. Nothing in it is authentic yet.
#[derive(Clone, Debug)]
pub struct Head<'b> {
    /// The header.
    pub header: Header,
    /// What the MAC covers: prefix and header as they were read.
    pub authenticated: &'b [u8],
    /// HMAC-SHA-256 under the header key.
    pub mac: &'b [u8; MAC_BYTES],
}

impl<'b> Head<'b> {
    /// Parses the head at the start of `bytes`; what follows it is the body.
    pub fn parse(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), BadEnvelope> {
        let prefix = Prefix::parse(bytes)?;
        let split = bytes.split_at_checked(prefix.head_bytes()).ok_or(Malformed::Truncated)?;
        let (authenticated, mac) = split.0.split_last_chunk::<MAC_BYTES>().ok_or(Malformed::Truncated)?;
        let encoded = authenticated.get(PREFIX_BYTES..).ok_or(Malformed::Truncated)?;
        let header = parse_header(encoded).map_err(|fault| match fault {
            // The whole header is there, so a field that runs out of it is wrong, not missing.
            Malformed::Truncated => Malformed::Encoding,
            other => other,
        })?;
        Ok((Self { header, authenticated, mac }, split.1))
    }
}

fn parse_header(encoded: &[u8]) -> Result<Header, Malformed> {
    // The fixed part first: another suite may have other slots, and must be told from a broken header.
    let mut d = Decoder::new(encoded);
    cbor::array(&mut d, 3).map_err(cbor::classify)?;
    let fixed: FixedHeader = cbor::decode_canonical(d.bytes().map_err(cbor::classify)?)?;
    let raw: RawHeader<'_> = cbor::decode_canonical(encoded)?;
    let header = Header { fixed, slots: raw.slots, metadata: raw.metadata };
    header.check()?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(slots: usize) -> Header {
        let fixed = FixedHeader {
            object: ObjectId([7; 32]),
            flags: Flags { trailer: true, padded: false },
            context: [1; 32],
            commitment: [2; 32],
        };
        let slot = |i: usize| {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&(i as u64).to_be_bytes());
            Slot::new(SlotKind::Symmetric, KeyFingerprint(fingerprint), alloc::vec![i as u8; SYMMETRIC_SLOT_BYTES])
                .unwrap()
        };
        Header::new(fixed, (0..slots).rev().map(slot).collect(), Some(alloc::vec![9; 50])).unwrap()
    }

    fn head(header: &Header) -> Vec<u8> {
        let mut bytes = header.encode().unwrap();
        bytes.extend_from_slice(&[0; MAC_BYTES]);
        bytes
    }

    fn fault(bytes: &[u8]) -> &'static str {
        Head::parse(bytes).unwrap_err().code()
    }

    /// Replaces the header between prefix and MAC by other CBOR, with its length.
    fn with_header(cbor: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(&(cbor.len() as u32).to_be_bytes());
        bytes.extend_from_slice(cbor);
        bytes.extend_from_slice(&[0; MAC_BYTES]);
        bytes
    }

    #[test]
    fn what_is_written_is_read_and_the_rest_is_the_body() {
        for slots in [1, 2, 1_024] {
            let header = header(slots);
            let mut bytes = head(&header);
            bytes.extend_from_slice(b"body");
            let (parsed, body) = Head::parse(&bytes).unwrap();
            assert_eq!(parsed.header, header);
            assert_eq!(parsed.authenticated, header.encode().unwrap());
            assert_eq!(body, b"body");
        }
    }

    #[test]
    fn every_shorter_input_is_truncated() {
        let bytes = head(&header(2));
        for len in 1..bytes.len() {
            assert_eq!(fault(&bytes[..len]), "Truncated", "{len}");
        }
        assert_eq!(fault(&[]), "NotAnEnvelope");
    }

    #[test]
    fn another_magic_version_or_size_is_named() {
        let bytes = head(&header(1));
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        };
        assert_eq!(fault(&with(0, 0x88)), "NotAnEnvelope");
        assert_eq!(fault(&with(7, b'd')), "NotAnEnvelope");
        assert_eq!(fault(&with(8, 2)), "Unsupported");
        assert_eq!(fault(&with(8, 2)[..9]), "Unsupported");
        assert_eq!(fault(&with(9, 1)), "TooLarge");
    }

    #[test]
    fn slots_out_of_order_repeated_or_none_are_refused() {
        let good = header(2);
        let raw = |slots: Vec<Slot>| {
            with_header(&cbor::encode(&RawHeader { fixed: &good.fixed.encode(), slots, metadata: None }))
        };
        let [a, b] = [good.slots[0].clone(), good.slots[1].clone()];
        assert!(Head::parse(&raw(alloc::vec![a.clone(), b.clone()])).is_ok());
        assert_eq!(fault(&raw(alloc::vec![b, a.clone()])), "NotCanonical");
        assert_eq!(fault(&raw(alloc::vec![a.clone(), a.clone()])), "NotCanonical");
        assert_eq!(fault(&raw(alloc::vec![])), "Malformed");
        assert_eq!(fault(&raw(alloc::vec![a; 1_025])), "TooMany");
    }

    #[test]
    fn another_suite_is_unsupported_whatever_else_it_has() {
        let mut e = Encoder::new(Vec::new());
        e.array(2).unwrap().u8(2).unwrap().bytes(b"fields of the future").unwrap();
        let fixed = e.into_writer();
        let mut e = Encoder::new(Vec::new());
        e.array(3).unwrap().bytes(&fixed).unwrap().str("slots of the future").unwrap().null().unwrap();
        assert_eq!(fault(&with_header(&e.into_writer())), "Unsupported");
    }

    #[test]
    fn other_segment_sizes_flags_and_kinds_of_slots_are_unsupported() {
        let good = header(1);
        let fixed = good.fixed.encode();
        let raw =
            |fixed: &[u8]| with_header(&cbor::encode(&RawHeader { fixed, slots: good.slots.clone(), metadata: None }));
        // [6 fields, suite, 58 20 …32 bytes…, segment bits, flags, …]
        for (at, was, byte) in [(36, 16, 17), (36, 16, 15), (37, 1, 4), (37, 1, 8)] {
            let mut other = fixed.clone();
            assert_eq!(other[at], was);
            other[at] = byte;
            assert_eq!(fault(&raw(&other)), "Unsupported", "{at} {byte}");
        }
        let mut kind = head(&good);
        let at = PREFIX_BYTES + 1 + 2 + fixed.len() + 2;
        assert_eq!(kind[at], 1);
        kind[at] = 2;
        assert_eq!(fault(&kind), "Unsupported");
    }

    #[test]
    fn a_header_with_bytes_after_it_or_a_longer_integer_is_not_canonical() {
        let good = header(1);
        let encoded = good.encode().unwrap();
        let mut longer = encoded[PREFIX_BYTES..].to_vec();
        longer.push(0xf6);
        assert_eq!(fault(&with_header(&longer)), "NotCanonical");
        let mut fixed = good.fixed.encode();
        fixed.splice(1..2, [0x18, 0x01]);
        let raw = cbor::encode(&RawHeader { fixed: &fixed, slots: good.slots.clone(), metadata: None });
        assert_eq!(fault(&with_header(&raw)), "NotCanonical");
    }
}
