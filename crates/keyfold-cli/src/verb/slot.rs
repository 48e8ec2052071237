//! `keyfold slot`: whose keys open a file. Slots come and go without touching the body.

use crate::fault::Fault;
use crate::session::Session;
use crate::table::columns;
use crate::word::typed;
use clap::{Args, Subcommand};
use keyfold_client::SlotInfo;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// An encrypted file
    file: PathBuf,
    /// What was given when encrypting; to list it is not needed
    #[arg(long, global = true, value_name = "CONTEXT")]
    context: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List whose keys open it
    List,
    /// Let the members of a keychain open it
    Add {
        /// The keychain
        #[arg(value_name = "KC", value_parser = typed)]
        keychain: String,
    },
    /// Take the keychain's slot away; who had it may have kept what it opens, so encrypt again to be sure
    Remove {
        /// The keychain
        #[arg(value_name = "KC", value_parser = typed)]
        keychain: String,
    },
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    let context = options.context.as_deref().map(str::as_bytes);
    match &options.command {
        Command::List => {}
        Command::Add { keychain } => client.add_slot(&options.file, keychain, context).await?,
        Command::Remove { keychain } => client.remove_slot(&options.file, keychain, context).await?,
    }
    let slots = client.slots(&options.file).await?;
    session.output.show(&slots, |slots| columns(["purpose", "key", "fingerprint", "keychain"], slots.iter().map(row)))
}

fn row(slot: &SlotInfo) -> [String; 4] {
    let unknown = || "-".to_owned();
    let number = slot.key_number.map_or_else(unknown, |number| match slot.current {
        Some(true) => format!("{number} (current)"),
        _ => number.to_string(),
    });
    [
        slot.purpose.clone().unwrap_or_else(unknown),
        number,
        slot.key_fingerprint.clone(),
        slot.keychain_fingerprint.clone().unwrap_or_else(unknown),
    ]
}
