//! `keyfold whoami`.

use crate::fault::Fault;
use crate::session::Session;
use crate::table::fields;
use keyfold_client::{AcceptShares, WhoAmI};

pub(crate) async fn run(session: &Session) -> Result<(), Fault> {
    let who = session.client()?.whoami().await?;
    session.output.show(&who, text)
}

/// An account and its device, for people.
pub(crate) fn text(who: &WhoAmI) -> String {
    fields([
        ("user", Some(who.user_id.clone())),
        ("account", Some(who.account_id.clone())),
        ("device", Some(who.device_id.clone())),
        ("generation", Some(who.generation.to_string())),
        ("takes", Some(taken(who.accept_shares).to_owned())),
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
