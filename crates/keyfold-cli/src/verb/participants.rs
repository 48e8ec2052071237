//! `keyfold participants`: who is in a keychain, by its verified ledger, and who is invited.

use super::keychain::permissions_text;
use crate::fault::Fault;
use crate::moment::readable;
use crate::session::Session;
use crate::table::columns;
use crate::word::typed;
use clap::Args;
use keyfold_client::{MemberState, Participant};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let participants = session.client()?.participants(&options.keychain, None, true).await?;
    session.output.show(&participants, |participants| participants_text(participants))
}

/// Who is in a keychain or group, as a table.
pub(super) fn participants_text(participants: &[Participant]) -> String {
    columns(["user", "state", "verified", "may", "since", "by", "through", "account"], participants.iter().map(row))
}

fn row(participant: &Participant) -> [String; 8] {
    let state = match participant.state {
        MemberState::Pending => "pending",
        MemberState::Accepted => "accepted",
    };
    let verified = match (participant.former, participant.verified) {
        (true, _) => "former",
        (false, true) => "yes",
        (false, false) => "no",
    };
    let mut may = permissions_text(participant.permissions);
    for (is, name) in [(participant.owner, "owner"), (participant.read_only, "read-only")] {
        if is {
            may = format!("{may} ({name})");
        }
    }
    [
        participant.user_id.clone(),
        state.to_owned(),
        verified.to_owned(),
        may,
        readable(participant.since),
        participant.shared_by.as_ref().map_or_else(|| "-".to_owned(), |person| person.user_id.clone()),
        if participant.through.is_empty() { "-".to_owned() } else { participant.through.join(" ") },
        participant.account_id.clone(),
    ]
}
