//! Groups: found, named, listed. Everything else about a group is what it is about a keychain, for both are scopes:
//! where a call takes a keychain by name, `group:NAME` names a group.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Groups".

use super::{Session, identity::settled};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        KnownScope,
        belief::unknown_group,
        scope::{Page, Stop},
    },
    model::Group,
};
use keyfold_format::{
    Rejected, ScopeId, limits,
    scope::{Algorithm, Kind, Principal},
};
use keyfold_protocol::Code;

/// What stands before the name of a group, where a person or a keychain could be named too.
pub(crate) const GROUP: &str = "group:";

/// How often a ledger may ask for another one before it is given up. Each turn brings it further, if the server has
/// what is asked for.
pub(super) const ASKS: usize = 4_096;

impl<H: Host> Session<H> {
    /// Founds a group. It can stand in groups of a higher rank, and in keychains.
    ///
    /// `TooLarge` if the rank is that of keychains.
    pub async fn create_group(&mut self, name: &str, rank: u16) -> Result<Group> {
        if rank == keyfold_format::scope::KEYCHAIN_RANK {
            return Err(Error::new(Code::TooLarge, "a group's rank is at most 65534"));
        }
        let id = self.create_scope(name, Algorithm::Group, rank).await?;
        self.describe_group(&id).await
    }

    /// The groups that this account is in, also through other groups, by name.
    pub async fn groups(&mut self) -> Result<Vec<Group>> {
        self.me()?;
        self.sync_if_reached().await?;
        let mut found = Vec::new();
        for id in self.belief.rings.keys().copied().collect::<Vec<_>>() {
            if !self.belief.ring(&id)?.is_empty() && self.is_in(&id, Kind::Group).await? {
                found.push(self.describe_group(&id).await?);
            }
        }
        found.sort_unstable_by(|a, b| (&a.name, &a.group_fingerprint).cmp(&(&b.name, &b.group_fingerprint)));
        Ok(found)
    }

    /// One group, by name or fingerprint, with or without `group:` before it. `UnknownGroup`, `AmbiguousPurpose`.
    pub async fn group(&mut self, name: &str) -> Result<Group> {
        let id = self.resolve_kind(name.strip_prefix(GROUP).unwrap_or(name), Kind::Group).await?;
        self.freshen(&id).await?;
        self.describe_group(&id).await
    }

    async fn describe_group(&mut self, id: &ScopeId) -> Result<Group> {
        self.prepare(id).await?;
        let known = self.belief.scope(id)?;
        let (ledger, own) = (known.ledger(), self.membership(known)?);
        Ok(Group {
            group_fingerprint: id.to_string(),
            name: self.belief.ring(id)?.purpose().to_owned(),
            rank: ledger.rank(),
            permissions: own.permissions.into(),
            read_only: own.read_only,
            needs_rotation: ledger.needs_rotation(),
            member_count: ledger.members().len(),
            shared_by: own.shared_by.map(|by| self.belief.person(&by)),
        })
    }

    /// A keychain by purpose or fingerprint, or a group as `group:NAME`.
    pub(super) async fn resolve_scope(&mut self, text: &str) -> Result<ScopeId> {
        match text.strip_prefix(GROUP) {
            Some(name) => self.resolve_kind(name, Kind::Group).await,
            None => self.resolve(text).await,
        }
    }

    /// Those whom a share names: people, and groups, which one must be in to share with.
    pub(super) async fn principals(&mut self, with: &[&str]) -> Result<Vec<Principal>> {
        let names: Vec<&str> = with.iter().copied().filter(|text| !text.starts_with(GROUP)).collect();
        let mut people = self.people(&names).await?.into_iter();
        let mut found = Vec::with_capacity(with.len());
        for text in with {
            found.extend(match text.strip_prefix(GROUP) {
                Some(name) => Some(Principal::Group(self.resolve_kind(name, Kind::Group).await?)),
                None => people.next().map(Principal::Account),
            });
        }
        Ok(found)
    }

    /// Somebody who is in a scope, or is to be put out of it: a person, or a group that stands in it.
    pub(super) async fn standing_in(&mut self, id: &ScopeId, text: &str) -> Result<ScopeId> {
        let Some(name) = text.strip_prefix(GROUP) else { return self.person(text).await };
        if self.recall_scope(id).await?
            && let Ok(group) = name.parse()
            && self.belief.scope(id)?.ledger().standing(&group).is_some()
        {
            return Ok(group);
        }
        self.resolve_kind(name, Kind::Group).await
    }

    /// Gets what replay has asked for: an account's ledger, or the state of a group.
    pub(super) async fn provide(&mut self, stop: Stop) -> Result<()> {
        match stop {
            Stop::MissingLedger(account) => self.provide_account(account).await,
            Stop::MissingState(group, seq) => self.need_state(&group, seq, 0).await,
            refused => Err(settled(refused)),
        }
    }

    /// Gets the state of a group ready as it was right after its entry `seq`, from the own store or the server.
    /// `CitationUnknown` if the group has no such entry.
    ///
    /// `depth`: how many groups have asked for it, one for another. More than can stand in each other do not.
    pub(super) async fn need_state(&mut self, id: &ScopeId, seq: u64, depth: usize) -> Result<()> {
        if depth > limits::GROUP_DEPTH {
            return Err(Rejected::CitationUnknown.into());
        }
        self.recall_scope(id).await?;
        if self.belief.scopes.get(id).is_none_or(|known| known.ledger().head().seq < seq) {
            self.fetch_group(id, depth).await?;
        }
        for _ in 0..ASKS {
            match self.belief.recall_state(id, seq) {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Rejected::CitationUnknown.into()),
                Err(Rejected::MissingState(inner, seq)) => {
                    Box::pin(self.need_state(&inner, seq, depth + 1)).await?;
                }
                Err(Rejected::MissingLedger(account)) => self.provide_account(account).await?,
                Err(rejected) => return Err(rejected.into()),
            }
        }
        Err(Rejected::CitationUnknown.into())
    }

    async fn provide_account(&mut self, account: ScopeId) -> Result<()> {
        // One that is known is not known as far as it is cited.
        if self.belief.accounts.get(&account).is_none() {
            return self.need_accounts(&[account]).await;
        }
        self.fetch_accounts(&[account]).await
    }

    /// Brings a group's ledger up to date, whether one is in it or not.
    async fn fetch_group(&mut self, id: &ScopeId, depth: usize) -> Result<()> {
        loop {
            let wanted = vec![self.after(id)];
            let page = self.fetch(wanted).await?.pop().map(|(_, page)| page).ok_or_else(super::wire::not_ours)?;
            let page = page.map_err(|_| {
                Error::new(Code::MissingLedger, format!("the server does not show the ledger of the group {id}"))
            })?;
            let entries = Page { entries: &page.entries, receipt: &page.receipt, more: page.more };
            Box::pin(self.take_in(id, entries, depth + 1)).await?;
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Scopes, and before them the groups that stand in them as far as is known: the lowest first, for others are
    /// judged and opened by them.
    pub(super) async fn with_groups(&mut self, scopes: &[ScopeId]) -> Result<Vec<ScopeId>> {
        let mut all = scopes.to_vec();
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            next += 1;
            self.recall_scope(&id).await?;
            let Some(known) = self.belief.scopes.get(&id) else { continue };
            let groups = known.ledger().groups().keys().filter(|group| !all.contains(group)).copied();
            all.extend(groups.collect::<Vec<_>>());
        }
        all.sort_by_key(|id| self.rank(id));
        Ok(all)
    }

    /// The rank of a scope. What is not known yet comes last: it asks for what it needs.
    pub(super) fn rank(&self, id: &ScopeId) -> u16 {
        self.belief.scopes.get(id).map_or(u16::MAX, |known: &KnownScope| known.ledger().rank())
    }
}

/// What to say of a name that no group has, or of none that one is in.
pub(super) fn unknown(kind: Kind) -> Error {
    match kind {
        Kind::Keychain => crate::machine::belief::unknown_keychain(),
        Kind::Group => unknown_group(),
    }
}
