//! Lies about wraps: none, broken ones, and those of something else (S6).

use super::member::{created, site};
use crate::{
    evil::{Asked, EvilWorld},
    hand::sign_ups,
};
use keyfold_core::keychain::wrap;
use keyfold_format::{
    Name, ScopeId,
    scope::ScopeEntry,
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    route,
    wire::{AddWraps, Append, CreateScope, OwnWraps, Placed},
};
use rand_core::UnwrapErr;
use serde::Deserialize;

/// What the wraps that are served are really of: they differ from what stands beside them in this.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// Of other keys of the scope, for the same recipient.
    Number,
    /// Of the same key, for others.
    Recipient,
    /// Of the keys of other keychains and groups, for the same recipient.
    Scope,
    /// By somebody else, for the very place, of a key that he chose.
    Author,
}

/// Every wrap is withheld.
pub(super) fn withheld(world: &EvilWorld) {
    alter(world, |_, _| Vec::new());
}

/// Every wrap has a byte changed.
pub(super) fn altered(world: &EvilWorld) {
    alter(world, |_, wrap| {
        let mut sealed = wrap.sealed().to_vec();
        if let Some(byte) = sealed.last_mut() {
            *byte ^= 1;
        }
        vec![sealed_as(wrap, sealed).expect("it is as long as before")]
    });
}

/// In the place of every wrap stand all others that were uploaded here and differ from it so. A wrap that has no such
/// other stays: a test that did not set its stage sees the truth, and fails.
pub(super) fn swapped(world: &EvilWorld, other: Other) -> Result<(), String> {
    let uploaded = uploaded(world);
    let mut shown: Vec<(ScopeId, Wrap, Vec<Wrap>)> = Vec::new();
    for (scope, truth) in &uploaded {
        let others = match other {
            Other::Author => chosen(world, *scope, truth)?.into_iter().collect(),
            _ => {
                let fits = |(at, wrap): &&(ScopeId, Wrap)| differs(other, (*scope, truth), (*at, wrap));
                let moved = |(_, wrap): &(ScopeId, Wrap)| sealed_as(truth, wrap.sealed().to_vec());
                uploaded.iter().filter(fits).filter_map(moved).collect()
            }
        };
        shown.push((*scope, truth.clone(), others));
    }
    alter(world, move |scope, wrap| {
        let others = shown.iter().find(|(at, truth, _)| *at == scope && truth == wrap).map(|(.., others)| others);
        others.filter(|others| !others.is_empty()).cloned().unwrap_or_else(|| vec![wrap.clone()])
    });
    Ok(())
}

fn differs(other: Other, (scope, truth): (ScopeId, &Wrap), (at, wrap): (ScopeId, &Wrap)) -> bool {
    let same_recipient = wrap.recipient == truth.recipient && wrap.recipient_number == truth.recipient_number;
    match other {
        Other::Number => at == scope && same_recipient && wrap.number != truth.number,
        Other::Recipient => at == scope && wrap.number == truth.number && wrap.recipient != truth.recipient,
        Other::Scope => at != scope && same_recipient,
        Other::Author => false,
    }
}

/// What stands beside one wrap, and the sealed bytes of another; `None` if they have not the length that it demands.
fn sealed_as(beside: &Wrap, sealed: Vec<u8>) -> Option<Wrap> {
    Wrap::new(&beside.place(WrapKind::Keychain, beside.recipient), sealed).ok()
}

/// For the same place, of another key; `None` for a group's, whose public key no account tells.
fn chosen(world: &EvilWorld, scope: ScopeId, truth: &Wrap) -> Result<Option<Wrap>, String> {
    let Some((recipient, _)) = sign_ups(world).find(|(account, _)| account.id() == truth.recipient) else {
        return Ok(None);
    };
    let mut rng = UnwrapErr(getrandom::SysRng);
    let genesis = created(world, scope)?;
    let site = site(&genesis, truth.number)?;
    let name = Name::new("notes").map_err(|fault| fault.to_string())?;
    let (made, _) = site.generate(&name, None, &mut rng).map_err(|fault| fault.to_string())?;
    let is_group = matches!(ScopeEntry::decode(&genesis.signed), Ok(ScopeEntry::Ordinary(first)) if first.group);
    let kind = if is_group { WrapKind::Group } else { WrapKind::Keychain };
    let place: WrapPlace = truth.place(kind, scope);
    let keys = recipient.keys(truth.recipient_number).ok_or("an account has keys")?;
    let history = truth.history.then_some(&made.history);
    wrap(&place, &made.key, history, &keys.sharing, &mut rng).map(Some).map_err(|fault| fault.to_string())
}

/// Every wrap that somebody uploaded, and of which scope.
fn uploaded(world: &EvilWorld) -> Vec<(ScopeId, Wrap)> {
    let mut all = Vec::new();
    for asked in world.evil.seen().iter().filter(|asked| asked.method == "POST") {
        let found = if asked.path == route::SCOPES {
            CreateScope::decode(&asked.body).ok().map(|made| (made.genesis.scope_id(), made.wraps))
        } else {
            let wraps = if asked.path.ends_with("/entries") {
                Append::decode(&asked.body).ok().map(|append| append.wraps)
            } else {
                AddWraps::decode(&asked.body).ok().map(|added| added.wraps)
            };
            scope_of(asked).zip(wraps)
        };
        all.extend(found.into_iter().flat_map(|(scope, wraps)| wraps.into_iter().map(move |wrap| (scope, wrap))));
    }
    all
}

/// The scope in `/v1/scopes/{scope id}/…`.
fn scope_of(asked: &Asked) -> Option<ScopeId> {
    asked.path.strip_prefix(route::SCOPES)?.split('/').nth(1)?.parse().ok()
}

/// Puts other wraps in the place of each that is served.
fn alter(world: &EvilWorld, alter: impl Fn(ScopeId, &Wrap) -> Vec<Wrap> + Send + 'static) {
    world.evil.lie(move |asked, answer| {
        let Some(scope) = scope_of(asked).filter(|_| answer.status == 200) else { return };
        let alter = |wraps: &[Wrap]| wraps.iter().flat_map(|wrap| alter(scope, wrap)).collect();
        if asked.path.ends_with("/placed") {
            let mut placed = Placed::decode(&answer.body).expect("the server wrote it");
            placed.wraps = alter(&placed.wraps);
            answer.body = placed.encode();
        } else if asked.path.ends_with("/wraps") && asked.method == "GET" {
            let wraps = OwnWraps::decode(&answer.body).expect("the server wrote it").wraps;
            answer.body = OwnWraps { wraps: alter(&wraps) }.encode();
        }
    });
}
