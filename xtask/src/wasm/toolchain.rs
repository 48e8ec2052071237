//! The compiler for WebAssembly. The ordinary way is rustup's target; where rustup cannot reach its server, Debian's
//! own compiler builds the standard library along. Its artefacts have a folder of their own, `target/wasm`, because
//! two compilers in one folder would rebuild each other's work. `KEYFOLD_WASM_TOOLCHAIN=debian` takes Debian's
//! compiler even where rustup has the target, to see that this way still works.

use super::TARGET;
use crate::debian;
use crate::project::{self, Project};
use anyhow::Context;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

pub(super) enum Toolchain {
    /// rustup's, with the target installed.
    Rustup,
    /// Debian's, which builds `std` from its own sources; `linker` is rustup's `rust-lld`.
    Debian { linker: PathBuf },
}

/// The toolchain to use, installed if that is possible; or what a person has to do.
pub(super) fn find(project: &Project) -> anyhow::Result<Result<Toolchain, String>> {
    let chosen = std::env::var("KEYFOLD_WASM_TOOLCHAIN").unwrap_or_default();
    if chosen != "debian" && (rustup_has_target(project) || rustup_adds_target(project)) {
        return Ok(Ok(Toolchain::Rustup));
    }
    let found = debian_has_compiler() || (debian::install(project, DEBIAN_PACKAGES)? && debian_has_compiler());
    if !found {
        let reason = format!(
            "run `rustup target add {TARGET}`; where rustup cannot reach its server, on Debian: `apt-get install {}`",
            DEBIAN_PACKAGES.join(" ")
        );
        return Ok(Err(reason));
    }
    let sysroot = project::printed(project.command("rustc").args(["--print", "sysroot"]))?;
    let host = host(project)?;
    let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if !linker.is_file() {
        return Ok(Err(format!("{} is missing, which links for {TARGET}", linker.display())));
    }
    Ok(Ok(Toolchain::Debian { linker }))
}

fn rustup_has_target(project: &Project) -> bool {
    let mut list = project.command("rustup");
    project::printed(list.args(["target", "list", "--installed"]))
        .is_ok_and(|targets| targets.lines().any(|line| line.trim() == TARGET))
}

fn rustup_adds_target(project: &Project) -> bool {
    if !project::has(project.command("rustup")) {
        return false;
    }
    println!("    rustup target add {TARGET}");
    // `timeout`, because behind some firewalls the download neither starts nor fails.
    let mut add = project.command("timeout");
    add.args(["120", "rustup", "target", "add", TARGET]).stdin(Stdio::null());
    project::succeed(&mut add).is_ok() && rustup_has_target(project)
}

fn debian_has_compiler() -> bool {
    // `rust-web-src` puts the sources of the standard library here.
    Path::new("/usr/bin/cargo").is_file()
        && Command::new("/usr/bin/rustc").args(["--print", "sysroot"]).output().is_ok_and(|output| {
            let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
        })
}

fn host(project: &Project) -> anyhow::Result<String> {
    let version = project::printed(project.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    Ok(host.to_owned())
}

impl Toolchain {
    /// `cargo check` or `cargo build` for [`TARGET`].
    pub(super) fn cargo(&self, project: &Project, verb: &str) -> Command {
        let mut command = match self {
            Self::Rustup => project.cargo(),
            Self::Debian { linker } => {
                let mut command = project.command("/usr/bin/cargo");
                // Without these, Debian's cargo would call the compiler of the toolchain that started us.
                for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER"] {
                    command.env_remove(variable);
                }
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command.args([verb, "--locked", "--target", TARGET]);
        if let Self::Debian { .. } = self {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command.arg("--target-dir").arg(folder(project));
        command
    }
}

/// Where the artefacts go.
pub(super) fn folder(project: &Project) -> PathBuf {
    project.target().join("wasm")
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "rustup's target",
            Self::Debian { .. } => "Debian's compiler",
        })
    }
}
