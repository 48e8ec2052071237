//! What ops say, as plain actions with the names of the TypeScript API. The one place that translates: the command
//! line and pages only choose words.

use super::model::{AuditAction, AuditPerson, AuditProposal};
use keyfold_format::{
    EntryHash, ScopeId,
    account::AccountOp,
    scope::{Decision, Op, Principal, ScopeEntry, State},
    sorted::SortedMap,
};

/// Names people, and remembers who made which share.
pub(super) struct Translator<'a> {
    pub(super) name: &'a dyn Fn(&ScopeId) -> AuditPerson,
    sharers: SortedMap<EntryHash, ScopeId>,
}

impl<'a> Translator<'a> {
    pub(super) fn new(name: &'a dyn Fn(&ScopeId) -> AuditPerson) -> Self {
        Self { name, sharers: SortedMap::new() }
    }

    /// What an entry did; `after` is the state that it led to, in which it is the head.
    pub(super) fn actions(&mut self, entry: &ScopeEntry, after: &State) -> Vec<AuditAction> {
        match entry {
            ScopeEntry::Ordinary(entry) => {
                if entry.ops.iter().any(|op| matches!(op, Op::Share(_))) {
                    self.sharers.insert(after.head().hash, entry.author);
                }
                entry.ops.iter().map(|op| self.action(op, EntryHash::NONE, after)).collect()
            }
            ScopeEntry::Placed(placed) => vec![self.action(&placed.op, placed.answers, after)],
        }
    }

    fn action(&self, op: &Op, answers: EntryHash, after: &State) -> AuditAction {
        let person = |id: &ScopeId| (self.name)(id);
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
            Op::Accept => AuditAction::Accept { shared_by: self.sharers.get(&answers).map(person) },
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
            Op::Propose(decision) => AuditAction::Propose { proposal: self.proposal(*decision, after) },
            Op::Approve(decision) => AuditAction::Approve { proposal: self.proposal(*decision, after) },
            _ => AuditAction::Other,
        }
    }

    fn proposal(&self, decision: Decision, after: &State) -> AuditProposal {
        let (name, account, successor, holds) = match decision {
            Decision::AddOwner(id) => ("addOwner", Some(id), None, after.owners().contains(&id)),
            Decision::RemoveOwner(id) => ("removeOwner", Some(id), None, !after.owners().contains(&id)),
            Decision::Successor(id) => ("successor", None, Some(id), after.successor() == Some(id)),
            _ => ("other", None, None, false),
        };
        AuditProposal {
            decision: name,
            person: account.as_ref().map(self.name),
            successor: successor.map(|id| id.to_string()),
            // What holds may have held before, while it is proposed anew.
            decided: holds && after.proposals().iter().all(|open| open.decision != decision),
        }
    }
}

/// What an op of an account did.
pub(super) fn account_action(op: &AccountOp) -> AuditAction {
    match op {
        AccountOp::Genesis(op) => AuditAction::CreateAccount { device_id: op.device.id().to_string() },
        _ => AuditAction::Other,
    }
}
