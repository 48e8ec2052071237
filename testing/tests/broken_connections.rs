//! Connections that break before anything of an answer came, as they do while a server is started anew: a request is
//! sent once more as it is, and nothing happens twice.

use keyfold_client::{Algorithm, Client, Code, ShareKeys, ShareOptions};
use keyfold_testing::evil::{Break, EvilWorld};

/// Of a request with this path, breaks the connections of the first attempts.
fn breaking(world: &EvilWorld, path: &'static str, breaks: Vec<Break>) {
    let mut breaks = breaks.into_iter();
    world.evil.break_off(move |asked| if asked.path.ends_with(path) { breaks.next() } else { None });
}

/// How often it was asked since the last look.
fn attempts(world: &EvilWorld, path: &str) -> usize {
    world.evil.take_seen().iter().filter(|asked| asked.path.ends_with(path)).count()
}

async fn share(alice: &Client, name: &str) -> Result<(), keyfold_client::Error> {
    alice.share("notes", &[name], ShareKeys::Latest, ShareOptions::default()).await.map(drop)
}

async fn participants(client: &Client) -> Vec<String> {
    client.sync().await.unwrap();
    let participants = client.participants("notes", None, false).await.unwrap();
    participants.into_iter().map(|participant| participant.user_id).collect()
}

async fn world_of_two() -> (EvilWorld, Client, Client) {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.identities(&["bob"]).await.unwrap();
    world.evil.take_seen();
    (world, alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_did_not_hear_of_goes_through_the_second_time() {
    let (world, alice, bob) = world_of_two().await;
    breaking(&world, "/entries", vec![Break::Before]);
    share(&alice, "bob").await.unwrap();
    assert_eq!(attempts(&world, "/entries"), 2);
    assert_eq!(participants(&bob).await, ["alice", "bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_not_heard_of_is_not_done_twice_and_is_said_not_to_have_been_answered() {
    let (world, alice, bob) = world_of_two().await;
    breaking(&world, "/entries", vec![Break::After]);
    let lost = share(&alice, "bob").await.unwrap_err();
    assert_eq!((lost.code, attempts(&world, "/entries")), (Code::ServerUnavailable, 2), "{lost}");
    for client in [&bob, &alice] {
        assert_eq!(participants(client).await, ["alice", "bob"]);
    }
    let entries = alice.audit("notes").await.unwrap().entries.len();
    // Who tries again, since he was told that there was no answer, changes nothing.
    share(&alice, "bob").await.unwrap();
    assert_eq!(alice.audit("notes").await.unwrap().entries.len(), entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_read_is_read_once_more() {
    let (world, alice, _bob) = world_of_two().await;
    for when in [Break::Before, Break::After] {
        breaking(&world, "/ledgers", vec![when]);
        alice.rotate("notes").await.unwrap();
        assert_eq!(attempts(&world, "/ledgers"), 2, "{when:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_again_is_a_server_that_is_not_reached() {
    let (world, alice, _bob) = world_of_two().await;
    breaking(&world, "/entries", vec![Break::Before, Break::Before]);
    assert_eq!(share(&alice, "bob").await.unwrap_err().code, Code::ServerUnavailable);
    assert_eq!(attempts(&world, "/entries"), 2, "it is not asked for ever");
    share(&alice, "bob").await.unwrap();
}
