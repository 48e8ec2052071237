//! Somebody with an account and one device, who signs with bare Ed25519 keys. What is sealed is random bytes: the
//! server cannot tell, and must not need to.

use super::{Raw, World, now_ms, random};
use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{
    EntryHash, HolderId, KeyFingerprint, Permissions, ScopeId, Signature, UserId, VerifyingKey, WrappingKey,
    account::{self, AccountKeys, AccountOp, HolderKeys},
    entry::{Cite, SignedEntry},
    key::signed_message,
    label::SignatureLabel,
    scope::{self, Algorithm, KEYCHAIN_RANK, KeyEntry, KeySet, Op, Placed, Principal, ScopeEntry, Share, State},
    wrap::{HISTORY_WRAP_BYTES, KEY_WRAP_BYTES, Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    route,
    signing::{Address, Binding, Method, Nonce, Request, response::Verified},
    wire::{Append, Appended, CreateScope, Place, SignUp},
};
use std::collections::BTreeMap;

pub struct Person {
    pub device_key: SigningKey,
    pub ledger_key: SigningKey,
    pub device: HolderId,
    pub account: account::Ledger,
    pub genesis: SignedEntry,
    pub master_key: Vec<u8>,
}

pub fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey(key.verifying_key().to_bytes())
}

pub fn sign(key: &SigningKey, label: SignatureLabel, message: &[u8]) -> Signature {
    Signature(key.sign(&signed_message(label, &[message])).to_bytes())
}

pub fn wrapping_key() -> WrappingKey {
    WrappingKey::from_slice(&random::<1_216>()).unwrap()
}

impl Person {
    /// Keys and a first entry, without asking anybody.
    pub fn new(user: &str) -> Self {
        let [device_key, ledger_key, publication, signature] =
            std::array::from_fn(|_| SigningKey::from_bytes(&random()));
        let device = HolderKeys { signing: public(&device_key), wrapping: wrapping_key(), label: None };
        let entry = account::Entry {
            scope: None,
            seq: 0,
            prev: None,
            author: device.id(),
            time: now_ms(),
            ops: vec![AccountOp::Genesis(account::Genesis {
                nonce: random(),
                user_id: UserId::new(user).unwrap(),
                device: device.clone(),
                keys: AccountKeys {
                    ledger: public(&ledger_key),
                    sharing: wrapping_key(),
                    publication: public(&publication),
                    signature: public(&signature),
                },
            })],
        };
        let signed = entry.encode();
        let mut signatures = vec![sign(&device_key, SignatureLabel::Entry, &signed)];
        signatures
            .extend([&ledger_key, &publication, &signature].map(|key| sign(key, SignatureLabel::AccountKey, &signed)));
        let genesis = SignedEntry { signed, signatures };
        let account = account::Ledger::genesis(&genesis).unwrap();
        Self { device_key, ledger_key, device: device.id(), account, genesis, master_key: b"sealed".to_vec() }
    }

    pub async fn sign_up(world: &World, user: &str) -> Self {
        let person = Self::new(user);
        let answer = person.ask(world, Method::Post, route::ACCOUNTS, person.sign_up_body()).await;
        assert_eq!(answer.status, 200, "{:?}", super::error(&answer));
        person
    }

    pub fn sign_up_body(&self) -> Vec<u8> {
        SignUp { genesis: self.genesis.clone(), master_key: self.master_key.clone() }.encode()
    }

    pub fn id(&self) -> ScopeId {
        self.account.id()
    }

    pub fn cite(&self) -> Cite {
        Cite { principal: self.id(), head: self.account.head(), exclusions: self.account.generation() }
    }

    /// A signed request, not sent.
    pub fn request(&self, world: &World, method: Method, path: &str, body: Vec<u8>) -> (Raw, Binding) {
        self.request_at(world, method, path, body, now_ms() / 1_000)
    }

    pub fn request_at(&self, world: &World, method: Method, path: &str, body: Vec<u8>, at: u64) -> (Raw, Binding) {
        let to = Address { authority: world.authority(), server: world.server.server_id() };
        let request = Request { method, path: path.to_owned(), query: String::new(), body };
        let sign = |base: &[u8]| Signature(self.device_key.sign(base).to_bytes());
        let out = request.sign(&to, &self.device, Nonce(random()), at, sign);
        (Raw::of(&out), out.binding)
    }

    pub async fn ask(&self, world: &World, method: Method, path: &str, body: Vec<u8>) -> Verified {
        let (raw, binding) = self.request(world, method, path, body);
        world.send(&raw, &binding).await
    }

    pub async fn get(&self, world: &World, path: &str) -> Verified {
        self.ask(world, Method::Get, path, Vec::new()).await
    }

    /// A keychain of this person's own, not sent.
    pub fn keychain(&self) -> (SignedEntry, State, Vec<Wrap>) {
        let op = Op::Genesis(scope::Genesis {
            nonce: random(),
            algorithm: Algorithm::SecretBox,
            rank: KEYCHAIN_RANK,
            key: key_entry(1, false),
        });
        let entry = keychain_entry(self, None, vec![self.cite()], vec![op]);
        let ledger = scope::Ledger::genesis(&entry, &accounts(&[self])).unwrap();
        let wraps = vec![wrap(ledger.id(), self.id(), 1, true)];
        (entry, (*ledger).clone(), wraps)
    }

    /// Creates a keychain and gives its ledger.
    pub async fn create_keychain(&self, world: &World) -> scope::Ledger {
        let (genesis, _, wraps) = self.keychain();
        let ledger = scope::Ledger::genesis(&genesis, &accounts(&[self])).unwrap();
        let answer = self.ask(world, Method::Post, route::SCOPES, CreateScope { genesis, wraps }.encode()).await;
        assert_eq!(answer.status, 200, "{:?}", super::error(&answer));
        let receipt = Appended::decode(&answer.body).unwrap().receipt;
        assert_eq!(receipt.verify(&world.server.server_key()).unwrap().head, ledger.head());
        ledger
    }

    /// Shares the complete keychain; gives the body, and the ledger as it will be.
    pub fn share(&self, ledger: &scope::Ledger, with: &[&Person]) -> (Append, scope::Ledger) {
        let mut cites: Vec<Cite> = with.iter().map(|p| p.cite()).chain([self.cite()]).collect();
        cites.sort_by_key(|cite| cite.principal);
        let op = share_op(ledger, with);
        let entry = keychain_entry(self, Some(ledger), cites, vec![op.clone()]);
        let mut after = ledger.clone();
        let known: Vec<&Person> = with.iter().copied().chain([self]).collect();
        after.append(&entry, &accounts(&known)).unwrap();
        let wraps = wraps_for(&after, &[op]);
        (Append { expected: ledger.head(), entry, wraps }, after)
    }

    pub async fn append(&self, world: &World, scope: ScopeId, append: &Append) -> Verified {
        self.ask(world, Method::Post, &route::entries(&scope), append.encode()).await
    }

    /// Shares, and it must succeed.
    pub async fn share_with(&self, world: &World, ledger: &scope::Ledger, with: &[&Person]) -> scope::Ledger {
        let (append, after) = self.share(ledger, with);
        let answer = self.append(world, ledger.id(), &append).await;
        assert_eq!(answer.status, 200, "{:?}", super::error(&answer));
        after
    }

    /// The next key, for all followers.
    pub fn rotate(&self, ledger: &scope::Ledger, known: &[&Person]) -> (Append, scope::Ledger) {
        let op = Op::Rotate(scope::Rotate { key: key_entry(ledger.current_key() + 1, true) });
        let entry = keychain_entry(self, Some(ledger), vec![self.cite()], vec![op.clone()]);
        let mut after = ledger.clone();
        after.append(&entry, &accounts(known)).unwrap();
        (Append { expected: ledger.head(), wraps: wraps_for(&after, &[op]), entry }, after)
    }

    /// An entry with these ops, citing nobody else, and the ledger as it would be.
    ///
    /// Its wraps are those that it needs if it is valid; none otherwise.
    pub fn entry(&self, ledger: &scope::Ledger, ops: Vec<Op>, known: &[&Person]) -> (Append, Option<scope::Ledger>) {
        let entry = keychain_entry(self, Some(ledger), vec![self.cite()], ops.clone());
        let mut after = ledger.clone();
        let valid = after.append(&entry, &accounts(known)).is_ok();
        let wraps = if valid { wraps_for(&after, &ops) } else { Vec::new() };
        (Append { expected: ledger.head(), entry, wraps }, valid.then_some(after))
    }

    /// The next key, as an op.
    pub fn next_key(ledger: &scope::Ledger, linked: bool) -> Op {
        Op::Rotate(scope::Rotate { key: key_entry(ledger.current_key() + 1, linked) })
    }

    /// Bans, and it must succeed.
    pub async fn ban(&self, world: &World, ledger: &scope::Ledger, whom: &Person, known: &[&Person]) -> scope::Ledger {
        let ops = vec![Op::Ban(scope::Ban { principal: whom.id() }), Self::next_key(ledger, true)];
        let (append, after) = self.entry(ledger, ops, known);
        let answer = self.append(world, ledger.id(), &append).await;
        assert_eq!(answer.status, 200, "{:?}", super::error(&answer));
        after.expect("a valid ban")
    }

    /// Takes the share that waits, and it must succeed.
    pub async fn join(&self, world: &World, ledger: &scope::Ledger, known: &[&Person]) -> scope::Ledger {
        let share = ledger.pending()[&self.id()].entry;
        let entry = placed_accept(self, ledger.id(), share);
        let answer = self.accept(world, ledger.id(), &entry).await;
        assert_eq!(answer.status, 200, "{:?}", super::error(&answer));
        let mut after = ledger.clone();
        after.append(&entry, &accounts(known)).unwrap();
        after
    }

    pub async fn accept(&self, world: &World, scope: ScopeId, entry: &SignedEntry) -> Verified {
        self.ask(world, Method::Post, &route::placed(&scope), Place { entry: entry.clone() }.encode()).await
    }
}

pub fn accounts(people: &[&Person]) -> BTreeMap<ScopeId, account::Ledger> {
    people.iter().map(|person| (person.id(), person.account.clone())).collect()
}

fn key_entry(number: u32, linked: bool) -> KeyEntry {
    key_entry_of(number, Algorithm::SecretBox, linked)
}

pub fn key_entry_of(number: u32, algorithm: Algorithm, linked: bool) -> KeyEntry {
    KeyEntry {
        number,
        fingerprint: KeyFingerprint(random()),
        public: algorithm.is_key_pair().then(wrapping_key),
        history_commitment: random(),
        history_link: linked.then(|| random::<104>().to_vec()),
        name: random::<72>().to_vec(),
    }
}

/// A signed entry after `ledger`, or a genesis.
pub fn keychain_entry(author: &Person, ledger: Option<&scope::Ledger>, cites: Vec<Cite>, ops: Vec<Op>) -> SignedEntry {
    let entry = ScopeEntry::Ordinary(scope::Entry {
        group: false,
        scope: ledger.map(|l| l.id()),
        seq: ledger.map_or(0, |l| l.head().seq + 1),
        prev: ledger.map(|l| l.head().hash),
        author: author.id(),
        via: Vec::new(),
        cites,
        time: now_ms().max(ledger.map_or(0, |l| l.time())),
        ops,
    });
    sign_entry(author, &entry, SignatureLabel::Entry)
}

pub fn sign_entry(author: &Person, entry: &ScopeEntry, label: SignatureLabel) -> SignedEntry {
    let signed = entry.encode();
    let signature = sign(&author.ledger_key, label, &signed);
    SignedEntry { signed, signatures: vec![signature] }
}

/// A complete share of all keys there are.
pub fn share_op(ledger: &scope::Ledger, with: &[&Person]) -> Op {
    let mut principals: Vec<Principal> = with.iter().map(|p| Principal::Account(p.id())).collect();
    principals.sort();
    Op::Share(Share {
        principals,
        keys: KeySet::range(1, ledger.current_key()),
        permissions: Permissions::NONE,
        follows: true,
        history: Some(1),
        read_only: false,
        expires_at: None,
    })
}

/// The wraps that the ops of the newest entry need.
pub fn wraps_for(ledger: &scope::Ledger, ops: &[Op]) -> Vec<Wrap> {
    let needed = ledger.wraps_needed(ops);
    needed.iter().map(|w| wrap_to(ledger.id(), w.recipient, w.recipient_number, w.key, w.history)).collect()
}

/// To generation 0.
pub fn wrap(scope: ScopeId, recipient: ScopeId, number: u32, history: bool) -> Wrap {
    wrap_to(scope, recipient, 0, number, history)
}

pub fn wrap_to(scope: ScopeId, recipient: ScopeId, recipient_number: u32, number: u32, history: bool) -> Wrap {
    let place = WrapPlace { kind: WrapKind::Keychain, scope, number, recipient, recipient_number, history };
    let sealed = if history { random::<HISTORY_WRAP_BYTES>().to_vec() } else { random::<KEY_WRAP_BYTES>().to_vec() };
    Wrap::new(&place, sealed).unwrap()
}

/// An `Accept` of the share that an entry made.
pub fn placed_accept(who: &Person, scope: ScopeId, share: EntryHash) -> SignedEntry {
    placed(who, scope, share, Op::Accept)
}

/// An answer to an entry.
pub fn placed(who: &Person, scope: ScopeId, answers: EntryHash, op: Op) -> SignedEntry {
    let entry = ScopeEntry::Placed(Placed { group: false, scope, answers, author: who.cite(), time: now_ms(), op });
    sign_entry(who, &entry, SignatureLabel::PlacedEntry)
}
