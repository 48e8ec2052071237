//! `keyfold owners`: who owns a keychain, and what only owners decide together.

use crate::fault::Fault;
use crate::session::Session;
use crate::word::typed;
use clap::Args;
use keyfold_client::{OwnerDecision, OwnerProposal, Owners};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    pub(super) keychain: String,
    /// Make a member an owner
    #[arg(long, value_name = "WHO", value_parser = typed, group = "decision")]
    add: Option<String>,
    /// Make an owner a member without permissions
    #[arg(long, value_name = "WHO", value_parser = typed, group = "decision")]
    remove: Option<String>,
    /// Name the keychain that takes this one's place
    #[arg(long, value_name = "KC", value_parser = typed, group = "decision")]
    successor: Option<String>,
    /// Approve what another owner has proposed
    #[arg(long, value_name = "ID", value_parser = typed, group = "decision")]
    approve: Option<String>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let Options { keychain, add, remove, successor, approve } = options;
    let client = session.client()?;
    let decision = (add.map(OwnerDecision::AddOwner))
        .or(remove.map(OwnerDecision::RemoveOwner))
        .or(successor.map(OwnerDecision::Successor));
    let owners = match (decision, approve) {
        (Some(decision), _) => client.propose(&keychain, &decision).await?,
        (None, Some(proposal)) => client.approve(&keychain, &proposal).await?,
        (None, None) => client.owners(&keychain).await?,
    };
    session.output.show(&owners, text)
}

fn text(owners: &Owners) -> String {
    let mut lines = vec![format!("Owners: {}.", owners.owners.join(", "))];
    let all = owners.owners.len();
    lines.push(match all {
        1 => "He decides alone. Without him nobody can: add another owner.".to_owned(),
        2 => "Both decide together, and neither can remove the other.".to_owned(),
        _ => format!("{} of {all} decide.", owners.quorum),
    });
    lines.extend(owners.proposals.iter().map(|open| proposal_text(open, owners.quorum)));
    lines.extend(owners.successor.iter().map(|scope| format!("Its place has been taken by {scope}.")));
    lines.join("\n")
}

fn proposal_text(OwnerProposal { id, approvals, .. }: &OwnerProposal, quorum: usize) -> String {
    let (have, of) = (approvals.len(), approvals.join(", "));
    format!("Waits for {} more: {id} (for it: {of}). `keyfold owners KC --approve {id}`", quorum.saturating_sub(have))
}
