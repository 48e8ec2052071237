//! A server that tells PostgreSQL who is in which keychain: the policies there then let in whom the keychain lets in, and
//! nobody else, also after the server or the database was away.

use super::postgres_server::PostgresServer;
use keyfold_client::{
    Algorithm, PermissionFlags, ShareKeys, ShareOptions,
    stores::{PostgresStore, Store, StoreError},
};
use keyfold_server::{Config, DatabaseAddress, Server};
use keyfold_testing::{
    numbered,
    people::{Person, TestServer},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TRIES: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(25);

/// A database, and a server that tells it.
struct Town {
    database: PostgresServer,
    server: TestServer,
    clerk: String,
}

impl Town {
    async fn start() -> Option<Self> {
        let database = PostgresServer::start_with(&["create role clerk login"]).await?;
        let grant = "grant keyfold_clerk to clerk";
        sqlx::raw_sql(grant).execute(&mut database.connect("owner").await).await.unwrap();
        let clerk = database.url("clerk");
        let server = TestServer::start_with(|config| config.members = Some(DatabaseAddress(clerk.clone()))).await;
        Some(Self { database, server, clerk })
    }

    /// Who stands in the table for a keychain, and whether he may write.
    async fn told(&self, keychain: &str) -> Vec<(String, bool)> {
        sqlx::query_as("select user_id, may_write from keyfold_members where scope = $1 order by user_id")
            .bind(keychain)
            .fetch_all(&mut self.database.connect("owner").await)
            .await
            .unwrap()
    }

    /// Waits until it is these.
    async fn tells(&self, keychain: &str, members: &[(&str, bool)]) {
        let members: Vec<(String, bool)> = members.iter().map(|(name, may)| ((*name).to_owned(), *may)).collect();
        let mut told = Vec::new();
        for _ in 0..TRIES {
            told = self.told(keychain).await;
            if told == members {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{told:?} was told, and not {members:?}");
    }

    async fn share(&self, from: &Person, to: &Person, options: ShareOptions) {
        from.client.share("notes", &[&to.name], ShareKeys::All, options).await.unwrap();
        to.client.sync().await.unwrap();
    }
}

async fn puts(store: &PostgresStore) -> Result<(), StoreError> {
    store.put(vec![numbered::object(1)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_keychain_is_let_in_and_who_is_banned_is_put_out() {
    let Some(town) = Town::start().await else { return };
    let [alice, bob] = [Person::signed_up("alice", &town.server).await, Person::signed_up("bob", &town.server).await];
    let kc = alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap().keychain_fingerprint;
    town.tells(&kc, &[("alice", true)]).await;
    let [hers, his] = [town.database.store("alice", &kc).await, town.database.store("bob", &kc).await];
    puts(&hers).await.unwrap();
    assert_eq!(his.get(&[numbered::id(1)]).await.unwrap(), [None], "he is no member");

    town.share(&alice, &bob, ShareOptions { read_only: true, ..ShareOptions::default() }).await;
    town.tells(&kc, &[("alice", true), ("bob", false)]).await;
    assert_eq!(his.get(&[numbered::id(1)]).await.unwrap(), [Some(numbered::object(1).1)]);
    assert!(matches!(puts(&his).await, Err(StoreError::Denied(_))));

    alice.client.ban("notes", "bob").await.unwrap();
    town.tells(&kc, &[("alice", true)]).await;
    assert_eq!(his.get(&[numbered::id(1)]).await.unwrap(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_through_groups_is_told_and_goes_with_them() {
    let Some(town) = Town::start().await else { return };
    let [alice, bob] = [Person::signed_up("alice", &town.server).await, Person::signed_up("bob", &town.server).await];
    alice.client.create_group("team", 100).await.unwrap();
    let kc = alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap().keychain_fingerprint;
    alice.client.share("notes", &["group:team"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    alice.client.sync().await.unwrap();
    town.tells(&kc, &[("alice", true)]).await;
    alice.client.share("group:team", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    town.tells(&kc, &[("alice", true), ("bob", true)]).await;
    alice.client.ban("group:team", "bob").await.unwrap();
    town.tells(&kc, &[("alice", true)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_for_a_time_is_put_out_when_it_is_up() {
    let Some(town) = Town::start().await else { return };
    let [alice, bob] = [Person::signed_up("alice", &town.server).await, Person::signed_up("bob", &town.server).await];
    let kc = alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap().keychain_fingerprint;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let options = ShareOptions {
        expires_at: Some(now + 6_000),
        permissions: PermissionFlags::default(),
        ..ShareOptions::default()
    };
    town.share(&alice, &bob, options).await;
    town.tells(&kc, &[("alice", true), ("bob", true)]).await;
    town.tells(&kc, &[("alice", true)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_database_was_away_or_the_server_knew_none_is_told_later() {
    let Some(mut town) = Town::start().await else { return };
    let [alice, bob] = [Person::signed_up("alice", &town.server).await, Person::signed_up("bob", &town.server).await];
    let kc = alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap().keychain_fingerprint;
    town.tells(&kc, &[("alice", true)]).await;
    // Rows of others are left alone, also where they look like a keychain's.
    town.database.let_in("contacts", "bob", true).await;

    let mut owner = town.database.connect("owner").await;
    sqlx::raw_sql("alter table keyfold_members rename to away").execute(&mut owner).await.unwrap();
    town.share(&alice, &bob, ShareOptions::default()).await;
    sqlx::raw_sql("alter table away rename to keyfold_members").execute(&mut owner).await.unwrap();
    town.tells(&kc, &[("alice", true), ("bob", true)]).await;

    // It is started without a database, and then with it again.
    town.server = town.server.restart_with(|config| config.members = None).await;
    alice.client.ban("notes", "bob").await.unwrap();
    assert_eq!(town.told(&kc).await.len(), 2);
    let clerk = town.clerk.clone();
    town.server = town.server.restart_with(|config| config.members = Some(DatabaseAddress(clerk))).await;
    town.tells(&kc, &[("alice", true)]).await;
    assert_eq!(town.told("contacts").await, [("bob".to_owned(), true)]);
}

#[tokio::test]
async fn a_server_whose_database_of_members_cannot_be_written_does_not_start_and_says_why() {
    let Some(town) = Town::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    for role in ["mallory", "alice"] {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            members: Some(DatabaseAddress(town.database.url(role))),
            ..Config::new(folder.path().join("data"))
        };
        let refused = Server::start(config).await.err().unwrap().to_string();
        assert!(refused.contains("permission denied for table keyfold_members"), "{refused}");
    }
}
