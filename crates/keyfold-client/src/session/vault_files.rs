//! Files of a keychain's vault: found and changed with what the session knows, and what is kept so that one can go on
//! with a file that was on its way. Bytes move without the session.
//!
//! Spec: `docs/spec/vault.md`.

use super::{SealedHead, Session, read};
use crate::{
    Error, Result,
    host::Host,
    machine::record,
    vault::{
        OpenIndex,
        files::{
            FileContent, Files, FilesError, KEPT_VERSIONS, Located, MEDIA_TYPE_BYTES, Source, StillReadable,
            StoredNote, StoredUpload, Upload, VaultItem, VaultPath, context, files_id,
        },
    },
};
use keyfold_core::envelope::{OpenedHead, Options, Unopened};
use keyfold_format::{
    KeyFingerprint, ObjectId, cbor,
    id::{base64url, hash},
    label::HashLabel,
};
use keyfold_protocol::Code;
use std::sync::Arc;

/// How long what is kept of a file on its way is believed: milliseconds. A sweep of the storage waits longer.
const KEPT_MS: u64 = 3 * 24 * 60 * 60 * 1_000;

/// What is said of a content that is put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its media type, at most 256 bytes; empty if none is said.
    pub media_type: String,
    /// When it was last modified, in milliseconds since 1970.
    pub modified: Option<u64>,
    /// How many former contents of the file stay, at most 16; `None`: as many.
    pub keep: Option<usize>,
}

impl About {
    /// Whether it can be said. `TooLarge`.
    pub(crate) fn check(&self) -> Result<()> {
        if self.media_type.len() > MEDIA_TYPE_BYTES {
            return Err(Error::new(Code::TooLarge, format!("a media type has at most {MEDIA_TYPE_BYTES} bytes")));
        }
        // Nobody could read the entry that says it.
        if self.modified.is_some_and(|modified| modified > cbor::LARGEST) {
            return Err(Error::new(Code::TooLarge, "a time of change is given in milliseconds since 1970"));
        }
        Ok(())
    }
}

impl<H: Host> Session<H> {
    /// The index of a keychain's files, for whoever moves their bytes.
    pub async fn open_files(&mut self, kc: &str, to_write: bool) -> Result<Arc<OpenIndex<H>>> {
        let id = if to_write { self.ready_to_write(kc).await?.0 } else { self.resolve(kc).await? };
        self.open_index_of(id, files_id(&id)).await
    }

    /// Does something with the files of a keychain, whatever has to be found out meanwhile.
    pub async fn with_files<T>(
        &mut self,
        kc: &str,
        to_write: bool,
        mut work: impl AsyncFnMut(&Files<'_, H>) -> Result<T, FilesError>,
    ) -> Result<T> {
        for attempt in 0.. {
            let open = self.open_files(kc, to_write).await?;
            // On the heap: what reads, decides and commits is large where it is not optimised.
            match Box::pin(work(&Files::of(&open))).await {
                Ok(done) => {
                    self.keep_seen(&open).await?;
                    return Ok(done);
                }
                Err(FilesError::Told(error)) => {
                    self.keep_seen(&open).await?;
                    return Err(error);
                }
                Err(FilesError::Index(error)) => self.settle_index(&open, error, attempt).await?,
            }
        }
        Err(Error::internal("an operation on files went on without end"))
    }

    /// Begins to put a content at a path. With a source, what was interrupted is gone on with, unless `anew`.
    pub async fn begin_upload(
        &mut self,
        kc: &str,
        path: &VaultPath,
        source: Option<Source>,
        anew: bool,
    ) -> Result<(Upload, SealedHead)> {
        let (id, stale) = self.ready_to_write(kc).await?;
        let files = files_id(&id);
        let mut worker = [0; 16];
        self.host.random(&mut worker);
        self.forget_old_uploads().await?;
        let record = source.map(|_| {
            let place = hash(HashLabel::Upload, &[&files.0, path.to_string().as_bytes()]);
            format!("{}{}", record::UPLOADS, base64url(&place))
        });
        if let (Some(record), Some(source), false) = (&record, source, anew)
            && let Some(stored) = self.host.load(record).await?
        {
            let stored: StoredUpload = read(&stored)?;
            let current = self.belief.scope(&id)?.ledger().current_key();
            let opened = self.open_head(&stored.head, &context(&files)).await;
            if let Ok(opened) = opened
                && stored.source == source
                && opened.opened_by().and_then(|key| self.name_key(&key)).is_some_and(|key| key.number == current)
                // What stood in the index and does not any more may be deleted.
                && (!stored.ending || self.has_content(kc, path, &opened).await?)
            {
                let (noted, sure) = self.notes(record).await?;
                // Whoever worked on it before is told when he comes to note something.
                let taken = StoredUpload { worker, ..stored };
                self.host.commit(vec![(record.clone(), Some(cbor::encode(&taken).into()))]).await?;
                let upload = Upload::new(Some(record.clone()), worker, taken.head.clone(), noted, sure);
                let sealer = opened.sealer_again()?;
                return Ok((upload, SealedHead { head: taken.head, sealer, keychains: vec![id], stale }));
            }
        }
        let options = Options { context: &context(&files), padded: true, ..Options::default() };
        let sealed = self.seal_head(&[&id.to_string()], &options).await?;
        if let (Some(record), Some(source)) = (&record, source) {
            let mut puts = self.forgotten(record).await?;
            puts.retain(|(name, _)| name != record);
            let (head, started) = (sealed.head.clone(), self.now_ms());
            let stored = StoredUpload { source, head, started, worker, ending: false };
            puts.push((record.clone(), Some(cbor::encode(&stored).into())));
            self.host.commit(puts).await?;
        }
        Ok((Upload::new(record, worker, sealed.head.clone(), Vec::new(), 0), sealed))
    }

    /// Keeps which parts were sealed, before they leave. `Conflict` if somebody else has gone on with the same file.
    pub async fn note_parts(&mut self, upload: &mut Upload) -> Result<()> {
        let Some(record) = &upload.record else { return Ok(()) };
        let (stored, parts) = upload.to_note();
        if parts.is_empty() {
            return Ok(());
        }
        let kept = self.host.load(record).await?;
        let kept = kept.map(|kept| read::<StoredUpload>(&kept)).transpose()?;
        if kept.is_none_or(|kept| kept.worker != upload.worker) {
            return Err(Error::new(Code::Conflict, "the same file is being put there by somebody else on this device"));
        }
        let note = StoredNote {
            stored: u32::try_from(stored).unwrap_or(u32::MAX),
            parts: parts.iter().map(|ObjectId(id)| (*id).into()).collect(),
        };
        let name = format!("{record}/{:08x}", upload.noted.len());
        self.host.commit(vec![(name, Some(cbor::encode(&note).into()))]).await?;
        upload.are_noted();
        Ok(())
    }

    /// Commits a content whose parts are all stored: the path has it from then on.
    pub async fn end_upload(
        &mut self,
        kc: &str,
        path: &VaultPath,
        upload: &mut Upload,
        size: u64,
        about: &About,
    ) -> Result<VaultItem> {
        about.check()?;
        let (id, _) = self.ready_to_write(kc).await?;
        // There may be a newer key than when it began.
        upload.head = match self.head_for_current(kc, &upload.head, &context(&files_id(&id))).await? {
            Some(head) => head,
            None => std::mem::take(&mut upload.head),
        };
        let content = upload.content(FileContent {
            stored: self.now_ms(),
            media_type: about.media_type.clone(),
            modified: about.modified,
            size,
            head: Vec::new(),
            body: 0,
            parts: Vec::new(),
        });
        content.check()?;
        let keep = about.keep.unwrap_or(KEPT_VERSIONS).min(KEPT_VERSIONS);
        if let Some(record) = &upload.record
            && let Some(stored) = self.host.load(record).await?
        {
            let ending = StoredUpload { ending: true, ..read(&stored)? };
            self.host.commit(vec![(record.clone(), Some(cbor::encode(&ending).into()))]).await?;
        }
        let item = self.with_files(kc, true, async |files| files.put(path, &content, keep).await).await?;
        self.abandon_upload(upload).await?;
        Ok(item)
    }

    /// Nobody goes on with it.
    pub async fn abandon_upload(&mut self, upload: &Upload) -> Result<()> {
        let Some(record) = &upload.record else { return Ok(()) };
        let gone = self.forgotten(record).await?;
        Ok(self.host.commit(gone).await?)
    }

    /// Opens the head of a content. `Unauthentic` if it is not of the kind that contents have.
    pub async fn open_content(&mut self, kc: &str, located: &Located) -> Result<OpenedHead> {
        let id = self.resolve(kc).await?;
        let opened = self.open_head(&located.content.head, &context(&files_id(&id))).await?;
        located.content.check_head(&opened)?;
        Ok(opened)
    }

    /// What of a vault's files can be read with other keys than the keychain's current one.
    pub async fn still_readable(&mut self, kc: &str) -> Result<StillReadable> {
        let open = self.open_files(kc, false).await?;
        let current = self.current_fingerprint(&open)?;
        let work = async |files: &Files<'_, H>| files.still_readable(|head| is_for(head, &current)).await;
        self.with_files(kc, false, work).await
    }

    /// Brings everything in a vault's files under the keychain's current key: every head, and every node of the index.
    /// What there was to do.
    pub async fn sweep_files(&mut self, kc: &str) -> Result<StillReadable> {
        let open = self.open_files(kc, true).await?;
        let bound = context(&open.id);
        let found = self.still_readable(kc).await?;
        let mut entries = self.with_files(kc, true, async |files| files.all().await).await?;
        for entry in &mut entries {
            let Some(old) = entry.old_head() else { continue };
            entry.head = self.head_for_current(kc, old, &bound).await?;
        }
        self.with_files(kc, true, async |files| files.write_anew(&entries).await).await?;
        Ok(found)
    }

    /// A head that has a slot for the current key and no other; `None` if it is so already.
    async fn head_for_current(&mut self, kc: &str, head: &[u8], bound: &[u8]) -> Result<Option<Vec<u8>>> {
        let id = self.resolve(kc).await?;
        let current = self.belief.scope(&id)?.ledger().current_key();
        let is_current = |named: Option<super::NamedKey>| named.is_some_and(|named| named.number == current);
        let fingerprints: Vec<_> = Unopened::parse(head)?.0.fingerprints().collect();
        if let [only] = fingerprints[..]
            && is_current(self.name_key(&only))
        {
            return Ok(None);
        }
        let opened = self.open_head(head, bound).await?;
        let mut next = opened.with_slot(&self.writer(&id)?, &mut self.rng())?;
        for fingerprint in fingerprints {
            if !is_current(self.name_key(&fingerprint)) {
                let data = self.open_head(&next, bound).await?;
                next = data.without_slot(&fingerprint)?;
            }
        }
        Ok(Some(next))
    }

    fn current_fingerprint(&self, open: &OpenIndex<H>) -> Result<KeyFingerprint> {
        let ledger = self.belief.scope(&open.scope)?.ledger();
        let key = ledger.key(ledger.current_key());
        key.map(|key| key.fingerprint).ok_or_else(|| Error::internal("a keychain without a current key"))
    }

    /// Whether a path has the content of this head.
    async fn has_content(&mut self, kc: &str, path: &VaultPath, head: &OpenedHead) -> Result<bool> {
        let located = match self.with_files(kc, false, async |files| files.content(path, None).await).await {
            Ok(located) => located,
            Err(error) if matches!(error.code, Code::UnknownFile | Code::NotAFile | Code::NotAFolder) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let opened = self.open_content(kc, &located).await;
        Ok(opened.is_ok_and(|opened| opened.object() == head.object()))
    }

    /// The parts that may have left, in order, and how many of them are certainly stored.
    async fn notes(&self, record: &str) -> Result<(Vec<ObjectId>, usize)> {
        let (mut noted, mut sure) = (Vec::new(), 0);
        for (_, bytes) in self.host.scan(&format!("{record}/")).await? {
            let StoredNote { stored, parts } = read(&bytes)?;
            sure = usize::try_from(stored).unwrap_or(usize::MAX);
            noted.extend(parts.into_iter().map(|part| ObjectId(part.into())));
        }
        let sure = sure.min(noted.len());
        Ok((noted, sure))
    }

    /// What is to be removed so that nothing is kept of it.
    async fn forgotten(&self, record: &str) -> Result<Vec<crate::Put>> {
        let kept = self.host.scan(record).await?;
        Ok(kept.into_iter().map(|(name, _)| (name, None)).collect())
    }

    async fn forget_old_uploads(&self) -> Result<()> {
        let before = self.now_ms().saturating_sub(KEPT_MS);
        let all = self.host.scan(record::UPLOADS).await?;
        let is_note = |name: &str| name.matches('/').count() > 1;
        let mut puts = Vec::new();
        for (name, bytes) in all.iter().filter(|(name, _)| !is_note(name)) {
            if read::<StoredUpload>(bytes)?.started < before {
                puts.extend(all.iter().filter(|(of, _)| of.starts_with(name)).map(|(of, _)| (of.clone(), None)));
            }
        }
        if puts.is_empty() { Ok(()) } else { Ok(self.host.commit(puts).await?) }
    }
}

/// Whether a head has a slot for a key and none for another.
fn is_for(head: &[u8], key: &KeyFingerprint) -> bool {
    Unopened::parse(head).is_ok_and(|(head, _)| head.fingerprints().all(|of| of == *key))
}
