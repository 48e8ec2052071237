//! S2: a member with only `allowSharing`, a banned ex-member with an old copy of his home, and the server put keys
//! wherever one can stand. The current key is unchanged everywhere, and what is written after a ban opens with no key
//! that the banned one holds.
//!
//! Which entries replay refuses is in `vectors/ledger`; what the server itself refuses in its own tests. Here all of
//! them work together: each entry is well signed, and the operator serves it with a receipt.

use keyfold_client::{Algorithm, Client, PermissionFlags, ShareKeys, ShareOptions, Value};
use keyfold_core::{HistorySecret, KeychainKey, keychain::wrap};
use keyfold_format::{
    Rejected, ScopeId, account,
    value::{ValueHeader, from_text, to_text},
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    Code,
    wire::{Append, LedgerPages, Ledgers, OwnWraps, Placed, ScopeKind, ScopeSummary, Scopes, SignUp, Standing},
};
use keyfold_testing::{
    evil::{EvilWorld, writes},
    lies::{self, Cited, Lie},
};
use rand_core::UnwrapErr;
use std::path::Path;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Alice's `notes`, with bob and carol in it.
struct Notes {
    world: EvilWorld,
    alice: Client,
    bob: Client,
    carol: Client,
    fingerprint: String,
}

impl Notes {
    async fn with_bob_who_may(permissions: PermissionFlags) -> Self {
        let world = EvilWorld::start().await;
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let carol = world.person("carol").await;
        let fingerprint = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap().keychain_fingerprint;
        let options = ShareOptions { permissions, ..ShareOptions::default() };
        alice.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
        alice.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
        bob.sync().await.unwrap();
        carol.sync().await.unwrap();
        Self { world, alice, bob, carol, fingerprint }
    }

    fn scope(&self) -> ScopeId {
        self.fingerprint.parse().unwrap()
    }

    /// The key that both alice and carol encrypt with, whatever the server says now.
    async fn current_key(&self) -> String {
        lies::be_honest(&self.world);
        let mut keys = Vec::new();
        for client in [&self.alice, &self.carol] {
            let sealed = client.encrypt_value("notes", &text("which key?"), None).await.unwrap();
            let opened = self.alice.decrypt_value(&sealed, None).await.unwrap();
            assert!(opened.current);
            keys.push(opened.key_fingerprint);
        }
        assert_eq!(keys[0], keys[1]);
        keys.remove(0)
    }

    /// A rotation that is right in everything but who made it, at the end of what everybody is shown.
    async fn inject(&self, signer: &str, author: &str, rule: Rejected) {
        let lie = Lie::InjectRotation {
            keychain: self.fingerprint.clone(),
            signer: signer.to_owned(),
            author: author.to_owned(),
            cites: Cited::default(),
        };
        let what = format!("{signer} in the name of {author}");
        lies::tell(&self.world, lie, None).await.unwrap();
        let from = self.world.evil.seen().len();
        for client in [&self.alice, &self.carol] {
            for refused in [
                client.sync().await.map(drop),
                client.participants("notes", None, true).await.map(drop),
                client.keychain("notes").await.map(drop),
                client.encrypt_value("notes", &text("secret"), None).await.map(drop),
            ] {
                assert_eq!(refused.expect_err(&what).code, Code::Rejected(rule), "{what}");
            }
        }
        assert_eq!(writes(&self.world.evil.seen()[from..]).len(), 0, "{what}: a client wrote after it was lied to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_key_by_who_may_not_make_one_is_current_for_nobody() {
    let notes = Notes::with_bob_who_may(PermissionFlags { allow_sharing: true, ..PermissionFlags::default() }).await;
    let _stranger = notes.world.person("dave").await;
    let key = notes.current_key().await;
    assert_eq!(notes.bob.rotate("notes").await.unwrap_err().code, Code::Rejected(Rejected::RotationNotAllowed));
    notes.inject("bob", "bob", Rejected::RotationNotAllowed).await;
    notes.inject("bob", "alice", Rejected::BadSignature).await;
    notes.inject("dave", "dave", Rejected::NotAMember).await;
    notes.inject("dave", "carol", Rejected::BadSignature).await;
    assert_eq!(notes.current_key().await, key);

    notes.alice.ban("notes", "bob").await.unwrap();
    let after = notes.current_key().await;
    assert_ne!(after, key);
    notes.inject("bob", "bob", Rejected::AuthorBanned).await;
    notes.inject("bob", "carol", Rejected::BadSignature).await;
    notes.inject("bob", "alice", Rejected::BadSignature).await;
    assert_eq!(notes.current_key().await, after);
}

/// Copies a folder, as somebody does who keeps an old state.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if item.file_type().unwrap().is_file() {
            std::fs::copy(item.path(), to.join(item.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_what_is_written_after_a_ban_opens_with_nothing_that_the_banned_one_holds() {
    let notes = Notes::with_bob_who_may(PermissionFlags {
        allow_sharing: true,
        allow_rotation: true,
        allow_deletion: true,
        allow_management: false,
    })
    .await;
    let Notes { world, alice, bob, carol, .. } = &notes;
    let _stranger = world.person("dave").await;
    let before = alice.encrypt_value("notes", &text("before"), None).await.unwrap();
    bob.sync().await.unwrap();
    let copied = world.home("bob-copied");
    copy(&world.home("bob"), &copied);
    let head = head_of(&notes).await;

    alice.ban("notes", "bob").await.unwrap();
    let after = alice.encrypt_value("notes", &text("after"), None).await.unwrap();
    assert_eq!(carol.decrypt_value(&after, None).await.unwrap().value, text("after"));

    // The operator helps him: the ban is hidden, and every wrap of the new key is handed to him as if it were his.
    let sent = world.evil.seen();
    let ban = sent.iter().rev().find(|asked| asked.path.ends_with("/entries")).unwrap();
    let wraps = Append::decode(&ban.body).unwrap().wraps;
    assert_eq!(wraps.len(), 2, "alice and carol, and nobody else");
    let old = Client::open(&copied).unwrap();
    let me: ScopeId = old.whoami().await.unwrap().account_id.parse().unwrap();
    assert!(wraps.iter().all(|wrap| wrap.recipient != me));
    let (scope, key) = (notes.scope(), world.evil.key().clone());
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            let summary = ScopeSummary {
                scope,
                kind: ScopeKind::Keychain,
                head,
                standing: Standing::Member,
                missing: false,
                unseen: false,
            };
            answer.body = Scopes { scopes: vec![summary] }.encode();
        } else if asked.path == "/v1/ledgers" {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (after, page) in wanted.iter().zip(&mut pages.pages) {
                if let (true, Ok(page)) = (after.scope == scope, page) {
                    page.entries.clear();
                    page.receipt = key.receipt(scope, head, page.receipt.statement.time);
                }
            }
            answer.body = pages.encode();
        } else if asked.path.ends_with("/wraps") {
            answer.status = 200;
            answer.body = OwnWraps { wraps: wraps.iter().map(|wrap| addressed_to(me, wrap)).collect() }.encode();
        }
    });
    old.sync().await.unwrap();
    assert_eq!(old.decrypt_value(&before, None).await.unwrap().value, text("before"));
    assert_eq!(old.decrypt_value(&after, None).await.unwrap_err().code, Code::NoSlot);
    // Nor does it open with the key that he has, whatever it claims to be sealed under.
    assert_eq!(old.decrypt_value(&under_the_key_of(&before, &after), None).await.unwrap_err().code, Code::Unauthentic);
    // He believes that he is in. What he tries the server refuses; what he writes is under a former key, and says so.
    for refused in [
        old.rotate("notes").await.map(drop),
        old.ban("notes", "carol").await.map(drop),
        old.share("notes", &["dave"], ShareKeys::Latest, ShareOptions::default()).await.map(drop),
        old.leave("notes").await.map(drop),
    ] {
        refused.unwrap_err();
    }
    let late = old.encrypt_value("notes", &text("late"), None).await.unwrap();
    lies::be_honest(world);
    let opened = carol.decrypt_value(&late, None).await.unwrap();
    assert_eq!((opened.key_number, opened.current), (1, false));
    assert_eq!(carol.participants("notes", None, true).await.unwrap().len(), 2);
    assert_eq!(carol.keychain("notes").await.unwrap().keys.len(), 2);
    // Told the truth, his old copy knows.
    old.sync().await.unwrap();
    let refused = old.encrypt_value("notes", &text("late"), None).await.unwrap_err();
    assert_eq!(refused.code, Code::Rejected(Rejected::AuthorBanned));
    assert_eq!(old.decrypt_value(&after, None).await.unwrap_err().code, Code::NoSlot);
    assert_eq!(old.decrypt_value(&before, None).await.unwrap().value, text("before"));
}

/// The same seal, said to be somebody else's.
fn addressed_to(recipient: ScopeId, wrap: &Wrap) -> Wrap {
    let Wrap { number, recipient_number, history, .. } = *wrap;
    let place =
        WrapPlace { kind: WrapKind::Keychain, scope: ScopeId([0; 32]), number, recipient, recipient_number, history };
    Wrap::new(&place, wrap.sealed().to_vec()).unwrap()
}

/// The newest head of the keychain.
async fn head_of(notes: &Notes) -> keyfold_format::entry::Head {
    let (sender, receiver) = std::sync::mpsc::channel();
    let scope = notes.scope();
    notes.world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            let scopes = Scopes::decode(&answer.body).unwrap().scopes;
            sender.send(scopes.iter().find(|summary| summary.scope == scope).unwrap().head).unwrap();
        }
    });
    notes.alice.sync().await.unwrap();
    lies::be_honest(&notes.world);
    receiver.recv().unwrap()
}

/// The value of `sealed`, with the fingerprint of the key of `of`.
fn under_the_key_of(of: &str, sealed: &str) -> String {
    let fingerprint = |bytes: &[u8]| ValueHeader::parse(bytes).unwrap().0.fingerprint.0;
    let (of, mut bytes) = (from_text(of).unwrap(), from_text(sealed).unwrap());
    let at = bytes.windows(32).position(|window| window == fingerprint(&bytes)).unwrap();
    bytes.splice(at..at + 32, fingerprint(&of));
    to_text(&bytes)
}

/// What the operator makes for somebody: a key of his own choice, well sealed to the true recipient.
fn chosen_key(world: &EvilWorld, user: &str, scope: ScopeId, number: u32, history: bool) -> Wrap {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let seen = world.evil.seen();
    let accounts = seen.iter().filter(|asked| asked.path == "/v1/accounts" && asked.method == "POST");
    let ledgers = accounts.map(|asked| SignUp::decode(&asked.body).unwrap().genesis);
    let mut ledgers = ledgers.map(|genesis| account::Ledger::genesis(&genesis).unwrap());
    let recipient = ledgers.find(|ledger| ledger.user_id().as_str() == user).unwrap();
    let place =
        WrapPlace { kind: WrapKind::Keychain, scope, number, recipient: recipient.id(), recipient_number: 0, history };
    let (key, secret) = (KeychainKey::generate(&mut rng), HistorySecret::generate(&mut rng));
    let secret = history.then_some(&secret);
    wrap(&place, &key, secret, &recipient.current_keys().unwrap().sharing, &mut rng).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_key_that_the_server_chose_is_taken_from_no_wrap() {
    let world = EvilWorld::start().await;
    let (alice, carol) = (world.person("alice").await, world.person("carol").await);
    let notes = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let scope: ScopeId = notes.keychain_fingerprint.parse().unwrap();
    alice.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();

    // In the place of the true ones, and before them; with the answer to a share, and later.
    for instead in [true, false] {
        let chosen: Vec<Wrap> = (1..=2).map(|number| chosen_key(&world, "carol", scope, number, false)).collect();
        world.evil.lie(move |asked, answer| {
            let lie = |wraps: &mut Vec<Wrap>| {
                let numbers: Vec<u32> = wraps.iter().map(|wrap| wrap.number).collect();
                let mut told: Vec<Wrap> = chosen.iter().filter(|w| numbers.contains(&w.number)).cloned().collect();
                if !instead {
                    told.append(wraps);
                }
                *wraps = told;
            };
            if asked.path.ends_with("/placed") && answer.status == 200 {
                let mut placed = Placed::decode(&answer.body).unwrap();
                lie(&mut placed.wraps);
                answer.body = placed.encode();
            } else if asked.path.ends_with("/wraps") && answer.status == 200 {
                let mut own = OwnWraps::decode(&answer.body).unwrap();
                lie(&mut own.wraps);
                answer.body = own.encode();
            }
        });
        carol.sync().await.unwrap();
        let sealed = carol.encrypt_value(&notes.keychain_fingerprint, &text("secret"), None).await;
        if instead {
            sealed.unwrap_err();
        } else {
            let opened = alice.decrypt_value(&sealed.unwrap(), None).await.unwrap();
            assert!(opened.current, "the true key, which came beside the chosen one");
        }
        // The same with the next key.
        alice.rotate("notes").await.unwrap();
    }
    lies::be_honest(&world);
    carol.sync().await.unwrap();
    let sealed = carol.encrypt_value("notes", &text("secret"), None).await.unwrap();
    let opened = alice.decrypt_value(&sealed, None).await.unwrap();
    assert_eq!((opened.key_number, opened.current), (3, true));
}
