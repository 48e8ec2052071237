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
    /// Forget this device; it cannot log in again
    #[arg(long)]
    forget: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    logged_out: bool,
    everywhere: bool,
    forgotten: bool,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let Options { everywhere, forget } = options;
    let client = if forget && !everywhere { session.client_to_forget()? } else { session.client()? };
    if everywhere {
        client.logout_everywhere(forget).await?;
    } else {
        client.logout(forget).await?;
    }
    let document = Document { logged_out: true, everywhere, forgotten: forget };
    session.output.show(&document, |document| {
        let devices = if document.everywhere { "All devices of the account are logged out." } else { "Logged out." };
        let here = match document.forgotten {
            true => "This home has forgotten its device.",
            false => "This home holds no keys now; `keyfold login` brings them back.",
        };
        format!("{devices} {here}")
    })
}
