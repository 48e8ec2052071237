//! What an envelope may say about its plaintext, sealed in its header.

use alloc::{string::String, vec::Vec};
use core::fmt;
use keyfold_format::{Malformed, cbor, limits};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// `[name / null, media type / null, modified ms / null]`. Whoever opens it must not trust the name as a path.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Name of the file.
    pub name: Option<String>,
    /// Media type (RFC 6838).
    pub media_type: Option<String>,
    /// When the file was last modified, in milliseconds since 1970.
    pub modified: Option<u64>,
}

impl Metadata {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let bytes = cbor::encode(self);
        if bytes.len() > limits::METADATA_BYTES { Err(Malformed::TooLarge) } else { Ok(bytes) }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > limits::METADATA_BYTES { Err(Malformed::TooLarge) } else { cbor::decode_canonical(bytes) }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metadata(…)")
    }
}

impl<C> Encode<C> for Metadata {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.encode_with(&self.name, ctx)?.encode_with(&self.media_type, ctx)?;
        e.encode_with(self.modified, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Metadata {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        cbor::array(d, 3)?;
        Ok(Self {
            name: cbor::nullable(d, |d| d.str().map(Into::into))?,
            media_type: cbor::nullable(d, |d| d.str().map(Into::into))?,
            modified: cbor::nullable(d, Decoder::u64)?,
        })
    }
}
