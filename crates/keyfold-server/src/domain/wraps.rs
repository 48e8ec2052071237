//! Wraps by themselves: fetching one's own, and adding those that somebody lacks.
//!
//! Spec: `docs/spec/http.md`, "Wraps".

use super::{
    Caller, Domain, Fault, fault,
    fault::unknown_keychain,
    groups::stands_as,
    scopes::{TRIES, busy, entitled},
};
use keyfold_format::{ScopeId, scope, wrap::Wrap};
use keyfold_protocol::{
    Code,
    wire::{AddWraps, AddedWraps, OwnWraps},
};
use std::collections::BTreeSet;

impl Domain {
    /// The caller's wraps, and those of the groups through which he comes to the scope, as far as the state entitles to
    /// them now: the state on the disk, or an `Accept` that is never stored would hand out keys.
    pub(crate) async fn own_wraps(&self, caller: &Caller, scope: ScopeId) -> Result<OwnWraps, Fault> {
        let ways = self.ways(caller.account, scope).await?;
        let mut stored = self.store.wraps(scope, caller.account).await?;
        for group in &ways {
            stored.extend(self.store.wraps(scope, group.id()).await?);
        }
        let wraps = self.on_disk(scope, |ledger| {
            let standing = stands_as(ledger, caller.account, ways.clone());
            if standing.is_empty() {
                return Err(unknown_keychain());
            }
            let mut wraps = entitled(ledger, stored.clone());
            wraps.retain(|wrap| standing.contains(&wrap.recipient));
            Ok(wraps)
        });
        Ok(OwnWraps { wraps: wraps.await? })
    }

    /// Keeps wraps of keys that the caller holds, for recipients whom the state entitles to them and who take wraps.
    /// They come beside those that are there: whoever sends garbage keeps nobody from sending what opens.
    pub(crate) async fn add_wraps(&self, caller: &Caller, scope: ScopeId, add: AddWraps) -> Result<AddedWraps, Fault> {
        self.check_fresh(caller).await?;
        let place = |wrap: &Wrap| (wrap.recipient, wrap.number, wrap.recipient_number, wrap.history);
        if add.wraps.iter().map(place).collect::<BTreeSet<_>>().len() != add.wraps.len() {
            return Err(fault(Code::WrapUnexpected, "a wrap is there twice"));
        }
        let ways = self.ways(caller.account, scope).await?;
        let checked = self.on_disk(scope, |ledger| {
            let standing = stands_as(ledger, caller.account, ways.clone());
            if standing.is_empty() {
                return Err(unknown_keychain());
            }
            add.wraps.iter().try_for_each(|wrap| check_added(ledger, &standing, wrap))
        });
        checked.await?;
        let kept = add.wraps.len() as u32;
        let sent: BTreeSet<_> = add.wraps.iter().map(|wrap| (wrap.recipient, wrap.number)).collect();
        self.store.add_wraps(caller.once, scope, caller.account, add.wraps).await?;
        let mut audience: BTreeSet<_> = sent.iter().map(|(recipient, _)| *recipient).collect();
        audience.extend(self.missing.answered(&scope, caller.account, &sent));
        self.hub.tell_of_wraps(scope, &audience);
        Ok(AddedWraps { kept })
    }

    /// What a scope's state on the disk says.
    pub(super) async fn on_disk<T>(
        &self,
        scope: ScopeId,
        ask: impl Fn(&scope::Ledger) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let slot = self.replayed.slot(scope);
        for _ in 0..TRIES {
            let mut tip = self.replayed.tip(&*self.store, scope, &slot).await?;
            let answer = ask(tip.ledger()?);
            let settled = tip.settled();
            drop(tip);
            if settled.await {
                return answer;
            }
        }
        Err(busy())
    }
}

fn check_added(ledger: &scope::Ledger, standing: &BTreeSet<ScopeId>, wrap: &Wrap) -> Result<(), Fault> {
    if !standing.iter().any(|id| ledger.entitles(id, wrap.number, wrap.history)) {
        return Err(fault(Code::NotAllowed, "a key is wrapped that you are not entitled to"));
    }
    let recipient = &wrap.recipient;
    let taken = ledger.entitles(recipient, wrap.number, wrap.history)
        && ledger.takes_wraps(recipient)
        && ledger.wrap_number(recipient) == wrap.recipient_number;
    if !taken {
        return Err(fault(Code::WrapUnexpected, "a wrap is there that the state entitles nobody to"));
    }
    Ok(())
}
