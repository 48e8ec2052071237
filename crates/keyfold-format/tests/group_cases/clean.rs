//! When nothing is wrapped to a group, and how exclusions below reach those above.

use super::{ALICE, BOB, CAROL, Case, DAVE, NONE, Place};
use keyfold_format::{ScopeId, scope::Op};

pub fn cases() -> Vec<Case> {
    let place = Place::new();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let way = place.way();
    let by_dave: (usize, ScopeId, &[ScopeId]) = (DAVE, keychain, &[]);
    let see = |principal: ScopeId| vec![place.observe(principal)];
    let turn = |place: &Place| vec![place.next_key(DAVE, &keychain, &[])];

    let left = place.clone().left(BOB, team);
    let seen_above = left.clone().observed(DAVE, keychain, team);
    let seen_between = left.clone().rotated(ALICE, team).observed(CAROL, department, team);
    let mended = seen_between.clone().rotated(CAROL, department);
    let both_out = place.clone().banned(BOB);
    let carol_waits = place.town.share_of(&team, place.id(CAROL), NONE);
    let disinvited = vec![place.ban(CAROL), place.next_key(ALICE, &team, &[])];
    let disinvited =
        place.clone().after(ALICE, team, &[], vec![Op::Share(carol_waits)]).after(ALICE, team, &[], disinvited);
    let mut all =
        vec![
        left.clone().case(
            "ok-observe-that-somebody-left-two-groups-down",
            "bob left the team: the keychain needs a new key, and the department is not clean until it has seen it too",
            by_dave,
            see(team),
            "ok",
        ),
        disinvited.case(
            "ok-observe-that-who-had-not-answered-was-banned",
            "carol never came into the team, but a server that is with her may have given her its key: the keychain needs a new one",
            by_dave,
            see(team),
            "ok",
        ),
        left.clone().case(
            "ok-observe-a-group-that-has-not-seen-it",
            "the department has no new exclusion so far",
            by_dave,
            see(department),
            "ok",
        ),
        seen_between.clone().case(
            "ok-observe-a-group-that-needs-a-rotation",
            "the department has seen it, and has no new key yet",
            by_dave,
            see(department),
            "ok",
        ),
        mended.clone().case(
            "ok-observe-a-group-that-rotated",
            "the department has a new key: it is clean, and the keychain needs one too",
            by_dave,
            see(department),
            "ok",
        ),
        mended.clone().case(
            "ok-rotate-passes-an-exclusion-and-answers-it",
            "a rotation cites the new department, and asks for no other",
            by_dave,
            turn(&mended),
            "ok",
        ),
        seen_above.clone().case(
            "ok-rotate-while-a-group-is-not-clean",
            "the new key goes to dave alone",
            by_dave,
            turn(&seen_above),
            "ok",
        ),
        seen_above.clone().rotated(ALICE, team).observed(CAROL, department, team).rotated(CAROL, department).case(
            "ok-observe-a-group-that-is-clean-again",
            "the department came to what the keychain knows: keys are wrapped to it again",
            by_dave,
            see(department),
            "ok",
        ),
        both_out.clone().case(
            "ok-rotate-while-a-group-reaches-somebody-banned",
            "bob is banned here, and still in the team",
            by_dave,
            turn(&both_out),
            "ok",
        ),
        both_out.clone().case(
            "observe-inside-a-group-that-is-not-clean",
            "the department is not entered while it reaches bob",
            by_dave,
            see(team),
            "ObserveUnreached",
        ),
        both_out.left(BOB, team).rotated(ALICE, team).observed(CAROL, department, team).rotated(CAROL, department).case(
            "ok-observe-that-somebody-banned-is-gone",
            "bob left the team, and the department has seen it",
            by_dave,
            see(department),
            "ok",
        ),
        place.clone().case(
            "ok-ban-of-somebody-in-a-group",
            "bob is banned, and the department, in whose team he is, does not get the new key",
            by_dave,
            vec![place.ban(BOB), turn(&place)[0].clone()],
            "ok",
        ),
        place.clone().case(
            "ban-that-cuts-the-way-of-its-author",
            "bob bans alice, who is in the team through which he would get the new key",
            (BOB, keychain, &way),
            vec![place.ban(ALICE), place.next_key(BOB, &keychain, &way)],
            "GroupUnclean",
        ),
        left.clone().case(
            "rotate-through-a-group-that-is-not-clean",
            "bob left, and the department has not seen it: alice would get the key together with him",
            (ALICE, keychain, &way),
            vec![place.next_key(ALICE, &keychain, &way)],
            "GroupUnclean",
        ),
        left.case(
            "rotate-through-a-team-that-needs-a-rotation",
            "the department would wrap its next key to a team whose key bob has",
            (ALICE, department, &[team]),
            vec![place.next_key(ALICE, &department, &[team])],
            "GroupUnclean",
        ),
        place.answer(
            "group-answer-by-who-is-only-in-a-group",
            "bob leaves the keychain, in which he is through groups only",
            (BOB, keychain),
            Op::Leave,
            "NotAMember",
        ),
    ];
    all.extend(direct_and_through());
    all.extend(taken_in_unseen());
    all.push(too_deep());
    all
}

/// Alice is in the keychain herself, and through the team.
fn direct_and_through() -> Vec<Case> {
    let mut place = Place::new();
    let (team, keychain) = (place.team, place.keychain);
    let alice = place.id(ALICE);
    place.town.brings(DAVE, &keychain, alice, NONE);
    vec![
        place.clone().answer(
            "ok-leave-of-who-is-in-a-group-too",
            "alice leaves the keychain, and still reads it through the team",
            (ALICE, keychain),
            Op::Leave,
            "ok",
        ),
        place.clone().left(BOB, team).case(
            "ok-rotate-without-the-right-for-what-was-seen-below",
            "alice may not rotate, but what she observes of the team, which only the department had cited, asks for it",
            (ALICE, keychain, &[]),
            vec![place.observe(team), place.next_key(ALICE, &keychain, &[])],
            "ok",
        ),
        place.clone().left(BOB, team).case(
            "ok-act-as-oneself-beside-a-group",
            "alice acts as herself, who is a member too",
            (ALICE, keychain, &[]),
            vec![place.observe(team)],
            "ok",
        ),
    ]
}

/// The department took in the team after the keychain last looked, the team put bob out, and then the keychain was
/// shared with the team itself.
fn taken_in_unseen() -> Vec<Case> {
    let mut place = Place::apart();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let bob = place.id(BOB);
    place.town.brings(ALICE, &team, bob, NONE);
    place.town.brings(DAVE, &keychain, department, NONE);
    place.town.brings(CAROL, &department, team, NONE);
    let ops = vec![place.ban(BOB), place.next_key(ALICE, &team, &[])];
    let mut place = place.after(ALICE, team, &[], ops);
    let share = Op::Share(place.town.share_of(&keychain, team, NONE));
    let shares = place.clone().case(
        "ok-share-with-a-group-that-another-took-in-unseen",
        "what the keychain cites of the department does not reach the team, so its exclusion is no news here",
        (DAVE, keychain, &[]),
        vec![share],
        "ok",
    );
    place.town.brings(DAVE, &keychain, team, NONE);
    let observes = place.clone().case(
        "ok-observe-a-group-that-took-in-what-it-has-not-seen",
        "the department reaches the team, of which the keychain has seen more: it is not clean, and bob has its key",
        (DAVE, keychain, &[]),
        vec![place.observe(department)],
        "ok",
    );
    vec![shares, observes]
}

/// Nine groups in each other: to the outermost nothing is wrapped.
fn too_deep() -> Case {
    let mut place = Place::apart();
    let mut inner = place.team;
    let names = ["2", "3", "4", "5", "6", "7", "8", "9"];
    for (rank, name) in (101..).zip(names) {
        let outer = place.town.found(name, ALICE, rank);
        place.town.brings(ALICE, &outer, inner, NONE);
        inner = outer;
    }
    let keychain = place.keychain;
    let share = Op::Share(place.town.share_of(&keychain, inner, NONE));
    place.case(
        "ok-share-with-groups-that-stand-too-deep",
        "the innermost group stands 9 deep, and nothing is wrapped to the outermost",
        (DAVE, keychain, &[]),
        vec![share],
        "ok",
    )
}
