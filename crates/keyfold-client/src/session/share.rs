//! Sharing keychains with people and groups.

use super::Session;
use crate::{
    Error, Result,
    host::Host,
    machine::{
        belief::unknown_keychain,
        compose::{self, Standing, Terms},
    },
    model::{MemberState, OutgoingShare, Recipient, ShareKeys, ShareOptions, ShareOutcome},
};
use keyfold_format::{KeyFingerprint, ScopeId, scope::Ledger};
use keyfold_protocol::Code;

impl<H: Host> Session<H> {
    /// Shares keys of a keychain with one or many people, in one request. Who has, or has waiting, all of it already
    /// is told so and gets nothing more.
    pub async fn share(
        &mut self,
        kc: &str,
        with: &[&str],
        keys: &ShareKeys,
        options: &ShareOptions,
    ) -> Result<ShareOutcome> {
        let id = self.resolve_scope(kc).await?;
        self.me()?;
        let people = self.principals(with).await?;
        self.prepare(&id).await?;
        // Who was still to answer may have done so.
        let ledger = self.belief.scope(&id)?.ledger();
        let waits = people.iter().any(|person| ledger.pending().contains_key(&person.id()));
        if waits || self.belief.holdings(self.belief.scope(&id)?).is_empty() {
            self.catch_up(&[id], &[]).await?;
        }
        self.reach_for_share(&id, keys)?;
        let mut before = Vec::new();
        let mut shared = None;
        self.append(id, |belief, author, rng| {
            let (scope, ring) = (belief.scope(&id)?, belief.ring(&id)?);
            let own = scope.ledger().members().get(&author.through()).ok_or_else(unknown_keychain)?;
            let terms = Terms::new(scope.ledger(), own, ring, keys, options)?;
            before = people.iter().map(|person| compose::standing(scope.ledger(), &person.id(), &terms)).collect();
            shared = Some(terms.keys.clone());
            compose::share(scope, ring, &people, &terms, author, &belief.ledgers(), rng)
        })
        .await?;
        self.commit().await?;
        let ledger = self.belief.scope(&id)?.ledger();
        let recipients = people.iter().zip(&before).map(|(person, before)| {
            let already = matches!(before, Standing::Member(true) | Standing::Pending(true));
            let accepted = ledger.members().contains_key(&person.id());
            let state = if accepted { MemberState::Accepted } else { MemberState::Pending };
            let crate::model::Person { user_id, account_id } = self.belief.person(&person.id());
            Recipient { user_id, account_id, state, already }
        });
        Ok(ShareOutcome {
            keychain_fingerprint: id.to_string(),
            purpose: self.belief.ring(&id)?.purpose().to_owned(),
            key_fingerprints: shared.map(|keys| fingerprints(ledger, keys.iter())).unwrap_or_default(),
            recipients: recipients.collect(),
        })
    }

    /// Opens the key that is shared, where only history leads to it.
    fn reach_for_share(&mut self, id: &ScopeId, keys: &ShareKeys) -> Result<()> {
        let ledger = self.belief.scope(id)?.ledger().clone();
        let held = self.belief.terms(self.belief.scope(id)?);
        let mut wanted = Vec::new();
        match keys {
            ShareKeys::One(fingerprint) => {
                let parsed: Option<KeyFingerprint> = fingerprint.parse().ok();
                wanted.extend(parsed.and_then(|fp| ledger.key_by_fingerprint(&fp)).map(|key| key.number));
            }
            // The last key of each segment: what wraps are made of.
            ShareKeys::All | ShareKeys::Latest => {
                if let (Some(member), Some(ring)) = (held, self.belief.rings.get_mut(id)) {
                    let history = member.history;
                    // A hole in history is gone around key by key.
                    let all = *keys == ShareKeys::All;
                    if all
                        && (!member.dropped.is_empty() || history.is_some_and(|from| !ring.note_history(&ledger, from)))
                    {
                        wanted.extend(member.held_keys().iter());
                    }
                    let wraps = keyfold_format::scope::wraps_of_keys(&ledger, &member.keys, history);
                    wanted.extend(wraps.into_iter().map(|(number, _)| number));
                }
            }
        }
        if let Some(ring) = self.belief.rings.get_mut(id) {
            for number in wanted {
                ring.reach(&ledger, number);
            }
        }
        Ok(())
    }

    /// Shares of this account that wait for an answer.
    pub async fn outgoing_shares(&mut self) -> Result<Vec<OutgoingShare>> {
        let me = self.me()?;
        self.sync_if_reached().await?;
        self.recall_scopes().await?;
        let mut found = Vec::new();
        for id in self.belief.scopes.keys().copied().collect::<Vec<_>>() {
            let pending = self.belief.scope(&id)?.ledger().pending();
            let mine: Vec<ScopeId> =
                pending.iter().filter(|(_, share)| share.author == me).map(|(recipient, _)| *recipient).collect();
            self.need_accounts(&mine).await?;
            for recipient in mine {
                found.extend(self.outgoing(&id, &recipient));
            }
        }
        self.commit().await?;
        found.sort_unstable_by(|a, b| (&a.purpose, &a.user_id).cmp(&(&b.purpose, &b.user_id)));
        Ok(found)
    }

    fn outgoing(&self, id: &ScopeId, recipient: &ScopeId) -> Option<OutgoingShare> {
        let ledger = self.belief.scope(id).ok()?.ledger();
        let terms = &ledger.pending().get(recipient)?.terms;
        let person = self.belief.person(recipient);
        let key_fingerprints = fingerprints(ledger, terms.keys.iter());
        Some(OutgoingShare {
            user_id: person.user_id,
            account_id: person.account_id,
            keychain_fingerprint: id.to_string(),
            purpose: self.belief.ring(id).map(|ring| ring.purpose().to_owned()).unwrap_or_default(),
            key_fingerprint: key_fingerprints.first()?.clone(),
            key_fingerprints,
            permissions: terms.permissions.into(),
            shared_at: terms.since_time,
            expires_at: terms.expires_at,
        })
    }

    /// Withdraws a share before its recipient has answered: the one that holds this key. `NotPending` if there is
    /// none, or he was faster.
    pub async fn cancel_share(&mut self, user_id: &str, key_fingerprint: &str) -> Result<()> {
        self.me()?;
        let person = self.person(user_id).await?;
        self.catch_up_all().await?;
        let key: KeyFingerprint = key_fingerprint.parse().map_err(|_| not_pending())?;
        let holds = |ledger: &Ledger| {
            let number = ledger.key_by_fingerprint(&key)?.number;
            ledger.pending().get(&person).filter(|share| share.terms.keys.contains(number)).map(|_| ledger.id())
        };
        let id = self.belief.scopes.values().find_map(|scope| holds(scope.ledger())).ok_or_else(not_pending)?;
        self.append(id, |belief, author, rng| {
            compose::cancel_share(belief.scope(&id)?, person, author, &belief.ledgers(), rng).map(Some)
        })
        .await?;
        self.commit().await
    }
}

/// Fingerprints of keys, newest first.
pub(super) fn fingerprints(ledger: &Ledger, numbers: impl Iterator<Item = u32>) -> Vec<String> {
    let mut found: Vec<_> = numbers.filter_map(|number| ledger.key(number)).collect();
    found.reverse();
    found.into_iter().map(|key| key.fingerprint.to_string()).collect()
}

fn not_pending() -> Error {
    Error::new(Code::Rejected(keyfold_format::Rejected::NotPending), "no such share is waiting for an answer")
        .hint("`keyfold shares` lists those that can still be cancelled.")
}
