//! `keyfold login`.

use super::whoami;
use crate::fault::Fault;
use crate::session::Session;

pub(crate) async fn run(session: &Session) -> Result<(), Fault> {
    let who = session.client()?.login().await?;
    session.output.show(&who, |who| format!("Logged in.\n\n{}", whoami::text(who)))
}
