//! What vaults store: who may read, who may write, and what a swap promises.

use crate::support::{Person, TEAM, Town, code};
use keyfold_format::{ObjectId, Permissions, ScopeId, id::hash, label::HashLabel, scope::KEYCHAIN_RANK, scope::Op};
use keyfold_protocol::{
    Code, limits, route,
    signing::Method,
    wire::{
        DeleteObjects, ListObjects, ListReferences, ObjectIds, Objects, PutObjects, ReadObjects, ReadReference,
        Reference, ReferenceNames, ReferenceNow, SwapReference, Swapped,
    },
};

fn id(bytes: &[u8]) -> ObjectId {
    ObjectId(hash(HashLabel::Object, &[bytes]))
}

/// A keychain's storage, asked by somebody.
struct Storage<'t> {
    town: &'t Town,
    who: &'t Person,
    scope: ScopeId,
}

impl Storage<'_> {
    async fn post(&self, path: String, body: Vec<u8>) -> Result<Vec<u8>, Code> {
        let answer = self.who.ask(&self.town.world, Method::Post, &path, body).await;
        if answer.status == 200 { Ok(answer.body) } else { Err(code(&answer)) }
    }

    async fn put(&self, objects: &[&[u8]]) -> Result<(), Code> {
        let objects = objects.iter().map(|bytes| bytes.to_vec()).collect();
        self.post(route::objects(&self.scope), PutObjects { objects }.encode()).await.map(drop)
    }

    async fn read(&self, ids: &[ObjectId]) -> Result<Vec<Vec<u8>>, Code> {
        let body = ReadObjects { ids: ids.to_vec() }.encode();
        self.post(route::read_objects(&self.scope), body).await.map(|body| Objects::decode(&body).unwrap().objects)
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), Code> {
        let body = DeleteObjects { ids: ids.to_vec() }.encode();
        self.post(route::delete_objects(&self.scope), body).await.map(drop)
    }

    async fn list(&self) -> Result<Vec<ObjectId>, Code> {
        let body = ListObjects { after: None, age_ms: 0 }.encode();
        self.post(route::list_objects(&self.scope), body).await.map(|body| ObjectIds::decode(&body).unwrap().ids)
    }

    async fn names(&self, after: Option<&str>) -> Result<Vec<String>, Code> {
        let body = ListReferences { after: after.map(str::to_owned) }.encode();
        let answer = self.post(route::list_references(&self.scope), body).await?;
        Ok(ReferenceNames::decode(&answer).unwrap().names)
    }

    async fn stands(&self, name: &str) -> Result<Option<Reference>, Code> {
        let body = ReadReference { name: name.to_owned() }.encode();
        let answer = self.post(route::read_reference(&self.scope), body).await?;
        Ok(ReferenceNow::decode(&answer).unwrap().reference)
    }

    async fn swap(&self, name: &str, expected: Option<u64>, bytes: &[u8]) -> Result<Swapped, Code> {
        let body = SwapReference { name: name.to_owned(), expected, bytes: bytes.to_vec() }.encode();
        self.post(route::swap_reference(&self.scope), body).await.map(|body| Swapped::decode(&body).unwrap())
    }
}

#[tokio::test]
async fn references_are_listed_by_name_to_members_alone() {
    let mut town = Town::start().await;
    let [alice, bob] = [town.person("alice").await, town.person("bob").await];
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    let others = town.found(&alice, KEYCHAIN_RANK).await;
    let own = Storage { town: &town, who: &alice, scope: notes };
    assert_eq!(own.names(None).await.unwrap(), Vec::<String>::new());
    for name in ["b", "a-b", "B", "a"] {
        assert!(own.swap(name, None, b"sealed").await.unwrap().version.is_some());
    }
    assert_eq!(own.names(None).await.unwrap(), ["B", "a", "a-b", "b"]);
    assert_eq!(own.names(Some("a")).await.unwrap(), ["a-b", "b"]);
    assert_eq!(own.names(Some("b")).await.unwrap(), Vec::<String>::new());
    assert_eq!(own.names(Some("no name")).await, Err(Code::BadText));
    assert_eq!(Storage { scope: others, ..own }.names(None).await.unwrap(), Vec::<String>::new());
    assert_eq!(Storage { who: &bob, ..own }.names(None).await, Err(Code::UnknownKeychain));
}

#[tokio::test]
async fn who_is_not_a_member_neither_reads_nor_writes_and_is_not_told_that_it_is_there() {
    let mut town = Town::start().await;
    let [alice, bob, carol] = [town.person("alice").await, town.person("bob").await, town.person("carol").await];
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    town.share(&alice, notes, carol.id(), Permissions::NONE).await;
    let own = Storage { town: &town, who: &alice, scope: notes };
    own.put(&[b"sealed"]).await.unwrap();
    own.swap("root", None, b"record").await.unwrap();
    for who in [&bob, &carol] {
        let other = Storage { who, ..own };
        let refused = Code::UnknownKeychain;
        assert_eq!(other.put(&[b"theirs"]).await, Err(refused));
        assert_eq!(other.read(&[id(b"sealed")]).await, Err(refused));
        assert_eq!(other.delete(&[id(b"sealed")]).await, Err(refused));
        assert_eq!(other.list().await, Err(refused));
        assert_eq!(other.stands("root").await, Err(refused));
        assert_eq!(other.swap("root", Some(1), b"theirs").await, Err(refused));
    }
    assert_eq!(own.read(&[id(b"sealed"), id(b"theirs")]).await.unwrap(), [b"sealed".to_vec(), vec![]]);
    assert_eq!(own.stands("root").await.unwrap(), Some(Reference { version: 1, bytes: b"record".to_vec() }));
    // A group has members, and nothing is stored under it.
    let team = town.found(&alice, TEAM).await;
    let group = Storage { town: &town, who: &alice, scope: team };
    assert_eq!(group.put(&[b"sealed"]).await, Err(Code::UnknownKeychain));
}

#[tokio::test]
async fn who_only_reads_writes_nothing_and_who_is_put_out_reads_nothing() {
    let mut town = Town::start().await;
    let [alice, bob, carol] = [town.person("alice").await, town.person("bob").await, town.person("carol").await];
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    town.bring(&alice, notes, &carol, Permissions::NONE).await;
    let Op::Share(mut share) = town.share_op(notes, bob.id(), Permissions::NONE) else { unreachable!() };
    share.read_only = true;
    town.does(&alice, notes, &[], vec![Op::Share(share)]).await.unwrap();
    town.answer(&bob, notes, Op::Accept).await.unwrap();
    {
        let [own, reads, writes] = [&alice, &bob, &carol].map(|who| Storage { town: &town, who, scope: notes });
        own.put(&[b"sealed"]).await.unwrap();
        own.swap("root", None, b"record").await.unwrap();
        assert_eq!(reads.read(&[id(b"sealed")]).await.unwrap(), [b"sealed"]);
        assert_eq!(reads.stands("root").await.unwrap().unwrap().version, 1);
        assert_eq!(reads.put(&[b"theirs"]).await, Err(Code::NotAllowed));
        assert_eq!(reads.delete(&[id(b"sealed")]).await, Err(Code::NotAllowed));
        assert_eq!(reads.swap("root", Some(1), b"theirs").await, Err(Code::NotAllowed));
        assert_eq!(writes.swap("root", Some(1), b"hers").await.unwrap().version, Some(2));
    }
    town.ban(&alice, notes, carol.id()).await;
    let out = Storage { town: &town, who: &carol, scope: notes };
    assert_eq!(out.read(&[id(b"sealed")]).await, Err(Code::UnknownKeychain));
    assert_eq!(out.stands("root").await, Err(Code::UnknownKeychain));
    assert_eq!(out.swap("root", Some(2), b"again").await, Err(Code::UnknownKeychain));
}

#[tokio::test]
async fn who_is_in_a_group_that_is_a_member_reads_and_writes() {
    let mut town = Town::start().await;
    let [alice, bob] = [town.person("alice").await, town.person("bob").await];
    let team = town.found(&alice, TEAM).await;
    town.bring(&alice, team, &bob, Permissions::NONE).await;
    let plans = town.found(&alice, KEYCHAIN_RANK).await;
    town.share(&alice, plans, team, Permissions::NONE).await;
    let bobs = Storage { town: &town, who: &bob, scope: plans };
    bobs.put(&[b"sealed"]).await.unwrap();
    assert_eq!(bobs.swap("root", None, b"record").await.unwrap().version, Some(1));
    assert_eq!(bobs.read(&[id(b"sealed")]).await.unwrap(), [b"sealed"]);
}

#[tokio::test]
async fn an_object_is_named_by_its_bytes_and_nothing_takes_its_place() {
    let mut town = Town::start().await;
    let alice = town.person("alice").await;
    let [notes, other] = [town.found(&alice, KEYCHAIN_RANK).await, town.found(&alice, KEYCHAIN_RANK).await];
    let storage = Storage { town: &town, who: &alice, scope: notes };
    storage.put(&[b"one", b"two", b"one"]).await.unwrap();
    storage.put(&[b"one"]).await.unwrap();
    assert_eq!(storage.read(&[id(b"two"), id(b"one")]).await.unwrap(), [b"two", b"one"]);
    // Of one keychain, not of another.
    let others = Storage { scope: other, ..storage };
    assert_eq!(others.read(&[id(b"one")]).await.unwrap(), [b""]);
    others.delete(&[id(b"one")]).await.unwrap();
    storage.delete(&[id(b"two"), id(b"nothing")]).await.unwrap();
    assert_eq!(storage.read(&[id(b"two"), id(b"one")]).await.unwrap(), [b"".as_slice(), b"one"]);
    assert_eq!(storage.put(&[b""]).await, Err(Code::Malformed));
    assert_eq!(storage.put(&[&vec![0; limits::OBJECT_BYTES + 1]]).await, Err(Code::TooLarge));
    // What was put a moment ago may belong to a write that goes on: a sweep is not told of it.
    assert_eq!(storage.list().await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_holds_what_has_room_and_the_rest_follows() {
    let mut town = Town::start().await;
    let alice = town.person("alice").await;
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    let storage = Storage { town: &town, who: &alice, scope: notes };
    let objects: Vec<Vec<u8>> = (0..6).map(|n| vec![n; limits::OBJECT_BYTES - 1]).collect();
    for half in objects.chunks(3) {
        storage.put(&half.iter().map(Vec::as_slice).collect::<Vec<_>>()).await.unwrap();
    }
    let ids: Vec<ObjectId> = objects.iter().map(|bytes| id(bytes)).collect();
    let first = storage.read(&ids).await.unwrap();
    assert_eq!(first.len(), 4);
    assert!(first[..] == objects[..4] && storage.read(&ids[4..]).await.unwrap()[..] == objects[4..]);
}

#[tokio::test]
async fn of_those_who_swap_at_once_one_succeeds_and_the_others_are_shown_what_stands() {
    let mut town = Town::start().await;
    let alice = town.person("alice").await;
    let notes = town.found(&alice, KEYCHAIN_RANK).await;
    let storage = Storage { town: &town, who: &alice, scope: notes };
    for expected in [None, Some(1), Some(2)] {
        let racers = (0..8u8).map(|n| {
            let storage = &storage;
            async move { (n, storage.swap("root", expected, &[n]).await.unwrap()) }
        });
        let outcomes = futures_util::future::join_all(racers).await;
        let next = expected.map_or(1, |version| version + 1);
        let won: Vec<u8> =
            outcomes.iter().filter(|(_, swapped)| swapped.version == Some(next)).map(|(n, _)| *n).collect();
        assert_eq!(won.len(), 1);
        for (n, swapped) in outcomes {
            let stands = Some(Reference { version: next, bytes: won.clone() });
            assert!(n == won[0] || swapped == Swapped { version: None, stands });
        }
    }
    // Where nothing stands, and where something else does.
    assert_eq!(storage.swap("other", Some(1), b"x").await.unwrap(), Swapped { version: None, stands: None });
    assert_eq!(storage.swap("root", None, b"x").await.unwrap().stands.unwrap().version, 3);
    for name in ["", "a b", "ä", "../x", &"n".repeat(65)] {
        assert_eq!(storage.swap(name, None, b"x").await, Err(Code::BadText), "{name}");
        assert_eq!(storage.stands(name).await, Err(Code::BadText), "{name}");
    }
    let large = vec![0; limits::REFERENCE_BYTES + 1];
    assert_eq!(storage.swap("root", Some(3), &large).await, Err(Code::TooLarge));
}
