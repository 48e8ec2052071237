//! Whoever has what is in somebody's home, and writes what no client of this release composes: to his account other
//! devices, their end, further generations; to a keychain what is not so.

use crate::evil::EvilWorld;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::{client::legacy, rt::TokioExecutor};
use keyfold_core::{
    DeviceSeed,
    account::{AccountSecrets, MasterKeys},
    device::DeviceKeys,
};
use keyfold_format::{
    ScopeId, Signature,
    account::{AccountOp, Entry, HolderKeys, Ledger, RevokeDevice, RotateAccount, SetPrivate, holder_statement},
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{self, Anchor, AnchoredRecord, Op, ScopeEntry},
};
use keyfold_protocol::{
    route,
    signing::{Address, Method, Nonce, Request},
    wire::{Append, ExtendAccount, SignUp},
};
use rand_core::UnwrapErr;
use std::time::{SystemTime, UNIX_EPOCH};

/// An account's keys, and its ledger as far as this hand wrote it.
pub struct Hand {
    device: DeviceKeys,
    masters: MasterKeys,
    /// As it is after what was composed here, sent or not.
    pub ledger: Ledger,
    /// What it was replayed from.
    pub entries: Vec<SignedEntry>,
}

/// The sign-ups that were seen: each account, and the request that founded it.
pub fn sign_ups(world: &EvilWorld) -> impl Iterator<Item = (Ledger, SignUp)> {
    let posted = |path: &str, method: &str| path == route::ACCOUNTS && method == "POST";
    world.evil.seen().into_iter().filter(move |asked| posted(&asked.path, &asked.method)).filter_map(|asked| {
        let request = SignUp::decode(&asked.body).ok()?;
        Some((Ledger::genesis(&request.genesis).ok()?, request))
    })
}

impl Hand {
    /// In the name of a user whose home is here, from the first entry of his account on.
    pub fn on(world: &EvilWorld, user: &str) -> Result<Self, String> {
        let found = sign_ups(world).find(|(ledger, _)| ledger.user_id().as_str() == user);
        let (ledger, request) = found.ok_or_else(|| format!("{user} did not sign up here"))?;
        let seed =
            std::fs::read(world.home(user).join("device.key")).map_err(|_| format!("{user} has no home here"))?;
        let seed = DeviceSeed::from_slice(&seed).ok_or("a seed has 32 bytes")?;
        let device = DeviceKeys::derive(&seed).map_err(|fault| fault.to_string())?;
        let named = ledger.keys(0).ok_or("an account has keys")?;
        let opened = MasterKeys::open(&request.master_key, ledger.id(), 0, ledger.nonce(), &device.wrapping, named);
        let (masters, _) = opened.map_err(|fault| fault.to_string())?;
        Ok(Self { device, masters, entries: vec![request.genesis], ledger })
    }

    /// The secrets of the newest generation.
    ///
    /// # Panics
    /// If they do not derive, which keys that were opened do.
    pub fn secrets(&self) -> AccountSecrets {
        self.masters.secrets(self.ledger.nonce()).expect("keys that were opened derive")
    }

    /// The next generation, as request.
    pub fn rotation(&mut self) -> ExtendAccount {
        let expected = self.ledger.head();
        let entry = self.next_generation(vec![]);
        let mut rng = UnwrapErr(getrandom::SysRng);
        let envelope = self.masters.seal(self.ledger.id(), &[self.device.wrapping.public()], &mut rng);
        ExtendAccount {
            expected,
            entry,
            master_key: Some(envelope.expect("one device is not too many")),
            expires_ms: None,
            password: None,
        }
    }

    /// Sends the next generation as the device does, and the server takes it.
    ///
    /// # Panics
    /// If it does not.
    pub async fn rotate(&mut self, world: &EvilWorld) {
        let body = self.rotation().encode();
        self.send(world, route::ACCOUNT_ENTRIES, body).await;
    }

    /// Says in the ledger of a keychain, whose head is this, how far indexes are, and the server takes it.
    ///
    /// # Panics
    /// If it does not.
    pub async fn anchor(&self, world: &EvilWorld, keychain: ScopeId, head: Head, records: Vec<AnchoredRecord>) {
        let (author, exclusions) = (self.ledger.id(), self.ledger.generation());
        let cites = vec![Cite { principal: author, head: self.ledger.head(), exclusions }];
        let entry = ScopeEntry::Ordinary(scope::Entry {
            group: false,
            scope: Some(keychain),
            seq: head.seq + 1,
            prev: Some(head.hash),
            author,
            via: vec![],
            cites,
            time: now_ms(),
            ops: vec![Op::Anchor(Anchor { records })],
        });
        let signed = entry.encode();
        let signature = self.secrets().ledger.sign(SignatureLabel::Entry, &[&signed]);
        let entry = SignedEntry { signed, signatures: vec![signature] };
        let body = Append { expected: head, entry, wraps: vec![] }.encode();
        self.send(world, &route::entries(&keychain), body).await;
    }

    async fn send(&self, world: &EvilWorld, path: &str, body: Vec<u8>) {
        let authority = world.evil.url().trim_start_matches("http://").to_owned();
        let to = Address { authority, server: world.server.server_id() };
        let request = Request { method: Method::Post, path: path.to_owned(), query: String::new(), body };
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).expect("the system has randomness");
        let sign = |base: &[u8]| self.device.signing.sign_message(base);
        let out = request.sign(&to, &self.device.id(), Nonce(nonce), now_ms() / 1_000, sign);
        let uri = format!("{}{path}", world.evil.url());
        let mut request = hyper::Request::post(uri);
        for (name, value) in &out.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(out.request.body.clone()))).expect("a request");
        let client = legacy::Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.expect("the server answers");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("the whole answer").to_bytes();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }

    /// Lets a device in and takes it away again, and then writes one more entry in its name, signed by it. Answers the
    /// head of a ledger that had that entry.
    ///
    /// # Panics
    /// If the entries before it break a rule.
    pub fn revoked_device_writes(&mut self) -> Head {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the system has randomness");
        let seed = DeviceSeed::from_slice(&seed).expect("a seed has 32 bytes");
        let phone = DeviceKeys::derive(&seed).expect("any seed derives");
        let id = phone.id();
        let wrapping = phone.wrapping.public().clone();
        let keys = HolderKeys { signing: phone.signing.verifying_key(), wrapping, label: None };
        let consent = holder_statement(&self.ledger.id(), &id, &id);
        let consent = phone.signing.sign(SignatureLabel::HolderKey, &[&consent]);
        self.append(vec![AccountOp::AddDevice(keys)], |_| vec![consent]);
        self.next_generation(vec![AccountOp::RevokeDevice(RevokeDevice { device: id, kept: vec![] })]);
        let late =
            self.compose(&phone, vec![AccountOp::SetPrivate(SetPrivate { version: 1, hash: [1; 32] })], |_| vec![]);
        let Head { seq, hash } = self.ledger.head();
        let head = Head { seq: seq + 1, hash: late.hash(hash, seq + 1) };
        self.entries.push(late);
        head
    }

    /// Appends an entry that makes a generation, after other ops.
    fn next_generation(&mut self, mut ops: Vec<AccountOp>) -> SignedEntry {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let former = self.secrets();
        let masters = std::mem::replace(&mut self.masters, MasterKeys::generate(&mut rng));
        self.masters = masters.next(&mut rng);
        let next = self.secrets();
        ops.push(AccountOp::RotateAccount(RotateAccount {
            generation: self.masters.generation(),
            keys: next.public(),
        }));
        self.append(ops, |signed| {
            let new = [&next.ledger, &next.publication, &next.signature];
            let former = former.ledger.sign(SignatureLabel::AccountRotation, &[signed]);
            [former].into_iter().chain(new.map(|key| key.sign(SignatureLabel::AccountKey, &[signed]))).collect()
        })
    }

    fn append(&mut self, ops: Vec<AccountOp>, others: impl FnOnce(&[u8]) -> Vec<Signature>) -> SignedEntry {
        let entry = self.compose(&self.device, ops, others);
        self.ledger.append(&entry).expect("the entry breaks no rule");
        self.entries.push(entry.clone());
        entry
    }

    /// The next entry by a device. What else signs is told the signed bytes.
    fn compose(
        &self,
        author: &DeviceKeys,
        ops: Vec<AccountOp>,
        others: impl FnOnce(&[u8]) -> Vec<Signature>,
    ) -> SignedEntry {
        let Head { seq, hash } = self.ledger.head();
        let (scope, prev) = (Some(self.ledger.id()), Some(hash));
        let signed = Entry { scope, seq: seq + 1, prev, author: author.id(), time: now_ms(), ops }.encode();
        let mut signatures = vec![author.signing.sign(SignatureLabel::Entry, &[&signed])];
        signatures.extend(others(&signed));
        SignedEntry { signed, signatures }
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
