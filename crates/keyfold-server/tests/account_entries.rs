//! Devices and generations: what an account's own people append to it, and what the server makes of it.

use crate::support::{
    Person, World, accounts, code, error, keychain_entry, now_ms, public, random, sign, wrapping_key, wraps_for,
};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    HolderId, Rejected, Signature, UserId,
    account::{self, AccountKeys, AccountOp, Entry, HolderKeys, Ledger, RevokeDevice, RotateAccount, holder_statement},
    entry::SignedEntry,
    label::SignatureLabel,
};
use keyfold_protocol::{
    Code, Details, route,
    signing::{Method, response::Verified},
    wire::{
        AccountLedger, Accounts, After, Append, Appended, ExtendAccount, LedgerPages, Ledgers, LoggedIn, Lookup, Scopes,
    },
};

/// A generation, and who signs for it.
struct Generation {
    keys: AccountKeys,
    secrets: [SigningKey; 3],
}

impl Generation {
    fn new() -> Self {
        let secrets: [SigningKey; 3] = std::array::from_fn(|_| SigningKey::from_bytes(&random()));
        let [ledger, publication, signature] = secrets.each_ref().map(public);
        Self { keys: AccountKeys { ledger, sharing: wrapping_key(), publication, signature }, secrets }
    }
}

/// A device with its keys.
struct Device {
    key: SigningKey,
    keys: HolderKeys,
}

impl Device {
    fn new() -> Self {
        let key = SigningKey::from_bytes(&random());
        let keys = HolderKeys { signing: public(&key), wrapping: wrapping_key(), label: None };
        Self { key, keys }
    }

    fn consents(&self, person: &Person, holder: HolderId) -> Signature {
        sign(&self.key, SignatureLabel::HolderKey, &holder_statement(&person.id(), &holder, &self.keys.id()))
    }
}

/// The next entry of a person's account by his first device. What else signs is told the signed bytes.
fn entry(person: &Person, ops: Vec<AccountOp>, others: impl FnOnce(&[u8]) -> Vec<Signature>) -> SignedEntry {
    let head = person.account.head();
    let entry = Entry {
        scope: Some(person.id()),
        seq: head.seq + 1,
        prev: Some(head.hash),
        author: person.device,
        time: now_ms(),
        ops,
    };
    let signed = entry.encode();
    let mut signatures = vec![sign(&person.device_key, SignatureLabel::Entry, &signed)];
    signatures.extend(others(&signed));
    SignedEntry { signed, signatures }
}

fn rotation(person: &Person, next: &Generation, number: u32) -> SignedEntry {
    let op = AccountOp::RotateAccount(RotateAccount { generation: number, keys: next.keys.clone() });
    entry(person, vec![op], |signed| rotation_signatures(person, next, signed))
}

fn rotation_signatures(person: &Person, next: &Generation, signed: &[u8]) -> Vec<Signature> {
    let former = sign(&person.ledger_key, SignatureLabel::AccountRotation, signed);
    let new = next.secrets.each_ref().map(|key| sign(key, SignatureLabel::AccountKey, signed));
    [former].into_iter().chain(new).collect()
}

async fn send(world: &World, person: &Person, entry: &SignedEntry, envelope: Option<&[u8]>) -> Verified {
    let body = ExtendAccount {
        expected: person.account.head(),
        entry: entry.clone(),
        master_key: envelope.map(<[u8]>::to_vec),
        expires_ms: None,
        password: None,
    };
    person.ask(world, Method::Post, route::ACCOUNT_ENTRIES, body.encode()).await
}

/// Sends what must be taken, and takes it in.
async fn extend(world: &World, person: &mut Person, entry: &SignedEntry, envelope: Option<&[u8]>) {
    let answer = send(world, person, entry, envelope).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    person.account.append(entry).unwrap();
    let receipt = Appended::decode(&answer.body).unwrap().receipt;
    assert_eq!(receipt.verify(&world.server.server_key()).unwrap().head, person.account.head());
}

/// Bob's ledger as alice is shown it.
async fn shown(world: &World, to: &Person, user: &str) -> Ledger {
    let body = Lookup { user_ids: vec![UserId::new(user).unwrap()] }.encode();
    let answer = to.ask(world, Method::Post, route::LOOKUP, body).await;
    let found = Accounts::decode(&answer.body).unwrap().accounts.remove(0).unwrap();
    let AccountLedger { entries, receipt } = found;
    let ledger = account::Ledger::replay(&entries).unwrap();
    assert_eq!(receipt.verify(&world.server.server_key()).unwrap().head, ledger.head());
    ledger
}

#[tokio::test]
async fn a_new_generation_stands_for_everybody_and_after_a_restart() {
    let world = World::start().await;
    let (alice, mut bob) = (world.alice().await, world.bob().await);
    assert_eq!(shown(&world, &alice, "bob").await.generation(), 0);
    let next = Generation::new();
    let entry = rotation(&bob, &next, 1);
    extend(&world, &mut bob, &entry, Some(b"newer")).await;
    assert_eq!(shown(&world, &alice, "bob").await, bob.account);
    let world = world.restart().await;
    assert_eq!(shown(&world, &alice, "bob").await, bob.account);
    let answer = bob.ask(&world, Method::Post, route::SESSIONS, vec![]).await;
    let LoggedIn { generation, master_keys, .. } = LoggedIn::decode(&answer.body).unwrap();
    assert_eq!((generation, master_keys), (1, vec![b"sealed".to_vec(), b"newer".to_vec()]), "older ones are kept");
}

/// Alice's account has a second device.
async fn with_phone(world: &World, alice: &mut Person) -> Device {
    let phone = Device::new();
    let consent = phone.consents(alice, phone.keys.id());
    let added = entry(alice, vec![AccountOp::AddDevice(phone.keys.clone())], |_| vec![consent]);
    extend(world, alice, &added, Some(b"for two")).await;
    phone
}

#[tokio::test]
async fn a_thief_of_a_device_does_not_flood_the_ledger_and_keeps_nobody_from_putting_him_out() {
    let world = World::with(|config| {
        config.rates.entries.burst = 3.0;
        config.rates.entries.per_second = 1.0 / 60.0;
    })
    .await;
    let mut alice = world.alice().await;
    let phone = with_phone(&world, &mut alice).await;
    let renewed = |alice: &Person| {
        let next = Device::new();
        let consent = next.consents(alice, alice.device);
        (entry(alice, vec![AccountOp::RotateDevice(next.keys.clone())], |_| vec![consent]), next)
    };
    for _ in 0..2 {
        let (entry, next) = renewed(&alice);
        extend(&world, &mut alice, &entry, Some(b"for two")).await;
        alice.device_key = next.key;
    }
    let (one_more, _) = renewed(&alice);
    let answer = send(&world, &alice, &one_more, Some(b"for two")).await;
    let refused = error(&answer);
    assert_eq!((refused.code, refused.retryable, answer.status), (Code::RateLimited, true, 429));
    let Some(Details::RetryAfter(seconds)) = refused.details else { panic!("{refused:?}") };
    assert!((1..=60).contains(&seconds), "{seconds}");
    // The field says what the signed body says.
    let body = ExtendAccount {
        expected: alice.account.head(),
        entry: one_more.clone(),
        master_key: Some(b"for two".to_vec()),
        expires_ms: None,
        password: None,
    };
    let (raw, _) = alice.request(&world, Method::Post, route::ACCOUNT_ENTRIES, body.encode());
    let said = crate::support::raw_answer(world.server.address(), &raw).await;
    let field = said.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
    assert!(seconds.abs_diff(field.trim().parse().unwrap()) <= 60, "{field}");
    // What is refused for another reason costs nothing, and is told that reason.
    let bob = world.bob().await;
    let foreign = rotation(&alice, &Generation::new(), 1);
    let wrong = send(&world, &bob, &foreign, Some(b"newer")).await;
    assert_ne!(code(&wrong), Code::RateLimited);

    // The thief is put out all the same, and nobody else's account was counted.
    let next = Generation::new();
    let ops = vec![
        AccountOp::RevokeDevice(RevokeDevice { device: phone.keys.id(), kept: vec![] }),
        AccountOp::RotateAccount(RotateAccount { generation: 1, keys: next.keys.clone() }),
    ];
    let revoked = entry(&alice, ops, |signed| rotation_signatures(&alice, &next, signed));
    extend(&world, &mut alice, &revoked, Some(b"for one")).await;
    let mut bob = bob;
    let (entry, _) = renewed(&bob);
    extend(&world, &mut bob, &entry, Some(b"newer")).await;
}

#[tokio::test]
async fn an_entry_is_refused_by_the_rule_that_it_breaks_and_nothing_happens() {
    let world = World::start().await;
    let (alice, mut bob) = (world.alice().await, world.bob().await);
    let next = Generation::new();
    for (entry, rule) in [
        (rotation(&bob, &next, 2), Rejected::WrongGeneration),
        (
            entry(&bob, vec![AccountOp::RevokeDevice(RevokeDevice { device: bob.device, kept: vec![] })], |_| vec![]),
            Rejected::RevocationOfOneself,
        ),
        (rotation(&alice, &next, 1), Rejected::WrongScope),
    ] {
        let answer = send(&world, &bob, &entry, Some(b"newer")).await;
        assert_eq!((answer.status, code(&answer)), (422, Code::Rejected(rule)));
    }
    let mut unsigned = rotation(&bob, &next, 1);
    unsigned.signatures.remove(1);
    assert_eq!(code(&send(&world, &bob, &unsigned, Some(b"newer")).await), Code::Rejected(Rejected::BadSignature));
    assert_eq!(shown(&world, &alice, "bob").await, bob.account);
    let entry = rotation(&bob, &next, 1);
    extend(&world, &mut bob, &entry, Some(b"newer")).await;
}

#[tokio::test]
async fn of_two_entries_after_one_head_one_is_taken_and_the_other_is_told_what_stands_there() {
    let world = World::start().await;
    let mut bob = world.bob().await;
    let (one, other) = (rotation(&bob, &Generation::new(), 1), rotation(&bob, &Generation::new(), 1));
    let late = ExtendAccount {
        expected: bob.account.head(),
        entry: other,
        master_key: Some(b"other".to_vec()),
        expires_ms: None,
        password: None,
    };
    extend(&world, &mut bob, &one, Some(b"one")).await;
    let refused = error(&bob.ask(&world, Method::Post, route::ACCOUNT_ENTRIES, late.encode()).await);
    assert_eq!(refused.code, Code::Conflict);
    let Some(Details::Standing(standing)) = refused.details else { panic!("{refused:?}") };
    assert_eq!(standing.entries, [one]);
}

#[tokio::test]
async fn an_envelope_comes_with_what_changes_who_opens_it_and_with_nothing_else() {
    let world = World::start().await;
    let mut bob = world.bob().await;
    let rotates = rotation(&bob, &Generation::new(), 1);
    assert_eq!(code(&send(&world, &bob, &rotates, None).await), Code::WrapMissing);
    assert_eq!(code(&send(&world, &bob, &rotates, Some(b"")).await), Code::TooLarge);
    let private = AccountOp::SetPrivate(account::SetPrivate { version: 1, hash: [1; 32] });
    let private = entry(&bob, vec![private], |_| vec![]);
    assert_eq!(code(&send(&world, &bob, &private, Some(b"sealed")).await), Code::WrapUnexpected);
    extend(&world, &mut bob, &private, None).await;
}

#[tokio::test]
async fn a_device_is_let_in_with_its_keys_while_the_ledger_has_it() {
    let world = World::start().await;
    let mut bob = world.bob().await;
    let phone = Device::new();
    let id = phone.keys.id();
    let mut by_phone = Person::new("bob");
    (by_phone.device, by_phone.device_key) = (id, phone.key.clone());
    let asks = async |world: &World, person: &Person| {
        let answer = person.ask(world, Method::Post, route::SESSIONS, vec![]).await;
        if answer.status == 200 { None } else { Some(code(&answer)) }
    };
    assert_eq!(asks(&world, &by_phone).await, Some(Code::UnknownDevice));

    let added = entry(&bob, vec![AccountOp::AddDevice(phone.keys.clone())], |_| vec![phone.consents(&bob, id)]);
    extend(&world, &mut bob, &added, Some(b"for two")).await;
    assert_eq!(asks(&world, &by_phone).await, None);

    // It renews its keys, by an entry of its own.
    let newer = Device::new();
    by_phone.account = bob.account.clone();
    let renewed =
        entry(&by_phone, vec![AccountOp::RotateDevice(newer.keys.clone())], |_| vec![newer.consents(&bob, id)]);
    extend(&world, &mut by_phone, &renewed, Some(b"for two, newer")).await;
    bob.account = by_phone.account.clone();
    assert_eq!(asks(&world, &by_phone).await, Some(Code::Unauthorized), "its former key");
    by_phone.device_key = newer.key.clone();
    assert_eq!(asks(&world, &by_phone).await, None);

    let next = Generation::new();
    let ops = vec![
        AccountOp::RevokeDevice(RevokeDevice { device: id, kept: vec![] }),
        AccountOp::RotateAccount(RotateAccount { generation: 1, keys: next.keys.clone() }),
    ];
    let revoked = entry(&bob, ops, |signed| rotation_signatures(&bob, &next, signed));
    extend(&world, &mut bob, &revoked, Some(b"for one")).await;
    assert_eq!(asks(&world, &by_phone).await, Some(Code::UnknownDevice));
    assert_eq!(asks(&world, &bob).await, None);
}

#[tokio::test]
async fn nobody_takes_the_device_of_another_account_for_his_own() {
    let world = World::start().await;
    let (alice, mut bob) = (world.alice().await, world.bob().await);
    // Alice's device itself says that it wants to: even then it has one account.
    let keys = alice.account.holders()[&alice.device].keys.clone();
    let alices = Device { key: alice.device_key.clone(), keys };
    let added = |bob: &Person| {
        entry(bob, vec![AccountOp::AddDevice(alices.keys.clone())], |_| vec![alices.consents(bob, alice.device)])
    };
    assert_eq!(code(&send(&world, &bob, &added(&bob), Some(b"for two")).await), Code::NotAllowed);
    // The refusal left no trace: the next entry stands where that one was to.
    let entry = rotation(&bob, &Generation::new(), 1);
    extend(&world, &mut bob, &entry, Some(b"newer")).await;
}

#[tokio::test]
async fn s14_what_cites_a_former_generation_is_stale_from_the_rotation_on() {
    let world = World::start().await;
    let (alice, mut bob) = (world.alice().await, world.bob().await);
    let ledger = alice.create_keychain(&world).await;
    let (to_former, _) = alice.share(&ledger, &[&bob]);
    let entry = rotation(&bob, &Generation::new(), 1);
    extend(&world, &mut bob, &entry, Some(b"newer")).await;
    assert_eq!(code(&alice.append(&world, ledger.id(), &to_former).await), Code::StaleCitation);
    let (to_newest, _) = alice.share(&ledger, &[&bob]);
    assert_eq!(to_newest.wraps[0].recipient_number, 1);
    assert_eq!(alice.append(&world, ledger.id(), &to_newest).await.status, 200);
}

#[tokio::test]
async fn of_a_new_generation_pages_tell_those_who_are_in_until_it_is_cited_and_nobody_who_is_out() {
    let world = World::start().await;
    let (alice, bob, mut carol) = (world.alice().await, world.bob().await, world.carol().await);
    let ledger = alice.create_keychain(&world).await;
    let ledger = alice.share_with(&world, &ledger, &[&bob, &carol]).await;
    let ledger = bob.join(&world, &ledger, &[&alice, &bob, &carol]).await;
    let ledger = carol.join(&world, &ledger, &[&alice, &bob, &carol]).await;
    let ledger = alice.ban(&world, &ledger, &bob, &[&alice, &bob, &carol]).await;
    let entry = rotation(&carol, &Generation::new(), 1);
    extend(&world, &mut carol, &entry, Some(b"newer")).await;

    let unseen = async |who: &Person| {
        let body = Ledgers { wanted: vec![After { scope: ledger.id(), after: None }] }.encode();
        let answer = who.ask(&world, Method::Post, route::LEDGERS, body).await;
        let page = LedgerPages::decode(&answer.body).unwrap().pages.remove(0).unwrap();
        let listed = Scopes::decode(&who.get(&world, route::SCOPES).await.body).unwrap().scopes;
        (page.unseen, listed.iter().any(|summary| summary.unseen))
    };
    for inside in [&alice, &carol] {
        assert_eq!(unseen(inside).await, (vec![carol.id()], true));
    }
    assert_eq!(unseen(&bob).await, (vec![], false), "who was banned learns nothing of those who are in");
    let mut cites = vec![alice.cite(), carol.cite()];
    cites.sort_by_key(|cite| cite.principal);
    let ops = vec![Person::next_key(&ledger, true)];
    let entry = keychain_entry(&alice, Some(&ledger), cites, ops.clone());
    let mut after = ledger.clone();
    after.append(&entry, &accounts(&[&alice, &carol])).unwrap();
    let rotate = Append { expected: ledger.head(), wraps: wraps_for(&after, &ops), entry };
    let answer = alice.append(&world, ledger.id(), &rotate).await;
    assert_eq!(answer.status, 200, "{:?}", error(&answer));
    assert_eq!(unseen(&alice).await, (vec![], false));
}
