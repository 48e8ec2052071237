//! Two people share a keychain. Start a server first (`keyfold serve`), then:
//!
//! ```text
//! cargo run --example share -- http://127.0.0.1:8787
//! ```

use futures_util::StreamExt;
use keyfold_client::{Algorithm, Client, ClientEvent, Result, ShareKeys, ShareOptions, Value};
use std::path::Path;

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8787".to_owned());
    let homes = std::env::temp_dir().join(format!("keyfold-share-{}", std::process::id()));
    let told = share(&url, &homes).await;
    // The homes of this example are of no use to anybody.
    _ = std::fs::remove_dir_all(&homes);
    told
}

async fn share(url: &str, homes: &Path) -> Result<()> {
    let (alice, bob) = (Client::open(&homes.join("alice"))?, Client::open(&homes.join("bob"))?);
    let run = std::process::id();
    alice.signup(&format!("alice-{run}"), url, None).await?;
    let bobs = bob.signup(&format!("bob-{run}"), url, None).await?;

    // Alice encrypts a note.
    let keychain = alice.create_keychain("notes", Algorithm::SecretBox).await?;
    let note = alice.encrypt_value("notes", &Value::Text("Bread, milk".into()), None).await?;
    println!("alice wrote {note}");

    // Bob waits, and alice shares.
    let mut events = bob.watch();
    alice.share("notes", &[&bobs.user_id], ShareKeys::Latest, ShareOptions::default()).await?;
    while let Some(event) = events.next().await {
        if let ClientEvent::KeyReceived { key_fingerprint, shared_by, .. } = event? {
            println!("bob received key {key_fingerprint} from {}", shared_by.user_id);
            break;
        }
    }

    // Bob reads it.
    let opened = bob.decrypt_value(&note, None).await?;
    if let Value::Text(text) = opened.value {
        println!("bob read {text:?}");
    }

    // Who can read it is in the verified ledger.
    for participant in alice.participants(&keychain.keychain_fingerprint, None, true).await? {
        println!("{} ({:?})", participant.user_id, participant.state);
    }
    Ok(())
}
