//! Secrets that people give: typed at a prompt that does not show them, or read from a file or standard input. Never
//! from an argument: those are seen by everybody on the machine, and kept in the shell's history.
//!
//! Spec: `docs/spec/cli.md`, "Secrets".

use crate::fault::Fault;
use keyfold_client::{Code, Zeroizing};
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

/// No secret that people keep is longer.
const MOST: u64 = 64 << 10;

/// The whole of a file, or of standard input for `-`; the line end behind it does not count.
pub(crate) fn read(from: &Path) -> Result<Zeroizing<String>, Fault> {
    let shown = from.display().to_string();
    let mut text = Zeroizing::new(String::new());
    let read = if from == Path::new("-") {
        io::stdin().lock().take(MOST + 1).read_to_string(&mut text)
    } else {
        File::open(from).and_then(|file| file.take(MOST + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Fault::new(Code::BadText, format!("{shown} is not text")),
        _ => Fault::io(&format!("reading {shown}"), &error),
    })?;
    if length as u64 > MOST {
        return Err(Fault::new(Code::TooLarge, format!("{shown} is too long to be a secret")));
    }
    let kept = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(kept);
    Ok(text)
}

/// Refuses if two secrets of one command would both come from standard input: the first would take all of it.
pub(crate) fn apart(one: Option<&Path>, other: Option<&Path>) -> Result<(), Fault> {
    let is_piped = |from: Option<&Path>| match from {
        Some(from) => from == Path::new("-"),
        None => !io::stdin().is_terminal(),
    };
    if is_piped(one) && is_piped(other) {
        return Err(Fault::usage("two secrets cannot both come from standard input")
            .hint("Name a file for one of them, or run this where you can be asked."));
    }
    Ok(())
}

/// From the file that was named, else from a prompt, else from standard input.
pub(crate) fn ask(from: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Fault> {
    match from {
        Some(from) => read(from),
        None if io::stdin().is_terminal() => typed(prompt),
        None => read(Path::new("-")),
    }
}

/// The passphrase of a locked home. Asked for on the terminal even where standard input is something else.
pub(crate) fn passphrase(from: Option<&Path>) -> Result<Zeroizing<String>, Fault> {
    match from {
        Some(from) => read(from),
        None if io::stderr().is_terminal() => typed("Passphrase of this home: "),
        None => Err(Fault::new(Code::Locked, "this home is locked, and nobody is here to be asked")
            .hint("Name a file with the passphrase: --passphrase FILE. `keyfold unlock` takes the lock away.")),
    }
}

/// A new one: typed twice at a prompt.
pub(crate) fn ask_new(from: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Fault> {
    let first = ask(from, prompt)?;
    if from.is_none() && io::stdin().is_terminal() && *typed("Once more: ")? != *first {
        return Err(Fault::usage("these are not the same"));
    }
    Ok(first)
}

fn typed(prompt: &str) -> Result<Zeroizing<String>, Fault> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| Fault::io("reading the answer", &error))
}

/// Whether a person says yes. Where nobody can be asked, the flag that says it was missing.
pub(crate) fn confirm(question: &str, flag: &str) -> Result<bool, Fault> {
    if !io::stdin().is_terminal() {
        return Err(
            Fault::usage(format!("nobody is here to be asked: {question}")).hint(format!("Say it with {flag}."))
        );
    }
    let mut answer = String::new();
    let asked = write!(io::stderr().lock(), "{question} [y/N] ").and_then(|()| io::stderr().lock().flush());
    asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).map_err(|error| Fault::io("asking", &error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
