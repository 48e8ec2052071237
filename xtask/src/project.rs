//! Where the project lies, and how its tools are started. Separate so that every command starts them the same way.

use anyhow::{Context, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout that `cargo xtask` was started in.
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a folder of the project")?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where builds go: `CARGO_TARGET_DIR`, or `target`.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |dir| self.root.join(dir))
    }

    /// The program `program`, started at the root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that started us, so that one toolchain does everything.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        self.command(&cargo)
    }

    /// Everything that cargo knows of the workspace and its dependencies, all features on.
    pub(crate) fn metadata(&self) -> anyhow::Result<Metadata> {
        self.metadata_of("Cargo.toml")
    }

    /// The same of another workspace of ours, by its manifest.
    pub(crate) fn metadata_of(&self, manifest: &str) -> anyhow::Result<Metadata> {
        MetadataCommand::new()
            .manifest_path(self.root.join(manifest))
            .other_options(vec!["--all-features".to_owned(), "--locked".to_owned()])
            .exec()
            .with_context(|| format!("cargo metadata of {manifest} (is its Cargo.lock up to date?)"))
    }
}

/// True for a crate that the project hands out.
pub(crate) fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

/// True in continuous integration, where nothing may be skipped.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// True if `program` starts and answers to `--version`.
pub(crate) fn has(mut program: Command) -> bool {
    program.arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The command as one would type it, for messages.
pub(crate) fn typed(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command to its end, with its output on ours.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("`{}` did not start", typed(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", typed(command));
    }
    Ok(())
}

/// Runs a command to its end and hands back what it printed on standard output.
pub(crate) fn printed(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("`{}` did not start", typed(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({}): {}", typed(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
