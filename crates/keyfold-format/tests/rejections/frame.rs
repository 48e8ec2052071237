//! Who speaks, where the entry stands, what it has seen.

use super::{Case, altered, case, genesis};
use crate::people::{Person, TIME, World, rotate, share_latest, sign};
use keyfold_format::{
    EntryHash, Permissions, ScopeId,
    entry::Head,
    label::SignatureLabel,
    scope::{Algorithm, Op},
};

pub fn cases() -> Vec<Case> {
    let world = World::new();
    let (alice, bob) = (&world.alice, &world.bob);
    let turn = || vec![rotate(2, true)];
    let mut all = vec![
        case("ok-rotate", "alice rotates: accepted", &world, altered(&world, alice, turn(), &[], |_| ()), "ok"),
        case(
            "wrong-scope",
            "an entry of another keychain",
            &world,
            altered(&world, alice, turn(), &[], |e| e.scope = Some(ScopeId([9; 32]))),
            "WrongScope",
        ),
        case(
            "wrong-scope-null",
            "a later entry that names no scope",
            &world,
            altered(&world, alice, turn(), &[], |e| e.scope = None),
            "WrongScope",
        ),
        case(
            "wrong-scope-group-form",
            "a group's entry on a keychain",
            &world,
            altered(&world, alice, turn(), &[], |e| e.group = true),
            "WrongScope",
        ),
        case(
            "wrong-seq-repeated",
            "the number of the entry before",
            &world,
            altered(&world, alice, turn(), &[], |e| e.seq = 0),
            "WrongSeq",
        ),
        case(
            "wrong-seq-skipped",
            "a number is left out",
            &world,
            altered(&world, alice, turn(), &[], |e| e.seq = 2),
            "WrongSeq",
        ),
        case(
            "wrong-prev",
            "it follows an entry that is not the head",
            &world,
            altered(&world, alice, turn(), &[], |e| e.prev = Some(EntryHash([1; 32]))),
            "WrongPrev",
        ),
        case(
            "wrong-prev-null",
            "it follows nothing",
            &world,
            altered(&world, alice, turn(), &[], |e| e.prev = None),
            "WrongPrev",
        ),
        case(
            "time-goes-back",
            "a millisecond before the entry before",
            &world,
            altered(&world, alice, turn(), &[], |e| e.time = TIME - 1),
            "TimeGoesBack",
        ),
        case(
            "stranger-shares",
            "bob, who is no member, shares with himself",
            &world,
            altered(
                &world,
                bob,
                vec![Op::Share(share_latest(&world.ledger, &[bob], Permissions::ALL))],
                &[bob],
                |_| (),
            ),
            "NotAMember",
        ),
        case(
            "stranger-rotates",
            "bob, who is no member, rotates",
            &world,
            altered(&world, bob, turn(), &[], |_| ()),
            "NotAMember",
        ),
        case(
            "author-not-cited",
            "alice does not cite herself",
            &world,
            altered(&world, alice, turn(), &[], |e| e.cites.clear()),
            "CitationMissing",
        ),
        case(
            "author-cites-unknown-head",
            "alice cites a head that her account does not have",
            &world,
            altered(&world, alice, turn(), &[], |e| e.cites[0].head.hash = EntryHash([3; 32])),
            "CitationUnknown",
        ),
        case(
            "author-cites-other-generation",
            "alice cites a generation that she does not have",
            &world,
            altered(&world, alice, turn(), &[], |e| e.cites[0].exclusions = 1),
            "CitationUnknown",
        ),
        case(
            "author-cites-future-head",
            "alice's account does not reach that far yet: no verdict",
            &world,
            altered(&world, alice, turn(), &[], |e| e.cites[0].head = Head { seq: 7, hash: EntryHash([3; 32]) }),
            "MissingLedger",
        ),
        case(
            "cites-bystander",
            "carol is cited, whom no op concerns",
            &world,
            altered(&world, alice, turn(), &[&world.carol], |_| ()),
            "CitationUnneeded",
        ),
        case(
            "recipient-cites-unknown-head",
            "bob is cited at a head that he does not have",
            &world,
            altered(
                &world,
                alice,
                vec![Op::Share(share_latest(&world.ledger, &[bob], Permissions::NONE))],
                &[bob],
                |e| {
                    e.cites
                        .iter_mut()
                        .filter(|c| c.principal == bob.id())
                        .for_each(|c| c.head.hash = EntryHash([3; 32]))
                },
            ),
            "CitationUnknown",
        ),
        case(
            "via-group",
            "alice acts through a group",
            &world,
            altered(&world, alice, turn(), &[], |e| e.via = vec![ScopeId([4; 32])]),
            "ViaBroken",
        ),
        case("no-ops", "an entry that does nothing", &world, altered(&world, alice, vec![], &[], |_| ()), "Malformed"),
        case(
            "genesis-again",
            "a second genesis",
            &world,
            altered(&world, alice, alice.keychain_genesis(Algorithm::SecretBox).ops, &[], |_| ()),
            "GenesisMisplaced",
        ),
        case(
            "accept-not-placed",
            "an Accept as an ordinary entry",
            &world,
            altered(&world, alice, vec![Op::Accept], &[], |_| ()),
            "PlacedMisplaced",
        ),
    ];
    all.extend(citations());
    all.extend(signatures(&world));
    all.extend(genesis::cases(&world));
    all.extend(genesis::citations(&world));
    all
}

/// What was cited of somebody never goes back. Dave's account is at hand nowhere, so his heads can be made up.
fn citations() -> Vec<Case> {
    let member = World::with_bob(Permissions::NONE);
    let bob_at = |seq: u64, exclusions: u32| {
        altered(&member, &member.alice, vec![rotate(2, true)], &[&member.bob], |e| {
            for cite in e.cites.iter_mut().filter(|c| c.principal == member.bob.id()) {
                (cite.head, cite.exclusions) = (Head { seq, hash: EntryHash([3; 32]) }, exclusions);
            }
        })
    };
    let dave = Person::new("dave");
    let share = |world: &World, seq: u64, hash: u8, exclusions: u32| {
        let share = share_latest(&world.ledger, &[&dave], Permissions::NONE);
        altered(world, &world.alice, vec![Op::Share(share)], &[&dave], |e| {
            for cite in e.cites.iter_mut().filter(|c| c.principal == dave.id()) {
                (cite.head, cite.exclusions) = (Head { seq, hash: EntryHash([hash; 32]) }, exclusions);
            }
        })
    };
    // Dave was shared with at his entry 5, generation 2, and the share was cancelled.
    let seen = {
        let mut world = World::new();
        let entry = share(&world, 5, 3, 2);
        world.append(entry).unwrap();
        let cancel = altered(&world, &world.alice, vec![crate::people::cancel(&world.ledger, &dave)], &[], |_| ());
        world.append(cancel).unwrap();
        world
    };
    vec![
        case(
            "ok-first-cite-without-ledger",
            "a newcomer whose ledger is not at hand: compared later",
            &World::new(),
            share(&World::new(), 5, 3, 2),
            "ok",
        ),
        case(
            "cite-beyond-what-is-at-hand",
            "bob's account does not reach that far yet: no verdict",
            &member,
            bob_at(5, 0),
            "MissingLedger",
        ),
        case(
            "cite-exclusions-made-up",
            "bob is cited at a generation that he does not have, to make a rotation needed",
            &member,
            bob_at(5, 9),
            "MissingLedger",
        ),
        case(
            "cite-fork-of-member",
            "bob's head under the same number with another hash",
            &member,
            bob_at(0, 0),
            "CitationFork",
        ),
        case(
            "cite-older-head",
            "dave was seen at 5 and is cited at 4",
            &seen,
            share(&seen, 4, 3, 2),
            "CitationGoesBack",
        ),
        case(
            "cite-older-generation",
            "dave was seen in generation 2 and is cited in 1",
            &seen,
            share(&seen, 6, 3, 1),
            "CitationGoesBack",
        ),
        case(
            "cite-two-heads-under-one-number",
            "dave's head 5 with two hashes",
            &seen,
            share(&seen, 5, 4, 2),
            "CitationFork",
        ),
        case(
            "cite-again-without-ledger",
            "a second citation needs the ledger: no verdict",
            &seen,
            share(&seen, 6, 3, 3),
            "MissingLedger",
        ),
        case(
            "cites-in-another-order",
            "a set has one order",
            &member,
            altered(&member, &member.alice, vec![rotate(2, true)], &[&member.bob], |e| e.cites.reverse()),
            "NotCanonical",
        ),
        case(
            "cite-twice",
            "a set has nothing twice",
            &member,
            altered(&member, &member.alice, vec![rotate(2, true)], &[], |e| e.cites.push(e.cites[0])),
            "NotCanonical",
        ),
    ]
}

fn signatures(world: &World) -> Vec<Case> {
    let alice = &world.alice;
    let entry = alice.entry(&world.ledger, vec![rotate(2, true)], &[]);
    let good = alice.sign(&entry);
    let signed_as = |key, label| {
        let mut other = good.clone();
        other.signatures = vec![sign(key, label, &good.signed)];
        other
    };
    let mut twice = good.clone();
    twice.signatures.push(good.signatures[0]);
    let mut none = good.clone();
    none.signatures.clear();
    let mut flipped = good.clone();
    flipped.signatures[0].0[40] ^= 1;
    let small_order = {
        // R and A of small order satisfy the equation for every message where verification is not strict.
        let mut other = good.clone();
        other.signatures[0].0 = [0; 64];
        other.signatures[0].0[0] = 1;
        other
    };
    vec![
        case("signature-flipped", "one bit of the signature", world, flipped, "BadSignature"),
        case("signature-missing", "no signature", world, none, "BadSignature"),
        case("signature-twice", "a signature too many", world, twice, "BadSignature"),
        case(
            "signature-small-order",
            "a signature with R of small order and s = 0",
            world,
            small_order,
            "BadSignature",
        ),
        case(
            "signature-by-device",
            "signed by the device key",
            world,
            signed_as(&alice.device, SignatureLabel::Entry),
            "BadSignature",
        ),
        case(
            "signature-by-bob",
            "bob signs for alice",
            world,
            signed_as(&world.bob.ledger_key, SignatureLabel::Entry),
            "BadSignature",
        ),
        case(
            "signature-label-placed",
            "signed under the label of placed entries",
            world,
            signed_as(&alice.ledger_key, SignatureLabel::PlacedEntry),
            "BadSignature",
        ),
        case(
            "signature-label-application",
            "a statement of the application in place of a signature",
            world,
            signed_as(&alice.ledger_key, SignatureLabel::Application),
            "BadSignature",
        ),
    ]
}
