//! What calls answer: plain data with the field names of the TypeScript API, which are also those of the command
//! line's `--json`. Ids are base64url, times are milliseconds since 1970, public keys are base64url.
//!
//! Spec: `docs/spec/cli.md`.

mod device;
mod event;
mod recovery;

use keyfold_format::scope;
use serde::Serialize;

pub use crate::permissions::{PartialPermissions, PermissionFlags};
pub use device::{Device, DeviceRequest, DeviceRequested, RevokedDevices};
pub use event::{ClientEvent, SyncState};
pub use recovery::{Recovered, Recovery, RecoveryGap, RecoveryKind, RecoveryStarted, RecoveryStatus};
pub use scope::Algorithm;

/// Who this home belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// The application's name of the person.
    pub user_id: String,
    /// The account.
    pub account_id: String,
    /// This device.
    pub device_id: String,
    /// The generation of the account's keys.
    pub generation: u32,
    /// Whether the device is logged in and holds the account's keys.
    pub logged_in: bool,
    /// Which shares it takes without asking.
    pub accept_shares: AcceptShares,
    /// Where the server is.
    pub server_url: String,
    /// The server's pinned key.
    pub server_key: String,
    /// The keys that were pinned before, from which this device followed it; oldest first.
    pub former_server_keys: Vec<String>,
    /// User id and account as a text that others scan, `keyfold:identity/…`.
    pub uri: String,
}

/// A person, by both names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The application's name of the person.
    pub user_id: String,
    /// The account.
    pub account_id: String,
}

/// One key that this account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMetadata {
    /// `secretBox` or `sealedBox`.
    #[serde(serialize_with = "algorithm")]
    pub algorithm: Algorithm,
    /// What the keychain is for.
    pub purpose: String,
    /// The keychain.
    pub keychain_fingerprint: String,
    /// The key.
    pub key_fingerprint: String,
    /// The key's number, from 1.
    pub key_number: u32,
    /// With `sealedBox`: what anybody may encrypt to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// When the key was made, as its maker claims.
    pub created_at: u64,
    /// When one's membership ends.
    pub expires_at: Option<u64>,
    /// Who shared the keychain; `None` if it is one's own.
    #[serde(serialize_with = "user_id_if_any")]
    pub shared_by: Option<Person>,
    /// Whether one compared that person's identity, so that nobody else's keychain passes for his; of one's own too.
    pub shared_by_verified: bool,
}

/// A keychain with all keys that this account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keychain {
    /// The keychain.
    pub keychain_fingerprint: String,
    /// What it is for.
    pub purpose: String,
    /// `secretBox` or `sealedBox`.
    #[serde(serialize_with = "algorithm")]
    pub algorithm: Algorithm,
    /// What this account may do.
    pub permissions: PermissionFlags,
    /// Whether others refuse what this account writes.
    pub read_only: bool,
    /// Whether this account gets the keys that come later.
    pub follows: bool,
    /// Whether a new key is needed before anything is encrypted.
    pub needs_rotation: bool,
    /// Who shared it; `None` if it is one's own.
    #[serde(serialize_with = "user_id_if_any")]
    pub shared_by: Option<Person>,
    /// Whether one compared that person's identity; of one's own too.
    pub shared_by_verified: bool,
    /// Newest first.
    pub keys: Vec<KeyMetadata>,
}

/// A group that this account is in. Who is in it, `participants` of `group:` and its name tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The group.
    pub group_fingerprint: String,
    /// What its members call it.
    pub name: String,
    /// It can stand in groups of a higher rank, and in keychains.
    pub rank: u16,
    /// What this account may do in it.
    pub permissions: PermissionFlags,
    /// Whether others refuse what this account writes in it.
    pub read_only: bool,
    /// Whether it needs a new key: somebody was put out of it, or of a group in it.
    pub needs_rotation: bool,
    /// How many people and groups stand in it.
    pub member_count: usize,
    /// Who added this account to it; `None` if it founded it.
    #[serde(serialize_with = "user_id_if_any")]
    pub shared_by: Option<Person>,
}

/// What only owners decide, and only more than half of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerDecision {
    /// A member, by user id, becomes an owner.
    AddOwner(String),
    /// An owner, by user id, becomes a member without permissions.
    RemoveOwner(String),
    /// Another keychain, by fingerprint or purpose, takes this one's place.
    Successor(String),
}

/// A decision that waits for more owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerProposal {
    /// What it is approved by: `add:`, `remove:` or `successor:`, and whom or what.
    pub id: String,
    /// `addOwner`, `removeOwner` or `successor`.
    pub decision: &'static str,
    /// Whom it concerns, by user id; for a successor its fingerprint.
    pub subject: String,
    /// The owners who are for it, by user id; its author first.
    pub approvals: Vec<String>,
}

impl OwnerProposal {
    pub(crate) fn new(decision: OwnerDecision, approvals: Vec<String>) -> Self {
        let (word, decision, subject) = match decision {
            OwnerDecision::AddOwner(who) => ("add", "addOwner", who),
            OwnerDecision::RemoveOwner(who) => ("remove", "removeOwner", who),
            OwnerDecision::Successor(scope) => ("successor", "successor", scope),
        };
        Self { id: format!("{word}:{subject}"), decision, subject, approvals }
    }
}

/// Who owns a keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owners {
    /// The keychain.
    pub keychain_fingerprint: String,
    /// By user id, sorted.
    pub owners: Vec<String>,
    /// How many of them must be for a decision.
    pub quorum: usize,
    /// What waits for more of them, oldest first.
    pub proposals: Vec<OwnerProposal>,
    /// The keychain that takes this one's place, by fingerprint.
    pub successor: Option<String>,
}

/// Which keys to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareKeys {
    /// The most recent one. Its recipient gets later ones too.
    Latest,
    /// All that one holds. Recipients get later ones too.
    All,
    /// Exactly the one with this fingerprint. Its recipient gets no later ones.
    One(String),
}

/// On which terms to share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShareOptions {
    /// What recipients may do beyond reading and writing.
    pub permissions: PermissionFlags,
    /// Whether others refuse what recipients write.
    pub read_only: bool,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

/// How far a membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberState {
    /// Shared, and not accepted so far.
    Pending,
    /// A member.
    Accepted,
}

/// What a share did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareOutcome {
    /// The keychain.
    pub keychain_fingerprint: String,
    /// What it is for.
    pub purpose: String,
    /// The keys that were shared, newest first.
    pub key_fingerprints: Vec<String>,
    /// With whom, in the order of the call.
    pub recipients: Vec<Recipient>,
}

/// One recipient of a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// The application's name of the person.
    pub user_id: String,
    /// The account.
    pub account_id: String,
    /// `pending` until the recipient's client answers; `accepted` for members.
    pub state: MemberState,
    /// Whether he had, or had waiting, at least this already: nothing was sent then.
    pub already: bool,
}

/// What a ban did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BanOutcome {
    /// The keychain.
    pub keychain_fingerprint: String,
    /// Who is out of it.
    pub user_id: String,
    /// The key that is current since, and that he does not have. `None` if it was oneself: then another member's
    /// client makes it.
    pub key_fingerprint: Option<String>,
    /// Groups in which he still is, as calls name them. They get no new keys until he is out of them too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
}

/// A share that its recipient has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingShare {
    /// With whom.
    pub user_id: String,
    /// The account.
    pub account_id: String,
    /// The keychain.
    pub keychain_fingerprint: String,
    /// What it is for.
    pub purpose: String,
    /// The newest key of the share: what cancelling names.
    pub key_fingerprint: String,
    /// All keys of the share, newest first.
    pub key_fingerprints: Vec<String>,
    /// What the recipient may do.
    pub permissions: PermissionFlags,
    /// When it was shared, as its sharer claims.
    pub shared_at: u64,
    /// When it ends.
    pub expires_at: Option<u64>,
}

/// Which shares a device takes without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AcceptShares {
    /// All of them.
    #[default]
    Auto,
    /// Those of people whom one knew before: who was looked up, was shared with, or has shared what was taken.
    Known,
    /// None.
    Ask,
}

impl AcceptShares {
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// What a later release wrote is asked about.
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Auto,
            1 => Self::Known,
            _ => Self::Ask,
        }
    }
}

/// A share that waits for one's own answer. What the keychain is for is encrypted under its key, which comes with the
/// acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingShare {
    /// The keychain: what the answer names.
    pub keychain_fingerprint: String,
    /// `secretBox` or `sealedBox`.
    #[serde(serialize_with = "algorithm")]
    pub algorithm: Algorithm,
    /// Who shared it.
    #[serde(serialize_with = "user_id")]
    pub shared_by: Person,
    /// The account of whoever shared it.
    pub account_id: String,
    /// Whether one knew that person before: looked up, shared with, or took a share from.
    pub known: bool,
    /// Whether one compared that person's identity.
    pub verified: bool,
    /// What one would be allowed to do.
    pub permissions: PermissionFlags,
    /// Whether others would refuse what one writes.
    pub read_only: bool,
    /// All keys of the share, newest first.
    pub key_fingerprints: Vec<String>,
    /// When it was shared, as its sharer claims.
    pub shared_at: u64,
    /// When it ends.
    pub expires_at: Option<u64>,
}

/// Somebody who owns a copy of a key, or to whom one is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// The application's name of the person.
    pub user_id: String,
    /// The account.
    pub account_id: String,
    /// Whether one compared his identity; one's own is.
    pub verified: bool,
    /// Whether it is an account of his whose place another one took: he has, or somebody has, this one no more.
    pub former: bool,
    /// What he may do.
    pub permissions: PermissionFlags,
    /// Whether he is an owner.
    pub owner: bool,
    /// Whether others refuse what he writes.
    pub read_only: bool,
    /// `pending` or `accepted`.
    pub state: MemberState,
    /// Since when, as the sharer claims.
    pub since: u64,
    /// When it ends.
    pub expires_at: Option<u64>,
    /// Who shared with him; `None` for the creator.
    #[serde(serialize_with = "user_id_if_any")]
    pub shared_by: Option<Person>,
    /// The groups through which he is in, from the keychain downwards, as calls name them; none for a member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
}

/// A decrypted value, and what is known about its key. It does not say who wrote it: every member could have.
#[derive(Debug)]
pub struct DecryptedValue {
    /// The value.
    pub value: keyfold_core::value::Value,
    /// The keychain.
    pub keychain_fingerprint: String,
    /// The key.
    pub key_fingerprint: String,
    /// Its number.
    pub key_number: u32,
    /// Whether it is the keychain's current one.
    pub current: bool,
}

pub(crate) fn algorithm<S: serde::Serializer>(algorithm: &Algorithm, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match algorithm {
        Algorithm::SecretBox => "secretBox",
        Algorithm::SealedBox => "sealedBox",
        Algorithm::Group => "group",
    })
}

/// Documents name people as the application does; who is meant by it, `user` tells.
fn user_id<S: serde::Serializer>(person: &Person, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&person.user_id)
}

pub(crate) fn user_id_if_any<S: serde::Serializer>(person: &Option<Person>, to: S) -> Result<S::Ok, S::Error> {
    person.as_ref().map(|person| &person.user_id).serialize(to)
}
