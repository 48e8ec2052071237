//! Signing up, logging in and out, looking up.

use crate::support::{Person, Raw, World, code, error, exchange, now_ms};
use keyfold_format::UserId;
use keyfold_protocol::{
    Code, Details, limits, route,
    signing::Method,
    wire::{Accounts, Gate, Info, LoggedIn, Lookup, Scopes, SignedUp},
};

fn lookup(users: &[&str]) -> Vec<u8> {
    Lookup { user_ids: users.iter().map(|u| UserId::new(*u).unwrap()).collect() }.encode()
}

#[tokio::test]
async fn every_route_but_info_refuses_who_did_not_sign() {
    let world = World::start().await;
    let alice = Person::new("alice");
    let scope = alice.id();
    for (method, path, body) in [
        (Method::Post, route::ACCOUNTS.to_owned(), alice.sign_up_body()),
        (Method::Post, route::LOOKUP.to_owned(), lookup(&["alice"])),
        (Method::Post, route::ACCOUNT_ENTRIES.to_owned(), vec![]),
        (Method::Post, route::SESSIONS.to_owned(), vec![]),
        (Method::Delete, route::SESSIONS.to_owned(), vec![]),
        (Method::Get, route::SESSIONS.to_owned(), vec![]),
        (Method::Post, route::END_SESSIONS.to_owned(), vec![0x81, 0xf5]),
        (Method::Post, route::LEDGERS.to_owned(), vec![0x81, 0x80]),
        (Method::Get, route::SCOPES.to_owned(), vec![]),
        (Method::Post, route::SCOPES.to_owned(), vec![]),
        (Method::Post, route::entries(&scope), vec![]),
        (Method::Post, route::placed(&scope), vec![]),
        (Method::Get, route::wraps(&scope), vec![]),
    ] {
        let answer = world.ask_unsigned(method, &path, body.clone()).await;
        assert_eq!(code(&answer), Code::Unauthorized, "{method:?} {path}");
        if path != route::ACCOUNTS {
            // Signed, but by a device that nobody has.
            let answer = alice.ask(&world, method, &path, body).await;
            assert_eq!(code(&answer), Code::UnknownDevice, "{method:?} {path}");
        }
    }
}

#[tokio::test]
async fn info_is_for_everybody_and_names_the_key_that_signs_it() {
    let world = World::start().await;
    let (raw, binding) = Raw::unsigned(&world, Method::Get, route::INFO, vec![]);
    let reply = exchange(world.server.address(), &raw).await;
    let (info, verified) = Info::on_first_use(reply, &binding).unwrap();
    assert_eq!((info.server_key, info.server_id), (world.server.server_key(), world.server.server_id()));
    assert_eq!(info.gate, Gate::Open);
    assert!(verified.time_ms.abs_diff(now_ms()) < 60_000);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_signed_errors_too() {
    let world = World::start().await;
    assert_eq!(code(&world.ask_unsigned(Method::Get, "/v1/nothing", vec![]).await), Code::NoRoute);
    assert_eq!(code(&world.ask_unsigned(Method::Delete, route::INFO, vec![]).await), Code::WrongMethod);
}

#[tokio::test]
async fn a_sign_up_whose_answer_was_lost_succeeds_again_and_a_taken_name_does_not() {
    let world = World::start().await;
    let alice = Person::new("alice");
    let (raw, binding) = alice.request(&world, Method::Post, route::ACCOUNTS, alice.sign_up_body());
    let first = SignedUp::decode(&world.send(&raw, &binding).await.body).unwrap();
    let statement = first.receipt.verify(&world.server.server_key()).unwrap();
    assert_eq!((statement.scope, statement.head), (alice.id(), alice.account.head()));
    // The very same bytes, and the same signed anew.
    let again = SignedUp::decode(&world.send(&raw, &binding).await.body).unwrap();
    assert_eq!(again.since_ms, first.since_ms);
    let anew = alice.ask(&world, Method::Post, route::ACCOUNTS, alice.sign_up_body()).await;
    assert_eq!(SignedUp::decode(&anew.body).unwrap().since_ms, first.since_ms);

    let thief = Person::new("alice");
    let answer = thief.ask(&world, Method::Post, route::ACCOUNTS, thief.sign_up_body()).await;
    assert_eq!(code(&answer), Code::UserTaken);
    // Nothing half done: the thief's device is nobody's.
    assert_eq!(code(&thief.get(&world, route::SCOPES).await), Code::UnknownDevice);
}

#[tokio::test]
async fn a_sign_up_repeated_after_logging_out_says_to_log_in() {
    let world = World::start().await;
    let alice = Person::new("alice");
    let (raw, binding) = alice.request(&world, Method::Post, route::ACCOUNTS, alice.sign_up_body());
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    assert_eq!(alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await.status, 200);
    // Not `UserTaken`, which would lock her out, and no session, which a replay would then begin.
    assert_eq!(code(&world.send(&raw, &binding).await), Code::LoggedOut);
    assert_eq!(code(&alice.get(&world, route::SCOPES).await), Code::LoggedOut);
    assert_eq!(alice.ask(&world, Method::Post, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(world.send(&raw, &binding).await.status, 200);
}

#[tokio::test]
async fn strangers_send_small_bodies_and_are_told_why_a_large_one_is_refused() {
    let world = World::start().await;
    let alice = world.alice().await;
    let large = vec![0; 100_000];
    let (raw, binding) = Raw::unsigned(&world, Method::Post, route::LOOKUP, large.clone());
    let refused = error(&world.send(&raw, &binding).await);
    assert_eq!((refused.code, refused.details), (Code::TooLarge, Some(Details::Limit(64 << 10))));
    let bob = Person::new("bob");
    assert_eq!(code(&bob.ask(&world, Method::Post, route::ACCOUNTS, large.clone()).await), Code::TooLarge);
    assert_eq!(code(&bob.ask(&world, Method::Post, route::LOOKUP, large.clone()).await), Code::UnknownDevice);
    // Who takes a device's id but not its key is no member.
    let mut forged = Person::new("mallory");
    forged.device = alice.device;
    assert_eq!(code(&forged.ask(&world, Method::Post, route::LOOKUP, large.clone()).await), Code::Unauthorized);
    // Members get as far as the body's meaning; until they log out.
    assert_eq!(code(&alice.ask(&world, Method::Post, route::LOOKUP, large.clone()).await), Code::Malformed);
    assert_eq!(alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(code(&alice.ask(&world, Method::Post, route::LOOKUP, large).await), Code::LoggedOut);
}

#[tokio::test]
async fn bodies_together_take_no_more_memory_than_the_server_gives_them() {
    let world = World::with(|config| config.body_memory = 1 << 20).await;
    let alice = world.alice().await;
    let refused = alice.ask(&world, Method::Post, route::LOOKUP, vec![0; 2 << 20]).await;
    assert_eq!(code(&refused), Code::ServerUnavailable);
    // What was held is given back.
    for _ in 0..4 {
        let taken = alice.ask(&world, Method::Post, route::LOOKUP, vec![0; 700 << 10]).await;
        assert_eq!(code(&taken), Code::Malformed);
    }
}

#[tokio::test]
async fn an_account_is_signed_up_by_its_own_device_only() {
    let world = World::start().await;
    let (alice, mallory) = (Person::new("alice"), Person::new("mallory"));
    let answer = mallory.ask(&world, Method::Post, route::ACCOUNTS, alice.sign_up_body()).await;
    assert_eq!(code(&answer), Code::Unauthorized);
    world.alice().await;
}

#[tokio::test]
async fn a_logged_out_device_may_log_in_and_nothing_else() {
    let world = World::start().await;
    let alice = world.alice().await;
    assert_eq!(alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(code(&alice.get(&world, route::SCOPES).await), Code::LoggedOut);
    assert_eq!(code(&alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await), Code::LoggedOut);
    let world = world.restart().await;
    assert_eq!(code(&alice.get(&world, route::SCOPES).await), Code::LoggedOut);
    let answer = alice.ask(&world, Method::Post, route::SESSIONS, vec![]).await;
    let session = LoggedIn::decode(&answer.body).unwrap();
    assert_eq!((session.generation, session.master_keys), (0, vec![alice.master_key.clone()]));
    assert_eq!(session.receipt.statement.head, alice.account.head());
    assert_eq!(Scopes::decode(&alice.get(&world, route::SCOPES).await.body).unwrap().scopes, []);
}

#[tokio::test]
async fn a_look_up_gives_whole_ledgers_in_order_and_null_for_nobody() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let answer = alice.ask(&world, Method::Post, route::LOOKUP, lookup(&["nobody", "bob"])).await;
    let found = Accounts::decode(&answer.body).unwrap().accounts;
    assert_eq!(found[0], None);
    let ledger = found[1].as_ref().unwrap();
    assert_eq!(ledger.entries, std::slice::from_ref(&bob.genesis));
    assert_eq!(ledger.receipt.verify(&world.server.server_key()).unwrap().head, bob.account.head());
    let twice = alice.ask(&world, Method::Post, route::LOOKUP, lookup(&["bob", "bob"])).await;
    assert_eq!(code(&twice), Code::Malformed);
    let many: Vec<String> = (0..257).map(|i| format!("user{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(code(&alice.ask(&world, Method::Post, route::LOOKUP, lookup(&many)).await), Code::TooMany);
}

#[tokio::test]
async fn looking_up_the_whole_world_is_limited_and_says_when_to_come_back() {
    let world = World::with(|config| {
        config.rates.lookup.burst = 3.0;
        config.rates.lookup.per_second = 0.01;
    })
    .await;
    let alice = world.alice().await;
    let ask = || alice.ask(&world, Method::Post, route::LOOKUP, lookup(&["a", "b"]));
    assert_eq!(ask().await.status, 200);
    let refused = error(&ask().await);
    assert_eq!((refused.code, refused.retryable), (Code::RateLimited, true));
    assert!(matches!(refused.details, Some(Details::RetryAfter(1..))));
    // Other requests are not affected.
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_large_malformed_or_not_canonical_are_told_apart() {
    let world = World::start().await;
    let alice = world.alice().await;
    let answer = |body| alice.ask(&world, Method::Post, route::LOOKUP, body);
    assert_eq!(code(&answer(vec![0; limits::REQUEST_BODY_BYTES + 1]).await), Code::TooLarge);
    // One that is as large as may be is read, and found to be no list.
    assert_eq!(code(&answer(vec![0; limits::REQUEST_BODY_BYTES]).await), Code::Malformed);
    assert_eq!(code(&answer(vec![]).await), Code::Truncated);
    assert_eq!(code(&answer(vec![0xa0]).await), Code::NotCanonical);
    assert_eq!(code(&answer(vec![0x81, 0x98, 0x00]).await), Code::NotCanonical);
    assert_eq!(code(&answer(vec![0x82, 0x80, 0x80]).await), Code::Malformed);
    assert_eq!(code(&answer(vec![0x81, 0x81, 0x60]).await), Code::BadText);
    assert_eq!(answer(vec![0x81, 0x80]).await.status, 200);
}

#[tokio::test]
async fn a_request_signed_with_a_wrong_clock_is_told_the_servers_time() {
    let world = World::start().await;
    let alice = Person::new("alice");
    let (raw, binding) =
        alice.request_at(&world, Method::Post, route::ACCOUNTS, alice.sign_up_body(), now_ms() / 1_000 + 3_600);
    let refused = error(&world.send(&raw, &binding).await);
    assert_eq!(refused.code, Code::ClockSkew);
    let Some(Details::Time(time)) = refused.details else { panic!("no time in {refused:?}") };
    assert!(time.abs_diff(now_ms()) < 60_000);
}
