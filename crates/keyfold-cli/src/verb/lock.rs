//! `keyfold lock` and `keyfold unlock`: a passphrase for the home.

use crate::fault::Fault;
use crate::secret;
use crate::session::Session;
use clap::Args;
use keyfold_client::Code;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A file with the new passphrase; `-` for standard input [default: ask for it]
    #[arg(long, value_name = "FILE")]
    new: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    lock: Option<&'static str>,
}

/// Locks the home, or with another passphrase than so far.
pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    client.whoami().await?;
    let passphrase = secret::ask_new(options.new.as_deref(), "New passphrase: ")?;
    client.lock(&passphrase).await?;
    session.output.show(&Document { lock: Some("passphrase") }, |_| {
        "Locked. Every verb asks for the passphrase now, or takes it with --passphrase FILE.\n\
         Nobody can bring it back: who forgets it needs another device, or a way to recover (`keyfold recovery`)."
            .to_owned()
    })
}

/// Takes the lock away.
pub(crate) async fn unlock(session: &Session) -> Result<(), Fault> {
    let client = session.client()?;
    if !client.has_lock()? {
        return Err(Fault::new(Code::NoLock, "this home has no lock"));
    }
    client.remove_lock().await?;
    session.output.show(&Document { lock: None }, |_| "Unlocked. The home opens without a passphrase.".to_owned())
}
