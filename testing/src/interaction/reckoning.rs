//! What a ledger's entries say that they did, added up by a model that knows no replay, and rights that it must respect.

use keyfold_client::{Audit, AuditAction, PermissionFlags};
use std::collections::{BTreeMap, BTreeSet};

/// A share that nobody has answered.
struct Offer {
    keys: BTreeSet<u32>,
    follows: bool,
    permissions: PermissionFlags,
}

/// What the entries say that they did: who is in it, who decides, and which keys each was given.
#[derive(Default)]
pub(super) struct Reckoning {
    pub(super) owners: BTreeSet<String>,
    /// Whether each follows, and what he may do.
    pub(super) members: BTreeMap<String, (bool, PermissionFlags)>,
    pub(super) given: BTreeMap<String, BTreeSet<u32>>,
}

impl Reckoning {
    pub(super) fn of(audit: &Audit) -> Self {
        let mut state = Self::default();
        let mut pending: BTreeMap<String, Offer> = BTreeMap::new();
        for entry in &audit.entries {
            let author = &one(&entry.author.account_id).to_owned();
            let rights = state.rights(author);
            for action in &entry.actions {
                match action {
                    AuditAction::Genesis { .. } => {
                        state.owners.insert(author.clone());
                        state.members.insert(author.clone(), (true, all()));
                        state.given.entry(author.clone()).or_default().insert(1);
                    }
                    AuditAction::Share { to, key_numbers, permissions, follows, .. } => {
                        assert!(rights.allow_sharing, "S17: shared without a right to");
                        assert!(within(*permissions, rights), "S17: gave more than he has");
                        let holds = state.given.get(author);
                        let all = key_numbers.iter().flat_map(|(first, last)| *first..=*last);
                        assert!(
                            all.clone().all(|key| holds.is_some_and(|holds| holds.contains(&key))),
                            "S17: shared a key that he was never given"
                        );
                        for person in to {
                            let keys = key_numbers.iter().flat_map(|(first, last)| *first..=*last).collect();
                            let offer = Offer { keys, follows: *follows, permissions: *permissions };
                            pending.insert(one(&person.account_id).to_owned(), offer);
                        }
                    }
                    AuditAction::Accept { .. } => {
                        let offer = pending.remove(author).expect("S3: accepted without a share");
                        state.given.entry(author.clone()).or_default().extend(offer.keys);
                        let before = state.members.remove(author);
                        let (followed, had) = before.unwrap_or((false, PermissionFlags::default()));
                        state
                            .members
                            .insert(author.clone(), (followed || offer.follows, either(had, offer.permissions)));
                    }
                    AuditAction::Decline => drop(pending.remove(author)),
                    AuditAction::CancelShare { person } | AuditAction::Expire { person } => {
                        pending.remove(one(&person.account_id));
                    }
                    AuditAction::Leave => state.put_out(author),
                    AuditAction::Ban { person } => {
                        assert!(!state.owners.contains(one(&person.account_id)), "S17: an owner was banned");
                        assert!(rights.allow_deletion, "S17: banned without a right to");
                        pending.remove(one(&person.account_id));
                        state.put_out(one(&person.account_id));
                    }
                    AuditAction::SetPermissions { person, granted, withdrawn } => {
                        assert!(rights.allow_management, "S17: set permissions without a right to");
                        assert!(within(*granted, rights), "S17: gave more than he has");
                        if let Some((_, has)) = state.members.get_mut(one(&person.account_id)) {
                            *has = without(either(*has, *granted), *withdrawn);
                        }
                    }
                    AuditAction::Rotate { key_number, .. } => {
                        assert!(
                            state.members.get(author).is_some_and(|(follows, _)| *follows),
                            "S17: rotated without following"
                        );
                        for offer in pending.values_mut().filter(|offer| offer.follows) {
                            offer.keys.insert(*key_number);
                        }
                        for (account, (follows, _)) in &state.members {
                            if *follows {
                                state.given.entry(account.clone()).or_default().insert(*key_number);
                            }
                        }
                    }
                    AuditAction::Propose { proposal } | AuditAction::Approve { proposal } => {
                        assert!(state.owners.contains(author), "S17: who does not decide decided");
                        let Some(person) = proposal.person.as_ref().filter(|_| proposal.decided) else { continue };
                        match proposal.decision {
                            "addOwner" => {
                                state.owners.insert(one(&person.account_id).to_owned());
                                if let Some((_, has)) = state.members.get_mut(one(&person.account_id)) {
                                    *has = PermissionFlags::default();
                                }
                            }
                            "removeOwner" => {
                                state.owners.remove(one(&person.account_id));
                            }
                            other => panic!("a decision that nobody proposed here: {other}"),
                        }
                    }
                    _ => {}
                }
            }
        }
        state
    }

    fn rights(&self, account: &str) -> PermissionFlags {
        if self.owners.contains(account) {
            return all();
        }
        self.members.get(account).map(|(_, rights)| *rights).unwrap_or_default()
    }

    fn put_out(&mut self, account: &str) {
        self.members.remove(account);
        self.owners.remove(account);
    }
}

/// An account: no group takes part here.
pub(super) fn one(account: &Option<String>) -> &str {
    account.as_deref().expect("a person")
}

fn all() -> PermissionFlags {
    flags(15)
}

pub(super) fn flags(bits: u8) -> PermissionFlags {
    PermissionFlags {
        allow_sharing: bits & 1 != 0,
        allow_rotation: bits & 2 != 0,
        allow_deletion: bits & 4 != 0,
        allow_management: bits & 8 != 0,
    }
}

fn bits(flags: PermissionFlags) -> u8 {
    let each = [flags.allow_sharing, flags.allow_rotation, flags.allow_deletion, flags.allow_management];
    each.iter().enumerate().map(|(at, set)| u8::from(*set) << at).sum()
}

fn either(a: PermissionFlags, b: PermissionFlags) -> PermissionFlags {
    flags(bits(a) | bits(b))
}

fn without(a: PermissionFlags, b: PermissionFlags) -> PermissionFlags {
    flags(bits(a) & !bits(b))
}

fn within(a: PermissionFlags, b: PermissionFlags) -> bool {
    bits(a) & !bits(b) == 0
}
