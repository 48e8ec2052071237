//! A file that appears whole or not at all: written under another name beside its place, and named when it is done.

use super::home::fault;
use crate::{Error, Result, native::pipeline::written};
use keyfold_protocol::Code;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile};

/// A draft of a file. Dropped before [`Draft::keep`], it never was.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    place: PathBuf,
    replace: bool,
}

impl Draft {
    /// Beside `place`, with the permissions of any new file. What stands there is left alone unless `replace`:
    /// `OutputExists`. If it is a link, the file that it leads to is replaced. One that has further names (hard links)
    /// is refused with `Unsupported`: they would go on naming the old content.
    pub fn new(place: &Path, replace: bool) -> Result<Self> {
        let about = place.symlink_metadata().ok();
        if about.is_some() && !replace {
            return Err(exists(place));
        }
        let place = match about {
            Some(_) => place.canonicalize().map_err(|e| fault(place, &e))?,
            None => place.to_owned(),
        };
        refuse_further_names(&place)?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".keyfold-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|e| fault(&place, &e))?;
        Ok(Self { file, place, replace })
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives the file its name; with `durable` so that it would survive a power cut. What has appeared there meanwhile
    /// is left alone unless it was to be replaced.
    pub fn keep(self, durable: bool) -> Result<()> {
        let Self { file, place, replace } = self;
        if durable {
            file.as_file().sync_all().map_err(|e| written(&e))?;
        }
        let named = if replace { file.persist(&place) } else { file.persist_noclobber(&place) };
        match named {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&place)),
            Err(e) => Err(fault(&place, &e.error)),
        }
    }
}

#[cfg(unix)]
fn refuse_further_names(place: &Path) -> Result<()> {
    match fs::metadata(place) {
        Ok(about) if about.is_file() && std::os::unix::fs::MetadataExt::nlink(&about) > 1 => Err(Error::new(
            Code::Unsupported,
            format!("{} has further names (hard links), which would keep the old content", place.display()),
        )
        .hint("Write to another name, or copy it first: a copy has one name.")),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn refuse_further_names(_: &Path) -> Result<()> {
    Ok(())
}

fn exists(place: &Path) -> Error {
    Error::new(Code::OutputExists, format!("{} exists already", place.display()))
        .hint("Choose another name, or say that it may be replaced.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft::new(&dir.path().join("a"), false).unwrap();
        draft.file().write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(names(dir.path()), 0);
    }

    #[test]
    fn what_exists_is_replaced_only_when_told_also_if_it_appears_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a");
        let draft = Draft::new(&place, false).unwrap();
        fs::write(&place, "theirs").unwrap();
        assert_eq!(draft.keep(false).unwrap_err().code, Code::OutputExists);
        assert_eq!(Draft::new(&place, false).unwrap_err().code, Code::OutputExists);
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"theirs".to_vec(), 1));
        let draft = Draft::new(&place, true).unwrap();
        draft.file().write_all(b"ours").unwrap();
        draft.keep(true).unwrap();
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"ours".to_vec(), 1));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (place, link) = (dir.path().join("a"), dir.path().join("link"));
        fs::write(&place, "old").unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        assert_eq!(Draft::new(&link, false).unwrap_err().code, Code::OutputExists);
        let draft = Draft::new(&link, true).unwrap();
        draft.file().write_all(b"new").unwrap();
        draft.keep(false).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&place).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_further_names_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a");
        fs::write(&place, "old").unwrap();
        fs::hard_link(&place, dir.path().join("b")).unwrap();
        assert_eq!(Draft::new(&place, true).unwrap_err().code, Code::Unsupported);
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"old".to_vec(), 2));
    }
}
