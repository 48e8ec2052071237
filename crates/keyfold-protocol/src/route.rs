//! Paths, written once for both sides.

use keyfold_format::ScopeId;

/// What the server says about itself.
pub const INFO: &str = "/v1/info";
/// How the server came to its key.
pub const SUCCESSION: &str = "/v1/succession";
/// Signing up.
pub const ACCOUNTS: &str = "/v1/accounts";
/// Accounts by user id.
pub const LOOKUP: &str = "/v1/accounts/lookup";
/// Appending to one's own account.
pub const ACCOUNT_ENTRIES: &str = "/v1/accounts/entries";
/// Signing in, before there is an account that has the device.
pub const VISITS: &str = "/v1/visits";
/// Being asked for a passkey.
pub const VISITS_PASSKEY: &str = "/v1/visits/passkey";
/// A visitor's own account.
pub const VISITS_ACCOUNT: &str = "/v1/visits/account";
/// Letting go of a visitor's user id.
pub const VISITS_NAME: &str = "/v1/visits/name";
/// What became of a visitor's wish to be let in.
pub const VISITS_ENROLMENT: &str = "/v1/visits/enrolment";
/// Asking to be let in, and who asks.
pub const ENROLMENTS: &str = "/v1/enrolments";
/// Declining one who asks.
pub const DECLINE: &str = "/v1/enrolments/decline";
/// Setting a password for recovery.
pub const PASSWORD: &str = "/v1/recovery/password";
/// Recovering with one.
pub const PASSWORD_LOGIN: &str = "/v1/recovery/password/login";
/// Logging in and out, and who is in.
pub const SESSIONS: &str = "/v1/sessions";
/// Logging other devices out.
pub const END_SESSIONS: &str = "/v1/sessions/end";
/// Ledgers.
pub const LEDGERS: &str = "/v1/ledgers";
/// Keychains.
pub const SCOPES: &str = "/v1/scopes";
/// The event stream (WebSocket).
pub const EVENTS: &str = "/v1/events";
/// The media type of all bodies.
pub const MEDIA_TYPE: &str = "application/cbor";

/// Appending to a scope.
pub fn entries(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/entries")
}

/// Placing an entry.
pub fn placed(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/placed")
}

/// One's own wraps, and adding others'.
pub fn wraps(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/wraps")
}

/// Saying that one lacks wraps, and asking who does.
pub fn missing(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/missing")
}

/// Putting objects of a vault.
pub fn objects(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/objects")
}

/// Reading them.
pub fn read_objects(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/objects/read")
}

/// Deleting them.
pub fn delete_objects(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/objects/delete")
}

/// Which there are.
pub fn list_objects(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/objects/list")
}

/// Under which names something stands.
pub fn list_references(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/references/list")
}

/// What stands under a reference of a vault.
pub fn read_reference(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/references/read")
}

/// Swapping it.
pub fn swap_reference(scope: &ScopeId) -> String {
    format!("{SCOPES}/{scope}/references/swap")
}
