//! Sharing: which keys and rights a wish means, who has them already, and one entry for everybody else.

use super::{Author, Draft, Keys, append, refused};
use crate::{
    Error, Result,
    machine::{Keyring, KnownScope, scope::Stop},
    model::{ShareKeys, ShareOptions},
};
use keyfold_format::{
    KeyFingerprint, Permissions, Rejected, ScopeId,
    scope::{KeySet, Ledger, Ledgers, Member, Op, Principal, Share},
    sorted::SortedMap,
};
use keyfold_protocol::Code;
use rand_core::CryptoRng;

/// What a share grants, worked out from a wish and the sharer's own standing.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) keys: KeySet,
    follows: bool,
    history: Option<u32>,
    permissions: Permissions,
    read_only: bool,
    expires_at: Option<u64>,
}

impl Terms {
    pub(crate) fn new(
        ledger: &Ledger,
        own: &Member,
        ring: &Keyring,
        keys: &ShareKeys,
        options: &ShareOptions,
    ) -> Result<Self, Stop> {
        let held = own.held_keys();
        let holds_current = held.contains(ledger.current_key());
        let (keys, follows, history) = match keys {
            ShareKeys::Latest => {
                let newest = own.keys.last().ok_or_else(|| refused(Rejected::ShareOfNothing))?;
                if !held.contains(newest) {
                    return Err(refused(Rejected::KeyNotHeld));
                }
                (KeySet::one(newest), own.follows && holds_current, None)
            }
            ShareKeys::All => {
                // Only who follows gets history: it is reached from the current key, over all that lies between.
                let whole = |from: &u32| {
                    own.follows
                        && holds_current
                        && own.dropped.last().is_none_or(|dropped| dropped < *from)
                        && ring.reads_back(ledger, *from)
                };
                match own.history.filter(whole) {
                    Some(from) => (held, true, Some(from)),
                    // Where history is broken, keys that never opened are gone around.
                    None => {
                        let opened: KeySet = held.iter().filter(|number| ring.key(*number).is_some()).collect();
                        let follows = own.follows && opened.contains(ledger.current_key());
                        (opened, follows, None)
                    }
                }
            }
            ShareKeys::One(fingerprint) => {
                let parsed: Option<KeyFingerprint> = fingerprint.parse().ok();
                let entry = parsed.and_then(|fingerprint| ledger.key_by_fingerprint(&fingerprint));
                let number = entry.map(|entry| entry.number).ok_or_else(|| unknown_key(fingerprint))?;
                (KeySet::one(number), false, None)
            }
        };
        Ok(Self {
            keys,
            follows,
            history,
            permissions: options.permissions.into(),
            // A read-only member can only share so.
            read_only: options.read_only || own.read_only,
            expires_at: options.expires_at,
        })
    }

    /// Whether somebody on terms `held` has all of this.
    fn within(&self, held: &Member) -> bool {
        held.held_keys().contains_all(&self.keys)
            && (held.follows || !self.follows)
            && self.history.is_none_or(|from| held.history.is_some_and(|held| held <= from))
            && held.permissions.contains(self.permissions)
            && (held.read_only || !self.read_only)
            && (self.expires_at.is_none() || held.expires_at == self.expires_at)
    }

    fn op(&self, principals: Vec<Principal>) -> Op {
        Op::Share(Share {
            principals,
            keys: self.keys.clone(),
            permissions: self.permissions,
            follows: self.follows,
            history: self.history,
            read_only: self.read_only,
            expires_at: self.expires_at,
        })
    }
}

/// How somebody stands to a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Neither a member, nor is a share waiting for him.
    Stranger,
    /// A share waits; `true`: it grants all of this.
    Pending(bool),
    /// A member; `true`: he has all of this.
    Member(bool),
}

pub(crate) fn standing(ledger: &Ledger, id: &ScopeId, terms: &Terms) -> Standing {
    if let Some(member) = ledger.members().get(id) {
        let owner = ledger.owners().contains(id);
        let held = Member { permissions: ledger.permissions(id), ..member.clone() };
        // Nobody can take from an owner, so less than what he has is what he has.
        let terms = if owner { Terms { read_only: false, expires_at: None, ..terms.clone() } } else { terms.clone() };
        return Standing::Member(terms.within(&held));
    }
    match ledger.pending().get(id) {
        Some(share) => Standing::Pending(terms.within(&share.terms)),
        None => Standing::Stranger,
    }
}

/// One entry with one `Share` for all of `with` that lack something. `None`: nobody does.
pub(crate) fn share(
    scope: &KnownScope,
    ring: &Keyring,
    with: &[Principal],
    terms: &Terms,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    let lacking = |principal: &&Principal| match standing(ledger, &principal.id(), terms) {
        Standing::Stranger => true,
        Standing::Pending(has_all) | Standing::Member(has_all) => !has_all,
    };
    let lacking: SortedMap<ScopeId, Principal> = with.iter().filter(lacking).map(|p| (p.id(), *p)).collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let ids: Vec<ScopeId> = lacking.keys().copied().collect();
    let mut principals: Vec<Principal> = lacking.values().copied().collect();
    // People stand before groups, whatever their ids.
    principals.sort_unstable();
    let keys = Keys { ring: Some(ring), made: None };
    append(scope, vec![terms.op(principals)], &ids, author, keys, accounts, rng).map(Some)
}

fn unknown_key(fingerprint: &str) -> Stop {
    Stop::Refused(
        Error::new(Code::UnknownKey, format!("the keychain has no key `{fingerprint}`"))
            .hint("`keyfold keychain show` lists the keys."),
    )
}
