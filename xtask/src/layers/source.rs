//! What the source names. Tokens are read, not lines: comments and texts may say what they like, and
//! `use std::{fs, time}` is two paths. Items under `#[cfg(test)]` are not looked at.

use crate::project::Project;
use anyhow::Context;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A rule: these paths are not named in these folders, except there.
struct Rule {
    why: &'static str,
    /// A path is forbidden that has these segments in a row.
    paths: &'static [&'static str],
    folders: &'static [&'static str],
    except: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        why: "time, files, network and randomness are arguments here",
        paths: &[
            "std::env",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "std::time",
            "SystemTime",
            "Instant",
            "OsRng",
            "SysRng",
            "ThreadRng",
            "thread_rng",
            "getrandom",
            "tokio",
        ],
        folders: &[
            "crates/keyfold-format/src",
            "crates/keyfold-core/src",
            "crates/keyfold-index/src",
            "crates/keyfold-protocol/src",
            "crates/keyfold-client/src",
        ],
        except: &["crates/keyfold-client/src/native", "crates/keyfold-client/src/stores"],
    },
    Rule {
        why: "SQL is spoken in the stores alone: the server's, and the client's in PostgreSQL",
        paths: &["sqlx"],
        folders: &["crates"],
        except: &["crates/keyfold-server/src/store", "crates/keyfold-client/src/stores/postgres"],
    },
    Rule {
        why: "the suite alone calls crypto crates for secret work; the server's own secrets have one module",
        paths: &["aes_gcm", "aws_lc_rs", "hkdf", "hmac", "hpke", "ed25519_dalek::SigningKey"],
        folders: &["crates"],
        except: &["crates/keyfold-core/src/suite", "crates/keyfold-server/src/secrets"],
    },
    Rule { why: "`unsafe` is forbidden", paths: &["unsafe"], folders: &["."], except: &[] },
];

/// Looks at every source file; returns how many there were, and the violations.
pub(super) fn check(project: &Project) -> anyhow::Result<(usize, Vec<String>)> {
    let mut files = Vec::new();
    for folder in ["crates", "testing", "benches", "xtask", "fuzz"] {
        collect(&project.root().join(folder), &mut files)?;
    }
    let mut violations = Vec::new();
    for file in &files {
        let place = file.strip_prefix(project.root())?;
        let text = std::fs::read_to_string(file).with_context(|| place.display().to_string())?;
        violations.extend(violations_in(place, &text)?);
    }
    Ok((files.len(), violations))
}

/// All Rust files under a folder, sorted.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() && !entry.ends_with("target") {
            collect(&entry, into)?;
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push(entry);
        }
    }
    Ok(())
}

fn violations_in(place: &Path, text: &str) -> anyhow::Result<Vec<String>> {
    let rules: Vec<_> = RULES.iter().filter(|rule| rule.covers(place)).collect();
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let tokens =
        TokenStream::from_str(text).map_err(|error| anyhow::anyhow!("{} does not parse: {error}", place.display()))?;
    let mut violations = Vec::new();
    for (path, line) in paths(tokens) {
        for rule in &rules {
            if let Some(forbidden) = rule.paths.iter().find(|forbidden| names(&path, forbidden)) {
                violations.push(format!("{}:{line} names `{forbidden}`: {}", place.display(), rule.why));
            }
        }
    }
    Ok(violations)
}

impl Rule {
    fn covers(&self, place: &Path) -> bool {
        let tests = place.with_extension("").components().any(|part| part.as_os_str() == "tests");
        let covered = self.folders.iter().any(|folder| *folder == "." || (place.starts_with(folder) && !tests));
        // An exception is a folder or the file of that name: `suite/` and `suite.rs`.
        covered
            && !self.except.iter().any(|except| place.starts_with(except) || place.with_extension("").ends_with(except))
    }
}

/// True if `path` has the segments of `forbidden` in a row.
fn names(path: &[String], forbidden: &str) -> bool {
    let forbidden: Vec<_> = forbidden.split("::").collect();
    path.windows(forbidden.len()).any(|window| window == forbidden)
}

/// A path as it was written, resolved through the braces of a `use`, and the line that it ends in.
type Named = (Vec<String>, usize);

fn paths(tokens: TokenStream) -> Vec<Named> {
    let mut found = Vec::new();
    walk(tokens, &[], &mut found);
    found
}

/// Collects the paths of a stream of tokens; `prefix` is what stands before the braces around it.
fn walk(tokens: TokenStream, prefix: &[String], found: &mut Vec<Named>) {
    let mut tokens: VecDeque<TokenTree> = tokens.into_iter().collect();
    let mut path = prefix.to_vec();
    let mut continues = !prefix.is_empty();
    while let Some(token) = tokens.pop_front() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if is_test_attribute(tokens.front()) {
                    skip_item(&mut tokens);
                }
                (path, continues) = (prefix.to_vec(), !prefix.is_empty());
            }
            TokenTree::Ident(ident) => {
                if !continues {
                    path.clear();
                }
                path.push(ident.to_string());
                if !goes_on(&tokens) {
                    found.push((path.clone(), ident.span().start().line));
                }
                continues = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                let doubled = matches!(tokens.front(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                if doubled {
                    tokens.pop_front();
                }
                continues = doubled && !path.is_empty();
            }
            TokenTree::Group(group) => {
                let under = if continues && group.delimiter() == Delimiter::Brace { path.as_slice() } else { &[] };
                walk(group.stream(), under, found);
                (path, continues) = (prefix.to_vec(), !prefix.is_empty());
            }
            // A comma inside the braces of a `use` goes back to what stands before them.
            TokenTree::Punct(_) | TokenTree::Literal(_) => (path, continues) = (prefix.to_vec(), !prefix.is_empty()),
        }
    }
}

/// True if what follows lengthens the path: `::name`, or `::{…}`, whose parts are paths of their own.
fn goes_on(tokens: &VecDeque<TokenTree>) -> bool {
    let is_colon = |at| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(0) && is_colon(1) && matches!(tokens.get(2), Some(TokenTree::Ident(_) | TokenTree::Group(_)))
}

/// True for the brackets of `#[cfg(test)]` and of `#[cfg(all(test, …))]`.
fn is_test_attribute(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(brackets)) = token else { return false };
    let text: String = brackets.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,") || text == "test"
}

/// Drops the item that an attribute stands on: up to its `;` or its body.
fn skip_item(tokens: &mut VecDeque<TokenTree>) {
    while let Some(token) = tokens.pop_front() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(place: &str, text: &str) -> Vec<String> {
        violations_in(Path::new(place), text).unwrap()
    }

    const FORMAT: &str = "crates/keyfold-format/src/entry.rs";

    #[test]
    fn a_clock_in_a_pure_layer_is_found_however_it_is_written() {
        for text in [
            "use std::time::SystemTime;",
            "use std::{fmt, time};",
            "use std::{fmt::{self, Debug}, time::{Duration, Instant}};",
            "fn now() -> u64 { ::std::time::UNIX_EPOCH.elapsed() }",
            "fn f() { let t = Instant::now(); }",
            "use std::fs::*;",
            "fn f() { std::env::args::<T>() }",
            "#[derive(Debug)] struct A; fn f() { g!(std::time::Duration) }",
        ] {
            assert!(!found(FORMAT, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_line_is_named() {
        let found = found(FORMAT, "//! std::fs\n\nuse std::fs;\n");
        assert_eq!(found.len(), 1);
        assert!(found.first().unwrap().starts_with("crates/keyfold-format/src/entry.rs:3 names `std::fs`"));
    }

    #[test]
    fn comments_texts_and_tests_may_name_it() {
        for text in [
            "/// Not std::time::Instant.\nfn f() { g(\"std::time\") }",
            "#[cfg(test)]\nmod tests { use std::time::Instant; }",
            "#[cfg(test)]\nuse std::fs;\nfn f() {}",
            "use core::time::Duration; use std::fmt; fn time(fs: u8) {}",
        ] {
            assert_eq!(found(FORMAT, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_follows_a_test_item_is_looked_at_again() {
        assert!(!found(FORMAT, "#[cfg(test)]\nmod tests { use std::fs; }\nuse std::net::TcpStream;").is_empty());
    }

    #[test]
    fn the_clients_driver_may_do_io_and_its_state_machine_may_not() {
        let text = "use tokio::net::TcpStream; use std::time::Instant;";
        assert!(found("crates/keyfold-client/src/native/transport.rs", text).is_empty());
        assert!(found("crates/keyfold-client/src/native.rs", text).is_empty());
        assert_eq!(found("crates/keyfold-client/src/machine.rs", text).len(), 2);
    }

    #[test]
    fn sql_stays_in_the_stores() {
        assert!(found("crates/keyfold-server/src/store/sqlite/mod.rs", "use sqlx::Row;").is_empty());
        assert!(found("crates/keyfold-client/src/stores/postgres.rs", "use sqlx::Row;").is_empty());
        assert_eq!(found("crates/keyfold-client/src/stores/bucket.rs", "use sqlx::Row;").len(), 1);
        assert_eq!(found("crates/keyfold-server/src/http/mod.rs", "use sqlx::Row;").len(), 1);
    }

    #[test]
    fn secret_work_stays_in_the_suite() {
        assert!(found("crates/keyfold-core/src/suite.rs", "use hpke::Kem;").is_empty());
        assert!(found("crates/keyfold-core/src/suite/aead.rs", "use aes_gcm::Aes256Gcm;").is_empty());
        assert_eq!(found("crates/keyfold-core/src/device.rs", "use ed25519_dalek::{SigningKey, Signer};").len(), 1);
        assert!(found("crates/keyfold-format/src/key.rs", "use ed25519_dalek::VerifyingKey;").is_empty());
    }

    #[test]
    fn unsafe_is_found_everywhere() {
        assert_eq!(found("testing/src/lib.rs", "fn f() { unsafe { g() } }").len(), 1);
        assert!(found("testing/src/lib.rs", "#![forbid(unsafe_code)]").is_empty());
    }
}
