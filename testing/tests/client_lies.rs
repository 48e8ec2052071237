//! What one lie does: it stops what it is about, is remembered, and ends with the truth.

use keyfold_client::{Algorithm, Client, ClientEvent, ShareKeys, ShareOptions, Value};
use keyfold_format::{ScopeId, entry::Head};
use keyfold_protocol::{
    Code, Details, ErrorBody,
    events::{Event, ServerFrame},
    wire::{Accounts, Appended, LedgerPages, Ledgers, Placed, ScopeKind, Scopes},
};
use keyfold_testing::{
    evil::{EvilWorld, writes},
    people::{Person, TestServer, next, next_event},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

async fn share(from: &Client, kc: &str, to: &str) {
    from.share(kc, &[to], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
}

/// Somebody on the line to `upstream`, who puts frames into streams of events. Returns the address, and where to hand
/// frames in.
async fn on_the_line(upstream: String) -> (String, broadcast::Sender<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (frames, _) = broadcast::channel::<Vec<u8>>(8);
    let handed_in = frames.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (upstream, mut handed_in) = (upstream.clone(), handed_in.subscribe());
            tokio::spawn(async move {
                let mut start = [0; 14];
                let read = client.peek(&mut start).await.unwrap();
                let is_stream = start[..read].starts_with(b"GET /v1/events");
                let mut server = TcpStream::connect(upstream).await.unwrap();
                let (mut up, mut down) = ([0; 4096], [0; 4096]);
                loop {
                    tokio::select! {
                        read = client.read(&mut up) => match read {
                            Ok(1..) => server.write_all(&up[..read.unwrap()]).await.unwrap(),
                            _ => return,
                        },
                        read = server.read(&mut down) => match read {
                            Ok(1..) => client.write_all(&down[..read.unwrap()]).await.unwrap(),
                            _ => return,
                        },
                        frame = handed_in.recv(), if is_stream => client.write_all(&frame.unwrap()[..]).await.unwrap(),
                    }
                }
            });
        }
    });
    (url, frames)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_somebody_slipped_in_makes_no_later_watch_miss_anything() {
    let server = TestServer::start().await;
    let upstream = server.running.address().to_string();
    let (url, frames) = on_the_line(upstream).await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::new("bob"));
    bob.sign_up(&url, Some(&server.key())).await;
    alice.keychain("notes").await;
    alice.keychain("more").await;
    let mut watch = bob.client.watch();
    while !matches!(next(&mut watch).await, ClientEvent::SyncStateChanged { .. }) {}
    let (cursor, kind) = ((1 << 63) - 1, ScopeKind::Keychain);
    let event = Event { cursor, scope: ScopeId([7; 32]), kind, seq: cursor, author: ScopeId([8; 32]) };
    let body = ServerFrame::Event(event).encode();
    let frame = [&[0x82, u8::try_from(body.len()).unwrap()], body.as_slice()].concat();
    frames.send(frame).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    // It names a keychain and a person that do not exist, and the watch goes on.
    share(&alice.client, "notes", "bob").await;
    while !matches!(next_event(&mut watch).await, ClientEvent::KeyReceived { .. }) {}
    drop(watch);
    share(&alice.client, "more", "bob").await;
    let mut watch = bob.again().watch();
    while !matches!(next_event(&mut watch).await, ClientEvent::KeyReceived { .. }) {}
    // And what comes while it watches arrives too.
    alice.client.rotate("more").await.unwrap();
    while !matches!(next_event(&mut watch).await, ClientEvent::KeyRotated { .. }) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_is_lied_about_is_stopped_and_others_go_on() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let notes = bob.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    bob.sync().await.unwrap();
    let scope: ScopeId = notes.keychain_fingerprint.parse().unwrap();
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/ledgers" && answer.status == 200 {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (after, page) in wanted.iter().zip(&mut pages.pages) {
                if let (true, Ok(page)) = (after.scope == scope, page) {
                    let head = page.receipt.statement.head;
                    page.receipt = key.receipt(scope, Head { seq: head.seq + 1, ..head }, 0);
                }
            }
            answer.body = pages.encode();
        } else if asked.path == "/v1/scopes" && asked.method == "GET" {
            // So that the client looks.
            let mut scopes = Scopes::decode(&answer.body).unwrap();
            scopes.scopes.iter_mut().filter(|s| s.scope == scope).for_each(|s| s.head.seq += 1);
            answer.body = scopes.encode();
        }
    });
    alice.create_keychain("one", Algorithm::SecretBox).await.unwrap();
    alice.create_keychain("two", Algorithm::SecretBox).await.unwrap();
    share(&alice, "one", "bob").await;
    assert_eq!(bob.sync().await.unwrap_err().code, Code::Rollback);
    let known: Vec<_> = bob.keychains().await.unwrap().into_iter().map(|key| key.purpose).collect();
    assert_eq!(known, ["notes", "one"], "what is shared arrives all the same");
    assert_eq!(bob.keychain("notes").await.unwrap_err().code, Code::Rollback);
    bob.encrypt_value("one", &Value::Boolean(true), None).await.unwrap();

    let mut watch = bob.watch();
    let mut told = Vec::new();
    while told.iter().filter(|event| matches!(event, ClientEvent::KeyReceived { .. })).count() < 2 {
        told.push(next(&mut watch).await);
        if matches!(told.last(), Some(ClientEvent::KeychainStopped { .. })) {
            share(&alice, "two", "bob").await;
        }
    }
    let stopped =
        |event: &&ClientEvent| matches!(event, ClientEvent::KeychainStopped { code, .. } if code == "Rollback");
    assert_eq!(told.iter().filter(stopped).count(), 1, "{told:?}");
    world.evil.be_honest();
    bob.rotate("notes").await.unwrap();
    bob.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_far_ahead_with_a_reply_does_not_end_the_keychain() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let notes = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let scope: ScopeId = notes.keychain_fingerprint.parse().unwrap();
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        let far = |head: Head| key.receipt(scope, Head { seq: u64::MAX - 1, ..head }, 0);
        if asked.path.ends_with("/entries") && answer.status == 200 {
            let truth = Appended::decode(&answer.body).unwrap().receipt.statement.head;
            answer.body = Appended { receipt: far(truth) }.encode();
        } else if asked.path.ends_with("/placed") && answer.status == 200 {
            let mut placed = Placed::decode(&answer.body).unwrap();
            placed.receipt = far(placed.receipt.statement.head);
            answer.body = placed.encode();
        }
    });
    // Whether these succeed is not what counts: what they did, the server has.
    alice.rotate("notes").await.ok();
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.ok();
    bob.sync().await.ok();
    world.evil.be_honest();
    alice.rotate("notes").await.unwrap();
    let sealed = alice.encrypt_value("notes", &Value::Text("hello".into()), None).await.unwrap();
    bob.sync().await.unwrap();
    assert_eq!(bob.decrypt_value(&sealed, None).await.unwrap().value, Value::Text("hello".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_is_told_once_and_remembered_until_the_pinned_one_is_shown() {
    let server = EvilWorld::start().await;
    let (alice, _bob, _carol) =
        (server.person("alice").await, server.person("bob").await, server.person("carol").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.identity("bob").await.unwrap();
    alice.sync().await.unwrap();
    server.evil.lie(|asked, answer| {
        if asked.path == "/v1/accounts/lookup" && answer.status == 200 {
            answer.body = Accounts { accounts: vec![None] }.encode();
        }
    });
    assert_eq!(alice.identity("bob").await.unwrap_err().code, Code::IdentityChanged);
    let shared = alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await;
    assert_eq!(shared.unwrap_err().code, Code::IdentityChanged);
    let changed = ClientEvent::IdentityChanged { user_id: "bob".into() };
    assert_eq!(alice.sync().await.unwrap(), std::slice::from_ref(&changed), "told once, however often it is met");
    server.evil.be_honest();
    share(&alice, "notes", "bob").await;
    // Should it happen again, it is news.
    server.evil.lie(|asked, answer| {
        if asked.path == "/v1/accounts/lookup" && answer.status == 200 {
            answer.body = Accounts { accounts: vec![None] }.encode();
        }
    });
    assert_eq!(alice.identity("bob").await.unwrap_err().code, Code::IdentityChanged);
    assert!(alice.sync().await.unwrap().contains(&changed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_days_ahead_dates_nobody_s_entries() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let now = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap().created_at;
    let two_days = 2 * 24 * 60 * 60 * 1_000;
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with("/entries") {
            let refusal = ErrorBody::new(Code::ClockSkew, "so the operator says");
            answer.status = Code::ClockSkew.status();
            answer.body = refusal.details(Details::Time(now + two_days)).encode();
        }
    });
    world.evil.take_seen();
    let error = alice.rotate("notes").await.unwrap_err();
    assert_eq!(error.code, Code::ClockSkew);
    assert!(error.hint.is_some());
    assert_eq!(writes(&world.evil.take_seen()).len(), 1, "nothing was dated as the server says");
    world.evil.be_honest();
    // The server takes nothing that is dated ahead, so this is dated by the device's own clock.
    alice.rotate("notes").await.unwrap();
}
