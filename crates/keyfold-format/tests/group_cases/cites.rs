//! Citations of groups, and observing.

use super::{ALICE, BOB, CAROL, Case, DAVE, NONE, Place};
use keyfold_format::{EntryHash, ScopeId, entry::Cite, scope::Entry};

fn cite_of<'a>(entry: &'a mut Entry, principal: &ScopeId) -> &'a mut Cite {
    entry.cites.iter_mut().find(|cite| cite.principal == *principal).unwrap()
}

pub fn cases() -> Vec<Case> {
    let place = Place::new();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let by_dave: (usize, ScopeId, &[ScopeId]) = (DAVE, keychain, &[]);
    let mut all = vec![
        place.clone().case(
            "ok-observe-nothing-new",
            "dave observes the department where it is",
            by_dave,
            vec![place.observe(department)],
            "ok",
        ),
        place.clone().case(
            "ok-observe-somebody-inside",
            "dave observes alice, who is in the team",
            by_dave,
            vec![place.observe(place.id(ALICE))],
            "ok",
        ),
        Place::apart().case(
            "observe-a-stranger",
            "nobody in the keychain has to do with the team",
            by_dave,
            vec![place.observe(team)],
            "ObserveUnreached",
        ),
        place.clone().case(
            "observe-itself",
            "dave observes the keychain in the keychain",
            by_dave,
            vec![place.observe(keychain)],
            "ObserveUnreached",
        ),
        place.clone().altered(
            "observe-not-cited",
            "nothing is cited of whom dave observes",
            by_dave,
            vec![place.observe(team)],
            "CitationMissing",
            |entry, _| entry.cites.retain(|cite| cite.principal != team),
        ),
        place.clone().altered(
            "cites-itself",
            "an entry that cites its own ledger",
            by_dave,
            vec![place.observe(department)],
            "CitationUnneeded",
            |entry, town| {
                entry.cites.push(town.cite(&keychain));
                entry.cites.sort_by_key(|cite| cite.principal);
            },
        ),
        place.clone().altered(
            "cites-a-group-that-no-op-concerns",
            "the team is cited beside an Observe of the department",
            by_dave,
            vec![place.observe(department)],
            "CitationUnneeded",
            |entry, town| {
                entry.cites.push(town.cite(&team));
                entry.cites.sort_by_key(|cite| cite.principal);
            },
        ),
        place.clone().altered(
            "cite-of-a-group-with-another-hash",
            "the department has no such entry",
            by_dave,
            vec![place.observe(department)],
            "CitationFork",
            |entry, _| cite_of(entry, &department).head.hash = EntryHash([5; 32]),
        ),
        place.clone().rotated(CAROL, department).altered(
            "cite-of-a-newer-head-with-another-hash",
            "the department has another entry there",
            by_dave,
            vec![place.observe(department)],
            "CitationUnknown",
            |entry, _| cite_of(entry, &department).head.hash = EntryHash([5; 32]),
        ),
        place.clone().rotated(CAROL, department).altered(
            "cite-of-a-group-with-made-up-exclusions",
            "an exclusion that the department never had",
            by_dave,
            vec![place.observe(department)],
            "CitationUnknown",
            |entry, _| cite_of(entry, &department).exclusions += 1,
        ),
        place.clone().rotated(CAROL, department).altered(
            "cite-of-a-group-beyond-its-head",
            "an entry of the department that does not exist",
            by_dave,
            vec![place.observe(department)],
            "MissingLedger",
            |entry, _| cite_of(entry, &department).head.seq += 1,
        ),
    ];
    all.extend(going_back());
    all
}

/// Whoever was put out finds no older head through which he could still write.
fn going_back() -> Vec<Case> {
    let place = Place::new();
    let (team, department, keychain) = (place.team, place.department, place.keychain);
    let way = place.way();
    let [old_team, old_department] = [team, department].map(|id| place.town.cite(&id));
    let out = place.clone().left(BOB, team).observed(CAROL, department, team).rotated(ALICE, team);
    let seen = out.clone().observed(DAVE, keychain, department);
    let by_bob: (usize, ScopeId, &[ScopeId]) = (BOB, keychain, &way);
    let permissions = vec![place.permissions(department, NONE, super::ALL)];
    vec![
        seen.clone().altered(
            "who-left-cites-the-old-team",
            "bob left; the keychain never cited the team, but the department has seen him go",
            by_bob,
            permissions.clone(),
            "CitationGoesBack",
            |entry, _| *cite_of(entry, &team) = old_team,
        ),
        seen.clone().altered(
            "who-left-cites-the-old-team-and-department",
            "the keychain cites a newer department",
            by_bob,
            permissions.clone(),
            "CitationGoesBack",
            |entry, _| {
                *cite_of(entry, &team) = old_team;
                *cite_of(entry, &department) = old_department;
            },
        ),
        out.altered(
            "who-left-cites-the-old-team-with-the-new-department",
            "nobody told the keychain, but the department that is cited has seen him go",
            by_bob,
            permissions.clone(),
            "CitationGoesBack",
            |entry, _| *cite_of(entry, &team) = old_team,
        ),
        place.left(BOB, team).altered(
            "ok-who-left-writes-where-nobody-has-seen-it",
            "bob left; neither the keychain nor the department can know, only the server",
            by_bob,
            permissions,
            "ok",
            |entry, _| *cite_of(entry, &team) = old_team,
        ),
    ]
}
