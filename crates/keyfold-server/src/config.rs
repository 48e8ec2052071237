//! What an operator sets. Everything has a default; an empty folder is enough.

use crate::{gate::Gate, limits::Rates};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// How a server runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the database; made if it is not there.
    pub data: PathBuf,
    /// Folder of the server's own secrets, which a backup of the data leaves out. Default: `data` with `-secrets`
    /// behind.
    pub secrets: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A PostgreSQL database that is told who is in which keychain: its address, with the role that writes the table.
    pub members: Option<DatabaseAddress>,
    /// How accounts are let in.
    pub gate: Gate,
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// Of these from one address, or one IPv6 network of 64 bits; more are closed at once.
    pub connections_per_address: usize,
    /// Bytes of request bodies in memory at the same time; a quarter is for those who are not logged in.
    pub body_memory: usize,
    /// How long a request's head, and then its body, and the opening of an event stream may take.
    pub read_timeout: Duration,
    /// How long a client may take nothing of an answer; what it does take earns more time, at 8 KiB a second.
    pub write_timeout: Duration,
    /// How long a stop waits for requests to finish.
    pub stop_timeout: Duration,
    /// How often whom is answered.
    pub rates: Rates,
}

/// Where a database is, with what its role logs in with: nothing prints it.
#[derive(Clone)]
pub struct DatabaseAddress(pub String);

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseAddress")
    }
}

impl Config {
    /// Defaults, with the data in this folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            secrets: None,
            listen: (Ipv4Addr::LOCALHOST, 8787).into(),
            members: None,
            gate: Gate::Open,
            connections: 4_096,
            connections_per_address: 1_024,
            body_memory: 256 << 20,
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(10),
            rates: Rates::default(),
        }
    }

    /// Where the secrets lie.
    pub fn secrets_folder(&self) -> PathBuf {
        self.secrets.clone().unwrap_or_else(|| {
            let mut name = self.data.file_name().unwrap_or_default().to_owned();
            name.push("-secrets");
            self.data.with_file_name(name)
        })
    }
}
