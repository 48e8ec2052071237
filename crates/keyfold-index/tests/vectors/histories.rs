//! Records that name those before them wrongly, or are by somebody who may not write.

use super::scene::storage;
use crate::{
    forge::{Body, Forge, HEADERS, Place, Signed, headers},
    support::{ALICE, BOB, Member, READER},
};
use futures_executor::block_on;
use keyfold_index::{Keys, Seen};
use serde_json::{Value as Json, json};

/// Makes what stands under the reference, and says what was seen before.
type Make<'m> = &'m dyn Fn(&mut Forge) -> (Vec<u8>, Option<Seen>);

/// Records that follow each other, forged: the second one names the first.
pub(super) fn histories() -> Vec<(&'static str, Json)> {
    let body = Body::default();
    let encoded = body.encode();
    let first = Forge::header(0, ALICE, &[], &encoded);
    let vector = |about: &str, expect: &str, make: Make<'_>| {
        let mut forge = Forge::new();
        let (reference, seen) = make(&mut forge);
        let mut json = storage(about, &block_on(forge.store(reference)), seen);
        if expect == "ok" {
            json["entries"] = json!([]);
        }
        json["expect"] = json!(expect);
        json
    };
    let with = |list: &[Signed]| Body { headers: list.to_vec(), ..Body::default() }.encode();
    let of_first = Seen { generation: 0, hash: first.hash(), ledger: 3 };
    vec![
        (
            "second-well",
            vector("the first header stands with the second", "ok", &|forge| {
                let body = with(std::slice::from_ref(&first));
                let second = Forge::header(1, ALICE, &[(first.hash(), None)], &body);
                (forge.record(&second, &body), Some(of_first))
            }),
        ),
        (
            "second-well-by-a-list",
            vector("the first header stands in a list", "ok", &|forge| {
                let list = forge.object(Place::of_all(HEADERS), &headers(std::slice::from_ref(&first)));
                let second = Forge::header(1, ALICE, &[(first.hash(), Some(list))], &encoded);
                (forge.record(&second, &encoded), Some(of_first))
            }),
        ),
        (
            "header-not-there",
            vector("a former record without a place, and no header", "IndexDamaged", &|forge| {
                let second = Forge::header(1, ALICE, &[(first.hash(), None)], &encoded);
                (forge.record(&second, &encoded), None)
            }),
        ),
        (
            "header-named-with-a-place",
            vector("a header that stands here is named with a place", "IndexDamaged", &|forge| {
                let list = forge.object(Place::of_all(HEADERS), &headers(std::slice::from_ref(&first)));
                let body = with(std::slice::from_ref(&first));
                let second = Forge::header(1, ALICE, &[(first.hash(), Some(list))], &body);
                (forge.record(&second, &body), None)
            }),
        ),
        (
            "header-of-another-hash",
            vector("the header that stands here is not the one that is named", "IndexDamaged", &|forge| {
                let body = with(std::slice::from_ref(&first));
                let second = Forge::header(1, ALICE, &[([9; 32], None)], &body);
                (forge.record(&second, &body), None)
            }),
        ),
        (
            "header-that-names-too-few",
            vector("generation 2 names two records, and here one", "IndexDamaged", &|forge| {
                let list = forge.object(Place::of_all(HEADERS), &headers(std::slice::from_ref(&first)));
                let third = Forge::header(2, ALICE, &[([9; 32], Some(list))], &encoded);
                (forge.record(&third, &encoded), None)
            }),
        ),
        (
            "header-that-names-too-many",
            vector("generation 0 names a record", "IndexDamaged", &|forge| {
                let list = forge.object(Place::of_all(HEADERS), &headers(std::slice::from_ref(&first)));
                let wrong = Forge::header(0, ALICE, &[(first.hash(), Some(list))], &encoded);
                (forge.record(&wrong, &encoded), None)
            }),
        ),
        (
            "list-with-a-gap",
            vector("a list of headers without the one in the middle", "IndexDamaged", &|forge| {
                let second = Forge::header(1, ALICE, &[(first.hash(), None)], &encoded);
                let third = Forge::header(2, ALICE, &[(second.hash(), None), (first.hash(), None)], &encoded);
                let list = forge.object(Place::of_all(HEADERS), &headers(&[first.clone(), third.clone()]));
                let fourth =
                    Forge::header(3, ALICE, &[(third.hash(), Some(list)), (first.hash(), Some(list))], &encoded);
                (forge.record(&fourth, &encoded), Some(Seen { generation: 1, hash: second.hash(), ledger: 3 }))
            }),
        ),
        (
            "list-without-what-is-looked-for",
            vector("a list that has another header", "Rollback", &|forge| {
                let second = Forge::header(1, ALICE, &[(first.hash(), None)], &encoded);
                let list = forge.object(Place::of_all(HEADERS), &headers(&[first.clone(), second.clone()]));
                let third =
                    Forge::header(2, ALICE, &[(second.hash(), Some(list)), (first.hash(), Some(list))], &encoded);
                let list = forge.object(Place::of_all(HEADERS), &headers(std::slice::from_ref(&third)));
                let fourth = Forge::header(3, ALICE, &[([8; 32], Some(list)), (first.hash(), Some(list))], &encoded);
                (forge.record(&fourth, &encoded), Some(Seen { generation: 1, hash: second.hash(), ledger: 3 }))
            }),
        ),
        (
            "ledger-that-goes-back",
            vector("bob knows less of the ledger than who wrote before", "NotAllowed", &|forge| {
                let body = with(std::slice::from_ref(&first));
                let bob = Member { ledger: 2, ..BOB };
                let second = Forge::header(1, bob, &[(first.hash(), None)], &body);
                (forge.record(&second, &body), Some(of_first))
            }),
        ),
        (
            "writer-who-is-out",
            vector("bob knows that he is out, by entry 5", "NotAllowed", &|forge| {
                (forge.record(&Forge::header(0, Member { ledger: 5, ..BOB }, &[], &encoded), &encoded), None)
            }),
        ),
        (
            "writer-who-may-not",
            vector("somebody who may only read", "NotAllowed", &|forge| {
                (forge.record(&Forge::header(0, READER, &[], &encoded), &encoded), None)
            }),
        ),
        (
            "signature-of-another",
            vector("alice's record, signed by bob", "NotAllowed", &|forge| {
                let mut signed = first.clone();
                signed.signature = BOB.sign(&signed.bytes).0.to_vec();
                (forge.record(&signed, &encoded), None)
            }),
        ),
    ]
}
