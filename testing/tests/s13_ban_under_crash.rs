//! S13: the server is killed somewhere in a ban and its rotation, again and again. Whatever is there afterwards, nobody
//! is banned with the old key still the current one, and what was acknowledged stays.

use keyfold_client::{Algorithm, Client, ShareKeys, ShareOptions, Value};
use keyfold_testing::keyfold_bin::Server;
use std::time::Duration;

async fn person(server: &Server, folder: &std::path::Path, user_id: &str) -> Client {
    let client = Client::open(&folder.join(user_id)).unwrap();
    client.signup(user_id, &server.url, Some(&server.key)).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_a_server_killed_anywhere_in_a_ban_leaves_nobody_banned_with_the_old_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(&folder.path().join("server"));
    let alice = person(&server, folder.path(), "alice").await;
    let bob = person(&server, folder.path(), "bob").await;
    let carol = person(&server, folder.path(), "carol").await;
    let mut landed = 0;
    for round in 0..24_u64 {
        let purpose = format!("round {round}");
        let made = alice.create_keychain(&purpose, Algorithm::SecretBox).await.unwrap();
        let keychain = made.keychain_fingerprint.as_str();
        alice.share(keychain, &["bob", "carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
        bob.sync().await.unwrap();
        carol.sync().await.unwrap();

        let acknowledged = {
            let ban = alice.ban(keychain, "bob");
            let cut = async {
                // From before the request to after the answer, in steps of a millisecond.
                tokio::time::sleep(Duration::from_millis(round)).await;
                tokio::task::block_in_place(|| server.kill_and_restart());
            };
            tokio::join!(ban, cut).0.is_ok()
        };

        // Carol replays what the server has now, and every entry of it.
        let keys = carol.keychain(keychain).await.unwrap().keys.len();
        let members = carol.participants(keychain, None, true).await.unwrap();
        let is_out = !members.iter().any(|member| member.user_id == "bob");
        assert_eq!(is_out, keys == 2, "a ban and its key are there together or not at all: {keys} keys, out: {is_out}");
        assert!(is_out || !acknowledged, "an acknowledged ban is gone");
        landed += usize::from(is_out);

        // It goes on: whoever was not answered does it again, and what is written then bob cannot read.
        if !is_out {
            alice.ban(keychain, "bob").await.unwrap();
        }
        let text = carol.encrypt_value(keychain, &Value::Text("after the ban".into()), None).await.unwrap();
        assert_eq!(alice.decrypt_value(&text, None).await.unwrap().value, Value::Text("after the ban".into()));
        let refused = bob.decrypt_value(&text, None).await.unwrap_err();
        assert!(refused.code.class().exit() > 0, "{refused}");
    }
    println!("{landed} of 24 bans had landed when the server was killed");
}
