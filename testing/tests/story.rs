//! The stories of the guides, run as they are written: the commands of a page, from top to bottom, in one shell. What
//! the page says must then be true.
#![cfg(unix)]

use keyfold_testing::keyfold_bin::{binary, files};
use keyfold_testing::port::own_port;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const TWO_PEOPLE: &str = include_str!("../../docs/guides/two-people-share-a-key.md");
const GROUPS: &str = include_str!("../../docs/guides/groups-and-owners.md");
const LOST: &str = include_str!("../../docs/guides/lost-my-laptop.md");
const ADDRESS: &str = "127.0.0.1:8787";

/// What stands between ```sh and ```, in order.
fn commands(guide: &str) -> String {
    let mut commands = String::new();
    let mut inside = false;
    for line in guide.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => commands.extend([line, "\n"]),
            _ => {}
        }
    }
    commands
}

/// The place of each of these lines in the text, which must all be there.
fn places(text: &str, lines: &[&str]) -> Vec<usize> {
    let place = |line: &&str| text.find(line).unwrap_or_else(|| panic!("`{line}` is missing in:\n{text}"));
    lines.iter().map(place).collect()
}

/// True if the file has any of the needles, which all have one length.
fn has_any(path: &Path, needles: &[Vec<u8>]) -> bool {
    let bytes = std::fs::read(path).unwrap();
    let needles: std::collections::HashSet<&[u8]> = needles.iter().map(Vec::as_slice).collect();
    let length = needles.iter().next().unwrap().len();
    bytes.windows(length).any(|window| needles.contains(window))
}

/// Runs a page in `folder`. Gives what its commands said.
fn play(guide: &str, folder: &Path) -> String {
    // The guide's port may be in use here; everything else runs as it stands.
    let free = format!("127.0.0.1:{}", own_port());
    let commands = commands(guide);
    assert!(commands.contains(ADDRESS), "the guide starts a server");
    // A page that stops half-way leaves no server behind, which would hold the ends of the pipes that are read here.
    let begin = "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT";
    let script = format!("{begin}\nPATH={}:$PATH\n{}", programs(folder), commands.replace(ADDRESS, &free));
    let work = folder.join("work");
    std::fs::create_dir(&work).unwrap();
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(&script).current_dir(&work).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYFOLD_")) {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn the_guide_to_groups_and_owners_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let said = play(GROUPS, folder.path());
    let order = places(
        &said,
        &[
            "server key",
            "refused, exit status 3",
            "three eggs",
            "group:house group:family",
            "four eggs",
            "carol: refused, exit status 3",
            "an owner cannot be banned, exit status 3",
            "remove:bob",
            "not about himself, exit status 3",
        ],
    );
    assert!(order.is_sorted(), "{order:?} in:\n{said}");
    assert!(said.contains("took notice of"), "the history says why the keychain made a key:\n{said}");
    assert_eq!(said.matches("three eggs").count(), 2, "bob and carol read what was there before:\n{said}");
}

#[test]
fn the_guide_to_a_lost_laptop_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let said = play(LOST, folder.path());
    let order = places(
        &said,
        &[
            "There is no way back",
            "24 paper.txt",
            "Nothing is missing.",
            "written before",
            // 1, with the phone.
            "1 device is out of the account",
            "written after the train",
            "laptop: refused, exit status 3",
            // 2, with the paper.
            "You are back.",
            "this one",
            "misread: exit status 2",
            // 3, with shares.
            "This device is in.",
            "ways back gone with them",
            "written after the theft",
            "thief: refused, exit status 3",
            "thief: not a device of hers, exit status 3",
            "the old shares: exit status 3",
            // 4, with nothing but a sign-in.
            "borrowed: exit status 4",
            "These ask to be let in",
            "borrowed: not let in, exit status 4",
            // 5, with nothing.
            "bob: no way back, exit status 4",
            "bob: the name is taken, exit status 3",
        ],
    );
    assert!(order.is_sorted(), "{order:?} in:\n{said}");
    assert_eq!(said.matches("written after the theft").count(), 1, "she reads it and nobody else:\n{said}");
    assert_eq!(said.matches("written before").count(), 1, "{said}");
}

#[test]
fn the_guide_to_sharing_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let said = play(TWO_PEOPLE, folder.path());
    let work = folder.path().join("work");

    // In the order of the page.
    let order = places(
        &said,
        &[
            "server key",
            "keychainUpdated     summer in Lisbon",
            "keyReceived",
            "the same, to the last byte",
            "refused, exit status 3",
            "and there is no file",
            "not found, exit status 4",
            "the server does not know the purpose",
            "surprise for Bob",
            "Nothing new.",
        ],
    );
    assert!(order.is_sorted(), "{order:?} in:\n{said}");
    let seen = std::fs::read_to_string(work.join("bob-sees.txt")).unwrap();
    assert_eq!(seen.matches("keychainUpdated").count(), 1, "{seen}");
    assert_eq!(seen.matches("keyReceived").count(), 1, "{seen}");
    let nothing_new = said.find("Nothing new.").unwrap();
    assert!(!said[nothing_new..].contains("surprise"), "{said}");

    let film = work.join("film.mp4");
    assert_eq!(std::fs::metadata(&film).unwrap().len(), 1 << 30);
    assert!(!work.join("stolen.mp4").exists());

    // Neither the purpose nor the film is anywhere in the server's folders: looked at as bytes, and the film at
    // its start and its end.
    let mut samples = Vec::new();
    let mut start = vec![0; 4096];
    File::open(&film).unwrap().read_exact(&mut start).unwrap();
    samples.extend(start.chunks_exact(16).map(<[u8]>::to_vec));
    samples.push(b"summer in Lisbon".to_vec());
    samples.push(b"surprise for Bob".to_vec());
    let stored: Vec<_> = ["server", "server-secrets"].iter().flat_map(|name| files(&work.join(name))).collect();
    assert!(stored.len() >= 2, "{stored:?}");
    for path in &stored {
        assert!(!has_any(path, &samples), "{}", path.display());
    }
    assert!(has_any(&film, &samples), "the look finds what is there");
}

/// A folder that has the binary under the name that the guide calls it by.
fn programs(folder: &Path) -> String {
    let programs = folder.join("bin");
    std::fs::create_dir(&programs).unwrap();
    let target = std::path::absolute(binary()).unwrap();
    std::os::unix::fs::symlink(target, programs.join("keyfold")).unwrap();
    programs.display().to_string()
}
