//! What ops say, as plain actions with the names of the TypeScript API. The one place that translates: the command
//! line and pages only choose words.

use super::model::{AuditAction, AuditAfter, AuditEntry, AuditPrincipal, AuditProposal};
use keyfold_format::{
    EntryHash, ScopeId, account,
    account::{AccountOp, RecoveryMethod},
    entry::Head,
    scope::{Decision, Ledger, Ledgers, Op, Principal, ScopeEntry, State},
    sorted::SortedSet,
};

/// Entries that were told, and what is to be known of the earlier ones to tell the next.
#[derive(Default)]
pub(super) struct Told {
    pub(super) entries: Vec<AuditEntry>,
    /// Who made which share.
    sharers: Vec<(EntryHash, AuditPrincipal)>,
    /// Whom entries named as a group.
    groups: SortedSet<ScopeId>,
}

/// A person by both names, if the ledger is at hand.
fn person(cited: &dyn Ledgers, id: &ScopeId) -> AuditPrincipal {
    let user_id = cited.account(id).map(|ledger| ledger.user_id().to_string());
    AuditPrincipal { user_id, account_id: Some(id.to_string()), group_id: None }
}

fn group(id: &ScopeId) -> AuditPrincipal {
    AuditPrincipal { user_id: None, account_id: None, group_id: Some(id.to_string()) }
}

impl Told {
    /// A person or a group. A ledger says which it is where it lets somebody in, and of what stands inside of a member
    /// its replay has asked for the state.
    pub(super) fn principal(&self, id: &ScopeId, ledger: &Ledger, cited: &dyn Ledgers) -> AuditPrincipal {
        let inside = || ledger.cited(id).is_some_and(|cite| cited.group(id, cite.head.seq).is_some());
        if self.groups.contains(id) || inside() { group(id) } else { person(cited, id) }
    }

    /// An entry of a keychain or group, and the state that it led to.
    pub(super) fn scope_entry(&mut self, entry: &ScopeEntry, ledger: &Ledger, cited: &dyn Ledgers) {
        let author = person(cited, &entry.author());
        let (time, placed, answers, via, ops) = match entry {
            ScopeEntry::Ordinary(entry) => {
                (entry.time, false, EntryHash::NONE, entry.via.as_slice(), entry.ops.as_slice())
            }
            ScopeEntry::Placed(entry) => {
                (entry.time, true, entry.answers, [].as_slice(), std::slice::from_ref(&entry.op))
            }
        };
        for op in ops {
            if let Op::Share(share) = op {
                self.sharers.push((ledger.head().hash, author.clone()));
                for principal in share.principals.iter().filter(|principal| principal.is_group()) {
                    self.groups.insert(principal.id());
                }
            }
        }
        let actions = ops.iter().map(|op| self.action(op, answers, ledger, cited)).collect();
        let after = AuditAfter {
            members: ledger.members().len(),
            key_number: ledger.current_key(),
            needs_rotation: ledger.needs_rotation(),
        };
        let via = via.iter().map(group).collect();
        let Head { seq, hash } = ledger.head();
        let (holder_id, after) = (None, Some(after));
        self.entries.push(AuditEntry {
            seq,
            entry_hash: hash.to_string(),
            time,
            author,
            holder_id,
            via,
            placed,
            actions,
            after,
        });
    }

    /// An entry of an account, and the state that it led to.
    pub(super) fn account_entry(&mut self, entry: &account::Entry, ledger: &account::Ledger) {
        let (user_id, account_id) = (Some(ledger.user_id().to_string()), Some(ledger.id().to_string()));
        let author = AuditPrincipal { user_id, account_id, group_id: None };
        let actions = entry.ops.iter().map(account_action).collect();
        let holder_id = Some(entry.author.to_string());
        let Head { seq, hash } = ledger.head();
        let entry_hash = hash.to_string();
        let (time, via, placed, after) = (entry.time, Vec::new(), false, None);
        self.entries.push(AuditEntry { seq, entry_hash, time, author, holder_id, via, placed, actions, after });
    }

    fn action(&self, op: &Op, answers: EntryHash, after: &Ledger, cited: &dyn Ledgers) -> AuditAction {
        let person = |id: &ScopeId| self.principal(id, after, cited);
        match op {
            Op::Genesis(op) => {
                AuditAction::Genesis { algorithm: op.algorithm, key_fingerprint: op.key.fingerprint.to_string() }
            }
            Op::Share(op) => AuditAction::Share {
                to: op.principals.iter().copied().map(Principal::id).map(|id| person(&id)).collect(),
                key_numbers: op.keys.ranges().to_vec(),
                permissions: op.permissions.into(),
                follows: op.follows,
                read_only: op.read_only,
                expires_at: op.expires_at,
            },
            Op::Accept => {
                let share = self.sharers.iter().rev().find(|(share, _)| *share == answers);
                AuditAction::Accept { shared_by: share.map(|(_, sharer)| sharer.clone()) }
            }
            Op::Decline => AuditAction::Decline,
            Op::Leave => AuditAction::Leave,
            Op::DropKey(op) => AuditAction::DropKey { key_number: op.key },
            Op::CancelShare(op) => AuditAction::CancelShare { person: person(&op.principal) },
            Op::Expire(op) => AuditAction::Expire { person: person(&op.principal) },
            Op::SetPermissions(op) => AuditAction::SetPermissions {
                person: person(&op.principal),
                granted: op.granted.into(),
                withdrawn: op.withdrawn.into(),
            },
            Op::Rotate(op) => {
                AuditAction::Rotate { key_number: op.key.number, key_fingerprint: op.key.fingerprint.to_string() }
            }
            Op::Ban(op) => AuditAction::Ban { person: person(&op.principal) },
            Op::Observe(op) => AuditAction::Observe { person: person(&op.principal) },
            Op::Anchor(op) => AuditAction::Anchor { indexes: op.records.len() },
            Op::Propose(decision) => AuditAction::Propose { proposal: proposal(*decision, after, person) },
            Op::Approve(decision) => AuditAction::Approve { proposal: proposal(*decision, after, person) },
            _ => AuditAction::Other,
        }
    }
}

fn proposal(decision: Decision, after: &State, person: impl Fn(&ScopeId) -> AuditPrincipal) -> AuditProposal {
    let (name, account, successor, holds) = match decision {
        Decision::AddOwner(id) => ("addOwner", Some(id), None, after.owners().contains(&id)),
        Decision::RemoveOwner(id) => ("removeOwner", Some(id), None, !after.owners().contains(&id)),
        Decision::Successor(id) => ("successor", None, Some(id), after.successor() == Some(id)),
        _ => ("other", None, None, false),
    };
    AuditProposal {
        decision: name,
        person: account.as_ref().map(person),
        successor: successor.map(|id| id.to_string()),
        // What holds may have held before, while it is proposed anew.
        decided: holds && after.proposals().iter().all(|open| open.decision != decision),
    }
}

/// What an op of an account did.
fn account_action(op: &AccountOp) -> AuditAction {
    match op {
        AccountOp::Genesis(op) => AuditAction::CreateAccount { device_id: op.device.id().to_string() },
        AccountOp::AddDevice(keys) => AuditAction::AddDevice { device_id: keys.id().to_string() },
        AccountOp::RevokeDevice(op) => AuditAction::RevokeDevice {
            device_id: op.device.to_string(),
            kept: op.kept.iter().map(ToString::to_string).collect(),
        },
        AccountOp::RotateDevice(_) => AuditAction::RotateDevice,
        AccountOp::AddRecovery(op) => AuditAction::AddRecovery {
            recovery_id: op.keys.recovery_id().to_string(),
            method: match op.method {
                RecoveryMethod::Password => "password",
                RecoveryMethod::Paper => "paper",
                RecoveryMethod::Shares => "shares",
                RecoveryMethod::Passkey => "passkey",
                _ => "other",
            },
        },
        AccountOp::RemoveRecovery(recovery) => AuditAction::RemoveRecovery { recovery_id: recovery.to_string() },
        AccountOp::RotateAccount(op) => AuditAction::RotateAccount { generation: op.generation },
        AccountOp::SetPrivate(op) => AuditAction::SetPrivate { version: op.version },
        _ => AuditAction::Other,
    }
}
