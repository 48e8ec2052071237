//! S23: what a server learns of an index: how many objects there are, of which power of two, and when. Two sets of data
//! of equal lengths look alike.

use keyfold_client::{Algorithm, Changes, Client, key::Part};
use keyfold_testing::{
    keyfold_bin::{files, files_with},
    people::{Person, TestServer},
};
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use std::collections::BTreeSet;

/// Names, keys and values of equal lengths, with nothing else in common.
struct Data {
    index: &'static str,
    letter: char,
    first: i64,
}

impl Data {
    fn key(&self, row: i64) -> [Part; 2] {
        let number = self.first + row * 7;
        [Part::Text(format!("person-{}{number:07}", self.letter)), Part::Integer(number)]
    }

    fn value(&self, row: i64) -> Vec<u8> {
        let length = if row % 400 == 0 { 5_000 } else { 60 + (row % 30) as usize };
        let text = format!("diagnosis of {}{:07}: ", self.letter, self.first + row * 7);
        text.bytes().cycle().take(length).collect()
    }
}

const DATA: [Data; 2] = [
    Data { index: "patients-of-the-clinic", letter: 'q', first: 1_000_000 },
    Data { index: "salaries-of-management", letter: 'w', first: 5_000_000 },
];

/// Writes it as an application would: much at once, then a little again and again, and some of it away.
async fn write(client: &Client, data: &Data) {
    let index = client.index("notes", data.index);
    let mut many = Changes::new();
    for row in 0..3_000 {
        many.put(&data.key(row), &data.value(row)).unwrap();
    }
    index.commit(&many).await.unwrap();
    for batch in 0..12 {
        let mut changes = Changes::new();
        for row in batch * 100..batch * 100 + 30 {
            changes.put(&data.key(row), &data.value(row + 1)).unwrap();
            changes.remove(&data.key(row + 50)).unwrap();
        }
        index.commit(&changes).await.unwrap();
    }
}

/// Lengths and ids of what is stored for a keychain, and names and lengths of references.
struct Stored {
    lengths: Vec<i64>,
    ids: BTreeSet<Vec<u8>>,
    references: Vec<(String, i64)>,
}

async fn stored(server: &TestServer) -> Stored {
    let found = files(&server.data()).into_iter();
    let database = found.into_iter().find(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite"));
    let options = SqliteConnectOptions::new().filename(database.expect("the server has a database"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let objects =
        sqlx::query("SELECT id, length(bytes) FROM objects ORDER BY 2").fetch_all(&mut connection).await.unwrap();
    let references = sqlx::query(r#"SELECT name, length(bytes) FROM "references""#);
    let references = references.fetch_all(&mut connection).await.unwrap();
    Stored {
        lengths: objects.iter().map(|row| row.get(1)).collect(),
        ids: objects.iter().map(|row| row.get(0)).collect(),
        references: references.iter().map(|row| (row.get(0), row.get(1))).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_two_sets_of_data_of_equal_lengths_are_stored_alike_and_nothing_of_them_shows() {
    let mut seen = Vec::new();
    for data in &DATA {
        let server = TestServer::start().await;
        let alice = Person::signed_up("alice", &server).await;
        alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
        write(&alice.client, data).await;
        let is_there = alice.client.index("notes", data.index).get(&data.key(7)).await.unwrap();
        assert_eq!(is_there.map(|value| value.to_vec()), Some(data.value(8)));
        seen.push(stored(&server).await);
        // In the clear there is none of it, in any file.
        for plain in
            ["person-", "diagnosis", data.index, &data.index[..12], &format!("{}{:07}", data.letter, data.first)]
        {
            assert_eq!(files_with(&server.data(), plain.as_bytes()), Vec::<std::path::PathBuf>::new(), "{plain}");
        }
    }
    let [one, other] = &seen[..] else { panic!("two") };
    assert_eq!(one.lengths, other.lengths, "as many objects of the same lengths");
    assert!(one.lengths.len() > 50, "{} objects", one.lengths.len());
    assert!(
        one.lengths.iter().all(|length| *length >= 1_024 && (*length as u64).is_power_of_two()),
        "{:?}",
        one.lengths
    );
    assert!(one.ids.is_disjoint(&other.ids));
    let [(name, length)] = &one.references[..] else { panic!("{:?}", one.references) };
    let [(other_name, other_length)] = &other.references[..] else { panic!("{:?}", other.references) };
    assert_eq!((name.len(), other_name.len(), length), (43, 43, other_length));
    assert!(name != other_name && (*length as u64 - 4).is_power_of_two(), "{length}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_one_name_in_two_keychains_and_one_value_twice_are_not_seen_to_be_the_same() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let value = vec![7; 5_000];
    for keychain in ["notes", "photos"] {
        alice.keychain(keychain).await;
        let index = alice.client.index(keychain, "table");
        for key in 0..3 {
            index.put(&[Part::Integer(key)], &value).await.unwrap();
        }
    }
    let stored = stored(&server).await;
    let names: BTreeSet<&String> = stored.references.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let values = stored.lengths.iter().filter(|length| **length == 8_192).count();
    assert_eq!(values, 6, "each value is an object of its own: {:?}", stored.lengths);
}
