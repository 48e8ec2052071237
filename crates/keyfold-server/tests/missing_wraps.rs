//! Wraps that somebody lacks: who may say so, who is asked, and for how long.

use crate::support::{Person, TEAM, Town, code, wrap_to};
use keyfold_format::{Permissions, ScopeId, scope::KEYCHAIN_RANK};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{AddWraps, MissingWrap, MissingWraps, Scopes},
};

/// Says what somebody lacks.
async fn lacks(town: &Town, who: &Person, scope: ScopeId, missing: &[(ScopeId, u32)]) -> Result<(), Code> {
    let missing = missing.iter().map(|&(recipient, number)| MissingWrap { recipient, number }).collect();
    let answer = who.ask(&town.world, Method::Post, &route::missing(&scope), MissingWraps { missing }.encode()).await;
    if answer.status == 200 { Ok(()) } else { Err(code(&answer)) }
}

/// What somebody is asked for, and whether the list of his scopes says that he is.
async fn asked(town: &Town, who: &Person, scope: ScopeId) -> (Vec<(ScopeId, u32)>, bool) {
    let answer = who.get(&town.world, &route::missing(&scope)).await;
    let missing = MissingWraps::decode(&answer.body).unwrap().missing;
    let listed = Scopes::decode(&who.get(&town.world, route::SCOPES).await.body).unwrap();
    let summary = listed.scopes.iter().find(|summary| summary.scope == scope).unwrap();
    (missing.iter().map(|wrap| (wrap.recipient, wrap.number)).collect(), summary.missing)
}

/// Alice's keychain with bob and carol in it.
async fn notes() -> (Town, Person, Person, Person, ScopeId) {
    let mut town = Town::start().await;
    let [alice, bob, carol] = [town.person("alice").await, town.person("bob").await, town.person("carol").await];
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    town.bring(&alice, notes, &bob, Permissions::NONE).await;
    town.bring(&alice, notes, &carol, Permissions::NONE).await;
    (town, alice, bob, carol, notes)
}

#[tokio::test]
async fn who_lacks_a_wrap_has_every_other_holder_asked_until_he_lacks_nothing() {
    let (town, alice, bob, carol, notes) = notes().await;
    let missing = [(bob.id(), 1)];
    lacks(&town, &bob, notes, &missing).await.unwrap();
    assert_eq!(asked(&town, &alice, notes).await, (missing.to_vec(), true));
    assert_eq!(asked(&town, &carol, notes).await, (missing.to_vec(), true));
    assert_eq!(asked(&town, &bob, notes).await, (vec![], false), "not he himself");
    lacks(&town, &bob, notes, &[]).await.unwrap();
    assert_eq!(asked(&town, &alice, notes).await, (vec![], false));
}

#[tokio::test]
async fn whoever_answers_with_garbage_keeps_nobody_from_being_asked() {
    let (mut town, alice, bob, carol, notes) = notes().await;
    let missing = [(bob.id(), 1)];
    lacks(&town, &bob, notes, &missing).await.unwrap();
    let garbage = AddWraps { wraps: vec![wrap_to(notes, bob.id(), 0, 1, true)] };
    assert_eq!(town.add_wraps(&carol, notes, &garbage).await, Ok(1));
    assert_eq!(asked(&town, &carol, notes).await, (vec![], false), "once is enough");
    assert_eq!(asked(&town, &alice, notes).await, (missing.to_vec(), true));
    // He says it again, as clients do that catch up: whoever answered is not asked again for the same.
    lacks(&town, &bob, notes, &missing).await.unwrap();
    assert_eq!(asked(&town, &carol, notes).await, (vec![], false));
    let next = town.next_key(notes);
    town.does(&alice, notes, &[], vec![next]).await.unwrap();
    lacks(&town, &bob, notes, &[(bob.id(), 1), (bob.id(), 2)]).await.unwrap();
    assert_eq!(asked(&town, &carol, notes).await, (vec![(bob.id(), 2)], true), "for another he is");
}

#[tokio::test]
async fn nobody_says_so_for_others_or_of_what_he_is_not_entitled_to() {
    let (mut town, alice, bob, carol, notes) = notes().await;
    let stranger = town.person("dave").await;
    assert_eq!(lacks(&town, &stranger, notes, &[(stranger.id(), 1)]).await, Err(Code::UnknownKeychain));
    for (missing, why) in [
        (vec![(carol.id(), 1)], "somebody else"),
        (vec![(bob.id(), 2)], "a key that is not there"),
        (vec![(bob.id(), 1), (bob.id(), 1)], "one twice"),
    ] {
        assert_eq!(lacks(&town, &bob, notes, &missing).await, Err(Code::WrapUnexpected), "{why}");
    }
    assert_eq!(asked(&town, &alice, notes).await, (vec![], false), "nothing of what was refused");
    let answer = stranger.get(&town.world, &route::missing(&notes)).await;
    assert_eq!(code(&answer), Code::UnknownKeychain);
    // Whoever is put out lacks nothing any more.
    lacks(&town, &bob, notes, &[(bob.id(), 1)]).await.unwrap();
    town.ban(&alice, notes, bob.id()).await;
    assert_eq!(asked(&town, &alice, notes).await, (vec![], false));
}

#[tokio::test]
async fn who_is_in_a_group_says_so_for_it() {
    let (mut town, alice, bob, _, _) = notes().await;
    let team = town.found(&alice, TEAM).await;
    town.bring(&alice, team, &bob, Permissions::NONE).await;
    let plans = town.found(&alice, KEYCHAIN_RANK).await;
    town.share(&alice, plans, team, Permissions::NONE).await;
    lacks(&town, &bob, plans, &[(team, 1)]).await.unwrap();
    assert_eq!(asked(&town, &alice, plans).await, (vec![(team, 1)], true));
}
