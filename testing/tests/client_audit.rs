//! Audits: who did what, when, and when it counted; from the first entry on, whatever is cached; and as a file for
//! somebody who has neither account nor server.

use keyfold_client::{
    Algorithm, Audit, AuditAction, AuditPrincipal, AuditState, AuditedFile, Client, OwnerDecision, PartialPermissions,
    PermissionFlags, ShareKeys, ShareOptions, verify_audit_file,
};
use keyfold_protocol::{
    Code,
    wire::{LedgerPages, Ledgers},
};
use keyfold_testing::{
    evil::{EvilWorld, writes},
    people::{Person, TestServer},
};
use serde_json::{Value, json};

async fn share(from: &Client, to: &str, permissions: PermissionFlags) {
    let options = ShareOptions { permissions, ..ShareOptions::default() };
    from.share("notes", &[to], ShareKeys::Latest, options).await.unwrap();
}

/// The actions of each entry as documents, with ids left out: they differ from run to run.
fn deeds(audit: &Audit) -> Value {
    fn plain(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for id in ["accountId", "groupId", "keyFingerprint", "deviceId", "recoveryId"] {
                    fields.remove(id);
                }
                fields.values_mut().for_each(plain);
            }
            Value::Array(items) => items.iter_mut().for_each(plain),
            _ => {}
        }
    }
    let entry = |entry: &keyfold_client::AuditEntry| {
        let mut actions = serde_json::to_value(&entry.actions).unwrap();
        plain(&mut actions);
        json!([entry.seq, entry.author.user_id, entry.placed, actions])
    };
    audit.entries.iter().map(entry).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_tells_who_did_what_in_order_and_where_it_led() {
    let server = TestServer::start().await;
    let alices_home = Person::signed_up("alice", &server).await;
    let alice = &alices_home.client;
    let bobs_home = Person::signed_up("bob", &server).await;
    let bob = &bobs_home.client;
    let carols_home = Person::signed_up("carol", &server).await;
    let carol = &carols_home.client;
    let first = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let none = PermissionFlags::default();
    let rotation = PermissionFlags { allow_rotation: true, ..none };
    share(alice, "bob", none).await;
    bob.sync().await.unwrap();
    let change = PartialPermissions { allow_rotation: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "bob", change).await.unwrap();
    let second = bob.rotate("notes").await.unwrap();
    share(alice, "carol", none).await;
    let pending = alice.outgoing_shares().await.unwrap();
    alice.cancel_share("carol", &pending[0].key_fingerprint).await.unwrap();
    bob.delete_key("notes", &second.key_fingerprint).await.unwrap();
    share(alice, "carol", none).await;
    carol.sync().await.unwrap();
    alice.propose("notes", &OwnerDecision::AddOwner("carol".into())).await.unwrap();
    carol.propose("notes", &OwnerDecision::RemoveOwner("alice".into())).await.unwrap();
    alice.ban("notes", "bob").await.unwrap();

    let audit = alice.audit("notes").await.unwrap();
    assert_eq!((audit.kind, audit.scope.as_str()), ("keychain", first.keychain_fingerprint.as_str()));
    let flags = |flags: PermissionFlags| serde_json::to_value(flags).unwrap();
    let person = |user: &str| json!({ "userId": user });
    let shared = |with: &str, key: u32| {
        json!({ "kind": "share", "to": [person(with)], "keyNumbers": [[key, key]], "permissions": flags(none),
            "follows": true, "readOnly": false, "expiresAt": null })
    };
    let owner = |kind: &str, decision: &str, who: &str, decided: bool| {
        let proposal = json!({ "decision": decision, "person": person(who), "successor": null, "decided": decided });
        json!({ "kind": kind, "proposal": proposal })
    };
    let accepted = json!({ "kind": "accept", "sharedBy": person("alice") });
    let set = json!({ "kind": "setPermissions", "person": person("bob"), "granted": flags(rotation),
        "withdrawn": flags(none) });
    let expected = json!([
        [0, "alice", false, [{ "kind": "genesis", "algorithm": "secretBox" }]],
        [1, "alice", false, [shared("bob", 1)]],
        [2, "bob", true, [accepted]],
        [3, "alice", false, [set]],
        [4, "bob", false, [{ "kind": "rotate", "keyNumber": 2 }]],
        [5, "alice", false, [shared("carol", 2)]],
        [6, "alice", false, [{ "kind": "cancelShare", "person": person("carol") }]],
        [7, "bob", true, [{ "kind": "dropKey", "keyNumber": 2 }]],
        [8, "alice", false, [shared("carol", 2)]],
        [9, "carol", true, [accepted]],
        [10, "alice", false, [owner("propose", "addOwner", "carol", true)]],
        [11, "carol", false, [owner("propose", "removeOwner", "alice", false)]],
        [12, "alice", false, [{ "kind": "ban", "person": person("bob") }, { "kind": "rotate", "keyNumber": 3 }]],
    ]);
    assert_eq!(deeds(&audit), expected);

    let after = audit.entries[12].after.unwrap();
    assert_eq!((after.members, after.key_number, after.needs_rotation), (2, 3, false));
    let AuditState::Keychain(state) = &audit.state else { panic!("a keychain's state") };
    let names = |people: &mut dyn Iterator<Item = Option<String>>| people.flatten().collect::<Vec<_>>();
    let mut owners = names(&mut state.owners.iter().map(|owner| owner.user_id.clone()));
    owners.sort();
    assert_eq!(owners, ["alice", "carol"]);
    assert_eq!(names(&mut state.banned.iter().map(|banned| banned.user_id.clone())), ["bob"]);
    assert_eq!(state.keys[..2], [first.key_fingerprint.clone(), second.key_fingerprint]);
    // Who is banned can still find out what happened, up to his end.
    let bobs = bob.audit(&first.keychain_fingerprint).await.unwrap();
    assert_eq!(bobs.entries, audit.entries);

    let account = alice.audit("bob").await.unwrap();
    assert_eq!((account.kind, account.entries.len()), ("account", 1));
    let AuditState::Account(state) = &account.state else { panic!("an account's state") };
    assert_eq!((state.user_id.as_str(), state.holders.len()), ("bob", 1));
    assert_eq!(alice.audit("nobody").await.unwrap_err().code, Code::UnknownKeychain);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_file_verifies_without_account_and_network() {
    let server = TestServer::start().await;
    let alices_home = Person::signed_up("alice", &server).await;
    let alice = &alices_home.client;
    let bobs_home = Person::signed_up("bob", &server).await;
    let bob = &bobs_home.client;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(alice, "bob", PermissionFlags::default()).await;
    bob.sync().await.unwrap();
    let audit = alice.audit("notes").await.unwrap();
    let file = alice.export_audit("notes").await.unwrap();
    let key = server.key();
    for key in [None, Some(key.as_str())] {
        let AuditedFile::History(read) = verify_audit_file(&file, key).unwrap() else { panic!("a history") };
        assert_eq!(read.entries, audit.entries);
        assert_eq!(read.state, audit.state);
        assert_eq!((read.server_key.as_str(), read.known_seq), (server.key().as_str(), None));
    }
    let mut altered = file.clone();
    altered[file.len() / 2] ^= 1;
    let error = verify_audit_file(&altered, None).unwrap_err();
    assert_eq!((error.code, error.code.class().exit()), (Code::NotProved, 5), "{error}");
    assert_eq!(verify_audit_file(b"something else", None).unwrap_err().code, Code::Malformed);
    // It is about this keychain and this server only.
    alice.create_keychain("other", Algorithm::SecretBox).await.unwrap();
    assert_eq!(alice.compare_audit("other", &file).await.unwrap_err().code, Code::UnknownKeychain);
    let elsewhere = TestServer::start().await;
    let carols_home = Person::signed_up("carol", &elsewhere).await;
    let carol = &carols_home.client;
    carol.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    assert_eq!(carol.compare_audit("notes", &file).await.unwrap_err().code, Code::WrongServerKey);
}

/// The audit of a vector, which no server of this release would show.
fn of_vector(name: &str) -> Audit {
    let path = format!("{}/../vectors/audit/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let hex = vector["file"].as_str().unwrap();
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    match verify_audit_file(&bytes.collect::<Vec<_>>(), None).unwrap() {
        AuditedFile::History(audit) => *audit,
        _ => panic!("a history"),
    }
}

#[test]
fn an_audit_of_an_account_tells_which_device_did_what() {
    let audit = of_vector("history-of-an-account-with-devices");
    assert_eq!(audit.kind, "account");
    let expected = json!([
        [0, "alice", false, [{ "kind": "createAccount" }]],
        [1, "alice", false, [{ "kind": "addDevice" }, { "kind": "addRecovery", "method": "password" }]],
        [2, "alice", false, [{ "kind": "rotateDevice" }]],
        [3, "alice", false, [{ "kind": "setPrivate", "version": 1 }]],
        [4, "alice", false, [{ "kind": "revokeDevice", "kept": [] }, { "kind": "rotateAccount", "generation": 1 }]],
        [5, "alice", false, [{ "kind": "removeRecovery" }, { "kind": "rotateAccount", "generation": 2 }]],
    ]);
    assert_eq!(deeds(&audit), expected);
    let AuditState::Account(state) = &audit.state else { panic!("an account's state") };
    let by: Vec<_> = audit.entries.iter().map(|entry| entry.holder_id.clone().unwrap()).collect();
    assert_eq!(state.holders, [by[0].clone()]);
    assert_eq!([&by[1], &by[3], &by[5]], [&by[0], &by[0], &by[4]]);
    assert!(by[2] != by[0] && by[4] != by[0] && by[2] != by[4]);
}

#[test]
fn an_audit_names_groups_and_through_which_of_them_somebody_acted() {
    let audit = of_vector("history-of-a-keychain-with-groups");
    let none = serde_json::to_value(PermissionFlags::default()).unwrap();
    let group = json!({ "userId": null });
    let mut shared = deeds(&audit)[1][3][0].clone();
    assert_ne!(shared["permissions"].take(), none);
    let expected = json!({ "kind": "share", "to": [group], "keyNumbers": [[1, 1]], "permissions": null,
        "follows": true, "readOnly": false, "expiresAt": null });
    assert_eq!(shared, expected);
    let rotate = |key: u32| json!({ "kind": "rotate", "keyNumber": key });
    let observe = json!({ "kind": "observe", "person": group });
    let expected = json!([
        [2, "bob", false, [rotate(2)]],
        [3, "alice", false, [observe]],
        [4, "alice", false, [observe, rotate(3)]],
    ]);
    assert_eq!(json!(deeds(&audit).as_array().unwrap()[2..]), expected);

    let AuditState::Keychain(state) = &audit.state else { panic!("a keychain's state") };
    let company = state.members.iter().find_map(|member| member.group_id.clone()).unwrap();
    let groups = |principals: &[AuditPrincipal]| -> Vec<_> {
        assert!(principals.iter().all(|one| one.account_id.is_none() && one.user_id.is_none()));
        principals.iter().map(|one| one.group_id.clone().unwrap()).collect()
    };
    // Bob came through the company and its team; the team is named where alice saw that somebody left it.
    let via = groups(&audit.entries[2].via);
    assert_eq!((via.len(), &via[0]), (2, &company));
    let [AuditAction::Observe { person: team }] = audit.entries[3].actions.as_slice() else { panic!("an observation") };
    assert_eq!(groups(std::slice::from_ref(team)), via[1..]);
    assert_eq!(audit.entries[3].via, []);

    let audit = of_vector("history-of-a-group");
    assert_eq!((audit.kind, audit.scope), ("group", company));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_believes_no_cached_state() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let key = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.rotate("notes").await.unwrap();
    let scope = key.keychain_fingerprint.parse().unwrap();
    // Whoever asks only for what is new is told the truth; whoever asks for everything gets an altered signature.
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/ledgers" && answer.status == 200 {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (after, page) in wanted.iter().zip(&mut pages.pages) {
                if after.scope == scope && after.after.is_none() {
                    page.as_mut().unwrap().entries[1].signatures[0].0[0] ^= 1;
                }
            }
            answer.body = pages.encode();
        }
    });
    alice.keychain("notes").await.expect("the cached state has been verified");
    world.evil.take_seen();
    let error = alice.audit("notes").await.unwrap_err();
    assert_eq!(error.code, Code::NotProved, "{error}");
    assert!(error.message.contains("entry 1"), "{error}");
    assert_eq!(alice.export_audit("notes").await.unwrap_err().code, Code::NotProved);
    assert_eq!(writes(&world.evil.take_seen()).len(), 0);
    world.evil.be_honest();
    assert_eq!(alice.audit("notes").await.unwrap().seq, 1);
}
