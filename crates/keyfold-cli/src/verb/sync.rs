//! `keyfold sync`: takes in what arrived since the last time.

use super::watch;
use crate::fault::Fault;
use crate::session::Session;

pub(crate) async fn run(session: &Session) -> Result<(), Fault> {
    let events = session.client()?.sync().await?;
    session.output.show(&events, |events| {
        if events.is_empty() {
            return "Nothing new.".to_owned();
        }
        events.iter().map(|event| watch::text(event) + "\n").collect()
    })
}
