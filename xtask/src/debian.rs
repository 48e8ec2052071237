//! Debian's packages, installed where that is ours to do: as root, on Debian. Separate because the WebAssembly compiler,
//! the browser and PostgreSQL are all had this way.

use crate::project::{self, Project};
use std::path::Path;
use std::process::Stdio;

/// Installs packages and says so; false where it is not ours to do.
///
/// # Errors
/// If it was ours to do and failed.
pub(crate) fn install(project: &Project, packages: &[&str]) -> anyhow::Result<bool> {
    let root = project::printed(project.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !Path::new("/etc/debian_version").is_file() {
        return Ok(false);
    }
    println!("    apt-get install {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut apt = project.command("apt-get");
        apt.args(["-qq", "-y"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        apt
    };
    project::succeed(&mut apt(&["update"]))?;
    let mut install = apt(&["install", "--no-install-recommends"]);
    project::succeed(install.args(packages).stdout(Stdio::null()))?;
    Ok(true)
}
