//! `keyfold whoami`.

use crate::fault::Fault;
use crate::qr;
use crate::session::Session;
use crate::table::fields;
use clap::Args;
use keyfold_client::{AcceptShares, WhoAmI};
use serde::Serialize;
use std::io::{self, IsTerminal};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// On a terminal: draw one's own identity as a QR code, for others to scan
    #[arg(long)]
    qr: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(flatten)]
    who: WhoAmI,
    /// What the device's secrets lie in.
    secrets_at: &'static str,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    let secrets_at = if client.has_lock()? { "passphrase" } else { "file" };
    let document = Document { who: client.whoami().await?, secrets_at };
    let is_drawn = options.qr && io::stdout().is_terminal();
    session.output.show(&document, |Document { who, secrets_at }| {
        let kept = match *secrets_at {
            "passphrase" => "sealed under a passphrase",
            _ => "in a file that only you can read; `keyfold lock` seals them under a passphrase",
        };
        let text = fields(lines(who).into_iter().chain([("secrets", Some(kept.to_owned()))]));
        let code = if is_drawn { qr::drawn(&who.uri) } else { None };
        code.map_or_else(|| text.clone(), |code| format!("{text}\n{code}"))
    })
}

/// An account and its device, for people.
pub(crate) fn text(who: &WhoAmI) -> String {
    fields(lines(who))
}

fn lines(who: &WhoAmI) -> [(&'static str, Option<String>); 8] {
    [
        ("user", Some(who.user_id.clone())),
        ("account", Some(who.account_id.clone())),
        ("device", Some(who.device_id.clone())),
        ("generation", Some(who.generation.to_string())),
        ("takes", Some(taken(who.accept_shares).to_owned())),
        ("identity", Some(who.uri.clone())),
        ("server", Some(who.server_url.clone())),
        ("server key", Some(who.server_key.clone())),
    ]
}

/// Which shares are taken without asking.
fn taken(which: AcceptShares) -> &'static str {
    match which {
        AcceptShares::Auto => "every share",
        AcceptShares::Known => "shares of people known before; others wait for `keyfold accept`",
        AcceptShares::Ask => "no share by itself; all wait for `keyfold accept`",
    }
}
