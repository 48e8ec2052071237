//! What a machine has on the disk is what it had in memory, also in another release, and it notices what is not there yet.

use super::*;

#[test]
fn what_the_server_signed_survives_the_store() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let shared = share(&scope, &ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts);
    let head = shared.next.ledger().head();
    let known = shared.next.confirmed(&receipt(scope.ledger().id(), head), &server_key()).unwrap();
    let back = stored(&known);
    assert!(back.is_complete());
    assert_eq!((back.ledger().head(), back.created(1)), (head, 2_000));
}

#[test]
fn a_snapshot_of_another_release_is_dropped_and_how_far_it_reached_is_kept() {
    let mut alice = Person::new("alice", 1);
    let accounts = known(&[&alice]);
    let (scope, ring, mut entries) = notes(&mut alice, &accounts);
    let id = scope.ledger().id();
    let mut rng = Counting(8);
    let rotated = compose::rotate(&scope, &ring, alice.author(), &accounts, &mut rng).unwrap();
    let other = compose::rotate(&scope, &ring, alice.author(), &accounts, &mut rng).unwrap();
    entries.push(rotated.entry.clone());

    let mut bytes = rotated.next.encode();
    let snapshot = rotated.next.ledger().to_snapshot();
    let at = bytes.windows(snapshot.len()).position(|window| window == snapshot).unwrap();
    // After the head of the array.
    bytes[at + 1] -= 1;
    let StoredScope::Floor(floor) = StoredScope::decode(&bytes).unwrap() else { panic!("of another release") };
    assert_eq!(floor, rotated.next.ledger().head());
    let StoredScope::Floor(again) = StoredScope::decode(&StoredScope::Floor(floor).encode()).unwrap() else {
        panic!("a floor stays one")
    };
    assert_eq!(again, floor);

    let received = |entries: &[SignedEntry], head: Head, more: bool| {
        let receipt = receipt(id, head);
        received(&id, Page { entries, receipt: &receipt, more }, Some(floor), &accounts)
    };
    let genesis = scope.ledger().head();
    assert_eq!(refusal(received(&entries[..1], genesis, false).unwrap_err()).code, Code::Rollback, "an older state");
    let fork = [entries[0].clone(), other.entry.clone()];
    let refused = received(&fork, other.next.ledger().head(), false).unwrap_err();
    assert_eq!(refusal(refused).code, Code::Rollback, "another history");
    // A first page says nothing yet; what follows it does, also after the store.
    let first = stored(&received(&entries[..1], floor, true).unwrap());
    let signed = receipt(id, other.next.ledger().head());
    let page = Page { entries: &fork[1..], receipt: &signed, more: false };
    assert_eq!(refusal(extended(&first, page, &accounts).unwrap_err()).code, Code::Rollback);
    assert!(received(&entries, floor, false).unwrap().is_complete());
}

#[test]
fn changes_that_were_not_committed_are_noticed() {
    let mut belief = Belief::default();
    assert!(!belief.is_changed());
    belief.emit(ClientEvent::IdentityUpdated { account_id: None });
    assert!(belief.is_changed());
    assert_eq!(belief.puts().len(), 2, "the event and the marks");
    belief.committed();
    assert!(!belief.is_changed());
    assert_eq!((belief.marks().version, belief.marks().next_event), (1, 1));
}
