//! Somebody's account goes on to its next generation: what his own client and those of others make of it.
//!
//! The entries are made with the keys in bob's home, and sent over HTTP.

use keyfold_client::{Algorithm, Client, Code, ShareKeys, ShareOptions, Value};
use keyfold_format::{account::Ledger, entry::SignedEntry, scope::ScopeEntry};
use keyfold_protocol::{
    route,
    wire::{AccountLedger, Accounts, Append, LedgerPages, Lookup},
};
use keyfold_testing::{
    evil::{Asked, EvilWorld, ServerKey},
    hand::Hand,
};

fn cites(append: &Append) -> usize {
    match ScopeEntry::decode(&append.entry.signed).unwrap() {
        ScopeEntry::Ordinary(entry) => entry.cites.len(),
        ScopeEntry::Placed(_) => 1,
    }
}

fn appended(asked: &Asked) -> Append {
    Append::decode(&asked.body).unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Alice's `notes`, in which bob and carol read and may nothing else.
async fn notes(world: &EvilWorld) -> (Client, Client, Client) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let carol = world.person("carol").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.share("notes", &["bob", "carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    alice.sync().await.unwrap();
    (alice, bob, carol)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_generation_is_believed_its_first_citation_asks_for_a_key_and_a_follower_makes_it() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = notes(&world).await;
    let first = alice.keychain("notes").await.unwrap();
    Hand::on(&world, "bob").unwrap().rotate(&world).await;
    let seen = alice.identity("bob").await.unwrap();
    assert_eq!(seen.generation, 1, "an extension of the pinned ledger");
    assert_eq!(alice.identity("bob").await.unwrap(), seen);

    // Bob's own client takes the new keys, and cites its newest head from then on.
    bob.sync().await.unwrap();
    assert_eq!(bob.whoami().await.unwrap().generation, 1);
    assert_eq!(bob.identity("bob").await.unwrap().ledger_public_key, seen.ledger_public_key);
    bob.delete_key("notes", &first.keys[0].key_fingerprint).await.unwrap();

    // Carol may not rotate, unless there is need.
    carol.sync().await.unwrap();
    let second = carol.keychain("notes").await.unwrap();
    assert!(!second.needs_rotation);
    assert_ne!(second.keys[0].key_fingerprint, first.keys[0].key_fingerprint);
    let sealed = alice.encrypt_value("notes", &text("for all three"), None).await.unwrap();
    for reader in [&alice, &bob, &carol] {
        let opened = reader.decrypt_value(&sealed, None).await.unwrap();
        assert_eq!((opened.value, opened.current), (text("for all three"), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shares_with_somebody_whose_generation_moved_wraps_to_the_new_one() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    assert_eq!(alice.identity("bob").await.unwrap().generation, 0);
    let mut hand = Hand::on(&world, "bob").unwrap();
    hand.rotate(&world).await;
    hand.rotate(&world).await;
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    let sealed = alice.encrypt_value("notes", &text("hello"), None).await.unwrap();
    // Bob was away meanwhile, and logged out.
    bob.logout(false).await.unwrap();
    assert_eq!(bob.login().await.unwrap().generation, 2);
    assert_eq!(bob.decrypt_value(&sealed, None).await.unwrap().value, text("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_goes_to_the_newest_generations_and_a_client_that_was_just_started_takes_it_in() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let made = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let readers = ["reader1", "reader2", "reader3", "reader4"];
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    let mut hands = Vec::new();
    for name in readers {
        let reader = world.person(name).await;
        alice.share("notes", &[name], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
        reader.sync().await.unwrap();
        hands.push(Hand::on(&world, name).unwrap());
    }
    alice.sync().await.unwrap();
    bob.sync().await.unwrap();
    drop(bob);

    // Alice does not hear of it, and what she makes of what she knows cites none of them.
    world.evil.lie(|asked, answer| {
        if asked.path == route::LEDGERS && answer.status == 200 {
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            pages.pages.iter_mut().flatten().for_each(|page| page.unseen.clear());
            answer.body = pages.encode();
        }
    });
    for hand in &mut hands {
        hand.rotate(&world).await;
    }
    alice.rotate("notes").await.unwrap();
    let path = route::entries(&made.keychain_fingerprint.parse().unwrap());
    let sent: Vec<Append> = world.evil.seen().iter().filter(|asked| asked.path == path).map(appended).collect();
    let [.., refused, taken] = sent.as_slice() else { panic!("{} appends", sent.len()) };
    let generations = |append: &Append| {
        let to = |hand: &Hand| append.wraps.iter().find(|wrap| wrap.recipient == hand.ledger.id());
        hands.iter().map(|hand| to(hand).unwrap().recipient_number).collect::<Vec<_>>()
    };
    assert_eq!((generations(refused), generations(taken)), (vec![0; 4], vec![1; 4]));
    assert_eq!((cites(refused), cites(taken)), (1, 5), "herself, and who has moved");

    let bob = Client::open(&world.home("bob")).unwrap();
    bob.sync().await.unwrap();
    let sealed = alice.encrypt_value("notes", &text("under the second key"), None).await.unwrap();
    assert_eq!(bob.decrypt_value(&sealed, None).await.unwrap().value, text("under the second key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_another_generation_in_its_place_or_none_at_all_is_another_identity() {
    let world = EvilWorld::start().await;
    let (alice, _bob) = (world.person("alice").await, world.person("bob").await);
    let mut forged = Hand::on(&world, "bob").unwrap();
    forged.rotation();
    let mut bob = Hand::on(&world, "bob").unwrap();
    bob.rotate(&world).await;
    assert_eq!(alice.identity("bob").await.unwrap().generation, 1);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();

    // A fork of what alice knows; then what was before it.
    let shown = [(forged.entries.clone(), forged.ledger.clone()), {
        let genesis = bob.entries[0].clone();
        let ledger = Ledger::genesis(&genesis).unwrap();
        (vec![genesis], ledger)
    }];
    for (entries, ledger) in shown {
        show(&world, world.evil.key().clone(), entries, ledger);
        assert_eq!(alice.identity("bob").await.unwrap_err().code, Code::IdentityChanged);
        let share = alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await;
        assert_eq!(share.unwrap_err().code, Code::IdentityChanged);
        world.evil.be_honest();
        assert_eq!(alice.identity("bob").await.unwrap().generation, 1, "the truth settles it");
    }
    // One entry more is the truth again.
    bob.rotate(&world).await;
    assert_eq!(alice.identity("bob").await.unwrap().generation, 2);
}

/// Looking up anybody gives this ledger, with the operator's receipt.
fn show(world: &EvilWorld, key: ServerKey, entries: Vec<SignedEntry>, ledger: Ledger) {
    world.evil.lie(move |asked, answer| {
        if asked.path == route::LOOKUP && answer.status == 200 {
            let wanted = Lookup::decode(&asked.body).unwrap().user_ids;
            let receipt = key.receipt(ledger.id(), ledger.head(), 0);
            let account = AccountLedger { entries: entries.clone(), receipt };
            answer.body = Accounts { accounts: wanted.iter().map(|_| Some(account.clone())).collect() }.encode();
        }
    });
}
