//! `keyfold shares`: what is on its way.

use crate::fault::Fault;
use crate::moment::readable;
use crate::session::Session;
use crate::table::columns;
use keyfold_client::OutgoingShare;

pub(crate) async fn run(session: &Session) -> Result<(), Fault> {
    let shares = session.client()?.outgoing_shares().await?;
    session.output.show(&shares, |shares| text(shares))
}

fn text(shares: &[OutgoingShare]) -> String {
    if shares.is_empty() {
        return "Nothing waits: all that was shared has arrived.".to_owned();
    }
    let row = |share: &OutgoingShare| {
        [share.user_id.clone(), share.purpose.clone(), readable(share.shared_at), share.key_fingerprint.clone()]
    };
    format!(
        "{}\n`keyfold unshare USER KEY` cancels one.\n",
        columns(["user", "purpose", "shared", "key"], shares.iter().map(row))
    )
}
