//! Why a command failed: what is printed, and the exit status. Separate from the libraries' errors because some
//! failures are the command line's own: a flag that does not fit, a closed pipe.
//!
//! Spec: `docs/spec/cli.md`, "Errors and exit status".

use keyfold_client::{Class, Code};
use std::io;

/// A failure, as it is shown.
#[derive(Debug)]
pub(crate) struct Fault {
    code: &'static str,
    message: String,
    hint: Option<String>,
    exit: u8,
    silent: bool,
}

impl Fault {
    /// With one of the codes that server, client and command line share.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str(), message: message.into(), hint: None, exit: code.class().exit(), silent: false }
    }

    /// The command was not typed as it can be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: "Usage", message: message.into(), hint: None, exit: Class::Usage.exit(), silent: false }
    }

    /// The contract has it, and this release does not: `what` names it, `missing` what it waits for.
    pub(crate) fn later(what: &str, missing: &str) -> Self {
        let fault = Self::new(Code::Unsupported, format!("`{what}` is not in this release"));
        Self { exit: Class::Failed.exit(), ..fault }.hint(format!("It comes with {missing}."))
    }

    /// Reading or writing went wrong while `doing`.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => {
                Self { silent: true, ..Self::new(Code::Io, format!("{doing}: nobody reads any more")) }
            }
            io::ErrorKind::NotFound => Self::new(Code::UnknownFile, format!("{doing}: there is no such file")),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(Code::StorageFull, format!("{doing}: the disk is full"))
                    .hint("Free some space and try again.")
            }
            _ => Self::new(Code::Io, format!("{doing}: {error}")),
        }
    }

    /// With advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what was done before.
    #[must_use]
    pub(crate) fn after(mut self, done: &str) -> Self {
        self.message.push_str(done);
        self
    }

    /// With where it happened.
    #[must_use]
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The stable name.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// True if there is nobody left to tell: whoever read our output has closed it.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }
}

impl From<keyfold_client::Error> for Fault {
    fn from(error: keyfold_client::Error) -> Self {
        Self { hint: error.hint, ..Self::new(error.code, error.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_of_a_later_release_exits_1_and_says_what_is_missing() {
        let fault = Fault::later("ban", "bans");
        assert_eq!((fault.code(), fault.exit(), fault.advice()), ("Unsupported", 1, Some("It comes with bans.")));
    }

    #[test]
    fn only_a_closed_pipe_is_silent() {
        assert!(Fault::io("writing", &io::ErrorKind::BrokenPipe.into()).is_silent());
        assert!(!Fault::io("writing", &io::ErrorKind::PermissionDenied.into()).is_silent());
    }

    #[test]
    fn a_full_disk_and_a_missing_file_have_codes_of_their_own() {
        assert_eq!(Fault::io("writing", &io::ErrorKind::StorageFull.into()).code(), "StorageFull");
        let missing = Fault::io("reading", &io::ErrorKind::NotFound.into());
        assert_eq!((missing.code(), missing.exit()), ("UnknownFile", 4));
    }
}
