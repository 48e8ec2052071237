//! What one entry may change, written without looking at the rules: who is in, who may do what, who gets a key.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyfold_format::{
    Permissions, ScopeId,
    scope::{Decision, Ledger, Op, ScopeEntry},
};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry may change, by who wrote it.
pub struct Step<'a> {
    pub before: &'a Ledger,
    pub after: &'a Ledger,
    pub entry: &'a ScopeEntry,
    pub names: &'a BTreeMap<ScopeId, &'static str>,
    /// Who was for what since the owners last changed, with this entry.
    pub votes: &'a [(Decision, ScopeId)],
}

/// What the author of an entry is for.
pub fn votes_of(entry: &ScopeEntry) -> Vec<(Decision, ScopeId)> {
    let ScopeEntry::Ordinary(entry) = entry else { return Vec::new() };
    let votes = entry.ops.iter().filter_map(|op| match op {
        Op::Propose(decision) | Op::Approve(decision) => Some((*decision, entry.author)),
        _ => None,
    });
    votes.collect()
}

impl Step<'_> {
    fn author(&self) -> ScopeId {
        self.entry.author()
    }

    fn held(&self) -> Permissions {
        self.before.permissions(&self.author())
    }

    fn has(&self, wanted: impl Fn(&Op) -> bool) -> bool {
        match self.entry {
            ScopeEntry::Ordinary(entry) => entry.ops.iter().any(wanted),
            ScopeEntry::Placed(placed) => wanted(&placed.op),
        }
    }

    /// Panics if the entry did what its author had no right to.
    pub fn check(&self) {
        assert!(!self.before.bans().contains(&self.author()), "a banned one wrote");
        self.check_owners();
        self.check_newcomers();
        self.check_permissions();
        self.check_members();
        self.check_departures();
        self.check_bans();
        self.check_recipients();
    }

    /// How many owners were for a decision, the one whom it concerns not counted.
    fn supporters(&self, decision: Decision, concerned: &ScopeId) -> usize {
        let of = |vote: &&(Decision, ScopeId)| vote.0 == decision && vote.1 != *concerned;
        let owners = self.votes.iter().filter(of).map(|(_, who)| *who).filter(|who| self.before.owners().contains(who));
        owners.collect::<BTreeSet<_>>().len()
    }

    /// Somebody owns it; nobody becomes an owner, or ceases to be one against his will, by a minority.
    fn check_owners(&self) {
        let (before, after) = (self.before.owners(), self.after.owners());
        assert!(!after.is_empty(), "no owner is left");
        assert!(after.iter().all(|owner| self.after.members().contains_key(owner)), "an owner is no member");
        let majority = |supporters: usize| 2 * supporters > before.len();
        for owner in after.difference(before) {
            assert!(majority(self.supporters(Decision::AddOwner(*owner), owner)), "an owner by a minority");
        }
        for owner in before.difference(after) {
            let left = *owner == self.author() && self.has(|op| *op == Op::Leave);
            let removed = majority(self.supporters(Decision::RemoveOwner(*owner), owner));
            assert!(left || (removed && before.len() > 2), "an owner was expelled");
        }
    }

    /// Somebody who had no standing gets no more than the author has: keys, history, following, writing.
    fn check_newcomers(&self) {
        let pending = self.after.pending().iter().map(|(who, share)| (who, &share.terms));
        for (who, terms) in self.after.members().iter().chain(pending) {
            if self.before.standing(who).is_some() {
                continue;
            }
            assert!(self.held().contains(Permissions::SHARING), "{} came in without allowSharing", self.names[who]);
            let own = self.before.members().get(&self.author()).expect("a stranger brought somebody in");
            assert!(own.keys.contains_all(&terms.keys));
            assert!(own.follows || !terms.follows);
            assert!(terms.history.is_none_or(|h| own.history.is_some_and(|o| o <= h)));
            assert!(terms.read_only || !own.read_only);
        }
    }

    /// What somebody may do more than before is within what a manager may do; less, only a manager says.
    fn check_permissions(&self) {
        let granted = |state: &Ledger, who: &ScopeId| state.standing(who).map_or(Permissions::NONE, |m| m.permissions);
        let pending = self.after.pending().keys();
        for who in self.after.members().keys().chain(pending) {
            let (had, has) = (granted(self.before, who), granted(self.after, who));
            let gained = has.without(had);
            let (held, name) = (self.held(), self.names[who]);
            let manages = held.contains(Permissions::MANAGEMENT);
            assert!(gained.is_empty() || (manages && held.contains(gained)), "{name} got {gained:?} by {held:?}");
            let lost = self.before.standing(who).is_some() && !had.without(has).is_empty();
            let removed = self.before.owners().contains(who) && !self.after.owners().contains(who);
            let by_manager = manages && !self.before.owners().contains(who);
            assert!(!lost || removed || by_manager, "{name} lost {had:?} by {held:?}");
            assert!(!removed || has.is_empty(), "{name}, a former owner, keeps {has:?}");
        }
        let ScopeEntry::Ordinary(entry) = self.entry else { return };
        for op in &entry.ops {
            let Op::SetPermissions(op) = op else { continue };
            let expected = (granted(self.before, &op.principal) | op.granted).without(op.withdrawn);
            assert_eq!(granted(self.after, &op.principal), expected, "what is not named stays");
        }
    }

    /// A member gains keys, following and history from a share, each within the sharer's own, and the new key from a
    /// rotation; nothing else about him changes but his permissions.
    fn check_members(&self) {
        let own = self.before.members().get(&self.author());
        for (who, had) in self.before.members() {
            let Some(has) = self.after.members().get(who) else { continue };
            let name = self.names[who];
            let becomes_owner = self.after.owners().contains(who) && !self.before.owners().contains(who);
            if becomes_owner {
                assert_eq!((has.read_only, has.expires_at), (false, None), "{name}");
                continue;
            }
            assert_eq!(
                (has.read_only, has.expires_at, has.since),
                (had.read_only, had.expires_at, had.since),
                "{name}"
            );
            if self.after.current_key() == self.before.current_key() {
                let own = |n: u32| own.is_some_and(|own| own.keys.contains(n));
                assert!(has.keys.iter().all(|n| had.keys.contains(n) || own(n)), "{name} gained a key");
            }
            assert!(has.history.is_none() || has.follows, "history without following");
        }
    }

    /// Whether this entry ends the standing that somebody had, because its time is over.
    fn expires(&self, who: &ScopeId) -> bool {
        let terms = self.before.standing(who);
        let ended = terms.is_some_and(|terms| terms.expires_at.is_some())
            && self.has(|op| matches!(op, Op::Expire(op) if op.principal == *who));
        let (author, held) = (self.author(), self.held());
        let may = held.contains(Permissions::DELETION) || held.contains(Permissions::MANAGEMENT);
        let shared = terms.is_some_and(|terms| terms.shared_by == Some(author));
        assert!(!ended || may || shared, "{} was ended by {held:?}", self.names[who]);
        ended
    }

    /// Nobody is out but by a ban, by himself, or because his time is over.
    fn check_departures(&self) {
        let (author, held) = (self.author(), self.held());
        for who in self.before.members().keys().filter(|who| !self.after.members().contains_key(who)) {
            let name = self.names[who];
            if self.expires(who) {
                let rotated = self.after.current_key() > self.before.current_key();
                assert!(self.after.needs_rotation() || rotated, "{name} is out, and his key may still be used");
                continue;
            }
            if *who == author {
                assert!(self.has(|op| *op == Op::Leave), "{name} banned himself");
                assert!(self.after.needs_rotation(), "{name} left, and his key may still be used");
                continue;
            }
            assert!(held.contains(Permissions::DELETION), "{name} was banned by {held:?}");
            assert!(self.after.bans().contains(who), "{name} is out and not banned");
            let managed = self.before.permissions(who).contains(Permissions::MANAGEMENT);
            assert!(!managed || held.contains(Permissions::MANAGEMENT), "{name}, a manager, was banned by {held:?}");
        }
        for who in self.before.pending().keys().filter(|who| self.after.standing(who).is_none()) {
            let by = self.before.pending()[who].author;
            let fell = self.after.bans().contains(who) || self.after.bans().contains(&by);
            let withdrawn = self.has(|op| matches!(op, Op::CancelShare(_)));
            let declined = *who == author && self.has(|op| *op == Op::Decline);
            assert!(
                fell || declined
                    || self.expires(who)
                    || (withdrawn && (by == author || held.contains(Permissions::MANAGEMENT)))
            );
        }
    }

    fn check_bans(&self) {
        let (before, after, held) = (self.before.bans(), self.after.bans(), self.held());
        if !after.is_subset(before) {
            assert!(held.contains(Permissions::DELETION), "a ban by {held:?}");
            assert_eq!(self.after.current_key(), self.before.current_key() + 1, "a ban without a new key");
            assert!(!self.after.needs_rotation());
        }
        assert!(before.is_subset(after) || held.contains(Permissions::MANAGEMENT), "a ban was lifted by {held:?}");
        for banned in after {
            assert!(self.after.standing(banned).is_none(), "{} is banned, and in", self.names[banned]);
            assert!(
                self.after.pending().values().all(|share| share.author != *banned),
                "a share of a banned one stands"
            );
        }
    }

    /// Whoever makes a key chooses nobody: followers of before who are still there get it, and the maker.
    fn check_recipients(&self) {
        let number = self.after.current_key();
        if number == self.before.current_key() {
            return;
        }
        let expires = self.has(|op| matches!(op, Op::Expire(_)));
        let may = self.held().contains(Permissions::ROTATION) || self.before.needs_rotation() || expires;
        assert!(may || self.has(|op| matches!(op, Op::Ban(_))), "a key by {:?}", self.held());
        for who in self.names.keys().filter(|who| **who != self.author()) {
            let followed = self.before.standing(who).is_some_and(|member| member.follows);
            let gets = self.after.standing(who).is_some_and(|member| member.keys.contains(number));
            assert_eq!(gets, followed && self.after.standing(who).is_some(), "{}", self.names[who]);
        }
    }
}
