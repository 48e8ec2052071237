//! What a client tells by itself: plain data like what calls answer, and like that a contract. Separate because
//! it grows with what can happen, not with what can be asked.
//!
//! Spec: `docs/spec/cli.md`, "watch".

use super::{PermissionFlags, Person, user_id};
use serde::Serialize;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ClientEvent {
    /// A keychain has another state than before.
    KeychainUpdated {
        /// The keychain.
        keychain_fingerprint: String,
        /// What it is for.
        purpose: String,
    },
    /// A key arrived from somebody.
    KeyReceived {
        /// The keychain.
        keychain_fingerprint: String,
        /// The key.
        key_fingerprint: String,
        /// Who shared it.
        #[serde(serialize_with = "user_id")]
        shared_by: Person,
    },
    /// A group has another state than before.
    GroupUpdated {
        /// The group.
        group_fingerprint: String,
        /// What it is called.
        name: String,
    },
    /// Somebody has shared a keychain, and the share waits for one's answer.
    ShareReceived {
        /// The keychain.
        keychain_fingerprint: String,
        /// Who shared it.
        #[serde(serialize_with = "user_id")]
        shared_by: Person,
    },
    /// A keychain has a new current key.
    KeyRotated {
        /// The keychain.
        keychain_fingerprint: String,
        /// The new key.
        key_fingerprint: String,
    },
    /// A member's permissions in a keychain changed: one's own, or another's.
    PermissionsUpdated {
        /// The keychain.
        keychain_fingerprint: String,
        /// What they are now.
        permissions: PermissionFlags,
        /// Whose.
        user_id: String,
    },
    /// Somebody was banned from a keychain: oneself, or another. Who is banned keeps the keys that he has, and gets
    /// none that come later.
    MemberBanned {
        /// The keychain.
        keychain_fingerprint: String,
        /// Who.
        user_id: String,
    },
    /// One logged in or out, or one's keys changed.
    IdentityUpdated {
        /// The account; `None` after logging out.
        account_id: Option<String>,
    },
    /// A device asks to be let into one's account.
    DeviceRequested {
        /// The device.
        device_id: String,
    },
    /// A device is one's account's no more.
    DeviceRevoked {
        /// The device.
        device_id: String,
    },
    /// A recovery method was used: it let a device in, or changed who holds the account.
    RecoveryUsed {
        /// Which.
        recovery_id: String,
    },
    /// The server shows another identity of somebody than the pinned one.
    IdentityChanged {
        /// Of whom.
        user_id: String,
    },
    /// A keychain was left as it was, because what the server shows of it is not believed. Others go on.
    KeychainStopped {
        /// The keychain.
        keychain_fingerprint: String,
        /// Why: the code that operations on it answer.
        code: String,
    },
    /// The connection to the server came or went.
    SyncStateChanged {
        /// What it is now.
        state: SyncState,
    },
}

/// Whether changes arrive by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncState {
    /// Connected, and caught up.
    Online,
    /// Not connected; trying again.
    Offline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_documents_with_the_names_of_the_typescript_api() {
        let event = ClientEvent::KeyReceived {
            keychain_fingerprint: "a".into(),
            key_fingerprint: "b".into(),
            shared_by: Person { user_id: "alice".into(), account_id: "c".into() },
        };
        let json = serde_json::to_value(&event).unwrap();
        let expected = serde_json::json!({
            "event": "keyReceived", "keychainFingerprint": "a", "keyFingerprint": "b",
            "sharedBy": "alice",
        });
        assert_eq!(json, expected);
    }
}
