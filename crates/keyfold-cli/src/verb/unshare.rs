//! `keyfold unshare`.

use crate::fault::Fault;
use crate::session::Session;
use crate::word::typed;
use clap::Args;
use serde::Serialize;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Whom it was shared with
    #[arg(value_name = "WHO", value_parser = typed)]
    who: String,
    /// The fingerprint of the key, as `keyfold shares` prints it
    #[arg(value_parser = typed)]
    key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    user_id: String,
    key_fingerprint: String,
    cancelled: bool,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    session.client()?.cancel_share(&options.who, &options.key).await?;
    let document = Document { user_id: options.who, key_fingerprint: options.key, cancelled: true };
    session.output.show(&document, |document| format!("Cancelled: {} will not receive this key.", document.user_id))
}
