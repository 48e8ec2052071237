//! What an operator sets. Everything has a default; an empty folder is enough.

use crate::limits::Rates;
use keyfold_protocol::wire::Gate;
use std::{
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
    /// How accounts are let in.
    pub gate: Gate,
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// How long a request's head, and then its body, may take to arrive.
    pub read_timeout: Duration,
    /// How long a stop waits for requests to finish.
    pub stop_timeout: Duration,
    /// How often whom is answered.
    pub rates: Rates,
}

impl Config {
    /// Defaults, with the data in this folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            secrets: None,
            listen: (Ipv4Addr::LOCALHOST, 8787).into(),
            gate: Gate::Open,
            connections: 4_096,
            read_timeout: Duration::from_secs(30),
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
