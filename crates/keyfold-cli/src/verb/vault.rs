//! `keyfold vault`: files and folders of a keychain, which the server keeps and cannot read.
//!
//! Spec: `docs/spec/cli.md`, "Vaults".

use super::decrypt::range;
use crate::fault::Fault;
use crate::moment::readable;
use crate::progress::Progress;
use crate::session::Session;
use crate::stop;
use crate::stream::{Source, Target};
use crate::table::{columns, fields};
use crate::word::typed;
use clap::{Args, Subcommand};
use keyfold_client::{About, Code, FileVersion, GetOptions, ItemKind, PutOptions, Vault, VaultItem};
use serde::Serialize;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Subcommand, Debug)]
enum Deed {
    /// Put a file into the vault; folders on the way are made. One that was interrupted goes on where it stopped
    Put {
        /// `-` for standard input
        file: PathBuf,
        /// Where to; in a folder it keeps its name [default: its name]
        path: Option<String>,
        /// Its media type [default: what its name says]
        #[arg(long = "type", value_name = "TYPE")]
        media_type: Option<String>,
        /// A folder, with everything in it
        #[arg(long, short)]
        recursive: bool,
    },
    /// Get a file out of the vault
    Get {
        path: String,
        /// Where to write; `-` or nothing is standard output
        #[arg(short, long = "output", value_name = "OUT")]
        out: Option<PathBuf>,
        /// Only the bytes from A, without B; without a number to the end
        #[arg(long, value_name = "A-B", value_parser = range)]
        range: Option<Range<u64>>,
        /// A content that it had
        #[arg(long, value_name = "N")]
        version: Option<u64>,
        /// Replace OUT if it exists
        #[arg(long)]
        force: bool,
        /// A folder, with everything in it, into the folder OUT
        #[arg(long, short, requires = "out", conflicts_with_all = ["range", "version"])]
        recursive: bool,
    },
    /// List what is in a folder
    Ls {
        #[arg(default_value = "")]
        path: String,
    },
    /// Say what is known of a file or folder
    Stat { path: String },
    /// Make a folder, and those on the way to it
    Mkdir { path: String },
    /// Rename or move a file or folder
    Mv { from: String, to: String },
    /// Remove a file with its former contents, or a folder
    Rm {
        path: String,
        /// A folder, with everything in it
        #[arg(long, short)]
        recursive: bool,
    },
    /// List the contents that a file has and has had
    Versions { path: String },
    /// Let a file have a former content again
    Restore { path: String, version: u64 },
    /// Bring everything under the keychain's current key, so that older ones open nothing here, and delete what nothing
    /// refers to
    Sweep {
        /// Only say how much there is to do
        #[arg(long)]
        count: bool,
    },
}

const ALL_CURRENT: &str = "Everything is under the current key.";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Got {
    output: Option<String>,
    #[serde(flatten)]
    item: VaultItem,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    let vault = client.vault(&options.keychain);
    let output = session.output;
    match options.deed {
        Deed::Put { file, path, media_type, recursive: true } => {
            put_folder(session, &vault, &file, path, media_type.as_deref()).await
        }
        Deed::Put { file, path, media_type, recursive: false } => {
            let source = Source::named(Some(file.clone()));
            let path = placed(&vault, path, file_name(&file)).await?;
            let put = put_file(session, &vault, &source, &path, media_type.as_deref()).await;
            let item = put.map_err(|fault| match was_stopped(&fault) {
                true => Fault::new(Code::Cancelled, "stopped; the vault is as it was")
                    .hint("The same command goes on where this one stopped."),
                false => fault,
            })?;
            output.show(&item, |_| String::new())
        }
        Deed::Get { path, out: Some(out), recursive: true, force, .. } => {
            get_folder(session, &vault, &path, &out, force).await
        }
        Deed::Get { path, out, range, version, force, .. } => {
            let target = Target::named(out, force);
            let item =
                get_file(session, &vault, &path, &target, GetOptions { version, range, ..Default::default() }).await?;
            output.show_on(target.beside(), &Got { output: target.name(), item }, |_| String::new())
        }
        Deed::Ls { path } => {
            let items = vault.list(&path).await?;
            output.show(&items, |items| listed(items))
        }
        Deed::Stat { path } => {
            let item = vault.stat(&path).await?;
            output.show(&item, told)
        }
        Deed::Mkdir { path } => output.show(&vault.make_folder(&path).await?, |_| String::new()),
        Deed::Mv { from, to } => {
            let name = from.trim_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
            let to = placed(&vault, Some(to), Some(name)).await?;
            output.show(&vault.rename(&from, &to).await?, |_| String::new())
        }
        Deed::Rm { path, recursive } => {
            let removed = vault.remove(&path, recursive).await.map_err(|error| advised(error.into()))?;
            output.show(&removed, |_| String::new())
        }
        Deed::Versions { path } => {
            let versions = vault.versions(&path).await?;
            output.show(&versions, |versions| versions_listed(versions))
        }
        Deed::Restore { path, version } => output.show(&vault.restore(&path, version).await?, |_| String::new()),
        Deed::Sweep { count: true } => output.show(&vault.still_readable().await?, |found| match found.contents {
            0 => ALL_CURRENT.to_owned(),
            contents => format!("Older keys open {contents} contents, {}.", size(found.bytes)),
        }),
        Deed::Sweep { count: false } => output.show(&vault.sweep().await?, |swept| {
            let current = match swept.contents {
                0 => ALL_CURRENT.to_owned(),
                contents => format!("{contents} contents, {}, are under the current key now.", size(swept.bytes)),
            };
            match swept.deleted {
                0 => current,
                deleted => format!("{current} {deleted} objects that nothing referred to are deleted."),
            }
        }),
    }
}

/// Where something goes: to the path that was named; under its own name, if that is a folder, or none was named.
async fn placed(vault: &Vault, path: Option<String>, name: Option<String>) -> Result<String, Fault> {
    let nameless = || Fault::usage("standard input has no name").hint("Name the path in the vault.");
    let Some(path) = path else { return name.ok_or_else(nameless) };
    let is_folder = path.ends_with('/') || path.is_empty() || {
        match vault.stat(&path).await {
            Ok(item) => item.kind == ItemKind::Folder,
            Err(error) if matches!(error.code, Code::UnknownFile | Code::NotAFolder) => false,
            Err(error) => return Err(error.into()),
        }
    };
    if !is_folder {
        return Ok(path);
    }
    let (folder, name) = (path.trim_end_matches('/'), name.ok_or_else(nameless)?);
    Ok(if folder.is_empty() { name } else { format!("{folder}/{name}") })
}

fn file_name(file: &Path) -> Option<String> {
    // The vault's names are UTF-8; another one says so when it gets there.
    file.file_name().filter(|_| file.as_os_str() != "-").map(|name| name.to_string_lossy().into_owned())
}

async fn put_file(
    session: &Session,
    vault: &Vault,
    source: &Source,
    path: &str,
    media_type: Option<&str>,
) -> Result<VaultItem, Fault> {
    let stopped = stop::requested()?;
    let opened = source.open()?;
    let progress = Progress::new(session.output, opened.length);
    let guessed = || mime_guess::from_path(path).first_raw().unwrap_or_default();
    let media_type = media_type.unwrap_or_else(guessed).to_owned();
    let about = About { media_type, modified: opened.modified, keep: None };
    let options = PutOptions { about, progress: Some(progress.reporter()), ..PutOptions::default() };
    stop::or(stopped, vault.put(path, opened.file, options)).await
}

fn was_stopped(fault: &Fault) -> bool {
    fault.code() == Code::Cancelled.as_str()
}

/// Why a folder did not go in or come out, and how many of its files did: they stay.
fn midway(fault: Fault, done: usize, there: &str) -> Fault {
    let files = if done == 1 { "1 file is".to_owned() } else { format!("{done} files are") };
    match was_stopped(&fault) {
        true => Fault::new(Code::Cancelled, format!("stopped; {files} {there}")),
        false if done == 0 => fault,
        false => fault.after(&format!("; {files} {there}")),
    }
}

async fn put_folder(
    session: &Session,
    vault: &Vault,
    folder: &Path,
    path: Option<String>,
    media_type: Option<&str>,
) -> Result<(), Fault> {
    let root = placed(vault, path, file_name(folder)).await?;
    let mut items = Vec::new();
    let put = put_all(session, vault, folder, root, media_type, &mut items).await;
    let files = items.iter().filter(|item| item.kind == ItemKind::File).count();
    put.map_err(|fault| midway(fault, files, "in"))?;
    session.output.show(&items, |_| String::new())
}

async fn put_all(
    session: &Session,
    vault: &Vault,
    folder: &Path,
    root: String,
    media_type: Option<&str>,
    items: &mut Vec<VaultItem>,
) -> Result<(), Fault> {
    let mut waiting = vec![(folder.to_owned(), root)];
    while let Some((here, there)) = waiting.pop() {
        let fault = |error| Fault::io(&here.display().to_string(), &error);
        items.push(vault.make_folder(&there).await?);
        let mut inside = fs::read_dir(&here).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(fault)?;
        inside.sort_by_key(fs::DirEntry::file_name);
        for entry in inside {
            let (from, kind) = (entry.path(), entry.file_type().map_err(fault)?);
            let to = format!("{there}/{}", file_name(&from).unwrap_or_default());
            if kind.is_dir() {
                waiting.push((from, to));
            } else if kind.is_file() {
                items.push(put_file(session, vault, &Source::File(from), &to, media_type).await?);
            } else {
                session.output.remark(&format!("{}: neither a file nor a folder; left out.", from.display()));
            }
        }
    }
    Ok(())
}

async fn get_file(
    session: &Session,
    vault: &Vault,
    path: &str,
    target: &Target,
    options: GetOptions,
) -> Result<VaultItem, Fault> {
    let stopped = stop::requested()?;
    let output = target.open()?;
    let progress = Progress::new(session.output, None);
    let options = GetOptions { progress: Some(progress.reporter()), ..options };
    let getting = vault.get(path, output.writer()?, options);
    let item = stop::or(stopped, getting).await.map_err(|fault| output.explain(fault))?;
    output.finish()?;
    Ok(item)
}

async fn get_folder(session: &Session, vault: &Vault, path: &str, out: &Path, force: bool) -> Result<(), Fault> {
    let mut got = Vec::new();
    let outcome = get_all(session, vault, path, out, force, &mut got).await;
    outcome.map_err(|fault| midway(fault, got.len(), "out"))?;
    session.output.show(&got, |_| String::new())
}

async fn get_all(
    session: &Session,
    vault: &Vault,
    path: &str,
    out: &Path,
    force: bool,
    got: &mut Vec<Got>,
) -> Result<(), Fault> {
    let mut waiting = vec![(path.trim_matches('/').to_owned(), out.to_owned())];
    while let Some((there, here)) = waiting.pop() {
        fs::create_dir_all(&here).map_err(|error| Fault::io(&here.display().to_string(), &error))?;
        for item in vault.list(&there).await? {
            let to = here.join(local_name(&item.name)?);
            match item.kind {
                ItemKind::Folder => waiting.push((item.path, to)),
                ItemKind::File => {
                    let target = Target::File { path: to, replace: force };
                    let item = get_file(session, vault, &item.path, &target, GetOptions::default()).await?;
                    got.push(Got { output: target.name(), item });
                }
            }
        }
    }
    Ok(())
}

/// A name as this system has it: what a member called a file must not lead out of the folder that it is written to.
fn local_name(name: &str) -> Result<&str, Fault> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(std::path::Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(Fault::new(Code::BadText, format!("{name:?} cannot be the name of a file here"))
            .hint("Get it alone, with -o OUT.")),
    }
}

fn listed(items: &[VaultItem]) -> String {
    let row = |item: &VaultItem| {
        let is_folder = item.kind == ItemKind::Folder;
        [
            item.stored.map(readable).unwrap_or_default(),
            item.size.map(size).unwrap_or_default(),
            if is_folder { format!("{}/", item.name) } else { item.name.clone() },
        ]
    };
    columns(["stored", "size", "name"], items.iter().map(row))
}

fn told(item: &VaultItem) -> String {
    let kind = if item.kind == ItemKind::Folder { "folder" } else { "file" };
    fields([
        ("path", Some(format!("/{}", item.path))),
        ("kind", Some(kind.to_owned())),
        ("size", item.size.map(size)),
        ("type", item.media_type.clone()),
        ("modified", item.modified.map(readable)),
        ("stored", item.stored.map(readable)),
        ("version", item.version.map(|version| version.to_string())),
    ])
}

fn versions_listed(versions: &[FileVersion]) -> String {
    let row = |version: &FileVersion| {
        let current = if version.current { "current" } else { "" };
        [version.version.to_string(), readable(version.stored), size(version.size), current.to_owned()]
    };
    columns(["version", "stored", "size", ""], versions.iter().map(row))
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

fn advised(fault: Fault) -> Fault {
    match fault.code() == Code::FolderNotEmpty.as_str() {
        true => fault.hint("Remove all of it together with --recursive."),
        false => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_vault_leads_nowhere_else() {
        assert_eq!(local_name("summer.jpg").unwrap(), "summer.jpg");
        for name in ["..", ".", "", "/etc", "a/b"] {
            assert_eq!(local_name(name).unwrap_err().code(), "BadText", "{name:?}");
        }
    }
}
