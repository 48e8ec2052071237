//! Logging a device in and out.

use crate::record::record;
use keyfold_format::receipt::Receipt;

record! {
    /// Answer to `POST /v1/sessions`, which has no body and is signed by the device.
    LoggedIn {
        /// The account's newest generation.
        generation: u32,
        /// The newest master-key envelopes, oldest first.
        master_keys: Vec<Vec<u8>>,
        /// The account's head.
        receipt: Receipt,
        /// When the session started, in milliseconds since 1970.
        since_ms: u64,
    }

    /// Answer to `DELETE /v1/sessions`.
    LoggedOut {
        /// When the session ended, in milliseconds since 1970.
        at_ms: u64,
    }
}
