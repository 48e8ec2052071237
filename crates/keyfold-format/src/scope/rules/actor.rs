//! Who acts, and with which rights: a member himself, or a person through groups, who has of them what he has at every
//! step.

use super::super::{entry::Entry, ledger::Ledgers, reach::group_at, state::State};
use crate::{Permissions, Rejected, id::ScopeId};

/// The author of an entry as the scope sees him.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Actor {
    /// The member through which he acts: himself, or the first group of `via`.
    pub(in super::super) through: ScopeId,
    /// What he may do.
    pub(super) permissions: Permissions,
    /// Whether he gets the keys that come later.
    pub(super) follows: bool,
    /// Whether others refuse what he writes.
    pub(super) read_only: bool,
}

/// Follows the author's way into the scope, through each group as the entry cites it.
pub(in super::super) fn resolve(state: &State, entry: &Entry, ledgers: &dyn Ledgers) -> Result<Actor, Rejected> {
    let through = entry.via.first().copied().unwrap_or(entry.author);
    let mut actor = Actor { through, permissions: Permissions::ALL, follows: true, read_only: false };
    let mut here = state;
    for step in &entry.via {
        if !here.groups.contains_key(step) {
            return Err(Rejected::ViaBroken);
        }
        enter(&mut actor, here, entry.author, step)?;
        let cite = entry.cites.iter().find(|cite| cite.principal == *step).ok_or(Rejected::CitationMissing)?;
        here = group_at(cite, ledgers)?;
    }
    enter(&mut actor, here, entry.author, &entry.author)?;
    Ok(actor)
}

/// One step: what the member `step` may do here limits what the author may.
fn enter(actor: &mut Actor, here: &State, author: ScopeId, step: &ScopeId) -> Result<(), Rejected> {
    if here.bans.contains(&author) {
        return Err(Rejected::AuthorBanned);
    }
    let outside = if actor.through == author { Rejected::NotAMember } else { Rejected::ViaBroken };
    let member = here.members.get(step).ok_or(outside)?;
    actor.permissions = actor.permissions & here.permissions(step);
    actor.follows &= member.follows;
    actor.read_only |= member.read_only;
    Ok(())
}
