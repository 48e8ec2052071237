//! A file that appears whole or not at all: written under another name beside its place, and named when it is done.

use super::home::fault;
use crate::{Error, Result, native::pipeline::written};
use keyfold_format::id::base64url;
use keyfold_protocol::Code;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// A draft of a file. Dropped before [`Draft::keep`], it never was.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    place: PathBuf,
}

impl Draft {
    /// Beside `place`. A file that stands there is left alone unless `replace`: `OutputExists`.
    pub(crate) fn new(place: &Path, replace: bool) -> Result<(Self, File)> {
        if !replace && place.symlink_metadata().is_ok() {
            return Err(exists(place));
        }
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(|_| Error::internal("the system has no randomness"))?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(format!(".keyfold-{}", base64url(&random)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| fault(&path, &e))?;
        Ok((Self { path, place: place.to_owned() }, file))
    }

    /// Gives the file its name.
    pub(crate) fn keep(self, file: &File, replace: bool, durable: bool) -> Result<()> {
        if durable {
            file.sync_all().map_err(|e| written(&e))?;
        }
        let named = if replace {
            fs::rename(&self.path, &self.place)
        } else {
            // A rename would replace what has appeared meanwhile; a link does not.
            fs::hard_link(&self.path, &self.place)
        };
        named.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => exists(&self.place),
            _ => fault(&self.place, &e),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        _ = fs::remove_file(&self.path);
    }
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
        let (draft, mut file) = Draft::new(&dir.path().join("a"), false).unwrap();
        file.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(names(dir.path()), 0);
    }

    #[test]
    fn what_exists_is_replaced_only_when_told_also_if_it_appears_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a");
        let (draft, file) = Draft::new(&place, false).unwrap();
        fs::write(&place, "theirs").unwrap();
        assert_eq!(draft.keep(&file, false, false).unwrap_err().code, Code::OutputExists);
        assert_eq!(Draft::new(&place, false).unwrap_err().code, Code::OutputExists);
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"theirs".to_vec(), 1));
        let (draft, mut file) = Draft::new(&place, true).unwrap();
        file.write_all(b"ours").unwrap();
        draft.keep(&file, true, true).unwrap();
        assert_eq!((fs::read(&place).unwrap(), names(dir.path())), (b"ours".to_vec(), 1));
    }
}
