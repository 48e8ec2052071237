//! The rules of Leave, and of the key that it asks for.

use super::{Case, case, doing, invited};
use crate::people::{World, ban, rotate, set_permissions, share_latest};
use keyfold_format::{
    EntryHash, Permissions, ScopeId,
    scope::{Op, Share},
};

const NONE: Permissions = Permissions::NONE;
const ALL: Permissions = Permissions::ALL;

pub fn cases() -> Vec<Case> {
    [leaves(), departures()].into_iter().flatten().collect()
}

fn leaves() -> Vec<Case> {
    let world = World::with_bob(NONE);
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let leave = bob.leave(&world.ledger);
    let altered = |alter: &dyn Fn(&mut keyfold_format::scope::Placed)| {
        let mut placed = leave.clone();
        alter(&mut placed);
        bob.sign_placed(&placed)
    };
    let waiting = invited(NONE);
    vec![
        case("ok-leave", "bob leaves", &world, bob.sign_placed(&leave), "ok"),
        case(
            "leave-by-the-only-owner",
            "nobody would own it",
            &world,
            alice.sign_placed(&alice.leave(&world.ledger)),
            "LastOwner",
        ),
        case(
            "leave-by-a-stranger",
            "carol is not in it",
            &world,
            carol.sign_placed(&carol.leave(&world.ledger)),
            "NotAMember",
        ),
        case(
            "leave-before-accepting",
            "bob is invited and no member",
            &waiting,
            waiting
                .bob
                .sign_placed(&keyfold_format::scope::Placed { op: Op::Leave, ..waiting.bob.accept(&waiting.ledger) }),
            "NotAMember",
        ),
        case(
            "leave-of-another-entry",
            "it answers the genesis",
            &world,
            altered(&|p| p.answers = EntryHash(world.ledger.id().0)),
            "NotAMember",
        ),
        case(
            "leave-of-another-scope",
            "it names another keychain",
            &world,
            altered(&|p| p.scope = ScopeId([5; 32])),
            "WrongScope",
        ),
        case(
            "leave-before-the-share",
            "its time is before the share's",
            &world,
            altered(&|p| p.time -= 1),
            "TimeGoesBack",
        ),
        case("leave-signed-by-alice", "alice makes bob leave", &world, alice.sign_placed(&leave), "BadSignature"),
        case(
            "leave-cites-unknown-head",
            "bob cites a head that his account does not have",
            &world,
            altered(&|p| p.author.head.hash = EntryHash([3; 32])),
            "CitationUnknown",
        ),
        case(
            "leave-not-placed",
            "a Leave as an ordinary entry",
            &world,
            doing(&world, bob, vec![Op::Leave]),
            "PlacedMisplaced",
        ),
        case("placed-ban", "a ban without a place", &world, altered(&|p| p.op = ban(carol)), "PlacedMisplaced"),
        case(
            "placed-permissions",
            "permissions without a place",
            &world,
            altered(&|p| p.op = set_permissions(bob, ALL, NONE)),
            "PlacedMisplaced",
        ),
    ]
}

/// What a departure asks for.
fn departures() -> Vec<Case> {
    let world = World::with_bob(NONE).and_carol(NONE);
    let old = world.bob.sign_placed(&world.bob.leave(&world.ledger));
    let left = {
        let mut world = World::with_bob(NONE).and_carol(NONE);
        let leave = world.bob.sign_placed(&world.bob.leave(&world.ledger));
        world.append(leave).unwrap();
        world
    };
    let repaired = {
        let mut world = World::with_bob(NONE).and_carol(NONE);
        for entry in &left.entries[world.entries.len()..] {
            world.append(entry.clone()).unwrap();
        }
        let turn = doing(&world, &world.carol, vec![rotate(2, false)]);
        world.append(turn).unwrap();
        world
    };
    let back = {
        let mut world = World::with_bob(NONE).and_carol(NONE);
        for entry in &left.entries[world.entries.len()..] {
            world.append(entry.clone()).unwrap();
        }
        let share = share_latest(&world.ledger, &[&world.bob], NONE);
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    let one_key = {
        let mut world = World::with_bob(NONE);
        let share = Share { follows: false, ..share_latest(&world.ledger, &[&world.carol], NONE) };
        world.alice_shares(share, &[|w| &w.carol]).unwrap();
        let accept = world.carol.sign_placed(&world.carol.accept(&world.ledger));
        world.append(accept).unwrap();
        let leave = world.bob.sign_placed(&world.bob.leave(&world.ledger));
        world.append(leave).unwrap();
        world
    };
    vec![
        case("leave-twice", "the same Leave again", &left, old.clone(), "NotAMember"),
        case(
            "leave-of-a-former-membership",
            "bob left and is back: the old Leave ends nothing",
            &back,
            old,
            "NotAMember",
        ),
        case(
            "ok-rotate-after-a-leave-by-any-follower",
            "carol has no permissions, and bob holds the current key",
            &left,
            doing(&left, &left.carol, vec![rotate(2, false)]),
            "ok",
        ),
        case(
            "rotate-twice-after-a-leave",
            "once it was made, carol may not make another",
            &repaired,
            doing(&repaired, &repaired.carol, vec![rotate(3, false)]),
            "RotationNotAllowed",
        ),
        case(
            "rotate-after-a-leave-without-following",
            "carol holds one key and does not follow",
            &one_key,
            doing(&one_key, &one_key.carol, vec![rotate(2, false)]),
            "RotationNotAllowed",
        ),
        case("rotate-by-who-left", "bob is out", &left, doing(&left, &left.bob, vec![rotate(2, false)]), "NotAMember"),
    ]
}
