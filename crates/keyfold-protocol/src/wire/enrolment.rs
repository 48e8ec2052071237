//! A device asks to be let into an account, and another one lets it in. What the server keeps meanwhile is a notice:
//! who decides compares the device's id with what the device itself shows.
//!
//! Spec: `docs/spec/devices.md`, "Asking to be let in".

use crate::{
    limits,
    record::{listed, record},
};
use keyfold_format::{HolderId, Signature, account::HolderKeys};

record! {
    /// `POST /v1/enrolments`, by a visitor whose user id has an account.
    RequestEnrolment {
        /// The device's keys, without a label.
        keys: HolderKeys,
        /// The device's signature on joining this account.
        signature: Signature,
        /// What the device is called, sealed to the account's sharing key.
        label: Vec<u8>,
    }

    /// The answer.
    EnrolmentRequested {
        /// When the request is forgotten, in milliseconds since 1970.
        expires_ms: u64,
    }

    /// Answer to `GET /v1/enrolments`.
    EnrolmentRequests {
        /// Those of the caller's account, oldest first.
        requests: Vec<EnrolmentRequest>,
    }

    /// One that waits.
    EnrolmentRequest {
        /// What was sent.
        request: RequestEnrolment,
        /// When it is forgotten, in milliseconds since 1970.
        expires_ms: u64,
    }

    /// `POST /v1/enrolments/decline`, by a device of the account.
    DeclineEnrolment {
        /// The device that asked.
        device: HolderId,
    }
}

listed!(EnrolmentRequest = limits::ENROLMENTS);
