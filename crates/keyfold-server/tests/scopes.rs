//! Keychains: founding, sharing, accepting, cancelling, rotating.

use crate::support::{
    Person, World, accounts, code, error, keychain_entry, now_ms, placed_accept, share_op, wrap, wraps_for,
};
use keyfold_format::{
    Rejected, ScopeId,
    scope::{self, CancelShare, Op},
};
use keyfold_protocol::{
    Code, Details, route,
    signing::Method,
    wire::{After, CreateScope, LedgerPage, LedgerPages, Ledgers, OwnWraps, Placed, ScopeKind, Scopes, Standing},
};

async fn page(world: &World, who: &Person, scope: ScopeId, after: Option<u64>) -> Result<LedgerPage, Code> {
    let body = Ledgers { wanted: vec![After { scope, after }] }.encode();
    let answer = who.ask(world, Method::Post, route::LEDGERS, body).await;
    LedgerPages::decode(&answer.body).unwrap().pages.remove(0)
}

async fn own_wraps(world: &World, who: &Person, scope: ScopeId) -> Result<usize, Code> {
    let answer = who.get(world, &route::wraps(&scope)).await;
    if answer.status == 200 { Ok(OwnWraps::decode(&answer.body).unwrap().wraps.len()) } else { Err(code(&answer)) }
}

async fn standing(world: &World, who: &Person, scope: ScopeId) -> Option<Standing> {
    let scopes = Scopes::decode(&who.get(world, route::SCOPES).await.body).unwrap().scopes;
    scopes.into_iter().find(|s| s.scope == scope).map(|s| s.standing)
}

#[tokio::test]
async fn a_keychain_is_for_who_is_in_it_and_strangers_cannot_tell_it_from_none() {
    let world = World::start().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let ledger = alice.create_keychain(&world).await;
    let own = page(&world, &alice, ledger.id(), None).await.unwrap();
    assert_eq!((own.entries.len(), own.more), (1, false));
    assert_eq!(own.receipt.verify(&world.server.server_key()).unwrap().head, ledger.head());
    assert_eq!(own_wraps(&world, &alice, ledger.id()).await, Ok(1));

    for scope in [ledger.id(), ScopeId([0; 32])] {
        assert_eq!(page(&world, &carol, scope, None).await, Err(Code::UnknownKeychain));
        assert_eq!(own_wraps(&world, &carol, scope).await, Err(Code::UnknownKeychain));
        let accept = carol.accept(&world, scope, &placed_accept(&carol, scope, ledger.head().hash)).await;
        assert_eq!(code(&accept), Code::UnknownKeychain);
        let entry = keychain_entry(&carol, Some(&ledger), vec![carol.cite()], vec![share_op(&ledger, &[&carol])]);
        let append = keyfold_protocol::wire::Append { expected: ledger.head(), entry, wraps: vec![] };
        assert_eq!(code(&carol.append(&world, scope, &append).await), Code::UnknownKeychain);
    }
    // An account's ledger is for every enrolled device.
    let account = page(&world, &carol, alice.id(), None).await.unwrap();
    assert_eq!(account.entries, std::slice::from_ref(&alice.genesis));
}

#[tokio::test]
async fn a_share_is_one_request_and_its_wraps_come_with_the_accept_not_before() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let ledger = alice.create_keychain(&world).await;
    let ledger = alice.share_with(&world, &ledger, &[&bob]).await;
    assert_eq!(standing(&world, &bob, ledger.id()).await, Some(Standing::Pending));
    assert_eq!(page(&world, &bob, ledger.id(), Some(0)).await.unwrap().entries.len(), 1);
    assert_eq!(own_wraps(&world, &bob, ledger.id()).await, Ok(0));

    let accept = placed_accept(&bob, ledger.id(), ledger.head().hash);
    let placed = Placed::decode(&bob.accept(&world, ledger.id(), &accept).await.body).unwrap();
    assert_eq!((placed.seq, placed.prev, placed.wraps.len()), (2, ledger.head().hash, 1));
    let mut after = ledger.clone();
    after.append(&accept, &accounts(&[&alice, &bob])).unwrap();
    assert_eq!(placed.receipt.verify(&world.server.server_key()).unwrap().head, after.head());
    assert_eq!(standing(&world, &bob, ledger.id()).await, Some(Standing::Member));

    // The answer was lost; asked again, now and after a restart, it is the same.
    let again = Placed::decode(&bob.accept(&world, ledger.id(), &accept).await.body).unwrap();
    assert_eq!((again.seq, again.prev, &again.wraps), (placed.seq, placed.prev, &placed.wraps));
    let world = world.restart().await;
    let again = Placed::decode(&bob.accept(&world, ledger.id(), &accept).await.body).unwrap();
    assert_eq!((again.seq, again.prev, &again.wraps), (placed.seq, placed.prev, &placed.wraps));
    assert_eq!(page(&world, &bob, ledger.id(), None).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn a_cancelled_share_gives_nothing_any_more() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let ledger = alice.create_keychain(&world).await;
    let ledger = alice.share_with(&world, &ledger, &[&bob]).await;
    let cancel = Op::CancelShare(CancelShare { share: ledger.head().hash, principal: bob.id() });
    let entry = keychain_entry(&alice, Some(&ledger), vec![alice.cite()], vec![cancel]);
    let append = keyfold_protocol::wire::Append { expected: ledger.head(), entry, wraps: vec![] };
    assert_eq!(alice.append(&world, ledger.id(), &append).await.status, 200);

    let accept = placed_accept(&bob, ledger.id(), ledger.head().hash);
    assert_eq!(code(&bob.accept(&world, ledger.id(), &accept).await), Code::UnknownKeychain);
    assert_eq!(own_wraps(&world, &bob, ledger.id()).await, Err(Code::UnknownKeychain));
    assert_eq!(page(&world, &bob, ledger.id(), None).await, Err(Code::UnknownKeychain));
    assert_eq!(standing(&world, &bob, ledger.id()).await, None);
}

#[tokio::test]
async fn a_share_whose_time_is_up_cannot_be_accepted() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let ledger = alice.create_keychain(&world).await;
    let mut op = share_op(&ledger, &[&bob]);
    let Op::Share(share) = &mut op else { panic!("no share") };
    share.expires_at = Some(now_ms() - 1);
    let mut cites = vec![alice.cite(), bob.cite()];
    cites.sort_by_key(|c| c.principal);
    let entry = keychain_entry(&alice, Some(&ledger), cites, vec![op.clone()]);
    let mut after = ledger.clone();
    after.append(&entry, &accounts(&[&alice, &bob])).unwrap();
    let wraps = wraps_for(&after, std::slice::from_ref(&op));
    let append = keyfold_protocol::wire::Append { expected: ledger.head(), entry, wraps };
    assert_eq!(alice.append(&world, ledger.id(), &append).await.status, 200);
    let accept = placed_accept(&bob, ledger.id(), after.head().hash);
    let refused = code(&bob.accept(&world, ledger.id(), &accept).await);
    assert_eq!(refused, Code::Rejected(Rejected::NotPending));
    assert_eq!(own_wraps(&world, &bob, ledger.id()).await, Err(Code::UnknownKeychain));
}

#[tokio::test]
async fn wraps_are_exactly_those_that_the_entry_entitles() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let (genesis, state, wraps) = alice.keychain();
    let create = |wraps| {
        alice.ask(&world, Method::Post, route::SCOPES, CreateScope { genesis: genesis.clone(), wraps }.encode())
    };
    assert_eq!(code(&create(vec![]).await), Code::WrapMissing);
    let foreign = wrap(state.id(), bob.id(), 1, true);
    assert_eq!(code(&create(vec![wraps[0].clone(), foreign]).await), Code::WrapUnexpected);
    assert_eq!(create(wraps).await.status, 200);

    let ledger = scope::Ledger::genesis(&genesis, &accounts(&[&alice])).unwrap();
    let (share, after) = alice.share(&ledger, &[&bob, &carol]);
    let mut missing = share.clone();
    missing.wraps.pop();
    assert_eq!(code(&alice.append(&world, ledger.id(), &missing).await), Code::WrapMissing);
    let mut twice = share.clone();
    twice.wraps.push(share.wraps[0].clone());
    assert_eq!(code(&alice.append(&world, ledger.id(), &twice).await), Code::WrapUnexpected);
    // A refusal left nothing behind.
    assert_eq!(alice.append(&world, ledger.id(), &share).await.status, 200);

    // A rotation reaches those who have not accepted yet.
    let (mut rotate, rotated) = alice.rotate(&after, &[&alice, &bob, &carol]);
    assert_eq!(rotate.wraps.len(), 3);
    let withheld = rotate.wraps.pop().unwrap();
    assert_eq!(code(&alice.append(&world, ledger.id(), &rotate).await), Code::WrapMissing);
    rotate.wraps.push(withheld);
    assert_eq!(alice.append(&world, ledger.id(), &rotate).await.status, 200);
    let accept = placed_accept(&bob, ledger.id(), after.head().hash);
    let placed = Placed::decode(&bob.accept(&world, ledger.id(), &accept).await.body).unwrap();
    assert_eq!(placed.prev, rotated.head().hash);
    assert_eq!(placed.wraps.iter().map(|w| w.number).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn who_is_late_gets_the_entries_that_stand_there() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let ledger = alice.create_keychain(&world).await;
    let (late, _) = alice.share(&ledger, &[&carol]);
    let (quick, _) = alice.share(&ledger, &[&bob]);
    assert_eq!(alice.append(&world, ledger.id(), &quick).await.status, 200);
    let refused = error(&alice.append(&world, ledger.id(), &late).await);
    assert_eq!(refused.code, Code::Conflict);
    let Some(Details::Standing(standing)) = refused.details else { panic!("no entries") };
    assert_eq!(standing.entries, [quick.entry]);
    assert_eq!(standing.receipt.verify(&world.server.server_key()).unwrap().head.seq, 1);
}

#[tokio::test]
async fn the_ledgers_rules_answer_under_their_own_names() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let ledger = alice.create_keychain(&world).await;
    let mut ledger = alice.share_with(&world, &ledger, &[&bob]).await;
    let accept = placed_accept(&bob, ledger.id(), ledger.head().hash);
    assert_eq!(bob.accept(&world, ledger.id(), &accept).await.status, 200);
    ledger.append(&accept, &accounts(&[&alice, &bob])).unwrap();

    let mut cites = vec![bob.cite(), carol.cite()];
    cites.sort_by_key(|c| c.principal);
    let op = share_op(&ledger, &[&carol]);
    let entry = keychain_entry(&bob, Some(&ledger), cites.clone(), vec![op.clone()]);
    let wraps = wraps_for(&ledger, std::slice::from_ref(&op));
    let append = keyfold_protocol::wire::Append { expected: ledger.head(), entry: entry.clone(), wraps };
    let refused = bob.append(&world, ledger.id(), &append).await;
    assert_eq!(code(&refused), Code::Rejected(Rejected::SharingNotAllowed));
    // In another's name.
    assert_eq!(code(&alice.append(&world, ledger.id(), &append).await), Code::NotAllowed);
    // Signed with another key.
    let mut forged = append.clone();
    forged.entry.signatures[0].0[0] ^= 1;
    assert_eq!(code(&bob.append(&world, ledger.id(), &forged).await), Code::Rejected(Rejected::BadSignature));
    // A placed entry in the place of an ordinary one.
    let misplaced = keyfold_protocol::wire::Append { entry: accept, ..append };
    let refused = bob.append(&world, ledger.id(), &misplaced).await;
    assert_eq!(code(&refused), Code::Rejected(Rejected::PlacedMisplaced));
}

#[tokio::test]
async fn an_entry_from_the_future_or_citing_what_is_not_there_is_refused() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, Person::new("bob"));
    let ledger = alice.create_keychain(&world).await;
    // Bob has no account here.
    let (share, _) = alice.share(&ledger, &[&bob]);
    let refused = code(&alice.append(&world, ledger.id(), &share).await);
    assert_eq!(refused, Code::Rejected(Rejected::CitationUnknown));

    let parsed = scope::ScopeEntry::decode(&share.entry.signed).unwrap();
    let scope::ScopeEntry::Ordinary(mut parsed) = parsed else { panic!("placed") };
    parsed.time = now_ms() + 150_000;
    let mut ahead = share;
    ahead.entry.signed = scope::ScopeEntry::Ordinary(parsed).encode();
    assert_eq!(code(&alice.append(&world, ledger.id(), &ahead).await), Code::ClockSkew);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_people_accept_at_once_and_every_one_of_them_is_placed() {
    let world = std::sync::Arc::new(World::start().await);
    let alice = world.alice().await;
    let mut people = Vec::new();
    for i in 0..50 {
        people.push(Person::sign_up(&world, &format!("bob{i}")).await);
    }
    let ledger = alice.create_keychain(&world).await;
    let everybody: Vec<&Person> = people.iter().collect();
    let ledger = alice.share_with(&world, &ledger, &everybody).await;
    let share = ledger.head().hash;
    let known = accounts(&everybody.iter().copied().chain([&alice]).collect::<Vec<_>>());

    let tasks: Vec<_> = people
        .into_iter()
        .map(|person| {
            let (world, scope) = (world.clone(), ledger.id());
            tokio::spawn(async move {
                let accept = placed_accept(&person, scope, share);
                Placed::decode(&person.accept(&world, scope, &accept).await.body).unwrap()
            })
        })
        .collect();
    let mut seqs = Vec::new();
    for task in tasks {
        let placed = task.await.unwrap();
        assert_eq!(placed.wraps.len(), 1);
        seqs.push(placed.seq);
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (2..52).collect::<Vec<_>>());

    let whole = page(&world, &alice, ledger.id(), None).await.unwrap();
    let replayed = scope::Ledger::replay(&whole.entries, &known).unwrap();
    assert_eq!(replayed.head(), whole.receipt.verify(&world.server.server_key()).unwrap().head);
    assert_eq!((replayed.members().len(), replayed.pending().len()), (51, 0));
}

#[tokio::test]
async fn scopes_lists_what_one_is_in_with_heads() {
    let world = World::start().await;
    let alice = world.alice().await;
    let mut heads = Vec::new();
    for _ in 0..3 {
        let ledger = alice.create_keychain(&world).await;
        heads.push((ledger.id(), ledger.head()));
    }
    heads.sort_by_key(|(id, _)| *id);
    let scopes = Scopes::decode(&alice.get(&world, route::SCOPES).await.body).unwrap().scopes;
    assert!(scopes.iter().all(|s| s.kind == ScopeKind::Keychain && s.standing == Standing::Member));
    assert_eq!(scopes.iter().map(|s| (s.scope, s.head)).collect::<Vec<_>>(), heads);
}
