//! What somebody did, in plain words: the lines of `keyfold audit`.

use super::keychain::permissions_text;
use crate::moment::readable;
use keyfold_client::{Algorithm, AuditAction, AuditPrincipal, AuditProposal};

/// The user id; of somebody whose ledger is not at hand the account. Of a group the id, for its name is sealed.
pub(super) fn person_text(AuditPrincipal { user_id, account_id, group_id }: &AuditPrincipal) -> String {
    let group = || group_id.as_ref().map(|id| format!("group {id}"));
    user_id.clone().or_else(|| account_id.clone()).or_else(group).unwrap_or_default()
}

pub(super) fn action_text(action: &AuditAction) -> String {
    match action {
        AuditAction::CreateAccount { .. } => "founded the account".to_owned(),
        AuditAction::AddDevice { device_id } => format!("added the device {device_id}"),
        AuditAction::RevokeDevice { device_id, kept } => {
            let kept = if kept.is_empty() { String::new() } else { format!(", keeping {}", kept.join(", ")) };
            format!("put out the device {device_id}, and what it had added{kept}")
        }
        AuditAction::RotateDevice => "took new keys on this device".to_owned(),
        AuditAction::AddRecovery { recovery_id, method } => format!("added recovery by {method}, {recovery_id}"),
        AuditAction::RemoveRecovery { recovery_id } => format!("removed the recovery method {recovery_id}"),
        AuditAction::RotateAccount { generation } => format!("gave the account new keys, generation {generation}"),
        AuditAction::SetPrivate { version } => format!("stored settings, version {version}"),
        AuditAction::Genesis { algorithm: Algorithm::Group, .. } => "made the group; key 1".to_owned(),
        AuditAction::Genesis { .. } => "made the keychain; key 1".to_owned(),
        AuditAction::Anchor { indexes: 1 } => "noted how far an index is".to_owned(),
        AuditAction::Anchor { indexes } => format!("noted how far {indexes} indexes are"),
        AuditAction::Observe { person } => format!("took notice of what {} is now", person_text(person)),
        AuditAction::Share { to, key_numbers, permissions, follows, read_only, expires_at } => {
            let people: Vec<String> = to.iter().map(person_text).collect();
            let mut terms = vec![format!("may: {}", permissions_text(*permissions))];
            terms.extend((!follows).then(|| "without later keys".to_owned()));
            terms.extend(read_only.then(|| "read-only".to_owned()));
            terms.extend(expires_at.map(|end| format!("until {}", readable(end))));
            format!("shared {} with {} ({})", keys_text(key_numbers), people.join(", "), terms.join(", "))
        }
        AuditAction::Accept { shared_by: Some(person) } => format!("took {}'s share", person_text(person)),
        AuditAction::Accept { shared_by: None } => "took the share".to_owned(),
        AuditAction::Decline => "refused the share".to_owned(),
        AuditAction::Leave => "left".to_owned(),
        AuditAction::DropKey { key_number } => format!("gave up the own copy of key {key_number}"),
        AuditAction::CancelShare { person } => format!("withdrew the share with {}", person_text(person)),
        AuditAction::Expire { person } => format!("ended the share with {}", person_text(person)),
        AuditAction::SetPermissions { person, granted, withdrawn } => {
            let mut changes = Vec::new();
            for (flags, word) in [(granted, "allowed"), (withdrawn, "denied")] {
                if *flags != Default::default() {
                    changes.push(format!("{word} {}: {}", person_text(person), permissions_text(*flags)));
                }
            }
            changes.join("; ")
        }
        AuditAction::Rotate { key_number, .. } => format!("new key {key_number}"),
        AuditAction::Ban { person } => format!("banned {}", person_text(person)),
        AuditAction::Propose { proposal } => proposal_text("proposed", proposal),
        AuditAction::Approve { proposal } => proposal_text("approved", proposal),
        _ => "did something that this release has no words for".to_owned(),
    }
}

fn proposal_text(did: &str, proposal: &AuditProposal) -> String {
    let person = proposal.person.as_ref().map(person_text).unwrap_or_default();
    let what = match proposal.decision {
        "addOwner" => format!("{person} as an owner"),
        "removeOwner" => format!("that {person} is no owner"),
        _ => format!("the successor {}", proposal.successor.as_deref().unwrap_or_default()),
    };
    let end = if proposal.decided { ", which decided it" } else { "" };
    format!("{did} {what}{end}")
}

fn keys_text(ranges: &[(u32, u32)]) -> String {
    let range =
        |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first} to {last}") };
    let one = matches!(ranges, [(first, last)] if first == last);
    let ranges: Vec<String> = ranges.iter().map(range).collect();
    format!("{} {}", if one { "key" } else { "keys" }, ranges.join(", "))
}
