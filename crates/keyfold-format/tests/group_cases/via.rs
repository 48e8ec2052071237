//! Acting through groups: the way, and the rights along it.

use super::{ALICE, ALL, BOB, CAROL, Case, DAVE, NONE, Place};
use keyfold_format::{
    Permissions,
    scope::{Ban, Decision, KeySet, Op, Share},
};

pub fn cases() -> Vec<Case> {
    let place = Place::new();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let way = place.way();
    let turn = vec![place.next_key(BOB, &keychain, &way)];
    let with_alice = vec![Op::Share(place.town.share_of(&keychain, place.id(ALICE), NONE))];
    let mut all = vec![
        place.clone().case(
            "ok-rotate-through-two-groups",
            "bob makes the next key, as what the team in the department may",
            (BOB, keychain, &way),
            turn.clone(),
            "ok",
        ),
        place.clone().case(
            "ok-share-through-two-groups",
            "bob shares with alice",
            (BOB, keychain, &way),
            with_alice.clone(),
            "ok",
        ),
        place.clone().case(
            "ok-permissions-set-through-two-groups",
            "bob takes rotation from the department",
            (BOB, keychain, &way),
            vec![place.permissions(department, NONE, Permissions::ROTATION)],
            "ok",
        ),
        place.clone().case(
            "act-without-via",
            "bob is no member himself",
            (BOB, keychain, &[]),
            turn.clone(),
            "NotAMember",
        ),
        place.clone().case(
            "via-a-group-that-is-no-member",
            "the team stands in the department, not in the keychain",
            (BOB, keychain, &[team]),
            turn.clone(),
            "ViaBroken",
        ),
        place.clone().case(
            "via-in-another-order",
            "the innermost group first",
            (BOB, keychain, &[team, department]),
            turn.clone(),
            "ViaBroken",
        ),
        place.clone().case(
            "via-cut-short",
            "bob is in the team, not in the department",
            (BOB, keychain, &[department]),
            turn.clone(),
            "ViaBroken",
        ),
        place.clone().case(
            "via-of-a-stranger",
            "dave is not in the team",
            (DAVE, keychain, &way),
            turn.clone(),
            "ViaBroken",
        ),
        place.clone().altered(
            "via-not-cited",
            "the team's head is not cited",
            (BOB, keychain, &way),
            turn.clone(),
            "CitationMissing",
            |entry, _| entry.cites.retain(|cite| cite.principal != team),
        ),
        place.clone().case(
            "ban-of-the-group-through-which-one-acts",
            "bob bans the department",
            (BOB, keychain, &way),
            vec![Op::Ban(Ban { principal: department }), turn[0].clone()],
            "BanOfOwnGroup",
        ),
        place.clone().case(
            "ban-of-oneself-through-a-group",
            "bob bans himself",
            (BOB, keychain, &way),
            vec![place.ban(BOB), turn[0].clone()],
            "BanOfOneself",
        ),
        place.clone().case(
            "ban-of-an-owner-through-a-group",
            "bob bans dave",
            (BOB, keychain, &way),
            vec![place.ban(DAVE), turn[0].clone()],
            "OwnerProtected",
        ),
    ];
    all.extend(rights());
    all.extend(banned());
    all.push(owner_through_a_group());
    all
}

/// Of each permission, what every step has.
fn rights() -> Vec<Case> {
    let mut all = Vec::new();
    let steps: [(&'static str, &'static str, Permissions, Permissions, Permissions); 3] = [
        ("share-without-the-right-in-the-team", "bob may do nothing in the team", NONE, ALL, ALL),
        ("share-without-the-right-of-the-team", "the team may do nothing in the department", ALL, NONE, ALL),
        ("share-without-the-right-of-the-department", "the department may do nothing here", ALL, ALL, NONE),
    ];
    for (name, about, bob, team, department) in steps {
        let place = Place::with(bob, team, department);
        let share = Op::Share(place.town.share_of(&place.keychain, place.id(ALICE), NONE));
        let (keychain, way) = (place.keychain, place.way());
        all.push(place.case(name, about, (BOB, keychain, &way), vec![share], "SharingNotAllowed"));
    }
    let less = ALL.without(Permissions::ROTATION);
    let place = Place::with(ALL, less, ALL);
    let (keychain, way) = (place.keychain, place.way());
    let turn = place.next_key(BOB, &keychain, &way);
    let grant = place.permissions(place.department, Permissions::ROTATION, NONE);
    all.push(place.clone().case(
        "rotate-without-the-right-of-the-team",
        "the team may not rotate in the department",
        (BOB, keychain, &way),
        vec![turn.clone()],
        "RotationNotAllowed",
    ));
    all.push(place.case(
        "grant-beyond-the-right-of-the-team",
        "bob gives rotation, which the team lacks",
        (BOB, keychain, &way),
        vec![grant],
        "PermissionsNotHeld",
    ));
    all.push(of_a_reader());
    all.push(of_no_follower());
    all.push(older_key());
    // Whoever follows repairs, whatever he may do.
    let place = Place::with(NONE, NONE, NONE);
    let (team, department) = (place.team, place.department);
    let (place, keychain) = (place.left(BOB, team).rotated(ALICE, team), keychain_of());
    let place = place.observed(CAROL, department, team).rotated(CAROL, department).observed(DAVE, keychain, department);
    let (keychain, turn) = (place.keychain, place.next_key(ALICE, &place.keychain, &place.way()));
    let way = place.way();
    all.push(place.case(
        "ok-rotate-by-a-follower-through-two-groups",
        "bob left the team; alice, without any right, rotates as everybody who follows may",
        (ALICE, keychain, &way),
        vec![turn],
        "ok",
    ));
    all
}

fn keychain_of() -> keyfold_format::ScopeId {
    Place::apart().keychain
}

fn of_a_reader() -> Case {
    let mut place = Place::apart();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    place.town.brings(CAROL, &department, team, ALL);
    let share = Share { read_only: true, ..place.town.share_of(&keychain, department, ALL) };
    let place = place.after(DAVE, keychain, &[], vec![Op::Share(share)]);
    let share = Op::Share(place.town.share_of(&keychain, place.id(BOB), NONE));
    place.case(
        "share-read-only-not-kept-through-a-group",
        "the department reads only, and alice shares without saying so",
        (ALICE, keychain, &[department, team]),
        vec![share],
        "ReadOnlyNotKept",
    )
}

fn of_no_follower() -> Case {
    let mut place = Place::apart();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let share = Share { follows: false, ..place.town.share_of(&department, team, Permissions::SHARING) };
    place.town.does(CAROL, &department, &[], vec![Op::Share(share)]).unwrap();
    place.town.brings(DAVE, &keychain, department, ALL);
    let share = Op::Share(place.town.share_of(&keychain, place.id(BOB), NONE));
    place.case(
        "share-following-not-held-through-a-group",
        "the team does not follow the department, and alice lets bob follow the keychain",
        (ALICE, keychain, &[department, team]),
        vec![share],
        "FollowingNotHeld",
    )
}

fn older_key() -> Case {
    let place = Place::new();
    let keychain = place.keychain;
    let rotated = {
        let mut place = Place::apart();
        place.town.brings(CAROL, &place.department.clone(), place.team, ALL);
        let mut place = place.rotated(DAVE, keychain);
        place.town.brings(DAVE, &keychain, place.department, ALL);
        place
    };
    let share = Share { keys: KeySet::range(1, 2), ..rotated.town.share_of(&keychain, rotated.id(BOB), NONE) };
    let way = rotated.way();
    rotated.case(
        "share-a-key-that-the-group-does-not-hold",
        "the department came with key 2, and alice shares key 1",
        (ALICE, keychain, &way),
        vec![Op::Share(share)],
        "KeyNotHeld",
    )
}

/// Who is banned anywhere on the way writes nothing.
fn banned() -> Vec<Case> {
    let place = Place::new();
    let (department, keychain) = (place.department, place.keychain);
    let way = place.way();
    let ban_inside = vec![place.ban(BOB), place.next_key(CAROL, &department, &[])];
    let observe = vec![place.observe(department)];
    vec![
        place.clone().banned(BOB).case(
            "banned-acts-through-a-group",
            "bob is banned from the keychain, and still in the team",
            (BOB, keychain, &way),
            observe.clone(),
            "AuthorBanned",
        ),
        place.after(CAROL, department, &[], ban_inside).case(
            "banned-on-the-way-acts-through-a-group",
            "bob is banned from the department, and still in the team",
            (BOB, keychain, &way),
            observe,
            "AuthorBanned",
        ),
    ]
}

fn owner_through_a_group() -> Case {
    let mut place = Place::new();
    let (team, keychain) = (place.team, place.keychain);
    let dave = place.id(DAVE);
    place.town.brings(ALICE, &team, dave, ALL);
    place.town.brings(DAVE, &keychain, place.id(ALICE), NONE);
    let add = Op::Propose(Decision::AddOwner(place.id(ALICE)));
    let way = place.way();
    place.case(
        "owner-decides-through-a-group",
        "dave owns the keychain, and proposes as a member of the team",
        (DAVE, keychain, &way),
        vec![add],
        "NotAnOwner",
    )
}
