//! The rules of Decline, DropKey and Expire: how a share, or a part of it, ends other than by a ban.

use super::{Case, altered, case, doing, invited};
use crate::people::{World, expire, rotate, share_latest};
use keyfold_format::{
    EntryHash, Permissions, ScopeId,
    scope::{DropKey, Expire, Op, Placed, Share},
};

const NONE: Permissions = Permissions::NONE;
/// Shares end when they are made: the time of all entries here is the same.
const END: u64 = crate::people::TIME;

pub fn cases() -> Vec<Case> {
    [declines(), dropped_keys(), expired_shares(), expired_memberships()].into_iter().flatten().collect()
}

fn declines() -> Vec<Case> {
    let waiting = invited(NONE);
    let (alice, bob, carol) = (&waiting.alice, &waiting.bob, &waiting.carol);
    let decline = bob.decline(&waiting.ledger);
    let declined = {
        let mut world = invited(NONE);
        world.append(bob.sign_placed(&decline)).unwrap();
        world
    };
    let by_bob = |alter: &dyn Fn(&mut Placed)| {
        let mut placed = decline.clone();
        alter(&mut placed);
        bob.sign_placed(&placed)
    };
    vec![
        case("ok-decline", "bob does not want it", &waiting, bob.sign_placed(&decline), "ok"),
        case(
            "decline-signed-by-alice",
            "alice declines for bob",
            &waiting,
            alice.sign_placed(&decline),
            "BadSignature",
        ),
        case(
            "decline-by-a-stranger",
            "carol was not invited",
            &waiting,
            carol.sign_placed(&carol.decline(&waiting.ledger)),
            "NotPending",
        ),
        case(
            "decline-of-another-entry",
            "it answers the genesis",
            &waiting,
            by_bob(&|p| p.answers = EntryHash(waiting.ledger.id().0)),
            "NotPending",
        ),
        case(
            "decline-before-the-share",
            "its time is before the share's",
            &waiting,
            by_bob(&|p| p.time -= 1),
            "TimeGoesBack",
        ),
        case("decline-twice", "the same again", &declined, bob.sign_placed(&decline), "NotPending"),
        case(
            "accept-after-decline",
            "bob declined, and would take it now",
            &declined,
            bob.sign_placed(&bob.accept(&waiting.ledger)),
            "NotPending",
        ),
        case(
            "decline-not-placed",
            "a Decline as an ordinary entry",
            &waiting,
            doing(&waiting, alice, vec![Op::Decline]),
            "PlacedMisplaced",
        ),
    ]
}

fn dropped_keys() -> Vec<Case> {
    let world = World::with_bob(Permissions::SHARING);
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let drop_key = bob.drop_key(&world.ledger, 1);
    let dropped = {
        let mut world = World::with_bob(Permissions::SHARING);
        world.append(bob.sign_placed(&drop_key)).unwrap();
        world
    };
    let by_bob = |alter: &dyn Fn(&mut Placed)| {
        let mut placed = drop_key.clone();
        alter(&mut placed);
        bob.sign_placed(&placed)
    };
    let followed = {
        let mut world = World::with_bob(NONE);
        let placed = world.bob.sign_placed(&world.bob.drop_key(&world.ledger, 1));
        world.append(placed).unwrap();
        world.after(|w| &w.alice, |_| vec![rotate(2, true)])
    };
    let again = {
        let mut world = World::with_bob(Permissions::SHARING);
        let placed = world.bob.sign_placed(&world.bob.drop_key(&world.ledger, 1));
        world.append(placed).unwrap();
        let share = share_latest(&world.ledger, &[&world.bob], NONE);
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world
    };
    let on = share_latest(&again.ledger, &[&again.carol], NONE);
    let again_on = again.bob.sign(&again.bob.entry(&again.ledger, vec![Op::Share(on)], &[&again.carol]));
    let lost = share_latest(&dropped.ledger, &[&dropped.carol], NONE);
    let passed_on = dropped.bob.sign(&dropped.bob.entry(&dropped.ledger, vec![Op::Share(lost)], &[&dropped.carol]));
    vec![
        case("ok-drop-key", "bob drops the only key", &world, bob.sign_placed(&drop_key), "ok"),
        case("drop-key-twice", "the same again", &dropped, bob.sign_placed(&drop_key), "KeyNotHeld"),
        case(
            "drop-key-of-the-future",
            "there is no key 2",
            &world,
            by_bob(&|p| p.op = Op::DropKey(DropKey { key: 2 })),
            "KeyNotHeld",
        ),
        case(
            "drop-key-0",
            "keys count from 1",
            &world,
            by_bob(&|p| p.op = Op::DropKey(DropKey { key: 0 })),
            "KeyNotHeld",
        ),
        case("drop-key-signed-by-alice", "alice drops bob's", &world, alice.sign_placed(&drop_key), "BadSignature"),
        case(
            "drop-key-by-a-stranger",
            "carol is not in it",
            &world,
            carol.sign_placed(&carol.drop_key(&world.ledger, 1)),
            "NotAMember",
        ),
        case(
            "drop-key-of-another-membership",
            "it answers the genesis",
            &world,
            by_bob(&|p| p.answers = EntryHash(world.ledger.id().0)),
            "NotAMember",
        ),
        case(
            "drop-key-of-another-scope",
            "it names another keychain",
            &world,
            by_bob(&|p| p.scope = ScopeId([5; 32])),
            "WrongScope",
        ),
        case(
            "ok-drop-key-of-a-follower",
            "bob dropped key 1, and follows still: key 2 is his",
            &followed,
            followed.bob.sign_placed(&followed.bob.drop_key(&followed.ledger, 2)),
            "ok",
        ),
        case("ok-share-of-a-key-that-came-back", "alice shared the dropped key again", &again, again_on, "ok"),
        case("share-of-a-dropped-key", "bob shares what he gave up", &dropped, passed_on, "KeyNotHeld"),
        case(
            "drop-key-not-placed",
            "a DropKey as an ordinary entry",
            &world,
            doing(&world, bob, vec![Op::DropKey(DropKey { key: 1 })]),
            "PlacedMisplaced",
        ),
    ]
}

/// Bob is invited until `END`.
fn invited_for_a_while() -> World {
    let mut world = World::new();
    let share = Share { expires_at: Some(END), ..share_latest(&world.ledger, &[&world.bob], NONE) };
    world.alice_shares(share, &[|w| &w.bob]).unwrap();
    world
}

/// Bob is a member until `END`; carol for good.
fn member_for_a_while(carol: Permissions) -> World {
    let mut world = invited_for_a_while();
    world.bob_accepts().unwrap();
    world.and_carol(carol)
}

fn expired_shares() -> Vec<Case> {
    let waiting = invited_for_a_while();
    let (alice, bob) = (&waiting.alice, &waiting.bob);
    let over = expire(&waiting.ledger, bob);
    let endless = invited(NONE);
    let early = {
        let mut world = World::new();
        let share = Share { expires_at: Some(END + 1), ..share_latest(&world.ledger, &[&world.bob], NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world
    };
    let left_over = {
        let world = World::new().and_carol(NONE);
        let share = Share { expires_at: Some(END), ..share_latest(&world.ledger, &[&world.bob], NONE) };
        let mut world = world;
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.after(|w| &w.alice, |w| vec![expire(&w.ledger, &w.bob)])
    };
    let gone = invited_for_a_while().after(|w| &w.alice, |w| vec![expire(&w.ledger, &w.bob)]);
    vec![
        case(
            "ok-expire-pending",
            "alice ends what nobody took",
            &waiting,
            doing(&waiting, alice, vec![over.clone()]),
            "ok",
        ),
        case(
            "expire-too-early",
            "a millisecond is missing",
            &early,
            doing(&early, &early.alice, vec![expire(&early.ledger, &early.bob)]),
            "ExpireTooEarly",
        ),
        case(
            "ok-expire-later",
            "the author's clock says that it is over",
            &early,
            altered(&early, &early.alice, vec![expire(&early.ledger, &early.bob)], &[], |entry| entry.time = END + 1),
            "ok",
        ),
        case(
            "expire-without-end",
            "the share has no end",
            &endless,
            doing(&endless, &endless.alice, vec![expire(&endless.ledger, &endless.bob)]),
            "ShareWithoutEnd",
        ),
        case(
            "expire-nobody",
            "carol was not invited",
            &waiting,
            doing(&waiting, alice, vec![expire(&waiting.ledger, &waiting.carol)]),
            "NoSuchShare",
        ),
        case(
            "expire-of-another-entry",
            "it names the genesis as the share",
            &waiting,
            doing(
                &waiting,
                alice,
                vec![Op::Expire(Expire { share: EntryHash(waiting.ledger.id().0), principal: bob.id() })],
            ),
            "NoSuchShare",
        ),
        case("expire-twice", "the same again", &gone, doing(&gone, &gone.alice, vec![over]), "NoSuchShare"),
        case(
            "rotate-after-a-pending-share-expired",
            "bob never had a key: nothing asks for another one",
            &left_over,
            doing(&left_over, &left_over.carol, vec![rotate(2, false)]),
            "RotationNotAllowed",
        ),
        case(
            "accept-after-expire",
            "bob comes too late",
            &gone,
            gone.bob.sign_placed(&bob.accept(&waiting.ledger)),
            "NotPending",
        ),
    ]
}

fn expired_memberships() -> Vec<Case> {
    let world = member_for_a_while(NONE);
    let (alice, bob, carol) = (&world.alice, &world.bob, &world.carol);
    let over = |world: &World| expire(&world.ledger, &world.bob);
    let by_carol = |permissions| {
        let world = member_for_a_while(permissions);
        let entry = doing(&world, &world.carol, vec![over(&world)]);
        (world, entry)
    };
    let (deleting, by_deletion) = by_carol(Permissions::DELETION);
    let (managing, by_management) = by_carol(Permissions::MANAGEMENT);
    let (sharing, by_sharing) = by_carol(Permissions::SHARING | Permissions::ROTATION);
    let placed = Placed { op: over(&world), ..bob.leave(&world.ledger) };
    let ended = member_for_a_while(NONE).after(|w| &w.alice, |w| vec![expire(&w.ledger, &w.bob)]);
    let rotated = member_for_a_while(NONE).after(|w| &w.alice, |w| vec![expire(&w.ledger, &w.bob), rotate(2, true)]);
    let shared_on = {
        let mut world = World::new();
        let share = share_latest(&world.ledger, &[&world.bob], Permissions::SHARING);
        world.alice_shares(Share { expires_at: Some(END), ..share }, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        let share = share_latest(&world.ledger, &[&world.carol], NONE);
        let entry = world.bob.sign(&world.bob.entry(&world.ledger, vec![Op::Share(share)], &[&world.carol]));
        world.append(entry).unwrap();
        world.after(|w| &w.alice, |w| vec![expire(&w.ledger, &w.bob)])
    };
    let with_key = |ops: Vec<Op>| doing(&world, alice, ops);
    let cited = alice.sign(&alice.entry(&world.ledger, vec![over(&world), rotate(2, true)], &[bob]));
    vec![
        case("ok-expire-member", "alice, who shared, ends it", &world, doing(&world, alice, vec![over(&world)]), "ok"),
        case("ok-expire-by-deletion", "carol may delete", &deleting, by_deletion, "ok"),
        case("ok-expire-by-management", "carol may manage", &managing, by_management, "ok"),
        case("expire-not-allowed", "carol may neither delete nor manage", &sharing, by_sharing, "ExpireNotAllowed"),
        case(
            "expire-oneself",
            "bob did not share: he can leave",
            &world,
            doing(&world, bob, vec![over(&world)]),
            "ExpireOfOneself",
        ),
        case("expire-placed", "an Expire without a place", &world, bob.sign_placed(&placed), "PlacedMisplaced"),
        case(
            "expire-of-a-stranger",
            "carol's membership has no end",
            &world,
            with_key(vec![expire(&world.ledger, carol)]),
            "ShareWithoutEnd",
        ),
        case(
            "expire-the-owner",
            "nobody shared with alice",
            &world,
            with_key(vec![expire(&world.ledger, alice)]),
            "ShareWithoutEnd",
        ),
        case("ok-expire-and-rotate", "in one entry", &world, with_key(vec![over(&world), rotate(2, true)]), "ok"),
        case(
            "expire-and-rotate-cites-the-expired",
            "bob gets nothing of the new key",
            &world,
            cited,
            "CitationUnneeded",
        ),
        case(
            "ok-rotate-after-expire-by-any-follower",
            "carol has no permissions, and bob holds the current key",
            &ended,
            doing(&ended, &ended.carol, vec![rotate(2, false)]),
            "ok",
        ),
        case(
            "expire-after-the-rotation",
            "bob would get the key that is made against him",
            &world,
            with_key(vec![rotate(2, true), over(&world)]),
            "ExpireAfterRotation",
        ),
        case(
            "rotate-by-any-follower-after-expire-and-rotate",
            "the new key is there: carol may not make another",
            &rotated,
            doing(&rotated, &rotated.carol, vec![rotate(3, false)]),
            "RotationNotAllowed",
        ),
        case(
            "ok-accept-a-share-of-an-expired-member",
            "bob shared with carol while he was in: his end is no ban",
            &shared_on,
            shared_on.carol.sign_placed(&shared_on.carol.accept(&shared_on.ledger)),
            "ok",
        ),
        case("act-after-expire", "bob is out", &ended, doing(&ended, &ended.bob, vec![rotate(2, false)]), "NotAMember"),
    ]
}
