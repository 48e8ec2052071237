//! `keyfold decline`: refusing a share that waits.

use super::accept::{self, Options};
use crate::fault::Fault;
use crate::session::Session;

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    match options.share {
        None => accept::list(session).await,
        Some(share) => {
            let declined = session.client()?.decline_share(&share).await?;
            session.output.show(&declined, |share| {
                format!("Declined: nothing of it was handed out. {} may share it again.", share.shared_by.user_id)
            })
        }
    }
}
