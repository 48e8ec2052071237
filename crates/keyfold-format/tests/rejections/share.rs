//! The rules of Share.

use super::{Case, altered, case};
use crate::people::{Person, World, rotate, share_complete, share_latest};
use keyfold_format::{
    Permissions,
    scope::{KeySet, Op, Principal, Share},
};

const NONE: Permissions = Permissions::NONE;

pub fn cases() -> Vec<Case> {
    [shares_of_an_owner(), sets_and_history(), shares_of_a_member()].into_iter().flatten().collect()
}

/// `author` shares with `with`, altered.
fn sharing(
    world: &World,
    author: &Person,
    with: &Person,
    alter: impl FnOnce(&mut Share),
) -> keyfold_format::entry::SignedEntry {
    let mut share = share_latest(&world.ledger, &[with], NONE);
    alter(&mut share);
    altered(world, author, vec![Op::Share(share)], &[with], |_| ())
}

fn shares_of_an_owner() -> Vec<Case> {
    let world = World::new();
    let (alice, bob) = (&world.alice, &world.bob);
    let pending = {
        let mut world = World::new();
        let share = share_latest(&world.ledger, &[&world.bob], NONE);
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world
    };
    let member = World::with_bob(NONE);
    let two_keys = {
        let mut world = World::new();
        let turn = altered(&world, &world.alice, vec![rotate(2, true)], &[], |_| ());
        world.append(turn).unwrap();
        world
    };
    vec![
        case(
            "ok-share-latest",
            "alice shares the latest key with all permissions",
            &world,
            sharing(&world, alice, bob, |s| s.permissions = Permissions::ALL),
            "ok",
        ),
        case(
            "ok-share-complete",
            "alice shares the complete keychain",
            &two_keys,
            sharing(&two_keys, &two_keys.alice, &two_keys.bob, |s| {
                *s = share_complete(&two_keys.ledger, &[&two_keys.bob], NONE)
            }),
            "ok",
        ),
        case(
            "ok-share-one-old-key",
            "alice shares key 1 of 2",
            &two_keys,
            sharing(&two_keys, &two_keys.alice, &two_keys.bob, |s| {
                s.keys = KeySet::one(1);
                s.follows = false
            }),
            "ok",
        ),
        case(
            "share-with-nobody",
            "no principal",
            &world,
            altered(&world, alice, vec![Op::Share(share_latest(&world.ledger, &[], NONE))], &[], |_| ()),
            "ShareOfNothing",
        ),
        case(
            "share-of-no-key",
            "no key",
            &world,
            sharing(&world, alice, bob, |s| {
                s.keys = KeySet::default();
                s.follows = false
            }),
            "ShareOfNothing",
        ),
        case(
            "share-of-key-that-does-not-exist",
            "key 2 of 1",
            &world,
            sharing(&world, alice, bob, |s| s.keys = KeySet::range(1, 2)),
            "KeyNotHeld",
        ),
        case(
            "share-of-key-0",
            "keys are counted from 1",
            &world,
            sharing(&world, alice, bob, |s| s.keys = KeySet::range(0, 1)),
            "KeyNotHeld",
        ),
        case(
            "share-follows-without-current-key",
            "an old key with following",
            &two_keys,
            sharing(&two_keys, &two_keys.alice, &two_keys.bob, |s| s.keys = KeySet::one(1)),
            "FollowingWithoutCurrentKey",
        ),
        case(
            "share-history-from-middle-of-segment",
            "a history secret would reach further back than granted",
            &two_keys,
            sharing(&two_keys, &two_keys.alice, &two_keys.bob, |s| s.history = Some(2)),
            "HistoryNotHeld",
        ),
        case(
            "share-history-without-its-keys",
            "history from 1 without key 1",
            &two_keys,
            sharing(&two_keys, &two_keys.alice, &two_keys.bob, |s| s.history = Some(1)),
            "HistoryNotHeld",
        ),
        case(
            "share-history-from-0",
            "history from a key that does not exist",
            &world,
            sharing(&world, alice, bob, |s| s.history = Some(0)),
            "HistoryNotHeld",
        ),
        case(
            "share-rotation-without-following",
            "who may rotate follows",
            &world,
            sharing(&world, alice, bob, |s| {
                s.permissions = Permissions::ROTATION;
                s.follows = false
            }),
            "RightsWithoutFollowing",
        ),
        case(
            "share-deletion-without-following",
            "who may ban follows",
            &world,
            sharing(&world, alice, bob, |s| {
                s.permissions = Permissions::DELETION;
                s.follows = false
            }),
            "RightsWithoutFollowing",
        ),
        case(
            "share-recipient-not-cited",
            "bob's account is not cited",
            &world,
            altered(&world, alice, vec![Op::Share(share_latest(&world.ledger, &[bob], NONE))], &[], |_| ()),
            "CitationMissing",
        ),
        case(
            "share-with-a-group",
            "of bob there is no group's ledger",
            &world,
            sharing(&world, alice, bob, |s| s.principals = vec![Principal::Group(bob.id())]),
            "MissingLedger",
        ),
        case(
            "share-already-pending",
            "a second share before bob answered the first",
            &pending,
            sharing(&pending, &pending.alice, &pending.bob, |_| ()),
            "AlreadyPending",
        ),
        case(
            "share-twice-in-one-entry",
            "the same share twice in one batch",
            &world,
            altered(&world, alice, vec![Op::Share(share_latest(&world.ledger, &[bob], NONE)); 2], &[bob], |_| ()),
            "AlreadyPending",
        ),
        case(
            "ok-share-more-keys-with-member",
            "bob has key 1 already",
            &member,
            sharing(&member, &member.alice, &member.bob, |_| ()),
            "ok",
        ),
        case(
            "share-permissions-with-member",
            "a share changes no permissions of a member",
            &member,
            sharing(&member, &member.alice, &member.bob, |s| s.permissions = Permissions::SHARING),
            "MemberTerms",
        ),
        case(
            "share-read-only-with-member",
            "a share takes no right to write from a member",
            &member,
            sharing(&member, &member.alice, &member.bob, |s| s.read_only = true),
            "MemberTerms",
        ),
        case(
            "share-expiry-with-member",
            "a share puts no end to a membership",
            &member,
            sharing(&member, &member.alice, &member.bob, |s| s.expires_at = Some(crate::people::TIME)),
            "MemberTerms",
        ),
    ]
}

/// Bob shares with carol, within his own.
fn shares_of_a_member() -> Vec<Case> {
    let with = |permissions| World::with_bob(permissions);
    let sharer = Permissions::SHARING;
    let manager = Permissions::SHARING | Permissions::MANAGEMENT;
    let carol_from_bob = |world: &World, alter: &dyn Fn(&mut Share)| sharing(world, &world.bob, &world.carol, alter);
    let plain = with(NONE);
    let sharing_only = with(sharer);
    let managing = with(manager);
    let rotated = {
        let mut world = with(sharer);
        let turn = altered(&world, &world.alice, vec![rotate(2, true)], &[], |_| ());
        world.append(turn).unwrap();
        world
    };
    let one_key = {
        let mut world = World::new();
        let share = Share { follows: false, permissions: sharer, ..share_latest(&world.ledger, &[&world.bob], NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    let reader = {
        let mut world = World::new();
        let share = Share { read_only: true, ..share_latest(&world.ledger, &[&world.bob], sharer) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    vec![
        case(
            "share-without-allow-sharing",
            "bob has no permissions",
            &plain,
            carol_from_bob(&plain, &|_| ()),
            "SharingNotAllowed",
        ),
        case(
            "share-with-all-but-sharing",
            "every other permission is not enough",
            &with(Permissions::ALL.without(sharer)),
            carol_from_bob(&with(Permissions::ALL.without(sharer)), &|_| ()),
            "SharingNotAllowed",
        ),
        case("ok-share-by-member", "bob has allowSharing", &sharing_only, carol_from_bob(&sharing_only, &|_| ()), "ok"),
        case(
            "share-of-key-not-held",
            "bob came with key 1 and follows, key 2 is his; key 1 to 3 is not",
            &rotated,
            carol_from_bob(&rotated, &|s| s.keys = KeySet::range(1, 3)),
            "KeyNotHeld",
        ),
        case(
            "share-history-not-held",
            "bob has no history",
            &rotated,
            carol_from_bob(&rotated, &|s| {
                s.keys = KeySet::range(1, 2);
                s.history = Some(1)
            }),
            "HistoryNotHeld",
        ),
        case(
            "share-following-not-held",
            "bob does not follow",
            &one_key,
            carol_from_bob(&one_key, &|_| ()),
            "FollowingNotHeld",
        ),
        case(
            "share-permissions-without-management",
            "bob grants what he has, without allowManagement",
            &sharing_only,
            carol_from_bob(&sharing_only, &|s| s.permissions = sharer),
            "ManagementNotAllowed",
        ),
        case(
            "share-permissions-not-held",
            "bob, a manager, grants rotation, which he lacks",
            &managing,
            carol_from_bob(&managing, &|s| s.permissions = Permissions::ROTATION),
            "PermissionsNotHeld",
        ),
        case(
            "ok-share-permissions-of-manager",
            "bob grants within his own",
            &managing,
            carol_from_bob(&managing, &|s| s.permissions = manager),
            "ok",
        ),
        case(
            "share-read-only-not-kept",
            "bob, who only reads, grants writing",
            &reader,
            carol_from_bob(&reader, &|_| ()),
            "ReadOnlyNotKept",
        ),
        case(
            "ok-share-read-only-by-reader",
            "bob, who only reads, shares read-only",
            &reader,
            carol_from_bob(&reader, &|s| s.read_only = true),
            "ok",
        ),
    ]
}

fn sets_and_history() -> Vec<Case> {
    let world = World::new();
    let (alice, bob) = (&world.alice, &world.bob);
    let mut reversed = share_latest(&world.ledger, &[bob, &world.carol], NONE);
    reversed.principals.reverse();
    let reversed = altered(&world, alice, vec![Op::Share(reversed)], &[bob, &world.carol], |_| ());
    let twice = sharing(&world, alice, bob, |s| s.principals.push(bob.principal()));
    let no_following = sharing(&world, alice, bob, |s| {
        s.history = Some(1);
        s.follows = false;
    });
    let about = "whoever has history follows, or a later key would reach back over keys that he was never given";
    vec![
        case("share-history-without-following", about, &world, no_following, "HistoryWithoutFollowing"),
        case("share-principals-in-another-order", "a set has one order", &world, reversed, "NotCanonical"),
        case("share-with-somebody-twice", "a set has nothing twice", &world, twice, "NotCanonical"),
    ]
}
