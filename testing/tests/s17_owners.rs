//! S17: owners of a keychain against each other and against members: one, two and three owners, removal, self-votes,
//! replayed approvals, mutual removal in a race, bans of owners. The client against the real server.

use keyfold_client::{Client, Code, OwnerDecision, Owners, PermissionFlags, ShareKeys, ShareOptions, Value};
use keyfold_format::Rejected;
use keyfold_testing::people::{Person, TestServer};

const ALL: PermissionFlags =
    PermissionFlags { allow_sharing: true, allow_rotation: true, allow_deletion: true, allow_management: true };

fn add(who: &str) -> OwnerDecision {
    OwnerDecision::AddOwner(who.into())
}

fn remove(who: &str) -> OwnerDecision {
    OwnerDecision::RemoveOwner(who.into())
}

#[track_caller]
fn is_refused<T: std::fmt::Debug>(outcome: Result<T, keyfold_client::Error>, rule: Rejected) {
    assert_eq!(outcome.unwrap_err().code, Code::Rejected(rule));
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Alice's `notes`: bob with all permissions and carol are members.
struct Notes {
    _server: TestServer,
    alice: Person,
    bob: Person,
    carol: Person,
}

impl Notes {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let [alice, bob, carol] = [
            Person::signed_up("alice", &server).await,
            Person::signed_up("bob", &server).await,
            Person::signed_up("carol", &server).await,
        ];
        alice.keychain("notes").await;
        let options = ShareOptions { permissions: ALL, ..ShareOptions::default() };
        alice.client.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
        alice.client.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
        bob.client.sync().await.unwrap();
        carol.client.sync().await.unwrap();
        Self { _server: server, alice, bob, carol }
    }

    /// Alice and bob own it.
    async fn of_two() -> Self {
        let notes = Self::new().await;
        assert_eq!(notes.alice.client.propose("notes", &add("bob")).await.unwrap().owners, ["alice", "bob"]);
        notes
    }

    /// All three own it.
    async fn of_three() -> Self {
        let notes = Self::of_two().await;
        let waiting = notes.alice.client.propose("notes", &add("carol")).await.unwrap();
        assert_eq!(waiting.proposals[0].approvals, ["alice"]);
        let owners = notes.bob.client.approve("notes", &waiting.proposals[0].id).await.unwrap();
        assert_eq!(owners.owners, ["alice", "bob", "carol"]);
        assert_eq!((owners.proposals.len(), owners.quorum), (0, 2));
        notes
    }
}

async fn owners(client: &Client) -> Owners {
    client.owners("notes").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_a_member_with_all_permissions_makes_no_owner_and_removes_none() {
    let notes = Notes::new().await;
    let bob = &notes.bob.client;
    is_refused(bob.propose("notes", &add("bob")).await, Rejected::NotAnOwner);
    is_refused(bob.propose("notes", &remove("alice")).await, Rejected::NotAnOwner);
    is_refused(bob.ban("notes", "alice").await, Rejected::OwnerProtected);
    is_refused(
        bob.set_permissions(
            "notes",
            "alice",
            keyfold_client::PartialPermissions { allow_sharing: Some(false), ..Default::default() },
        )
        .await,
        Rejected::OwnerProtected,
    );
    assert_eq!(owners(&notes.carol.client).await.owners, ["alice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_the_only_owner_can_neither_leave_nor_remove_himself() {
    let notes = Notes::new().await;
    is_refused(notes.alice.client.leave("notes").await, Rejected::LastOwner);
    is_refused(notes.alice.client.propose("notes", &remove("alice")).await, Rejected::RemovalOfOneself);
    assert_eq!(owners(&notes.bob.client).await.owners, ["alice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_of_two_owners_neither_expels_the_other_whoever_votes() {
    let notes = Notes::of_two().await;
    let (alice, bob) = (&notes.alice.client, &notes.bob.client);
    let waiting = alice.propose("notes", &remove("bob")).await.unwrap();
    assert_eq!(waiting.owners, ["alice", "bob"], "one of two is no majority");
    // Saying it again is no second vote, and he who is meant does not count.
    assert_eq!(alice.propose("notes", &remove("bob")).await.unwrap().proposals[0].approvals, ["alice"]);
    is_refused(bob.approve("notes", &waiting.proposals[0].id).await, Rejected::RemovalOfOneself);
    is_refused(alice.ban("notes", "bob").await, Rejected::OwnerProtected);
    // A friend who is voted in would help: it takes both to vote one in.
    let friend = alice.propose("notes", &add("carol")).await.unwrap();
    assert_eq!(friend.owners, ["alice", "bob"]);
    assert_eq!(owners(&notes.carol.client).await, owners(bob).await, "everybody sees the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_two_of_three_owners_remove_the_third_who_keeps_nothing_but_reading() {
    let notes = Notes::of_three().await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let waiting = alice.propose("notes", &remove("bob")).await.unwrap();
    let left = carol.approve("notes", &waiting.proposals[0].id).await.unwrap();
    assert_eq!(left.owners, ["alice", "carol"]);
    assert_eq!(
        bob.permissions("notes", None).await.unwrap(),
        PermissionFlags::default(),
        "not even what he had before"
    );
    is_refused(bob.propose("notes", &remove("alice")).await, Rejected::NotAnOwner);
    let sealed = alice.encrypt_value("notes", &text("still here"), None).await.unwrap();
    assert_eq!(bob.decrypt_value(&sealed, None).await.unwrap().value, text("still here"));
    alice.ban("notes", "bob").await.unwrap();
    let sealed = alice.encrypt_value("notes", &text("without him"), None).await.unwrap();
    assert!(bob.decrypt_value(&sealed, None).await.is_err());
    assert_eq!(carol.decrypt_value(&sealed, None).await.unwrap().value, text("without him"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_in_a_race_of_mutual_removal_the_first_in_the_ledger_wins_and_the_other_has_lapsed() {
    let notes = Notes::of_three().await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let (against_bob, against_alice) = (remove("bob"), remove("alice"));
    let (mine, his) = tokio::join!(alice.propose("notes", &against_bob), bob.propose("notes", &against_alice));
    mine.unwrap();
    his.unwrap();
    let open = owners(carol).await;
    assert_eq!(open.proposals.len(), 2);
    let decided = carol.approve("notes", &open.proposals[0].id).await.unwrap();
    assert_eq!((decided.owners.len(), decided.proposals.len()), (2, 0));
    is_refused(carol.approve("notes", &open.proposals[1].id).await, Rejected::NoSuchProposal);
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_proposals_lapse_when_an_owner_leaves_and_his_vote_with_them() {
    let notes = Notes::of_three().await;
    let (alice, bob, carol) = (&notes.alice.client, &notes.bob.client, &notes.carol.client);
    let waiting = alice.propose("notes", &remove("bob")).await.unwrap();
    alice.leave("notes").await.unwrap();
    is_refused(carol.approve("notes", &waiting.proposals[0].id).await, Rejected::NoSuchProposal);
    assert_eq!(owners(bob).await.owners, ["bob", "carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_is_shown_when_a_majority_of_the_owners_named_it() {
    let notes = Notes::of_two().await;
    let (alice, bob) = (&notes.alice.client, &notes.bob.client);
    let other = alice.create_keychain("notes of next year", keyfold_client::Algorithm::SecretBox).await.unwrap();
    let waiting = alice.propose("notes", &OwnerDecision::Successor("notes of next year".into())).await.unwrap();
    assert_eq!(waiting.successor, None, "one of two is a hint");
    let decided = bob.approve("notes", &waiting.proposals[0].id).await.unwrap();
    assert_eq!(decided.successor, Some(other.keychain_fingerprint));
    is_refused(alice.propose("notes", &OwnerDecision::Successor("notes".into())).await, Rejected::SuccessorOfItself);
}
