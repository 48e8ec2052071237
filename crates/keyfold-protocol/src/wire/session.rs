//! Logging devices in and out, and which of them are.

use crate::record::{listed, record};
use keyfold_format::{HolderId, limits, receipt::Receipt};

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
    /// Answer to `GET /v1/sessions`.
    Sessions {
        /// The devices of the caller's account, ascending by id.
        sessions: Vec<DeviceSession>,
    }

    /// A device as the server knows it. Nobody signs this: it is what the server says.
    DeviceSession {
        /// Its id.
        device: HolderId,
        /// When its session started, in milliseconds since 1970; `None` while it is logged out.
        since_ms: Option<u64>,
        /// When it last asked something while it was logged in, to a minute; `None` if it never did.
        last_used_ms: Option<u64>,
    }

    /// `POST /v1/sessions/end`: ends the sessions of the account's other devices. The answer is [`LoggedOut`].
    EndSessions {
        /// The caller's own session ends too.
        own: bool,
    }
}

listed!(DeviceSession = limits::ACCOUNT_HOLDERS);
