//! Groups as members: sharing with them, their rank, what they cannot be.

use super::{ALICE, ALL, BOB, CAROL, Case, DAVE, NONE, Place};
use keyfold_format::scope::{Ban, Decision, KEYCHAIN_RANK, KeySet, Op, Principal, Share};

pub fn cases() -> Vec<Case> {
    let apart = Place::apart();
    let (team, department, keychain) = (apart.team, apart.department, apart.keychain);
    let with_team = |place: &Place, scope| vec![Op::Share(place.town.share_of(&scope, team, ALL))];
    let mut all = vec![
        apart.clone().case(
            "ok-share-with-a-group",
            "dave shares the keychain with the team, which is a member at once",
            (DAVE, keychain, &[]),
            with_team(&apart, keychain),
            "ok",
        ),
        apart.clone().case(
            "ok-share-a-group-with-a-group",
            "the team joins the department, whose rank is higher",
            (CAROL, department, &[]),
            with_team(&apart, department),
            "ok",
        ),
        apart.clone().case(
            "share-with-a-group-of-higher-rank",
            "the department is to join the team",
            (ALICE, team, &[]),
            vec![Op::Share(apart.town.share_of(&team, department, NONE))],
            "RankTooHigh",
        ),
        apart.clone().case(
            "share-with-itself",
            "the team is to join itself",
            (ALICE, team, &[]),
            with_team(&apart, team),
            "RankTooHigh",
        ),
        apart.clone().case(
            "share-with-a-keychain-as-a-group",
            "a keychain is to join a group",
            (ALICE, team, &[]),
            vec![Op::Share(Share {
                principals: vec![Principal::Group(keychain)],
                ..apart.town.share_of(&team, keychain, NONE)
            })],
            "CitationUnknown",
        ),
        apart.clone().case(
            "share-with-a-person-as-a-group",
            "bob is named as a group, and there is no ledger of such a group",
            (ALICE, team, &[]),
            vec![Op::Share(Share {
                principals: vec![Principal::Group(apart.id(BOB))],
                ..apart.town.share_of(&team, apart.id(BOB), NONE)
            })],
            "MissingLedger",
        ),
        apart.clone().altered(
            "share-with-a-group-not-cited",
            "the group's head is not cited",
            (DAVE, keychain, &[]),
            with_team(&apart, keychain),
            "CitationMissing",
            |entry, _| entry.cites.retain(|cite| cite.principal != team),
        ),
    ];
    all.extend(joined());
    all.push(in_a_circle());
    all
}

fn joined() -> Vec<Case> {
    let place = Place::new();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let ban_department = vec![Op::Ban(Ban { principal: department }), place.next_key(DAVE, &keychain, &[])];
    let share_again =
        |keys, history| Op::Share(Share { keys, history, ..place.town.share_of(&keychain, department, NONE) });
    let add = Op::Propose(Decision::AddOwner(department));
    let mut invited_through = place.clone();
    let share = Op::Share(place.town.share_of(&keychain, place.id(ALICE), NONE));
    invited_through.town.does(BOB, &keychain, &place.way(), vec![share]).unwrap();
    let rotated = place.clone().rotated(DAVE, keychain);
    vec![
        rotated.clone().case(
            "ok-share-more-keys-with-a-member-group",
            "the department gets all keys, and history",
            (DAVE, keychain, &[]),
            vec![share_again(KeySet::range(1, 2), Some(1)).clone()],
            "ok",
        ),
        place.clone().case(
            "share-permissions-with-a-member-group",
            "what a member group may do is set otherwise",
            (DAVE, keychain, &[]),
            vec![Op::Share(place.town.share_of(&keychain, department, ALL))],
            "MemberTerms",
        ),
        place.clone().case(
            "ok-permissions-of-a-group",
            "dave takes rights from the department",
            (DAVE, keychain, &[]),
            vec![place.permissions(department, NONE, ALL)],
            "ok",
        ),
        place.clone().case(
            "group-becomes-an-owner",
            "dave wants the department to own the keychain",
            (DAVE, keychain, &[]),
            vec![add],
            "OwnerIsGroup",
        ),
        place.clone().case(
            "ok-ban-of-a-group",
            "dave bans the department, and nobody in it gets the new key",
            (DAVE, keychain, &[]),
            ban_department.clone(),
            "ok",
        ),
        place.clone().after(DAVE, keychain, &[], ban_department.clone()).case(
            "act-through-a-banned-group",
            "bob comes through the department, which is out",
            (BOB, keychain, &place.way()),
            vec![place.observe(department)],
            "ViaBroken",
        ),
        invited_through.clone().answer(
            "ok-accept-a-share-through-a-group",
            "alice takes what bob shared through the department",
            (ALICE, keychain),
            Op::Accept,
            "ok",
        ),
        invited_through.clone().after(DAVE, keychain, &[], ban_department).answer(
            "accept-a-share-through-a-banned-group",
            "the department was banned before alice answered",
            (ALICE, keychain),
            Op::Accept,
            "NotPending",
        ),
        invited_through.clone().case(
            "ok-cancel-by-a-sharer-through-a-group",
            "bob withdraws what he shared through the department",
            (BOB, keychain, &place.way()),
            vec![Op::CancelShare(keyfold_format::scope::CancelShare {
                share: invited_through.town.state(&keychain).pending()[&place.id(ALICE)].entry,
                principal: place.id(ALICE),
            })],
            "ok",
        ),
        place.clone().left(BOB, team).case(
            "act-after-leaving-the-group",
            "bob left the team, and everything that he cites is new",
            (BOB, keychain, &place.way()),
            vec![place.observe(department)],
            "ViaBroken",
        ),
    ]
}

/// A group is to join itself through three others.
fn in_a_circle() -> Case {
    let mut place = Place::apart();
    let mut inner = place.team;
    for (name, rank) in [("second", 110), ("third", 120), ("fourth", 130)] {
        let outer = place.town.found(name, ALICE, rank);
        place.town.brings(ALICE, &outer, inner, NONE);
        inner = outer;
    }
    let (team, share) = (place.team, Op::Share(place.town.share_of(&place.team, inner, NONE)));
    assert!(place.town.state(&inner).rank() < KEYCHAIN_RANK && place.town.state(&inner).depth() == 3);
    place.case(
        "share-with-itself-through-three-groups",
        "a group that stands in three others is to take the outermost in",
        (ALICE, team, &[]),
        vec![share],
        "RankTooHigh",
    )
}
