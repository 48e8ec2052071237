//! What no tracked file may name: places that exist only where it was written. A checkout builds anywhere, so a path
//! of somebody's machine or the host of a package registry in it is a mistake.

use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::bail;

/// The words, each written in parts, so that this file passes its own check.
const FORBIDDEN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "briefs"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("registry.yarnpkg", ".com"),
    // An address in a lock file of npm, whoever's it is.
    concat!("\"resolved\": \"", "http"),
    concat!("proxy.golang", ".org"),
    concat!("files.python", "hosted.org"),
];

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let mut list = project.command("git");
    // New files count as soon as they exist, so that the check speaks before the commit.
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let files = project::printed(&mut list)?;
    let mut lines = Vec::new();
    let mut looked_at = 0;
    for name in files.split_terminator('\0') {
        let Ok(bytes) = std::fs::read(project.root().join(name)) else { continue };
        looked_at += 1;
        let text = String::from_utf8_lossy(&bytes);
        lines.extend(found(&text).map(|(line, word)| format!("{name}:{line} names `{word}`")));
    }
    for line in &lines {
        eprintln!("  {line}");
    }
    if !lines.is_empty() {
        bail!("{} lines name a place that others do not have", lines.len());
    }
    Ok(Outcome::Done(format!("{looked_at} files name no private place")))
}

/// The lines of a text that name something forbidden.
fn found(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    text.lines().zip(1..).flat_map(|(line, number)| {
        FORBIDDEN.iter().filter(move |word| names(line, word)).map(move |word| (number, *word))
    })
}

/// True if `line` has `word`, and not as the middle of a longer path or host.
fn names(line: &str, word: &str) -> bool {
    let inside = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c));
    line.match_indices(word).any(|(at, _)| !line.get(..at).is_some_and(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_is_found_and_a_relative_one_is_not() {
        let folder = FORBIDDEN.first().unwrap();
        assert_eq!(found(&format!("a\nread {folder}x\n")).collect::<Vec<_>>(), [(2, *folder)]);
        assert_eq!(found(&format!("target/bench{folder}x")).count(), 0);
    }

    #[test]
    fn every_word_is_found() {
        for word in FORBIDDEN {
            assert!(names(&format!("see {word}"), word), "{word}");
        }
    }

    #[test]
    fn this_file_passes() {
        assert_eq!(found(include_str!("words.rs")).count(), 0);
    }
}
