//! Alice, bob and carol, with real signing keys and accounts, and a keychain that they can append anything to.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{
    EntryHash, KeyFingerprint, Permissions, Rejected, ScopeId, Signature, UserId, VerifyingKey, WrappingKey,
    account::{self, AccountKeys, AccountOp, HolderKeys},
    entry::{Cite, Head, SignedEntry},
    key::{WRAPPING_KEY_BYTES, signed_message},
    label::SignatureLabel,
    scope::{
        Algorithm, Ban, CancelShare, Decision, DropKey, Entry, Expire, Genesis, KEYCHAIN_RANK, KeyEntry, KeySet,
        Ledger, Op, Placed, Principal, Rotate, ScopeEntry, SetPermissions, Share,
    },
};
use std::collections::BTreeMap;

pub const TIME: u64 = 1_800_000_000_000;

/// 32 bytes that depend on nothing but their name.
pub fn bytes_of(name: &str) -> [u8; 32] {
    *blake3::hash(name.as_bytes()).as_bytes()
}

pub fn wrapping_key(name: &str) -> WrappingKey {
    let mut bytes = [0; WRAPPING_KEY_BYTES];
    blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut bytes);
    WrappingKey::from_slice(&bytes).unwrap()
}

pub fn sign(key: &SigningKey, label: SignatureLabel, signed: &[u8]) -> Signature {
    Signature(key.sign(&signed_message(label, &[signed])).to_bytes())
}

/// A person whose every key is known to the tests.
#[derive(Clone)]
pub struct Person {
    pub name: &'static str,
    pub device: SigningKey,
    pub ledger_key: SigningKey,
    pub publication: SigningKey,
    pub signature: SigningKey,
    pub genesis: SignedEntry,
    pub account: account::Ledger,
}

impl Person {
    pub fn new(name: &'static str) -> Self {
        let key = |role: &str| SigningKey::from_bytes(&bytes_of(&format!("{name} {role}")));
        let (device, ledger_key, publication, signature) =
            (key("device"), key("ledger"), key("publication"), key("signature"));
        let entry = Self::genesis_entry(name, &device, &ledger_key, &publication, &signature);
        let genesis = Self::sign_genesis(&entry, &device, &ledger_key, &publication, &signature);
        let account = account::Ledger::genesis(&genesis).unwrap();
        Self { name, device, ledger_key, publication, signature, genesis, account }
    }

    pub fn genesis_entry(
        name: &str,
        device: &SigningKey,
        ledger: &SigningKey,
        publication: &SigningKey,
        signature: &SigningKey,
    ) -> account::Entry {
        let public = |key: &SigningKey| VerifyingKey(key.verifying_key().to_bytes());
        let device_keys =
            HolderKeys { signing: public(device), wrapping: wrapping_key(&format!("{name} device")), label: None };
        account::Entry {
            scope: None,
            seq: 0,
            prev: None,
            author: device_keys.id(),
            time: TIME,
            ops: vec![AccountOp::Genesis(account::Genesis {
                nonce: bytes_of(&format!("{name} nonce")),
                user_id: UserId::new(name).unwrap(),
                device: device_keys,
                keys: AccountKeys {
                    ledger: public(ledger),
                    sharing: wrapping_key(&format!("{name} sharing")),
                    publication: public(publication),
                    signature: public(signature),
                },
            })],
        }
    }

    pub fn sign_genesis(
        entry: &account::Entry,
        device: &SigningKey,
        ledger: &SigningKey,
        publication: &SigningKey,
        signature: &SigningKey,
    ) -> SignedEntry {
        let signed = entry.encode();
        let signatures = vec![
            sign(device, SignatureLabel::Entry, &signed),
            sign(ledger, SignatureLabel::AccountKey, &signed),
            sign(publication, SignatureLabel::AccountKey, &signed),
            sign(signature, SignatureLabel::AccountKey, &signed),
        ];
        SignedEntry { signed, signatures }
    }

    pub fn id(&self) -> ScopeId {
        self.account.id()
    }

    pub fn cite(&self) -> Cite {
        Cite { principal: self.id(), head: self.account.head(), exclusions: self.account.generation() }
    }

    pub fn principal(&self) -> Principal {
        Principal::Account(self.id())
    }

    pub fn sign(&self, entry: &Entry) -> SignedEntry {
        let signed = ScopeEntry::Ordinary(entry.clone()).encode();
        let signatures = vec![sign(&self.ledger_key, SignatureLabel::Entry, &signed)];
        SignedEntry { signed, signatures }
    }

    pub fn sign_placed(&self, placed: &Placed) -> SignedEntry {
        let signed = ScopeEntry::Placed(placed.clone()).encode();
        let signatures = vec![sign(&self.ledger_key, SignatureLabel::PlacedEntry, &signed)];
        SignedEntry { signed, signatures }
    }

    /// A keychain of this person's.
    pub fn keychain_genesis(&self, algorithm: Algorithm) -> Entry {
        Entry {
            group: false,
            scope: None,
            seq: 0,
            prev: None,
            author: self.id(),
            via: vec![],
            cites: vec![self.cite()],
            time: TIME,
            ops: vec![Op::Genesis(Genesis {
                nonce: bytes_of(&format!("{} keychain", self.name)),
                algorithm,
                rank: KEYCHAIN_RANK,
                key: key_entry(1, algorithm, false),
            })],
        }
    }

    /// The next ordinary entry of this person's on a ledger, citing himself and `others`.
    pub fn entry(&self, ledger: &Ledger, ops: Vec<Op>, others: &[&Person]) -> Entry {
        let mut cites: BTreeMap<ScopeId, Cite> = others.iter().map(|p| (p.id(), p.cite())).collect();
        cites.insert(self.id(), self.cite());
        Entry {
            group: false,
            scope: Some(ledger.id()),
            seq: ledger.head().seq + 1,
            prev: Some(ledger.head().hash),
            author: self.id(),
            via: vec![],
            cites: cites.into_values().collect(),
            time: ledger.time(),
            ops,
        }
    }

    pub fn accept(&self, ledger: &Ledger) -> Placed {
        let answers = ledger.pending().get(&self.id()).map_or(EntryHash::NONE, |share| share.entry);
        self.placed(ledger, answers, Op::Accept)
    }

    /// Refuses a pending share.
    pub fn decline(&self, ledger: &Ledger) -> Placed {
        Placed { op: Op::Decline, ..self.accept(ledger) }
    }

    /// Gives up a key.
    pub fn drop_key(&self, ledger: &Ledger, key: u32) -> Placed {
        Placed { op: Op::DropKey(DropKey { key }), ..self.leave(ledger) }
    }

    /// Ends this person's present membership.
    pub fn leave(&self, ledger: &Ledger) -> Placed {
        let answers = ledger.members().get(&self.id()).map_or(EntryHash::NONE, |member| member.since);
        self.placed(ledger, answers, Op::Leave)
    }

    fn placed(&self, ledger: &Ledger, answers: EntryHash, op: Op) -> Placed {
        Placed { group: false, scope: ledger.id(), answers, author: self.cite(), time: ledger.time(), op }
    }
}

/// A key as everybody sees it. Replay never looks inside, so any bytes of the right length do.
pub fn key_entry(number: u32, algorithm: Algorithm, link: bool) -> KeyEntry {
    KeyEntry {
        number,
        fingerprint: KeyFingerprint(bytes_of(&format!("fingerprint {number}"))),
        public: algorithm.is_key_pair().then(|| wrapping_key(&format!("public {number}"))),
        history_commitment: bytes_of(&format!("history {number}")),
        history_link: link.then(|| vec![7; 104]),
        name: vec![9; 72],
    }
}

pub fn rotate(number: u32, link: bool) -> Op {
    Op::Rotate(Rotate { key: key_entry(number, Algorithm::SecretBox, link) })
}

/// A share of the latest key, to be altered.
pub fn share_latest(ledger: &Ledger, with: &[&Person], permissions: Permissions) -> Share {
    let mut principals: Vec<Principal> = with.iter().map(|p| p.principal()).collect();
    principals.sort();
    Share {
        principals,
        keys: KeySet::one(ledger.current_key()),
        permissions,
        follows: true,
        history: None,
        read_only: false,
        expires_at: None,
    }
}

/// A share of the complete keychain from its first key.
pub fn share_complete(ledger: &Ledger, with: &[&Person], permissions: Permissions) -> Share {
    Share { keys: KeySet::range(1, ledger.current_key()), history: Some(1), ..share_latest(ledger, with, permissions) }
}

pub fn set_permissions(whose: &Person, granted: Permissions, withdrawn: Permissions) -> Op {
    Op::SetPermissions(SetPermissions { principal: whose.id(), granted, withdrawn })
}

pub fn ban(whom: &Person) -> Op {
    Op::Ban(Ban { principal: whom.id() })
}

/// A ban as it must be: with the next key. `link` exactly if the author has history.
pub fn ban_and_rotate(ledger: &Ledger, whom: &Person, link: bool) -> Vec<Op> {
    vec![ban(whom), rotate(ledger.current_key() + 1, link)]
}

pub fn cancel(ledger: &Ledger, whose: &Person) -> Op {
    let share = ledger.pending().get(&whose.id()).map_or(EntryHash::NONE, |share| share.entry);
    Op::CancelShare(CancelShare { share, principal: whose.id() })
}

/// Ends the share that has an end, pending or taken.
pub fn expire(ledger: &Ledger, whose: &Person) -> Op {
    let pending = ledger.pending().get(&whose.id()).map(|share| share.entry);
    let taken = ledger.members().get(&whose.id()).map(|member| member.since);
    Op::Expire(Expire { share: pending.or(taken).unwrap_or(EntryHash::NONE), principal: whose.id() })
}

pub fn add_owner(whom: &Person) -> Decision {
    Decision::AddOwner(whom.id())
}

pub fn remove_owner(whom: &Person) -> Decision {
    Decision::RemoveOwner(whom.id())
}

/// Three people and the ledger of alice's keychain, with every entry it took.
pub struct World {
    pub alice: Person,
    pub bob: Person,
    pub carol: Person,
    pub accounts: BTreeMap<ScopeId, account::Ledger>,
    pub entries: Vec<SignedEntry>,
    pub ledger: Ledger,
}

impl World {
    pub fn new() -> Self {
        Self::with_algorithm(Algorithm::SecretBox)
    }

    pub fn with_algorithm(algorithm: Algorithm) -> Self {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Person::new);
        let accounts = [&alice, &bob, &carol].map(|p| (p.id(), p.account.clone())).into();
        let genesis = alice.sign(&alice.keychain_genesis(algorithm));
        let ledger = Ledger::genesis(&genesis, &accounts).unwrap();
        Self { alice, bob, carol, accounts, entries: vec![genesis], ledger }
    }

    pub fn append(&mut self, entry: SignedEntry) -> Result<(), Rejected> {
        self.ledger.append(&entry, &self.accounts)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Alice shares; nobody has answered.
    pub fn alice_shares(&mut self, share: Share, with: &[fn(&World) -> &Person]) -> Result<(), Rejected> {
        let people: Vec<&Person> = with.iter().map(|p| p(self)).collect();
        let entry = self.alice.sign(&self.alice.entry(&self.ledger, vec![Op::Share(share)], &people));
        self.append(entry)
    }

    pub fn bob_accepts(&mut self) -> Result<(), Rejected> {
        let entry = self.bob.sign_placed(&self.bob.accept(&self.ledger));
        self.append(entry)
    }

    /// Bob is a member with these permissions, by a share of the latest key.
    pub fn with_bob(permissions: Permissions) -> Self {
        let mut world = Self::new();
        let share = share_latest(&world.ledger, &[&world.bob], permissions);
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world.bob_accepts().unwrap();
        world
    }

    /// Carol too, with these permissions, by a share of alice's.
    pub fn and_carol(mut self, permissions: Permissions) -> Self {
        let share = share_latest(&self.ledger, &[&self.carol], permissions);
        self.alice_shares(share, &[|w| &w.carol]).unwrap();
        let accept = self.carol.sign_placed(&self.carol.accept(&self.ledger));
        self.append(accept).unwrap();
        self
    }

    /// Another owner, by as many as it takes.
    pub fn owned_too_by(mut self, whom: fn(&World) -> &Person) -> Self {
        let decision = add_owner(whom(&self));
        let owners: Vec<ScopeId> = self.ledger.owners().iter().copied().collect();
        for (n, owner) in owners.into_iter().enumerate() {
            if self.ledger.owners().contains(&whom(&self).id()) {
                break;
            }
            let op = if n == 0 { Op::Propose(decision) } else { Op::Approve(decision) };
            let who = [&self.alice, &self.bob, &self.carol].into_iter().find(|p| p.id() == owner).unwrap();
            let entry = who.sign(&who.entry(&self.ledger, vec![op], &[]));
            self.append(entry).unwrap();
        }
        self
    }

    /// Somebody does something that is allowed.
    pub fn after(mut self, who: fn(&World) -> &Person, ops: impl FnOnce(&World) -> Vec<Op>) -> Self {
        let ops = ops(&self);
        let entry = who(&self).sign(&who(&self).entry(&self.ledger, ops, &[]));
        self.append(entry).unwrap();
        self
    }

    /// Alice bans bob.
    pub fn without_bob(mut self) -> Self {
        let ops = ban_and_rotate(&self.ledger, &self.bob, true);
        let entry = self.alice.sign(&self.alice.entry(&self.ledger, ops, &[]));
        self.append(entry).unwrap();
        self
    }

    pub fn head(&self) -> Head {
        self.ledger.head()
    }
}
