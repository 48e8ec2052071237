//! The plans of an envelope, followed with an AES-GCM of the tests' own: what a browser does with WebCrypto.

use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead};
use core::ops::Range;
use keyfold_core::{
    PayloadKey, SigningKey, WriterKey,
    envelope::{Ending, EnvelopeError, OpenedHead, Options, Sealer, SegmentNonce},
};
use keyfold_format::envelope::AuthorHead;
use rand_core::CryptoRng;

const SEALED: usize = 65_552;
const TEXT: usize = 65_536;

struct Cipher(Aes256Gcm);

impl Cipher {
    fn new(key: &PayloadKey) -> Self {
        Self(Aes256Gcm::new(key.expose().into()))
    }

    fn seal(&self, nonce: SegmentNonce, text: &[u8]) -> Vec<u8> {
        self.0.encrypt(&nonce.bytes().into(), text).unwrap()
    }

    fn open(&self, nonce: SegmentNonce, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(&nonce.bytes().into(), sealed).ok()
    }

    fn open_last(&self, ending: &Ending, left: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let opened = self.open(ending.nonce(), &left[..ending.sealed_bytes()]);
        let cut = || ending.cut_nonce().is_some_and(|nonce| self.open(nonce, &left[..SEALED]).is_some());
        opened.ok_or_else(|| Ending::verdict(cut()))
    }
}

/// As `keyfold_core::envelope::seal_to_vec`, in strides of `step` segments.
pub fn seal(
    options: &Options<'_>,
    writers: &[WriterKey<'_>],
    plaintext: &[u8],
    author: Option<(&SigningKey, AuthorHead)>,
    step: usize,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, EnvelopeError> {
    let options = Options { trailer: author.is_some(), ..*options };
    let (mut out, sealer) = Sealer::begin(&options, writers, rng)?;
    let (key, mut plan) = sealer.hand_over();
    let cipher = Cipher::new(&key);
    let (segments, rest) = plaintext.split_at(plaintext.len().saturating_sub(1) / TEXT * TEXT);
    for stride in segments.chunks(step * TEXT) {
        for (text, nonce) in stride.chunks(TEXT).zip(plan.segments(stride.len() / TEXT)?) {
            let sealed = cipher.seal(nonce, text);
            plan.hash(&sealed);
            out.extend(sealed);
        }
    }
    let mut plan = plan.finish(rest.len())?;
    while let Some(segment) = plan.next_segment()? {
        let mut text = segment.true_length.map_or(Vec::new(), Vec::from);
        text.extend(&rest[..segment.rest]);
        text.resize(text.len() + segment.zeros, 0);
        let sealed = cipher.seal(segment.nonce, &text);
        plan.hash(&sealed);
        out.extend(sealed);
    }
    if let (Some(trailer), Some((key, author))) = (plan.end()?.trailer, author) {
        out.extend(trailer.sign(key, author));
    }
    Ok(out)
}

/// Reads as a driver does, in pieces of `step` bytes. What was given on before a fault is returned with it.
pub fn stream(head: &OpenedHead, body: &[u8], step: usize) -> (Vec<u8>, Result<u64, EnvelopeError>) {
    let mut released = Vec::new();
    let outcome = stream_into(head, body, step, &mut released);
    (released, outcome)
}

fn stream_into(head: &OpenedHead, body: &[u8], step: usize, out: &mut Vec<u8>) -> Result<u64, EnvelopeError> {
    let (key, mut plan) = head.opener()?.hand_over();
    let cipher = Cipher::new(&key);
    let mut buffer = Vec::new();
    for piece in body.chunks(step) {
        buffer.extend_from_slice(piece);
        let ready: Vec<u8> = buffer.drain(..plan.ready(buffer.len())).collect();
        plan.hash(&ready);
        let mut texts = Vec::new();
        for (sealed, nonce) in ready.chunks(SEALED).zip(plan.segments(ready.len() / SEALED)?) {
            texts.extend(cipher.open(nonce, sealed).ok_or(EnvelopeError::Unauthentic)?);
        }
        // Once for all of them, as one who works in strides does.
        plan.passed(texts.len() as u64, texts.iter().rev().take_while(|byte| **byte == 0).count() as u64);
        out.extend(texts);
    }
    let mut plan = plan.last(buffer.len())?;
    plan.hash(&buffer[..plan.ending().sealed_bytes()]);
    let opened = cipher.open_last(plan.ending(), &buffer)?;
    let trailer = &buffer[plan.ending().sealed_bytes()..];
    let (text, end) = plan.finish(&opened, trailer)?;
    out.extend(&opened[text]);
    Ok(end.len)
}

/// Reads a range of a body.
pub fn range(head: &OpenedHead, body: &[u8], range: &Range<u64>) -> Result<Vec<u8>, EnvelopeError> {
    let (key, plan) = head.ranges(body.len() as u64)?.hand_over();
    let cipher = Cipher::new(&key);
    let at = |place: Range<u64>| &body[place.start as usize..place.end as usize];
    let opened = cipher.open_last(plan.ending(), at(plan.last()))?;
    let plan = plan.prove(&opened)?;
    let mut out = Vec::new();
    for index in plan.touching(range) {
        let sealed = at(plan.sealed_range(index).unwrap());
        let text = cipher.open(plan.nonce(index), sealed).ok_or(EnvelopeError::Unauthentic)?;
        out.extend(&text[plan.part(index, range)?]);
    }
    Ok(out)
}
