//! `keyfold whoami`.

use crate::fault::Fault;
use crate::qr;
use crate::session::Session;
use crate::table::fields;
use clap::Args;
use keyfold_client::{AcceptShares, WhoAmI};
use std::io::{self, IsTerminal};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// On a terminal: draw one's own identity as a QR code, for others to scan
    #[arg(long)]
    qr: bool,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let who = session.client()?.whoami().await?;
    let is_drawn = options.qr && io::stdout().is_terminal();
    session.output.show(&who, |who| {
        let code = if is_drawn { qr::drawn(&who.uri) } else { None };
        code.map_or_else(|| text(who), |code| format!("{}\n{code}", text(who)))
    })
}

/// An account and its device, for people.
pub(crate) fn text(who: &WhoAmI) -> String {
    fields([
        ("user", Some(who.user_id.clone())),
        ("account", Some(who.account_id.clone())),
        ("device", Some(who.device_id.clone())),
        ("generation", Some(who.generation.to_string())),
        ("takes", Some(taken(who.accept_shares).to_owned())),
        ("identity", Some(who.uri.clone())),
        ("server", Some(who.server_url.clone())),
        ("server key", Some(who.server_key.clone())),
    ])
}

/// Which shares are taken without asking.
fn taken(which: AcceptShares) -> &'static str {
    match which {
        AcceptShares::Auto => "every share",
        AcceptShares::Known => "shares of people known before; others wait for `keyfold accept`",
        AcceptShares::Ask => "no share by itself; all wait for `keyfold accept`",
    }
}
