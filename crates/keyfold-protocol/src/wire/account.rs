//! Signing up, and looking accounts up.

use crate::{
    limits,
    record::{listed, record},
};
use keyfold_format::{
    UserId,
    entry::{Head, SignedEntry},
    receipt::Receipt,
};

record! {
    /// `POST /v1/accounts`, signed by the new device. Repeated byte for byte by the same device it succeeds again, so
    /// that a lost reply locks nobody out.
    SignUp {
        /// The account ledger's first entry; it names the user id, the device and the account's keys.
        genesis: SignedEntry,
        /// The master-key envelope of generation 0, as it is.
        master_key: Vec<u8>,
    }

    /// The answer.
    SignedUp {
        /// The new account's head.
        receipt: Receipt,
        /// When the device's session started, in milliseconds since 1970.
        since_ms: u64,
    }

    /// `POST /v1/accounts/entries`: to the caller's own account, or by a visitor whom the entry lets in. The answer is [`super::Appended`].
    ExtendAccount {
        /// The head that the entry follows. If the ledger moved on, the answer is `Conflict`.
        expected: Head,
        /// The entry, by a device or a recovery method.
        entry: SignedEntry,
        /// The master-key envelope for whoever holds the account after the entry: with one that adds or renews a
        /// holder or makes a generation, and with no other.
        master_key: Option<Vec<u8>>,
        /// For devices that the entry adds and that are to renew their keys: when they are refused otherwise, in
        /// milliseconds since 1970.
        expires_ms: Option<u64>,
        /// OPAQUE's record: with an entry that adds a recovery method `password`, and with no other.
        password: Option<Vec<u8>>,
    }

    /// `POST /v1/accounts/lookup`: by user id.
    Lookup {
        /// At most 256, without repetition.
        user_ids: Vec<UserId>,
    }

    /// The answer, in the order of the question; `None` for whom there is no account.
    Accounts {
        /// One for each user id.
        accounts: Vec<Option<AccountLedger>>,
    }

    /// A whole account ledger.
    AccountLedger {
        /// From the genesis on.
        entries: Vec<SignedEntry>,
        /// The newest head.
        receipt: Receipt,
    }
}

listed!(Option<AccountLedger> = limits::LOOKUPS);
