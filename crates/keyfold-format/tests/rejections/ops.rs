//! The rules of Accept, CancelShare and Rotate, and of batches.

use super::{Case, altered, case};
use crate::people::{Person, World, cancel, key_entry, rotate, share_latest};
use keyfold_format::{
    EntryHash, KeyFingerprint, Permissions, ScopeId,
    scope::{Algorithm, Op, Rotate},
};

const NONE: Permissions = Permissions::NONE;

pub fn cases() -> Vec<Case> {
    [accepts(), cancels(), rotations(), batches()].into_iter().flatten().collect()
}

fn pending() -> World {
    let mut world = World::new();
    let share = share_latest(&world.ledger, &[&world.bob], NONE);
    world.alice_shares(share, &[|w| &w.bob]).unwrap();
    world
}

fn accepts() -> Vec<Case> {
    let world = pending();
    let (bob, carol) = (&world.bob, &world.carol);
    let accept = bob.accept(&world.ledger);
    let altered = |alter: &dyn Fn(&mut keyfold_format::scope::Placed)| {
        let mut placed = accept.clone();
        alter(&mut placed);
        bob.sign_placed(&placed)
    };
    let cancelled = {
        let mut world = pending();
        let entry = super::altered(&world, &world.alice, vec![cancel(&world.ledger, &world.bob)], &[], |_| ());
        world.append(entry).unwrap();
        world
    };
    let taken = World::with_bob(NONE);
    let again = {
        let mut placed = taken.bob.accept(&taken.ledger);
        placed.answers = pending().ledger.pending()[&taken.bob.id()].entry;
        taken.bob.sign_placed(&placed)
    };
    vec![
        case("ok-accept", "bob accepts", &world, bob.sign_placed(&accept), "ok"),
        case(
            "accept-of-somebody-elses-share",
            "carol answers bob's share",
            &world,
            carol.sign_placed(&{
                let mut p = accept.clone();
                p.author = carol.cite();
                p
            }),
            "NotPending",
        ),
        case(
            "accept-of-another-entry",
            "it answers the genesis",
            &world,
            altered(&|p| p.answers = EntryHash(world.ledger.id().0)),
            "NotPending",
        ),
        case(
            "accept-after-cancel",
            "the share was cancelled first",
            &cancelled,
            bob.sign_placed(&accept),
            "NotPending",
        ),
        case("accept-twice", "the share was accepted already", &taken, again, "NotPending"),
        case(
            "accept-of-another-scope",
            "it names another keychain",
            &world,
            altered(&|p| p.scope = ScopeId([5; 32])),
            "WrongScope",
        ),
        case(
            "accept-in-group-form",
            "a group's placed entry on a keychain",
            &world,
            altered(&|p| p.group = true),
            "WrongScope",
        ),
        case(
            "accept-before-the-share",
            "its time is before the share's",
            &world,
            altered(&|p| p.time -= 1),
            "TimeGoesBack",
        ),
        case(
            "accept-signed-by-alice",
            "alice answers for bob",
            &world,
            world.alice.sign_placed(&accept),
            "BadSignature",
        ),
        case(
            "accept-signed-as-ordinary-entry",
            "bob's signature under the label of ordinary entries",
            &world,
            {
                let mut entry = bob.sign_placed(&accept);
                entry.signatures = vec![crate::people::sign(
                    &bob.ledger_key,
                    keyfold_format::label::SignatureLabel::Entry,
                    &entry.signed,
                )];
                entry
            },
            "BadSignature",
        ),
        case(
            "accept-cites-unknown-head",
            "bob cites a head that his account does not have",
            &world,
            altered(&|p| p.author.head.hash = EntryHash([3; 32])),
            "CitationUnknown",
        ),
        case(
            "placed-rotation",
            "a rotation without a place",
            &world,
            altered(&|p| p.op = rotate(2, true)),
            "PlacedMisplaced",
        ),
    ]
}

fn cancels() -> Vec<Case> {
    let world = pending();
    let member = World::with_bob(NONE);
    let by_other_member = {
        let mut world = World::with_bob(Permissions::ALL.without(Permissions::MANAGEMENT));
        let share = share_latest(&world.ledger, &[&world.carol], NONE);
        world.alice_shares(share, &[|w| &w.carol]).unwrap();
        world
    };
    let by_manager = {
        let mut world = World::with_bob(Permissions::MANAGEMENT);
        let share = share_latest(&world.ledger, &[&world.carol], NONE);
        world.alice_shares(share, &[|w| &w.carol]).unwrap();
        world
    };
    let cancelling = |world: &World, who: &Person, op| altered(world, who, vec![op], &[], |_| ());
    vec![
        case(
            "ok-cancel",
            "alice cancels her share",
            &world,
            cancelling(&world, &world.alice, cancel(&world.ledger, &world.bob)),
            "ok",
        ),
        case(
            "cancel-of-nothing",
            "carol has no pending share",
            &world,
            cancelling(&world, &world.alice, cancel(&world.ledger, &world.carol)),
            "NotPending",
        ),
        case(
            "cancel-of-another-entry",
            "it names another entry than bob's share",
            &world,
            cancelling(
                &world,
                &world.alice,
                Op::CancelShare(keyfold_format::scope::CancelShare {
                    share: EntryHash([8; 32]),
                    principal: world.bob.id(),
                }),
            ),
            "NotPending",
        ),
        case(
            "cancel-after-accept",
            "bob accepted first",
            &member,
            cancelling(
                &member,
                &member.alice,
                Op::CancelShare(keyfold_format::scope::CancelShare {
                    share: member.ledger.members()[&member.bob.id()].since,
                    principal: member.bob.id(),
                }),
            ),
            "NotPending",
        ),
        case(
            "cancel-of-somebody-elses-share",
            "bob, no manager, cancels alice's share with carol",
            &by_other_member,
            cancelling(&by_other_member, &by_other_member.bob, cancel(&by_other_member.ledger, &by_other_member.carol)),
            "CancelNotAllowed",
        ),
        case(
            "ok-cancel-by-manager",
            "bob, a manager, cancels alice's share with carol",
            &by_manager,
            cancelling(&by_manager, &by_manager.bob, cancel(&by_manager.ledger, &by_manager.carol)),
            "ok",
        ),
        case(
            "cancel-by-recipient",
            "bob, not yet a member, cancels",
            &world,
            cancelling(&world, &world.bob, cancel(&world.ledger, &world.bob)),
            "NotAMember",
        ),
    ]
}

fn rotations() -> Vec<Case> {
    let world = World::new();
    let alice = &world.alice;
    let rotating = |world: &World, who: &Person, op| altered(world, who, vec![op], &[], |_| ());
    let all_but = World::with_bob(Permissions::ALL.without(Permissions::ROTATION));
    let rotator = World::with_bob(Permissions::ROTATION);
    let mut repeated = key_entry(2, Algorithm::SecretBox, true);
    repeated.fingerprint = key_entry(1, Algorithm::SecretBox, true).fingerprint;
    let mut with_public = key_entry(2, Algorithm::SealedBox, true);
    with_public.fingerprint = KeyFingerprint([6; 32]);
    vec![
        case(
            "rotate-without-allow-rotation",
            "every other permission is not enough",
            &all_but,
            rotating(&all_but, &all_but.bob, rotate(2, false)),
            "RotationNotAllowed",
        ),
        case(
            "ok-rotate-by-member-without-history",
            "bob starts a new segment",
            &rotator,
            rotating(&rotator, &rotator.bob, rotate(2, false)),
            "ok",
        ),
        case(
            "rotate-with-link-without-history",
            "bob has no history to link to",
            &rotator,
            rotating(&rotator, &rotator.bob, rotate(2, true)),
            "WrongHistoryLink",
        ),
        case(
            "rotate-without-link",
            "alice has history",
            &world,
            rotating(&world, alice, rotate(2, false)),
            "WrongHistoryLink",
        ),
        case(
            "rotate-to-same-number",
            "key 1 again",
            &world,
            rotating(&world, alice, rotate(1, true)),
            "WrongKeyNumber",
        ),
        case(
            "rotate-skips-a-number",
            "key 3 after key 1",
            &world,
            rotating(&world, alice, rotate(3, true)),
            "WrongKeyNumber",
        ),
        case(
            "rotate-to-year-2099",
            "no date and no large number makes a key current",
            &world,
            rotating(&world, alice, rotate(2_099, true)),
            "WrongKeyNumber",
        ),
        case(
            "rotate-repeats-fingerprint",
            "key 1 under number 2",
            &world,
            rotating(&world, alice, Op::Rotate(Rotate { key: repeated })),
            "KeyRepeated",
        ),
        case(
            "rotate-changes-kind",
            "a key pair on a secretBox",
            &world,
            rotating(&world, alice, Op::Rotate(Rotate { key: with_public })),
            "WrongKeyKind",
        ),
    ]
}

fn batches() -> Vec<Case> {
    let world = World::new();
    let alice = &world.alice;
    let twice = altered(&world, alice, vec![rotate(2, true), rotate(3, true)], &[], |_| ());
    let bad_second = altered(&world, alice, vec![rotate(2, true), cancel(&world.ledger, &world.bob)], &[], |_| ());
    let about = "the second op of a batch breaks a rule: all of it falls";
    vec![
        case("rotate-twice-in-one-entry", "two keys, of which one would reach nobody", &world, twice, "RotatedTwice"),
        case("batch-with-a-bad-second-op", about, &world, bad_second, "NotPending"),
    ]
}
