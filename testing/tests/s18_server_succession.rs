//! A server that has its next key: clients that pinned the one before follow it, and nobody else's.

use keyfold_client::{Algorithm, ClientEvent, ShareKeys, ShareOptions, SyncState, Value};
use keyfold_format::VerifyingKey;
use keyfold_protocol::{
    Code, route,
    wire::{Info, Successions},
};
use keyfold_server::NextKey;
use keyfold_testing::{
    evil::{EvilWorld, ServerKey},
    people::{Person, TestServer, next},
};

/// The server with its next key, on the same port.
async fn succeeded(server: TestServer) -> TestServer {
    let secrets = server.secrets();
    let make_next = async || {
        NextKey::make(&secrets).unwrap();
    };
    server.restart_after(make_next).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_follows_the_server_to_its_next_key_and_goes_on() {
    let server = TestServer::start().await;
    let first = server.key();
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let sealed = alice.client.encrypt_value("notes", &Value::Text("hello".to_owned()), None).await.unwrap();
    let mut watch = bob.client.watch();
    let is_online = ClientEvent::SyncStateChanged { state: SyncState::Online };
    while next(&mut watch).await != is_online {}

    let server = succeeded(server).await;
    let second = server.key();
    assert_ne!(first, second);
    // A stream alone follows too.
    while next(&mut watch).await != is_online {}
    let pinned = bob.client.whoami().await.unwrap();
    assert_eq!((pinned.server_key, pinned.former_server_keys), (second.clone(), vec![first.clone()]));
    // The first thing that alice does is a write, and it is done once.
    let shared = alice.client.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    while !matches!(next(&mut watch).await, ClientEvent::KeyReceived { .. }) {}
    assert_eq!(bob.client.decrypt_value(&sealed, None).await.unwrap().value, Value::Text("hello".to_owned()));
    drop((shared, watch));
    assert_eq!(alice.again().whoami().await.unwrap().server_key, second, "it is durable");

    // Two steps at once, and log-in as the first thing.
    let server = succeeded(succeeded(server).await).await;
    alice.again().logout(false).await.unwrap();
    let who = alice.again().login().await.unwrap();
    assert_eq!(who.server_key, server.key());
    assert_eq!(who.former_server_keys.len(), 3);
    assert_eq!(who.former_server_keys[..2], [first.clone(), second]);
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.whoami().await.unwrap().server_key, server.key());

    // Who is told the first key by an app comes in, and who is told the newest.
    for (name, key) in [("carol", &first), ("mallory", &server.key())] {
        let person = Person::new(name);
        assert_eq!(person.sign_up(&server.url(), Some(key)).await.server_key, server.key());
    }
    alice.client.audit("notes").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_for_a_new_device_outlives_the_key_that_it_names() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let text = alice.client.enroll_new_device(Some("laptop"), None).await.unwrap();
    let server = succeeded(server).await;
    let laptop = Person::new("alice");
    assert_eq!(laptop.client.register_enrolled_device(&text).await.unwrap().server_key, server.key());
    assert_eq!(laptop.again().whoami().await.unwrap().server_key, server.key());
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_a_successor_that_the_old_key_did_not_sign_is_refused() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let pinned = world.server.server_key();
    let mallory = ServerKey::of([66; 32]);
    let (true_key, other) = (world.evil.key().clone(), ServerKey::of([67; 32]));
    let mine = mallory.public();
    let step = |signer: &ServerKey, former: &VerifyingKey, next: &VerifyingKey| signer.succession(former, next);
    let middle = step(&true_key, &pinned, &other.public());
    let mut altered = step(&true_key, &pinned, &other.public());
    altered.next = mine;
    let chains = [
        ("none", vec![]),
        ("signed by the next key itself", vec![step(&mallory, &pinned, &mine)]),
        ("the next key altered", vec![altered]),
        ("of another server", vec![step(&other, &other.public(), &mine)]),
        ("true, and then another's", vec![middle, step(&mallory, &other.public(), &mine)]),
        ("with one left out", vec![middle, step(&mallory, &mine, &mine)]),
        ("in another order", vec![step(&other, &other.public(), &mine), middle]),
        // True from end to end, and whoever shows it does not have the key that it leads to.
        ("somebody's who has not the newest key", vec![middle]),
    ];
    for (name, steps) in chains {
        world.evil.be_signed_by(Some(mallory.clone()));
        let body = Successions { steps }.encode();
        world.evil.lie(move |asked, answer| match asked.path.as_str() {
            route::SUCCESSION => {
                answer.status = 200;
                answer.body.clone_from(&body);
            }
            route::INFO => {
                let info = Info { server_key: mine, ..Info::decode(&answer.body).unwrap() };
                answer.body = info.encode();
            }
            _ => {}
        });
        world.evil.take_seen();
        let refused = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap_err();
        assert_eq!((refused.code, refused.code.class().exit()), (Code::BadServerSignature, 6), "{name}");
        let asked = world.evil.take_seen().iter().filter(|asked| asked.path == route::SUCCESSION).count();
        assert!(asked > 0, "{name}: nothing was tried");
        let who = alice.whoami().await.unwrap();
        assert_eq!((who.server_key, who.former_server_keys.len()), (pinned.to_string(), 0), "{name}");
        let newcomer = Person::new("bob");
        let refused = newcomer.client.signup("bob", &world.evil.url(), Some(&pinned.to_string())).await.unwrap_err();
        assert_eq!(refused.code, Code::WrongServerKey, "{name}");
    }
    world.evil.be_honest();
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
}
