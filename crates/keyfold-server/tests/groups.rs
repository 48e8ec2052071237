//! Groups: what comes to whom through them, what ends that, and what entries may cite of them.

use crate::support::{DEPARTMENT, Person, TEAM, Town, wrap_to};
use keyfold_format::{
    EntryHash, Permissions, Rejected, ScopeId,
    scope::{KEYCHAIN_RANK, Observe, Op},
    wrap::Wrap,
};
use keyfold_protocol::{Code, wire::AddWraps};
use std::collections::BTreeSet;

const UNKNOWN: Result<Vec<(u32, ScopeId)>, Code> = Err(Code::UnknownKeychain);
const CITATION_UNKNOWN: Result<(), Code> = Err(Code::Rejected(Rejected::CitationUnknown));

fn observe(principal: ScopeId) -> Op {
    Op::Observe(Observe { principal })
}

/// Alice's team with bob in it, and her keychain with the team in it. Carol is in neither.
struct Team {
    town: Town,
    alice: Person,
    bob: Person,
    carol: Person,
    team: ScopeId,
    notes: ScopeId,
}

impl Team {
    async fn start() -> Self {
        let mut town = Town::start().await;
        let [alice, bob, carol] = [town.person("alice").await, town.person("bob").await, town.person("carol").await];
        let team = town.found(&alice, TEAM).await;
        town.bring(&alice, team, &bob, Permissions::ALL).await;
        let notes = town.found(&alice, KEYCHAIN_RANK).await;
        town.share(&alice, notes, team, Permissions::ALL).await;
        Self { town, alice, bob, carol, team, notes }
    }

    /// Puts the team into a department, and that into a keychain; gives both.
    async fn nested(&mut self) -> (ScopeId, ScopeId) {
        let department = self.town.found(&self.alice, DEPARTMENT).await;
        self.town.share(&self.alice, department, self.team, Permissions::ALL).await;
        let plans = self.town.found(&self.alice, KEYCHAIN_RANK).await;
        self.town.share(&self.alice, plans, department, Permissions::ALL).await;
        (department, plans)
    }
}

#[tokio::test]
async fn who_is_in_a_group_reads_what_it_is_in_and_gets_the_wraps_to_it() {
    let Team { town, alice, bob, carol, team, notes } = Team::start().await;
    let town = town.restart().await;
    assert_eq!(town.sees(&bob, notes).await, town.all(notes));
    assert_eq!(town.listed(&bob).await, BTreeSet::from([team, notes]));
    assert_eq!(town.wraps(&bob, notes).await.unwrap(), [(1, team)]);
    assert_eq!(town.wraps(&bob, team).await.unwrap(), [(1, bob.id())]);
    // Alice has her own and comes through the group too.
    let wraps = town.wraps(&alice, notes).await.unwrap();
    assert_eq!(BTreeSet::from_iter(wraps), BTreeSet::from([(1, alice.id()), (1, team)]));
    for scope in [team, notes] {
        assert_eq!(town.sees(&carol, scope).await, None);
        assert_eq!(town.wraps(&carol, scope).await, UNKNOWN);
    }
    assert!(town.listed(&carol).await.is_empty());
}

#[tokio::test]
async fn who_comes_through_a_group_acts_through_it_and_not_as_himself() {
    let Team { mut town, bob, carol, team, notes, .. } = Team::start().await;
    let share = town.share_op(notes, carol.id(), Permissions::NONE);
    assert_eq!(town.does(&bob, notes, &[], vec![share.clone()]).await, Err(Code::UnknownKeychain));
    assert_eq!(town.does(&bob, notes, &[team], vec![share]).await, Ok(()));
    // Who is not in the group does not come through it, whatever he signs.
    let rotate = town.next_key(notes);
    assert_eq!(town.does(&carol, notes, &[team], vec![rotate]).await, Err(Code::Rejected(Rejected::ViaBroken)));
    town.answer(&carol, notes, Op::Accept).await.unwrap();
    assert_eq!(town.sees(&bob, notes).await, town.all(notes));
}

#[tokio::test]
async fn who_leaves_a_group_loses_what_it_is_in_like_a_former_member() {
    let Team { mut town, alice, bob, team, notes, .. } = Team::start().await;
    town.answer(&bob, team, Op::Leave).await.unwrap();
    let (in_team, in_notes) = (town.all(team), town.all(notes));
    let next = town.next_key(team);
    town.does(&alice, team, &[], vec![next]).await.unwrap();
    let next = town.next_key(notes);
    town.does(&alice, notes, &[], vec![next]).await.unwrap();

    let mut town = town.restart().await;
    assert_eq!((town.sees(&bob, team).await, town.sees(&bob, notes).await), (in_team, in_notes));
    assert_eq!((town.wraps(&bob, team).await, town.wraps(&bob, notes).await), (UNKNOWN, UNKNOWN));
    assert!(town.listed(&bob).await.is_empty());
    let next = town.next_key(notes);
    assert_eq!(town.does(&bob, notes, &[team], vec![next]).await, CITATION_UNKNOWN);
    let share = town.share_op(notes, bob.id(), Permissions::ALL);
    assert_eq!(town.does(&bob, notes, &[], vec![share]).await, Err(Code::UnknownKeychain));

    // In it again he reads all of it.
    town.bring(&alice, team, &bob, Permissions::NONE).await;
    assert_eq!((town.sees(&bob, team).await, town.sees(&bob, notes).await), (town.all(team), town.all(notes)));
}

#[tokio::test]
async fn nobody_reads_what_his_group_came_to_after_he_had_left_it() {
    let Team { mut town, alice, bob, team, notes, .. } = Team::start().await;
    town.ban(&alice, notes, team).await;
    let before = town.all(notes);
    let plans = town.found(&alice, KEYCHAIN_RANK).await;
    town.answer(&bob, team, Op::Leave).await.unwrap();
    let next = town.next_key(team);
    town.does(&alice, team, &[], vec![next]).await.unwrap();
    town.share(&alice, plans, team, Permissions::NONE).await;
    town.share(&alice, notes, team, Permissions::NONE).await;
    assert_eq!(town.sees(&bob, plans).await, None);
    // What he once read stays readable, and that the group is back makes it no more.
    assert_eq!(town.sees(&bob, notes).await, before);
}

#[tokio::test]
async fn a_group_that_is_put_out_takes_everybody_in_it_along() {
    let Team { mut town, alice, bob, carol, team, notes } = Team::start().await;
    town.ban(&alice, notes, team).await;
    let banned = town.all(notes);
    let next = town.next_key(notes);
    town.does(&alice, notes, &[], vec![next]).await.unwrap();
    assert_eq!(town.sees(&bob, notes).await, banned);
    assert_eq!(town.wraps(&bob, notes).await, UNKNOWN);
    assert_eq!(town.listed(&bob).await, BTreeSet::from([team]));
    // Who comes into the group now was never in the keychain.
    town.bring(&alice, team, &carol, Permissions::NONE).await;
    assert_eq!(town.sees(&carol, notes).await, None);
}

#[tokio::test]
async fn groups_in_groups_lead_to_what_the_outermost_is_in() {
    let mut all = Team::start().await;
    let (department, plans) = all.nested().await;
    let Team { mut town, alice, bob, carol, team, .. } = all;
    let scopes = [team, department, plans];
    for scope in scopes {
        assert_eq!(town.sees(&bob, scope).await, town.all(scope));
        assert!(town.listed(&bob).await.contains(&scope));
        assert_eq!(town.sees(&carol, scope).await, None);
    }
    assert_eq!(town.wraps(&bob, plans).await.unwrap(), [(1, department)]);
    assert_eq!(town.wraps(&bob, department).await.unwrap(), [(1, team)]);
    let share = town.share_op(plans, carol.id(), Permissions::NONE);
    assert_eq!(town.does(&bob, plans, &[department, team], vec![share]).await, Ok(()));

    town.ban(&alice, team, bob.id()).await;
    let before = scopes.map(|scope| town.all(scope));
    // From the innermost outwards, as clients repair it.
    for (scope, below) in [(department, team), (plans, department)] {
        let ops = vec![observe(below), town.next_key(scope)];
        town.does(&alice, scope, &[], ops).await.unwrap();
    }
    let town = town.restart().await;
    for (scope, before) in scopes.into_iter().zip(before) {
        assert_eq!(town.sees(&bob, scope).await, before);
        assert_eq!(town.wraps(&bob, scope).await, UNKNOWN);
        assert_eq!(town.sees(&alice, scope).await, town.all(scope));
    }
}

#[tokio::test]
async fn who_is_banned_comes_back_through_no_group() {
    let Team { mut town, alice, bob, team, notes, .. } = Team::start().await;
    town.ban(&alice, notes, bob.id()).await;
    let banned = town.all(notes);
    let next = town.next_key(notes);
    town.does(&alice, notes, &[], vec![next]).await.unwrap();
    assert_eq!(town.sees(&bob, notes).await, banned);
    assert_eq!(town.wraps(&bob, notes).await, UNKNOWN);
    assert_eq!(town.listed(&bob).await, BTreeSet::from([team]));
    assert_eq!(town.sees(&bob, team).await, town.all(team));
    let next = town.next_key(notes);
    assert_eq!(town.does(&bob, notes, &[team], vec![next]).await, Err(Code::UnknownKeychain));
    // A share lifts the ban.
    town.bring(&alice, notes, &bob, Permissions::NONE).await;
    assert_eq!(town.sees(&bob, notes).await, town.all(notes));
    assert!(town.wraps(&bob, notes).await.is_ok());
}

#[tokio::test]
async fn a_groups_ledger_is_read_as_far_as_something_does_not_replay_without_it() {
    let mut all = Team::start().await;
    let (department, plans) = all.nested().await;
    let Team { mut town, alice, bob, carol, team, .. } = all;
    assert_eq!(town.sees(&carol, team).await, None);
    town.share(&alice, plans, carol.id(), Permissions::NONE).await;
    // Invited already she verifies what she is asked into.
    for group in [team, department] {
        assert_eq!(town.sees(&carol, group).await, town.all(group));
        assert_eq!(town.wraps(&carol, group).await, UNKNOWN);
        assert!(!town.listed(&carol).await.contains(&group));
    }
    town.answer(&carol, plans, Op::Accept).await.unwrap();
    town.answer(&bob, team, Op::Leave).await.unwrap();
    assert_eq!(town.sees(&carol, team).await, town.all(team));
    // What the group does after it was put out is nobody's business there.
    town.ban(&alice, plans, department).await;
    let before = [team, department].map(|group| town.all(group));
    for group in [team, department] {
        let next = town.next_key(group);
        town.does(&alice, group, &[], vec![next]).await.unwrap();
    }
    for (group, before) in [team, department].into_iter().zip(before) {
        assert_eq!(town.sees(&carol, group).await, before);
    }
    // It is in what she left: up to then, and also in what it came to later.
    town.share(&alice, plans, department, Permissions::NONE).await;
    town.answer(&carol, plans, Op::Leave).await.unwrap();
    let before = [team, department].map(|group| town.all(group));
    let next = town.next_key(team);
    town.does(&alice, team, &[], vec![next]).await.unwrap();
    assert_eq!([town.sees(&carol, team).await, town.sees(&carol, department).await], before);
}

#[tokio::test]
async fn groups_are_cited_as_they_are_now_and_by_who_may_read_them() {
    let Team { mut town, alice, bob, carol, team, notes } = Team::start().await;
    // Directly shared with, and acted through.
    let plans = town.found(&alice, KEYCHAIN_RANK).await;
    let share = town.entry(&alice, plans, &[], vec![town.share_op(plans, team, Permissions::NONE)]);
    let through = town.entry(&bob, notes, &[team], vec![town.next_key(notes)]);
    town.bring(&alice, team, &carol, Permissions::NONE).await;
    assert_eq!(town.send(&alice, share.clone()).await, Err(Code::StaleCitation));
    assert_eq!(town.send(&bob, through).await, Err(Code::StaleCitation));

    let newest = town.cite(&team);
    let altered = |alter: &dyn Fn(&mut keyfold_format::entry::Cite)| {
        let mut entry = share.clone();
        let cite = entry.cites.iter_mut().find(|cite| cite.principal == team).unwrap();
        *cite = newest;
        alter(cite);
        entry
    };
    let never_was = altered(&|cite| cite.head.seq += 1);
    assert_eq!(town.send(&alice, never_was).await, CITATION_UNKNOWN);
    let another = altered(&|cite| cite.head.hash = EntryHash([7; 32]));
    assert_eq!(town.send(&alice, another).await, CITATION_UNKNOWN);
    let miscounted = altered(&|cite| cite.exclusions += 1);
    assert_eq!(town.send(&alice, miscounted).await, CITATION_UNKNOWN);

    // Whoever has left knows what the group is called, and learns nothing of it by citing it.
    town.answer(&carol, team, Op::Leave).await.unwrap();
    let own = town.found(&carol, KEYCHAIN_RANK).await;
    let share = town.share_op(own, team, Permissions::NONE);
    assert_eq!(town.does(&carol, own, &[], vec![share.clone()]).await, CITATION_UNKNOWN);
    let mut stale = town.entry(&carol, own, &[], vec![share]);
    stale.cites.iter_mut().find(|cite| cite.principal == team).unwrap().head.seq -= 1;
    assert_eq!(town.send(&carol, stale).await, CITATION_UNKNOWN);
    // No keychain is a group.
    let mut entry = town.entry(&alice, plans, &[], vec![town.share_op(plans, team, Permissions::NONE)]);
    entry.cites.iter_mut().find(|cite| cite.principal == team).unwrap().principal = notes;
    entry.cites.sort_by_key(|cite| cite.principal);
    assert_eq!(town.send(&alice, entry).await, CITATION_UNKNOWN);
}

#[tokio::test]
async fn of_an_entry_to_a_group_and_one_that_cites_it_one_is_first_and_nobody_waits_for_ever() {
    let Team { mut town, alice, bob, team, notes, .. } = Team::start().await;
    for _ in 0..12 {
        let next = town.next_key(team);
        let entry = town.entry(&alice, team, &[], vec![next]);
        let grown = town.signed(&alice, &entry);
        let next = town.next_key(notes);
        let entry = town.entry(&bob, notes, &[team], vec![next]);
        let citing = town.signed(&bob, &entry);
        let (to_team, to_notes) =
            tokio::join!(alice.append(&town.world, team, &grown), bob.append(&town.world, notes, &citing),);
        assert_eq!(to_team.status, 200);
        if to_notes.status == 200 {
            town.take(notes, &citing.entry).unwrap();
        } else {
            assert_eq!(crate::support::code(&to_notes), Code::StaleCitation);
        }
        town.take(team, &grown.entry).unwrap();
    }
    let town = town.restart().await;
    assert_eq!(town.sees(&bob, notes).await, town.all(notes));
    assert_eq!(town.sees(&bob, team).await, town.all(team));
}

/// The keychain's second key was made while the team was not clean; it is now, and lacks it.
async fn without_a_wrap() -> Team {
    let mut all = Team::start().await;
    let Team { town, alice, bob, carol, team, notes } = &mut all;
    town.bring(alice, *team, carol, Permissions::NONE).await;
    town.answer(carol, *team, Op::Leave).await.unwrap();
    let ops = vec![observe(*team), town.next_key(*notes)];
    town.does(alice, *notes, &[], ops).await.unwrap();
    assert!(!town.ledger(*notes).takes_wraps(team));
    let next = town.next_key(*team);
    town.does(alice, *team, &[], vec![next]).await.unwrap();
    assert_eq!(town.wraps(bob, *notes).await.unwrap(), [(1, *team)]);
    all
}

#[tokio::test]
async fn who_holds_a_key_adds_the_wrap_that_somebody_lacks() {
    let Team { mut town, alice, bob, carol, team, notes } = without_a_wrap().await;
    let wrap = |recipient, recipient_number, key| wrap_to(notes, recipient, recipient_number, key, true);
    let add = |wraps: Vec<Wrap>| AddWraps { wraps };
    // Not while it is unclean as the keychain has it.
    let unclean = add(vec![wrap(team, 1, 2)]);
    assert_eq!(town.add_wraps(&alice, notes, &unclean).await, Err(Code::WrapUnexpected));
    town.does(&alice, notes, &[], vec![observe(team)]).await.unwrap();
    let missing = add(vec![wrap(team, 2, 2)]);

    assert_eq!(town.add_wraps(&carol, notes, &missing).await, Err(Code::UnknownKeychain));
    for (unexpected, why) in [
        (vec![wrap(team, 1, 2)], "a key that the group has left behind"),
        (vec![wrap(carol.id(), 0, 2)], "nobody there"),
        (vec![wrap(team, 2, 2), wrap(team, 2, 2)], "one twice"),
        (vec![wrap(team, 2, 2), wrap(bob.id(), 0, 2)], "who comes through a group is entitled by it"),
    ] {
        assert_eq!(town.add_wraps(&alice, notes, &add(unexpected)).await, Err(Code::WrapUnexpected), "{why}");
    }
    let no_such_key = add(vec![wrap(team, 2, 3)]);
    assert_eq!(town.add_wraps(&alice, notes, &no_such_key).await, Err(Code::NotAllowed));
    assert_eq!(town.wraps(&bob, notes).await.unwrap(), [(1, team)], "nothing of what was refused");

    // Garbage of one stands beside what opens of another, and who sends again has one.
    assert_eq!(town.add_wraps(&bob, notes, &missing).await, Ok(1));
    for _ in 0..2 {
        let opens = add(vec![wrap(team, 2, 2), wrap(alice.id(), 0, 2)]);
        assert_eq!(town.add_wraps(&alice, notes, &opens).await, Ok(2));
    }
    let town = town.restart().await;
    assert_eq!(town.wraps(&bob, notes).await.unwrap(), [(1, team), (2, team), (2, team)]);
}

#[tokio::test]
async fn the_wraps_of_a_group_are_served_while_it_is_entitled_to_them() {
    let Team { mut town, alice, bob, team, notes, .. } = Team::start().await;
    town.ban(&alice, notes, team).await;
    assert_eq!(town.wraps(&bob, notes).await, UNKNOWN);
    assert_eq!(town.wraps(&alice, notes).await.unwrap(), [(1, alice.id()), (2, alice.id())]);
    // Shared with again it is entitled to what that share says: here to the newest key alone.
    let mut share = town.share_op(notes, team, Permissions::NONE);
    if let Op::Share(share) = &mut share {
        share.keys = keyfold_format::scope::KeySet::one(2);
        share.history = None;
    }
    town.does(&alice, notes, &[], vec![share]).await.unwrap();
    assert_eq!(town.wraps(&bob, notes).await.unwrap(), [(2, team)]);
}

#[tokio::test]
async fn a_membership_whose_time_is_up_leads_nowhere() {
    let Team { mut town, alice, bob, team, .. } = Team::start().await;
    let plans = town.found(&alice, KEYCHAIN_RANK).await;
    let mut share = town.share_op(plans, team, Permissions::ALL);
    if let Op::Share(share) = &mut share {
        share.expires_at = Some(1);
    }
    town.does(&alice, plans, &[], vec![share]).await.unwrap();
    assert!(town.ledger(plans).members().contains_key(&team), "the ledger knows no clock");
    assert_eq!(town.wraps(&bob, plans).await, UNKNOWN);
    let next = town.next_key(plans);
    assert_eq!(town.does(&bob, plans, &[team], vec![next]).await, Err(Code::NotAllowed));
}
