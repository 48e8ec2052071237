//! `keyfold user`: who somebody is, looked up and remembered.

use crate::fault::Fault;
use crate::session::Session;
use crate::table::fields;
use crate::word::typed;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The user id
    #[arg(value_parser = typed)]
    user: String,
    /// Compare safety words that the person told you
    #[arg(long, value_name = "WORDS")]
    verify: Option<String>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    if options.verify.is_some() {
        return Err(Fault::later("keyfold user --verify", "safety words"));
    }
    let identity = session.client()?.identity(&options.user).await?;
    session.output.show(&identity, |identity| {
        fields([
            ("user", Some(identity.user_id.clone())),
            ("account", Some(identity.account_id.clone())),
            ("generation", Some(identity.generation.to_string())),
            ("signature key", Some(identity.signature_public_key.clone())),
        ])
    })
}
