//! The event stream: who may listen, what is heard live, and what was missed.

use crate::support::{Person, TEAM, Town, World, now_ms, placed_accept, random};
use ed25519_dalek::Signer;
use futures_util::{SinkExt, StreamExt};
use keyfold_format::{
    Permissions, Signature,
    scope::{self, KEYCHAIN_RANK},
};
use keyfold_protocol::{
    Code,
    events::{Challenge, Cursor, Event, ServerFrame, Subscribe},
    route,
    signing::Method,
};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long something that has to come may take.
const PATIENCE: Duration = Duration::from_secs(60);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(world: &World) -> (Self, Challenge) {
        let url = format!("ws://{}{}", world.server.address(), route::EVENTS);
        let mut socket = Self(connect_async(url).await.unwrap().0);
        match socket.frame().await {
            ServerFrame::Challenge(challenge) => (socket, challenge),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame, soon.
    async fn frame(&mut self) -> ServerFrame {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a frame").expect("open").unwrap() {
                Message::Binary(bytes) => return ServerFrame::decode(&bytes).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn event(&mut self) -> Event {
        match self.frame().await {
            ServerFrame::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    async fn goodbye(&mut self) -> Code {
        match self.frame().await {
            ServerFrame::Goodbye(goodbye) => goodbye.code,
            other => panic!("{other:?}"),
        }
    }

    async fn quiet(&mut self) {
        let heard = timeout(Duration::from_millis(150), async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping(_))) => {}
                    other => return other,
                }
            }
        });
        assert!(heard.await.is_err(), "nothing more was expected");
    }

    async fn send(&mut self, subscribe: &Subscribe) {
        self.0.send(Message::Binary(subscribe.encode().into())).await.unwrap();
    }
}

fn subscribe(world: &World, who: &Person, challenge: &Challenge, after: Option<Cursor>, created: u64) -> Subscribe {
    let nonce = random();
    let message = Subscribe::message(&world.server.server_id(), challenge, &nonce, after, created);
    let signature = Signature(who.device_key.sign(&message).to_bytes());
    Subscribe { device: who.device, after, nonce, created, signature }
}

/// Listens after a cursor; gives where the stream starts.
async fn listen(world: &World, who: &Person, after: Option<Cursor>) -> (Socket, Cursor) {
    let (mut socket, challenge) = Socket::open(world).await;
    let asked = subscribe(world, who, &challenge, after, now_ms() / 1_000);
    socket.send(&asked).await;
    let ServerFrame::Welcome(welcome) = socket.frame().await else { panic!("not welcome") };
    welcome.verify(&world.server.server_key(), &challenge, &asked).unwrap();
    (socket, welcome.cursor)
}

#[tokio::test]
async fn strangers_old_signatures_and_those_for_another_challenge_are_sent_away() {
    let world = World::start().await;
    let (alice, stranger) = (world.alice().await, Person::new("stranger"));
    let now = now_ms() / 1_000;
    let refused = async |edit: &dyn Fn(&Challenge) -> Subscribe| {
        let (mut socket, challenge) = Socket::open(&world).await;
        socket.send(&edit(&challenge)).await;
        socket.goodbye().await
    };
    assert_eq!(refused(&|c| subscribe(&world, &stranger, c, None, now)).await, Code::UnknownDevice);
    assert_eq!(refused(&|c| subscribe(&world, &alice, c, None, now - 100)).await, Code::ClockSkew);
    let recorded = Challenge { nonce: [0; 32] };
    assert_eq!(refused(&|_| subscribe(&world, &alice, &recorded, None, now)).await, Code::Unauthorized);
    let other_cursor = |c: &Challenge| Subscribe { after: Some(0), ..subscribe(&world, &alice, c, None, now) };
    assert_eq!(refused(&other_cursor).await, Code::Unauthorized);
    let (mut socket, _) = Socket::open(&world).await;
    socket.0.send(Message::Binary(vec![0xff; 8].into())).await.unwrap();
    assert_eq!(socket.goodbye().await, Code::Malformed);
}

#[tokio::test]
async fn those_concerned_hear_of_each_append_in_order_and_others_hear_nothing() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let (mut to_alice, _) = listen(&world, &alice, None).await;
    let (mut to_bob, _) = listen(&world, &bob, None).await;
    let (mut to_carol, _) = listen(&world, &carol, None).await;
    let ledger = alice.create_keychain(&world).await;
    let ledger = alice.share_with(&world, &ledger, &[&bob]).await;
    let heard = to_bob.event().await;
    assert_eq!((heard.scope, heard.seq, heard.author), (ledger.id(), 1, alice.id()));
    let accept = placed_accept(&bob, ledger.id(), ledger.head().hash);
    assert_eq!(bob.accept(&world, ledger.id(), &accept).await.status, 200);
    let mut cursors = Vec::new();
    for seq in 0..3 {
        let event = to_alice.event().await;
        assert_eq!((event.scope, event.seq), (ledger.id(), seq));
        cursors.push(event.cursor);
    }
    assert!(cursors.is_sorted_by(|a, b| a < b));
    to_carol.quiet().await;
}

#[tokio::test]
async fn who_was_away_gets_what_was_missed_once_for_each_scope_also_after_a_restart() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let (mut socket, start) = listen(&world, &bob, None).await;
    let first = alice.create_keychain(&world).await;
    let first = alice.share_with(&world, &first, &[&bob]).await;
    let seen = socket.event().await;
    drop(socket);

    let missed = share_and_rotate(&world, &alice, &bob, &first).await;
    let second = alice.create_keychain(&world).await;
    let second = alice.share_with(&world, &second, &[&bob]).await;
    let world = world.restart().await;
    let (mut socket, cursor) = listen(&world, &bob, Some(seen.cursor)).await;
    assert_eq!(cursor, seen.cursor);
    let events = [socket.event().await, socket.event().await];
    assert_eq!(events.iter().map(|e| (e.scope, e.seq)).collect::<Vec<_>>(), [(first.id(), missed), (second.id(), 1)]);
    socket.quiet().await;
    drop(socket);

    // From the very start; and from the end, nothing.
    let (mut socket, _) = listen(&world, &bob, Some(start.min(1))).await;
    let again = [socket.event().await, socket.event().await, socket.event().await];
    assert!(again.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    let (mut socket, _) = listen(&world, &bob, Some(events[1].cursor)).await;
    socket.quiet().await;
}

async fn share_and_rotate(world: &World, alice: &Person, bob: &Person, ledger: &scope::Ledger) -> u64 {
    let mut ledger = ledger.clone();
    for _ in 0..3 {
        let (append, after) = alice.rotate(&ledger, &[alice, bob]);
        assert_eq!(alice.append(world, ledger.id(), &append).await.status, 200);
        ledger = after;
    }
    ledger.head().seq
}

#[tokio::test]
async fn who_is_banned_hears_of_that_and_of_nothing_after_it() {
    let world = World::start().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let known = [&alice, &bob, &carol];
    let ledger = alice.create_keychain(&world).await;
    let ledger = alice.share_with(&world, &ledger, &[&bob]).await;
    let ledger = bob.join(&world, &ledger, &known).await;
    let (mut to_bob, _) = listen(&world, &bob, None).await;
    let (mut to_carol, start) = listen(&world, &carol, None).await;
    let banned = alice.ban(&world, &ledger, &bob, &known).await;
    let heard = to_bob.event().await;
    assert_eq!((heard.scope, heard.seq, heard.author), (ledger.id(), banned.head().seq, alice.id()));
    // Carol is kept out without ever having been in: that is no concern of hers.
    let banned = alice.ban(&world, &banned, &carol, &known).await;
    let (rotate, _) = alice.rotate(&banned, &known);
    assert_eq!(alice.append(&world, ledger.id(), &rotate).await.status, 200);
    to_bob.quiet().await;
    to_carol.quiet().await;
    let (mut to_bob, _) = listen(&world, &bob, Some(start)).await;
    assert_eq!(to_bob.event().await, heard, "also who was away");
    to_bob.quiet().await;
    let (mut to_carol, _) = listen(&world, &carol, Some(start)).await;
    to_carol.quiet().await;
}

#[tokio::test]
async fn logging_out_ends_the_stream_and_another_is_refused() {
    let world = World::start().await;
    let alice = world.alice().await;
    let (mut socket, _) = listen(&world, &alice, None).await;
    assert_eq!(alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(socket.goodbye().await, Code::LoggedOut);
    let (mut socket, challenge) = Socket::open(&world).await;
    socket.send(&subscribe(&world, &alice, &challenge, None, now_ms() / 1_000)).await;
    assert_eq!(socket.goodbye().await, Code::LoggedOut);
}

#[tokio::test]
async fn a_stop_says_goodbye_and_does_not_wait_for_listeners() {
    let world = World::start().await;
    let alice = world.alice().await;
    let (mut socket, _) = listen(&world, &alice, None).await;
    let started = std::time::Instant::now();
    let (world, code) = tokio::join!(world.restart(), socket.goodbye());
    assert_eq!(code, Code::ServerUnavailable);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200);
}

#[tokio::test]
async fn pings_do_not_put_off_the_subscription() {
    let world = World::with(|config| config.read_timeout = Duration::from_millis(400)).await;
    let (mut socket, _) = Socket::open(&world).await;
    let told = timeout(PATIENCE, async {
        loop {
            // It may have been closed just now, and what was said before is still to be read.
            socket.0.send(Message::Ping(Default::default())).await.ok();
            match timeout(Duration::from_millis(100), socket.0.next()).await {
                Ok(Some(Ok(Message::Binary(bytes)))) => return ServerFrame::decode(&bytes).unwrap(),
                Ok(Some(Ok(_))) | Err(_) => {}
                Ok(other) => panic!("{other:?}"),
            }
        }
    });
    let ServerFrame::Goodbye(goodbye) = told.await.expect("an end") else { panic!("no goodbye") };
    assert_eq!(goodbye.code, Code::Timeout);
}

#[tokio::test]
async fn who_is_in_a_group_hears_of_what_it_is_in_until_he_or_it_is_put_out() {
    let mut town = Town::start().await;
    let [alice, bob] = [town.person("alice").await, town.person("bob").await];
    let team = town.found(&alice, TEAM).await;
    town.bring(&alice, team, &bob, Permissions::NONE).await;
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    let (mut live, start) = listen(&town.world, &bob, None).await;

    town.share(&alice, notes, team, Permissions::NONE).await;
    let rotate = town.next_key(notes);
    town.does(&alice, notes, &[], vec![rotate]).await.unwrap();
    for seq in [1, 2] {
        let event = live.event().await;
        assert_eq!((event.scope, event.seq), (notes, seq));
    }
    // Missed meanwhile: the newest of the scope.
    let (mut resumed, _) = listen(&town.world, &bob, Some(start)).await;
    let event = resumed.event().await;
    assert_eq!((event.scope, event.seq), (notes, 2));

    // The entry that puts the group out is the last one to be heard of.
    town.ban(&alice, notes, team).await;
    assert_eq!(live.event().await.seq, 3);
    let rotate = town.next_key(notes);
    town.does(&alice, notes, &[], vec![rotate]).await.unwrap();
    live.quiet().await;

    town.share(&alice, notes, team, Permissions::NONE).await;
    assert_eq!(live.event().await.seq, 5);
    // Of his ban he hears too, and of nothing after it.
    town.ban(&alice, notes, bob.id()).await;
    assert_eq!(live.event().await.seq, 6);
    let rotate = town.next_key(notes);
    town.does(&alice, notes, &[], vec![rotate]).await.unwrap();
    live.quiet().await;
    let (mut resumed, _) = listen(&town.world, &bob, Some(start)).await;
    let event = resumed.event().await;
    assert_eq!((event.scope, event.seq), (notes, 6));
}
