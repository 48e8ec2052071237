//! Where `encrypt` and `decrypt` read and write: files, or standard input and output. Separate because one promise is
//! kept here for both: a command that fails leaves no output behind.
//!
//! A new file is a draft beside its place, and gets its name when it is whole.
//!
//! Spec: `docs/spec/cli.md`, "Errors and exit status".

use crate::fault::Fault;
use crate::output::Stream;
use keyfold_client::{Code, Draft};
use std::fs::{self, File};
use std::io::{self, IoSlice, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

/// What is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// `-`, or nothing, is standard input.
    pub(crate) fn named(name: Option<PathBuf>) -> Self {
        name.filter(|name| name.as_os_str() != "-").map_or(Self::Stdin, Self::File)
    }

    /// What it is called, for documents.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path.display().to_string()),
        }
    }

    /// Opens it, and says how long it is, if that is known.
    pub(crate) fn open(&self) -> Result<Opened, Fault> {
        let file = match self {
            Self::Stdin => standard_input(),
            Self::File(path) => File::open(path),
        };
        let file = file.map_err(|error| self.fault(&error))?;
        let about = file.metadata().map_err(|error| self.fault(&error))?;
        if about.is_dir() {
            return Err(self.fault(&io::ErrorKind::IsADirectory.into()));
        }
        let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let is_named = about.is_file() && matches!(self, Self::File(_));
        Ok(Opened {
            length: about.is_file().then_some(about.len()),
            modified: modified.filter(|_| is_named).and_then(|since| u64::try_from(since.as_millis()).ok()),
            file,
        })
    }

    /// All of it, at most `limit` bytes.
    pub(crate) fn whole(&self, limit: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let opened = self.open()?;
        // One byte more shows that there is more.
        opened.file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.fault(&error))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            return Ok(bytes);
        }
        let message = format!("{} is longer than {limit} bytes", self.called());
        Err(Fault::new(Code::TooLarge, message).hint("Encrypt it as a file, without --text."))
    }

    fn fault(&self, error: &io::Error) -> Fault {
        Fault::io(&self.called(), error)
    }

    fn called(&self) -> String {
        self.name().unwrap_or_else(|| "standard input".to_owned())
    }
}

/// A source, ready to be read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    /// In bytes.
    pub(crate) length: Option<u64>,
    /// In milliseconds since 1970.
    pub(crate) modified: Option<u64>,
}

/// What is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    File { path: PathBuf, replace: bool },
}

impl Target {
    /// `-`, or nothing, is standard output. A file that exists is replaced only if `replace` says so.
    pub(crate) fn named(name: Option<PathBuf>, replace: bool) -> Self {
        name.filter(|name| name.as_os_str() != "-").map_or(Self::Stdout, |path| Self::File { path, replace })
    }

    /// What it is called, for documents.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            Self::Stdout => None,
            Self::File { path, .. } => Some(path.display().to_string()),
        }
    }

    /// True if what is written there would fill a person's screen.
    pub(crate) fn is_terminal(&self) -> bool {
        *self == Self::Stdout && io::stdout().is_terminal()
    }

    /// Where the document goes, so that it does not mix with the data.
    pub(crate) fn beside(&self) -> Stream {
        if *self == Self::Stdout { Stream::Err } else { Stream::Out }
    }

    /// Opens it. Nothing stands under its name before [`Output::finish`].
    pub(crate) fn open(&self) -> Result<Output, Fault> {
        let Self::File { path, replace } = self else {
            let file = standard_output().map_err(|error| Fault::io("standard output", &error))?;
            return Ok(Output { file, place: Place::There("standard output".to_owned()), closed: Arc::default() });
        };
        let fault = |error: io::Error| Fault::io(&path.display().to_string(), &error);
        let (file, place) = match fs::metadata(path) {
            // A pipe or a device is written to, not replaced.
            Ok(about) if !about.is_file() && !about.is_dir() => {
                let file = File::options().write(true).open(path).map_err(fault)?;
                (file, Place::There(path.display().to_string()))
            }
            Ok(about) if about.is_dir() => return Err(fault(io::ErrorKind::IsADirectory.into())),
            _ => {
                let draft = Draft::new(path, *replace).map_err(|error| advised(error.into()))?;
                (draft.file().try_clone().map_err(fault)?, Place::New { draft, path: path.clone() })
            }
        };
        Ok(Output { file, place, closed: Arc::default() })
    }
}

/// A target that is being written. Dropped before it is finished, a new file never existed.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    place: Place,
    closed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Place {
    There(String),
    New { draft: Draft, path: PathBuf },
}

impl Output {
    /// What to write to, from any thread.
    pub(crate) fn writer(&self) -> Result<Writer, Fault> {
        let file = self.file.try_clone().map_err(|error| Fault::io("opening the output", &error))?;
        Ok(Writer { file, closed: Arc::clone(&self.closed) })
    }

    /// The fault itself, unless the reader closed the other end: then it is that, and silent.
    pub(crate) fn explain(&self, fault: Fault) -> Fault {
        match &self.place {
            Place::There(name) if self.closed.load(Ordering::Relaxed) => {
                Fault::io(name, &io::ErrorKind::BrokenPipe.into())
            }
            _ => fault,
        }
    }

    /// Everything was written: a new file gets its name.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        let Place::New { draft, .. } = self.place else { return Ok(()) };
        draft.keep(false).map_err(|error| advised(error.into()))
    }

    /// Writes all of it, and finishes.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<(), Fault> {
        let name = match &self.place {
            Place::There(name) => name.clone(),
            Place::New { path, .. } => path.display().to_string(),
        };
        self.file.write_all(bytes).map_err(|error| Fault::io(&name, &error))?;
        self.finish()
    }
}

/// Writes to an [`Output`], and remembers whether its reader went away.
#[derive(Debug)]
pub(crate) struct Writer {
    file: File,
    closed: Arc<AtomicBool>,
}

impl Writer {
    fn noting(&self, written: io::Result<usize>) -> io::Result<usize> {
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.closed.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.noting(written)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.file.write_vectored(slices);
        self.noting(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What the library says, in the words of flags.
fn advised(fault: Fault) -> Fault {
    match fault.code() == Code::OutputExists.as_str() {
        true => fault.hint("Choose another name with -o, or replace it with --force."),
        false => fault,
    }
}

// As files, so that large blocks pass without a buffer in between.
#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn standard_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_dash_and_nothing_are_the_standard_streams() {
        for name in [None, Some("-".into())] {
            assert_eq!(Source::named(name.clone()), Source::Stdin);
            assert_eq!(Target::named(name, false), Target::Stdout);
        }
    }

    #[test]
    fn an_output_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let output = Target::named(Some(folder.path().join("a")), false).open().unwrap();
        output.writer().unwrap().write_all(b"half").unwrap();
        drop(output);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_exists_stays_as_it_was_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        assert_eq!(Target::named(Some(path.clone()), false).open().unwrap_err().code(), "OutputExists");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        Target::named(Some(path.clone()), true).open().unwrap().write(b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"new".to_vec(), 1));
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let output = Target::named(Some(path.clone()), false).open().unwrap();
        fs::write(&path, "theirs").unwrap();
        assert_eq!(output.write(b"ours").unwrap_err().code(), "OutputExists");
        assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"theirs".to_vec(), 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_stays_a_device() {
        use std::os::unix::fs::FileTypeExt;
        let full = Target::named(Some("/dev/full".into()), true).open().unwrap();
        assert_eq!(full.write(b"anything").unwrap_err().code(), "StorageFull");
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), "").unwrap();
        Target::named(Some(folder.path().join("ours")), false).open().unwrap().write(b"").unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("ours"), mode("plain"));
    }

    #[test]
    fn more_than_the_limit_is_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        let source = Source::named(Some(path));
        assert_eq!(source.whole(5).unwrap(), b"12345");
        assert_eq!(source.whole(4).unwrap_err().code(), "TooLarge");
    }

    #[test]
    fn a_folder_is_not_a_source() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Source::named(Some(folder.path().into())).open().unwrap_err().exit(), 1);
    }
}
