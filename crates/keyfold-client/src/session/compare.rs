//! Trust between people: safety words, and what a person decides after comparing them or something better. Nothing
//! here decides for him, and the server has no say in it.
//!
//! Spec: `docs/spec/account-ledger.md`, "Comparing identities" and "Accepting another identity".

use super::{Session, identity::user_id, wire::not_ours};
use crate::{
    Error, Result,
    host::Host,
    identity::{AcceptedIdentity, Compared, Identity, not_verified},
    machine::KnownAccount,
};
use keyfold_core::safety::{SafetyInput, SafetyWords};
use keyfold_format::{ScopeId, UserId};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{Accounts, Lookup},
};

impl<H: Host> Session<H> {
    /// The words that one has in common with somebody, and with nobody else. They are the same on both sides if both
    /// devices know the true accounts.
    ///
    /// `UnknownUser`, `IdentityChanged`; `Malformed` for oneself.
    pub async fn safety_words(&mut self, user_id: &str) -> Result<SafetyWords> {
        let (me, account) = self.two(user_id).await?;
        self.commit().await?;
        self.words_of(&me, &account).await
    }

    /// Remembers that the person compared somebody's identity by another way than the server.
    ///
    /// `NotVerified` if it does not fit, and nothing changes; `UnknownUser`, `IdentityChanged`; `Malformed` for oneself.
    pub async fn verify_identity(&mut self, user_id: &str, compared: &Compared) -> Result<Identity> {
        let (me, account) = self.two(user_id).await?;
        self.need_accounts(&[account]).await?;
        let name = self::user_id(user_id)?;
        self.fits(compared, &me, &name, &account).await?;
        self.belief.verify(&account);
        self.commit().await?;
        self.identity_of(&account)
    }

    /// Takes the identity that the server shows now in place of the pinned one, because the person was told of it by
    /// another way than the server. If it is the pinned one after all, this verifies it.
    ///
    /// `NotVerified` if it does not fit, and nothing changes; `UnknownUser`; `IdentityChanged` if what the server shows
    /// is no other account, but a contradiction of the pinned one, or none at all; `Malformed` for oneself.
    pub async fn accept_identity(&mut self, user_id: &str, compared: &Compared) -> Result<AcceptedIdentity> {
        let me = self.me()?;
        let name = self::user_id(user_id)?;
        if let Some(pinned) = self.belief.pinned(&name).filter(|id| *id != me)
            && let Some(known) = self.shown_instead(&name, &pinned).await?
        {
            let id = known.ledger().id();
            self.fits(compared, &me, &name, &id).await?;
            self.belief.replace(known)?;
            let former_keychains = self.keychains_with(&pinned).await?;
            self.commit().await?;
            let former_account_id = Some(pinned.to_string());
            return Ok(AcceptedIdentity { identity: self.identity_of(&id)?, former_account_id, former_keychains });
        }
        // Before it is said that nothing changed, the server is asked again.
        self.look_up(&[user_id]).await?;
        let identity = self.verify_identity(user_id, compared).await?;
        Ok(AcceptedIdentity { identity, former_account_id: None, former_keychains: Vec::new() })
    }

    async fn words_of(&self, me: &ScopeId, account: &ScopeId) -> Result<SafetyWords> {
        let stretched = self.host.stretch(SafetyInput::of(me, account)).await;
        stretched.map(SafetyWords::from_stretched).ok_or_else(|| Error::internal("no way to work words out"))
    }

    /// Whether what a person was told is said of this account, to this person; else `NotVerified`.
    async fn fits(&self, compared: &Compared, me: &ScopeId, user_id: &UserId, account: &ScopeId) -> Result<()> {
        let fits = match compared {
            Compared::Words(words) => *words == self.words_of(me, account).await?,
            Compared::Uri(uri) => uri.user_id == *user_id && uri.account == *account,
            Compared::Account(id) => id == account,
        };
        if fits { Ok(()) } else { Err(does_not_fit(user_id)) }
    }

    /// One's own account, and the pinned one of somebody else. Staged, not committed.
    async fn two(&mut self, user_id: &str) -> Result<(ScopeId, ScopeId)> {
        let me = self.me()?;
        match self.people(&[user_id]).await?.pop() {
            Some(account) if account != me => Ok((me, account)),
            _ => Err(Error::new(Code::Malformed, "that is you: there is nobody to compare with")),
        }
    }

    /// The account that the server shows under a user id, if it is another than the pinned one. Not kept.
    async fn shown_instead(&mut self, name: &UserId, pinned: &ScopeId) -> Result<Option<KnownAccount>> {
        let body = Lookup { user_ids: vec![name.clone()] }.encode();
        let answer = self.ask(Method::Post, route::LOOKUP, body, Accounts::decode).await?;
        let [found] = answer.accounts.as_slice() else { return Err(not_ours()) };
        let Some(found) = found else { return Ok(None) };
        let key = self.belief.enrolled()?.server.key;
        let mut known = KnownAccount::looked_up(name, None, found, &key)?;
        let id = known.ledger().id();
        // It may have been theirs before; then it is not older than it was.
        if self.recall_account(&id).await? {
            known = KnownAccount::looked_up(name, self.belief.accounts.get(&id), found, &key)?;
        }
        Ok(Some(known).filter(|_| id != *pinned))
    }

    /// The keychains that one is in and in which an account is a member, or invited.
    async fn keychains_with(&mut self, account: &ScopeId) -> Result<Vec<String>> {
        let me = self.me()?;
        self.recall_scopes().await?;
        let ledgers = self.belief.scopes.values().filter(|known| known.is_in(&me)).map(|known| known.ledger());
        let with =
            ledgers.filter(|ledger| ledger.members().contains_key(account) || ledger.pending().contains_key(account));
        Ok(with.map(|ledger| ledger.id().to_string()).collect())
    }
}

fn does_not_fit(user_id: &UserId) -> Error {
    not_verified(format!("that is not what the true {user_id} would say, as far as the server shows {user_id}"))
        .hint("Nothing was changed. Compare again, in a call or face to face, word for word. If it still differs, somebody stands between you: share nothing.")
}
