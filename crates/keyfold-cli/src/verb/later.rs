//! Verbs that the contract has and this release does not. They parse, so that a script learns which of its lines waits
//! for what, and they do nothing.
//!
//! Spec: `docs/spec/cli.md`, "Later releases".

use crate::fault::Fault;
use clap::{Args, Subcommand};
use std::ffi::OsString;

/// Whatever follows such a verb.
#[derive(Args, Debug)]
pub(crate) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
}

macro_rules! later {
    ($($variant:ident $name:literal: $missing:literal,)+) => {
        /// A verb of a later release.
        #[derive(Subcommand, Debug)]
        pub(crate) enum Verb {
            $(
                #[doc = concat!("Comes with ", $missing)]
                #[command(hide = true, disable_help_flag = true)]
                $variant(Rest),
            )+
        }

        impl Verb {
            /// What it is called, and what it waits for.
            fn missing(&self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$variant(_) => ($name, $missing),)+
                }
            }

            fn rest(&self) -> &Rest {
                match self {
                    $(Self::$variant(rest) => rest,)+
                }
            }
        }
    };
}

later! {
    Form "form": "forms",
    Publish "publish": "publications",
    Verify "verify": "publications",
    Inspect "inspect": "the server's tools",
    Doctor "doctor": "the server's tools",
    Backup "backup": "the server's tools",
    Restore "restore": "the server's tools",
}

impl Verb {
    /// Whether this word follows it.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.rest().words.iter().any(|one| one == word)
    }
}

pub(crate) fn run(verb: &Verb) -> Result<(), Fault> {
    let (name, missing) = verb.missing();
    Err(Fault::later(&format!("keyfold {name}"), missing))
}

#[cfg(test)]
mod tests {
    use crate::command::Cli;
    use clap::Parser;

    #[test]
    fn json_is_heard_behind_such_a_verb_too() {
        let cli = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap();
        assert!(cli("keyfold form list --json").is_json());
        assert!(cli("keyfold form --json").is_json());
        assert!(!cli("keyfold form list").is_json());
    }
}
