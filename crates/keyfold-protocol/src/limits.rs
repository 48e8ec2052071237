//! Limits of requests and responses, in one file. Those of the formats are `keyfold_format::limits`.
//!
//! Spec: `docs/spec/http.md`, "Limits".

/// Body of a request, in bytes; more is `TooLarge`. A new key for as many members as a scope may have fits: it is one
/// entry, all or nothing.
pub const REQUEST_BODY_BYTES: usize = 24 << 20;
/// Ledger entries of one reply, in bytes; the rest follows on asking again (`more`).
pub const PAGE_BYTES: usize = 8 << 20;
/// User ids of one look-up.
pub const LOOKUPS: usize = 256;
/// Ledgers of one sync.
pub const LEDGERS: usize = 1_024;
/// Entries of one page of one ledger.
pub const PAGE_ENTRIES: usize = 16_384;
/// Wraps of one request or reply.
pub const WRAPS: usize = 65_536;
/// Wraps that one request or reply says are missing.
pub const MISSING: usize = 1_024;
/// Accounts with a generation that a scope has not seen, in one answer.
pub const UNSEEN: usize = 256;
/// Scopes that one account belongs to.
pub const SCOPES: usize = 65_536;
/// Envelopes of a master key in one answer: the newest.
pub const ENVELOPES: usize = 1_024;
/// The envelope of a master key, in bytes: 256 slots and the master keys of all generations.
pub const MASTER_KEY_BYTES: usize = 1 << 20;
/// Keys of a server, one after the other, that it shows how it came to.
pub const SUCCESSIONS: usize = 64;
/// How far a request's `created`, and an event subscription's, may be from the server's clock, in seconds.
pub const WINDOW_SECONDS: u64 = 60;
/// How far an entry's time may be ahead of the server's clock, in milliseconds.
pub const ENTRY_AHEAD_MS: u64 = 120_000;
/// Devices that ask at the same time to be let into one account.
pub const ENROLMENTS: usize = 16;
/// How long a visit, and a wish to be let in, lasts, in milliseconds.
pub const VISIT_MS: u64 = 15 * 60 * 1_000;
/// A device's label sealed to an account, in bytes.
pub const SEALED_LABEL_BYTES: usize = 2_048;
/// How long a device that was added for a text may take to renew its keys, in milliseconds.
pub const REGISTER_MS: u64 = 24 * 60 * 60 * 1_000;
/// One frame of the event stream, in bytes.
pub const FRAME_BYTES: usize = 4_096;
/// Message and hint of an error, in bytes each.
pub const MESSAGE_BYTES: usize = 1_024;
/// Objects of one request, or of one answer.
pub const OBJECTS: usize = 1_024;
/// Ids of objects in one request or answer.
pub const OBJECT_IDS: usize = 4_096;
/// An object, in bytes.
pub const OBJECT_BYTES: usize = 4 << 20;
/// Objects of one answer, in bytes; the rest follows on asking again.
pub const OBJECTS_BYTES: usize = 16 << 20;
/// A reference, in bytes.
pub const REFERENCE_BYTES: usize = 64 << 10;
/// Its name, in bytes.
pub const REFERENCE_NAME_BYTES: usize = 64;
/// For how long an object is there before it is listed for sweeping, in milliseconds: no write takes as long.
pub const SETTLED_MS: u64 = 60 * 60 * 1_000;
