//! `keyfold logout`.

use crate::fault::Fault;
use crate::session::Session;
use clap::Args;
use serde::Serialize;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Log out all devices of the account
    #[arg(long)]
    everywhere: bool,
    /// Have the server forget this device; it cannot log in again
    #[arg(long)]
    forget: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    logged_out: bool,
    forgotten: bool,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    if options.everywhere {
        return Err(Fault::later("keyfold logout --everywhere", "several devices for one account"));
    }
    session.client()?.logout(options.forget).await?;
    let document = Document { logged_out: true, forgotten: options.forget };
    session.output.show(&document, |document| match document.forgotten {
        true => "Logged out, and the server forgot this device.".to_owned(),
        false => "Logged out. This home holds no keys now; `keyfold login` brings them back.".to_owned(),
    })
}
