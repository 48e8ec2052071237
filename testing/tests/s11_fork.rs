//! S11: an operator shows two people two histories of one keychain. Once they communicate both hold receipts that
//! contradict each other, and that verify alone. No accident makes such evidence.

use keyfold_client::{
    Algorithm, AuditedFile, Client, EvidenceReport, PermissionFlags, ShareKeys, ShareOptions, verify_audit_file,
};
use keyfold_format::{EntryHash, ScopeId, entry::Head};
use keyfold_protocol::{
    Code,
    wire::{Appended, LedgerPages, Ledgers},
};
use keyfold_testing::evil::EvilWorld;

/// Alice and bob in one keychain, where both may rotate.
async fn two(world: &EvilWorld) -> (Client, Client, ScopeId) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let key = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let permissions = PermissionFlags { allow_rotation: true, ..PermissionFlags::default() };
    let options = ShareOptions { permissions, ..ShareOptions::default() };
    alice.share("notes", &["bob"], ShareKeys::All, options).await.unwrap();
    bob.sync().await.unwrap();
    alice.sync().await.unwrap();
    (alice, bob, key.keychain_fingerprint.parse().unwrap())
}

/// What a file proves to somebody who has only the server's key.
fn proved(world: &EvilWorld, file: &[u8]) -> EvidenceReport {
    let key = world.server.server_key().to_string();
    let AuditedFile::Evidence(report) = verify_audit_file(file, Some(&key)).unwrap() else { panic!("evidence") };
    let other = verify_audit_file(file, Some(&ScopeId([7; 32]).to_string())).unwrap_err();
    assert_eq!((other.code, other.code.class().exit()), (Code::WrongServerKey, 5));
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_two_who_were_forked_and_communicate_both_hold_evidence_that_verifies_alone() {
    let world = EvilWorld::start().await;
    let (alice, bob, scope) = two(&world).await;
    alice.rotate("notes").await.unwrap();
    let alices = alice.export_audit("notes").await.unwrap();

    // Bob's world is another one from here on.
    world.fork().await;
    assert_eq!(bob.audit("notes").await.unwrap().seq, 3, "up to here it is the same one");
    bob.rotate("notes").await.unwrap();
    bob.rotate("notes").await.unwrap();
    let bobs = bob.export_audit("notes").await.unwrap();

    world.show_first();
    alice.rotate("notes").await.unwrap();
    let own = alice.audit("notes").await.unwrap();
    assert_eq!((own.seq, own.known_seq), (4, Some(4)));
    let comparison = alice.compare_audit("notes", &bobs).await.unwrap();
    assert!(!comparison.agrees);
    assert_eq!((comparison.common_seq, comparison.own_seq, comparison.other_seq), (Some(3), 4, 5));
    // What alice exported before the fork contradicts nothing.
    world.show_copy();
    let comparison = bob.compare_audit("notes", &alices).await.unwrap();
    assert!(comparison.agrees);
    assert_eq!((comparison.own_seq, comparison.other_seq), (5, 3));
    assert_eq!(bob.evidence("notes", Some(&alices)).await.unwrap_err().code, Code::NoEvidence);

    world.show_first();
    let later = alice.export_audit("notes").await.unwrap();
    let of_alice = proved(&world, &alice.evidence("notes", Some(&bobs)).await.unwrap());
    world.show_copy();
    let of_bob = proved(&world, &bob.evidence("notes", Some(&later)).await.unwrap());
    for report in [of_alice, of_bob] {
        assert_eq!(report.scope, scope.to_string());
        assert_eq!((report.earlier.seq, report.later.seq), (4, 5));
        assert_ne!(report.fork, report.earlier.entry_hash);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_a_client_that_stopped_keeps_what_it_was_shown_until_it_is_evidence() {
    let world = EvilWorld::start().await;
    let (alice, bob, _) = two(&world).await;
    world.fork().await;
    bob.rotate("notes").await.unwrap();
    bob.rotate("notes").await.unwrap();
    world.show_first();
    alice.rotate("notes").await.unwrap();
    // Bob's history is put before alice: she stops.
    world.show_copy();
    for _ in 0..2 {
        assert_eq!(alice.keychain("notes").await.unwrap_err().code, Code::Rollback);
    }
    assert_eq!(alice.audit("notes").await.unwrap_err().code, Code::Rollback);
    let shown = proved(&world, &alice.evidence("notes", None).await.unwrap());
    assert_eq!((shown.earlier.seq, shown.later.seq), (3, 4));

    // The operator mends the lie. What he signed stays, and counts once the true ledger is as long.
    world.show_first();
    alice.rotate("notes").await.unwrap();
    let kept = proved(&world, &alice.evidence("notes", None).await.unwrap());
    assert_eq!((kept.earlier.seq, kept.later.seq), (4, 4));
    assert!([&kept.earlier, &kept.later].iter().any(|said| said.entry_hash == shown.later.entry_hash));
    // It outlives the process.
    let again = Client::open(&world.home("alice")).unwrap();
    assert_eq!(proved(&world, &again.evidence("notes", None).await.unwrap()).scope, kept.scope);
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_a_receipt_of_a_head_that_never_was_is_evidence_once_the_ledger_is_as_long() {
    let world = EvilWorld::start().await;
    let (alice, _, scope) = two(&world).await;
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with("/entries") && answer.status == 200 {
            let Head { seq, .. } = Appended::decode(&answer.body).unwrap().receipt.statement.head;
            let head = Head { seq, hash: EntryHash([7; 32]) };
            answer.body = Appended { receipt: key.receipt(scope, head, 0) }.encode();
        }
    });
    assert_eq!(alice.rotate("notes").await.unwrap_err().code, Code::Rollback);
    world.evil.be_honest();
    let report = proved(&world, &alice.evidence("notes", None).await.unwrap());
    assert_eq!((report.earlier.seq, report.later.seq), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_no_lost_late_or_repeated_reply_makes_evidence() {
    let world = EvilWorld::start().await;
    let (alice, bob, scope) = two(&world).await;
    for path in ["/entries", "/placed", "/ledgers", "/wraps", "/scopes"] {
        world.evil.lie(move |asked, answer| {
            if asked.path.ends_with(path) {
                answer.status = 502;
                answer.body.clear();
                answer.signed = false;
            }
        });
        // Some of it is done, and nobody hears of it.
        drop(alice.rotate("notes").await);
        drop(bob.rotate("notes").await);
        drop(bob.sync().await);
        world.evil.be_honest();
        bob.rotate("notes").await.unwrap();
        alice.rotate("notes").await.unwrap();
    }
    // An old answer, signed anew: both stop, and it proves nothing, for an honest server may be that slow.
    let first = alice.audit("notes").await.unwrap().entries[1].entry_hash.parse().unwrap();
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/ledgers" && answer.status == 200 {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (_, page) in wanted.iter().zip(&mut pages.pages).filter(|(after, _)| after.scope == scope) {
                let page = page.as_mut().unwrap();
                page.entries.clear();
                page.receipt = key.receipt(scope, Head { seq: 1, hash: first }, page.receipt.statement.time);
            }
            answer.body = pages.encode();
        }
    });
    for person in [&alice, &bob] {
        assert_eq!(person.keychain("notes").await.unwrap_err().code, Code::Rollback);
        assert_eq!(person.evidence("notes", None).await.unwrap_err().code, Code::NoEvidence);
    }
    world.evil.be_honest();
    for (person, other) in [(&alice, &bob), (&bob, &alice)] {
        let error = person.evidence("notes", None).await.unwrap_err();
        assert_eq!((error.code, error.code.class().exit()), (Code::NoEvidence, 4));
        let others = other.export_audit("notes").await.unwrap();
        assert!(person.compare_audit("notes", &others).await.unwrap().agrees);
        assert_eq!(person.evidence("notes", Some(&others)).await.unwrap_err().code, Code::NoEvidence);
    }
}
