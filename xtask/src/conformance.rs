//! Which storage passed which check of the contract for storages, as a table. The tests themselves note what passed, so
//! that it is one table whatever runs them; what is not noted did not pass, or did not run.

use crate::project::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells tests where to note it.
pub(crate) fn ask(project: &Project, command: &mut Command) {
    command.env("KEYFOLD_CONFORMANCE", folder(project));
}

/// Forgets what was noted before.
///
/// # Errors
/// If it cannot be removed.
pub(crate) fn forget(project: &Project) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder(project)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints what was noted, if anything was.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn show(project: &Project) -> anyhow::Result<()> {
    let noted = noted(&folder(project))?;
    if !noted.is_empty() {
        print!("\n{}", table(&noted));
    }
    Ok(())
}

fn folder(project: &Project) -> PathBuf {
    project.target().join("conformance")
}

/// Storages, and the checks that each passed.
type Noted = BTreeMap<String, BTreeSet<String>>;

fn noted(folder: &Path) -> anyhow::Result<Noted> {
    let names = |folder: &Path| -> anyhow::Result<BTreeSet<String>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(_) => return Ok(BTreeSet::new()),
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    names(folder)?.into_iter().map(|storage| Ok((storage.clone(), names(&folder.join(storage))?))).collect()
}

fn table(noted: &Noted) -> String {
    let checks: BTreeSet<&String> = noted.values().flatten().collect();
    let width = checks.iter().map(|check| check.chars().count()).max().unwrap_or(0);
    let mut table = format!("{:width$}", "check");
    for storage in noted.keys() {
        table.push_str(&format!("  {storage}"));
    }
    for check in checks {
        table.push_str(&format!("\n{check:width$}"));
        for (storage, passed) in noted {
            let mark = if passed.contains(check) { "✓" } else { "-" };
            table.push_str(&format!("  {mark:^0$}", storage.chars().count()));
        }
    }
    table.push('\n');
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_pass_has_no_mark() {
        let passed = |checks: &[&str]| checks.iter().map(|check| (*check).to_owned()).collect();
        let noted = Noted::from([
            ("disk".to_owned(), passed(&["it keeps", "it swaps"])),
            ("memory".to_owned(), passed(&["it keeps"])),
        ]);
        let table = table(&noted);
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        assert_eq!(lines[1..], ["it keeps   ✓      ✓", "it swaps   ✓      -"]);
    }
}
