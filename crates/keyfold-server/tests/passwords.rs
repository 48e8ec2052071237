//! Recovering with a password: what the server does for whom, and what its database is worth to a thief. The client's
//! half is that of the library, without stretching: a server cannot tell.

use crate::support::{Person, World, code, error, now_ms, public, random, sign, wrapping_key};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    HolderId, ScopeId, Signature, UserId,
    account::{
        AccountKeys, AccountOp, AddRecovery, Entry, HolderKeys, RecoveryMethod, RotateAccount, SetPrivate,
        holder_statement,
    },
    entry::SignedEntry,
    label::SignatureLabel,
};
use keyfold_protocol::{
    Code, Details, route,
    signing::{Method, response::Verified},
    wire::{ExtendAccount, PasswordResponse, Proof, RegisterPassword, TryPassword, Visit},
};
use keyfold_server::{Config, Server};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse, Ristretto255, TripleDh, ksf::Identity,
};
use opaque_rand::OsRng;
use std::{fs, path::Path};

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, opaque_sha2::Sha512>;
    type Ksf = Identity;
}

type ExportKey = Vec<u8>;

fn identifiers(account: &ScopeId) -> Identifiers<'_> {
    Identifiers { client: Some(&account.0), server: None }
}

/// A recovery method, as the ledger has it.
struct Recovery {
    key: SigningKey,
    keys: HolderKeys,
}

impl Recovery {
    fn new() -> Self {
        let key = SigningKey::from_bytes(&random());
        let keys = HolderKeys { signing: public(&key), wrapping: wrapping_key(), label: None };
        Self { key, keys }
    }

    fn id(&self) -> HolderId {
        self.keys.recovery_id()
    }
}

fn entry(person: &Person, author: HolderId, key: &SigningKey, ops: Vec<AccountOp>) -> (Entry, Vec<u8>, Signature) {
    let head = person.account.head();
    let entry =
        Entry { scope: Some(person.id()), seq: head.seq + 1, prev: Some(head.hash), author, time: now_ms(), ops };
    let signed = entry.encode();
    let signature = sign(key, SignatureLabel::Entry, &signed);
    (entry, signed, signature)
}

/// The entry by which a person's device adds these.
fn adding(person: &Person, added: &[(&Recovery, RecoveryMethod)]) -> SignedEntry {
    let op = |(recovery, method): &(&Recovery, RecoveryMethod)| {
        AccountOp::AddRecovery(AddRecovery { method: *method, keys: recovery.keys.clone() })
    };
    let (_, signed, author) = entry(person, person.device, &person.device_key, added.iter().map(op).collect());
    let consents = added.iter().map(|(recovery, _)| {
        let statement = holder_statement(&person.id(), &recovery.id(), &recovery.id());
        sign(&recovery.key, SignatureLabel::HolderKey, &statement)
    });
    SignedEntry { signed, signatures: [author].into_iter().chain(consents).collect() }
}

async fn send(
    world: &World,
    person: &Person,
    entry: &SignedEntry,
    master_key: Option<&[u8]>,
    password: Option<&[u8]>,
) -> Verified {
    let body = ExtendAccount {
        expected: person.account.head(),
        entry: entry.clone(),
        master_key: master_key.map(<[u8]>::to_vec),
        expires_ms: None,
        password: password.map(<[u8]>::to_vec),
    };
    person.ask(world, Method::Post, route::ACCOUNT_ENTRIES, body.encode()).await
}

/// Asks the server for its half, and makes the record.
async fn register(world: &World, person: &Person, password: &[u8]) -> (Vec<u8>, ExportKey) {
    let started = ClientRegistration::<Suite>::start(&mut OsRng, password).unwrap();
    let body = RegisterPassword { request: started.message.serialize().to_vec() }.encode();
    let answer = person.ask(world, Method::Post, route::PASSWORD, body).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    let response = PasswordResponse::decode(&answer.body).unwrap().response;
    let response = RegistrationResponse::deserialize(&response).unwrap();
    let account = person.id();
    let params = ClientRegistrationFinishParameters::new(identifiers(&account), None);
    let finished = started.state.finish(&mut OsRng, password, response, params).unwrap();
    (finished.message.serialize().to_vec(), finished.export_key.to_vec())
}

/// A person with a password.
async fn with_password(world: &World, user: &str, password: &[u8]) -> (Person, Recovery, ExportKey) {
    let mut person = Person::sign_up(world, user).await;
    let (record, export_key) = register(world, &person, password).await;
    let recovery = Recovery::new();
    let added = adding(&person, &[(&recovery, RecoveryMethod::Password)]);
    let answer = send(world, &person, &added, Some(b"for two"), Some(&record)).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    person.account.append(&added).unwrap();
    (person, recovery, export_key)
}

/// A device that no account has, let in as this user.
async fn visitor(world: &World, user: &str) -> Person {
    let visitor = Person::new(user);
    let keys = &visitor.account.holders()[&visitor.device].keys;
    let proof = Proof::Open(UserId::new(user).unwrap());
    let visit = Visit { signing: keys.signing, wrapping: keys.wrapping.clone(), proof };
    let answer = visitor.ask(world, Method::Post, route::VISITS, visit.encode()).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    visitor
}

async fn attempt(world: &World, visitor: &Person, recovery: HolderId, request: &[u8]) -> Verified {
    let body = TryPassword { recovery, request: request.to_vec() }.encode();
    visitor.ask(world, Method::Post, route::PASSWORD_LOGIN, body).await
}

/// What a password comes to for a visitor.
async fn try_password(
    world: &World,
    visitor: &Person,
    account: ScopeId,
    recovery: HolderId,
    password: &[u8],
) -> Option<ExportKey> {
    let started = ClientLogin::<Suite>::start(&mut OsRng, password).unwrap();
    let answer = attempt(world, visitor, recovery, &started.message.serialize()).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    let response = PasswordResponse::decode(&answer.body).unwrap().response;
    assert_eq!(response.len(), 320);
    let response = CredentialResponse::deserialize(&response).unwrap();
    let context = [b"KF1 recovery password\0", &account.0[..]].concat();
    let params = ClientLoginFinishParameters::new(Some(&context), identifiers(&account), None);
    let finished = started.state.finish(&mut OsRng, password, response, params);
    finished.ok().map(|finished| finished.export_key.to_vec())
}

#[tokio::test]
async fn a_password_is_set_by_an_enrolled_device_and_tried_by_it_or_a_visitor_and_by_nobody_else() {
    let world = World::start().await;
    let (alice, stranger, visitor) = (world.alice().await, Person::new("bob"), visitor(&world, "carol").await);
    let set = RegisterPassword { request: vec![1; 32] }.encode();
    let tried = TryPassword { recovery: alice.device, request: vec![1; 96] }.encode();
    for (path, body) in [(route::PASSWORD, &set), (route::PASSWORD_LOGIN, &tried)] {
        let unsigned = world.ask_unsigned(Method::Post, path, body.clone()).await;
        assert_eq!(code(&unsigned), Code::Unauthorized);
        assert_eq!(code(&stranger.ask(&world, Method::Post, path, body.clone()).await), Code::UnknownDevice);
    }
    assert_eq!(code(&visitor.ask(&world, Method::Post, route::PASSWORD, set).await), Code::Unauthorized);
    // Who is in takes a way back away with it. These bytes are no message of OPAQUE's.
    assert_eq!(code(&alice.ask(&world, Method::Post, route::PASSWORD_LOGIN, tried).await), Code::Malformed);
}

#[tokio::test]
async fn the_password_comes_to_its_secret_again_also_after_a_restart_and_another_one_does_not() {
    let world = World::start().await;
    let (bob, recovery, export_key) = with_password(&world, "bob", b"correct horse").await;
    let phone = visitor(&world, "bob").await;
    let found = try_password(&world, &phone, bob.id(), recovery.id(), b"correct horse").await;
    assert_eq!(found.as_ref(), Some(&export_key));
    assert_eq!(try_password(&world, &phone, bob.id(), recovery.id(), b"correct horsf").await, None);
    let world = world.restart().await;
    assert_eq!(try_password(&world, &phone, bob.id(), recovery.id(), b"correct horse").await, Some(export_key));
}

#[tokio::test]
async fn s9_without_an_account_or_a_record_the_answer_has_the_same_form() {
    let world = World::start().await;
    let (bob, recovery, _) = with_password(&world, "bob", b"correct horse").await;
    let alice = world.alice().await;
    // No account; an account without a password; another method than the password; another account's password.
    for (user, account, recovery) in [
        ("carol", ScopeId([0; 32]), recovery.id()),
        ("alice", alice.id(), alice.device),
        ("bob", bob.id(), bob.device),
        ("alice", alice.id(), recovery.id()),
    ] {
        let visitor = visitor(&world, user).await;
        assert_eq!(try_password(&world, &visitor, account, recovery, b"correct horse").await, None, "{user}");
    }
}

#[tokio::test]
async fn a_record_comes_with_the_entry_that_adds_the_password_and_with_no_other() {
    let world = World::start().await;
    let bob = world.bob().await;
    let (record, _) = register(&world, &bob, b"correct horse").await;
    let (password, second, paper) = (Recovery::new(), Recovery::new(), Recovery::new());
    let adds = adding(&bob, &[(&password, RecoveryMethod::Password)]);
    let adds_two = adding(&bob, &[(&password, RecoveryMethod::Password), (&second, RecoveryMethod::Password)]);
    let adds_paper = adding(&bob, &[(&paper, RecoveryMethod::Paper)]);
    let neutral = [&[0; 32][..], &record[32..]].concat();
    let longer = [&record[..], &[0]].concat();
    for (what, entry, record) in [
        ("none", &adds, None),
        ("too short", &adds, Some(&record[..191])),
        ("too long", &adds, Some(&longer[..])),
        ("the neutral element as public key", &adds, Some(&neutral[..])),
        ("for two", &adds_two, Some(&record[..])),
        ("for words on paper", &adds_paper, Some(&record[..])),
    ] {
        let refused = send(&world, &bob, entry, Some(b"sealed"), record).await;
        assert_eq!(code(&refused), Code::Malformed, "{what}");
    }
    let op = AccountOp::SetPrivate(SetPrivate { version: 1, hash: [1; 32] });
    let (_, signed, signature) = entry(&bob, bob.device, &bob.device_key, vec![op]);
    let private = SignedEntry { signed, signatures: vec![signature] };
    assert_eq!(code(&send(&world, &bob, &private, None, Some(&record)).await), Code::Malformed);
    // The refusals left no trace.
    let answer = send(&world, &bob, &adds, Some(b"sealed"), Some(&record)).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
}

#[tokio::test]
async fn a_password_that_is_removed_helps_nobody_any_more() {
    let world = World::start().await;
    let (mut bob, recovery, export_key) = with_password(&world, "bob", b"correct horse").await;
    let phone = visitor(&world, "bob").await;
    let tried = try_password(&world, &phone, bob.id(), recovery.id(), b"correct horse").await;
    assert_eq!(tried, Some(export_key));
    // By itself, as its owner does who knows it.
    let secrets: [SigningKey; 3] = std::array::from_fn(|_| SigningKey::from_bytes(&random()));
    let [ledger, publication, signature] = secrets.each_ref().map(public);
    let keys = AccountKeys { ledger, sharing: wrapping_key(), publication, signature };
    let ops =
        vec![AccountOp::RemoveRecovery(recovery.id()), AccountOp::RotateAccount(RotateAccount { generation: 1, keys })];
    let (_, signed, author) = entry(&bob, recovery.id(), &recovery.key, ops);
    let new = secrets.each_ref().map(|key| sign(key, SignatureLabel::AccountKey, &signed));
    let removed = SignedEntry { signatures: [author].into_iter().chain(new).collect(), signed };
    let answer = send(&world, &bob, &removed, Some(b"for one"), None).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    bob.account.append(&removed).unwrap();
    assert_eq!(try_password(&world, &phone, bob.id(), recovery.id(), b"correct horse").await, None);
}

#[tokio::test]
async fn passwords_are_tried_ten_times_and_then_slowly_from_whichever_device() {
    let world = World::start().await;
    let (bob, recovery, _) = with_password(&world, "bob", b"correct horse").await;
    let (phone, tablet) = (visitor(&world, "bob").await, visitor(&world, "bob").await);
    for tried in 0..10 {
        let by = if tried % 2 == 0 { &phone } else { &tablet };
        assert_eq!(try_password(&world, by, bob.id(), recovery.id(), b"guess").await, None);
    }
    let request = ClientLogin::<Suite>::start(&mut OsRng, b"correct horse").unwrap().message.serialize();
    for by in [&phone, &tablet] {
        let refused = error(&attempt(&world, by, recovery.id(), &request).await);
        assert_eq!(refused.code, Code::RateLimited);
        let Some(Details::RetryAfter(seconds)) = refused.details else { panic!("{refused:?}") };
        assert!((300..=360).contains(&seconds), "{seconds}");
    }
    // Somebody else's are counted apart.
    let (carol, recovery, export_key) = with_password(&world, "carol", b"other").await;
    let phone = visitor(&world, "carol").await;
    assert_eq!(try_password(&world, &phone, carol.id(), recovery.id(), b"other").await, Some(export_key));
}

#[tokio::test]
async fn of_one_address_a_hundred_passwords_are_tried_whosever_they_are() {
    let world = World::start().await;
    let request = ClientLogin::<Suite>::start(&mut OsRng, b"guess").unwrap().message.serialize();
    let mut answered = 0;
    for user in 0..11 {
        let visitor = visitor(&world, &format!("user-{user}")).await;
        for _ in 0..10 {
            let answer = attempt(&world, &visitor, visitor.device, &request).await;
            match answer.status {
                200 => answered += 1,
                _ => assert_eq!(code(&answer), Code::RateLimited),
            }
        }
    }
    // One more comes back after 36 s, should the machine be that slow.
    assert!((100..105).contains(&answered), "{answered}");
}

#[tokio::test]
async fn what_is_no_message_is_malformed() {
    let world = World::start().await;
    let (bob, recovery, _) = with_password(&world, "bob", b"correct horse").await;
    let phone = visitor(&world, "bob").await;
    let good = ClientLogin::<Suite>::start(&mut OsRng, b"guess").unwrap().message.serialize();
    let neutral = [&[0; 32][..], &good[32..]].concat();
    for request in [&good[..95], &[&good[..], &[0]].concat(), &neutral, &[0xff; 96]] {
        assert_eq!(code(&attempt(&world, &phone, recovery.id(), request).await), Code::Malformed);
    }
    for request in [&good[..31], &good[..33], &[0; 32], &[0xff; 32]] {
        let body = RegisterPassword { request: request.to_vec() }.encode();
        assert_eq!(code(&bob.ask(&world, Method::Post, route::PASSWORD, body).await), Code::Malformed);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// A thief of the database knows the right password, as if he had guessed it, and sets the server up again. With his
/// own secret in place of the one he lacks he cannot tell that it is right; with the true one he can.
#[tokio::test]
async fn the_database_alone_does_not_tell_a_right_password_from_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    let (data, secrets) = (folder.path().join("data"), folder.path().join("data-secrets"));
    let world = World::with(|config| config.data = data.clone()).await;
    let (bob, recovery, export_key) = with_password(&world, "bob", b"correct horse").await;
    world.server.stop().await;

    let opaque = fs::read(secrets.join("opaque.key")).unwrap();
    for file in fs::read_dir(&data).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        // The seed of the OPRF keys, and the private key.
        for secret in [&opaque[..64], &opaque[64..96]] {
            assert!(!content.windows(secret.len()).any(|window| window == secret));
        }
    }
    let thief = folder.path().join("thief");
    copy(&data, &thief.join("data"));
    let empty = folder.path().join("empty");
    let mut own = Config::new(&empty);
    own.listen.set_port(0);
    Server::start(own).await.unwrap().stop().await;
    copy(&folder.path().join("empty-secrets"), &thief.join("data-secrets"));
    let guess = async || {
        let world = World::with(|config| config.data = thief.join("data")).await;
        let visitor = visitor(&world, "bob").await;
        let found = try_password(&world, &visitor, bob.id(), recovery.id(), b"correct horse").await;
        world.server.stop().await;
        found
    };
    assert_eq!(guess().await, None);
    fs::copy(secrets.join("opaque.key"), thief.join("data-secrets/opaque.key")).unwrap();
    assert_eq!(guess().await, Some(export_key));
}

#[tokio::test]
async fn a_damaged_secret_ends_recovery_by_password_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World::with(|config| config.data = data.clone()).await;
    let (bob, recovery, _) = with_password(&world, "bob", b"correct horse").await;
    world.server.stop().await;
    let file = folder.path().join("data-secrets/opaque.key");
    fs::write(&file, b"not a key").unwrap();

    let world = World::with(|config| config.data = data.clone()).await;
    let phone = visitor(&world, "bob").await;
    let request = ClientLogin::<Suite>::start(&mut OsRng, b"correct horse").unwrap().message.serialize();
    assert_eq!(code(&attempt(&world, &phone, recovery.id(), &request).await), Code::RecoveryUnavailable);
    let body = RegisterPassword { request: request[..32].to_vec() }.encode();
    assert_eq!(code(&bob.ask(&world, Method::Post, route::PASSWORD, body).await), Code::RecoveryUnavailable);
    assert_eq!(bob.ask(&world, Method::Post, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(fs::read(&file).unwrap(), b"not a key", "it may be all that is left of it");
}
