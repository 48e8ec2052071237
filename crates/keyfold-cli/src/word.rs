//! Words that look like flags and are none. One fingerprint or key in 64 starts with `-`, and is typed, or pasted by a
//! script, where clap would take it for flags: it is shielded before clap sees it, and unshielded in the field.

use std::ffi::OsString;

/// Fingerprints and keys: 32 bytes in base64url.
const LENGTH: usize = 43;
/// Stands for the leading `-`. No keyboard has it, and Unicode has promised it to nobody.
const SHIELD: char = '\u{fdd0}';

/// The words of a command line, ready for clap.
pub(crate) fn shielded(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let shield = |word: OsString| match word.to_str().and_then(|word| word.strip_prefix('-')) {
        Some(rest) if is_rest(rest) => format!("{SHIELD}{rest}").into(),
        _ => word,
    };
    words.into_iter().map(shield).collect()
}

/// A word as it was typed; what clap calls for every name, fingerprint and key.
// The error is what the signature that clap asks for needs.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn typed(word: &str) -> Result<String, std::convert::Infallible> {
    Ok(match word.strip_prefix(SHIELD) {
        Some(rest) if is_rest(rest) => format!("-{rest}"),
        _ => word.to_owned(),
    })
}

/// True for all but the first character of a fingerprint. No flag is as long.
fn is_rest(rest: &str) -> bool {
    rest.len() == LENGTH - 1 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Cli;
    use clap::Parser;

    const KEY: &str = "-hoTestsThatAFingerprintIsNotTakenForHelp12";

    fn parse(line: &[&str]) -> String {
        let cli = Cli::try_parse_from(shielded(line.iter().map(Into::into))).unwrap();
        format!("{cli:?}")
    }

    #[test]
    fn a_fingerprint_that_starts_with_two_dashes_is_taken_too() {
        let key = format!("--{}", &KEY[2..]);
        assert_eq!(parse(&["keyfold", "participants", &key]).matches(&key).count(), 1);
    }

    #[test]
    fn no_flag_is_as_long_as_a_fingerprint() {
        fn longest(command: &clap::Command) -> usize {
            let own = command.get_arguments().filter_map(|argument| argument.get_long()).map(str::len);
            own.chain(command.get_subcommands().map(longest)).max().unwrap_or_default()
        }
        assert!(longest(&<Cli as clap::CommandFactory>::command()) + 2 < LENGTH);
    }

    #[test]
    fn a_fingerprint_that_starts_with_a_dash_is_taken_as_it_was_typed() {
        assert_eq!(KEY.len(), LENGTH);
        for line in [
            &["keyfold", "keychain", "show", KEY][..],
            &["keyfold", "keychain", "rotate", KEY],
            &["keyfold", "share", KEY, "bob", "--keys", KEY],
            &["keyfold", "unshare", "bob", KEY],
            &["keyfold", "participants", KEY],
            &["keyfold", "permissions", KEY, "bob", "--allow", "sharing"],
            &["keyfold", "ban", KEY, "bob"],
            &["keyfold", "leave", KEY],
            &["keyfold", "encrypt", KEY, "-o", "out", "--also", KEY],
            &["keyfold", "slot", "file", "add", KEY],
            &["keyfold", "slot", "file", "remove", KEY],
            &["keyfold", "signup", "alice", "--server", "url", "--server-key", KEY],
            &["keyfold", "device", "approve", KEY],
            &["keyfold", "device", "decline", KEY],
            &["keyfold", "device", "rename", KEY, "phone"],
            &["keyfold", "device", "revoke", KEY, "--keep", KEY],
            &["keyfold", "recovery", "remove", KEY],
            &["keyfold", "recovery", "recover", "alice", "--server", "url", "--paper", "file", "--revoke", KEY],
        ] {
            let times = line.iter().filter(|word| **word == KEY).count();
            assert_eq!(parse(line).matches(KEY).count(), times, "{line:?}");
        }
    }

    #[test]
    fn flags_and_other_words_stay_what_they_are() {
        let words = ["--read-only", "-o", "-", "--", "notes", &KEY[1..], &format!("{KEY}x"), &format!("-{KEY}")];
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        assert_eq!(shielded(words.clone()), words);
    }
}
