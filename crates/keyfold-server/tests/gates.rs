//! Coming in by an OpenID provider and by passkeys: who is let in, as whom, and how little that is (S19, S26). What
//! makes a token good or bad is tested beside the code that reads it.

use crate::support::{Authenticator, ORIGIN, Person, Provider, World, code, error, now_ms};
use keyfold_format::{ScopeId, UserId, WrappingKey, account::AccountOp};
use keyfold_protocol::{
    Code, ErrorBody, route,
    signing::{Method, response::Verified},
    wire::{
        Accounts, After, AskForPasskey, Gate as Kind, Info, Ledgers, Lookup, OwnAccount, PasskeyQuestion, Proof,
        ReadAccount, ReleaseName, Visit, Visiting,
    },
};
use keyfold_server::{Gate, PasskeyConfig};
use serde_json::{Value, json};

/// The wrapping key of somebody's device, as his first entry names it.
fn wrapping(person: &Person) -> WrappingKey {
    let entry = keyfold_format::account::Entry::decode(&person.genesis.signed).unwrap();
    let AccountOp::Genesis(genesis) = &entry.ops[0] else { panic!("no genesis") };
    genesis.device.wrapping.clone()
}

async fn visit(world: &World, person: &Person, proof: Proof) -> Verified {
    let visit = Visit { signing: crate::support::public(&person.device_key), wrapping: wrapping(person), proof };
    person.ask(world, Method::Post, route::VISITS, visit.encode()).await
}

async fn sign_up(world: &World, person: &Person) -> Verified {
    person.ask(world, Method::Post, route::ACCOUNTS, person.sign_up_body()).await
}

/// Looks at one's own account.
async fn look(world: &World, person: &Person) -> Verified {
    let all = ReadAccount { after: None, before: None };
    person.ask(world, Method::Post, route::VISITS_ACCOUNT, all.encode()).await
}

/// Lets go of one's user id.
async fn release(world: &World, person: &Person, account: ScopeId) -> Verified {
    person.ask(world, Method::Post, route::VISITS_NAME, ReleaseName { account }.encode()).await
}

/// Comes in with a token, and signs up.
async fn member(world: &World, provider: &Provider, user: &str) -> Person {
    let person = Person::new(user);
    assert_eq!(visit(world, &person, Proof::Token(provider.token(user))).await.status, 200);
    assert_eq!(sign_up(world, &person).await.status, 200);
    person
}

async fn with_gate(gate: Gate) -> World {
    World::with(|config| config.gate = gate).await
}

fn passkeys() -> Gate {
    Gate::Passkey(PasskeyConfig { origins: vec![ORIGIN.to_owned()], id: None })
}

/// What a device is asked to show its passkey, or to make one for a name.
async fn question(world: &World, person: &Person, name: Option<&str>) -> Vec<u8> {
    let user_id = name.map(|name| UserId::new(name).unwrap());
    let ask =
        AskForPasskey { signing: crate::support::public(&person.device_key), wrapping: wrapping(person), user_id };
    let answer = person.ask(world, Method::Post, route::VISITS_PASSKEY, ask.encode()).await;
    PasskeyQuestion::decode(&answer.body).unwrap().options
}

/// Makes a passkey for a name, and comes in with it.
async fn come_in_new(world: &World, person: &Person, name: &str, with: &mut Authenticator) -> Verified {
    let options = question(world, person, Some(name)).await;
    visit(world, person, Proof::Passkey(with.make(&options))).await
}

async fn come_in(world: &World, person: &Person, with: &mut Authenticator) -> Verified {
    let options = question(world, person, None).await;
    visit(world, person, Proof::Passkey(with.use_it(&options))).await
}

#[tokio::test]
async fn who_signed_in_takes_his_own_user_id_and_nobody_elses() {
    let provider = Provider::start().await;
    let world = with_gate(provider.gate()).await;
    let info = Info::decode(&world.ask_unsigned(Method::Get, route::INFO, vec![]).await.body).unwrap();
    assert_eq!(info.gate, Kind::Oidc);
    let mallory = Person::new("alice");
    assert_eq!(code(&sign_up(&world, &mallory).await), Code::GateMismatch);
    // Signed in as himself, with a first entry that names alice: whether or not she is there.
    assert_eq!(visit(&world, &mallory, Proof::Token(provider.token("mallory"))).await.status, 200);
    let before = error(&sign_up(&world, &mallory).await);
    assert_eq!(before.code, Code::NotAllowed);
    let alice = member(&world, &provider, "alice").await;
    assert_eq!(error(&sign_up(&world, &mallory).await), before);
    // Only for who comes in as her there is something to tell.
    assert_eq!(visit(&world, &mallory, Proof::Token(provider.token("alice"))).await.status, 200);
    assert_eq!(code(&sign_up(&world, &mallory).await), Code::UserTaken);
    // A lost reply locks nobody out, though the visit is over.
    assert_eq!(sign_up(&world, &alice).await.status, 200);
}

#[tokio::test]
async fn another_proof_than_the_gate_asks_for_is_told_which_it_asks_for() {
    let provider = Provider::start().await;
    let token = || Proof::Token(provider.token("alice"));
    let open = || Proof::Open(UserId::new("alice").unwrap());
    let passkey = || Proof::Passkey(b"{}".to_vec());
    for (gate, proofs) in
        [(Gate::Open, [token(), passkey()]), (provider.gate(), [open(), passkey()]), (passkeys(), [open(), token()])]
    {
        let world = with_gate(gate).await;
        for proof in proofs {
            let refused = error(&visit(&world, &Person::new("alice"), proof.clone()).await);
            assert_eq!(refused.code, Code::GateMismatch, "{proof:?}");
            assert!(refused.hint.is_some());
        }
    }
}

#[tokio::test]
async fn s19_sign_in_alone_opens_nothing_and_sees_no_other_account() {
    let provider = Provider::start().await;
    let world = with_gate(provider.gate()).await;
    let (alice, bob) = (member(&world, &provider, "alice").await, member(&world, &provider, "bob").await);
    let keychain = alice.create_keychain(&world).await;
    // Whoever has alice's token, and none of her devices: the provider itself, say.
    let thief = Person::new("alice");
    let visiting = visit(&world, &thief, Proof::Token(provider.token("alice"))).await;
    assert_eq!(Visiting::decode(&visiting.body).unwrap().account, Some(alice.id()));
    let own = OwnAccount::decode(&look(&world, &thief).await.body).unwrap();
    // Her public ledger, and what is sealed to her devices, of which this is none.
    assert_eq!(own.page.entries, std::slice::from_ref(&alice.genesis));
    assert_eq!(own.master_keys[0].envelope, alice.master_key);
    assert_eq!(own.master_keys.len(), 1);
    assert!(!alice.account.holders().contains_key(&thief.device));
    let lookup = Lookup { user_ids: vec![UserId::new("bob").unwrap()] }.encode();
    let ledgers = |scope| Ledgers { wanted: vec![After { scope, after: None }] }.encode();
    let (append, _) = alice.share(&keychain, &[&bob]);
    for (method, path, body) in [
        (Method::Post, route::LOOKUP.to_owned(), lookup),
        (Method::Post, route::LEDGERS.to_owned(), ledgers(bob.id())),
        (Method::Post, route::LEDGERS.to_owned(), ledgers(keychain.id())),
        (Method::Post, route::SESSIONS.to_owned(), vec![]),
        (Method::Delete, route::SESSIONS.to_owned(), vec![]),
        (Method::Get, route::SCOPES.to_owned(), vec![]),
        (Method::Get, route::wraps(&keychain.id()), vec![]),
        (Method::Post, route::entries(&keychain.id()), append.encode()),
        (Method::Get, route::ENROLMENTS.to_owned(), vec![]),
    ] {
        let answer = thief.ask(&world, method, &path, body).await;
        assert!(matches!(code(&answer), Code::Unauthorized | Code::UnknownDevice), "{method:?} {path}");
    }
    // No entry lets the device in that a device of hers has not written.
    assert_eq!(code(&sign_up(&world, &thief).await), Code::UserTaken);
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200, "and hers is as it was");
}

#[tokio::test]
async fn who_lost_everything_starts_over_under_the_old_name_and_nobody_else_does_it_for_him() {
    let provider = Provider::start().await;
    let world = with_gate(provider.gate()).await;
    let (alice, bob) = (member(&world, &provider, "alice").await, member(&world, &provider, "bob").await);
    let (fresh, mallory) = (Person::new("alice"), Person::new("mallory"));
    assert_eq!(code(&release(&world, &fresh, alice.id()).await), Code::UnknownDevice, "before signing in");
    assert_eq!(visit(&world, &fresh, Proof::Token(provider.token("alice"))).await.status, 200);
    assert_eq!(visit(&world, &mallory, Proof::Token(provider.token("mallory"))).await.status, 200);
    assert_eq!(code(&release(&world, &mallory, alice.id()).await), Code::UnknownUser);
    assert_eq!(code(&release(&world, &fresh, bob.id()).await), Code::UnknownUser);
    assert_eq!(code(&sign_up(&world, &fresh).await), Code::UserTaken, "never by itself");
    assert_eq!(release(&world, &fresh, alice.id()).await.status, 200);
    assert_eq!(code(&release(&world, &fresh, alice.id()).await), Code::UnknownUser);
    assert_eq!(sign_up(&world, &fresh).await.status, 200);
    let lookup = Lookup { user_ids: vec![UserId::new("alice").unwrap()] }.encode();
    let found = bob.ask(&world, Method::Post, route::LOOKUP, lookup).await;
    let found = Accounts::decode(&found.body).unwrap().accounts.remove(0).unwrap();
    assert_eq!(found.entries, std::slice::from_ref(&fresh.genesis), "another account, as everybody sees");
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200, "a device that turns up is not locked out");
    // At an open gate everybody is whoever he says.
    let world = with_gate(Gate::Open).await;
    let alice = Person::new("alice");
    assert_eq!(sign_up(&world, &alice).await.status, 200);
    let name = UserId::new("alice").unwrap();
    assert_eq!(visit(&world, &mallory, Proof::Open(name)).await.status, 200);
    assert_eq!(code(&release(&world, &mallory, alice.id()).await), Code::NotAllowed);
}

#[tokio::test]
async fn s19_a_passkey_alone_opens_nothing_and_another_passkey_does_not_even_show_the_account() {
    let world = with_gate(passkeys()).await;
    let (alice, mut passkey) = (Person::new("alice"), Authenticator::new());
    assert_eq!(come_in_new(&world, &alice, "alice", &mut passkey).await.status, 200);
    assert_eq!(sign_up(&world, &alice).await.status, 200);
    // Another device of hers shows the passkey: it sees her account, and is none of its holders.
    let second = Person::new("alice");
    let visiting = Visiting::decode(&come_in(&world, &second, &mut passkey).await.body).unwrap();
    assert_eq!((visiting.user_id.as_str(), visiting.account), ("alice", Some(alice.id())));
    let own = OwnAccount::decode(&look(&world, &second).await.body).unwrap();
    assert_eq!(own.master_keys[0].envelope, alice.master_key);
    assert_eq!(own.master_keys.len(), 1);
    assert_eq!(code(&sign_up(&world, &second).await), Code::UserTaken);
    // A name that is taken is not to be had by making a passkey for it.
    let thief = Person::new("alice");
    let refused = come_in_new(&world, &thief, "alice", &mut Authenticator::new()).await;
    assert_eq!(code(&refused), Code::UserTaken);
    assert_eq!(code(&look(&world, &thief).await), Code::UnknownDevice);
}

#[tokio::test]
async fn of_two_who_make_a_passkey_for_one_name_the_second_never_sees_the_account_of_the_first() {
    let world = with_gate(passkeys()).await;
    let (alice, mallory) = (Person::new("alice"), Person::new("alice"));
    let (mut hers, mut his) = (Authenticator::new(), Authenticator::new());
    assert_eq!(come_in_new(&world, &mallory, "alice", &mut his).await.status, 200);
    assert_eq!(come_in_new(&world, &alice, "alice", &mut hers).await.status, 200);
    assert_eq!(code(&look(&world, &alice).await), Code::UnknownUser);
    assert_eq!(sign_up(&world, &alice).await.status, 200);
    assert_eq!(code(&look(&world, &mallory).await), Code::UnknownUser);
    assert_eq!(code(&sign_up(&world, &mallory).await), Code::UserTaken);
    // And his passkey is nobody's.
    let again = Person::new("alice");
    assert_eq!(code(&come_in(&world, &again, &mut his).await), Code::SignInRefused);
    assert_eq!(come_in(&world, &again, &mut hers).await.status, 200);
}

#[tokio::test]
async fn a_passkey_answers_what_its_own_device_was_asked_just_now_on_the_own_page_and_verified_its_person() {
    let world = with_gate(passkeys()).await;
    let (alice, mut passkey) = (Person::new("alice"), Authenticator::new());
    // Not asked; and made somewhere else.
    let unasked = Proof::Passkey(passkey.make(&question(&world, &Person::new("bob"), Some("alice")).await));
    assert_eq!(code(&visit(&world, &alice, unasked.clone()).await), Code::SignInRefused);
    question(&world, &alice, Some("alice")).await;
    assert_eq!(code(&visit(&world, &alice, unasked).await), Code::SignInRefused, "asked of another device");
    assert_eq!(come_in_new(&world, &alice, "alice", &mut passkey).await.status, 200);
    assert_eq!(sign_up(&world, &alice).await.status, 200);

    let second = Person::new("alice");
    let options = question(&world, &second, None).await;
    let answer = Proof::Passkey(passkey.use_it(&options));
    assert_eq!(visit(&world, &second, answer.clone()).await.status, 200);
    assert_eq!(code(&visit(&world, &second, answer.clone()).await), Code::SignInRefused, "once");
    assert_eq!(code(&visit(&world, &Person::new("alice"), answer).await), Code::SignInRefused, "by another device");
    passkey.origin = "https://keyfold.example.evil".to_owned();
    assert_eq!(code(&come_in(&world, &second, &mut passkey).await), Code::SignInRefused, "on another page");
    passkey.origin = ORIGIN.to_owned();
    passkey.verifies = false;
    assert_eq!(code(&come_in(&world, &second, &mut passkey).await), Code::SignInRefused, "without its person");
    passkey.verifies = true;
    passkey.counter = 0;
    assert_eq!(code(&come_in(&world, &second, &mut passkey).await), Code::SignInRefused, "a copy of it");
    passkey.counter = 10;
    assert_eq!(come_in(&world, &second, &mut passkey).await.status, 200);
    for nonsense in [&b""[..], b"{}", b"[]", b"\xff", b"null"] {
        question(&world, &second, None).await;
        assert_eq!(code(&visit(&world, &second, Proof::Passkey(nonsense.to_vec())).await), Code::SignInRefused);
    }
    // As it was before a restart.
    let world = world.restart_with(|config| config.gate = passkeys()).await;
    assert_eq!(come_in(&world, &second, &mut passkey).await.status, 200);
}

/// What a stranger is told, without what differs from answer to answer.
fn told(answer: &Verified) -> (u16, Option<ErrorBody>, usize) {
    (answer.status, ErrorBody::decode(&answer.body).ok(), answer.body.len())
}

#[tokio::test]
async fn s26_a_stranger_learns_nothing_about_who_has_an_account() {
    let provider = Provider::start().await;
    let world = with_gate(provider.gate()).await;
    member(&world, &provider, "alice").await;
    let stranger = Person::new("mallory");
    let now = now_ms() / 1_000;
    let bad = |user: &str, changes: Value| {
        let mut claims = json!({ "iss": provider.issuer, "aud": "keyfold", "sub": user, "iat": now, "exp": now + 300 });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        provider.sign(&claims)
    };
    let mut answers = Vec::new();
    for user in ["alice", "aimee"] {
        let lookup = Lookup { user_ids: vec![UserId::new(user).unwrap()] }.encode();
        let mut of = vec![told(&world.ask_unsigned(Method::Post, route::LOOKUP, lookup.clone()).await)];
        of.push(told(&stranger.ask(&world, Method::Post, route::LOOKUP, lookup.clone()).await));
        of.push(told(&sign_up(&world, &Person::new(user)).await));
        of.push(told(&look(&world, &stranger).await));
        for changes in [json!({ "exp": now - 100 }), json!({ "aud": "another" }), json!({ "iss": "https://a.example" })]
        {
            of.push(told(&visit(&world, &Person::new(user), Proof::Token(bad(user, changes))).await));
        }
        let unsigned = format!("{}x", provider.token(user));
        of.push(told(&visit(&world, &Person::new(user), Proof::Token(unsigned)).await));
        // Somebody who is in at the gate is a stranger to everybody else.
        let guest = Person::new(user);
        assert_eq!(visit(&world, &guest, Proof::Token(provider.token("carol"))).await.status, 200);
        of.push(told(&guest.ask(&world, Method::Post, route::LOOKUP, lookup).await));
        of.push(told(&sign_up(&world, &guest).await));
        of.push(told(&look(&world, &guest).await));
        assert!(of.iter().all(|(status, fault, _)| *status >= 400 && fault.is_some()), "{of:?}");
        answers.push(of);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn s26_what_a_stranger_is_asked_for_a_passkey_is_the_same_whoever_he_says_he_is() {
    let world = with_gate(passkeys()).await;
    let (alice, mut passkey) = (Person::new("alice"), Authenticator::new());
    assert_eq!(come_in_new(&world, &alice, "alice", &mut passkey).await.status, 200);
    assert_eq!(sign_up(&world, &alice).await.status, 200);
    let asked = async |name: Option<&str>| {
        let mut options: Value = serde_json::from_slice(&question(&world, &Person::new("a"), name).await).unwrap();
        // What is random, and what the stranger himself has said.
        let length = |value: &mut Value| value.take().as_str().map(str::len);
        let lengths = (length(&mut options["challenge"]), options.pointer_mut("/user/id").and_then(length));
        if let Some(user) = options.get_mut("user") {
            assert_eq!((user["name"].take(), user["displayName"].take()), (json!(name), json!(name)));
        }
        (lengths, options)
    };
    assert_eq!(asked(Some("alice")).await, asked(Some("nobody")).await);
    let (_, question) = asked(None).await;
    assert_eq!(question["allowCredentials"], json!([]), "no passkey of anybody's is named");
    // A passkey that nobody has, and one that does not verify.
    let unknown = told(&come_in(&world, &Person::new("a"), &mut Authenticator::new()).await);
    passkey.verifies = false;
    assert_eq!(told(&come_in(&world, &Person::new("a"), &mut passkey).await), unknown);
}

#[tokio::test]
async fn s26_trying_names_is_limited_for_each_address_and_members_look_ups_for_each_account() {
    let world = World::with(|config| {
        config.gate = passkeys();
        config.rates.visit.burst = 6.0;
        config.rates.visit.per_second = 0.01;
    })
    .await;
    let mut verdicts = Vec::new();
    for n in 0..4 {
        let (person, name) = (Person::new("mallory"), format!("user{n}"));
        let ask = AskForPasskey {
            signing: crate::support::public(&person.device_key),
            wrapping: wrapping(&person),
            user_id: Some(UserId::new(&*name).unwrap()),
        };
        let asked = person.ask(&world, Method::Post, route::VISITS_PASSKEY, ask.encode()).await;
        let Ok(question) = PasskeyQuestion::decode(&asked.body) else {
            verdicts.push(code(&asked));
            continue;
        };
        let answer = Authenticator::new().make(&question.options);
        assert_eq!(visit(&world, &person, Proof::Passkey(answer)).await.status, 200);
    }
    assert_eq!(verdicts, [Code::RateLimited]);
    // Look-ups: `looking_up_the_whole_world_is_limited_and_says_when_to_come_back`.
}

#[tokio::test]
async fn with_the_provider_down_nobody_new_comes_in_and_nobody_who_is_in_is_locked_out() {
    let mut provider = Provider::start().await;
    let world = with_gate(provider.gate()).await;
    let alice = member(&world, &provider, "alice").await;
    let late = provider.token("bob");
    provider.stop().await;
    // A server that knows its keys from before goes on for a while; one that has just been started cannot.
    let gate = provider.gate();
    let world = world.restart_with(|config| config.gate = gate).await;
    let bob = Person::new("bob");
    let refused = error(&visit(&world, &bob, Proof::Token(late)).await);
    assert_eq!((refused.code, refused.retryable), (Code::GateUnavailable, true));
    assert_eq!(code(&sign_up(&world, &bob).await), Code::GateMismatch);
    assert_eq!(alice.get(&world, route::SCOPES).await.status, 200);
    assert_eq!(alice.ask(&world, Method::Delete, route::SESSIONS, vec![]).await.status, 200);
    assert_eq!(
        alice.ask(&world, Method::Post, route::SESSIONS, vec![]).await.status,
        200,
        "logging in needs no provider"
    );
    alice.create_keychain(&world).await;
    assert_eq!(sign_up(&world, &alice).await.status, 200);
}
