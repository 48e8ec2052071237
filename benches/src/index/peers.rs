//! The peers, each a program of its own in `benches/peers/tables`: SQLite and SQLCipher do not fit into one.

use super::Options;
use super::costs::Costs;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    Redb,
    Sqlite,
    Sqlcipher,
    Slate,
}

/// All of them, in the order of the tables.
pub(super) const PEERS: [Peer; 4] = [Peer::Redb, Peer::Sqlite, Peer::Sqlcipher, Peer::Slate];

/// The versions that the tables name.
pub(super) const VERSIONS: &str = "redb 4.5.0, SQLite and SQLCipher of rusqlite 0.40.1, SlateDB 0.18.0";

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::Sqlite => "SQLite",
            Self::Sqlcipher => "SQLCipher",
            Self::Slate => "SlateDB",
        }
    }

    /// One turn. `programs`: the folder with `tables` and `cipher`.
    pub(super) fn measure(self, programs: &Path, samples: &Path, options: &Options) -> anyhow::Result<Costs> {
        let folder = if self == Self::Sqlcipher { "cipher" } else { "tables" };
        let program: PathBuf = programs.join(folder).join("release").join("keyfold-peer-tables");
        let place = tempfile::tempdir_in(samples)?;
        let mut command = Command::new(program);
        command.arg(self.name().to_lowercase()).arg(place.path());
        command.arg(options.entries.to_string()).arg(options.few.to_string());
        let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("{command:?} did not start"))?;
        ensure!(output.status.success(), "{command:?} failed");
        serde_json::from_slice(&output.stdout).context("no costs")
    }
}
