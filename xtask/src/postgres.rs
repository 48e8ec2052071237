//! PostgreSQL, for the tests of what keeps encrypted indexes in it. Each test starts a server of its own; only the
//! programs are needed.

use crate::debian;
use crate::project::Project;
use std::path::Path;

/// Installs PostgreSQL if it is not there and that is ours to do. Where it is not, its tests say that they see nothing,
/// and fail in continuous integration.
///
/// # Errors
/// If it was ours to install and that failed.
pub(crate) fn ready(project: &Project) -> anyhow::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).any(|folder| folder.join("initdb").is_file());
    // Debian's are not in `PATH`: several versions lie side by side.
    if !in_path && !Path::new("/usr/lib/postgresql").is_dir() {
        debian::install(project, &["postgresql"])?;
    }
    Ok(())
}
