//! The index that tests of indexes use: texts under texts, in the keychain `notes`.

use keyfold_client::{Client, Index, key::Part};

/// A key of one text.
pub fn word(word: &str) -> [Part; 1] {
    [Part::Text(word.to_owned())]
}

/// The index.
pub fn table(client: &Client) -> Index {
    client.index("notes", "table")
}

/// Gives a key of it a value.
///
/// # Panics
/// If that is refused.
pub async fn put(client: &Client, key: &str, value: &str) {
    table(client).put(&word(key), value.as_bytes()).await.expect("alice and bob may write");
}
