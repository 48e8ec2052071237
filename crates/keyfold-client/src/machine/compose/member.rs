//! Entries about members: what they may do, bans, and going oneself.

use super::{Author, Draft, Keys, append, keychain, refused};
use crate::{
    Result,
    machine::{Keyring, KnownScope, scope::Stop},
};
use keyfold_format::{
    Permissions, Rejected, ScopeId,
    entry::SignedEntry,
    scope::{Accounts, Ban, Op, SetPermissions},
};
use rand_core::CryptoRng;

/// Grants and withdraws permissions of a member. `None` if he has exactly that already: then no rule is asked but
/// those that do not depend on what he has.
pub(crate) fn set_permissions(
    scope: &KnownScope,
    principal: ScopeId,
    granted: Permissions,
    withdrawn: Permissions,
    author: Author<'_>,
    accounts: &impl Accounts,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    if !ledger.permissions(&author.id()).contains(Permissions::MANAGEMENT) {
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
/// already. `NoSuchMember` for anybody else: the ledger would allow it, but who asks has named the wrong person.
pub(crate) fn ban(
    scope: &KnownScope,
    ring: &Keyring,
    principal: ScopeId,
    author: Author<'_>,
    accounts: &impl Accounts,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    if ledger.bans().contains(&principal) {
        return Ok(None);
    }
    if ledger.standing(&principal).is_none() {
        return Err(refused(Rejected::NoSuchMember));
    }
    let ban = Op::Ban(Ban { principal });
    keychain::with_next_key(scope, ring, vec![ban], &[principal], author, accounts, rng).map(Some)
}

/// Ends one's own membership. `None` if there is none.
pub(crate) fn leave(scope: &KnownScope, author: Author<'_>) -> Option<SignedEntry> {
    let since = scope.ledger().members().get(&author.id())?.since;
    Some(keychain::placed(scope, since, Op::Leave, author))
}
