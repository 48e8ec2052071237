//! Node, npm and Chromium: where they are, whether they are new enough, and what to install if not. Separate so that
//! every step that needs them says the same.

use crate::debian;
use crate::project::{self, Project};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The oldest Node that everything here runs on. `package.json` says the same to npm.
const OLDEST: (u32, u32) = (20, 19);

/// Names of Chromium and its kin, in the order in which they are looked for.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Makes Node and the packages of the lock file ready; or says what a person has to do.
///
/// # Errors
/// If npm fails.
pub(crate) fn ready(project: &Project) -> anyhow::Result<Result<(), String>> {
    if let Err(reason) = installed(project)? {
        return Ok(Err(reason));
    }
    let lock = modified(&project.root().join("package-lock.json"));
    if lock > modified(&project.root().join("node_modules/.package-lock.json")) {
        let mut install = npm(project);
        install.args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"]);
        println!("    {}", project::typed(&install));
        project::succeed(&mut install)?;
    }
    Ok(Ok(()))
}

fn installed(project: &Project) -> anyhow::Result<Result<(), String>> {
    let found = |program: &str| project::printed(project.command(program).arg("--version"));
    if found("node").is_err() || found("npm").is_err() {
        debian::install(project, &["nodejs", "npm"])?;
    }
    let (major, minor) = OLDEST;
    let Ok(version) = found("node") else {
        return Ok(Err(format!("install Node {major}.{minor} or newer, with npm: https://nodejs.org")));
    };
    if !is_new_enough(&version) {
        let version = version.trim();
        return Ok(Err(format!("Node {version} is too old (Debian 12 has 18): install {major}.{minor} or newer")));
    }
    Ok(found("npm").map(|_| ()).map_err(|_| "install npm: Node is there without it".to_owned()))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// npm at the root.
pub(crate) fn npm(project: &Project) -> Command {
    project.command("npm")
}

/// Chromium: `KEYFOLD_CHROMIUM`, one of the usual names in `PATH`, or Debian's, installed; or what a person has to do.
///
/// # Errors
/// If it was ours to install and that failed.
pub(crate) fn chromium(project: &Project) -> anyhow::Result<Result<PathBuf, String>> {
    if let Some(named) = std::env::var_os("KEYFOLD_CHROMIUM") {
        return Ok(Ok(named.into()));
    }
    if let Some(found) = browser() {
        return Ok(Ok(found));
    }
    debian::install(project, &["chromium"])?;
    let reason = "no Chromium: install it (on Debian `apt-get install chromium`), or name one in KEYFOLD_CHROMIUM";
    Ok(browser().ok_or_else(|| reason.to_owned()))
}

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_as_numbers() {
        for new in ["v20.19.0\n", "v20.20.2", "v22.0.0", "v100.1.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["v18.20.4", "v20.9.0", "v9.99.9", "", "v20"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }

    #[test]
    fn npm_and_these_commands_ask_for_the_same_node() {
        let manifest = include_str!("../../package.json");
        assert!(manifest.contains(&format!("\"node\": \">={}.{}\"", OLDEST.0, OLDEST.1)));
    }
}
