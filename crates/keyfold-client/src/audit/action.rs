//! What ops say, as plain actions with the names of the TypeScript API. The one place that translates: the command
//! line and pages only choose words.

use super::model::{AuditAction, AuditAfter, AuditEntry, AuditPerson, AuditProposal};
use keyfold_format::{
    EntryHash, ScopeId, account,
    account::AccountOp,
    entry::Head,
    scope::{Decision, Ledger, Ledgers, Op, Principal, ScopeEntry, State},
};

/// Entries that were told, and who made which share.
#[derive(Default)]
pub(super) struct Told {
    pub(super) entries: Vec<AuditEntry>,
    sharers: Vec<(EntryHash, AuditPerson)>,
}

/// By both names, if the ledger is at hand.
pub(super) fn person(accounts: &dyn Ledgers, id: &ScopeId) -> AuditPerson {
    let user_id = accounts.account(id).map(|ledger| ledger.user_id().to_string());
    AuditPerson { user_id, account_id: id.to_string() }
}

impl Told {
    /// An entry of a keychain, and the state that it led to.
    pub(super) fn keychain_entry(&mut self, entry: &ScopeEntry, ledger: &Ledger, accounts: &dyn Ledgers) {
        let author = person(accounts, &entry.author());
        let (time, placed, answers, ops) = match entry {
            ScopeEntry::Ordinary(entry) => (entry.time, false, EntryHash::NONE, entry.ops.as_slice()),
            ScopeEntry::Placed(entry) => (entry.time, true, entry.answers, std::slice::from_ref(&entry.op)),
        };
        if ops.iter().any(|op| matches!(op, Op::Share(_))) {
            self.sharers.push((ledger.head().hash, author.clone()));
        }
        let actions = ops.iter().map(|op| self.action(op, answers, ledger, accounts)).collect();
        let after = AuditAfter {
            members: ledger.members().len(),
            key_number: ledger.current_key(),
            needs_rotation: ledger.needs_rotation(),
        };
        self.tell(ledger.head(), time, author, placed, actions, Some(after));
    }

    /// An entry of an account, and the state that it led to.
    pub(super) fn account_entry(&mut self, entry: &account::Entry, ledger: &account::Ledger) {
        let author = AuditPerson { user_id: Some(ledger.user_id().to_string()), account_id: ledger.id().to_string() };
        let actions = entry.ops.iter().map(account_action).collect();
        self.tell(ledger.head(), entry.time, author, false, actions, None);
    }

    fn tell(
        &mut self,
        head: Head,
        time: u64,
        author: AuditPerson,
        placed: bool,
        actions: Vec<AuditAction>,
        after: Option<AuditAfter>,
    ) {
        let (seq, entry_hash) = (head.seq, head.hash.to_string());
        self.entries.push(AuditEntry { seq, entry_hash, time, author, placed, actions, after });
    }

    fn action(&self, op: &Op, answers: EntryHash, after: &State, accounts: &dyn Ledgers) -> AuditAction {
        let person = |id: &ScopeId| person(accounts, id);
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
            Op::Propose(decision) => AuditAction::Propose { proposal: proposal(*decision, after, person) },
            Op::Approve(decision) => AuditAction::Approve { proposal: proposal(*decision, after, person) },
            _ => AuditAction::Other,
        }
    }
}

fn proposal(decision: Decision, after: &State, person: impl Fn(&ScopeId) -> AuditPerson) -> AuditProposal {
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
        _ => AuditAction::Other,
    }
}
