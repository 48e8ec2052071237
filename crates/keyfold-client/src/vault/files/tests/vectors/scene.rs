//! What vectors are made of: randomness that is written down, the keychain, and an index of what stands in it.

use crate::vault::{
    VaultKeys,
    files::{FileContent, ObjectId, files_id},
    keys::KnownWriter,
};
use keyfold_core::{KeychainKey, MasterKey, ReaderKey, WrappingSecret, WriterKey, account::AccountSecrets};
use keyfold_format::{EntryHash, IndexId, KeyFingerprint, ScopeId, entry::Head, envelope::SlotPlace};
use keyfold_index::{Batch, Index, Moment, Snapshot, store::MemoryStore};
use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value as Json, json};
use std::{convert::Infallible, sync::Arc};

pub(super) const KEYCHAIN: ScopeId = ScopeId([0x6b; 32]);
/// When everything happens.
pub(super) const NOW: u64 = 1_800_000_000_000;

pub(super) fn files() -> IndexId {
    files_id(&KEYCHAIN)
}

/// Randomness that is the same in each run, and written down; or that was.
pub(super) struct Dice {
    state: u64,
    written: Option<Vec<u8>>,
    pub(super) drawn: Vec<u8>,
}

impl Dice {
    pub(super) const fn new(state: u64) -> Self {
        Self { state, written: None, drawn: Vec::new() }
    }

    pub(super) const fn again(written: Vec<u8>) -> Self {
        Self { state: 0, written: Some(written), drawn: Vec::new() }
    }
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    // SplitMix64 (Steele, Lea, Flood 2014).
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        if let Some(written) = &self.written {
            out.copy_from_slice(&written[self.drawn.len()..][..out.len()]);
            self.drawn.extend_from_slice(out);
            return Ok(());
        }
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        self.drawn.extend_from_slice(out);
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(super) fn ids(parts: &[ObjectId]) -> Json {
    parts.iter().map(|ObjectId(id)| hex(id)).collect()
}

pub(super) fn content_json(content: &FileContent) -> Json {
    let FileContent { stored, media_type, modified, size, head, body, parts } = content;
    json!({
        "stored": stored, "media_type": media_type, "modified": modified, "size": size, "head": hex(head),
        "body": body, "parts": ids(parts),
    })
}

/// `{"hex": …}`, or `{"repeat": …, "len": …}`: a short pattern, repeated and cut.
pub(super) fn text_of(described: &Json) -> Vec<u8> {
    if described["repeat"].is_null() {
        return unhex(&described["hex"]);
    }
    let len = usize::try_from(described["len"].as_u64().unwrap()).unwrap();
    unhex(&described["repeat"]).into_iter().cycle().take(len).collect()
}

/// A key of the keychain.
pub(super) struct Key {
    key: KeychainKey,
    pair: Option<WrappingSecret>,
    fingerprint: KeyFingerprint,
    place: SlotPlace,
}

impl Key {
    pub(super) fn new(number: u32, is_pair: bool) -> Self {
        let key = KeychainKey::from_slice(&[number as u8; 32]).unwrap();
        let pair = is_pair.then(|| key.wrapping_secret().unwrap());
        let fingerprint = KeyFingerprint([number as u8 ^ 0xf0; 32]);
        Self { key, pair, fingerprint, place: SlotPlace { scope: KEYCHAIN, number } }
    }

    pub(super) fn parse(json: &Json) -> Self {
        Self::new(json["number"].as_u64().unwrap() as u32, json["kind"] == "pair")
    }

    pub(super) fn json(&self) -> Json {
        let kind = if self.pair.is_some() { "pair" } else { "symmetric" };
        json!({
            "kind": kind, "key": hex(self.key.expose()), "fingerprint": hex(&self.fingerprint.0),
            "scope": hex(&self.place.scope.0), "number": self.place.number,
        })
    }

    pub(super) fn writer(&self) -> WriterKey<'_> {
        let Self { key, pair, fingerprint, place } = self;
        match pair {
            None => WriterKey::Symmetric { key, fingerprint: *fingerprint, place: *place },
            Some(pair) => WriterKey::Public { key: pair.public(), fingerprint: *fingerprint, place: *place },
        }
    }

    pub(super) fn reader(&self, asked: &KeyFingerprint) -> Option<ReaderKey<'_>> {
        let Self { key, pair, fingerprint, place } = self;
        let reader = match pair {
            None => ReaderKey::Symmetric { key, place: *place },
            Some(_) => ReaderKey::Private { key, place: *place },
        };
        (asked == fingerprint).then_some(reader)
    }
}

/// A key of an index, in which tree, and its value.
pub(in super::super) type Standing = (u16, Vec<u8>, Vec<u8>);

/// An index of files in which this stands, as somebody who may write there wrote it.
pub(in super::super) async fn snapshot(standing: &[Standing]) -> Snapshot<MemoryStore, VaultKeys> {
    let head = Head { seq: 3, hash: EntryHash([3; 32]) };
    let own = Arc::new(AccountSecrets::derive(&MasterKey::from_slice(&[5; 32]).unwrap(), &[6; 32], 0).unwrap());
    let (me, key) = (ScopeId([1; 32]), own.public().ledger);
    let keys = VaultKeys::new(me, own, head, 1);
    keys.add_key(1, KeychainKey::from_slice(&[1; 32]).unwrap());
    keys.add_writer(me, KnownWriter { key, head: None, until: None });
    let index = Index::new(MemoryStore::default(), keys, "files", files(), None);
    let mut batch = Batch::new();
    for (tree, key, value) in standing {
        batch.put(*tree, key, value);
    }
    index.commit(batch, Moment { now_ms: NOW, rng: &mut Dice::new(1) }).await.unwrap();
    index.latest().await.unwrap()
}
