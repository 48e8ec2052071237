//! S18, replay: the same request later, to another host, with body or query changed; the response to another request;
//! unsigned 401 and 500; and what changes something takes effect once, also after a restart.

use crate::support::{Person, World, code, exchange, now_ms, placed_accept};
use keyfold_format::{
    UserId, WrappingKey,
    account::{AccountOp, Entry, HolderKeys, holder_statement},
    label::SignatureLabel,
};
use keyfold_protocol::{
    Code, Details, route,
    signing::{Fields, Method, Reply},
    wire::{
        CreateScope, DeclineEnrolment, EndSessions, EnrolmentRequests, Place, Proof, ReadAccount, RequestEnrolment,
        Scopes, Visit,
    },
};

#[tokio::test]
async fn the_same_request_takes_effect_once_also_after_a_restart() {
    let world = World::start().await;
    let alice = world.alice().await;
    let (genesis, _, wraps) = alice.keychain();
    let (raw, binding) = alice.request(&world, Method::Post, route::SCOPES, CreateScope { genesis, wraps }.encode());
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    assert_eq!(code(&world.send(&raw, &binding).await), Code::Replayed);

    let (logout, logout_binding) = alice.request(&world, Method::Delete, route::SESSIONS, vec![]);
    assert_eq!(world.send(&logout, &logout_binding).await.status, 200);
    assert_eq!(alice.ask(&world, Method::Post, route::SESSIONS, vec![]).await.status, 200);
    // Who recorded the logging out cannot log out again.
    assert_eq!(code(&world.send(&logout, &logout_binding).await), Code::Replayed);

    // Another process has another port, which the signature covers; the very bytes are sent to it all the same.
    let world = world.restart().await;
    for (raw, binding) in [(&raw, &binding), (&logout, &logout_binding)] {
        assert_eq!(code(&world.send(raw, binding).await), Code::Replayed);
    }
    let scopes = Scopes::decode(&alice.get(&world, route::SCOPES).await.body).unwrap().scopes;
    assert_eq!(scopes.len(), 1);
}

/// The wrapping key of somebody's device, as his first entry names it.
fn wrapping(person: &Person) -> WrappingKey {
    let entry = Entry::decode(&person.genesis.signed).unwrap();
    let AccountOp::Genesis(genesis) = &entry.ops[0] else { panic!("no genesis") };
    genesis.device.wrapping.clone()
}

fn visit_body(guest: &Person, user: &str) -> Vec<u8> {
    let proof = Proof::Open(UserId::new(user).unwrap());
    Visit { signing: crate::support::public(&guest.device_key), wrapping: wrapping(guest), proof }.encode()
}

#[tokio::test]
async fn what_a_guest_asks_is_taken_once_also_after_a_restart() {
    let world = World::start().await;
    let alice = world.alice().await;
    let guest = Person::new("alice");
    let (visit, visit_binding) = guest.request(&world, Method::Post, route::VISITS, visit_body(&guest, "alice"));
    assert_eq!(world.send(&visit, &visit_binding).await.status, 200);
    assert_eq!(code(&world.send(&visit, &visit_binding).await), Code::Replayed);
    let statement = holder_statement(&alice.id(), &guest.device, &guest.device);
    let request = RequestEnrolment {
        keys: HolderKeys {
            signing: crate::support::public(&guest.device_key),
            wrapping: wrapping(&guest),
            label: None,
        },
        signature: crate::support::sign(&guest.device_key, SignatureLabel::HolderKey, &statement),
        label: b"sealed".to_vec(),
    };
    let (ask, ask_binding) = guest.request(&world, Method::Post, route::ENROLMENTS, request.encode());
    let answer = world.send(&ask, &ask_binding).await;
    assert_eq!(answer.status, 200, "{:?}", crate::support::error(&answer));
    // Alice does not know it; whoever recorded the wish cannot make it again.
    let decline = DeclineEnrolment { device: guest.device };
    let (no, no_binding) = alice.request(&world, Method::Post, route::DECLINE, decline.encode());
    assert_eq!(world.send(&no, &no_binding).await.status, 200);
    let recorded = [(&visit, &visit_binding), (&ask, &ask_binding), (&no, &no_binding)];
    for (raw, binding) in recorded {
        assert_eq!(code(&world.send(raw, binding).await), Code::Replayed);
    }
    let world = world.restart().await;
    for (raw, binding) in recorded {
        assert_eq!(code(&world.send(raw, binding).await), Code::Replayed);
    }
    let waiting = EnrolmentRequests::decode(&alice.get(&world, route::ENROLMENTS).await.body).unwrap();
    assert!(waiting.requests.is_empty());
}

#[tokio::test]
async fn a_guests_request_to_another_host_or_with_another_body_is_refused() {
    let world = World::start().await;
    world.alice().await;
    let guest = Person::new("alice");
    let visit = guest.ask(&world, Method::Post, route::VISITS, visit_body(&guest, "alice")).await;
    assert_eq!(visit.status, 200);
    let body = ReadAccount { after: None, before: None }.encode();
    let (raw, binding) = guest.request(&world, Method::Post, route::VISITS_ACCOUNT, body);
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    let verdict = async |edit: fn(&mut crate::support::Raw)| {
        let mut copy = raw.clone();
        edit(&mut copy);
        keyfold_protocol::ErrorBody::decode(&exchange(world.server.address(), &copy).await.body).unwrap().code
    };
    assert_eq!(verdict(|raw| raw.host = "other.example".into()).await, Code::Unauthorized);
    assert_eq!(verdict(|raw| raw.target += "?all").await, Code::Unauthorized);
    assert_eq!(verdict(|raw| raw.target = route::ENROLMENTS.into()).await, Code::Unauthorized);
    assert_eq!(verdict(|raw| raw.body = vec![0x82, 0x00, 0xf6]).await, Code::Malformed);
}

#[tokio::test]
async fn who_recorded_the_ending_of_all_sessions_ends_them_once() {
    let world = World::start().await;
    let alice = world.alice().await;
    let end = EndSessions { own: true }.encode();
    let (raw, binding) = alice.request(&world, Method::Post, route::END_SESSIONS, end);
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    assert_eq!(code(&alice.get(&world, route::SCOPES).await), Code::LoggedOut);
    assert_eq!(alice.ask(&world, Method::Post, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(code(&world.send(&raw, &binding).await), Code::Replayed);
    let world = world.restart().await;
    assert_eq!(code(&world.send(&raw, &binding).await), Code::Replayed);
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200);
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_told_by_how_much_whoever_asks() {
    let world = World::start().await;
    let alice = world.alice().await;
    let guest = Person::new("alice");
    let visit = guest.ask(&world, Method::Post, route::VISITS, visit_body(&guest, "alice")).await;
    assert_eq!(visit.status, 200);
    let now = now_ms() / 1_000;
    for (who, path) in [(&alice, route::SCOPES), (&guest, route::VISITS_ENROLMENT)] {
        for (at, side) in [(now + 3_600, "ahead of"), (now - 3_600, "behind")] {
            let (raw, binding) = who.request_at(&world, Method::Get, path, vec![], at);
            let refused = crate::support::error(&world.send(&raw, &binding).await);
            assert_eq!(refused.code, Code::ClockSkew);
            let hint = refused.hint.unwrap();
            let is_told = ["1 h 0 min", "0 h 59 min"].iter().any(|apart| hint.contains(apart));
            assert!(is_told && hint.contains(side), "{hint}");
            let Some(Details::Time(time)) = refused.details else { panic!("no time") };
            assert!((time / 1_000).abs_diff(now) < 60);
        }
    }
}

#[tokio::test]
async fn an_append_and_an_accept_are_taken_once() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let ledger = alice.create_keychain(&world).await;
    let (append, after) = alice.share(&ledger, &[&bob]);
    let (raw, binding) = alice.request(&world, Method::Post, &route::entries(&ledger.id()), append.encode());
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    assert_eq!(code(&world.send(&raw, &binding).await), Code::Replayed);

    let entry = placed_accept(&bob, ledger.id(), after.head().hash);
    let (raw, binding) = bob.request(&world, Method::Post, &route::placed(&ledger.id()), Place { entry }.encode());
    assert_eq!(world.send(&raw, &binding).await.status, 200);
    assert_eq!(code(&world.send(&raw, &binding).await), Code::Replayed);
}

#[tokio::test]
async fn many_copies_at_once_take_effect_once() {
    let world = World::start().await;
    let alice = world.alice().await;
    let (genesis, _, wraps) = alice.keychain();
    let (raw, binding) = alice.request(&world, Method::Post, route::SCOPES, CreateScope { genesis, wraps }.encode());
    let copies = (0..20).map(|_| world.send(&raw, &binding));
    let answers = futures_util::future::join_all(copies).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
    assert!(answers.iter().filter(|a| a.status != 200).all(|a| code(a) == Code::Replayed));
}

#[tokio::test]
async fn a_request_from_a_minute_ago_or_ahead_is_refused() {
    let world = World::start().await;
    let alice = world.alice().await;
    for (off, taken) in [(-40, true), (40, true), (-80, false), (80, false)] {
        let now = now_ms() / 1_000;
        let at = now.saturating_add_signed(off);
        let (raw, binding) = alice.request_at(&world, Method::Get, route::SCOPES, vec![], at);
        let answer = world.send(&raw, &binding).await;
        if taken {
            assert_eq!(answer.status, 200, "{off}");
        } else {
            assert_eq!(code(&answer), Code::ClockSkew, "{off}");
        }
    }
}

#[tokio::test]
async fn a_request_to_another_host_path_query_method_or_with_another_body_is_refused() {
    let world = World::start().await;
    let alice = world.alice().await;
    let (raw, _) = alice.request(&world, Method::Post, route::LEDGERS, vec![0x81, 0x80]);
    // What the attacker gets is bound to what he sent; here only the verdict counts.
    let verdict = async |raw: &crate::support::Raw| {
        let reply = exchange(world.server.address(), raw).await;
        keyfold_protocol::ErrorBody::decode(&reply.body).map(|e| e.code).unwrap_or(Code::Unknown)
    };
    let mut changed = Vec::new();
    for edit in [
        (|raw| raw.host = "other.example".into()) as fn(&mut crate::support::Raw),
        |raw| raw.target = "/v1/scopes".into(),
        |raw| raw.target += "?all",
        |raw| raw.method = "PUT".into(),
    ] {
        let mut copy = raw.clone();
        edit(&mut copy);
        changed.push(copy);
    }
    for copy in &changed {
        assert_eq!(verdict(copy).await, Code::Unauthorized, "{} {} {}", copy.method, copy.host, copy.target);
    }
    let mut body = raw.clone();
    body.body = vec![0x81, 0x81, 0x82];
    assert_eq!(verdict(&body).await, Code::Malformed);
    for (i, (name, _)) in raw.headers.iter().enumerate() {
        let mut absent = raw.clone();
        absent.headers.remove(i);
        assert!(matches!(verdict(&absent).await, Code::Malformed | Code::Unauthorized), "{name}");
    }
}

#[tokio::test]
async fn a_request_for_another_server_key_is_refused() {
    let (world, other) = (World::start().await, World::start().await);
    let alice = other.alice().await;
    // Signed for `other`, sent to `world` under the name of `other`.
    let (raw, binding) = alice.request(&other, Method::Get, route::SCOPES, vec![]);
    assert_eq!(code(&world.send(&raw, &binding).await), Code::WrongServer);
    // And what `world` answers is no answer of `other`'s.
    let reply = exchange(world.server.address(), &raw).await;
    assert!(reply.verify(&binding, &other.server.server_key()).is_err());
}

#[tokio::test]
async fn the_response_to_another_request_is_not_believed() {
    let world = World::start().await;
    let alice = world.alice().await;
    let key = world.server.server_key();
    let (first, first_binding) = alice.request(&world, Method::Get, route::SCOPES, vec![]);
    let (_, second_binding) = alice.request(&world, Method::Get, route::SCOPES, vec![]);
    let reply = exchange(world.server.address(), &first).await;
    assert!(reply.clone().verify(&second_binding, &key).is_err());
    assert!(reply.verify(&first_binding, &key).is_ok());
}

#[tokio::test]
async fn unsigned_errors_are_no_verdicts_and_signed_ones_are() {
    let world = World::start().await;
    let alice = world.alice().await;
    let key = world.server.server_key();
    let (raw, binding) = alice.request(&world, Method::Get, route::SCOPES, vec![]);
    for status in [401, 404, 500] {
        let reply = Reply { status, fields: Fields::default(), body: vec![] };
        assert_eq!(reply.verify(&binding, &key).unwrap_err().code(), Code::BadServerSignature);
    }
    // A true answer turned into an error on its way.
    let mut reply = exchange(world.server.address(), &raw).await;
    assert_eq!(reply.status, 200);
    reply.status = 401;
    assert!(reply.verify(&binding, &key).is_err());
}
