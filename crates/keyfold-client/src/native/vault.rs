//! Files of a keychain's vault: streamed to and from the server in parts, without holding the home while bytes move.

use super::{
    client::Client,
    files::{Input, StopWhenDropped, blocking},
    host::NativeHost,
    pipeline::{self, Cancel, Progress, Watchman, unread, written},
};
use crate::{
    Error, Result,
    session::{About, SealedHead},
    vault::{
        OpenIndex,
        files::{
            Cut, FileContent, FileVersion, Files, FilesError, Located, PART_BYTES, PART_TEXT_BYTES, Sealed, Source,
            StillReadable, Upload, VaultItem, VaultPath, VaultSwept,
        },
    },
};
use keyfold_core::envelope::Sealer;
use keyfold_index::{IndexError, store::Store};
use keyfold_protocol::Code;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Parts that are put or asked for at once: 4 MiB.
const AT_ONCE: usize = 4;
/// Times that a broken line is tried again, after 250 ms and then twice as long each time.
const TRIES: u32 = 6;

/// The files of a keychain, which the server keeps and cannot read. Everybody who is in the keychain has them.
#[derive(Clone)]
pub struct Vault {
    client: Client,
    kc: String,
}

/// How to put a file.
#[derive(Clone, Default)]
pub struct PutOptions {
    /// What is said of it.
    pub about: About,
    /// Told how many bytes of plaintext are stored.
    pub progress: Option<Progress>,
    /// Asks to stop. Dropping the future stops too. What is stored by then need not be stored again.
    pub cancel: Cancel,
}

/// How to get a file.
#[derive(Clone, Default)]
pub struct GetOptions {
    /// Which of its contents; `None`: the one that it has.
    pub version: Option<u64>,
    /// Only these bytes; what lies past the end is cut off.
    pub range: Option<Range<u64>>,
    /// Told how many bytes of plaintext have passed.
    pub progress: Option<Progress>,
    /// Asks to stop. Dropping the future stops too.
    pub cancel: Cancel,
}

impl Client {
    /// The files of a keychain, by purpose or fingerprint. Nothing is asked yet.
    pub fn vault(&self, kc: &str) -> Vault {
        Vault { client: self.clone(), kc: kc.to_owned() }
    }
}

impl Vault {
    /// What is in a folder, by name; the root is `""`. `UnknownFile`, `NotAFolder`.
    pub async fn list(&self, folder: &str) -> Result<Vec<VaultItem>> {
        let path = VaultPath::parse(folder)?;
        self.with(false, async |files| files.list(&path).await).await
    }

    /// What is at a path. `UnknownFile`.
    pub async fn stat(&self, path: &str) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        self.with(false, async |files| files.stat(&path).await).await
    }

    /// The contents that a file has and has had, the newest first; the last 16 former ones stay.
    pub async fn versions(&self, path: &str) -> Result<Vec<FileVersion>> {
        let path = VaultPath::parse(path)?;
        self.with(false, async |files| files.versions(&path).await).await
    }

    /// A former content of a file is its content again.
    pub async fn restore(&self, path: &str, version: u64) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        self.with(true, async |files| files.restore(&path, version).await).await
    }

    /// Makes a folder, and those on the way to it.
    pub async fn make_folder(&self, path: &str) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        self.with(true, async |files| files.make_folder(&path).await).await
    }

    /// Renames or moves a file, or a folder with all that is in it. `FileExists`.
    pub async fn rename(&self, from: &str, to: &str) -> Result<VaultItem> {
        let (from, to) = (VaultPath::parse(from)?, VaultPath::parse(to)?);
        self.with(true, async |files| files.rename(&from, &to).await).await
    }

    /// Removes a file with its former contents, or a folder: an empty one, or all that is in it if `recursive`.
    /// `FolderNotEmpty`.
    pub async fn remove(&self, path: &str, recursive: bool) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        self.with(true, async |files| files.remove(&path, recursive).await).await
    }

    /// What can be read with other keys than the keychain's current one.
    pub async fn still_readable(&self) -> Result<StillReadable> {
        self.client.turn().await?.still_readable(&self.kc).await
    }

    /// Brings everything under the keychain's current key, and deletes what the server keeps for the keychain for a week
    /// or longer and nothing refers to: of files whose put was given up, of indexes whose writer died. What there was to
    /// do.
    pub async fn sweep(&self) -> Result<VaultSwept> {
        Box::pin(self.client.turn().await?.sweep_vault(&self.kc)).await
    }

    /// Puts a file at a path; folders on the way are made, and the content that it had becomes a former one. A file that
    /// was interrupted, put again from the same source, goes on where it stopped.
    pub async fn put(&self, path: &str, input: impl Into<Input>, options: PutOptions) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        if path.is_root() {
            return Err(Error::new(Code::NotAFile, "the root of a vault is a folder"));
        }
        options.about.check()?;
        let mut input = input.into();
        let mut anew = false;
        loop {
            let again = rewindable(&mut input);
            let source = again.as_ref().map(|(source, ..)| *source);
            let mut turn = self.client.turn().await?;
            let (mut upload, sealed) = Box::pin(turn.begin_upload(&self.kc, &path, source, anew)).await?;
            let open = turn.open_files(&self.kc, true).await?;
            drop(turn);
            match (self.send(&open, &mut upload, sealed, input, &options).await?, again) {
                (Some(size), _) => {
                    return self.end(&path, &mut upload, size, &options.about).await;
                }
                // Another source than the last time.
                (None, Some((_, mut file, start))) => {
                    file.seek(SeekFrom::Start(start)).map_err(|e| unread(&e))?;
                    (input, anew) = (Input::File(file), true);
                }
                (None, None) => return Err(Error::internal("a stream was gone on with")),
            }
        }
    }

    /// Commits what is stored. A line that breaks now has broken at a bad moment: it is waited for.
    async fn end(&self, path: &VaultPath, upload: &mut Upload, size: u64, about: &About) -> Result<VaultItem> {
        for attempt in 0.. {
            let mut turn = self.client.turn().await?;
            match Box::pin(turn.end_upload(&self.kc, path, upload, size, about)).await {
                Err(error) if error.is_offline() && attempt < TRIES && upload.len() > AT_ONCE => {
                    drop(turn);
                    tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
                }
                ended => return ended,
            }
        }
        Err(Error::internal("a commit was tried without end"))
    }

    /// Seals and stores all parts. How many bytes there were; `None` if they are others than the last time.
    async fn send(
        &self,
        open: &Arc<OpenIndex<NativeHost>>,
        upload: &mut Upload,
        sealed: SealedHead,
        input: Input,
        options: &PutOptions,
    ) -> Result<Option<u64>> {
        let (parts, mut sealed_parts) = mpsc::channel(AT_ONCE);
        let stop = StopWhenDropped(Cancel::default());
        let watchman = Watchman { cancel: options.cancel.clone(), dropped: stop.0.clone(), progress: None };
        let sealing = tokio::spawn(blocking(move || seal_parts(input, sealed.sealer, parts, &watchman)));
        let mut is_end = false;
        while !is_end {
            let mut batch = Vec::with_capacity(AT_ONCE);
            while batch.len() < AT_ONCE {
                match sealed_parts.recv().await {
                    Some(part) => batch.push(part),
                    None => {
                        is_end = true;
                        break;
                    }
                }
            }
            let mut new = Vec::with_capacity(batch.len());
            for part in batch {
                match upload.take(&part)? {
                    Some(Sealed::New(id)) => new.push((id, part)),
                    Some(Sealed::Stored(_)) => {}
                    None => {
                        // It reads from the same place as whoever begins anew.
                        drop(sealed_parts);
                        _ = sealing.await;
                        return Ok(None);
                    }
                }
            }
            // What is stored at once is never gone on with.
            if !(is_end && upload.len() <= AT_ONCE) {
                self.client.turn().await?.note_parts(upload).await?;
            }
            options.cancel.check()?;
            if !new.is_empty() {
                let has_begun = upload.len() > AT_ONCE;
                self.patiently(open, has_begun, async || open.store.put(new.clone()).await).await?;
            }
            upload.all_stored();
            if let Some(progress) = &options.progress
                && !is_end
            {
                progress((upload.len() * PART_TEXT_BYTES) as u64);
            }
        }
        let size = sealing.await.map_err(|e| Error::internal(e.to_string()))??;
        if let Some(progress) = &options.progress {
            progress(size);
        }
        Ok(Some(size))
    }

    /// Gets a file, or a range of it. Nothing of a segment is written before it authenticated; after an error what was
    /// written is not the whole. `UnknownFile`, `NotAFile`, `ObjectMissing`, `Unauthentic`.
    pub async fn get(&self, path: &str, output: impl Write + Send + 'static, options: GetOptions) -> Result<VaultItem> {
        let path = VaultPath::parse(path)?;
        let located = self.with(false, async |files| files.content(&path, options.version).await).await?;
        let mut turn = self.client.turn().await?;
        let head = turn.open_content(&self.kc, &located).await?;
        let open = turn.open_files(&self.kc, false).await?;
        drop(turn);
        let stop = StopWhenDropped(Cancel::default());
        let watchman =
            Watchman { cancel: options.cancel.clone(), dropped: stop.0.clone(), progress: options.progress.clone() };
        let Located { item, content } = located;
        match options.range {
            Some(range) => self.get_range(&open, &head, &content, range, output, watchman).await?,
            None => {
                let mut output = output;
                let (parts, fetched) = mpsc::channel(AT_ONCE);
                let opening = tokio::spawn(blocking(move || {
                    let mut body = FetchedParts { parts: fetched, part: io::Cursor::default() };
                    let is_padded = head.flags().padded;
                    pipeline::open(&mut body, &mut output, head.opener()?, is_padded, &watchman)
                }));
                let fetching = self.fetch_all(&open, &content.cut(), parts).await;
                let opened = opening.await.map_err(|e| Error::internal(e.to_string()))?;
                // Where a part could not be had, that is why the body ended early.
                fetching?;
                content.check_size(opened?.len)?;
            }
        }
        Ok(item)
    }

    async fn fetch_all(
        &self,
        open: &Arc<OpenIndex<NativeHost>>,
        cut: &Cut,
        parts: mpsc::Sender<Vec<u8>>,
    ) -> Result<()> {
        for first in (0..cut.count()).step_by(AT_ONCE) {
            for part in self.fetch(open, cut, first, AT_ONCE).await? {
                // Whoever opens them has stopped, and says why.
                if parts.send(part).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn get_range(
        &self,
        open: &Arc<OpenIndex<NativeHost>>,
        head: &keyfold_core::envelope::OpenedHead,
        content: &FileContent,
        range: Range<u64>,
        mut output: impl Write + Send + 'static,
        watchman: Watchman,
    ) -> Result<()> {
        let mut body = BodyAt { vault: self, open, cut: content.cut(), held: None };
        let unproven = head.ranges(content.body)?;
        let mut last = body.read(unproven.last()).await?;
        let ranges = unproven.prove(&mut last)?;
        content.check_size(ranges.len())?;
        let mut passed = 0;
        for index in ranges.touching(&range) {
            let place = ranges.sealed_range(index).ok_or_else(|| Error::internal("a segment past the last"))?;
            let mut sealed = body.read(place).await?;
            let text = Zeroizing::new(ranges.open(index, &mut sealed, &range)?.to_vec());
            passed += text.len() as u64;
            output = blocking(move || output.write_all(&text).map(|()| output).map_err(|e| written(&e))).await?;
            watchman.pass(passed)?;
        }
        blocking(move || output.flush().map_err(|e| written(&e))).await
    }

    /// `count` parts from number `first` on, each the one that was put.
    async fn fetch(
        &self,
        open: &Arc<OpenIndex<NativeHost>>,
        cut: &Cut,
        first: usize,
        count: usize,
    ) -> Result<Vec<Vec<u8>>> {
        let ids = cut.ids(first, count);
        let found = self.patiently(open, true, async || open.store.get(ids).await).await?;
        let parts = ids.iter().zip(found).zip(first..).map(|((id, part), number)| {
            let part = part.ok_or(IndexError::Missing(*id))?;
            cut.check_part(number, &part)?;
            Ok(part)
        });
        parts.collect()
    }

    /// Does something with the storage, and what has to be done where it fails. On a line that broke `is_patient` waits.
    async fn patiently<T>(
        &self,
        open: &Arc<OpenIndex<NativeHost>>,
        is_patient: bool,
        work: impl AsyncFn() -> Result<T, keyfold_index::store::StoreError>,
    ) -> Result<T> {
        for attempt in 0.. {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let mut turn = self.client.turn().await?;
            match turn.settle_index(open, error.into(), attempt).await {
                Ok(()) => {}
                Err(told) if is_patient && told.retryable() && told.code != Code::StorageFull && attempt < TRIES => {
                    drop(turn);
                    tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
                }
                Err(told) => return Err(told),
            }
        }
        Err(Error::internal("a storage was asked without end"))
    }

    async fn with<T>(
        &self,
        to_write: bool,
        work: impl AsyncFnMut(&Files<'_, NativeHost>) -> Result<T, FilesError>,
    ) -> Result<T> {
        let mut turn = self.client.turn().await?;
        Box::pin(turn.with_files(&self.kc, to_write, work)).await
    }
}

/// Seals all of an input into parts. How many bytes it had.
fn seal_parts(mut input: Input, sealer: Sealer, parts: mpsc::Sender<Vec<u8>>, watchman: &Watchman) -> Result<u64> {
    let mut output = CutParts { parts, part: Vec::with_capacity(PART_BYTES) };
    let (size, _) = pipeline::seal(input.reader(), &mut output, &[], sealer, watchman)?;
    output.send().map_err(|e| written(&e))?;
    Ok(size)
}

/// Cuts what is written into parts.
struct CutParts {
    parts: mpsc::Sender<Vec<u8>>,
    part: Vec<u8>,
}

impl CutParts {
    fn send(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        if part.is_empty() {
            return Ok(());
        }
        self.parts.blocking_send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for CutParts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.part.len() == PART_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Parts as they come, read as one body.
struct FetchedParts {
    parts: mpsc::Receiver<Vec<u8>>,
    part: io::Cursor<Vec<u8>>,
}

impl Read for FetchedParts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.part.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            match self.parts.blocking_recv() {
                Some(part) => self.part = io::Cursor::new(part),
                None => return Ok(0),
            }
        }
    }
}

/// A body of which pieces are read, a part of it held.
struct BodyAt<'v> {
    vault: &'v Vault,
    open: &'v Arc<OpenIndex<NativeHost>>,
    cut: Cut,
    held: Option<(usize, Vec<u8>)>,
}

impl BodyAt<'_> {
    async fn read(&mut self, place: Range<u64>) -> Result<Zeroizing<Vec<u8>>> {
        let mut read = Zeroizing::new(Vec::new());
        let mut at = place.start;
        while at < place.end {
            let number = usize::try_from(at / PART_BYTES as u64).map_err(|_| unauthentic())?;
            if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
                let part = self.vault.fetch(self.open, &self.cut, number, 1).await?.pop().ok_or_else(unauthentic)?;
                self.held = Some((number, part));
            }
            let part = self.held.as_ref().map(|(_, part)| &part[..]).unwrap_or_default();
            let within = |at: u64| usize::try_from(at - number as u64 * PART_BYTES as u64).unwrap_or(usize::MAX);
            let piece = part.get(within(at)..within(place.end).min(part.len())).unwrap_or_default();
            if piece.is_empty() {
                return Err(unauthentic());
            }
            read.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        Ok(read)
    }
}

fn unauthentic() -> Error {
    Error::new(Code::Unauthentic, "the storage shows something else than was put there")
}

/// What an input is read from, and how to read it once more; `None` of what can be read once.
fn rewindable(input: &mut Input) -> Option<(Source, File, u64)> {
    let (file, range) = input.seekable()?;
    let about = file.metadata().ok()?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let source = Source { size: range.end.saturating_sub(range.start), changed: u64::try_from(changed).ok()? };
    Some((source, file.try_clone().ok()?, range.start))
}
