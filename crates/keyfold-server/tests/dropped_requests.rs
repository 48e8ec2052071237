//! Requests whose client leaves before the answer: their entries stand whole or not at all, and nobody is told, or
//! held up by, what is not on the disk.

use crate::support::{Person, Raw, World, error, now_ms, placed_accept, random};
use ed25519_dalek::Signer;
use keyfold_format::{ScopeId, Signature};
use keyfold_protocol::{
    route,
    signing::{Address, Method, Nonce, Request},
    wire::{After, CreateScope, LedgerPages, Ledgers, OwnWraps, Place},
};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

const ROUNDS: u64 = 40;

/// A signed request whose nonce the test chooses.
fn post(world: &World, who: &Person, path: &str, body: Vec<u8>, nonce: [u8; 24]) -> Raw {
    let to = Address { authority: world.authority(), server: world.server.server_id() };
    let request = Request { method: Method::Post, path: path.to_owned(), query: String::new(), body };
    let sign = |base: &[u8]| Signature(who.device_key.sign(base).to_bytes());
    Raw::of(&request.sign(&to, &who.device, Nonce(nonce), now_ms() / 1_000, sign))
}

/// Sends, and leaves the answer unread.
async fn send(world: &World, raw: &Raw) -> TcpStream {
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(&raw.encode()).await.unwrap();
    stream
}

async fn stored_entries(world: &World, who: &Person, scope: ScopeId) -> usize {
    let asked = Ledgers { wanted: vec![After { scope, after: None }] }.encode();
    let answer = who.ask(world, Method::Post, route::LEDGERS, asked).await;
    LedgerPages::decode(&answer.body).unwrap().pages[0].as_ref().unwrap().entries.len()
}

async fn wraps(world: &World, who: &Person, scope: ScopeId) -> usize {
    let answer = who.get(world, &route::wraps(&scope)).await;
    OwnWraps::decode(&answer.body).unwrap().wraps.len()
}

/// How many wraps are served and entries stored once that does not change any more.
async fn at_rest(world: &World, who: &Person, scope: ScopeId) -> (usize, usize) {
    let mut before = None;
    loop {
        let now = (wraps(world, who, scope).await, stored_entries(world, who, scope).await);
        if before == Some(now) {
            return now;
        }
        before = Some(now);
        sleep(Duration::from_millis(20)).await;
    }
}

/// The `Accept` fails because its nonce is spent by a request that reaches the disk in the same moment; then its client
/// is gone. When that happens exactly is up to chance, so there are rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_accept_that_failed_after_its_client_left_entitles_to_nothing_and_holds_nobody_up() {
    let world = World::start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    for round in 0..ROUNDS {
        let ledger = alice.create_keychain(&world).await;
        let ledger = alice.share_with(&world, &ledger, &[&bob]).await;
        let nonce = random();
        let (genesis, _, own) = bob.keychain();
        let first = post(&world, &bob, route::SCOPES, CreateScope { genesis, wraps: own }.encode(), nonce);
        let accept = Place { entry: placed_accept(&bob, ledger.id(), ledger.head().hash) }.encode();
        let second = post(&world, &bob, &route::placed(&ledger.id()), accept, nonce);
        let first = send(&world, &first).await;
        let second = send(&world, &second).await;
        sleep(Duration::from_micros(500 + (round % 20) * 150)).await;
        drop(second);
        sleep(Duration::from_millis(60)).await;
        drop(first);

        let (served, stored) = at_rest(&world, &bob, ledger.id()).await;
        assert_eq!(served > 0, stored == 3, "round {round}: {served} wraps served, {stored} entries stored");
        if stored == 2 {
            let (rotate, _) = alice.rotate(&ledger, &[&alice, &bob]);
            let answer = alice.append(&world, ledger.id(), &rotate).await;
            assert_eq!(answer.status, 200, "round {round}: {:?}", error(&answer));
        }
    }
}
