//! What is worth telling about a change: the difference between two verified states of a keychain.
//!
//! A share fires one `keychainUpdated`, then one `keyReceived` for each key that it hands over. Keys that history
//! leads to fire none. Of what others do among themselves only permissions, bans and what owners decide are told: who
//! shows who is in a keychain shows those.

use super::{Keyring, KnownScope};
use crate::model::{ClientEvent, PermissionFlags, Person};
use keyfold_format::{
    ScopeId,
    scope::{KeySet, Kind, Ledger, Member, wraps_of_keys},
};

/// A keychain before and after, and the keys that arrived.
pub(crate) struct Change<'a> {
    pub(crate) me: ScopeId,
    /// Whether one was in it before, oneself or through groups.
    pub(crate) was_in: bool,
    pub(crate) before: Option<&'a KnownScope>,
    pub(crate) after: &'a KnownScope,
    /// The terms of the share that was accepted just now.
    pub(crate) accepted: Option<&'a Member>,
    /// Who shared further keys with a member.
    pub(crate) shared_by: Option<ScopeId>,
    pub(crate) ring: &'a Keyring,
}

impl Change<'_> {
    /// The events, in their order.
    pub(crate) fn events(&self, person: impl Fn(&ScopeId) -> Person) -> Vec<ClientEvent> {
        let mut events = self.received(&person);
        let id = self.after.ledger().id();
        let Told { permissions, banned: out } = told(self.was_in, self.before, self.after);
        let of = |who: &ScopeId| self.after.ledger().permissions(who).into();
        events.extend(permissions.iter().map(|who| permissions_updated(&id, person(who), of(who))));
        events.extend(out.iter().map(|who| banned(&id, person(who))));
        events.extend(self.rotated());
        let is_news = !events.is_empty() || self.owners_decide();
        if self.after.ledger().kind() == Kind::Group {
            events.clear();
        }
        if is_news {
            events.insert(0, updated(self.after.ledger(), self.ring));
        }
        events
    }

    /// Whether owners have proposed, approved or decided something. To who has just come that is no news.
    fn owners_decide(&self) -> bool {
        let told = |ledger: &'_ Ledger| (ledger.owners().clone(), ledger.proposals().to_vec(), ledger.successor());
        self.before.filter(|_| self.was_in).is_some_and(|before| told(before.ledger()) != told(self.after.ledger()))
    }

    fn received(&self, person: impl Fn(&ScopeId) -> Person) -> Vec<ClientEvent> {
        let ledger = self.after.ledger();
        let (keys, history, by) = if let Some(terms) = self.accepted {
            (terms.keys.clone(), terms.history, terms.shared_by)
        } else {
            let before = self.before.and_then(|scope| scope.ledger().members().get(&self.me));
            let after = ledger.members().get(&self.me);
            let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
            let known = self.before.map_or(0, |scope| scope.ledger().current_key());
            let new: KeySet = after.keys.iter().filter(|n| *n <= known && !before.keys.contains(*n)).collect();
            (new, after.history, self.shared_by)
        };
        let Some(by) = by else { return Vec::new() };
        wraps_of_keys(ledger, &keys, history)
            .into_iter()
            .filter(|(number, _)| self.ring.key(*number).is_some())
            .filter_map(|(number, _)| ledger.key(number))
            .map(|key| ClientEvent::KeyReceived {
                keychain_fingerprint: ledger.id().to_string(),
                key_fingerprint: key.fingerprint.to_string(),
                shared_by: person(&by),
            })
            .collect()
    }

    fn rotated(&self) -> Vec<ClientEvent> {
        let ledger = self.after.ledger();
        let Some(before) = self.before.filter(|_| self.was_in) else { return Vec::new() };
        (before.ledger().current_key() + 1..=ledger.current_key())
            .filter(|number| self.ring.key(*number).is_some())
            .filter_map(|number| ledger.key(number))
            .map(|key| ClientEvent::KeyRotated {
                keychain_fingerprint: ledger.id().to_string(),
                key_fingerprint: key.fingerprint.to_string(),
            })
            .collect()
    }
}

/// Of whom a change tells something, other than of oneself and of sharers.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Members who may do something else than before.
    pub(crate) permissions: Vec<ScopeId>,
    /// Who is banned now, and was not.
    pub(crate) banned: Vec<ScopeId>,
}

impl Told {
    pub(crate) fn everybody(&self) -> impl Iterator<Item = ScopeId> {
        self.permissions.iter().chain(&self.banned).copied()
    }
}

/// What a member of before is told of the others, and of himself. To who has just come nothing is news.
pub(crate) fn told(was_in: bool, before: Option<&KnownScope>, after: &KnownScope) -> Told {
    let Some(before) = before.filter(|_| was_in) else { return Told::default() };
    let (before, after) = (before.ledger(), after.ledger());
    let changed =
        |who: &&ScopeId| before.members().contains_key(*who) && before.permissions(who) != after.permissions(who);
    Told {
        permissions: after.members().keys().filter(changed).copied().collect(),
        banned: after.bans().difference(before.bans()).copied().collect(),
    }
}

pub(crate) fn permissions_updated(id: &ScopeId, person: Person, permissions: PermissionFlags) -> ClientEvent {
    ClientEvent::PermissionsUpdated { keychain_fingerprint: id.to_string(), permissions, user_id: person.user_id }
}

pub(crate) fn banned(id: &ScopeId, person: Person) -> ClientEvent {
    ClientEvent::MemberBanned { keychain_fingerprint: id.to_string(), user_id: person.user_id }
}

/// A keychain or group has another state. Of a group nothing else is told.
pub(crate) fn updated(ledger: &Ledger, ring: &Keyring) -> ClientEvent {
    let (fingerprint, name) = (ledger.id().to_string(), ring.purpose().to_owned());
    match ledger.kind() {
        Kind::Keychain => ClientEvent::KeychainUpdated { keychain_fingerprint: fingerprint, purpose: name },
        Kind::Group => ClientEvent::GroupUpdated { group_fingerprint: fingerprint, name },
    }
}
