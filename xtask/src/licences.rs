//! The licences of all dependencies, against a list of those that let anybody use Keyfold under its own terms. One list
//! for what is handed out, for the tools and for the peers of benchmarks: a bundler puts pieces of a tool into what is
//! handed out, unseen.

use crate::bench;
use crate::project::{Project, is_published};
use crate::step::Outcome;
use anyhow::{Context, bail};
use cargo_metadata::Package;
use serde_json::Value;
use spdx::{Expression, LicenseReq, ParseMode};
use std::collections::BTreeSet;

/// Permissive licences; each asks for attribution at most.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences with a wider reach, allowed for one crate each, with the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "webpki-root-certs",
        "CDLA-Permissive-2.0",
        "a list of certificates, not code; the licence asks for its text only",
    ),
    ("webpki-roots", "CDLA-Permissive-2.0", "a list of certificates, not code; the licence asks for its text only"),
    ("axe-core", "MPL-2.0", "looks at the demo's page in a test; nothing of it is handed out"),
    ("caniuse-lite", "CC-BY-4.0", "a table that webpack reads to choose a syntax; nothing of it is handed out"),
    ("hpke-rs", "MPL-2.0", "of OpenMLS, beside which a benchmark measures; nothing of it is handed out"),
    ("hpke-rs-crypto", "MPL-2.0", "of OpenMLS, beside which a benchmark measures; nothing of it is handed out"),
    ("hpke-rs-libcrux", "MPL-2.0", "of OpenMLS, beside which a benchmark measures; nothing of it is handed out"),
    ("hpke-rs-rust-crypto", "MPL-2.0", "of OpenMLS, beside which a benchmark measures; nothing of it is handed out"),
    ("crypto-glue", "MPL-2.0", "of webauthn-rs"),
    ("webauthn-attestation-ca", "MPL-2.0", "of webauthn-rs"),
    (
        "webauthn-rs",
        "MPL-2.0",
        "checks passkeys, unaltered; the licence is about its own files and asks for those only",
    ),
    ("webauthn-rs-core", "MPL-2.0", "of webauthn-rs"),
    ("webauthn-rs-proto", "MPL-2.0", "of webauthn-rs"),
    ("libfuzzer-sys", "NCSA", "drives the fuzz targets; nothing of it is handed out"),
    ("lightningcss", "MPL-2.0", "Vite's compiler for style sheets; nothing of it is handed out"),
];

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let metadata = project.metadata()?;
    let peers = [bench::OPENMLS_MANIFEST, bench::TABLES_MANIFEST].map(|manifest| project.metadata_of(manifest));
    let peers = peers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let packages = || metadata.packages.iter().chain(peers.iter().flat_map(|peer| &peer.packages));
    let mut refused: Vec<String> = Vec::new();
    for package in packages() {
        refused.extend(refusal(package.name.as_str(), package.license.as_deref()));
    }
    for package in metadata.workspace_packages().into_iter().filter(|package| is_published(package)) {
        refused.extend(missing_fields(package));
    }
    let lock = std::fs::read_to_string(project.root().join("package-lock.json")).context("package-lock.json")?;
    let npm = npm_packages(&serde_json::from_str(&lock).context("package-lock.json")?)?;
    for (name, licence) in &npm {
        refused.extend(refusal(name, licence.as_deref()));
    }
    for line in &refused {
        eprintln!("  {line}");
    }
    if !refused.is_empty() {
        bail!("{} packages may not be handed out as they are", refused.len());
    }
    let crates: BTreeSet<_> = packages().map(|package| &package.id).collect();
    let (crates, npm) = (crates.len(), npm.len());
    Ok(Outcome::Done(format!("{crates} crates and {npm} npm packages have a permissive licence")))
}

/// Other people's packages in npm's lock file, and the licence that each names.
fn npm_packages(lock: &Value) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let packages = lock.get("packages").and_then(Value::as_object).context("package-lock.json lists no packages")?;
    let foreign = packages.iter().filter_map(|(place, package)| {
        // A workspace of ours lies elsewhere, and has a link to it here.
        let (_, name) = place.rsplit_once("node_modules/").filter(|_| package.get("link").is_none())?;
        Some((name.to_owned(), package.get("license").and_then(Value::as_str).map(str::to_owned)))
    });
    Ok(foreign.collect())
}

/// Why the licence of a package is refused, if it is.
fn refusal(name: &str, licence: Option<&str>) -> Option<String> {
    let Some(licence) = licence else { return Some(format!("{name} names no licence")) };
    let mode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };
    let expression = match Expression::parse_mode(licence, mode) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{name}: `{licence}` is not a licence expression: {}", error.reason)),
    };
    let allowed = expression.evaluate(|requirement| is_allowed(name, requirement));
    (!allowed).then(|| format!("{name} is under `{licence}`"))
}

fn is_allowed(name: &str, requirement: &LicenseReq) -> bool {
    let Some(licence) = requirement.license.id() else { return false };
    // An SPDX exception (`WITH …`) only ever widens what a licence permits.
    ALLOWED.contains(&licence.name)
        || EXCEPTIONS.iter().any(|(package, exception, _)| is_part_of(name, package) && *exception == licence.name)
}

/// True for the package itself, and for the builds of it for one platform each: `lightningcss-linux-x64-gnu`.
fn is_part_of(name: &str, package: &str) -> bool {
    let systems = ["android", "darwin", "freebsd", "linux", "win32"];
    name.strip_prefix(package).is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix('-').is_some_and(|rest| systems.iter().any(|system| rest.starts_with(system)))
    })
}

/// What a package that is handed out must say of itself, and does not.
fn missing_fields(package: &Package) -> Option<String> {
    let fields = [
        ("description", package.description.is_some()),
        ("licence", package.license.is_some()),
        ("readme", package.readme.is_some()),
        ("repository", package.repository.is_some()),
    ];
    let missing: Vec<_> = fields.iter().filter(|(_, there)| !there).map(|(field, _)| *field).collect();
    (!missing.is_empty()).then(|| format!("{} has no {}", package.name, missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_one_allowed_side() {
        assert_eq!(refusal("a", Some("GPL-3.0-only OR MIT")), None);
        assert_eq!(refusal("a", Some("MIT/Apache-2.0")), None);
        assert_eq!(refusal("a", Some("Apache-2.0 WITH LLVM-exception")), None);
    }

    #[test]
    fn a_sum_needs_all_sides() {
        assert_eq!(refusal("a", Some("MIT AND GPL-3.0-only")), Some("a is under `MIT AND GPL-3.0-only`".into()));
    }

    #[test]
    fn no_licence_and_nonsense_are_refused() {
        assert!(refusal("a", None).is_some());
        assert!(refusal("a", Some("as you like")).is_some());
    }

    #[test]
    fn an_exception_is_for_one_crate() {
        assert_eq!(refusal("webpki-roots", Some("CDLA-Permissive-2.0")), None);
        assert!(refusal("another", Some("CDLA-Permissive-2.0")).is_some());
        assert_eq!(refusal("lightningcss-linux-x64-gnu", Some("MPL-2.0")), None);
        assert!(refusal("lightningcss-fork", Some("MPL-2.0")).is_some());
    }

    #[test]
    fn the_lock_file_names_other_peoples_packages_wherever_they_lie() {
        let lock = serde_json::json!({ "packages": {
            "": { "license": "MIT" },
            "packages/client": { "license": "MIT" },
            "node_modules/@keyfold/client": { "resolved": "packages/client", "link": true },
            "node_modules/a/node_modules/@b/c": { "license": "GPL-3.0-only" },
        }});
        assert_eq!(npm_packages(&lock).unwrap(), [("@b/c".to_owned(), Some("GPL-3.0-only".to_owned()))]);
    }
}
