//! The modules of the TypeScript client: the crates of [`MODULES`], compiled, each with the JavaScript and the types
//! that wasm-bindgen writes for it, made smaller by Binaryen. wasm-bindgen is a library here, so that Cargo.lock fixes its version
//! together with the crate's, which it must equal.

use super::TARGET;
use super::toolchain::{self, Toolchain};
use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasm_bindgen_cli_support::Bindgen;

/// Where the package expects what is made here. Git ignores it.
const PACKAGE_FOLDER: &str = "packages/client/src/wasm";

/// A crate with features, the name of what it becomes, `NAME.js` and its types beside `NAME_bg.wasm`, and where.
struct Module {
    package: &'static str,
    features: &'static [&'static str],
    name: &'static str,
    folder: &'static str,
}

/// What every page loads, and what it loads once it locks or recovers.
const MODULES: &[Module] = &[
    Module { package: "keyfold-wasm", features: &[], name: "keyfold", folder: PACKAGE_FOLDER },
    Module { package: "keyfold-wasm-recovery", features: &[], name: "keyfold_recovery", folder: PACKAGE_FOLDER },
];

/// What tries out the contract of storages for indexes on those of a browser. Handed out nowhere.
const STORAGES: Module = Module {
    package: "keyfold-wasm",
    features: &["--features", "storages"],
    name: "keyfold_storages",
    folder: "testing/browser/wasm",
};

/// The words of safety words, which the module does not have: most pages never show any.
const WORDS: &str = "words";

/// What rustc takes for granted since 1.87, and every browser since 2022 has.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

pub(super) fn make(project: &Project, toolchain: &Toolchain) -> anyhow::Result<Outcome> {
    let optimiser = project.root().join("node_modules/.bin/wasm-opt");
    if !optimiser.is_file() {
        return Ok(Outcome::Skipped("run `npm ci` first: it brings Binaryen".to_owned()));
    }
    let mut sizes = Vec::new();
    for module in MODULES {
        // One after the other: built together they would share features, and the first would carry the second's.
        let size = module.make(project, toolchain, Some(&optimiser))?;
        sizes.push(format!("{} has {} kB", module.file(), size / 1_000));
    }
    list_words(&project.root().join(PACKAGE_FOLDER))?;
    Ok(Outcome::Done(sizes.join(", ")))
}

/// The program for the browser tests.
pub(super) fn storages(project: &Project, toolchain: &Toolchain) -> anyhow::Result<Outcome> {
    STORAGES.make(project, toolchain, None)?;
    Ok(Outcome::Done(format!("{} is built", STORAGES.file())))
}

impl Module {
    fn file(&self) -> String {
        format!("{}_bg.wasm", self.name)
    }

    /// Builds it if it is not there or older than its crate; answers how many bytes it has.
    fn make(&self, project: &Project, toolchain: &Toolchain, optimiser: Option<&Path>) -> anyhow::Result<u64> {
        let mut build = toolchain.cargo(project, "build");
        build.args(["--profile", "wasm", "--package", self.package]).args(self.features);
        build.arg("--config").arg(format!("target.{TARGET}.rustflags={:?}", short_paths(project)));
        println!("    {}", project::typed(&build));
        project::succeed(&mut build)?;
        let compiled = format!("wasm/{}.wasm", self.package.replace('-', "_"));
        let compiled = toolchain::folder(project).join(TARGET).join(compiled);
        let folder = project.root().join(self.folder);
        let module = folder.join(self.file());
        if modified(&module).is_none_or(|made| modified(&compiled).is_none_or(|compiled| made < compiled)) {
            let draft = tempfile::tempdir_in(project.target())?;
            self.bind(&compiled, draft.path())?;
            if let Some(optimiser) = optimiser {
                optimise(project, optimiser, &draft.path().join(self.file()))?;
            }
            self.install(draft.path(), &folder)?;
        }
        Ok(fs::metadata(&module)?.len())
    }

    fn bind(&self, compiled: &Path, into: &Path) -> anyhow::Result<()> {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(compiled).out_name(self.name).web(true)?;
        // The client finds the file itself, and says so to bundlers in its own words.
        bindgen.omit_default_module_path(true).typescript(true).ts_typed_array_buffers(true);
        // After a trap, whoever is on this thread gets a new instance.
        bindgen.reset_state_function(true);
        bindgen.remove_producers_section(true);
        bindgen.generate(into).context("wasm-bindgen")
    }

    /// Puts what was made in its place; the module last, because its time says that all is there.
    fn install(&self, draft: &Path, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let mut files: Vec<PathBuf> =
            fs::read_dir(draft)?.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
        files.sort_by_key(|file| file.ends_with(self.file()));
        for file in files {
            let name = file.file_name().context("a file has a name")?;
            // Into its place at once, so that who reads it meanwhile has the old one or the new one.
            let near = folder.join(format!(".{}", name.to_string_lossy()));
            fs::copy(&file, &near)?;
            fs::rename(&near, folder.join(name))?;
        }
        Ok(())
    }
}

/// Messages of panics name source files. Short names are the same on every machine, and tell nothing of it.
fn short_paths(project: &Project) -> Vec<String> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let unpacked = cargo_home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let sources = unpacked.into_iter().flatten().flatten().map(|folder| (folder.path(), "dependency"));
    let sysroot = project::printed(project.command("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    let library = (Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), "rust");
    let own = (project.root().to_path_buf(), "keyfold");
    sources.chain([library, own]).map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

fn optimise(project: &Project, optimiser: &Path, module: &Path) -> anyhow::Result<()> {
    let mut command = project.command(&optimiser.to_string_lossy());
    // What Binaryen inlines makes the file shorter, and longer once it is compressed.
    command.args(FEATURES).args(["-Oz", "--skip-pass=inlining-optimizing", "--strip-producers", "--strip-debug"]);
    command.arg(module).arg("--output").arg(module);
    println!("    {}", project::typed(&command));
    project::succeed(&mut command)
}

/// The English list of BIP-39, as one string: a list of strings would be a third longer.
fn list_words(into: &Path) -> anyhow::Result<()> {
    let list = bip39::Language::English.word_list().join(" ");
    let about = "The English list of BIP-39, in its order, with a space between.";
    fs::write(into.join(WORDS).with_extension("js"), format!("/** {about} */\nexport const WORDS = \"{list}\";\n"))?;
    let types = format!("/** {about} */\nexport declare const WORDS: string;\n");
    Ok(fs::write(into.join(WORDS).with_extension("d.ts"), types)?)
}
