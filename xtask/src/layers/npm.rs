//! What npm packages declare and what their sources import. In a workspace every package finds every other, declared
//! or not, so the manifests alone prove nothing. Also what the house does not write in what it hands out.

use crate::project::Project;
use anyhow::{Context, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What one folder may import besides its own files: names of packages, or a scope with `/` at the end.
struct Package {
    folder: &'static str,
    /// `dependencies`, `optionalDependencies` and `peerDependencies`: what comes along with it.
    brings: &'static [&'static str],
    /// Further imports in `src`: bundled into what is handed out, or part of the platform.
    imports: &'static [&'static str],
}

const PACKAGES: &[Package] = &[
    // `keyfold:` names the texts that its build puts into `inline`.
    Package { folder: "packages/client", brings: &[], imports: &["node:", "ws", "keyfold:"] },
    Package { folder: "packages/react", brings: &["@keyfold/client", "react"], imports: &[] },
    // Written from the specification alone: it proves nothing once it shares code with what it checks.
    Package { folder: "testing/reader", brings: &["@noble/", "@scure/bip39"], imports: &["node:"] },
];

/// Not in the sources of what is handed out.
const UNWRITTEN: &[&str] = &["export default", "@ts-ignore", "@ts-nocheck", ": any", "as any", "<any", "any>", "any[]"];

/// Looks at every package; returns how many source files there were, and the violations.
pub(super) fn check(project: &Project) -> anyhow::Result<(usize, Vec<String>)> {
    let mut violations = unknown_packages(project)?;
    let mut looked_at = 0;
    for package in PACKAGES {
        let folder = project.root().join(package.folder);
        let manifest = std::fs::read_to_string(folder.join("package.json")).context(package.folder)?;
        violations.extend(undeclared(package, &serde_json::from_str(&manifest).context(package.folder)?));
        for file in sources(&folder.join("src"))? {
            let place = file.strip_prefix(project.root())?.display().to_string();
            let text = std::fs::read_to_string(&file).with_context(|| place.clone())?;
            violations.extend(violations_in(package, &place, &text));
            looked_at += 1;
        }
    }
    if looked_at == 0 {
        bail!("no TypeScript was found");
    }
    Ok((looked_at, violations))
}

/// Packages that are handed out and have no row above.
fn unknown_packages(project: &Project) -> anyhow::Result<Vec<String>> {
    let mut unknown = Vec::new();
    for item in std::fs::read_dir(project.root().join("packages"))? {
        let name = format!("packages/{}", item?.file_name().to_string_lossy());
        if !PACKAGES.iter().any(|package| package.folder == name) {
            unknown.push(format!("{name} has no row in the table of npm packages"));
        }
    }
    Ok(unknown)
}

fn undeclared(package: &Package, manifest: &Value) -> Vec<String> {
    ["dependencies", "optionalDependencies", "peerDependencies"]
        .iter()
        .filter_map(|kind| manifest.get(kind)?.as_object())
        .flat_map(|named| named.keys())
        .filter(|name| !is_among(package.brings, name))
        .map(|name| format!("{} brings {name} along", package.folder))
        .collect()
}

fn violations_in(package: &Package, place: &str, text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let foreign = imported(line).filter(|name| !name.starts_with('.'));
        if let Some(name) = foreign.filter(|name| !is_among(package.brings, name) && !is_among(package.imports, name)) {
            violations.push(format!("{place}:{number} imports {name}"));
        }
        let comment = ["*", "/*", "//"].iter().any(|start| line.trim_start().starts_with(start));
        let unwritten = UNWRITTEN.iter().filter(|word| line.contains(*word) && (!comment || word.starts_with('@')));
        // A declaration says how others write.
        if package.folder.starts_with("packages/") && !place.ends_with(".d.ts") {
            violations.extend(unwritten.map(|word| format!("{place}:{number} has `{word}`")));
        }
    }
    violations
}

/// What a line imports: `… from "x"`, `import "x"` or `import("x")`.
fn imported(line: &str) -> Option<&str> {
    let (_, rest) = ["from \"", "import \"", "import(\""].iter().find_map(|word| line.split_once(word))?;
    let is_statement = ["import", "export", "}"].iter().any(|start| line.trim_start().starts_with(start));
    let (name, _) = rest.split_once('"')?;
    (is_statement || line.contains("import(\"")).then_some(name)
}

/// True if a list has the package that an import names: `react` for `react/jsx-runtime`, `@noble/` for all of a scope.
fn is_among(names: &[&str], import: &str) -> bool {
    names.iter().any(|name| {
        import == *name
            || import.strip_prefix(name).is_some_and(|rest| name.ends_with(['/', ':']) || rest.starts_with('/'))
    })
}

/// All TypeScript under a folder, except what is built into it.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = item?.path();
        if path.is_dir() {
            if !path.ends_with("src/wasm") {
                found.extend(sources(&path)?);
            }
        } else if path.extension().is_some_and(|kind| kind == "ts" || kind == "tsx") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACT: Package = Package { folder: "packages/react", brings: &["@keyfold/client", "react"], imports: &[] };
    const READER: Package = Package { folder: "testing/reader", brings: &["@noble/"], imports: &["node:"] };

    #[test]
    fn a_dependency_that_is_not_in_the_table_is_found() {
        let manifest =
            serde_json::json!({ "dependencies": { "left-pad": "1" }, "peerDependencies": { "react": "19" } });
        assert_eq!(undeclared(&REACT, &manifest), ["packages/react brings left-pad along"]);
    }

    #[test]
    fn every_form_of_import_is_seen() {
        for line in [
            "import { a } from \"x\";",
            "} from \"x\";",
            "export * from \"x\";",
            "import \"x\";",
            "const a = await import(\"x\");",
        ] {
            assert_eq!(imported(line), Some("x"), "{line}");
        }
        assert_eq!(imported("throw new Error(`not from \"x\"`);"), None);
    }

    #[test]
    fn an_import_is_refused_by_package_and_allowed_by_scope() {
        let found = |package, text| violations_in(package, "a.ts", text).len();
        assert_eq!(found(&REACT, "import { a } from \"react/jsx-runtime\";\nimport b from \"./b.js\";"), 0);
        assert_eq!(found(&REACT, "import { a } from \"reactive\";"), 1);
        assert_eq!(found(&READER, "import { a } from \"@noble/hashes/sha2.js\";\nimport fs from \"node:fs\";"), 0);
        assert_eq!(found(&READER, "import { a } from \"@keyfold/client\";"), 1);
    }

    #[test]
    fn what_the_house_does_not_write_is_found() {
        assert_eq!(violations_in(&REACT, "a.ts", "export default function a() {}").len(), 1);
        assert_eq!(violations_in(&REACT, "a.ts", "let a: any;").len(), 1);
        assert_eq!(violations_in(&REACT, "a.ts", "// @ts-ignore").len(), 1);
        assert_eq!(violations_in(&REACT, "a.ts", " * Of: any kind.").len(), 0);
    }
}
