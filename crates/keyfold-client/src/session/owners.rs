//! Owners of a keychain: who they are, and what they only decide together. Nothing here counts votes: replay does.

use super::Session;
use crate::{
    Error, Result,
    host::Host,
    machine::{compose, event},
    model::{OwnerDecision, OwnerProposal, Owners},
};
use keyfold_format::{Rejected, ScopeId, scope::Decision};

impl<H: Host> Session<H> {
    /// Who owns a keychain, how many of them decide, and what waits for more of them.
    pub async fn owners(&mut self, kc: &str) -> Result<Owners> {
        let id = self.resolve_scope(kc).await?;
        self.freshen(&id).await?;
        self.show_owners(&id).await
    }

    /// Puts a decision to the owners, or joins those who are for it. More than half of all owners make it: of one
    /// owner he alone, of two both. What came of it: if the decision is not among the proposals, it was made.
    ///
    /// `NotAnOwner`, `NoSuchMember`, `AlreadyOwner`, `NoSuchOwner`, `RemovalOfOneself`, `RightsWithoutFollowing`,
    /// `SuccessorOfItself`, `TooManyProposals`.
    pub async fn propose(&mut self, kc: &str, decision: &OwnerDecision) -> Result<Owners> {
        let id = self.resolve_scope(kc).await?;
        let decision = match decision {
            OwnerDecision::AddOwner(user_id) => Decision::AddOwner(self.person(user_id).await?),
            OwnerDecision::RemoveOwner(user_id) => Decision::RemoveOwner(self.person(user_id).await?),
            OwnerDecision::Successor(other) => Decision::Successor(self.resolve(other).await?),
        };
        self.decide(id, decision, false).await
    }

    /// Joins those who are for a proposal, by the id that [`Self::owners`] shows. `NoSuchProposal` if it is none, or has
    /// lapsed because the owners changed.
    pub async fn approve(&mut self, kc: &str, proposal: &str) -> Result<Owners> {
        let id = self.resolve_scope(kc).await?;
        self.freshen(&id).await?;
        let shown = self.show_owners(&id).await?;
        let place = shown.proposals.iter().position(|open| open.id == proposal);
        let proposals = self.belief.scope(&id)?.ledger().proposals();
        let decision = place.and_then(|at| proposals.get(at)).map(|open| open.decision).ok_or_else(|| {
            Error::new(Rejected::NoSuchProposal.into(), format!("there is no proposal `{proposal}`"))
                .hint("All proposals lapse when the owners change. `keyfold owners` lists those that are open.")
        })?;
        self.decide(id, decision, true).await
    }

    async fn decide(&mut self, id: ScopeId, decision: Decision, only_approve: bool) -> Result<Owners> {
        self.prepare(&id).await?;
        let before = self.belief.scope(&id)?.clone();
        let draft = self
            .append(id, |belief, author, rng| {
                compose::decide(belief.scope(&id)?, decision, only_approve, author, &belief.ledgers(), rng)
            })
            .await?;
        if draft.is_some() {
            let known = self.belief.scope(&id)?;
            let changed = event::told(true, Some(&before), known).permissions;
            let permissions = |who: &ScopeId| known.ledger().permissions(who).into();
            let told = changed
                .iter()
                .map(|who| event::permissions_updated(&id, self.belief.person(who), permissions(who)))
                .collect();
            self.tell(&id, told)?;
        }
        self.commit().await?;
        self.show_owners(&id).await
    }

    async fn show_owners(&mut self, id: &ScopeId) -> Result<Owners> {
        let ledger = self.belief.scope(id)?.ledger();
        let subject = |decision: Decision| match decision {
            Decision::AddOwner(account) | Decision::RemoveOwner(account) => Some(account),
            _ => None,
        };
        let mut accounts: Vec<ScopeId> = ledger.owners().iter().copied().collect();
        accounts.extend(ledger.proposals().iter().filter_map(|open| subject(open.decision)));
        self.need_accounts(&accounts).await?;
        self.commit().await?;
        let ledger = self.belief.scope(id)?.ledger();
        let user_id = |account: &ScopeId| self.belief.person(account).user_id;
        let mut owners: Vec<String> = ledger.owners().iter().map(user_id).collect();
        owners.sort_unstable();
        let proposals = ledger.proposals().iter().filter_map(|open| {
            let decision = match open.decision {
                Decision::AddOwner(account) => OwnerDecision::AddOwner(user_id(&account)),
                Decision::RemoveOwner(account) => OwnerDecision::RemoveOwner(user_id(&account)),
                Decision::Successor(scope) => OwnerDecision::Successor(scope.to_string()),
                _ => return None,
            };
            Some(OwnerProposal::new(decision, open.approvals.iter().map(user_id).collect()))
        });
        Ok(Owners {
            keychain_fingerprint: id.to_string(),
            owners,
            quorum: ledger.quorum(),
            proposals: proposals.collect(),
            successor: ledger.successor().map(|scope| scope.to_string()),
        })
    }
}
