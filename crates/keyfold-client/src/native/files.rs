//! Files: encrypted and decrypted as streams, in constant memory, without holding the home while bytes move.

use super::{
    client::Client,
    pipeline::{self, Cancel, Progress, Watchman, read_full, unread, written},
    replace::Draft,
};
use crate::{
    Error, Result,
    model::Person,
    session::{SealedHead, TrailerCheck},
};
use keyfold_core::envelope::{Metadata, Opened, OpenedHead, Options, Ranges, UnverifiedTrailer};
use keyfold_format::envelope::{PREFIX_BYTES, Prefix};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};
use zeroize::Zeroizing;

/// Where bytes come from.
pub enum Input {
    /// A file. Ranges read only what they need of it, if it is one that can be read anywhere.
    File(File),
    /// Anything else that can be read.
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// Anything that can be read.
    pub fn stream(read: impl Read + Send + 'static) -> Self {
        Self::Stream(Box::new(read))
    }

    pub(super) fn reader(&mut self) -> &mut dyn Read {
        match self {
            Self::File(file) => file,
            Self::Stream(stream) => stream,
        }
    }

    /// A file that can be read anywhere, where reading starts in it, and where it ends.
    pub(super) fn seekable(&mut self) -> Option<(&mut File, Range<u64>)> {
        let Self::File(file) = self else { return None };
        let about = file.metadata().ok().filter(fs::Metadata::is_file)?;
        // Whoever hands a file over may have read from it.
        let start = file.stream_position().ok()?;
        Some((file, start..about.len()))
    }
}

impl From<File> for Input {
    fn from(file: File) -> Self {
        Self::File(file)
    }
}

/// How to encrypt.
#[derive(Clone, Default)]
pub struct EncryptOptions {
    /// Whoever decrypts must name the same one.
    pub context: Option<Vec<u8>>,
    /// Sign as the author.
    pub sign: bool,
    /// Name of the file, sealed in the head.
    pub name: Option<String>,
    /// Media type, sealed in the head.
    pub media_type: Option<String>,
    /// When it was last modified, in milliseconds since 1970, sealed in the head.
    pub modified: Option<u64>,
    /// Hide the exact size (Padmé: at most 12 % more).
    pub padded: bool,
    /// Told how many bytes of plaintext have passed.
    pub progress: Option<Progress>,
    /// Asks to stop. Dropping the future stops too.
    pub cancel: Cancel,
}

/// How to decrypt.
#[derive(Clone, Default)]
pub struct DecryptOptions {
    /// What was named when encrypting.
    pub context: Option<Vec<u8>>,
    /// Only these bytes; what lies past the end is cut off.
    pub range: Option<Range<u64>>,
    /// Told how many bytes of plaintext have passed.
    pub progress: Option<Progress>,
    /// Asks to stop. Dropping the future stops too.
    pub cancel: Cancel,
}

/// How to write to a path.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathOptions {
    /// Replace what stands there.
    pub replace: bool,
    /// Return only when it would survive a power cut.
    pub durable: bool,
}

/// What was encrypted or decrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Bytes of plaintext that were read or written.
    pub bytes: u64,
    /// The keychains that it was encrypted to, or the one whose key opened it.
    pub keychain_fingerprints: Vec<String>,
    /// The key that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_fingerprint: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_number: Option<u32>,
    /// Whether it is the keychain's current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<bool>,
    /// Name of the file, as whoever encrypted it says. Not to be trusted as a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type, as whoever encrypted it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// When it was last modified, as whoever encrypted it says, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// The author, if it is signed and the signature was verified.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::model::user_id_if_any")]
    pub signed_by: Option<Person>,
    /// With a signature that was not checked: of a range, because it is over the whole; else because the server was not
    /// reached.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signature_unchecked: bool,
    /// Whether the server was not reached before encrypting, so that a key may not be the newest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// One key that opens a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotInfo {
    /// The key.
    pub key_fingerprint: String,
    /// The keychain, if one is in it.
    pub keychain_fingerprint: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// The key's number.
    pub key_number: Option<u32>,
    /// Whether it is the keychain's current key.
    pub current: Option<bool>,
}

/// Tells work on another thread that nobody waits for it any more.
pub(super) struct StopWhenDropped(pub(super) Cancel);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Client {
    /// Encrypts a stream to the current keys of one or several keychains.
    pub async fn encrypt_file(
        &self,
        keychains: &[&str],
        input: impl Into<Input>,
        output: impl Write + Send + 'static,
        options: EncryptOptions,
    ) -> Result<FileReport> {
        let (mut input, mut output) = (input.into(), output);
        let metadata =
            Metadata { name: options.name.clone(), media_type: options.media_type.clone(), modified: options.modified };
        let context = options.context.clone().unwrap_or_default();
        let seal = Options {
            context: &context,
            metadata: (metadata != Metadata::default()).then_some(&metadata),
            padded: options.padded,
            trailer: options.sign,
        };
        let SealedHead { head, sealer, keychains, stale } = self.turn().await?.seal_head(keychains, &seal).await?;
        let stop = StopWhenDropped(Cancel::default());
        let watchman = Watchman { cancel: options.cancel, dropped: stop.0.clone(), progress: options.progress };
        let sealed = blocking(move || {
            let sealed = pipeline::seal(input.reader(), &mut output, &head, sealer, &watchman)?;
            Ok((sealed, output))
        });
        let ((bytes, trailer), mut output) = sealed.await?;
        if let Some(trailer) = trailer {
            let trailer = self.turn().await?.sign_trailer(trailer)?;
            blocking(move || output.write_all(&trailer).and_then(|()| output.flush()).map_err(|e| written(&e))).await?;
        }
        Ok(FileReport {
            bytes,
            keychain_fingerprints: keychains.iter().map(ToString::to_string).collect(),
            stale,
            name: options.name,
            media_type: options.media_type,
            modified: options.modified,
            ..FileReport::default()
        })
    }

    /// Decrypts a stream, or a range of it. Nothing of a segment is written before it authenticated; after an error
    /// what was written is not the whole.
    pub async fn decrypt_file(
        &self,
        input: impl Into<Input>,
        output: impl Write + Send + 'static,
        options: DecryptOptions,
    ) -> Result<FileReport> {
        let (mut input, mut output) = (input.into(), output);
        let (head, mut input) = blocking(move || Ok((read_head(input.reader())?, input))).await?;
        let (opened_head, mut report) = self.open_head(&head, options.context.as_deref()).await?;
        let stop = StopWhenDropped(Cancel::default());
        let watchman = Watchman { cancel: options.cancel, dropped: stop.0.clone(), progress: options.progress };
        if options.range.is_some() {
            // The signature is over the whole.
            report.signature_unchecked = opened_head.flags().trailer;
        }
        let work = move || match options.range {
            Some(range) => {
                let bytes = match input.seekable() {
                    Some((file, body)) => open_range(file, body, &opened_head, &range, &mut output, &watchman)?,
                    None => open_through(input.reader(), &opened_head, range, &mut output, &watchman)?,
                };
                output.flush().map_err(|e| written(&e))?;
                Ok((bytes, None))
            }
            None => {
                let padded = opened_head.flags().padded;
                let Opened { len, trailer } =
                    pipeline::open(input.reader(), &mut output, opened_head.opener()?, padded, &watchman)?;
                Ok((len, trailer))
            }
        };
        let (bytes, trailer) = blocking(work).await?;
        report.bytes = bytes;
        if let Some(trailer) = trailer {
            self.check_author(&trailer, &mut report).await?;
        }
        Ok(report)
    }

    async fn check_author(&self, trailer: &UnverifiedTrailer, report: &mut FileReport) -> Result<()> {
        match self.turn().await?.check_trailer(trailer).await? {
            TrailerCheck::By(person) => report.signed_by = Some(person),
            TrailerCheck::Unchecked => report.signature_unchecked = true,
        }
        Ok(())
    }

    async fn open_head(&self, head: &[u8], context: Option<&[u8]>) -> Result<(OpenedHead, FileReport)> {
        let mut turn = self.turn().await?;
        let opened = turn.open_head(head, context.unwrap_or_default()).await?;
        let mut report = FileReport::default();
        if let Some((fingerprint, named)) = opened.opened_by().and_then(|by| Some((by, turn.name_key(&by)?))) {
            report.keychain_fingerprints = vec![named.keychain.to_string()];
            report.key_fingerprint = Some(fingerprint.to_string());
            report.key_number = Some(named.number);
            report.current = Some(named.current);
        }
        if let Some(metadata) = opened.metadata() {
            report.name.clone_from(&metadata.name);
            report.media_type.clone_from(&metadata.media_type);
            report.modified = metadata.modified;
        }
        Ok((opened, report))
    }

    /// Encrypts a file to a file. `to` appears when it is whole, or not at all.
    pub async fn encrypt_path(
        &self,
        keychains: &[&str],
        from: &Path,
        to: &Path,
        options: EncryptOptions,
        path: PathOptions,
    ) -> Result<FileReport> {
        let input = open_file(from)?;
        let draft = Draft::new(to, path.replace)?;
        let output = draft.file().try_clone().map_err(|e| written(&e))?;
        let report = self.encrypt_file(keychains, input, output, options).await?;
        blocking(move || draft.keep(path.durable)).await?;
        Ok(report)
    }

    /// Decrypts a file to a file. `to` appears when all of it authenticated, or not at all.
    pub async fn decrypt_path(
        &self,
        from: &Path,
        to: &Path,
        options: DecryptOptions,
        path: PathOptions,
    ) -> Result<FileReport> {
        let input = open_file(from)?;
        let draft = Draft::new(to, path.replace)?;
        let output = draft.file().try_clone().map_err(|e| written(&e))?;
        let report = self.decrypt_file(input, output, options).await?;
        blocking(move || draft.keep(path.durable)).await?;
        Ok(report)
    }

    /// Whose keys open a file. It need not be one that this account can open.
    pub async fn slots(&self, path: &Path) -> Result<Vec<SlotInfo>> {
        let mut file = open_file(path)?;
        let head = blocking(move || read_head(&mut file)).await?;
        let mut turn = self.turn().await?;
        let fingerprints = turn.slots(&head).await?;
        let info = |fingerprint: keyfold_format::KeyFingerprint| {
            let named = turn.name_key(&fingerprint);
            SlotInfo {
                key_fingerprint: fingerprint.to_string(),
                keychain_fingerprint: named.as_ref().map(|named| named.keychain.to_string()),
                purpose: named.as_ref().map(|named| named.purpose.clone()),
                key_number: named.as_ref().map(|named| named.number),
                current: named.as_ref().map(|named| named.current),
            }
        };
        Ok(fingerprints.into_iter().map(info).collect())
    }

    /// Lets the members of a keychain open a file that this account can open, with the context that was named when
    /// encrypting. The body is not touched.
    pub async fn add_slot(&self, path: &Path, kc: &str, context: Option<&[u8]>) -> Result<()> {
        let (old, opened) = self.head_of(path, context).await?;
        let new = self.turn().await?.add_slot(&opened, kc).await?;
        replace_head(path, old, new).await
    }

    /// Takes a keychain's slot away. Who had it may have kept what it opens: to take access away, encrypt again.
    pub async fn remove_slot(&self, path: &Path, kc: &str, context: Option<&[u8]>) -> Result<()> {
        let (old, opened) = self.head_of(path, context).await?;
        let new = self.turn().await?.remove_slot(&opened, kc).await?;
        replace_head(path, old, new).await
    }

    /// The length of a file's head, and the head, opened.
    async fn head_of(&self, path: &Path, context: Option<&[u8]>) -> Result<(u64, OpenedHead)> {
        let mut file = open_file(path)?;
        let head = blocking(move || read_head(&mut file)).await?;
        let (opened, _) = self.open_head(&head, context).await?;
        Ok((head.len() as u64, opened))
    }
}

/// Writes a file anew with another head before the same body.
async fn replace_head(path: &Path, old: u64, new: Vec<u8>) -> Result<()> {
    let path = path.to_owned();
    blocking(move || {
        let mut from = open_file(&path)?;
        from.seek(SeekFrom::Start(old)).map_err(|e| unread(&e))?;
        let draft = Draft::new(&path, true)?;
        let permissions = from.metadata().map_err(|e| unread(&e))?.permissions();
        let mut file = draft.file();
        file.set_permissions(permissions).map_err(|e| written(&e))?;
        file.write_all(&new).map_err(|e| written(&e))?;
        io::copy(&mut from, &mut file).map_err(|e| written(&e))?;
        draft.keep(true)
    })
    .await
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(e.to_string()))?
}

fn open_file(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| super::home::fault(path, &e))
}

/// Prefix, header and MAC from the front of a file.
fn read_head(input: &mut dyn Read) -> Result<Vec<u8>> {
    let mut head = vec![0; PREFIX_BYTES];
    let read = read_full(input, &mut head)?;
    head.truncate(read);
    let prefix = Prefix::parse(&head).map_err(keyfold_core::envelope::EnvelopeError::from)?;
    head.resize(prefix.head_bytes(), 0);
    let rest = read_full(input, head.get_mut(PREFIX_BYTES..).unwrap_or_default())?;
    if PREFIX_BYTES + rest < head.len() {
        return Err(keyfold_format::Malformed::Truncated.into());
    }
    Ok(head)
}

/// Opens the segments that a range touches, and before them the last, without which nobody knows whether the file is
/// whole.
fn open_range(
    file: &mut File,
    body: Range<u64>,
    head: &OpenedHead,
    range: &Range<u64>,
    output: &mut dyn Write,
    watchman: &Watchman,
) -> Result<u64> {
    let mut read_at = |place: Range<u64>| {
        file.seek(SeekFrom::Start(body.start + place.start)).map_err(|e| unread(&e))?;
        let len = usize::try_from(place.end - place.start).map_err(|_| Error::internal("a segment is too long"))?;
        let mut sealed = Zeroizing::new(vec![0; len]);
        match read_full(file, &mut sealed)? {
            read if read == len => Ok(sealed),
            _ => Err(Error::from(keyfold_format::Malformed::Truncated)),
        }
    };
    let unproven = head.ranges(body.end.saturating_sub(body.start))?;
    let mut last = read_at(unproven.last())?;
    let ranges: Ranges = unproven.prove(&mut last)?;
    let mut written_bytes = 0;
    for index in ranges.touching(range) {
        let place = ranges.sealed_range(index).ok_or_else(|| Error::internal("a segment past the last"))?;
        let mut sealed = read_at(place)?;
        let text = ranges.open(index, &mut sealed, range)?;
        output.write_all(text).map_err(|e| written(&e))?;
        written_bytes += text.len() as u64;
        watchman.pass(written_bytes)?;
    }
    Ok(written_bytes)
}

/// The same from something that can only be read from its front: all of it is opened, and the range passed on.
fn open_through(
    input: &mut dyn Read,
    head: &OpenedHead,
    range: Range<u64>,
    output: &mut (dyn Write + Send),
    watchman: &Watchman,
) -> Result<u64> {
    let mut window = Window { output, range, at: 0, passed: 0 };
    pipeline::open(input, &mut window, head.opener()?, head.flags().padded, watchman)?;
    Ok(window.passed)
}

/// Passes a range on and swallows the rest.
struct Window<'a> {
    output: &'a mut (dyn Write + Send),
    range: Range<u64>,
    at: u64,
    passed: u64,
}

impl Write for Window<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let within = |at: u64| usize::try_from(at.saturating_sub(self.at)).unwrap_or(usize::MAX).min(text.len());
        let wanted = text.get(within(self.range.start)..within(self.range.end)).unwrap_or_default();
        self.output.write_all(wanted)?;
        self.at += text.len() as u64;
        self.passed += wanted.len() as u64;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
