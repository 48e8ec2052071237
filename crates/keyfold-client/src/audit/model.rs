//! What an audit answers: plain data, as in [`crate::model`].

use crate::{PermissionFlags, model::Algorithm};
use serde::Serialize;

/// A person in an audit, or a group where one can stand: then `group_id` is there, and the others are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPrincipal {
    /// The application's name of the person, by the verified account ledger; `None` if that was not at hand.
    pub user_id: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The group.
    pub group_id: Option<String>,
}

/// A ledger, verified from its first entry on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// `keychain`, `group` or `account`.
    pub kind: &'static str,
    /// The ledger: a keychain's fingerprint, a group id or an account id.
    pub scope: String,
    /// The key that the server signed its head with.
    pub server_key: String,
    /// Number of the newest entry.
    pub seq: u64,
    /// Its hash.
    pub entry_hash: String,
    /// When the server signed for it, by its clock.
    pub signed_at: u64,
    /// Up to which entry this device had verified the same before; `None` where nothing was known.
    pub known_seq: Option<u64>,
    /// Oldest first.
    pub entries: Vec<AuditEntry>,
    /// Where they lead.
    pub state: AuditState,
}

/// One entry: who did what, when, and when it counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number: what counts of two things that contradict each other is the order of these.
    pub seq: u64,
    /// Its hash.
    pub entry_hash: String,
    /// When it was made, as its author claims.
    pub time: u64,
    /// Who signed it.
    pub author: AuditPrincipal,
    /// Of an account's entry, the device or recovery method that signed it.
    pub holder_id: Option<String>,
    /// The groups through which he acted: the first is a member here, he is one of the last. Mostly none.
    pub via: Vec<AuditPrincipal>,
    /// Whether the server put it where it stands: an answer, or a member's leaving.
    pub placed: bool,
    /// What it did, in order.
    pub actions: Vec<AuditAction>,
    /// The state after it; an account's ledger has none.
    pub after: Option<AuditAfter>,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum AuditAction {
    /// Founded the account.
    CreateAccount {
        /// Its first device.
        device_id: String,
    },
    /// Added a device to the account.
    AddDevice {
        /// Which.
        device_id: String,
    },
    /// Put a device out, and all that it had added.
    RevokeDevice {
        /// Which.
        device_id: String,
        /// Devices and recovery methods that stay although it had added them.
        kept: Vec<String>,
    },
    /// The author, a device, took new keys.
    RotateDevice,
    /// Added a way to come back to the account.
    AddRecovery {
        /// The recovery method.
        recovery_id: String,
        /// `password`, `paper`, `shares` or `passkey`.
        method: &'static str,
    },
    /// Removed one.
    RemoveRecovery {
        /// Which.
        recovery_id: String,
    },
    /// Gave the account new keys.
    RotateAccount {
        /// Which generation they are.
        generation: u32,
    },
    /// Stored settings that only the account's devices can read.
    SetPrivate {
        /// Which version of them, from 1.
        version: u64,
    },
    /// Founded the keychain or group, with its first key.
    Genesis {
        /// What kind of keys it has.
        #[serde(serialize_with = "crate::model::algorithm")]
        algorithm: Algorithm,
        /// Key 1.
        key_fingerprint: String,
    },
    /// Shared keys.
    Share {
        /// With whom.
        to: Vec<AuditPrincipal>,
        /// Their numbers, as ranges: the first and the last of each.
        key_numbers: Vec<(u32, u32)>,
        /// What the recipients may do.
        permissions: PermissionFlags,
        /// Whether they get later keys.
        follows: bool,
        /// Whether others refuse what they write.
        read_only: bool,
        /// When it ends.
        expires_at: Option<u64>,
    },
    /// Took a share.
    Accept {
        /// Whose share it was.
        shared_by: Option<AuditPrincipal>,
    },
    /// Refused a share.
    Decline,
    /// Left.
    Leave,
    /// Gave up one's own copy of a key.
    DropKey {
        /// Its number.
        key_number: u32,
    },
    /// Withdrew a share that nobody had answered.
    CancelShare {
        /// With whom it was.
        person: AuditPrincipal,
    },
    /// Ended a share whose time was over, or the membership by it.
    Expire {
        /// With whom it was.
        person: AuditPrincipal,
    },
    /// Changed what a member may do.
    SetPermissions {
        /// Whose.
        person: AuditPrincipal,
        /// What he may do since.
        granted: PermissionFlags,
        /// What he may not do any more.
        withdrawn: PermissionFlags,
    },
    /// Made a new key, current since.
    Rotate {
        /// Its number.
        key_number: u32,
        /// The key.
        key_fingerprint: String,
    },
    /// Banned somebody.
    Ban {
        /// Whom.
        person: AuditPrincipal,
    },
    /// Took notice of the newest state of somebody's ledger.
    Observe {
        /// Whose.
        person: AuditPrincipal,
    },
    /// Said how far indexes of the keychain are.
    Anchor {
        /// How many.
        indexes: usize,
    },
    /// Put a decision to the owners, and was for it.
    Propose {
        /// What.
        proposal: AuditProposal,
    },
    /// Was for a decision too.
    Approve {
        /// Which.
        proposal: AuditProposal,
    },
    /// Something that this release has no words for. It is verified all the same.
    Other,
}

/// What owners decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditProposal {
    /// `addOwner`, `removeOwner` or `successor`.
    pub decision: &'static str,
    /// Whom it concerns; `None` for a successor.
    pub person: Option<AuditPrincipal>,
    /// The keychain that takes this one's place; `None` for owners.
    pub successor: Option<String>,
    /// Whether this made it: enough owners were for it.
    pub decided: bool,
}

/// The state of a keychain or group after an entry, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditAfter {
    /// How many members there are.
    pub members: usize,
    /// The number of the current key.
    pub key_number: u32,
    /// Whether a new key is needed before anything is encrypted.
    pub needs_rotation: bool,
}

/// Where the entries lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AuditState {
    /// A keychain's, or a group's.
    Keychain(KeychainState),
    /// An account's.
    Account(AccountState),
}

/// Who is in a keychain or group, and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeychainState {
    /// Members, owners included.
    pub members: Vec<AuditMember>,
    /// Shares that nobody has answered.
    pub pending: Vec<AuditMember>,
    /// Who can only be removed by a quorum.
    pub owners: Vec<AuditPrincipal>,
    /// Who is banned.
    pub banned: Vec<AuditPrincipal>,
    /// Fingerprints of all keys, oldest first: key `n` is the `n`th.
    pub keys: Vec<String>,
    /// Whether a new key is needed before anything is encrypted.
    pub needs_rotation: bool,
    /// The keychain that takes this one's place.
    pub successor: Option<String>,
}

/// A member, or whoever may become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditMember {
    /// As of [`AuditPrincipal`].
    pub user_id: Option<String>,
    /// As of [`AuditPrincipal`].
    pub account_id: Option<String>,
    /// As of [`AuditPrincipal`].
    pub group_id: Option<String>,
    /// What he may do; an owner everything.
    pub permissions: PermissionFlags,
    /// Whether others refuse what he writes.
    pub read_only: bool,
    /// Whether he gets later keys.
    pub follows: bool,
    /// When it ends.
    pub expires_at: Option<u64>,
}

/// What an account's ledger says of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountState {
    /// The application's name of the person.
    pub user_id: String,
    /// The generation of its keys.
    pub generation: u32,
    /// Who holds its master key, by id.
    pub holders: Vec<String>,
}

/// An audit file, verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AuditedFile {
    /// A ledger.
    History(Box<Audit>),
    /// Evidence against a server.
    Evidence(EvidenceReport),
}

/// What evidence proves: the server signed two heads that no one ledger can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceReport {
    /// `evidence`.
    pub kind: &'static str,
    /// The ledger that they are about.
    pub scope: String,
    /// The key that both are signed with.
    pub server_key: String,
    /// The receipt for the lower number, or one of two for the same.
    pub earlier: AuditReceipt,
    /// The other one.
    pub later: AuditReceipt,
    /// What stands at the earlier one's number in the ledger of the later one.
    pub fork: String,
}

/// What a server signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReceipt {
    /// Number of the entry that it called the newest.
    pub seq: u64,
    /// Its hash.
    pub entry_hash: String,
    /// When, by its clock.
    pub signed_at: u64,
}

/// How somebody else's view of a ledger relates to one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditComparison {
    /// Whether one is the beginning of the other. If not, there is evidence.
    pub agrees: bool,
    /// The newest entry that both have; `None` if not even the first is the same.
    pub common_seq: Option<u64>,
    /// One's own newest entry.
    pub own_seq: u64,
    /// The other's.
    pub other_seq: u64,
}
