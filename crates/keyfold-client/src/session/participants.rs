//! Who is in a keychain or group: its members, and everybody in the groups that stand in it, by verified ledgers.

use super::{Session, identity::settled};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        scope::Stop,
        ways::{Way, rights},
    },
    model::{MemberState, Participant},
};
use keyfold_format::{KeyFingerprint, ScopeId, scope::Member, sorted::SortedSet};
use keyfold_protocol::Code;

/// Somebody who is to be listed.
struct Listed {
    account: ScopeId,
    terms: Member,
    state: MemberState,
    owner: bool,
    /// The groups through which he is in.
    way: Way,
}

impl<H: Host> Session<H> {
    /// Who owns a copy of a key (of any key, if none is named), by the verified ledger. Pending ones only if asked
    /// for. Of groups everybody in them is named, unless he is a member anyway.
    pub async fn participants(
        &mut self,
        kc: &str,
        key_fingerprint: Option<&str>,
        pending: bool,
    ) -> Result<Vec<Participant>> {
        let id = self.resolve_scope(kc).await?;
        self.freshen(&id).await?;
        let ledger = self.belief.scope(&id)?.ledger();
        let number = match key_fingerprint {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .and_then(|fingerprint: KeyFingerprint| ledger.key_by_fingerprint(&fingerprint))
                    .map(|key| key.number)
                    .ok_or_else(|| Error::new(Code::UnknownKey, format!("the keychain has no key `{text}`")))?,
            ),
        };
        let listed = self.listed(&id, number, pending)?;
        let sharers = listed.iter().filter_map(|listed| listed.terms.shared_by);
        let accounts: SortedSet<ScopeId> = listed.iter().map(|listed| listed.account).chain(sharers).collect();
        let accounts: Vec<ScopeId> = accounts.iter().copied().collect();
        self.need_accounts(&accounts).await?;
        for account in &accounts {
            self.verify_citation(&id, account)?;
        }
        for (group, account) in listed.iter().filter_map(|listed| Some((listed.way.last()?, listed.account))) {
            self.verify_citation(group, &account)?;
        }
        self.commit().await?;
        let mut participants: Vec<Participant> = listed.into_iter().map(|listed| self.participant(listed)).collect();
        participants
            .sort_unstable_by(|a, b| (&a.user_id, a.former, &a.through).cmp(&(&b.user_id, b.former, &b.through)));
        Ok(participants)
    }

    /// Members and, if asked for, pending ones, then those in groups: each by the shortest way.
    fn listed(&self, id: &ScopeId, number: Option<u32>, pending: bool) -> Result<Vec<Listed>> {
        let ledger = self.belief.scope(id)?.ledger();
        let owns = |member: &Member| number.is_none_or(|number| member.held_keys().contains(number));
        let mut found: Vec<Listed> = Vec::new();
        let mut groups: Vec<Way> = Vec::new();
        for (account, member) in ledger.members().iter().filter(|(_, member)| owns(member)) {
            if ledger.groups().contains_key(account) {
                groups.push(vec![*account]);
                continue;
            }
            let terms = Member { permissions: ledger.permissions(account), ..member.clone() };
            let owner = ledger.owners().contains(account);
            found.push(Listed { account: *account, terms, state: MemberState::Accepted, owner, way: Way::new() });
        }
        let mut seen: SortedSet<ScopeId> = found.iter().map(|listed| listed.account).collect();
        for (account, share) in ledger.pending().iter().filter(|(_, share)| pending && owns(&share.terms)) {
            let (terms, state) = (share.terms.clone(), MemberState::Pending);
            found.push(Listed { account: *account, terms, state, owner: false, way: Way::new() });
        }
        let mut looked = 0;
        while let Some(way) = groups.get(looked).cloned() {
            looked += 1;
            let Some(group) = way.last().and_then(|group| self.belief.scopes.get(group)).map(|known| known.ledger())
            else {
                continue;
            };
            for (account, member) in group.members().iter().filter(|(_, member)| !member.keys.is_empty()) {
                if !seen.insert(*account) || ledger.bans().contains(account) {
                    continue;
                }
                if group.groups().contains_key(account) {
                    groups.push(way.iter().copied().chain([*account]).collect());
                } else if let Some(rights) = rights(ledger, account, &way, &self.belief.ledgers()) {
                    let terms =
                        Member { permissions: rights.permissions, read_only: rights.read_only, ..member.clone() };
                    let (account, state, way) = (*account, MemberState::Accepted, way.clone());
                    found.push(Listed { account, terms, state, owner: false, way });
                }
            }
        }
        Ok(found)
    }

    fn participant(&self, listed: Listed) -> Participant {
        let Listed { account, terms, state, owner, way } = listed;
        let person = self.belief.person(&account);
        Participant {
            user_id: person.user_id,
            account_id: person.account_id,
            verified: self.belief.is_verified(&account),
            former: self.belief.is_former(&account),
            permissions: terms.permissions.into(),
            owner,
            read_only: terms.read_only,
            state,
            since: terms.since_time,
            expires_at: terms.expires_at,
            shared_by: terms.shared_by.map(|by| self.belief.person(&by)),
            through: way.iter().map(|group| self.belief.person(group).user_id).collect(),
        }
    }

    /// Nobody is shown as verified whose ledger does not have the head that the scope cites.
    fn verify_citation(&self, id: &ScopeId, account: &ScopeId) -> Result<()> {
        let ledger = self.belief.scope(id)?.ledger();
        if ledger.cited(account).is_none() {
            return Ok(());
        }
        let verified = ledger.verify_citation(account, &self.belief.ledgers());
        verified.map(drop).map_err(|rejected| settled(Stop::from(rejected)))
    }
}
