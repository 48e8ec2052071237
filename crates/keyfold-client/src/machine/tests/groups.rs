//! Groups on a device: what is kept of them, and what is believed.

use super::*;
use crate::machine::ways::{rights, ways};
use keyfold_format::scope::{Kind, State};

/// Alice's group `team`, its keyring and its entries, with bob invited.
fn team(alice: &mut Person, bob: &Person, accounts: &KnownAccounts) -> (KnownScope, Keyring, Vec<SignedEntry>) {
    let (name, mut rng) = (Name::new("team").unwrap(), Counting(7));
    let draft = compose::create(&name, Algorithm::Group, 100, alice.author(), accounts, &mut rng).unwrap();
    let mut ring = Keyring::default();
    ring.hold(draft.next.ledger(), 1, draft.made.unwrap());
    let shared = share(&draft.next, &ring, alice, &[bob], &ShareKeys::All, accounts);
    (shared.next, ring, vec![draft.entry, shared.entry])
}

#[test]
fn a_group_comes_back_from_the_store_with_its_past() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (group, ring, entries) = team(&mut alice, &bob, &accounts);
    assert_eq!((group.ledger().kind(), ring.purpose()), (Kind::Group, "team"));
    let mut kept = stored(&group);
    assert_eq!(kept.ledger(), group.ledger());
    assert!(kept.at(1).is_some() && kept.at(0).is_none());
    assert!(kept.recall(0, &accounts).unwrap());
    let first = kept.at(0).map(State::head).unwrap();
    assert_eq!(first, KnownScope::founded(&entries[0], &accounts).unwrap().ledger().head());
    assert!(!kept.recall(2, &accounts).unwrap(), "there is no such entry");
}

#[test]
fn another_history_of_a_group_an_older_one_and_one_below_its_floor_are_rollbacks() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (group, ring, entries) = team(&mut alice, &bob, &accounts);
    let (id, head) = (group.ledger().id(), group.ledger().head());
    let founded = KnownScope::founded(&entries[0], &accounts).unwrap();
    let mut rng = Counting(9);
    let other = compose::rotate(&founded, &ring, alice.author(), &accounts, &mut rng).unwrap();
    let other_head = other.next.ledger().head();

    let fork = receipt(id, other_head);
    let page = Page { entries: std::slice::from_ref(&other.entry), receipt: &fork, more: false };
    assert_eq!(refusal(extended(&group, page, &accounts).unwrap_err()).code, Code::Rollback);
    let old = receipt(id, founded.ledger().head());
    let page = Page { entries: &[], receipt: &old, more: false };
    assert_eq!(refusal(extended(&group, page, &accounts).unwrap_err()).code, Code::Rollback);
    let whole = [entries[0].clone(), other.entry];
    let page = Page { entries: &whole, receipt: &fork, more: false };
    assert_eq!(refusal(received(&id, page, Some(head), &accounts).unwrap_err()).code, Code::Rollback);
    let newest = receipt(id, head);
    let page = Page { entries: &entries, receipt: &newest, more: false };
    assert!(received(&id, page, Some(head), &accounts).unwrap().is_complete());
}

#[test]
fn a_keychain_that_cites_a_group_asks_for_its_state_and_goes_on_where_it_stopped() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (group, ..) = team(&mut alice, &bob, &accounts);
    let mut belief = Belief::default();
    [&alice, &bob].into_iter().for_each(|person| belief.keep_account(person.account.clone()).unwrap());
    belief.keep_scope(group.clone());
    let (notes, ring, mut entries) = notes(&mut alice, &accounts);
    let own = &notes.ledger().members()[&alice.id()];
    let terms = Terms::new(notes.ledger(), own, &ring, &ShareKeys::Latest, &ShareOptions::default()).unwrap();
    let with = [Principal::Group(group.ledger().id())];
    let mut rng = Counting(11);
    let draft = compose::share(&notes, &ring, &with, &terms, alice.author(), &belief.ledgers(), &mut rng);
    let draft = draft.unwrap().unwrap();
    assert_eq!((draft.wraps.len(), draft.wraps[0].recipient), (1, group.ledger().id()));
    entries.push(draft.entry);

    let signed = receipt(notes.ledger().id(), draft.next.ledger().head());
    let page = Page { entries: &entries, receipt: &signed, more: false };
    let mut growing = Growing::of(&notes.ledger().id(), page, None, &accounts, &server_key()).unwrap();
    let stop = growing.go(&accounts).unwrap_err();
    assert!(matches!(stop, Stop::MissingState(id, 1) if id == group.ledger().id()), "{stop:?}");
    assert_eq!(growing.left(), 1, "what does not need it is not read again");
    growing.go(&belief.ledgers()).unwrap();
    let received = growing.done().unwrap();
    assert_eq!(received.ledger(), draft.next.ledger());
    // Who was asked, and has not answered, is not in it; alice is twice.
    assert!(ways(received.ledger(), bob.id(), &belief.ledgers()).is_empty());
    let hers = ways(received.ledger(), alice.id(), &belief.ledgers());
    assert_eq!(hers, [vec![], vec![group.ledger().id()]]);
    let through = rights(received.ledger(), &alice.id(), &hers[1], &belief.ledgers()).unwrap();
    assert!(through.permissions.is_empty() && through.follows && !through.read_only);
}
