//! The rules of SetPermissions.

use super::{Case, case, doing, invited};
use crate::people::{World, set_permissions, share_latest};
use keyfold_format::{Permissions, scope::Share};

const NONE: Permissions = Permissions::NONE;
const ALL: Permissions = Permissions::ALL;

pub fn cases() -> Vec<Case> {
    [permissions(), permissions_within_ones_own()].into_iter().flatten().collect()
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
