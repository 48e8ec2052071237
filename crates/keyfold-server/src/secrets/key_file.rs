//! A secret of a fixed length in a file of its own, for its owner alone.

use super::SecretsError;
use crate::private;
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};
use zeroize::Zeroizing;

/// The file's content; `None` if there is none.
pub(crate) fn read<const N: usize>(file: &Path) -> Result<Option<Zeroizing<[u8; N]>>, SecretsError> {
    let shown = || file.display().to_string();
    let mut open = match fs::File::open(file) {
        Ok(open) => open,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(file, e)),
    };
    if private::exposed(&open.metadata().map_err(|e| failed(file, e))?) {
        return Err(SecretsError::Exposed(shown()));
    }
    let mut content = Zeroizing::new([0; N]);
    let mut rest = [0; 1];
    open.read_exact(&mut *content).map_err(|_| SecretsError::Damaged(shown()))?;
    if open.read(&mut rest).map_err(|e| failed(file, e))? != 0 {
        return Err(SecretsError::Damaged(shown()));
    }
    Ok(Some(content))
}

/// Written whole under another name first: a crash leaves no half a key, which would lock all clients out.
pub(crate) fn write(folder: &Path, file: &Path, content: &[u8]) -> Result<(), SecretsError> {
    (|| {
        private::make_folder(folder)?;
        let new = file.with_extension("new");
        _ = fs::remove_file(&new);
        let mut out = private::options().create_new(true).open(&new)?;
        out.write_all(content)?;
        out.sync_all()?;
        fs::rename(&new, file)?;
        fs::File::open(folder)?.sync_all()
    })()
    .map_err(|e| failed(file, e))
}

pub(crate) fn failed(file: &Path, error: io::Error) -> SecretsError {
    SecretsError::Io(file.display().to_string(), error)
}
