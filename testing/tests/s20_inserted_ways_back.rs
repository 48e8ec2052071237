//! S20: the server adds a way back of its own to somebody's account, and waits for the next master key to be sealed to
//! it. Nobody believes in it, and nothing is written upon it.

use keyfold_client::{Client, RecoverOptions, RecoveryInput, Revoke, SignIn, SignInProof};
use keyfold_core::{DeviceSeed, device::DeviceKeys};
use keyfold_format::{
    HolderId, ScopeId,
    account::{AccountOp, AddRecovery, Entry, HolderKeys, RecoveryMethod, holder_statement},
    entry::{Head, SignedEntry},
    label::SignatureLabel,
};
use keyfold_protocol::wire::{ExtendAccount, LedgerPage, LedgerPages, Ledgers, OwnAccount};
use keyfold_testing::{
    evil::{EvilWorld, ServerKey, writes},
    people::Person,
};

/// What the server holds the keys of.
struct Inserted {
    keys: DeviceKeys,
    account: ScopeId,
    author: HolderId,
    server: ServerKey,
}

impl Inserted {
    /// Behind what there is, an entry that adds the server's way back, with a receipt of it.
    fn put_in(&self, page: &mut LedgerPage) {
        let last = page.receipt.statement.head;
        let public = HolderKeys {
            signing: self.keys.signing.verifying_key(),
            wrapping: self.keys.wrapping.public().clone(),
            label: None,
        };
        let id = public.recovery_id();
        let op = AccountOp::AddRecovery(AddRecovery { method: RecoveryMethod::Paper, keys: public });
        let time = page.receipt.statement.time;
        let entry = Entry {
            scope: Some(self.account),
            seq: last.seq + 1,
            prev: Some(last.hash),
            author: self.author,
            time,
            ops: vec![op],
        };
        let signed = entry.encode();
        let consent = holder_statement(&self.account, &id, &id);
        let signatures = vec![
            self.keys.signing.sign(SignatureLabel::Entry, &[&signed]),
            self.keys.signing.sign(SignatureLabel::HolderKey, &[&consent]),
        ];
        let forged = SignedEntry { signed, signatures };
        let head = Head { seq: last.seq + 1, hash: forged.hash(last.hash, last.seq + 1) };
        page.entries.push(forged);
        page.receipt = self.server.receipt(self.account, head, time);
    }
}

/// From now on the server shows alice's account with its own way back, to her devices and to who comes back.
fn insert(world: &EvilWorld, inserted: Inserted) {
    world.evil.lie(move |asked, answer| {
        if answer.status != 200 {
            return;
        }
        if asked.path == "/v1/ledgers" {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (after, page) in wanted.iter().zip(&mut pages.pages) {
                if let (true, Ok(page)) = (after.scope == inserted.account, page) {
                    inserted.put_in(page);
                }
            }
            answer.body = pages.encode();
        } else if asked.path == "/v1/visits/account" {
            let mut own = OwnAccount::decode(&answer.body).unwrap();
            inserted.put_in(&mut own.page);
            answer.body = own.encode();
        }
    });
}

async fn come_back(world: &EvilWorld, words: &str) -> keyfold_client::Result<keyfold_client::Recovered> {
    let url = world.evil.url();
    let sign_in = SignIn { user_id: "alice", server_url: &url, server_key: None, proof: SignInProof::Nothing };
    let input = RecoveryInput::Paper(words.to_owned().into());
    let options = RecoverOptions { label: None, revoke: Revoke::All };
    Person::new("alice").client.recover(sign_in, &input, options, |_, _| {}).await
}

async fn ways_back(client: &Client) -> usize {
    client.recovery_status().await.unwrap().methods.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_a_way_back_that_the_server_inserts_is_believed_by_nobody_and_gets_no_master_key() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let words = alice.add_paper(None, None).await.unwrap().words;
    let who = alice.whoami().await.unwrap();
    let (account, device): (ScopeId, HolderId) = (who.account_id.parse().unwrap(), who.device_id.parse().unwrap());
    let keys = || DeviceKeys::derive(&DeviceSeed::from_slice(&[0x66; 32]).unwrap()).unwrap();
    let (own, server) = (keys(), world.evil.key().clone());
    let seed = std::fs::read(world.home("alice").join("device.key")).unwrap();
    let alices = DeviceKeys::derive(&DeviceSeed::from_slice(&seed).unwrap()).unwrap();
    // Said to be by alice's device, and by the way back that it adds.
    let itself =
        HolderKeys { signing: own.signing.verifying_key(), wrapping: own.wrapping.public().clone(), label: None };
    for author in [device, itself.recovery_id()] {
        world.evil.take_seen();
        insert(&world, Inserted { keys: keys(), account, author, server: server.clone() });
        assert!(alice.recovery_status().await.is_err());
        assert!(alice.add_paper(None, None).await.is_err());
        assert!(come_back(&world, &words).await.is_err());
        assert_eq!(writes(&world.evil.take_seen()).len(), 0, "nothing is written upon it");
        // What she writes without looking again goes to those whom she knows.
        alice.enroll_new_device(None, None).await.unwrap();
        let seen = world.evil.take_seen();
        let sent = ExtendAccount::decode(&writes(&seen).last().unwrap().body).unwrap().master_key.unwrap();
        let is_sealed_to = |keys: &DeviceKeys| {
            let fingerprint = keys.wrapping.public().fingerprint();
            sent.windows(32).any(|window| window == fingerprint.as_bytes())
        };
        assert!(is_sealed_to(&alices) && !is_sealed_to(&own));
        world.evil.be_honest();
        assert_eq!(ways_back(&alice).await, 1, "it is forgotten");
    }
    let back = come_back(&world, &words).await.unwrap();
    assert_eq!((back.who.generation, back.removed_recovery_ids.len()), (1, 0));
}
