//! Small envelopes, in one piece.

use super::{EnvelopeError, Opened, OpenedHead, Options, Sealer, Unopened};
use crate::{
    access::{ReaderKey, WriterKey},
    suite::SigningKey,
};
use alloc::vec::Vec;
use keyfold_format::{
    KeyFingerprint,
    envelope::{AuthorHead, SEALED_SEGMENT_BYTES, TAG_BYTES},
    limits::SEGMENT_BYTES,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// An envelope that was opened in one piece.
#[derive(Debug)]
pub struct OpenedEnvelope {
    /// The plaintext, wiped when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The head.
    pub head: OpenedHead,
    /// The trailer, if there is one.
    pub opened: Opened,
}

/// Seals `plaintext`. With `author` the envelope gets a trailer, whatever `options` say.
pub fn seal_to_vec(
    options: &Options<'_>,
    writers: &[WriterKey<'_>],
    plaintext: &[u8],
    author: Option<(&SigningKey, AuthorHead)>,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, EnvelopeError> {
    let options = Options { trailer: author.is_some(), ..*options };
    let (mut out, mut sealer) = Sealer::begin(&options, writers, rng)?;
    let before = plaintext.len().saturating_sub(1) / SEGMENT_BYTES * SEGMENT_BYTES;
    let (segments, rest) = plaintext.split_at_checked(before).ok_or(EnvelopeError::WrongBuffer)?;
    let start = out.len();
    out.reserve_exact(before / SEGMENT_BYTES * SEALED_SEGMENT_BYTES + rest.len() + 256);
    for text in segments.chunks(SEGMENT_BYTES) {
        out.extend_from_slice(text);
        out.extend_from_slice(&[0; TAG_BYTES]);
    }
    sealer.seal_segments(out.get_mut(start..).unwrap_or_default())?;
    let mut tail = sealer.finish(rest)?;
    while let Some(sealed) = tail.next_segment()? {
        out.extend_from_slice(sealed);
    }
    if let (Some(trailer), Some((key, author))) = (tail.end()?.trailer, author) {
        out.extend_from_slice(&trailer.sign(key, author));
    }
    Ok(out)
}

/// The reverse of [`seal_to_vec`].
pub fn open_slice<'k>(
    bytes: &[u8],
    context: &[u8],
    key: impl FnMut(&KeyFingerprint) -> Option<ReaderKey<'k>>,
) -> Result<OpenedEnvelope, EnvelopeError> {
    let (head, body) = Unopened::parse(bytes)?;
    let head = head.open(context, key)?;
    let mut opener = head.opener()?;
    let mut body = Zeroizing::new(body.to_vec());
    let ready = opener.ready(body.len());
    let (segments, left) = body.split_at_mut_checked(ready).ok_or(EnvelopeError::WrongBuffer)?;
    opener.open_segments(segments)?;
    let last = opener.finish(left)?;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(segments.len() + last.plaintext.len()));
    for piece in segments.chunks(SEALED_SEGMENT_BYTES) {
        plaintext.extend_from_slice(piece.get(..SEGMENT_BYTES).unwrap_or_default());
    }
    plaintext.extend_from_slice(last.plaintext);
    // Padding that fills segments of its own lies before the last.
    plaintext.truncate(usize::try_from(last.opened.len).unwrap_or(usize::MAX));
    Ok(OpenedEnvelope { plaintext, opened: last.opened, head })
}
