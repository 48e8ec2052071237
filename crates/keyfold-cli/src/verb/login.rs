//! `keyfold login`.

use super::{accept::Unasked, whoami};
use crate::fault::Fault;
use crate::session::Session;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Which shares this home takes without asking, from now on
    #[arg(long, value_enum, value_name = "WHICH")]
    accept_shares: Option<Unasked>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    if let Some(which) = options.accept_shares {
        // Before anything that waits is taken in.
        client.accept_shares(which.into()).await?;
    }
    let who = client.login().await?;
    session.output.show(&who, |who| format!("Logged in.\n\n{}", whoami::text(who)))
}
