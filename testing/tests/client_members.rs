//! Permissions, bans and leaving: the client against the real server.

use keyfold_client::{
    Client, ClientEvent, Code, MemberState, PartialPermissions, PermissionFlags, ShareKeys, ShareOptions, SyncState,
    Value, Watch,
};
use keyfold_format::Rejected;
use keyfold_testing::people::{Person, TestServer, next, next_event};

const SHARING: PermissionFlags =
    PermissionFlags { allow_sharing: true, allow_rotation: false, allow_deletion: false, allow_management: false };

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn rule(rule: Rejected) -> Code {
    Code::Rejected(rule)
}

/// Alice's `notes`, with bob and carol in it.
struct Notes {
    server: TestServer,
    alice: Person,
    bob: Person,
    carol: Person,
    fingerprint: String,
}

impl Notes {
    async fn with(permissions: PermissionFlags) -> Self {
        let server = TestServer::start().await;
        let [alice, bob, carol] = [
            Person::signed_up("alice", &server).await,
            Person::signed_up("bob", &server).await,
            Person::signed_up("carol", &server).await,
        ];
        let fingerprint = alice.keychain("notes").await.keychain_fingerprint;
        let options = ShareOptions { permissions, ..ShareOptions::default() };
        alice.client.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
        alice.client.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
        bob.client.sync().await.unwrap();
        carol.client.sync().await.unwrap();
        Self { server, alice, bob, carol, fingerprint }
    }

    fn updated(&self) -> ClientEvent {
        ClientEvent::KeychainUpdated { keychain_fingerprint: self.fingerprint.clone(), purpose: "notes".into() }
    }

    fn permissions_of(&self, user_id: &str, permissions: PermissionFlags) -> ClientEvent {
        let keychain_fingerprint = self.fingerprint.clone();
        ClientEvent::PermissionsUpdated { keychain_fingerprint, permissions, user_id: user_id.into() }
    }

    fn banned(&self, user_id: &str) -> ClientEvent {
        ClientEvent::MemberBanned { keychain_fingerprint: self.fingerprint.clone(), user_id: user_id.into() }
    }
}

async fn online(client: &Client) -> Watch {
    let mut watch = client.watch();
    while next(&mut watch).await != (ClientEvent::SyncStateChanged { state: SyncState::Online }) {}
    watch
}

async fn names(client: &Client, kc: &str) -> Vec<String> {
    client.participants(kc, None, true).await.unwrap().into_iter().map(|p| p.user_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_changed_one_by_one_and_every_member_is_told() {
    let notes = Notes::with(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let (mut to_bob, mut to_carol) = (online(bob).await, online(carol).await);
    let all_of_alice = alice.permissions("notes", None).await.unwrap();
    assert_eq!(all_of_alice, alice.permissions("notes", Some("alice")).await.unwrap());
    assert!(all_of_alice.allow_management && all_of_alice.allow_deletion);
    assert_eq!(bob.permissions("notes", None).await.unwrap(), PermissionFlags::default());

    let sharing = PartialPermissions { allow_sharing: Some(true), ..PartialPermissions::default() };
    assert_eq!(alice.set_permissions("notes", "bob", sharing).await.unwrap(), SHARING);
    for watch in [&mut to_bob, &mut to_carol] {
        assert_eq!(next_event(watch).await, notes.updated());
        assert_eq!(next_event(watch).await, notes.permissions_of("bob", SHARING));
    }
    // What is not named stays.
    let rotation = PartialPermissions { allow_rotation: Some(true), ..PartialPermissions::default() };
    let both = PermissionFlags { allow_rotation: true, ..SHARING };
    assert_eq!(alice.set_permissions("notes", "bob", rotation).await.unwrap(), both);
    assert_eq!(carol.permissions("notes", Some("bob")).await.unwrap(), both);
    bob.rotate("notes").await.unwrap();
    let other = PartialPermissions { allow_rotation: Some(false), ..sharing };
    assert_eq!(alice.set_permissions("notes", "bob", other).await.unwrap(), SHARING);
    assert_eq!(bob.rotate("notes").await.unwrap_err().code, rule(Rejected::RotationNotAllowed));
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_refused_to_who_may_not_give_them_and_of_who_has_none_to_change() {
    let notes = Notes::with(SHARING).await;
    let (alice, bob) = (&notes.alice.client, &notes.bob.client);
    let _dave = Person::signed_up("dave", &notes.server).await;
    let sharing = PartialPermissions { allow_sharing: Some(true), ..PartialPermissions::default() };
    let code = async |by: &Client, who: &str| by.set_permissions("notes", who, sharing).await.unwrap_err().code;
    assert_eq!(code(bob, "carol").await, rule(Rejected::ManagementNotAllowed));
    // Also where nothing would change.
    assert_eq!(code(bob, "bob").await, rule(Rejected::ManagementNotAllowed));
    assert_eq!(code(alice, "alice").await, rule(Rejected::OwnerProtected));
    assert_eq!(code(alice, "dave").await, rule(Rejected::NoSuchMember));
    assert_eq!(code(alice, "nobody").await, Code::UnknownUser);
    assert_eq!(alice.permissions("notes", Some("dave")).await.unwrap_err().code, rule(Rejected::NoSuchMember));
    // A manager grants what he has, and withdraws anything.
    let manager = PartialPermissions { allow_management: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "bob", manager).await.unwrap();
    bob.set_permissions("notes", "carol", sharing).await.unwrap();
    let deletion = PartialPermissions { allow_deletion: Some(true), ..PartialPermissions::default() };
    let refused = bob.set_permissions("notes", "carol", deletion).await.unwrap_err();
    assert_eq!(refused.code, rule(Rejected::PermissionsNotHeld));
    assert_eq!(alice.permissions("notes", Some("carol")).await.unwrap(), SHARING);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_banned_reads_what_was_and_nothing_that_comes() {
    let notes = Notes::with(PermissionFlags { allow_rotation: true, ..SHARING }).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let before = alice.encrypt_value("notes", &text("before"), None).await.unwrap();
    let (mut to_bob, mut to_carol) = (online(bob).await, online(carol).await);

    let outcome = alice.ban("notes", "bob").await.unwrap();
    assert_eq!((outcome.keychain_fingerprint, outcome.user_id.as_str()), (notes.fingerprint.clone(), "bob"));
    let key_fingerprint = outcome.key_fingerprint.unwrap();
    assert_eq!(alice.keychains().await.unwrap()[0].key_fingerprint, key_fingerprint);
    let rotated = ClientEvent::KeyRotated { keychain_fingerprint: notes.fingerprint.clone(), key_fingerprint };
    for expected in [notes.updated(), notes.banned("bob"), rotated] {
        assert_eq!(next_event(&mut to_carol).await, expected);
    }
    for expected in [notes.updated(), notes.banned("bob")] {
        assert_eq!(next_event(&mut to_bob).await, expected);
    }

    let after = alice.encrypt_value("notes", &text("after"), None).await.unwrap();
    assert_eq!(carol.decrypt_value(&after, None).await.unwrap().value, text("after"));
    assert_eq!(bob.decrypt_value(&after, None).await.unwrap_err().code, Code::NoSlot);
    assert_eq!(bob.decrypt_value(&before, None).await.unwrap().value, text("before"));
    // He is not offered the keychain any more, and is told why where he names it.
    assert_eq!(bob.keychains().await.unwrap(), []);
    for kc in ["notes", notes.fingerprint.as_str()] {
        let banned = rule(Rejected::AuthorBanned);
        assert_eq!(bob.encrypt_value(kc, &text("mine"), None).await.unwrap_err().code, banned);
        assert_eq!(bob.rotate(kc).await.unwrap_err().code, banned);
        assert_eq!(bob.participants(kc, None, true).await.unwrap_err().code, banned);
        assert_eq!(bob.permissions(kc, None).await.unwrap_err().code, banned);
        let shared = bob.share(kc, &["carol"], ShareKeys::All, ShareOptions::default()).await;
        assert_eq!(shared.unwrap_err().code, banned);
    }
    assert_eq!(names(carol, "notes").await, ["alice", "carol"]);
    // Asked for again, it is so already, and no further key is made.
    let again = alice.ban("notes", "bob").await.unwrap();
    assert_eq!(again.key_fingerprint.unwrap(), carol.keychains().await.unwrap()[0].key_fingerprint);
    assert_eq!(carol.keychains().await.unwrap()[0].key_number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_banned_while_he_was_away_finds_out_whatever_he_does_first() {
    type Act = fn(&Client) -> futures_util::future::BoxFuture<'_, Result<(), keyfold_client::Error>>;
    let acts: [(&str, Act); 4] = [
        ("encrypt", |bob| Box::pin(async { bob.encrypt_value("notes", &text("mine"), None).await.map(drop) })),
        ("rotate", |bob| Box::pin(async { bob.rotate("notes").await.map(drop) })),
        ("share", |bob| {
            Box::pin(async {
                bob.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.map(drop)
            })
        }),
        ("ban", |bob| Box::pin(async { bob.ban("notes", "carol").await.map(drop) })),
    ];
    for (name, act) in acts {
        let all = PermissionFlags { allow_rotation: true, allow_deletion: true, ..SHARING };
        let notes = Notes::with(all).await;
        notes.alice.client.ban("notes", "bob").await.unwrap();
        let refused = act(&notes.bob.client).await.unwrap_err();
        assert_eq!(refused.code, rule(Rejected::AuthorBanned), "{name}: {refused}");
        assert_eq!(notes.bob.client.sync().await.unwrap().last(), Some(&notes.banned("bob")), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_refused_of_owners_of_managers_and_by_who_may_not() {
    let deletion = PermissionFlags { allow_deletion: true, ..PermissionFlags::default() };
    let notes = Notes::with(deletion).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let _dave = Person::signed_up("dave", &notes.server).await;
    let code = async |by: &Client, who: &str| by.ban("notes", who).await.unwrap_err().code;
    assert_eq!(code(carol, "bob").await, rule(Rejected::DeletionNotAllowed));
    assert_eq!(code(bob, "alice").await, rule(Rejected::OwnerProtected));
    assert_eq!(code(alice, "dave").await, rule(Rejected::NoSuchMember));
    assert_eq!(code(alice, "nobody").await, Code::UnknownUser);
    let manager = PartialPermissions { allow_management: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "carol", manager).await.unwrap();
    assert_eq!(code(bob, "carol").await, rule(Rejected::ManagerProtected));
    assert_eq!(names(carol, "notes").await, ["alice", "bob", "carol"]);
    assert_eq!(carol.keychains().await.unwrap()[0].key_number, 1);
    alice.set_permissions("notes", "bob", manager).await.unwrap();
    bob.ban("notes", "carol").await.unwrap();
    assert_eq!(names(alice, "notes").await, ["alice", "bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_the_banned_fall_and_whoever_waits_is_not_let_in_by_them() {
    let notes = Notes::with(SHARING).await;
    let (alice, bob) = (&notes.alice.client, &notes.bob.client);
    let dave = Person::signed_up("dave", &notes.server).await;
    bob.share("notes", &["dave"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    let sealed = bob.encrypt_value("notes", &text("to dave"), None).await.unwrap();
    alice.ban("notes", "bob").await.unwrap();
    assert!(!dave.client.sync().await.unwrap().contains(&notes.updated()));
    assert_eq!(dave.client.keychains().await.unwrap(), []);
    assert_eq!(dave.client.decrypt_value(&sealed, None).await.unwrap_err().code, Code::NoSlot);
    assert_eq!(names(alice, "notes").await, ["alice", "carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shared_with_again_is_back_and_what_lay_between_stays_closed() {
    let notes = Notes::with(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let before = alice.encrypt_value("notes", &text("before"), None).await.unwrap();
    alice.ban("notes", "bob").await.unwrap();
    let between = alice.encrypt_value("notes", &text("between"), None).await.unwrap();
    bob.sync().await.unwrap();
    alice.rotate("notes").await.unwrap();
    // Only who holds allowManagement lifts a ban.
    let sharing = PartialPermissions { allow_sharing: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "carol", sharing).await.unwrap();
    let refused = carol.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap_err();
    assert_eq!(refused.code, rule(Rejected::PrincipalBanned));
    let outcome = alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    assert_eq!(outcome.recipients[0].state, MemberState::Pending);
    let events = bob.sync().await.unwrap();
    assert!(matches!(events.last(), Some(ClientEvent::KeyReceived { .. })), "{events:?}");
    let after = bob.encrypt_value("notes", &text("after"), None).await.unwrap();
    assert_eq!(carol.decrypt_value(&after, None).await.unwrap().value, text("after"));
    assert_eq!(bob.decrypt_value(&before, None).await.unwrap().value, text("before"));
    assert_eq!(bob.decrypt_value(&between, None).await.unwrap_err().code, Code::NoSlot);
}

#[tokio::test(flavor = "multi_thread")]
async fn banning_oneself_leaves_and_another_member_s_client_makes_the_new_key() {
    let notes = Notes::with(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let before = bob.encrypt_value("notes", &text("before"), None).await.unwrap();
    // Carol has no permissions, and is the only one who is there.
    let mut to_carol = online(carol).await;
    let left = bob.ban("notes", "bob").await.unwrap();
    assert_eq!((left.user_id.as_str(), left.key_fingerprint), ("bob", None));
    assert_eq!(next_event(&mut to_carol).await, notes.updated());
    assert!(matches!(next_event(&mut to_carol).await, ClientEvent::KeyRotated { .. }));

    let after = alice.encrypt_value("notes", &text("after"), None).await.unwrap();
    let opened = carol.decrypt_value(&after, None).await.unwrap();
    assert_eq!((opened.value, opened.key_number, opened.current), (text("after"), 2, true));
    assert_eq!(bob.decrypt_value(&after, None).await.unwrap_err().code, Code::NoSlot);
    assert_eq!(bob.decrypt_value(&before, None).await.unwrap().value, text("before"));
    assert_eq!(bob.keychains().await.unwrap(), []);
    assert_eq!(bob.leave("notes").await.unwrap_err().code, Code::UnknownKeychain);
    assert_eq!(names(alice, "notes").await, ["alice", "carol"]);
    // It was not a ban: who may share may let him in again.
    alice.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    assert_eq!(bob.decrypt_value(&after, None).await.unwrap().value, text("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_to_write_after_somebody_left_makes_the_new_key_first_and_only_one_is_made() {
    let notes = Notes::with(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    bob.leave("notes").await.unwrap();
    let (a, c) = (text("a"), text("c"));
    let (first, second) = tokio::join!(alice.encrypt_value("notes", &a, None), carol.encrypt_value("notes", &c, None));
    for sealed in [first.unwrap(), second.unwrap()] {
        let opened = alice.decrypt_value(&sealed, None).await.unwrap();
        assert_eq!((opened.key_number, opened.current), (2, true));
        assert_eq!(bob.decrypt_value(&sealed, None).await.unwrap_err().code, Code::NoSlot);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_owner_does_not_leave() {
    let notes = Notes::with(PermissionFlags::default()).await;
    let alice = &notes.alice.client;
    assert_eq!(alice.leave("notes").await.unwrap_err().code, rule(Rejected::LastOwner));
    assert_eq!(alice.ban("notes", "alice").await.unwrap_err().code, rule(Rejected::LastOwner));
    assert_eq!(names(alice, "notes").await, ["alice", "bob", "carol"]);
}
