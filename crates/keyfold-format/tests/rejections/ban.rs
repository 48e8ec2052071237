//! The rules of Ban, and what a ban means for the entries after it.

use super::{Case, altered, case, doing, invited};
use crate::people::{Person, World, ban, ban_and_rotate, rotate, set_permissions, share_latest};
use keyfold_format::{Permissions, scope::Op};

const NONE: Permissions = Permissions::NONE;
const ALL: Permissions = Permissions::ALL;

pub fn cases() -> Vec<Case> {
    [bans(), bans_and_keys(), after_a_ban()].into_iter().flatten().collect()
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
