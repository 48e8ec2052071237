//! One run of the command line: whose home it works on, and how it shows what it did.

use crate::fault::Fault;
use crate::output::Output;
use crate::secret;
use etcetera::BaseStrategy;
use keyfold_client::Client;
use std::path::PathBuf;

/// What every verb of a client gets.
#[derive(Debug)]
pub(crate) struct Session {
    home: Option<PathBuf>,
    /// Where the passphrase of a locked home stands.
    passphrase: Option<PathBuf>,
    /// How results are shown.
    pub(crate) output: Output,
}

impl Session {
    pub(crate) fn new(home: Option<PathBuf>, passphrase: Option<PathBuf>, output: Output) -> Self {
        Self { home, passphrase, output }
    }

    /// The person's client, unlocked. It need not have an account yet; a verb that needs one says so.
    pub(crate) fn client(&self) -> Result<Client, Fault> {
        let client = self.client_as_it_is()?;
        if client.is_locked()? {
            client.unlock(&secret::passphrase(self.passphrase.as_deref())?)?;
        }
        Ok(client)
    }

    /// The same, which stays locked unless a passphrase was named: for who forgot it.
    pub(crate) fn client_to_forget(&self) -> Result<Client, Fault> {
        if self.passphrase.is_some() { self.client() } else { self.client_as_it_is() }
    }

    fn client_as_it_is(&self) -> Result<Client, Fault> {
        let home = match &self.home {
            Some(home) => home.clone(),
            None => platform()?.config,
        };
        Ok(Client::open(&home)?)
    }
}

/// What this machine is called, as the name of a device.
pub(crate) fn machine() -> String {
    let name = std::fs::read_to_string("/etc/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "computer".to_owned())
}

/// Where this platform keeps what belongs to this program.
pub(crate) struct Folders {
    /// A person's device.
    pub(crate) config: PathBuf,
    /// A server's data.
    pub(crate) data: PathBuf,
}

/// The platform's folders for this program.
pub(crate) fn platform() -> Result<Folders, Fault> {
    let folders = etcetera::choose_base_strategy().map_err(|_| {
        Fault::usage("this account of the operating system has no home folder")
            .hint("Name a folder with --home, or with --data for a server.")
    })?;
    Ok(Folders { config: folders.config_dir().join("keyfold"), data: folders.data_dir().join("keyfold") })
}
