//! `keyfold ban`: somebody is out of a keychain, and gets none of its later keys.

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
    /// A user id, or group:NAME; one's own user id leaves the keychain
    #[arg(value_name = "WHO", value_parser = typed)]
    who: String,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let outcome = session.client()?.ban(&options.keychain, &options.who).await?;
    session.output.show(&outcome, text)
}

pub(super) fn text(outcome: &BanOutcome) -> String {
    match &outcome.key_fingerprint {
        Some(key) => {
            let out = format!(
                "{} is out. What was encrypted before stays readable to who had it; from now on it is key {key}.",
                outcome.user_id
            );
            match outcome.through.join(" ") {
                groups if groups.is_empty() => out,
                groups => format!("{out}\nStill in {groups}, which gets no new keys until that ends too."),
            }
        }
        None => super::leave::text(outcome),
    }
}
