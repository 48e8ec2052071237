//! The head of an envelope: opened once, then the way to the body, and to other readers.

use super::{EnvelopeError, Metadata, Opener, Sealer, UnprovenRanges, keys::EnvelopeKeys};
use crate::{
    access::{ReaderKey, WriterKey},
    secret::DataKey,
};
use alloc::vec::Vec;
use keyfold_format::{
    KeyFingerprint, ObjectId,
    envelope::{Flags, Head, Header, Prefix, Slot, context_hash},
};
use rand_core::CryptoRng;

/// A head that was parsed. Nothing of it is authentic, and nothing can be done with it but opening.
#[derive(Clone, Debug)]
pub struct Unopened<'b>(Head<'b>);

impl<'b> Unopened<'b> {
    /// How many bytes a head has, from its first 13, for whoever reads it from somewhere.
    pub fn head_bytes(start: &[u8]) -> Result<usize, EnvelopeError> {
        Ok(Prefix::parse(start)?.head_bytes())
    }

    /// Parses the head at the start of `bytes`; what follows it is the body.
    pub fn parse(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), EnvelopeError> {
        let (head, body) = Head::parse(bytes)?;
        Ok((Self(head), body))
    }

    /// The fingerprints of the keys that may open it.
    pub fn fingerprints(&self) -> impl Iterator<Item = KeyFingerprint> + '_ {
        self.0.header.slots().iter().map(Slot::fingerprint)
    }

    /// Opens it with the first slot whose fingerprint `key` knows. No other slot is tried: which of several keys
    /// fits must not show in what this reader does.
    pub fn open<'k>(
        self,
        context: &[u8],
        mut key: impl FnMut(&KeyFingerprint) -> Option<ReaderKey<'k>>,
    ) -> Result<OpenedHead, EnvelopeError> {
        self.check_context(context)?;
        let known = |slot| key(&Slot::fingerprint(slot)).map(|key| (slot, key));
        let (slot, key) = self.0.header.slots().iter().find_map(known).ok_or(EnvelopeError::NoSlot)?;
        let data = key.open_slot(&self.0.header.fixed().object, slot)?;
        let data = DataKey::from_slice(&data).ok_or(EnvelopeError::Unauthentic)?;
        let fingerprint = slot.fingerprint();
        self.verify(data, Some(fingerprint))
    }

    /// Opens it with a data key that was kept. Commitment and MAC are checked all the same.
    pub fn open_cached(self, context: &[u8], data: DataKey) -> Result<OpenedHead, EnvelopeError> {
        self.check_context(context)?;
        self.verify(data, None)
    }

    fn check_context(&self, context: &[u8]) -> Result<(), EnvelopeError> {
        if context_hash(context)? == self.0.header.fixed().context { Ok(()) } else { Err(EnvelopeError::Unauthentic) }
    }

    fn verify(self, data: DataKey, fingerprint: Option<KeyFingerprint>) -> Result<OpenedHead, EnvelopeError> {
        let Head { header, authenticated, mac } = self.0;
        let keys = EnvelopeKeys::new(&data, &header.fixed().object);
        keys.verify(header.fixed(), authenticated, mac)?;
        let metadata = match header.metadata() {
            Some(sealed) => Some(Metadata::parse(&keys.open_metadata(sealed)?)?),
            None => None,
        };
        Ok(OpenedHead { header, data, metadata, fingerprint })
    }
}

/// A head that is authentic.
#[derive(Debug)]
pub struct OpenedHead {
    header: Header,
    data: DataKey,
    metadata: Option<Metadata>,
    fingerprint: Option<KeyFingerprint>,
}

impl OpenedHead {
    /// The object's id.
    pub const fn object(&self) -> &ObjectId {
        &self.header.fixed().object
    }

    /// Trailer and padding.
    pub const fn flags(&self) -> Flags {
        self.header.fixed().flags
    }

    /// What the writer says about the plaintext.
    pub const fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// The key that opened it; `None` if that was a cached data key.
    pub const fn opened_by(&self) -> Option<KeyFingerprint> {
        self.fingerprint
    }

    /// The fingerprints of the keys that may open it, ascending.
    pub fn fingerprints(&self) -> impl Iterator<Item = KeyFingerprint> + '_ {
        self.header.slots().iter().map(Slot::fingerprint)
    }

    /// The data key, to be kept for this object only.
    pub fn into_data_key(self) -> DataKey {
        self.data
    }

    /// Opens the body from its front.
    pub fn opener(&self) -> Result<Opener, EnvelopeError> {
        Ok(Opener::new(self.keys().segments(self.header.fixed())?, self.header.fixed().clone()))
    }

    /// Seals the same body again from its front, for whoever was interrupted. A segment that was sealed before with other
    /// bytes must not leave: two plaintexts under one nonce are given away. So whoever calls this kept a hash of each
    /// segment before it left, and compares.
    pub fn sealer_again(&self) -> Result<Sealer, EnvelopeError> {
        Ok(Sealer::again(self.keys().segments(self.header.fixed())?, self.header.fixed().clone()))
    }

    /// Opens ranges of a body that, with its trailer, is `len` bytes long.
    pub fn ranges(&self, len: u64) -> Result<UnprovenRanges, EnvelopeError> {
        UnprovenRanges::new(self.keys().segments(self.header.fixed())?, self.flags(), len)
    }

    /// The head with one more slot. A slot for the same key is replaced. The body stays as it is.
    pub fn with_slot(&self, writer: &WriterKey<'_>, rng: &mut impl CryptoRng) -> Result<Vec<u8>, EnvelopeError> {
        let mut slots = self.slots_without(&writer.fingerprint());
        slots.push(writer.seal_slot(self.object(), self.data.expose(), rng)?);
        Ok(self.keys().head(&self.header.with_slots(slots)?)?)
    }

    /// The head without one slot. This is bookkeeping: whoever had the slot may have kept the data key, so to take
    /// access away, encrypt again. A key without a slot, or the last one, is `NoSlot`.
    pub fn without_slot(&self, fingerprint: &KeyFingerprint) -> Result<Vec<u8>, EnvelopeError> {
        let slots = self.slots_without(fingerprint);
        if slots.is_empty() || slots.len() == self.header.slots().len() {
            return Err(EnvelopeError::NoSlot);
        }
        Ok(self.keys().head(&self.header.with_slots(slots)?)?)
    }

    fn slots_without(&self, fingerprint: &KeyFingerprint) -> Vec<Slot> {
        self.header.slots().iter().filter(|slot| slot.fingerprint() != *fingerprint).cloned().collect()
    }

    const fn keys(&self) -> EnvelopeKeys<'_> {
        EnvelopeKeys::new(&self.data, &self.header.fixed().object)
    }
}
