//! Records in indexes of keychains: found by whatever is declared, whoever writes them at once, and from whichever language.

use futures_util::future::join_all;
use keyfold_client::{
    Algorithm, Client, Code, IndexQuery, Records, Schema, ShareKeys, ShareOptions,
    key::{Part, encode},
};
use keyfold_testing::people::{Person, TestServer};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Expense {
    id: String,
    day: i64,
    amount: f64,
    what: String,
}

fn expense(id: &str, day: i64, amount: f64, what: &str) -> Expense {
    Expense { id: id.to_owned(), day, amount, what: what.to_owned() }
}

fn key(day: i64, id: &str) -> Vec<Part> {
    vec![Part::Date(day), Part::Text(id.to_owned())]
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn expenses(client: &Client) -> Records<Expense> {
    let words = |one: &Expense| one.what.to_lowercase().split(' ').map(|word| vec![text(word)]).collect::<Vec<_>>();
    let schema = Schema::new(|one: &Expense| key(one.day, &one.id))
        .by("amount", |one| vec![vec![Part::Float(one.amount)]])
        .by("words", words)
        .unique("id", |one| vec![vec![text(&one.id)]]);
    client.records("books", "expenses", schema)
}

fn some() -> Vec<Expense> {
    vec![expense("a", 3, 12.5, "Lunch with bob"), expense("b", 1, 900.0, "Rent"), expense("c", 2, 3.0, "Tea with cake")]
}

async fn alice(server: &TestServer) -> Person {
    let alice = Person::signed_up("alice", server).await;
    alice.client.create_keychain("books", Algorithm::SecretBox).await.unwrap();
    alice
}

fn ids(found: &[Expense]) -> Vec<&str> {
    found.iter().map(|one| one.id.as_str()).collect()
}

fn of(parts: &[Part]) -> IndexQuery {
    IndexQuery::parts(parts).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_key_in_order_and_by_what_else_is_declared() {
    let server = TestServer::start().await;
    let alice = alice(&server).await;
    let table = expenses(&alice.client);
    let all = IndexQuery::default();
    assert_eq!(table.list(&all, 10).await.unwrap(), []);
    table.put(some()).await.unwrap();
    assert_eq!(table.get(&key(1, "b")).await.unwrap().as_ref(), Some(&some()[1]));
    assert_eq!(table.get(&key(1, "a")).await.unwrap(), None);
    assert_eq!(ids(&table.list(&all, 10).await.unwrap()), ["b", "c", "a"]);
    assert_eq!(ids(&table.list(&IndexQuery { reverse: true, ..all.clone() }, 2).await.unwrap()), ["a", "c"]);
    assert_eq!(ids(&table.list_by("words", &of(&[text("with")]), 10).await.unwrap()), ["c", "a"]);
    let cheap = IndexQuery { to: Bound::Excluded(encode(&[Part::Integer(100)]).unwrap().into()), ..all.clone() };
    assert_eq!(ids(&table.list_by("amount", &cheap, 10).await.unwrap()), ["c", "a"]);
    assert_eq!(table.count_by("words", &all).await.unwrap(), 7);

    // Another amount and other words: it is found by these, and by the former ones no more.
    table.put([expense("a", 3, 1_000.0, "Dinner")]).await.unwrap();
    assert_eq!(ids(&table.list_by("amount", &cheap, 10).await.unwrap()), ["c"]);
    assert_eq!(ids(&table.list_by("words", &of(&[text("bob")]), 10).await.unwrap()), Vec::<&str>::new());
    assert_eq!(ids(&table.list_by("words", &of(&[text("dinner")]), 10).await.unwrap()), ["a"]);
    table.remove(&[&key(3, "a"), &key(9, "none")]).await.unwrap();
    assert_eq!((table.count(&all).await.unwrap(), table.count_by("amount", &all).await.unwrap()), (2, 2));
    assert_eq!(table.count_by("colour", &all).await.unwrap_err().code, Code::Malformed);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_unique_there_is_one_and_nothing_of_a_refused_put_is_there() {
    let server = TestServer::start().await;
    let alice = alice(&server).await;
    let table = expenses(&alice.client);
    table.put(some()).await.unwrap();
    for twice in [vec![expense("a", 9, 1.0, "x")], vec![expense("n", 7, 1.0, "x"), expense("n", 8, 1.0, "x")]] {
        assert_eq!(table.put(twice).await.unwrap_err().code, Code::NotUnique);
    }
    assert_eq!(table.count(&IndexQuery::default()).await.unwrap(), 3);
    // The same record again, and one that goes while another takes what it had, are no two.
    table.put(some()).await.unwrap();
    let moved = table.update(&key(3, "a"), |one| one.map(|one| Expense { id: "z".to_owned(), ..one })).await;
    assert_eq!(moved.unwrap_err().code, Code::Malformed, "that would be another record");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_change_one_record_at_once_all_count() {
    let server = TestServer::start().await;
    let [alice, bob] = [alice(&server).await, Person::signed_up("bob", &server).await];
    alice.client.share("books", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    expenses(&alice.client).put(some()).await.unwrap();
    let one_more = async |client: &Client| {
        let more = |one: Option<Expense>| one.map(|one| Expense { amount: one.amount + 1.0, ..one });
        expenses(client).update(&key(2, "c"), more).await.unwrap();
    };
    join_all((0..6).map(|turn| one_more(if turn % 2 == 0 { &alice.client } else { &bob.client }))).await;
    assert_eq!(expenses(&bob.client).get(&key(2, "c")).await.unwrap().unwrap().amount, 9.0);
    let nine = of(&[Part::Integer(9)]);
    assert_eq!(ids(&expenses(&alice.client).list_by("amount", &nine, 5).await.unwrap()), ["c"]);
    assert_eq!(expenses(&alice.client).count_by("amount", &IndexQuery::default()).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_records_than_are_read_at_once_are_all_found_in_order() {
    let server = TestServer::start().await;
    let alice = alice(&server).await;
    let table = expenses(&alice.client);
    let many = (0..1_234).map(|n| expense(&format!("{n:05}"), 1_234 - n, n as f64, "of many"));
    table.put(many).await.unwrap();
    let found = table.list_by("amount", &IndexQuery::default(), 1_100).await.unwrap();
    assert!(found.iter().zip(0..).all(|(one, n)| one.amount == f64::from(n)) && found.len() == 1_100);
    let last = IndexQuery { reverse: true, ..IndexQuery::default() };
    assert_eq!(ids(&table.list_by("amount", &last, 2).await.unwrap()), ["01233", "01232"]);
}
