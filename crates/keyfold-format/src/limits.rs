//! Every limit of the formats, in one file. Spec: `docs/spec/conventions.md`, "Limits".

/// User id, in bytes of UTF-8.
pub const USER_ID_BYTES: usize = 128;
/// Purpose of a keychain, name of a group, label of a device, in bytes of UTF-8.
pub const NAME_BYTES: usize = 256;
/// The application's context of a value or envelope, in bytes.
pub const CONTEXT_BYTES: usize = 65_536;
/// One signed ledger entry, in bytes.
pub const ENTRY_BYTES: usize = 2 << 20;
/// Signatures on one entry: its author's, and those that its ops ask for.
pub const ENTRY_SIGNATURES: usize = 32;
/// Ops in one entry.
pub const ENTRY_OPS: usize = 16;
/// Wraps that come with one entry.
pub const ENTRY_WRAPS: usize = 32_768;
/// Principals that one `Share` names.
pub const SHARE_PRINCIPALS: usize = 1_024;
/// Principals that one entry cites: every member and pending one of a scope, and its author.
pub const CITES: usize = SCOPE_MEMBERS + 1;
/// Members and pending ones of a keychain or group.
pub const SCOPE_MEMBERS: usize = 16_384;
/// Indexes of which a ledger says how far they are.
pub const ANCHORS: usize = 256;
/// Keys of a keychain or group.
pub const SCOPE_KEYS: u32 = 65_536;
/// Proposals of one owner that wait for others.
pub const OWNER_PROPOSALS: usize = 16;
/// Devices and recovery methods of an account, those revoked not counted; also how many a `RevokeDevice` keeps.
pub const ACCOUNT_HOLDERS: usize = 256;
/// A password for recovery, in bytes of UTF-8.
pub const PASSWORD_BYTES: usize = 1_024;
/// Plaintext of a value, in bytes.
pub const VALUE_BYTES: usize = 16 << 20;
/// An envelope's header, in bytes.
pub const HEADER_BYTES: usize = 4 << 20;
/// An envelope's metadata before sealing, in bytes.
pub const METADATA_BYTES: usize = 4_096;
/// Slots of an envelope.
pub const SLOTS: usize = 1_024;
/// Plaintext of a segment, in bytes.
pub const SEGMENT_BYTES: usize = 65_536;
/// Segments of an envelope.
pub const SEGMENTS: u64 = 1 << 24;
/// Groups that stand in each other: to one that is deeper nothing is wrapped, and nobody acts through more.
pub const GROUP_DEPTH: usize = 8;
/// CBOR nesting.
pub const DEPTH: usize = 8;
/// A file for auditors, in bytes.
pub const AUDIT_BYTES: usize = 256 << 20;
/// Entries of one ledger in it.
pub const AUDIT_ENTRIES: usize = 1 << 20;
/// Account ledgers in it.
pub const AUDIT_ACCOUNTS: usize = 65_536;
/// Ledgers of groups in it.
pub const AUDIT_GROUPS: usize = 65_536;
