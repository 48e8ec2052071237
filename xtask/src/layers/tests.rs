//! Tests that are one program: each file beside its `main.rs` is a module of it, or it would never run.

use anyhow::Context as _;
use cargo_metadata::Metadata;
use std::fs;

pub(super) fn check(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| &package.targets).filter(|target| target.is_test());
    for main in targets.map(|target| &target.src_path).filter(|path| path.file_name() == Some("main.rs")) {
        let program = fs::read_to_string(main)?;
        for file in main.parent().context("a file is in no folder")?.read_dir_utf8()? {
            let file = file?.into_path();
            let Some(name) = file.file_stem().filter(|_| file.extension() == Some("rs") && file != *main) else {
                continue;
            };
            if !program.lines().any(|line| line == format!("mod {name};")) {
                violations.push(format!("{file} is no module of {main}: its tests do not run"));
            }
        }
    }
    Ok(violations)
}
