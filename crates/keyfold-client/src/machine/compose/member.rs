//! Entries about members: what they may do, bans, and going oneself.

use super::{Author, Draft, Keys, append, keychain, refused};
use crate::{
    Result,
    machine::{Keyring, KnownScope, scope::Stop, ways::ways},
};
use keyfold_format::{
    Permissions, Rejected, ScopeId,
    entry::SignedEntry,
    limits,
    scope::{Ban, Decision, DropKey, Expire, Ledger, Ledgers, Member, Observe, Op, SetPermissions},
};
use keyfold_protocol::Code;
use rand_core::CryptoRng;

/// Grants and withdraws permissions of a member. `None` if he has exactly that already: then no rule is asked but
/// those that do not depend on what he has.
pub(crate) fn set_permissions(
    scope: &KnownScope,
    principal: ScopeId,
    granted: Permissions,
    withdrawn: Permissions,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    if !author.rights(ledger, accounts)?.permissions.contains(Permissions::MANAGEMENT) {
        return Err(refused(Rejected::ManagementNotAllowed));
    }
    let member = ledger.members().get(&principal).ok_or_else(|| refused(Rejected::NoSuchMember))?;
    if ledger.owners().contains(&principal) {
        return Err(refused(Rejected::OwnerProtected));
    }
    if (member.permissions | granted).without(withdrawn) == member.permissions {
        return Ok(None);
    }
    let op = Op::SetPermissions(SetPermissions { principal, granted, withdrawn });
    append(scope, vec![op], &[], author, Keys { ring: None, made: None }, accounts, rng).map(Some)
}

/// Bans a member, or somebody who is invited, and makes the next key for those who are left. `None` if he is banned
/// already. He may be in through groups only, which get no keys then until he is out of them. `NoSuchMember` for
/// anybody else: the ledger would allow it, but who asks has named the wrong person.
pub(crate) fn ban(
    scope: &KnownScope,
    ring: &Keyring,
    principal: ScopeId,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    if ledger.bans().contains(&principal) {
        return Ok(None);
    }
    if ledger.standing(&principal).is_none() && ways(ledger, principal, accounts).is_empty() {
        return Err(refused(Rejected::NoSuchMember));
    }
    let ban = Op::Ban(Ban { principal });
    keychain::with_next_key(scope, ring, vec![ban], author, accounts, rng).map(Some)
}

/// The shares and memberships whose time is over at `now_ms`, and that `author` may end, of whom `may` is what he may
/// do here.
pub(crate) fn over(ledger: &Ledger, author: &ScopeId, may: Permissions, now_ms: u64) -> Vec<Op> {
    let over = ending(ledger, author, may).filter(|(_, end)| *end <= now_ms);
    over.map(|(expire, _)| Op::Expire(expire)).take(limits::ENTRY_OPS - 2).collect()
}

/// When the next of them will be over, in milliseconds since 1970.
pub(crate) fn next_end(ledger: &Ledger, author: &ScopeId, may: Permissions) -> Option<u64> {
    ending(ledger, author, may).map(|(_, end)| end).min()
}

/// The shares and memberships that have an end, and that the author may end then.
fn ending<'a>(ledger: &'a Ledger, author: &'a ScopeId, may: Permissions) -> impl Iterator<Item = (Expire, u64)> + 'a {
    let ends_any = may.contains(Permissions::DELETION) || may.contains(Permissions::MANAGEMENT);
    let taken = ledger.members().iter().map(|(id, member)| (*id, member, member.since));
    let pending = ledger.pending().iter().map(|(id, share)| (*id, &share.terms, share.entry));
    let may_end = move |id: &ScopeId, terms: &Member| id != author && (ends_any || terms.shared_by == Some(*author));
    taken
        .chain(pending)
        .filter(move |(id, terms, _)| may_end(id, terms))
        .filter_map(|(principal, terms, share)| Some((Expire { share, principal }, terms.expires_at?)))
}

/// Ends what is over, and makes the key that is needed: because of it, because somebody left, or because a ledger
/// beyond this one has put somebody out, which the entry then observes. `None` if there is nothing to do. Who does not
/// follow leaves the key to those who do.
pub(crate) fn repair(
    scope: &KnownScope,
    ring: &Keyring,
    now_ms: u64,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    let Ok(own) = author.rights(ledger, accounts) else { return Ok(None) };
    let ops = over(ledger, &author.id(), own.permissions, now_ms);
    let ends_membership = |op: &Op| matches!(op, Op::Expire(op) if ledger.members().contains_key(&op.principal));
    let unseen = ledger.unseen(accounts);
    if own.follows && (unseen.is_some() || ledger.needs_rotation() || ops.iter().any(ends_membership)) {
        let Some(principal) = unseen else {
            return keychain::with_next_key(scope, ring, ops, author, accounts, rng).map(Some);
        };
        let observing = ops.iter().cloned().chain([Op::Observe(Observe { principal })]).collect();
        return match keychain::with_next_key(scope, ring, observing, author, accounts, rng) {
            // He came into a group after the head that is cited here. The new key's entry cites a newer one, and what
            // is to be observed then the next entry does.
            Err(Stop::Refused(error)) if error.code == Code::Rejected(Rejected::ObserveUnreached) => {
                keychain::with_next_key(scope, ring, ops, author, accounts, rng).map(Some)
            }
            made => made.map(Some),
        };
    }
    if ops.is_empty() {
        return Ok(None);
    }
    append(scope, ops, &[], author, Keys { ring: None, made: None }, accounts, rng).map(Some)
}

/// Puts a decision to the other owners, or joins those who are for it; only the latter with `only_approve`. `None` if
/// one is for it already.
pub(crate) fn decide(
    scope: &KnownScope,
    decision: Decision,
    only_approve: bool,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let proposals = scope.ledger().proposals();
    let op = match proposals.iter().find(|proposal| proposal.decision == decision) {
        Some(proposal) if proposal.approvals.contains(&author.id()) => return Ok(None),
        Some(_) => Op::Approve(decision),
        None if only_approve => return Err(refused(Rejected::NoSuchProposal)),
        None => Op::Propose(decision),
    };
    append(scope, vec![op], &[], author, Keys { ring: None, made: None }, accounts, rng).map(Some)
}

/// Gives up one's own copy of a key. `None` without a membership.
pub(crate) fn drop_key(scope: &KnownScope, key: u32, author: Author<'_>) -> Option<SignedEntry> {
    let since = scope.ledger().members().get(&author.id())?.since;
    Some(keychain::placed(scope, since, Op::DropKey(DropKey { key }), author))
}

/// Ends one's own membership. `None` if there is none.
pub(crate) fn leave(scope: &KnownScope, author: Author<'_>) -> Option<SignedEntry> {
    let since = scope.ledger().members().get(&author.id())?.since;
    Some(keychain::placed(scope, since, Op::Leave, author))
}
