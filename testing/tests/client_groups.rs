//! Groups: the client against the real server. Teams in keychains, teams in departments, who acts through them, and who
//! is put out of them.

use keyfold_client::{Client, Code, MemberState, PermissionFlags, ShareKeys, ShareOptions, Value};
use keyfold_format::Rejected;
use keyfold_testing::people::{Person, TestServer};

const TEAM: u16 = 100;
const DEPARTMENT: u16 = 150;

const ALL: PermissionFlags =
    PermissionFlags { allow_sharing: true, allow_rotation: true, allow_deletion: true, allow_management: true };
const SHARING: PermissionFlags =
    PermissionFlags { allow_sharing: true, allow_rotation: false, allow_deletion: false, allow_management: false };

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn rule(rule: Rejected) -> Code {
    Code::Rejected(rule)
}

fn may(permissions: PermissionFlags) -> ShareOptions {
    ShareOptions { permissions, ..ShareOptions::default() }
}

struct Town {
    _server: TestServer,
    alice: Person,
    bob: Person,
    carol: Person,
}

impl Town {
    /// Alice's group `team`, with bob in it.
    async fn with_team(permissions: PermissionFlags) -> Self {
        let server = TestServer::start().await;
        let [alice, bob, carol] = [
            Person::signed_up("alice", &server).await,
            Person::signed_up("bob", &server).await,
            Person::signed_up("carol", &server).await,
        ];
        alice.client.create_group("team", TEAM).await.unwrap();
        let town = Self { _server: server, alice, bob, carol };
        town.adds("team", &town.bob, permissions).await;
        town
    }

    /// Alice adds somebody, who takes it.
    async fn adds(&self, group: &str, who: &Person, permissions: PermissionFlags) {
        let group = format!("group:{group}");
        self.alice.client.share(&group, &[&who.name], ShareKeys::All, may(permissions)).await.unwrap();
        who.client.sync().await.unwrap();
    }

    /// Alice's group `department`, with the team in it.
    async fn with_department(&self) {
        self.alice.client.create_group("department", DEPARTMENT).await.unwrap();
        shared(&self.alice.client, "group:department", "group:team", PermissionFlags::default()).await;
    }
}

async fn shared(client: &Client, kc: &str, with: &str, permissions: PermissionFlags) {
    let outcome = client.share(kc, &[with], ShareKeys::All, may(permissions)).await.unwrap();
    assert_eq!((outcome.recipients[0].user_id.as_str(), outcome.recipients[0].already), (with, false));
}

async fn sealed(client: &Client, kc: &str, what: &str) -> String {
    client.encrypt_value(kc, &text(what), None).await.unwrap()
}

async fn reads(client: &Client, sealed: &str, what: &str) {
    assert_eq!(client.decrypt_value(sealed, None).await.unwrap().value, text(what));
}

async fn cannot_read(client: &Client, sealed: &str) {
    assert_eq!(client.decrypt_value(sealed, None).await.unwrap_err().code, Code::NoSlot);
}

/// Who is in it, each with the groups by which he is.
async fn names(client: &Client, kc: &str) -> Vec<(String, Vec<String>)> {
    client.participants(kc, None, true).await.unwrap().into_iter().map(|p| (p.user_id, p.through)).collect()
}

fn by(name: &str, through: &[&str]) -> (String, Vec<String>) {
    (name.to_owned(), through.iter().map(|group| (*group).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_reads_and_writes_what_is_shared_with_it_and_who_comes_later_reads_what_was_before() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.alice.keychain("notes").await;
    let before = sealed(alice, "notes", "before").await;
    alice.rotate("notes").await.unwrap();
    shared(alice, "notes", "group:team", PermissionFlags::default()).await;
    reads(bob, &before, "before").await;
    let from_bob = sealed(bob, "notes", "from bob").await;
    reads(alice, &from_bob, "from bob").await;
    cannot_read(carol, &from_bob).await;
    assert_eq!(names(bob, "notes").await, [by("alice", &[]), by("bob", &["group:team"])]);
    let shown = bob.keychain("notes").await.unwrap();
    assert_eq!((shown.shared_by.unwrap().user_id.as_str(), shown.follows, shown.keys.len()), ("alice", true, 2));

    // The group's key changes in between: what was wrapped to the former one opens for who comes after it too.
    alice.rotate("group:team").await.unwrap();
    town.adds("team", &town.carol, PermissionFlags::default()).await;
    reads(carol, &before, "before").await;
    reads(carol, &from_bob, "from bob").await;
    reads(alice, &sealed(carol, "notes", "from carol").await, "from carol").await;
    let again = alice.share("notes", &["group:team"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    assert!(again.recipients[0].already && again.recipients[0].state == MemberState::Accepted);
    assert_eq!(bob.groups().await.unwrap()[0].name, "team");
    assert_eq!(alice.group("team").await.unwrap().member_count, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_shares_with_people_and_groups_whatever_their_ids() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let alice = &town.alice.client;
    for round in 0..6 {
        let (notes, team) = (format!("notes {round}"), format!("team {round}"));
        alice.create_group(&team, TEAM).await.unwrap();
        town.alice.keychain(&notes).await;
        let with = [&*format!("group:{team}"), "bob", "carol"];
        let shared = alice.share(&notes, &with, ShareKeys::All, ShareOptions::default()).await.unwrap();
        assert_eq!(shared.recipients.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_in_a_department_gets_what_the_department_gets() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob) = (&town.alice.client, &town.bob.client);
    town.alice.keychain("notes").await;
    town.with_department().await;
    shared(alice, "notes", "group:department", PermissionFlags::default()).await;
    let value = sealed(alice, "notes", "for all").await;
    reads(bob, &value, "for all").await;
    reads(alice, &sealed(bob, "notes", "from below").await, "from below").await;
    let through = ["group:department", "group:team"];
    assert_eq!(names(alice, "notes").await, [by("alice", &[]), by("bob", &through)]);
    assert_eq!(names(bob, "notes").await, [by("alice", &[]), by("bob", &through)]);
    let groups: Vec<String> = bob.groups().await.unwrap().into_iter().map(|group| group.name).collect();
    assert_eq!(groups, ["department", "team"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_who_is_removed_from_a_team_reads_nothing_new_in_it_above_it_and_where_it_stands() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.adds("team", &town.carol, PermissionFlags::default()).await;
    town.alice.keychain("notes").await;
    town.with_department().await;
    shared(alice, "notes", "group:department", PermissionFlags::default()).await;
    let before = sealed(alice, "notes", "before").await;
    reads(bob, &before, "before").await;
    reads(carol, &before, "before").await;

    alice.ban("group:team", "bob").await.unwrap();
    assert_eq!(alice.keychain("notes").await.unwrap().keys[0].key_number, 2, "the keychain has a new key too");
    for group in ["team", "department"] {
        assert!(!alice.group(group).await.unwrap().needs_rotation, "{group}");
    }
    let after = sealed(alice, "notes", "after").await;
    reads(carol, &after, "after").await;
    bob.sync().await.unwrap();
    cannot_read(bob, &after).await;
    assert_eq!(bob.keychains().await.unwrap(), []);
    assert_eq!(bob.groups().await.unwrap(), []);
    assert_eq!(bob.encrypt_value("notes", &text("no"), None).await.unwrap_err().code, Code::UnknownKeychain);
    // What he had he keeps.
    reads(bob, &before, "before").await;
    assert_eq!(
        names(alice, "notes").await.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["alice", "carol"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_member_s_client_rotates_up_to_the_keychain_when_somebody_has_left_the_team() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.adds("team", &town.carol, PermissionFlags::default()).await;
    town.alice.keychain("notes").await;
    town.with_department().await;
    shared(alice, "notes", "group:department", PermissionFlags::default()).await;
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();

    bob.leave("group:team").await.unwrap();
    // Carol may nothing but follow, through two groups; alice does nothing.
    carol.sync().await.unwrap();
    let after = sealed(carol, "notes", "after").await;
    assert_eq!(carol.keychain("notes").await.unwrap().keys[0].key_number, 2);
    reads(alice, &after, "after").await;
    bob.sync().await.unwrap();
    cannot_read(bob, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_encrypts_to_a_keychain_before_it_has_seen_who_was_removed_from_its_team() {
    let town = Town::with_team(ALL).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.adds("team", &town.carol, PermissionFlags::default()).await;
    // Bob, who puts carol out, is in the keychain only through the team and may not rotate there himself.
    town.alice.keychain("notes").await;
    let terms = ShareOptions::default();
    alice.share("notes", &["group:team"], ShareKeys::Latest, terms).await.unwrap();
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    bob.ban("group:team", "carol").await.unwrap();
    let after = sealed(alice, "notes", "after").await;
    assert!(alice.keychain("notes").await.unwrap().keys[0].key_number >= 2);
    reads(bob, &after, "after").await;
    carol.sync().await.unwrap();
    cannot_read(carol, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_what_one_has_at_every_step_of_the_way() {
    let town = Town::with_team(SHARING).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.alice.keychain("notes").await;
    shared(alice, "notes", "group:team", PermissionFlags::default()).await;
    bob.sync().await.unwrap();
    let share = async || bob.share("notes", &["carol"], ShareKeys::All, ShareOptions::default()).await;
    assert_eq!(share().await.unwrap_err().code, rule(Rejected::SharingNotAllowed), "the group may not");
    let change = keyfold_client::PartialPermissions { allow_sharing: Some(true), ..Default::default() };
    let now = alice.set_permissions("notes", "group:team", change).await.unwrap();
    assert_eq!(now, SHARING);
    assert_eq!(bob.permissions("notes", None).await.unwrap(), SHARING);
    share().await.unwrap();
    carol.sync().await.unwrap();
    let value = sealed(alice, "notes", "for carol too").await;
    reads(carol, &value, "for carol too").await;
    // What the group may, bob may not where he may not in the group.
    let none = keyfold_client::PartialPermissions { allow_sharing: Some(false), ..Default::default() };
    alice.set_permissions("group:team", "bob", none).await.unwrap();
    assert_eq!(bob.permissions("notes", None).await.unwrap(), PermissionFlags::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_banned_from_a_keychain_takes_its_members_along() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob) = (&town.alice.client, &town.bob.client);
    town.alice.keychain("notes").await;
    shared(alice, "notes", "group:team", PermissionFlags::default()).await;
    let before = sealed(alice, "notes", "before").await;
    reads(bob, &before, "before").await;
    let banned = alice.ban("notes", "group:team").await.unwrap();
    assert_eq!(banned.user_id, "group:team");
    let after = sealed(alice, "notes", "after").await;
    bob.sync().await.unwrap();
    cannot_read(bob, &after).await;
    reads(bob, &before, "before").await;
    assert_eq!(names(alice, "notes").await, [by("alice", &[])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_group_with_somebody_banned_gets_nothing_until_he_is_out_of_it_and_then_what_it_missed() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob, carol) = (&town.alice.client, &town.bob.client, &town.carol.client);
    town.adds("team", &town.carol, PermissionFlags::default()).await;
    town.alice.keychain("notes").await;
    alice.share("notes", &["group:team"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    let banned = alice.ban("notes", "bob").await.unwrap();
    assert_eq!(banned.through, ["group:team"]);
    let meanwhile = sealed(alice, "notes", "meanwhile").await;
    bob.sync().await.unwrap();
    cannot_read(bob, &meanwhile).await;
    assert!(carol.decrypt_value(&meanwhile, None).await.is_err(), "bob could have it from her group's key");

    alice.ban("group:team", "bob").await.unwrap();
    let after = sealed(alice, "notes", "after").await;
    reads(carol, &after, "after").await;
    reads(carol, &meanwhile, "meanwhile").await;
    bob.sync().await.unwrap();
    cannot_read(bob, &meanwhile).await;
    cannot_read(bob, &after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_stands_in_none_of_its_own_rank_or_a_lower_one_so_never_in_itself() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let alice = &town.alice.client;
    town.with_department().await;
    alice.create_group("other team", TEAM).await.unwrap();
    for (group, with) in [
        ("group:team", "group:team"),
        ("group:team", "group:department"),
        ("group:team", "group:other team"),
        ("group:department", "group:department"),
    ] {
        let refused = alice.share(group, &[with], ShareKeys::All, ShareOptions::default()).await.unwrap_err();
        assert_eq!(refused.code, rule(Rejected::RankTooHigh), "{with} in {group}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_groups_are_not_those_of_keychains_and_of_others_groups_one_knows_none() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, carol) = (&town.alice.client, &town.carol.client);
    town.alice.keychain("team").await;
    assert_eq!(alice.keychains().await.unwrap().len(), 1);
    assert_eq!(alice.group("team").await.unwrap().rank, TEAM);
    let group = alice.group("group:team").await.unwrap().group_fingerprint;
    assert_eq!(alice.keychain(&group).await.unwrap_err().code, Code::UnknownKeychain);
    assert_eq!(alice.encrypt_value("group:team", &text("no"), None).await.unwrap_err().code, Code::UnknownKeychain);
    assert_eq!(carol.group("team").await.unwrap_err().code, Code::UnknownGroup);
    assert_eq!(carol.group(&group).await.unwrap_err().code, Code::UnknownGroup);
    town.carol.keychain("notes").await;
    let share = carol.share("notes", &["group:team"], ShareKeys::All, ShareOptions::default()).await;
    assert_eq!(share.unwrap_err().code, Code::UnknownGroup);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_owners_as_a_keychain_has() {
    let town = Town::with_team(PermissionFlags::default()).await;
    let (alice, bob) = (&town.alice.client, &town.bob.client);
    let decided = alice.propose("group:team", &keyfold_client::OwnerDecision::AddOwner("bob".into())).await.unwrap();
    assert_eq!((decided.owners.as_slice(), decided.quorum), (["alice".to_owned(), "bob".to_owned()].as_slice(), 2));
    alice.leave("group:team").await.unwrap();
    bob.sync().await.unwrap();
    let group = bob.group("team").await.unwrap();
    assert_eq!((group.member_count, group.needs_rotation, group.permissions), (1, false, ALL));
    assert_eq!(bob.leave("group:team").await.unwrap_err().code, rule(Rejected::LastOwner));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_on_the_same_home_goes_on_with_groups() {
    let town = Town::with_team(PermissionFlags::default()).await;
    town.alice.keychain("notes").await;
    shared(&town.alice.client, "notes", "group:team", PermissionFlags::default()).await;
    town.bob.client.sync().await.unwrap();
    let value = sealed(&town.bob.again(), "notes", "from bob").await;
    reads(&town.alice.again(), &value, "from bob").await;
    town.alice.again().ban("group:team", "bob").await.unwrap();
    let after = sealed(&town.alice.again(), "notes", "after").await;
    town.bob.again().sync().await.unwrap();
    cannot_read(&town.bob.again(), &after).await;
}
