//! What can be typed: the flags of every verb, and what is said when it was typed wrong.
//!
//! Spec: `docs/spec/cli.md`.

use crate::fault::Fault;
use crate::output::Output;
use crate::verb::{
    accept, audit, ban, completions, decrypt, device, encrypt, group, index, keychain, later, leave, lock, login,
    logout, owners, participants, permissions, recovery, serve, share, signup, slot, unshare, user, vault, whoami,
};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use keyfold_client::Code;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// End-to-end encryption that people share: keychains, files and values that the server cannot read.
#[derive(Parser, Debug)]
#[command(name = "keyfold", version, disable_help_subcommand = true)]
#[command(after_help = "KC is the purpose of a keychain, or its fingerprint. G is the name of a group. \
                        WHO is a user id, or group:NAME.\n\
                        Exit status: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, \
                        5 could not be verified, 6 network.")]
pub(crate) struct Cli {
    /// The folder that holds this device [default: in the platform's configuration folder]
    #[arg(long, global = true, env = "KEYFOLD_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// The file with the passphrase of a home that is locked; `-` for standard input [default: ask for it]
    #[arg(long, global = true, env = "KEYFOLD_PASSPHRASE", value_name = "FILE")]
    pub(crate) passphrase: Option<PathBuf>,

    /// Print JSON for programs; errors too
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Cli {
    /// Whether programs read along. After a verb of a later release, flags are among the words that it ignores.
    pub(crate) fn is_json(&self) -> bool {
        self.json || matches!(&self.verb, Verb::Later(verb) if verb.has("--json"))
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Verb {
    /// Run a server
    Serve(serve::Options),
    /// Make an account, with this device as its first
    Signup(signup::Options),
    /// Log this device in again
    Login(login::Options),
    /// Log this device out; what it keeps can no longer be opened until it logs in
    Logout(logout::Options),
    /// Lock this home with a passphrase, or with another one
    Lock(lock::Options),
    /// Take the lock of this home away
    Unlock,
    /// Say who this device belongs to
    Whoami(whoami::Options),
    /// Look up a person's identity, remember it, and compare it by safety words
    User(user::Options),
    /// Make, list, show and rotate keychains
    #[command(subcommand)]
    Keychain(keychain::Command),
    /// Share a keychain with one or many people
    Share(share::Options),
    /// List what was shared and not yet received
    Shares,
    /// Cancel a share that was not yet received
    Unshare(unshare::Options),
    /// Take a share that waits for an answer, or list those that do
    Accept(accept::Options),
    /// Refuse a share that waits for an answer
    Decline(accept::Options),
    /// List who is in a keychain
    Participants(participants::Options),
    /// Say what a member of a keychain may do, and change it
    Permissions(permissions::Options),
    /// Put somebody out of a keychain, with a new key for the others
    Ban(ban::Options),
    /// Leave a keychain
    Leave(leave::Options),
    /// Say who owns a keychain, and decide with the other owners
    Owners(owners::Options),
    /// Make, list and show groups, and say who is in them
    #[command(subcommand)]
    Group(group::Command),
    /// List the account's devices, let one in, put one out
    #[command(subcommand)]
    Device(device::Command),
    /// Keep ways back into the account, and use one
    #[command(subcommand)]
    Recovery(recovery::Command),
    /// Encrypt a file, or standard input
    Encrypt(encrypt::Options),
    /// Decrypt a file, or standard input
    Decrypt(decrypt::Options),
    /// Say who can open an encrypted file, and change that
    Slot(slot::Options),
    /// Keep files in a keychain: put, get, list, move them, and what they were before
    Vault(vault::Options),
    /// Keep an ordered map in a keychain, and find things in it
    Index(index::Options),
    /// Tell who did what in a keychain, verified; and what proves it to others
    Audit(audit::Options),
    /// Take in what arrived
    Sync,
    /// Follow what arrives, line by line
    Watch,
    /// Print a completion script for a shell
    Completions(completions::Options),
    #[command(flatten)]
    Later(later::Verb),
}

/// Says what clap found: help and version on standard output, mistakes on standard error.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that closed the pipe has seen enough of the help.
        write!(io::stdout().lock(), "{}", error.render()).ok();
        return ExitCode::SUCCESS;
    }
    // There is no parsed command line to ask: this is why it did not parse.
    if std::env::args_os().any(|argument| argument == "--json") {
        return Output::new(true).fail(&fault(error));
    }
    write!(io::stderr().lock(), "{}", error.render().ansi()).ok();
    ExitCode::from(fault(error).exit())
}

/// A mistake in the command line, in one sentence.
fn fault(error: &clap::Error) -> Fault {
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let fault = match error.kind() {
        ErrorKind::InvalidUtf8 => Fault::new(Code::BadText, "an argument is not UTF-8"),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Fault::usage("a verb is missing"),
        ErrorKind::MissingRequiredArgument => Fault::usage(match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::Strings(missing)) => format!("{} is missing", missing.join(", ")),
            _ => message,
        }),
        _ => Fault::usage(message),
    };
    fault.hint("`keyfold --help` lists the verbs, `keyfold VERB --help` what a verb takes.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_flags_contradict_nothing() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_line_of_the_contract_parses() {
        for line in include_str!("../tests/contract.txt").lines().filter(|line| !line.starts_with('#')) {
            if let Err(error) = parse(line) {
                panic!("{line}\n{error}");
            }
        }
    }

    #[test]
    fn flags_of_every_verb_may_stand_after_it() {
        let cli = parse("keyfold whoami --json --home there").unwrap();
        assert!(cli.is_json() && cli.home.as_deref() == Some("there".as_ref()));
    }

    #[test]
    fn a_mistake_exits_2_and_names_what_is_missing() {
        let fault = fault(&parse("keyfold signup alice").unwrap_err());
        assert_eq!((fault.code(), fault.exit()), ("Usage", 2));
        assert!(fault.message().contains("--server"), "{}", fault.message());
    }

    #[cfg(unix)]
    #[test]
    fn an_argument_that_is_not_utf_8_is_bad_text() {
        use std::os::unix::ffi::OsStringExt;
        let words = [b"keyfold".to_vec(), b"user".to_vec(), vec![0xff]].map(std::ffi::OsString::from_vec);
        assert_eq!(fault(&Cli::try_parse_from(words).unwrap_err()).code(), "BadText");
    }
}
