//! The rules of Propose and Approve: what takes more than half of the owners.

use super::{Case, case, doing};
use crate::people::{Person, World, add_owner, ban, expire, remove_owner, rotate, share_latest};
use keyfold_format::{
    Permissions, ScopeId,
    scope::{Decision, Op, Placed, Share},
};

const NONE: Permissions = Permissions::NONE;
const ALL: Permissions = Permissions::ALL;
const ELSEWHERE: ScopeId = ScopeId([9; 32]);

pub fn cases() -> Vec<Case> {
    [by_one(), by_two(), by_three(), lapses(), successors()].into_iter().flatten().collect()
}

fn propose(world: &World, who: &Person, decision: Decision) -> keyfold_format::entry::SignedEntry {
    doing(world, who, vec![Op::Propose(decision)])
}

fn approve(world: &World, who: &Person, decision: Decision) -> keyfold_format::entry::SignedEntry {
    doing(world, who, vec![Op::Approve(decision)])
}

/// Alice owns it, bob and carol are members.
fn three(bob: Permissions) -> World {
    World::with_bob(bob).and_carol(NONE)
}

/// Alice and bob own it.
fn two_owners() -> World {
    three(ALL).owned_too_by(|w| &w.bob)
}

fn three_owners() -> World {
    two_owners().owned_too_by(|w| &w.carol)
}

fn by_one() -> Vec<Case> {
    let world = three(ALL);
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let one_key = {
        let mut world = World::new();
        let share = Share { follows: false, ..share_latest(&world.ledger, &[&world.bob], NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    let invited = super::invited(NONE);
    let promoted = {
        let mut world = World::new();
        let end = Some(crate::people::TIME + 60_000);
        let share = Share { read_only: true, expires_at: end, ..share_latest(&world.ledger, &[&world.bob], NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world.owned_too_by(|w| &w.bob)
    };
    let share = share_latest(&promoted.ledger, &[&promoted.carol], NONE);
    let shares = promoted.bob.sign(&promoted.bob.entry(&promoted.ledger, vec![Op::Share(share)], &[&promoted.carol]));
    let placed = Placed { op: Op::Propose(add_owner(bob)), ..bob.leave(&world.ledger) };
    vec![
        case(
            "ok-owner-added-by-the-only-one",
            "one is more than half of one",
            &world,
            propose(&world, alice, add_owner(bob)),
            "ok",
        ),
        case(
            "owner-added-by-a-member",
            "bob has all permissions, and owns nothing",
            &world,
            propose(&world, bob, add_owner(bob)),
            "NotAnOwner",
        ),
        case(
            "owner-approved-by-a-member",
            "bob approves",
            &world,
            approve(&world, bob, add_owner(carol)),
            "NotAnOwner",
        ),
        case("owner-added-twice", "alice is one", &world, propose(&world, alice, add_owner(alice)), "AlreadyOwner"),
        case(
            "owner-who-is-invited",
            "bob has not answered",
            &invited,
            propose(&invited, &invited.alice, add_owner(&invited.bob)),
            "NoSuchMember",
        ),
        case(
            "owner-without-following",
            "bob holds one key, and an owner may rotate",
            &one_key,
            propose(&one_key, &one_key.alice, add_owner(&one_key.bob)),
            "RightsWithoutFollowing",
        ),
        case(
            "owner-removes-himself",
            "who wants to go leaves",
            &world,
            propose(&world, alice, remove_owner(alice)),
            "RemovalOfOneself",
        ),
        case(
            "owner-removed-who-is-none",
            "bob is a member",
            &world,
            propose(&world, alice, remove_owner(bob)),
            "NoSuchOwner",
        ),
        case(
            "approval-of-nothing-about-a-stranger",
            "the decision makes no sense, before it is not proposed",
            &invited,
            approve(&invited, &invited.alice, add_owner(&invited.carol)),
            "NoSuchMember",
        ),
        case(
            "expire-an-owner-who-had-an-end",
            "becoming an owner took his end away",
            &promoted,
            doing(&promoted, &promoted.alice, vec![expire(&promoted.ledger, &promoted.bob)]),
            "ShareWithoutEnd",
        ),
        case("ok-owner-who-was-read-only-shares", "becoming an owner lets him write", &promoted, shares, "ok"),
        case(
            "approval-of-nothing",
            "nothing is proposed",
            &world,
            approve(&world, alice, add_owner(bob)),
            "NoSuchProposal",
        ),
        case("propose-placed", "a proposal without a place", &world, bob.sign_placed(&placed), "PlacedMisplaced"),
    ]
}

fn by_two() -> Vec<Case> {
    let world = two_owners();
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let proposed = two_owners().after(|w| &w.alice, |w| vec![Op::Propose(add_owner(&w.carol))]);
    let expelling = two_owners().after(|w| &w.alice, |w| vec![Op::Propose(remove_owner(&w.bob))]);
    vec![
        case(
            "ok-owner-proposed",
            "one is not more than half of two",
            &world,
            propose(&world, alice, add_owner(carol)),
            "ok",
        ),
        case(
            "ok-owner-approved",
            "both are",
            &proposed,
            approve(&proposed, &proposed.bob, add_owner(&proposed.carol)),
            "ok",
        ),
        case(
            "owner-approved-by-himself-twice",
            "alice counts once",
            &proposed,
            approve(&proposed, &proposed.alice, add_owner(&proposed.carol)),
            "AlreadyApproved",
        ),
        case(
            "owner-proposed-again",
            "bob proposes what alice has proposed",
            &proposed,
            propose(&proposed, &proposed.bob, add_owner(&proposed.carol)),
            "AlreadyProposed",
        ),
        case(
            "approval-of-another-proposal",
            "carol is proposed, and bob is for a removal",
            &proposed,
            approve(&proposed, &proposed.bob, remove_owner(&proposed.alice)),
            "NoSuchProposal",
        ),
        case(
            "neither-of-two-owners-expels-the-other",
            "bob is not asked about himself, and alice alone is not enough: he stays an owner",
            &expelling,
            doing(&expelling, &expelling.alice, vec![ban(&expelling.bob), rotate(2, true)]),
            "OwnerProtected",
        ),
        case(
            "owner-approves-his-own-removal",
            "bob is asked about himself",
            &expelling,
            approve(&expelling, &expelling.bob, remove_owner(&expelling.bob)),
            "RemovalOfOneself",
        ),
        case(
            "propose-and-approve-in-one-entry",
            "alice counts once",
            &world,
            doing(&world, alice, vec![Op::Propose(add_owner(carol)), Op::Approve(add_owner(carol))]),
            "AlreadyApproved",
        ),
        case(
            "ok-one-of-two-owners-leaves",
            "bob remains",
            &world,
            alice.sign_placed(&alice.leave(&world.ledger)),
            "ok",
        ),
        case(
            "owner-banned-by-an-owner",
            "alice bans bob",
            &world,
            doing(&world, alice, vec![ban(bob), rotate(2, true)]),
            "OwnerProtected",
        ),
        case(
            "ok-proposal-of-another-owner",
            "bob has none so far",
            &many(),
            propose(&many(), &many().bob, Decision::Successor(ScopeId([99; 32]))),
            "ok",
        ),
        case(
            "too-many-proposals",
            "a seventeenth",
            &many(),
            propose(&many(), &many().alice, Decision::Successor(ScopeId([99; 32]))),
            "TooManyProposals",
        ),
    ]
}

/// Alice has as many proposals as she can have.
fn many() -> World {
    let mut world = two_owners();
    for n in 1..=16 {
        world = world.after(|w| &w.alice, |_| vec![Op::Propose(Decision::Successor(ScopeId([n; 32])))]);
    }
    world
}

fn by_three() -> Vec<Case> {
    let expelling = || three_owners().after(|w| &w.alice, |w| vec![Op::Propose(remove_owner(&w.bob))]);
    let world = expelling();
    let removed = expelling().after(|w| &w.carol, |w| vec![Op::Approve(remove_owner(&w.bob))]);
    let and_ban = |first: Op| doing(&world, &world.carol, vec![first, ban(&world.bob), rotate(2, false)]);
    let approval = Op::Approve(remove_owner(&world.bob));
    let not_allowed = doing(&removed, &removed.bob, vec![rotate(2, false)]);
    vec![
        case(
            "ok-owner-removed-by-two-of-three",
            "two are more than half of three",
            &world,
            approve(&world, &world.carol, remove_owner(&world.bob)),
            "ok",
        ),
        case(
            "ok-owner-removed-and-banned",
            "the approval that completes it carries the ban and the key",
            &world,
            and_ban(approval),
            "ok",
        ),
        case(
            "owner-banned-before-his-removal",
            "the ban stands first",
            &world,
            doing(&world, &world.carol, vec![ban(&world.bob), Op::Approve(remove_owner(&world.bob)), rotate(2, false)]),
            "OwnerProtected",
        ),
        case(
            "removed-owner-proposes",
            "bob owns nothing",
            &removed,
            propose(&removed, &removed.bob, remove_owner(&removed.alice)),
            "NotAnOwner",
        ),
        case(
            "removed-owner-rotates",
            "what he had before he was an owner is gone too",
            &removed,
            not_allowed,
            "RotationNotAllowed",
        ),
    ]
}

/// Proposals lapse when the owners change, and when the member is gone.
fn lapses() -> Vec<Case> {
    let open = || three_owners().after(|w| &w.alice, |w| vec![Op::Propose(remove_owner(&w.bob))]);
    let left = {
        let mut world = open();
        let leave = world.alice.sign_placed(&world.alice.leave(&world.ledger));
        world.append(leave).unwrap();
        world
    };
    let back = {
        let mut world = two_owners().after(|w| &w.alice, |w| vec![Op::Propose(add_owner(&w.carol))]);
        let leave = world.carol.sign_placed(&world.carol.leave(&world.ledger));
        world.append(leave).unwrap();
        world.and_carol(NONE)
    };
    let decided = two_owners()
        .after(|w| &w.alice, |_| vec![Op::Propose(Decision::Successor(ELSEWHERE))])
        .after(|w| &w.alice, |w| vec![Op::Propose(add_owner(&w.carol))])
        .after(|w| &w.bob, |w| vec![Op::Approve(add_owner(&w.carol))]);
    let named = two_owners()
        .after(|w| &w.alice, |_| vec![Op::Propose(Decision::Successor(ELSEWHERE))])
        .after(|w| &w.alice, |w| vec![Op::Propose(add_owner(&w.carol))])
        .after(|w| &w.bob, |_| vec![Op::Approve(Decision::Successor(ELSEWHERE))]);
    let banned = two_owners()
        .after(|w| &w.alice, |w| vec![Op::Propose(add_owner(&w.carol))])
        .after(|w| &w.alice, |w| vec![ban(&w.carol), rotate(2, true)])
        .and_carol(NONE);
    vec![
        case(
            "approval-after-another-decision-on-owners",
            "carol became an owner: what else was proposed has lapsed",
            &decided,
            approve(&decided, &decided.bob, Decision::Successor(ELSEWHERE)),
            "NoSuchProposal",
        ),
        case(
            "ok-approval-after-a-successor-was-named",
            "the owners are the same",
            &named,
            approve(&named, &named.bob, add_owner(&named.carol)),
            "ok",
        ),
        case(
            "approval-of-a-successor-that-was-named",
            "that one is closed",
            &named,
            approve(&named, &named.bob, Decision::Successor(ELSEWHERE)),
            "NoSuchProposal",
        ),
        case(
            "approval-after-the-member-was-banned",
            "carol is back: nobody has proposed this membership",
            &banned,
            approve(&banned, &banned.bob, add_owner(&banned.carol)),
            "NoSuchProposal",
        ),
        case(
            "approval-after-an-owner-left",
            "the owners are others: it has lapsed",
            &left,
            approve(&left, &left.carol, remove_owner(&left.bob)),
            "NoSuchProposal",
        ),
        case(
            "approval-after-the-member-was-out",
            "carol left and is back: nobody has proposed this membership",
            &back,
            approve(&back, &back.bob, add_owner(&back.carol)),
            "NoSuchProposal",
        ),
    ]
}

fn successors() -> Vec<Case> {
    let world = two_owners();
    let hinted = two_owners().after(|w| &w.alice, |_| vec![Op::Propose(Decision::Successor(ELSEWHERE))]);
    let itself = Decision::Successor(world.ledger.id());
    vec![
        case(
            "ok-successor-proposed",
            "a hint so far",
            &world,
            propose(&world, &world.alice, Decision::Successor(ELSEWHERE)),
            "ok",
        ),
        case(
            "ok-successor-approved",
            "a majority of the owners",
            &hinted,
            approve(&hinted, &hinted.bob, Decision::Successor(ELSEWHERE)),
            "ok",
        ),
        case(
            "successor-of-itself",
            "it would lead nowhere",
            &world,
            propose(&world, &world.alice, itself),
            "SuccessorOfItself",
        ),
        case(
            "successor-by-a-member",
            "carol owns nothing",
            &world,
            propose(&world, &world.carol, Decision::Successor(ELSEWHERE)),
            "NotAnOwner",
        ),
    ]
}
