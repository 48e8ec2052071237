//! The rules of Anchor.

use super::{Case, altered, case, doing};
use crate::people::{World, rotate, share_latest};
use keyfold_format::{
    IndexId, Permissions,
    cbor::LARGEST,
    scope::{Anchor, AnchoredRecord, Op, Share},
};

fn record(index: u8, generation: u64) -> AnchoredRecord {
    AnchoredRecord { index: IndexId([index; 32]), generation, hash: [index ^ 0xff; 32] }
}

fn anchor(records: &[AnchoredRecord]) -> Op {
    Op::Anchor(Anchor { records: records.to_vec() })
}

pub fn cases() -> Vec<Case> {
    let member = World::with_bob(Permissions::NONE);
    let reader = {
        let mut world = World::new();
        let share = Share { read_only: true, ..share_latest(&world.ledger, &[&world.bob], Permissions::NONE) };
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    };
    let anchored = {
        let mut world = World::with_bob(Permissions::NONE);
        let entry = doing(&world, &world.alice, vec![anchor(&[record(1, 9)])]);
        world.append(entry).unwrap();
        world
    };
    let by = |world: &World, records: &[AnchoredRecord]| doing(world, &world.bob, vec![anchor(records)]);
    let most: Vec<_> = (0..=u8::MAX).map(|index| record(index, 1)).collect();
    let too_many: Vec<_> = {
        let mut last = record(u8::MAX, 1);
        last.index.0[31] -= 1;
        let mut all = most.clone();
        all.insert(255, last);
        all
    };
    let with_rotation = vec![anchor(&[record(1, 0)]), rotate(2, true)];
    vec![
        case(
            "ok-anchor",
            "a member without permissions says how far two indexes are",
            &member,
            by(&member, &[record(1, 0), record(2, LARGEST)]),
            "ok",
        ),
        case("ok-anchor-of-256-indexes", "as many as one entry has", &member, by(&member, &most), "ok"),
        case(
            "ok-anchor-goes-back",
            "the later one counts, whatever it says",
            &anchored,
            by(&anchored, &[record(1, 3)]),
            "ok",
        ),
        case(
            "ok-anchor-and-rotate",
            "beside a rotation",
            &member,
            altered(&member, &member.alice, with_rotation, &[], |_| ()),
            "ok",
        ),
        case("anchor-by-a-reader", "bob may only read", &reader, by(&reader, &[record(1, 0)]), "AnchorReadOnly"),
        case(
            "anchor-by-a-stranger",
            "carol is no member",
            &member,
            doing(&member, &member.carol, vec![anchor(&[record(1, 0)])]),
            "NotAMember",
        ),
        case(
            "anchor-of-a-generation-of-2-53",
            "more than every client can hold",
            &member,
            by(&member, &[record(1, LARGEST + 1)]),
            "TooLarge",
        ),
        case("anchor-of-nothing", "no index is named", &member, by(&member, &[]), "Malformed"),
        case("anchor-of-257-indexes", "one more than an entry has", &member, by(&member, &too_many), "TooMany"),
        case(
            "anchor-of-an-index-twice",
            "one index with two records",
            &member,
            by(&member, &[record(1, 0), record(1, 1)]),
            "NotCanonical",
        ),
        case(
            "anchor-in-another-order",
            "the second id is before the first",
            &member,
            by(&member, &[record(2, 0), record(1, 0)]),
            "NotCanonical",
        ),
    ]
}
