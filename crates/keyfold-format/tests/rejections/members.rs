//! The rules of SetPermissions, Ban and Leave, and what a ban means for the entries after it.

use super::{Case, altered, case};
use crate::people::{Person, World, ban, ban_and_rotate, rotate, set_permissions, share_latest};
use keyfold_format::{
    EntryHash, Permissions, ScopeId,
    entry::SignedEntry,
    scope::{Op, Share},
};

const NONE: Permissions = Permissions::NONE;
const ALL: Permissions = Permissions::ALL;

pub fn cases() -> Vec<Case> {
    [permissions(), permissions_within_ones_own(), bans(), bans_and_keys(), after_a_ban(), leaves(), departures()]
        .into_iter()
        .flatten()
        .collect()
}

fn doing(world: &World, who: &Person, ops: Vec<Op>) -> SignedEntry {
    altered(world, who, ops, &[], |_| ())
}

/// Bob's share has not been answered.
fn invited(permissions: Permissions) -> World {
    let mut world = World::new();
    let share = share_latest(&world.ledger, &[&world.bob], permissions);
    world.alice_shares(share, &[|w| &w.bob]).unwrap();
    world
}

fn permissions() -> Vec<Case> {
    let sharing = Permissions::SHARING;
    let member = World::with_bob(sharing);
    let (alice, bob, carol) = (&member.alice, &member.bob, &member.carol);
    let by_alice = |op| doing(&member, alice, vec![op]);
    let waiting = invited(NONE);
    let one_key = {
        let mut world = World::new();
        let share = Share { follows: false, ..share_latest(&world.ledger, &[&world.bob], NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    let to_one_key = |granted| doing(&one_key, &one_key.alice, vec![set_permissions(&one_key.bob, granted, NONE)]);
    let without_following = "bob holds one key and does not follow";
    vec![
        case("ok-permissions-granted", "bob gets all", &member, by_alice(set_permissions(bob, ALL, NONE)), "ok"),
        case(
            "ok-permissions-granted-and-withdrawn",
            "bob may delete and no longer share",
            &member,
            by_alice(set_permissions(bob, Permissions::DELETION, sharing)),
            "ok",
        ),
        case(
            "ok-permissions-that-he-has",
            "bob has allowSharing already: nothing changes",
            &member,
            by_alice(set_permissions(bob, sharing, NONE)),
            "ok",
        ),
        case(
            "permissions-granted-and-withdrawn-at-once",
            "one permission in both lists",
            &member,
            by_alice(set_permissions(bob, sharing, sharing)),
            "NotCanonical",
        ),
        case(
            "permissions-none-named",
            "nothing is granted and nothing withdrawn",
            &member,
            by_alice(set_permissions(bob, NONE, NONE)),
            "Malformed",
        ),
        case(
            "permissions-of-an-owner",
            "alice withdraws from herself, the owner",
            &member,
            by_alice(set_permissions(alice, NONE, sharing)),
            "OwnerProtected",
        ),
        case(
            "permissions-granted-to-an-owner",
            "an owner has all anyway",
            &member,
            by_alice(set_permissions(alice, sharing, NONE)),
            "OwnerProtected",
        ),
        case(
            "permissions-of-a-stranger",
            "carol is not in it",
            &member,
            by_alice(set_permissions(carol, sharing, NONE)),
            "NoSuchMember",
        ),
        case(
            "permissions-of-somebody-invited",
            "bob has not accepted: his share has its own terms",
            &waiting,
            doing(&waiting, &waiting.alice, vec![set_permissions(&waiting.bob, ALL, NONE)]),
            "NoSuchMember",
        ),
        case(
            "permissions-rotation-without-following",
            without_following,
            &one_key,
            to_one_key(Permissions::ROTATION),
            "RightsWithoutFollowing",
        ),
        case(
            "permissions-deletion-without-following",
            without_following,
            &one_key,
            to_one_key(Permissions::DELETION),
            "RightsWithoutFollowing",
        ),
        case(
            "ok-permissions-sharing-without-following",
            without_following,
            &one_key,
            to_one_key(sharing | Permissions::MANAGEMENT),
            "ok",
        ),
    ]
}

fn permissions_within_ones_own() -> Vec<Case> {
    let (sharing, management) = (Permissions::SHARING, Permissions::MANAGEMENT);
    let all_but = World::with_bob(ALL.without(management)).and_carol(NONE);
    let manager = World::with_bob(management).and_carol(ALL);
    let by_manager = |op| doing(&manager, &manager.bob, vec![op]);
    vec![
        case(
            "permissions-without-management",
            "every other permission is not enough",
            &all_but,
            doing(&all_but, &all_but.bob, vec![set_permissions(&all_but.carol, sharing, NONE)]),
            "ManagementNotAllowed",
        ),
        case(
            "permissions-for-oneself-without-management",
            "bob makes himself a manager",
            &all_but,
            doing(&all_but, &all_but.bob, vec![set_permissions(&all_but.bob, management, NONE)]),
            "ManagementNotAllowed",
        ),
        case(
            "permissions-for-oneself-not-held",
            "bob, a manager, gives himself rotation",
            &manager,
            by_manager(set_permissions(&manager.bob, Permissions::ROTATION, NONE)),
            "PermissionsNotHeld",
        ),
        case(
            "permissions-granted-not-held",
            "bob, a manager, grants sharing, which he lacks",
            &manager,
            by_manager(set_permissions(&manager.carol, sharing, NONE)),
            "PermissionsNotHeld",
        ),
        case(
            "permissions-granted-not-held-in-a-batch",
            "the first op is allowed, the second is not: both fall",
            &manager,
            doing(
                &manager,
                &manager.bob,
                vec![
                    set_permissions(&manager.carol, NONE, management),
                    set_permissions(&manager.bob, Permissions::DELETION, NONE),
                ],
            ),
            "PermissionsNotHeld",
        ),
        case(
            "ok-permissions-withdrawn-not-held",
            "a manager withdraws what he does not hold himself",
            &manager,
            by_manager(set_permissions(&manager.carol, NONE, ALL)),
            "ok",
        ),
        case(
            "ok-permissions-given-up",
            "a manager stops being one",
            &manager,
            by_manager(set_permissions(&manager.bob, NONE, management)),
            "ok",
        ),
    ]
}

fn bans() -> Vec<Case> {
    let (deletion, management) = (Permissions::DELETION, Permissions::MANAGEMENT);
    let member = World::with_bob(NONE);
    let (alice, bob, carol) = (&member.alice, &member.bob, &member.carol);
    let banning =
        |world: &World, who: &Person, whom: &Person, link| doing(world, who, ban_and_rotate(&world.ledger, whom, link));
    let waiting = invited(ALL);
    let all_but = World::with_bob(ALL.without(deletion)).and_carol(NONE);
    let deleter = World::with_bob(deletion).and_carol(management);
    let manager = World::with_bob(deletion | management).and_carol(management);
    let plain = World::with_bob(deletion).and_carol(ALL.without(management));
    vec![
        case("ok-ban", "alice bans bob, with a new key", &member, banning(&member, alice, bob, true), "ok"),
        case(
            "ok-ban-of-somebody-invited",
            "bob has not accepted: his share falls",
            &waiting,
            banning(&waiting, &waiting.alice, &waiting.bob, true),
            "ok",
        ),
        case("ok-ban-of-a-stranger", "carol is kept out", &member, banning(&member, alice, carol, true), "ok"),
        case(
            "ok-ban-with-allow-deletion-alone",
            "it implies the rotation",
            &plain,
            banning(&plain, &plain.bob, &plain.carol, false),
            "ok",
        ),
        case(
            "ban-without-allow-deletion",
            "every other permission is not enough",
            &all_but,
            banning(&all_but, &all_but.bob, &all_but.carol, false),
            "DeletionNotAllowed",
        ),
        case("ban-by-a-stranger", "carol is not in it", &member, banning(&member, carol, bob, false), "NotAMember"),
        case(
            "ban-of-an-owner",
            "bob holds all permissions, and alice is the owner",
            &World::with_bob(ALL),
            {
                let world = World::with_bob(ALL);
                banning(&world, &world.bob, &world.alice, false)
            },
            "OwnerProtected",
        ),
        case(
            "ban-of-oneself",
            "that is a Leave",
            &manager,
            banning(&manager, &manager.bob, &manager.bob, false),
            "BanOfOneself",
        ),
        case(
            "ban-of-a-manager-without-management",
            "carol holds allowManagement, bob does not",
            &deleter,
            banning(&deleter, &deleter.bob, &deleter.carol, false),
            "ManagerProtected",
        ),
        case(
            "ok-ban-of-a-manager-by-another",
            "both hold allowManagement",
            &manager,
            banning(&manager, &manager.bob, &manager.carol, false),
            "ok",
        ),
        case(
            "ok-ban-of-two",
            "one new key for both bans",
            &plain,
            doing(&plain, &plain.alice, vec![ban(&plain.bob), ban(&plain.carol), rotate(2, true)]),
            "ok",
        ),
        case(
            "ban-of-one-who-may-and-one-who-may-not-be-banned",
            "the second ban breaks a rule: all of it falls",
            &plain,
            doing(&plain, &plain.bob, vec![ban(&plain.carol), ban(&plain.alice), rotate(2, false)]),
            "OwnerProtected",
        ),
    ]
}

/// A ban and its key are one entry, in one order.
fn bans_and_keys() -> Vec<Case> {
    let member = World::with_bob(NONE).and_carol(NONE);
    let (alice, bob, carol) = (&member.alice, &member.bob, &member.carol);
    let deleter = World::with_bob(Permissions::DELETION).and_carol(NONE);
    let citing = |whom: &Person| {
        let ops = ban_and_rotate(&member.ledger, bob, true);
        altered(&member, alice, ops, &[whom], |_| ())
    };
    vec![
        case(
            "ban-without-rotation",
            "bob would keep the current key",
            &member,
            doing(&member, alice, vec![ban(bob)]),
            "BanWithoutRotation",
        ),
        case(
            "ban-after-rotation",
            "bob would get the new key",
            &member,
            doing(&member, alice, vec![rotate(2, true), ban(bob)]),
            "BanWithoutRotation",
        ),
        case(
            "ban-between-two-rotations",
            "one key, after the ban",
            &member,
            doing(&member, alice, vec![rotate(2, true), ban(bob), rotate(3, true)]),
            "RotatedTwice",
        ),
        case(
            "ban-with-a-key-number-skipped",
            "the rotation of a ban has the rules of any",
            &member,
            doing(&member, alice, vec![ban(bob), rotate(3, true)]),
            "WrongKeyNumber",
        ),
        case(
            "ban-with-link-without-history",
            "bob has no history to link to",
            &deleter,
            doing(&deleter, &deleter.bob, ban_and_rotate(&deleter.ledger, &deleter.carol, true)),
            "WrongHistoryLink",
        ),
        case(
            "rotate-with-allow-deletion-alone",
            "without a ban it implies nothing",
            &deleter,
            doing(&deleter, &deleter.bob, vec![rotate(2, false)]),
            "RotationNotAllowed",
        ),
        case("ok-ban-cites-who-is-left", "carol gets the new key", &member, citing(carol), "ok"),
        case("ban-cites-the-banned", "bob gets nothing, so he is no concern", &member, citing(bob), "CitationUnneeded"),
    ]
}

fn after_a_ban() -> Vec<Case> {
    let banned = World::with_bob(ALL).without_bob();
    let (alice, bob, carol) = (&banned.alice, &banned.bob, &banned.carol);
    let sharer = World::with_bob(NONE).and_carol(Permissions::ALL.without(Permissions::MANAGEMENT)).without_bob();
    let manager = World::with_bob(NONE).and_carol(Permissions::SHARING | Permissions::MANAGEMENT).without_bob();
    let sharing = |world: &World, who: &Person, whom: &Person| {
        let share = share_latest(&world.ledger, &[whom], NONE);
        altered(world, who, vec![Op::Share(share)], &[whom], |_| ())
    };
    // Bob had shared with carol: her share falls with his ban.
    let (invited_by_bob, cites_carol) = {
        let mut world = World::with_bob(ALL);
        let share = sharing(&world, &world.bob, &world.carol);
        world.append(share).unwrap();
        let ops = ban_and_rotate(&world.ledger, &world.bob, true);
        let last = altered(&world, &world.alice, ops, &[&world.carol], |_| ());
        (world, last)
    };
    // She answers after he was banned.
    let (fell, late) = {
        let mut world = World::with_bob(ALL);
        let share = sharing(&world, &world.bob, &world.carol);
        world.append(share).unwrap();
        let accept = world.carol.sign_placed(&world.carol.accept(&world.ledger));
        (world.without_bob(), accept)
    };
    let (withdrawn, too_late) = {
        let world = invited(NONE);
        let accept = world.bob.sign_placed(&world.bob.accept(&world.ledger));
        (world.without_bob(), accept)
    };
    let lifted = {
        let mut world = World::with_bob(NONE).without_bob();
        let share = sharing(&world, &world.alice, &world.bob);
        world.append(share).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    vec![
        case(
            "banned-rotates",
            "bob makes the next key",
            &banned,
            doing(&banned, bob, vec![rotate(3, false)]),
            "AuthorBanned",
        ),
        case("banned-shares", "bob shares with carol", &banned, sharing(&banned, bob, carol), "AuthorBanned"),
        case(
            "banned-shares-with-himself",
            "bob lets himself in again",
            &banned,
            sharing(&banned, bob, bob),
            "AuthorBanned",
        ),
        case(
            "banned-sets-permissions",
            "bob makes himself a manager",
            &banned,
            doing(&banned, bob, vec![set_permissions(bob, ALL, NONE)]),
            "AuthorBanned",
        ),
        case(
            "banned-bans",
            "bob bans alice in turn",
            &banned,
            doing(&banned, bob, ban_and_rotate(&banned.ledger, alice, false)),
            "AuthorBanned",
        ),
        case(
            "banned-leaves",
            "bob is out already",
            &banned,
            bob.sign_placed(&bob.leave(&banned.ledger)),
            "AuthorBanned",
        ),
        case("banned-accepts", "bob answers the share that fell with his ban", &withdrawn, too_late, "AuthorBanned"),
        case(
            "ban-cites-whose-share-falls",
            "carol, invited by bob, gets no key",
            &invited_by_bob,
            cites_carol,
            "CitationUnneeded",
        ),
        case("accept-of-a-share-by-the-banned", "it fell with bob's ban", &fell, late, "NotPending"),
        case(
            "permissions-of-the-banned",
            "he is no member",
            &banned,
            doing(&banned, alice, vec![set_permissions(bob, ALL, NONE)]),
            "NoSuchMember",
        ),
        case(
            "share-with-the-banned",
            "carol holds all but allowManagement",
            &sharer,
            sharing(&sharer, &sharer.carol, &sharer.bob),
            "PrincipalBanned",
        ),
        case(
            "ok-share-with-the-banned-by-a-manager",
            "which lifts the ban",
            &manager,
            sharing(&manager, &manager.carol, &manager.bob),
            "ok",
        ),
        case(
            "rotate-by-the-banned-who-is-back",
            "his permissions did not come back with him",
            &lifted,
            doing(&lifted, &lifted.bob, vec![rotate(3, false)]),
            "RotationNotAllowed",
        ),
        case(
            "ok-ban-again",
            "whoever is back can be banned again",
            &lifted,
            doing(&lifted, &lifted.alice, ban_and_rotate(&lifted.ledger, &lifted.bob, true)),
            "ok",
        ),
    ]
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
