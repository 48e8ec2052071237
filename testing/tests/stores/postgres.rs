//! PostgreSQL, as a member sees it, and what those try who are none: with the store, and by typing SQL.

use super::{Fixture, postgres_server::PostgresServer};
use futures_util::{FutureExt as _, future::BoxFuture};
use keyfold_client::stores::{PostgresStore, Store, StoreError, Swapped};
use keyfold_testing::numbered;
use sqlx::PgConnection;
use std::time::Duration;

struct Database {
    alice: PostgresStore,
    server: PostgresServer,
}

impl Fixture for Database {
    type Store = PostgresStore;

    async fn start() -> Option<Self> {
        let server = PostgresServer::start().await?;
        Some(Self { alice: server.store("alice", "").await, server })
    }

    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, PostgresStore> {
        async move {
            self.server.let_in(name, "alice", true).await;
            self.alice.scope(name).listed_after(Duration::ZERO)
        }
        .boxed()
    }
}

super::conforms!(Database);

const TABLES: [&str; 3] = ["keyfold_members", "keyfold_objects", "keyfold_references"];

/// A scope of alice with one object and one reference, and its version.
async fn of_alice(server: &PostgresServer) -> (PostgresStore, String) {
    server.let_in("of alice", "alice", true).await;
    let store = server.store("alice", "of alice").await.listed_after(Duration::ZERO);
    store.put(vec![numbered::object(1)]).await.unwrap();
    let Swapped::Done(version) = store.swap("root", None, vec![1]).await.unwrap() else { panic!() };
    (store, version)
}

/// That somebody finds nothing there, and changes nothing.
async fn is_kept_out(store: &PostgresStore, version: &str) {
    assert_eq!(store.get(&[numbered::id(1)]).await.unwrap(), [None]);
    assert_eq!(store.read("root").await.unwrap(), None);
    assert_eq!(store.list(None).await.unwrap(), []);
    assert!(matches!(store.put(vec![numbered::object(2)]).await, Err(StoreError::Denied(_))));
    // Also what is there already: its presence is not told.
    assert!(matches!(store.put(vec![numbered::object(1)]).await, Err(StoreError::Denied(_))));
    assert!(matches!(store.swap("root", None, vec![2]).await, Err(StoreError::Denied(_))));
    assert_eq!(store.swap("root", Some(version), vec![2]).await.unwrap(), Swapped::Stands(None));
    assert!(matches!(store.delete(&[numbered::id(1)]).await, Err(StoreError::Denied(_))));
}

async fn is_untouched(store: &PostgresStore, version: &str) {
    assert_eq!(store.get(&[numbered::id(1), numbered::id(2)]).await.unwrap(), [Some(numbered::object(1).1), None]);
    let stands = store.read("root").await.unwrap().unwrap();
    assert_eq!((stands.version.as_str(), &stands.bytes[..]), (version, &[1][..]));
}

/// The rows that somebody is shown of all tables.
async fn rows(connection: &mut PgConnection) -> Vec<i64> {
    let mut rows = Vec::new();
    for count in [
        "select count(*) from keyfold_members",
        "select count(*) from keyfold_objects",
        "select count(*) from keyfold_references",
    ] {
        rows.push(sqlx::query_scalar(count).fetch_one(&mut *connection).await.unwrap());
    }
    rows
}

/// The code with which something is refused: 42501, insufficient privilege.
async fn refused(connection: &mut PgConnection, statement: &'static str) -> Option<String> {
    let refused = sqlx::raw_sql(statement).execute(connection).await.err()?;
    Some(refused.as_database_error()?.code()?.into_owned())
}

#[tokio::test]
async fn who_is_no_member_reads_lists_and_writes_nothing() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    let mallory = server.store("mallory", "of alice").await.listed_after(Duration::ZERO);
    is_kept_out(&mallory, &version).await;
    assert_eq!(rows(&mut server.connect("mallory").await).await, [0, 0, 0]);
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn a_member_of_one_scope_sees_nothing_of_another() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    server.let_in("of mallory", "mallory", true).await;
    let own = server.store("mallory", "of mallory").await.listed_after(Duration::ZERO);
    own.put(vec![numbered::object(1)]).await.unwrap();
    is_kept_out(&own.scope("of alice"), &version).await;
    assert_eq!(own.list(None).await.unwrap(), [numbered::id(1)]);
    // Membership: his own; objects and references: his.
    let mut typing = server.connect("mallory").await;
    assert_eq!(rows(&mut typing).await, [1, 1, 0]);
    let away = "update keyfold_objects set scope = 'of alice'";
    assert_eq!(refused(&mut typing, away).await.as_deref(), Some("42501"));
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn who_may_only_read_reads_and_does_not_write() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    server.let_in("of alice", "bob", false).await;
    let bob = server.store("bob", "of alice").await.listed_after(Duration::ZERO);
    is_untouched(&bob, &version).await;
    assert_eq!(bob.list(None).await.unwrap(), [numbered::id(1)]);
    assert!(matches!(bob.put(vec![numbered::object(2)]).await, Err(StoreError::Denied(_))));
    assert!(matches!(bob.swap("root", Some(&version), vec![2]).await, Err(StoreError::Denied(_))));
    assert!(matches!(bob.swap("another", None, vec![2]).await, Err(StoreError::Denied(_))));
    assert!(matches!(bob.delete(&[numbered::id(1)]).await, Err(StoreError::Denied(_))));
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn nobody_who_logs_in_becomes_another_by_saying_so() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    let mut typing = server.connect("mallory").await;
    for lie in [
        "select set_config('keyfold.user', 'alice', false)",
        r#"select set_config('request.jwt.claims', '{"sub":"alice"}', false)"#,
        "select set_config('request.jwt.claim.sub', 'alice', false)",
        "set application_name = 'alice'",
    ] {
        assert_eq!(refused(&mut typing, lie).await, None);
        assert_eq!(rows(&mut typing).await, [0, 0, 0], "{lie}");
    }
    for climb in ["set role alice", "set role keyfold_gateway", "set session authorization alice"] {
        assert_eq!(refused(&mut typing, climb).await.as_deref(), Some("42501"), "{climb}");
    }
    // The store that a gateway uses, in the hands of somebody who is none.
    let mallory = PostgresStore::connect_for(&server.url("mallory"), "of alice", "alice").await.unwrap();
    is_kept_out(&mallory.listed_after(Duration::ZERO), &version).await;
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn nobody_makes_himself_a_member() {
    let Some(server) = PostgresServer::start().await else { return };
    let (_, _) = of_alice(&server).await;
    server.let_in("of alice", "bob", false).await;
    let mut typing = server.connect("bob").await;
    for statement in [
        "insert into keyfold_members values ('of alice', 'mallory', true)",
        "update keyfold_members set may_write = true",
        "delete from keyfold_members",
        "create or replace function public.keyfold_user() returns text language sql as $$ select 'alice' $$",
        "drop policy keyfold_read on keyfold_objects",
        "alter table keyfold_objects disable row level security",
        "grant keyfold_gateway to bob",
    ] {
        assert_eq!(refused(&mut typing, statement).await.as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn a_member_changes_no_object_chooses_no_version_and_empties_no_table() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    let mut typing = server.connect("alice").await;
    for statement in [
        "update keyfold_objects set bytes = ''",
        "insert into keyfold_objects (scope, id, bytes) select scope, id, '' from keyfold_objects \
         on conflict (scope, id) do update set bytes = ''",
        "insert into keyfold_objects (scope, id, bytes, stored_at) values ('of alice', '', '', now())",
        "update keyfold_references set version = gen_random_uuid()",
        "update keyfold_references set name = 'another'",
        "delete from keyfold_references",
        "truncate keyfold_objects",
        "truncate keyfold_references",
    ] {
        assert_eq!(refused(&mut typing, statement).await.as_deref(), Some("42501"), "{statement}");
    }
    is_untouched(&alice, &version).await;
    // The same id with other bytes: the first ones stay.
    alice.put(vec![(numbered::id(1), vec![0])]).await.unwrap();
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn a_gateway_is_believed_whose_request_it_is() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    let service = server.url("service");
    let as_user = |user| PostgresStore::connect_for(&service, "of alice", user);
    is_untouched(&as_user("alice").await.unwrap(), &version).await;
    is_kept_out(&as_user("mallory").await.unwrap().listed_after(Duration::ZERO), &version).await;
    // Who names nobody is nobody.
    is_kept_out(&server.store("service", "of alice").await.listed_after(Duration::ZERO), &version).await;
    is_untouched(&alice, &version).await;
}

/// What Supabase has before anything is done there: its roles, and its way with new tables.
const SUPABASE: &[&str] = &[
    "create role anon nologin",
    "create role authenticated nologin",
    "create role authenticator login noinherit",
    "grant anon, authenticated to authenticator",
    "alter default privileges in schema public grant all on tables to anon, authenticated",
];

/// A request that comes through PostgREST: the role and the claims of a token that it has checked.
async fn request(server: &PostgresServer, role: &'static str, claims: &str) -> PgConnection {
    let mut connection = server.connect("authenticator").await;
    let claimed = sqlx::query("select set_config('request.jwt.claims', $1, false), set_config('role', $2, false)");
    claimed.bind(claims).bind(role).execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn on_supabase_a_token_says_who_it_is_and_nobody_else_gets_in() {
    let Some(server) = PostgresServer::start_with(SUPABASE).await else { return };
    let (store, version) = of_alice(&server).await;
    let mut alice = request(&server, "authenticated", r#"{"sub":"alice","role":"authenticated"}"#).await;
    assert_eq!(rows(&mut alice).await, [1, 1, 1]);
    assert_eq!(refused(&mut alice, "truncate keyfold_objects").await.as_deref(), Some("42501"));
    assert_eq!(refused(&mut alice, "update keyfold_objects set bytes = ''").await.as_deref(), Some("42501"));
    for claims in [r#"{"sub":"mallory"}"#, "{}", ""] {
        let mut mallory = request(&server, "authenticated", claims).await;
        assert_eq!(rows(&mut mallory).await, [0, 0, 0], "{claims}");
    }
    let mut anonymous = request(&server, "anon", "{}").await;
    for table in TABLES {
        let read = sqlx::query(sqlx::AssertSqlSafe(format!("select from {table}"))).execute(&mut anonymous).await;
        assert!(read.is_err_and(|e| e.as_database_error().is_some_and(|e| e.code().as_deref() == Some("42501"))));
    }
    is_untouched(&store, &version).await;
}

#[tokio::test]
async fn who_is_put_out_is_out_at_once() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, version) = of_alice(&server).await;
    server.let_in("of alice", "mallory", true).await;
    let mallory = server.store("mallory", "of alice").await.listed_after(Duration::ZERO);
    is_untouched(&mallory, &version).await;
    let out = sqlx::raw_sql("delete from keyfold_members where user_id = 'mallory'");
    out.execute(&mut server.connect("owner").await).await.unwrap();
    is_kept_out(&mallory, &version).await;
    is_untouched(&alice, &version).await;
}

#[tokio::test]
async fn what_is_younger_than_an_hour_is_not_listed() {
    let Some(server) = PostgresServer::start().await else { return };
    let (_, _) = of_alice(&server).await;
    let store = server.store("alice", "of alice").await;
    store.put((1..4).map(numbered::object).collect()).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), []);
    let age = sqlx::query("update keyfold_objects set stored_at = stored_at - interval '61 minutes' where id = $1");
    age.bind(&numbered::id(2).0[..]).execute(&mut server.connect("owner").await).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), [numbered::id(2)]);
}

#[tokio::test]
async fn a_database_without_the_tables_says_so() {
    let Some(server) = PostgresServer::start().await else { return };
    let (alice, _) = of_alice(&server).await;
    let mut owner = server.connect("owner").await;
    sqlx::raw_sql("drop table keyfold_objects").execute(&mut owner).await.unwrap();
    assert!(matches!(alice.get(&[numbered::id(1)]).await, Err(StoreError::Denied(_))));
    let nobody = PostgresStore::connect(&server.url("nobody"), "of alice").await;
    assert!(matches!(nobody, Err(StoreError::Denied(_))), "{nobody:?}");
}
