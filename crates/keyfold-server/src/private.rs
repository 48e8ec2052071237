//! Files and folders that nobody else on the machine can read. Apart, for both the secrets and the data are kept so,
//! and the platforms differ.

use std::{fs, io, path::Path};

/// Makes a folder, and those above it, for its owner alone. One that exists is left as its owner set it.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens files to write; those that it makes are their owner's alone.
pub(crate) fn options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes a file from everybody but its owner; makes it, empty, if `make` says so.
pub(crate) fn keep(file: &Path, make: bool) -> io::Result<()> {
    let open = match options().create(make).truncate(false).open(file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && !make => return Ok(()),
        open => open?,
    };
    if exposed(&open.metadata()?) {
        close_to_others(&open)?;
    }
    Ok(())
}

/// Whether others can read, write or run it.
#[cfg(unix)]
pub(crate) fn exposed(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(unix)]
fn close_to_others(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
pub(crate) fn exposed(_: &fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn close_to_others(_: &fs::File) -> io::Result<()> {
    Ok(())
}
