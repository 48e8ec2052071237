//! `keyfold leave`: ending one's own membership.

use crate::fault::Fault;
use crate::session::Session;
use crate::word::typed;
use clap::Args;
use keyfold_client::BanOutcome;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let outcome = session.client()?.leave(&options.keychain).await?;
    session.output.show(&outcome, text)
}

pub(super) fn text(outcome: &BanOutcome) -> String {
    format!("{} left. Those who are in it make a new key; what you could read you still can.", outcome.user_id)
}
