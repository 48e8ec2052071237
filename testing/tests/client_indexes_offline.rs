//! Indexes that are written while the server is not reached: real clients, each call that matters of another process, and
//! real servers that are stopped, or whose lines are cut. Nothing that was written is lost, and nobody is told that it is
//! there before it is.

use keyfold_client::{Changes, Client, Code, IndexQuery, Records, Schema, ShareKeys, ShareOptions, key::Part};
use keyfold_testing::{
    evil::{EvilServer, ServerKey},
    people::{Person, TestServer},
    table::{put, table, word},
};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// Keys and values, in order: `key=value`.
async fn all(client: &Client) -> Vec<String> {
    let mut entries = Vec::new();
    let see = |key: Vec<Part>, value: &[u8]| {
        let [Part::Text(key)] = &key[..] else { panic!("{key:?}") };
        entries.push(format!("{key}={}", String::from_utf8_lossy(value)));
        Ok(())
    };
    table(client).each(&IndexQuery::default(), usize::MAX, see).await.unwrap();
    entries
}

async fn waiting(client: &Client) -> u64 {
    table(client).waiting().await.unwrap()
}

/// A server, and a line to it for each of two people, in whose keychain `notes` both write.
struct World {
    _server: TestServer,
    lines: [EvilServer; 2],
    people: [Person; 2],
}

impl World {
    /// `k` is 0, bob has seen that, and his line is down since.
    async fn with_bob_away() -> Self {
        let world = Self::start().await;
        let [alice, bob] = &world.people;
        put(&alice.client, "k", "0").await;
        all(&bob.client).await;
        world.lines[1].be_down(true);
        world
    }

    async fn start() -> Self {
        let server = TestServer::start().await;
        let line = async || {
            EvilServer::start(&server.running.address().to_string(), ServerKey::in_folder(&server.secrets())).await
        };
        let lines = [line().await, line().await];
        let people = [Person::new("alice"), Person::new("bob")];
        for (person, line) in people.iter().zip(&lines) {
            person.sign_up(&line.url(), Some(&server.key())).await;
        }
        people[0].keychain("notes").await;
        people[0].client.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
        people[1].client.sync().await.unwrap();
        Self { _server: server, lines, people }
    }

    fn cut(&self, is_cut: bool) {
        self.lines.iter().for_each(|line| line.be_down(is_cut));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_server_is_away_is_seen_at_once_and_reaches_everybody_when_it_is_back() {
    let server = TestServer::start().await;
    let [alice, bob] = [Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await];
    alice.keychain("notes").await;
    alice.client.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    let text = alice.client.enroll_new_device(None, None).await.unwrap();
    let phone = Person::new("alice");
    phone.client.register_enrolled_device(&text).await.unwrap();
    phone.client.sync().await.unwrap();
    for (key, value) in [("apple", "1"), ("pear", "1"), ("plum", "1")] {
        put(&alice.client, key, value).await;
    }
    for device in [&alice, &phone, &bob] {
        assert_eq!(all(&device.client).await.len(), 3);
        assert_eq!(waiting(&device.client).await, 0);
    }
    let server = server
        .restart_after(async || {
            put(&alice.client, "fig", "alice's").await;
            put(&phone.again(), "pear", "the phone's").await;
            put(&bob.client, "kiwi", "bob's").await;
            assert!(table(&bob.client).remove(&word("plum")).await.unwrap());
            assert!(!table(&bob.client).remove(&word("nothing")).await.unwrap());
            // At once, in the same process and in one that was just started.
            for client in [&bob.client, &bob.again()] {
                assert_eq!(all(client).await, ["apple=1", "kiwi=bob's", "pear=1"]);
                let index = table(client);
                assert_eq!(index.get(&word("kiwi")).await.unwrap().unwrap().as_slice(), b"bob's");
                assert_eq!(index.get(&word("plum")).await.unwrap(), None);
                let [kiwi, plum] = [word("kiwi"), word("plum")];
                let both = index.get_many(&[&kiwi, &plum]).await.unwrap();
                assert_eq!(both.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
                assert_eq!(index.count(&IndexQuery::default()).await.unwrap(), 3);
                let second = IndexQuery { skip: 1, ..IndexQuery::default() };
                assert_eq!(index.count(&second).await.unwrap(), 2);
                assert!(index.is_offline());
                assert_eq!(index.waiting().await.unwrap(), 3);
                assert_eq!(index.flush().await.unwrap_err().code, Code::ServerUnavailable);
            }
            // Whoever wants what is so now, or nothing, is told that it cannot be had.
            let current = table(&bob.client).only_current();
            for refused in [
                current.get(&word("kiwi")).await.map(drop),
                current.put(&word("kiwi"), b"2").await,
                current.remove(&word("kiwi")).await.map(drop),
            ] {
                assert_eq!(refused.unwrap_err().code, Code::ServerUnavailable);
            }
            assert_eq!(waiting(&bob.client).await, 3);
        })
        .await;
    // Reading is enough.
    assert_eq!(all(&bob.client).await, ["apple=1", "kiwi=bob's", "pear=1"]);
    assert!(!table(&bob.client).is_offline());
    phone.client.index("notes", "table").flush().await.unwrap();
    put(&alice.again(), "quince", "online").await;
    let everything = ["apple=1", "fig=alice's", "kiwi=bob's", "pear=the phone's", "quince=online"];
    for client in [&alice.client, &phone.client, &bob.client, &bob.again()] {
        assert_eq!(all(client).await, everything);
        assert_eq!(waiting(client).await, 0);
        assert!(table(client).check().await.unwrap().wrong.is_empty());
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_wrote_the_same_offline_end_with_what_came_last_whoever_is_back_first() {
    for first in [0, 1] {
        let world = World::start().await;
        put(&world.people[0].client, "same", "before").await;
        for person in &world.people {
            all(&person.client).await;
        }
        world.cut(true);
        for person in &world.people {
            put(&person.client, "same", "not the last").await;
            put(&person.client, &format!("own {}", person.name), "1").await;
            // Nothing is closed: as if the process had been killed.
            put(&person.again(), "same", &person.name).await;
            assert_eq!(waiting(&person.again()).await, 3);
        }
        let last = 1 - first;
        world.lines[first].be_down(false);
        let one = world.people[first].again();
        assert_eq!(all(&one).await.len(), 2, "the other one is still away");
        assert_eq!(all(&world.people[last].client).await.len(), 2);
        world.lines[last].be_down(false);
        let expected = ["own alice=1".to_owned(), "own bob=1".to_owned(), format!("same={}", world.people[last].name)];
        assert_eq!(all(&world.people[last].again()).await, expected);
        assert_eq!(all(&world.people[first].client).await, expected);
        for person in &world.people {
            assert_eq!(waiting(&person.client).await, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_commit_goes_out_whole_and_in_its_order_also_where_the_line_breaks_in_between() {
    let world = World::start().await;
    let [alice, bob] = &world.people;
    put(&alice.client, "counted", "0").await;
    all(&bob.client).await;
    world.lines[1].be_down(true);
    for n in 1..=4 {
        let mut changes = Changes::new();
        changes.put(&word("counted"), n.to_string().as_bytes()).unwrap();
        changes.put(&word(&format!("row {n}")), b"new").unwrap().remove(&word(&format!("row {}", n - 1))).unwrap();
        table(&bob.client).commit(&changes).await.unwrap();
    }
    world.lines[1].be_down(false);
    for n in 1..=4 {
        // One gets through; the next one never arrives.
        let mut swaps = 0;
        world.lines[1].withhold(move |asked| {
            swaps += usize::from(asked.path.ends_with("/references/swap"));
            swaps > 1
        });
        let sent = table(&bob.again()).flush().await;
        assert_eq!(sent.is_ok(), n == 4, "{sent:?}");
        assert_eq!(waiting(&bob.again()).await, 4 - n);
        assert_eq!(all(&alice.client).await, [format!("counted={n}"), format!("row {n}=new")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_answered_is_sent_again_and_is_there_once() {
    let world = World::with_bob_away().await;
    let [alice, bob] = &world.people;
    put(&bob.client, "k", "1").await;
    world.lines[1].be_down(false);
    let mut is_cut = false;
    world.lines[1].lie(move |asked, answer| {
        is_cut |= asked.path.ends_with("/references/swap");
        if is_cut {
            (answer.status, answer.signed) = (502, false);
        }
    });
    table(&bob.again()).flush().await.unwrap_err();
    assert_eq!(all(&alice.client).await, ["k=1"]);
    assert_eq!(waiting(&bob.client).await, 1);
    world.lines[1].be_honest();
    table(&bob.again()).flush().await.unwrap();
    assert_eq!(waiting(&bob.client).await, 0);
    assert_eq!(all(&alice.client).await, ["k=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_of_a_home_write_offline_and_come_back_at_once_and_the_last_of_each_key_stays() {
    let world = World::with_bob_away().await;
    let [alice, bob] = &world.people;
    let work = async |number: u32| {
        let client = bob.again();
        for round in 0..6 {
            put(&client, &format!("key {number}"), &round.to_string()).await;
        }
    };
    futures_util::future::join_all((0..4).map(work)).await;
    assert_eq!(waiting(&bob.client).await, 24);
    world.lines[1].be_down(false);
    let come_back = async |number: u32| {
        let client = bob.again();
        assert_eq!(all(&client).await.len(), 5);
        put(&client, &format!("key {number}"), "online").await;
    };
    futures_util::future::join_all((0..3).map(come_back)).await;
    assert_eq!(all(&alice.client).await, ["k=0", "key 0=online", "key 1=online", "key 2=online", "key 3=5"]);
    assert_eq!(waiting(&bob.client).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_out_meanwhile_is_refused_by_name_and_his_changes_wait_until_he_gives_them_up() {
    let world = World::with_bob_away().await;
    let [alice, bob] = &world.people;
    put(&bob.client, "k", "bob's").await;
    alice.client.ban("notes", "bob").await.unwrap();
    world.lines[1].be_down(false);
    for client in [&bob.client, &bob.again()] {
        let refused = table(client).flush().await.unwrap_err();
        assert_eq!(refused.code.as_str(), "AuthorBanned", "{refused}");
        assert!(refused.message.contains("waited") && refused.message.contains("banned"), "{refused}");
        assert_eq!(table(client).put(&word("k"), b"again").await.unwrap_err().code.as_str(), "AuthorBanned");
        assert_eq!(waiting(client).await, 1);
    }
    assert_eq!(all(&alice.client).await, ["k=0"]);
    assert_eq!(table(&bob.again()).give_up().await.unwrap(), 1);
    assert_eq!(waiting(&bob.client).await, 0);
    table(&bob.client).flush().await.unwrap();

    // Who may only read now is refused too, and goes on reading.
    let world = World::with_bob_away().await;
    let [alice, bob] = &world.people;
    put(&bob.client, "k", "bob's").await;
    alice.client.ban("notes", "bob").await.unwrap();
    let reading = ShareOptions { read_only: true, ..ShareOptions::default() };
    alice.client.share("notes", &["bob"], ShareKeys::All, reading).await.unwrap();
    put(&alice.client, "l", "1").await;
    world.lines[1].be_down(false);
    bob.client.sync().await.unwrap();
    assert_eq!(table(&bob.client).flush().await.unwrap_err().code, Code::NotAllowed);
    assert_eq!(all(&bob.client).await, ["k=bob's", "l=1"], "what waits is seen as long as it does");
    assert_eq!(table(&bob.client).give_up().await.unwrap(), 1);
    assert_eq!(all(&bob.client).await, ["k=0", "l=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_this_device_never_saw_and_one_that_it_may_only_read_are_not_written_offline() {
    let world = World::start().await;
    let [alice, bob] = &world.people;
    let reading = ShareOptions { read_only: true, ..ShareOptions::default() };
    put(&alice.client, "k", "0").await;
    let books = alice.keychain("books").await;
    assert_eq!(books.purpose, "books");
    alice.client.share("books", &["bob"], ShareKeys::All, reading).await.unwrap();
    bob.client.sync().await.unwrap();
    alice.client.index("books", "table").put(&word("k"), b"0").await.unwrap();
    let read_only = bob.client.index("books", "table");
    assert!(read_only.get(&word("k")).await.unwrap().is_some());
    world.cut(true);
    let refused = table(&bob.client).put(&word("k"), b"1").await.unwrap_err();
    assert_eq!((refused.code, refused.retryable()), (Code::ServerUnavailable, true));
    assert_eq!(read_only.put(&word("k"), b"1").await.unwrap_err().code, Code::NotAllowed);
    assert_eq!((waiting(&bob.client).await, read_only.waiting().await.unwrap()), (0, 0));
    // Too long is too long, now and later.
    assert_eq!(table(&alice.client).put(&word("k"), &vec![0; (1 << 20) + 1]).await.unwrap_err().code, Code::TooLarge);
    let mut much = Changes::new();
    for n in 0..5 {
        much.put(&word(&n.to_string()), &vec![0; 1 << 20]).unwrap();
    }
    assert_eq!(table(&alice.client).commit(&much).await.unwrap_err().code, Code::ServerUnavailable);
    assert_eq!(waiting(&alice.client).await, 0);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_what_waits_can_be_read_in_the_files_of_a_home() {
    let world = World::with_bob_away().await;
    let [_, bob] = &world.people;
    put(&bob.client, "an unusual key", "an unheard of value").await;
    put(&bob.client, "long", &"an unheard of value".repeat(1_000)).await;
    let seen = files(&bob.home());
    assert!(seen.iter().any(|file| file.ends_with("home.redb")));
    for file in seen {
        let bytes = fs::read(&file).unwrap();
        for text in [&b"unusual"[..], b"unheard", b"table"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text), "{}", file.display());
        }
    }
    assert_eq!(all(&bob.again()).await.len(), 3);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Expense {
    id: String,
    amount: i64,
    tag: String,
}

fn expense(id: &str, amount: i64, tag: &str) -> Expense {
    Expense { id: id.to_owned(), amount, tag: tag.to_owned() }
}

/// By amount, and by a tag that no two have.
fn expenses(client: &Client) -> Records<Expense> {
    let schema = Schema::new(|one: &Expense| word(&one.id).to_vec())
        .by("amount", |one| vec![vec![Part::Integer(one.amount)]])
        .unique("tag", |one| vec![word(&one.tag).to_vec()]);
    client.records("notes", "table", schema)
}

/// `id amount tag` in the order of amounts, with what each is found by counted.
async fn by_amount(table: &Records<Expense>) -> Vec<String> {
    let every = IndexQuery::default();
    let found = table.list_by("amount", &every, 100).await.unwrap();
    let count = found.len() as u64;
    assert_eq!(table.count(&every).await.unwrap(), count);
    assert_eq!(table.count_by("amount", &every).await.unwrap(), count);
    assert_eq!(table.count_by("tag", &every).await.unwrap(), count);
    assert_eq!(table.list(&every, 100).await.unwrap().len() as u64, count);
    found.iter().map(|one| format!("{} {} {}", one.id, one.amount, one.tag)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_put_offline_are_found_by_what_is_so_when_they_arrive() {
    let world = World::start().await;
    let [alice, bob] = &world.people;
    let [hers, his] = [expenses(&alice.client), expenses(&bob.client)];
    hers.put([expense("a", 10, "one"), expense("b", 20, "two"), expense("c", 30, "three")]).await.unwrap();
    assert_eq!(by_amount(&his).await, ["a 10 one", "b 20 two", "c 30 three"]);
    world.lines[1].be_down(true);
    his.put([expense("a", 25, "one"), expense("d", 5, "four")]).await.unwrap();
    his.remove(&[&word("c"), &word("z")]).await.unwrap();
    for table in [&his, &expenses(&bob.again())] {
        assert_eq!(by_amount(table).await, ["d 5 four", "b 20 two", "a 25 one"]);
        assert_eq!(table.waiting().await.unwrap(), 2);
        // What depends on what stands there does not wait.
        let more = |one: Option<Expense>| one.map(|one| Expense { amount: one.amount + 1, ..one });
        assert_eq!(table.update(&word("a"), more).await.unwrap_err().code, Code::ServerUnavailable);
        assert_eq!(table.put([expense("e", 1, "two")]).await.unwrap_err().code, Code::NotUnique);
        assert_eq!(table.waiting().await.unwrap(), 2);
    }
    // Others write the same records meanwhile, and one that he takes away.
    hers.put([expense("a", 99, "one"), expense("z", 98, "last")]).await.unwrap();
    hers.update(&word("c"), |one| one.map(|one| Expense { amount: 97, ..one })).await.unwrap();
    assert_eq!(by_amount(&hers).await, ["b 20 two", "c 97 three", "z 98 last", "a 99 one"]);
    world.lines[1].be_down(false);
    let after = ["d 5 four", "b 20 two", "a 25 one"];
    // The library that knows no schema shows it, and does not send it.
    let plain = table(&bob.again());
    assert!(plain.get(&word("d")).await.unwrap().is_some());
    for refused in [plain.flush().await, plain.put(&word("q"), b"{}").await] {
        assert_eq!(refused.unwrap_err().code, Code::Unsupported);
    }
    assert_eq!(plain.waiting().await.unwrap(), 2);
    assert_eq!(by_amount(&expenses(&bob.again())).await, after);
    assert_eq!(by_amount(&hers).await, after);
    assert_eq!(his.waiting().await.unwrap(), 0);
    assert_eq!(by_amount(&his).await, after);
    assert!(table(&alice.client).check().await.unwrap().wrong.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_took_what_only_one_may_have_the_second_is_told_and_loses_nothing() {
    for first in [0, 1] {
        let world = World::start().await;
        let tables = [expenses(&world.people[0].client), expenses(&world.people[1].client)];
        tables[0].put([expense("a", 10, "one")]).await.unwrap();
        by_amount(&tables[1]).await;
        world.cut(true);
        for (person, table) in world.people.iter().zip(&tables) {
            table.put([expense(&person.name, 1, "same")]).await.unwrap();
            table.put([expense(&format!("{} too", person.name), 2, &person.name)]).await.unwrap();
        }
        world.cut(false);
        let [one, other] = [first, 1 - first].map(|at| &world.people[at]);
        expenses(&one.again()).flush().await.unwrap();
        let second = expenses(&other.again());
        let refused = second.flush().await.unwrap_err();
        assert_eq!(refused.code, Code::NotUnique);
        assert!(refused.message.contains("tag") && refused.message.contains("waited"), "{refused}");
        // It is in nobody's way but his own, and he still sees it.
        assert_eq!(second.waiting().await.unwrap(), 2);
        assert_eq!(second.get(&word(&other.name)).await.unwrap().unwrap().tag, "same");
        assert_eq!(second.put([expense("x", 1, "x")]).await.unwrap_err().code, Code::NotUnique);
        let found = by_amount(&expenses(&one.client)).await;
        assert_eq!(found, [format!("{} 1 same", one.name), format!("{0} too 2 {0}", one.name), "a 10 one".to_owned()]);
        // Once the other one lets go of it, it goes out, and so does what is behind it.
        expenses(&one.client).remove(&[&word(&one.name)]).await.unwrap();
        second.put([expense("x", 1, "x")]).await.unwrap();
        assert_eq!(second.waiting().await.unwrap(), 0);
        assert_eq!(by_amount(&expenses(&one.client)).await, by_amount(&second).await);
        assert_eq!(by_amount(&second).await.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_under_a_key_that_is_not_held_any_more_keeps_nobody_from_reading() {
    let world = World::with_bob_away().await;
    let [alice, bob] = &world.people;
    put(&bob.client, "k", "bob's").await;
    alice.client.ban("notes", "bob").await.unwrap();
    alice.client.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    put(&alice.client, "l", "1").await;
    world.lines[1].be_down(false);
    bob.client.sync().await.unwrap();
    let again = bob.again();
    assert_eq!(all(&again).await, ["k=0", "l=1"]);
    assert_eq!(waiting(&again).await, 1);
    for refused in [table(&again).put(&word("m"), b"1").await.unwrap_err(), table(&again).flush().await.unwrap_err()] {
        assert_eq!(refused.code, Code::NoKey, "{refused}");
        assert!(refused.message.contains("waited"), "{refused}");
    }
    assert_eq!(table(&again).give_up().await.unwrap(), 1);
    put(&again, "m", "1").await;
    assert_eq!(all(&alice.client).await, ["k=0", "l=1", "m=1"]);
}
