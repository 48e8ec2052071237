//! An account with devices, recovery methods and generations, whose every key is known to the tests.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::people::{Person, bytes_of, sign, wrapping_key};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    HolderId, Rejected, ScopeId, Signature, VerifyingKey,
    account::{
        AccountKeys, AccountOp, AddRecovery, Entry, HolderKeys, HolderKind, Ledger, RecoveryMethod, RevokeDevice,
        RotateAccount, SetPrivate, holder_statement,
    },
    entry::SignedEntry,
    label::SignatureLabel,
};

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&bytes_of(name))
}

fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey(key.verifying_key().to_bytes())
}

/// A device or recovery method, with its secret.
#[derive(Clone)]
pub struct Secret {
    pub id: HolderId,
    pub kind: HolderKind,
    pub keys: HolderKeys,
    pub key: SigningKey,
}

impl Secret {
    pub fn device(name: &str) -> Self {
        Self::of(HolderKind::Device, name)
    }

    pub fn recovery(name: &str) -> Self {
        Self::of(HolderKind::Recovery(RecoveryMethod::Password), name)
    }

    fn of(kind: HolderKind, name: &str) -> Self {
        let key = key(name);
        let keys = HolderKeys { signing: public(&key), wrapping: wrapping_key(name), label: None };
        let id = if kind == HolderKind::Device { keys.id() } else { keys.recovery_id() };
        Self { id, kind, keys, key }
    }

    /// The same device with the keys of another name.
    pub fn renewed(&self, name: &str) -> Self {
        Self { id: self.id, ..Self::device(name) }
    }

    fn is_recovery(&self) -> bool {
        self.kind != HolderKind::Device
    }

    /// As an author does.
    pub fn signs(&self, signed: &[u8]) -> Signature {
        sign(&self.key, SignatureLabel::Entry, signed)
    }

    /// What a new holder signs.
    pub fn consent(&self, account: &ScopeId) -> Signature {
        let keys = if self.is_recovery() { self.keys.recovery_id() } else { self.keys.id() };
        sign(&self.key, SignatureLabel::HolderKey, &holder_statement(account, &self.id, &keys))
    }
}

/// The keys of a generation.
#[derive(Clone)]
pub struct Generation {
    pub ledger: SigningKey,
    publication: SigningKey,
    signature: SigningKey,
    pub keys: AccountKeys,
}

impl Generation {
    /// Number 0 is the person's own.
    pub fn of(person: &str, number: u32) -> Self {
        let name =
            |role: &str| if number == 0 { format!("{person} {role}") } else { format!("{person} {role} {number}") };
        let [ledger, publication, signature] = ["ledger", "publication", "signature"].map(|role| key(&name(role)));
        let keys = AccountKeys {
            ledger: public(&ledger),
            sharing: wrapping_key(&name("sharing")),
            publication: public(&publication),
            signature: public(&signature),
        };
        Self { ledger, publication, signature, keys }
    }
}

/// What an entry does, with the secrets of those who must sign it.
#[derive(Clone, Copy)]
pub enum Do<'a> {
    AddDevice(&'a Secret),
    Revoke(&'a Secret, &'a [&'a Secret]),
    RotateDevice(&'a Secret),
    AddRecovery(&'a Secret),
    RemoveRecovery(&'a Secret),
    /// The next generation.
    Rotate,
    SetPrivate(u64),
}

/// A ledger that can be appended to.
#[derive(Clone)]
pub struct Account {
    pub name: &'static str,
    pub first: Secret,
    pub ledger: Ledger,
    pub entries: Vec<SignedEntry>,
}

impl Account {
    pub fn new(name: &'static str) -> Self {
        let person = Person::new(name);
        let first = Secret::device(&format!("{name} device"));
        Self { name, first, ledger: person.account, entries: vec![person.genesis] }
    }

    /// A device or recovery method, by a name of its own for this person.
    pub fn device(&self, name: &str) -> Secret {
        Secret::device(&format!("{} {name}", self.name))
    }

    pub fn recovery(&self, name: &str) -> Secret {
        Secret::recovery(&format!("{} {name}", self.name))
    }

    pub fn generation(&self) -> Generation {
        Generation::of(self.name, self.ledger.generation())
    }

    fn op(&self, what: &Do<'_>) -> AccountOp {
        match what {
            Do::AddDevice(device) => AccountOp::AddDevice(device.keys.clone()),
            Do::RotateDevice(device) => AccountOp::RotateDevice(device.keys.clone()),
            Do::Revoke(device, kept) => {
                let mut kept: Vec<HolderId> = kept.iter().map(|holder| holder.id).collect();
                kept.sort();
                AccountOp::RevokeDevice(RevokeDevice { device: device.id, kept })
            }
            Do::AddRecovery(recovery) => {
                let HolderKind::Recovery(method) = recovery.kind else { panic!("a device") };
                AccountOp::AddRecovery(AddRecovery { method, keys: recovery.keys.clone() })
            }
            Do::RemoveRecovery(recovery) => AccountOp::RemoveRecovery(recovery.id),
            Do::Rotate => {
                let generation = self.ledger.generation() + 1;
                AccountOp::RotateAccount(RotateAccount { generation, keys: Generation::of(self.name, generation).keys })
            }
            Do::SetPrivate(version) => {
                AccountOp::SetPrivate(SetPrivate { version: *version, hash: bytes_of(&format!("private {version}")) })
            }
        }
    }

    pub fn entry(&self, author: &Secret, what: &[Do<'_>]) -> Entry {
        Entry {
            scope: Some(self.ledger.id()),
            seq: self.ledger.head().seq + 1,
            prev: Some(self.ledger.head().hash),
            author: author.id,
            time: self.ledger.time(),
            ops: what.iter().map(|what| self.op(what)).collect(),
        }
    }

    /// Signed by everybody who must.
    pub fn sign(&self, author: &Secret, what: &[Do<'_>], entry: &Entry) -> SignedEntry {
        let signed = entry.encode();
        let mut signatures = vec![author.signs(&signed)];
        for what in what {
            match what {
                Do::AddDevice(holder) | Do::RotateDevice(holder) | Do::AddRecovery(holder) => {
                    signatures.push(holder.consent(&self.ledger.id()));
                }
                Do::Rotate => {
                    if !author.is_recovery() {
                        signatures.push(sign(&self.generation().ledger, SignatureLabel::AccountRotation, &signed));
                    }
                    let next = Generation::of(self.name, self.ledger.generation() + 1);
                    for key in [&next.ledger, &next.publication, &next.signature] {
                        signatures.push(sign(key, SignatureLabel::AccountKey, &signed));
                    }
                }
                _ => {}
            }
        }
        SignedEntry { signed, signatures }
    }

    /// The next entry, as it comes.
    pub fn does(&self, author: &Secret, what: &[Do<'_>]) -> SignedEntry {
        self.sign(author, what, &self.entry(author, what))
    }

    /// The next entry, altered before it is signed.
    pub fn altered(&self, author: &Secret, what: &[Do<'_>], alter: impl FnOnce(&mut Entry)) -> SignedEntry {
        let mut entry = self.entry(author, what);
        alter(&mut entry);
        self.sign(author, what, &entry)
    }

    /// The next entry, whose signatures are altered.
    pub fn resigned(
        &self,
        author: &Secret,
        what: &[Do<'_>],
        alter: impl FnOnce(&[u8], &mut Vec<Signature>),
    ) -> SignedEntry {
        let mut entry = self.does(author, what);
        alter(&entry.signed, &mut entry.signatures);
        entry
    }

    pub fn append(&mut self, entry: SignedEntry) -> Result<(), Rejected> {
        self.ledger.append(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    /// With an entry that is allowed.
    pub fn after(mut self, author: &Secret, what: &[Do<'_>]) -> Self {
        let entry = self.does(author, what);
        self.append(entry).unwrap();
        self
    }

    pub fn holds(&self, who: &Secret) -> bool {
        self.ledger.holders().contains_key(&who.id)
    }
}
