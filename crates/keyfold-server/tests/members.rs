//! Permissions, bans and leaving: what the server appends, and what it still shows to whom.

use crate::support::{Person, World, accounts, code, keychain_entry, placed, share_op, wrap, wraps_for};
use keyfold_format::{
    Permissions, Rejected, ScopeId,
    scope::{self, Ban, Ledger, Op, SetPermissions},
};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{After, LedgerPage, LedgerPages, Ledgers, Placed, Scopes},
};

async fn page(world: &World, who: &Person, scope: ScopeId, after: Option<u64>) -> Result<LedgerPage, Code> {
    let body = Ledgers { wanted: vec![After { scope, after }] }.encode();
    let answer = who.ask(world, Method::Post, route::LEDGERS, body).await;
    LedgerPages::decode(&answer.body).unwrap().pages.remove(0)
}

async fn is_listed(world: &World, who: &Person, scope: ScopeId) -> bool {
    let scopes = Scopes::decode(&who.get(world, route::SCOPES).await.body).unwrap().scopes;
    scopes.iter().any(|summary| summary.scope == scope)
}

/// Alice's keychain with bob and carol in it.
async fn three(world: &World) -> (Person, Person, Person, Ledger) {
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let ledger = alice.create_keychain(world).await;
    let ledger = alice.share_with(world, &ledger, &[&bob, &carol]).await;
    let known = [&alice, &bob, &carol];
    let ledger = bob.join(world, &ledger, &known).await;
    let ledger = carol.join(world, &ledger, &known).await;
    (alice, bob, carol, ledger)
}

#[tokio::test]
async fn a_ban_is_one_request_with_wraps_for_those_who_are_left() {
    let world = World::start().await;
    let (alice, bob, carol, ledger) = three(&world).await;
    let known = [&alice, &bob, &carol];
    let ban = Op::Ban(Ban { principal: bob.id() });
    let (alone, _) = alice.entry(&ledger, vec![ban.clone()], &known);
    let refused = code(&alice.append(&world, ledger.id(), &alone).await);
    assert_eq!(refused, Code::Rejected(Rejected::BanWithoutRotation));

    let (append, after) = alice.entry(&ledger, vec![ban, Person::next_key(&ledger, true)], &known);
    let after = after.unwrap();
    let mut recipients: Vec<ScopeId> = append.wraps.iter().map(|wrap| wrap.recipient).collect();
    recipients.sort_unstable();
    let mut left = vec![alice.id(), carol.id()];
    left.sort_unstable();
    assert_eq!(recipients, left);
    // One for bob, whom the entry puts out, is one too many.
    let mut for_bob = append.clone();
    for_bob.wraps.push(wrap(ledger.id(), bob.id(), 2, true));
    assert_eq!(code(&alice.append(&world, ledger.id(), &for_bob).await), Code::WrapUnexpected);
    assert_eq!(alice.append(&world, ledger.id(), &append).await.status, 200);
    let shown = page(&world, &carol, ledger.id(), Some(ledger.head().seq)).await.unwrap();
    assert_eq!((shown.entries, shown.receipt.statement.head), (vec![append.entry], after.head()));
}

#[tokio::test]
async fn who_is_banned_reads_up_to_the_entry_that_says_so_and_nothing_else_is_for_him() {
    let world = World::start().await;
    let (alice, bob, carol, ledger) = three(&world).await;
    let known = [&alice, &bob, &carol];
    let banned = alice.ban(&world, &ledger, &bob, &known).await;
    let (rotate, later) = alice.rotate(&banned, &known);
    assert_eq!(alice.append(&world, ledger.id(), &rotate).await.status, 200);

    let world = world.restart().await;
    let key = world.server.server_key();
    for after in [None, Some(ledger.head().seq), Some(banned.head().seq)] {
        let shown = page(&world, &bob, ledger.id(), after).await.unwrap();
        let from = after.map_or(0, |seq| seq + 1);
        assert_eq!((shown.entries.len() as u64, shown.more), (banned.head().seq + 1 - from, false));
        // The receipt is of the last entry that he sees: it does not tell that others followed.
        assert_eq!(shown.receipt.verify(&key).unwrap().head, banned.head());
    }
    let whole = page(&world, &bob, ledger.id(), None).await.unwrap();
    let replayed = Ledger::replay(&whole.entries, &accounts(&known)).unwrap();
    assert!(replayed.bans().contains(&bob.id()));
    assert_eq!(code(&bob.get(&world, &route::wraps(&ledger.id())).await), Code::UnknownKeychain);
    assert!(!is_listed(&world, &bob, ledger.id()).await && is_listed(&world, &carol, ledger.id()).await);
    assert_eq!(page(&world, &carol, ledger.id(), Some(banned.head().seq)).await.unwrap().entries.len(), 1);

    // Whatever he signs: he is not in it.
    for at in [&ledger, &banned, &later] {
        for op in [Person::next_key(at, false), share_op(at, &[&bob])] {
            let (append, _) = bob.entry(at, vec![op], &known);
            assert_eq!(code(&bob.append(&world, ledger.id(), &append).await), Code::UnknownKeychain);
        }
    }
    let leave = placed(&bob, ledger.id(), ledger.members()[&bob.id()].since, Op::Leave);
    assert_eq!(code(&bob.accept(&world, ledger.id(), &leave).await), Code::UnknownKeychain);
}

#[tokio::test]
async fn shares_of_the_banned_fall_and_their_recipients_are_shown_nothing_any_more() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let known = [&alice, &bob, &carol];
    let ledger = alice.create_keychain(&world).await;
    // Bob may share.
    let mut op = share_op(&ledger, &[&bob]);
    if let Op::Share(share) = &mut op {
        share.permissions = Permissions::SHARING;
    }
    let mut cites = vec![alice.cite(), bob.cite()];
    cites.sort_by_key(|cite| cite.principal);
    let entry = keychain_entry(&alice, Some(&ledger), cites, vec![op.clone()]);
    let mut shared = ledger.clone();
    shared.append(&entry, &accounts(&known)).unwrap();
    let wraps = wraps_for(&shared, std::slice::from_ref(&op));
    let append = keyfold_protocol::wire::Append { expected: ledger.head(), entry, wraps };
    assert_eq!(alice.append(&world, ledger.id(), &append).await.status, 200);
    let ledger = bob.join(&world, &shared, &known).await;
    let ledger = bob.share_with(&world, &ledger, &[&carol]).await;
    assert!(is_listed(&world, &carol, ledger.id()).await);

    let accept = placed(&carol, ledger.id(), ledger.head().hash, Op::Accept);
    alice.ban(&world, &ledger, &bob, &known).await;
    assert!(!is_listed(&world, &carol, ledger.id()).await);
    assert_eq!(page(&world, &carol, ledger.id(), None).await, Err(Code::UnknownKeychain));
    assert_eq!(code(&carol.accept(&world, ledger.id(), &accept).await), Code::UnknownKeychain);
}

#[tokio::test]
async fn a_leave_is_placed_and_answered_again_as_it_was() {
    let world = World::start().await;
    let (alice, bob, carol, ledger) = three(&world).await;
    let known = [&alice, &bob, &carol];
    let leave = placed(&bob, ledger.id(), ledger.members()[&bob.id()].since, Op::Leave);
    let first = Placed::decode(&bob.accept(&world, ledger.id(), &leave).await.body).unwrap();
    let mut left = ledger.clone();
    left.append(&leave, &accounts(&known)).unwrap();
    assert_eq!((first.seq, first.prev, first.wraps.len()), (left.head().seq, ledger.head().hash, 0));
    assert!(left.needs_rotation() && !is_listed(&world, &bob, ledger.id()).await);

    // Carol has no permissions. She follows, so she makes the key that is needed; a second one is not.
    let (repair, repaired) = carol.entry(&left, vec![Person::next_key(&left, true)], &known);
    assert_eq!(carol.append(&world, ledger.id(), &repair).await.status, 200);
    let repaired = repaired.unwrap();
    let (again, _) = carol.entry(&repaired, vec![Person::next_key(&repaired, true)], &known);
    let refused = code(&carol.append(&world, ledger.id(), &again).await);
    assert_eq!(refused, Code::Rejected(Rejected::RotationNotAllowed));

    // The answer was lost. What came after his leaving is not for him.
    let world = world.restart().await;
    let again = Placed::decode(&bob.accept(&world, ledger.id(), &leave).await.body).unwrap();
    assert_eq!((again.seq, again.prev, again.wraps.len()), (first.seq, first.prev, 0));
    assert_eq!(again.receipt.verify(&world.server.server_key()).unwrap().head, left.head());
    assert_eq!(code(&bob.get(&world, &route::wraps(&ledger.id())).await), Code::UnknownKeychain);

    let last = placed(&alice, ledger.id(), keyfold_format::EntryHash(ledger.id().0), Op::Leave);
    let refused = code(&alice.accept(&world, ledger.id(), &last).await);
    assert_eq!(refused, Code::Rejected(Rejected::LastOwner));
}

#[tokio::test]
async fn who_comes_back_reads_all_of_it_again() {
    let world = World::start().await;
    let (alice, bob, carol, ledger) = three(&world).await;
    let known = [&alice, &bob, &carol];
    let banned = alice.ban(&world, &ledger, &bob, &known).await;
    let (rotate, later) = alice.rotate(&banned, &known);
    assert_eq!(alice.append(&world, ledger.id(), &rotate).await.status, 200);
    let shared = alice.share_with(&world, &later, &[&bob]).await;
    let shown = page(&world, &bob, ledger.id(), Some(banned.head().seq)).await.unwrap();
    assert_eq!((shown.entries.len(), shown.receipt.statement.head), (2, shared.head()));
    let back = bob.join(&world, &shared, &known).await;
    assert!(back.bans().is_empty());
    assert_eq!(bob.get(&world, &route::wraps(&ledger.id())).await.status, 200);
}

#[tokio::test]
async fn s2_a_member_with_only_allow_sharing_gets_no_key_in_by_any_entry() {
    let world = World::start().await;
    let (alice, bob, carol, ledger) = three(&world).await;
    let known = [&alice, &bob, &carol];
    let grant = Op::SetPermissions(SetPermissions {
        principal: bob.id(),
        granted: Permissions::SHARING,
        withdrawn: Permissions::NONE,
    });
    let (append, after) = alice.entry(&ledger, vec![grant], &known);
    assert_eq!(alice.append(&world, ledger.id(), &append).await.status, 200);
    let ledger = after.unwrap();

    let key = || Person::next_key(&ledger, true);
    let numbered = |number: u32| {
        let Op::Rotate(mut rotate) = key() else { panic!("a rotation") };
        rotate.key.number = number;
        Op::Rotate(rotate)
    };
    let ban = || Op::Ban(Ban { principal: carol.id() });
    let all = Op::SetPermissions(SetPermissions {
        principal: bob.id(),
        granted: Permissions::ROTATION,
        withdrawn: Permissions::NONE,
    });
    let not_in_turn = Rejected::RotationNotAllowed;
    for (ops, rule) in [
        (vec![key()], not_in_turn),
        (vec![numbered(1)], not_in_turn),
        (vec![numbered(2_099)], not_in_turn),
        (vec![ban(), key()], Rejected::DeletionNotAllowed),
        (vec![key(), ban()], Rejected::DeletionNotAllowed),
        (vec![all, key()], Rejected::ManagementNotAllowed),
        (vec![key(), key()], not_in_turn),
    ] {
        let (mut append, _) = bob.entry(&ledger, ops, &known);
        append.wraps = known.iter().map(|who| wrap(ledger.id(), who.id(), 2, true)).collect();
        let refused = bob.append(&world, ledger.id(), &append).await;
        assert_eq!(code(&refused), Code::Rejected(rule));
        // In alice's name, in her place.
        assert_eq!(code(&alice.append(&world, ledger.id(), &append).await), Code::NotAllowed);
    }
    let placed_key = placed(&bob, ledger.id(), ledger.members()[&bob.id()].since, key());
    let refused = code(&bob.accept(&world, ledger.id(), &placed_key).await);
    assert_eq!(refused, Code::Rejected(Rejected::PlacedMisplaced));

    let shown = page(&world, &carol, ledger.id(), None).await.unwrap();
    let replayed = scope::Ledger::replay(&shown.entries, &accounts(&known)).unwrap();
    assert_eq!((replayed.head(), replayed.current_key()), (ledger.head(), 1));
}
