//! Recovery by a password, as far as the server helps: it sees points of a curve, and never the password.
//!
//! Spec: `docs/spec/recovery.md`, "Password".

use crate::record::record;
use keyfold_format::HolderId;

record! {
    /// `POST /v1/recovery/password`, by an enrolled device that sets a password.
    RegisterPassword {
        /// OPAQUE's registration request, 32 bytes.
        request: Vec<u8>,
    }

    /// `POST /v1/recovery/password/login`, by a visitor who has nothing but a password.
    TryPassword {
        /// Which of the account's passwords.
        recovery: HolderId,
        /// OPAQUE's KE1, 96 bytes.
        request: Vec<u8>,
    }

    /// The answer to either.
    PasswordResponse {
        /// OPAQUE's registration response, 64 bytes, or its KE2, 320.
        response: Vec<u8>,
    }
}
