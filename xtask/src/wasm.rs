//! Builds what browsers load for `wasm32-unknown-unknown`: that it compiles without an operating system is the proof
//! that it does no I/O. The ordinary way is rustup's target; where rustup cannot reach its server, Debian's own
//! compiler builds the standard library along. Its artefacts have a folder of their own, `target/wasm`, because two
//! compilers in one folder would rebuild each other's work. `KEYFOLD_WASM_TOOLCHAIN=debian` takes Debian's compiler
//! even where rustup has the target, to see that this way still works.

use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// What is built, and with which features: the layers without I/O.
const CRATES: &[(&str, &[&str])] = &[
    ("keyfold-format", &[]),
    ("keyfold-core", &[]),
    ("keyfold-protocol", &[]),
    ("keyfold-client", &["--no-default-features"]),
];

enum Toolchain {
    /// rustup's, with the target installed.
    Rustup,
    /// Debian's, which builds `std` from its own sources; `linker` is rustup's `rust-lld`.
    Debian { linker: PathBuf },
}

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let toolchain = match find(project)? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    for (name, features) in CRATES {
        refuse_randomness(project, name, features)?;
    }
    for (name, features) in CRATES {
        // One after the other: built together they would share features, and hide one that is missing.
        let mut build = toolchain.build(project);
        build.args(["--locked", "--target", TARGET, "--package", name]).args(*features);
        println!("    {}", project::typed(&build));
        project::succeed(&mut build)?;
    }
    let by = match toolchain {
        Toolchain::Rustup => "rustup's target",
        Toolchain::Debian { .. } => "Debian's compiler",
    };
    Ok(Outcome::Done(format!("{} crates build for {TARGET} with {by}", CRATES.len())))
}

/// The toolchain to use, installed if that is possible; or what a person has to do.
fn find(project: &Project) -> anyhow::Result<Result<Toolchain, String>> {
    let chosen = std::env::var("KEYFOLD_WASM_TOOLCHAIN").unwrap_or_default();
    if chosen != "debian" && (rustup_has_target(project) || rustup_adds_target(project)) {
        return Ok(Ok(Toolchain::Rustup));
    }
    if !debian_has_compiler() && !debian_installs_compiler(project)? {
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

/// Installs Debian's compiler, where that is ours to do; false where it is not.
fn debian_installs_compiler(project: &Project) -> anyhow::Result<bool> {
    let root = project::printed(project.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !Path::new("/etc/debian_version").is_file() {
        return Ok(false);
    }
    println!("    apt-get install {}", DEBIAN_PACKAGES.join(" "));
    let apt = |arguments: &[&str]| {
        let mut apt = project.command("apt-get");
        apt.args(["-qq", "-y"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        apt
    };
    project::succeed(&mut apt(&["update"]))?;
    let mut install = apt(&["install", "--no-install-recommends"]);
    project::succeed(install.args(DEBIAN_PACKAGES).stdout(Stdio::null()))?;
    Ok(debian_has_compiler())
}

fn host(project: &Project) -> anyhow::Result<String> {
    let version = project::printed(project.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    Ok(host.to_owned())
}

impl Toolchain {
    fn build(&self, project: &Project) -> Command {
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
        command.args(["build", "--release"]);
        if let Self::Debian { .. } = self {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command.arg("--target-dir").arg(project.target().join("wasm"));
        command
    }
}

/// In a browser, `getrandom` needs JavaScript that only the outermost crate may bring; below it, it is a mistake.
fn refuse_randomness(project: &Project, name: &str, features: &[&str]) -> anyhow::Result<()> {
    let mut tree = project.cargo();
    tree.args(["tree", "--locked", "--edges", "normal", "--target", TARGET, "--prefix", "none", "--package", name]);
    let tree = project::printed(tree.args(features))?;
    if tree.lines().any(|line| line.starts_with("getrandom ")) {
        bail!("{name} reaches getrandom for {TARGET}");
    }
    Ok(())
}
