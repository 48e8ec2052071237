//! Every stable error code, in one enum: what it is called, its HTTP status, and how the command line exits.
//!
//! Server, client and command line share it, so a code cannot mean two things.
//!
//! Spec: `docs/spec/http.md`, "Errors".

use keyfold_format::{Malformed, Rejected};

/// What kind of failure a code is. The command line exits with [`Class::exit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// None of the others.
    Failed,
    /// The caller asked wrongly.
    Usage,
    /// The ledger, or the server, does not allow it.
    NotAllowed,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// Tampered with, rolled back, or somebody's identity changed.
    Unverified,
    /// The server was not reached, or its answer cannot be believed.
    Network,
}

impl Class {
    /// Exit status of the command line.
    pub const fn exit(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotAllowed => 3,
            Self::NotFound => 4,
            Self::Unverified => 5,
            Self::Network => 6,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident: $status:literal $class:ident,)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)+
            /// A ledger's rule; each has its own name.
            Rejected(Rejected),
        }

        impl Code {
            /// All but the ledger's rules, which are [`Rejected::RULES`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name: stable, for programs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                    Self::Rejected(rule) => rule.code(),
                }
            }

            /// The HTTP status of a response that says so. Codes of the client's own have one too, unused.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                    Self::Rejected(_) => 422,
                }
            }

            /// What kind of failure this is.
            pub const fn class(self) -> Class {
                match self {
                    $(Self::$variant => Class::$class,)+
                    Self::Rejected(rule) => rule_class(rule),
                }
            }
        }
    };
}

codes! {
    // Bytes.
    /// Does not follow the format.
    Malformed: 400 Failed,
    /// Not the one canonical encoding.
    NotCanonical: 400 Failed,
    /// A version, feature or flag that this release does not know.
    Unsupported: 400 Failed,
    /// Larger than the limit.
    TooLarge: 413 Usage,
    /// More items than the limit.
    TooMany: 400 Usage,
    /// The input ends early.
    Truncated: 400 Unverified,
    /// A name that is empty, not in normal form C, or has control characters.
    BadText: 400 Usage,

    // Who asks.
    /// Not signed, or the signature does not verify.
    Unauthorized: 401 NotAllowed,
    /// No account has this device, or it was revoked.
    UnknownDevice: 401 NotAllowed,
    /// The text for a new device was not used in time.
    EnrolmentExpired: 401 NotAllowed,
    /// The device logged out.
    LoggedOut: 401 NotAllowed,
    /// Signed, or dated, at another time than the server's now; the response says what time it is.
    ClockSkew: 401 Failed,
    /// This very request was taken before.
    Replayed: 409 Failed,
    /// Signed for another server key.
    WrongServer: 421 Unverified,
    /// The server does not have the key that was pinned.
    WrongServerKey: 421 Unverified,
    /// The answer is not signed by the server that was asked.
    BadServerSignature: 502 Network,
    /// More than this server answers; try again later.
    RateLimited: 429 Network,
    /// The sign-in is none that this server's gate takes.
    SignInRefused: 401 NotAllowed,
    /// The sign-in was one, and its time is over.
    SignInExpired: 401 NotAllowed,
    /// The server lets people in by another kind of sign-in.
    GateMismatch: 403 Usage,
    /// Whoever vouches for people is not reached: nobody new comes in, and who is in goes on.
    GateUnavailable: 503 Network,
    /// This client is older than the server serves.
    ClientTooOld: 426 Failed,

    // What there is.
    /// Another account has the user id.
    UserTaken: 409 NotAllowed,
    /// No account has the user id.
    UnknownUser: 404 NotFound,
    /// No such keychain, or one that the caller is not in: a stranger cannot tell.
    UnknownKeychain: 404 NotFound,
    /// No such group, or one that the caller is not in.
    UnknownGroup: 404 NotFound,
    /// No such key.
    UnknownKey: 404 NotFound,
    /// No such file.
    UnknownFile: 404 NotFound,
    /// Something stands already where something was to come.
    FileExists: 409 Usage,
    /// A folder where a file was meant.
    NotAFile: 409 Usage,
    /// A file where a folder was meant, or a folder that would come into itself.
    NotAFolder: 409 Usage,
    /// A folder with something in it.
    FolderNotEmpty: 409 Usage,
    /// Nobody asks with this code to be let in: it was declined or used, its time is over, or it is another account's.
    UnknownEnrolment: 404 NotFound,
    /// No such device of this account.
    UnknownHolder: 404 NotFound,
    /// No such path.
    NoRoute: 404 Failed,
    /// The path has no such method.
    WrongMethod: 405 Failed,
    /// The ledger's rules, or the gate, do not allow it.
    NotAllowed: 403 NotAllowed,

    // Appending.
    /// The head moved; the response holds the entries that stand there.
    Conflict: 409 Failed,
    /// The entry cites something older than the newest that the server holds.
    StaleCitation: 409 Failed,
    /// The ledger of an author or recipient is needed first.
    MissingLedger: 409 Failed,
    /// A wrap that the entry entitles somebody to is not there, or none opens.
    WrapMissing: 422 Failed,
    /// A wrap that no entry entitles anybody to, or one twice.
    WrapUnexpected: 422 Failed,

    // What a client finds out.
    /// The server shows another identity than the one that was pinned.
    IdentityChanged: 409 Unverified,
    /// What somebody was told of an identity does not fit the one that the server shows.
    NotVerified: 422 Unverified,
    /// The server shows an older state than was seen before.
    Rollback: 409 Unverified,
    /// Two signed receipts contradict each other.
    Fork: 409 Unverified,
    /// Nothing that is held shows that the server contradicted itself.
    NoEvidence: 404 NotFound,
    /// An audit file, or what the server shows for an audit, does not hold.
    NotProved: 422 Unverified,
    /// A code or text for a new device that is altered, or not of this account.
    BadCode: 422 Unverified,
    /// The account has no such way back.
    NoRecovery: 404 NotFound,
    /// Not an envelope or value of ours.
    NotAnEnvelope: 400 Failed,
    /// No slot that the caller's keys open.
    NoSlot: 403 NotAllowed,
    /// Does not authenticate. There is no detail.
    Unauthentic: 422 Unverified,
    /// An index that is not what it must be, or was altered.
    IndexDamaged: 422 Unverified,
    /// The storage does not have an object that an index or a file names.
    ObjectMissing: 404 Unverified,
    /// Sealed under a key of the keychain that is not here.
    NoKey: 403 NotAllowed,
    /// Another record of an index has what only one may have.
    NotUnique: 409 Usage,
    /// A part of a key that compares with nothing.
    NotComparable: 422 Usage,

    // What a person who recovers finds out.
    /// A word that paper keys are not made of.
    UnknownWord: 422 Usage,
    /// Another number of words than a paper key has.
    WrongWordCount: 422 Usage,
    /// Words that never stood together on one paper.
    WrongWords: 422 Usage,
    /// Not a recovery share, or misread.
    ShareDamaged: 422 Usage,
    /// A recovery share for another account.
    ShareOfAnotherAccount: 422 Usage,
    /// Recovery shares that were not made together.
    SharesMixed: 422 Usage,
    /// A recovery share that was given twice.
    ShareRepeated: 422 Usage,
    /// Fewer recovery shares than suffice.
    TooFewShares: 422 Usage,
    /// Recovery shares of which one was altered.
    SharesAltered: 422 Unverified,
    /// Not the password, or no password was ever set; the server cannot tell these apart for anybody.
    WrongPassword: 422 NotAllowed,
    /// The server has lost what recovery by password needs.
    RecoveryUnavailable: 503 Failed,

    // What a client finds out about what it holds.
    /// Several keychains have this purpose.
    AmbiguousPurpose: 409 Usage,
    /// The keychain needs a new key before anything is encrypted.
    NeedsRotation: 409 Failed,
    /// The home already holds a device.
    HomeExists: 409 Usage,
    /// The home holds no device.
    NoHome: 404 NotFound,
    /// Another process uses the home.
    HomeInUse: 409 Failed,
    /// A file is there already that was not to be replaced.
    OutputExists: 409 Usage,
    /// Cancelled by the caller.
    Cancelled: 499 Failed,
    /// A file or stream could not be read or written.
    Io: 500 Failed,

    // What a client in a browser or in Node finds out about the place where it runs.
    /// The WebAssembly file is missing, or a content security policy forbids it.
    WasmUnavailable: 500 Failed,
    /// The WebAssembly file and the JavaScript are of different releases.
    VersionMismatch: 500 Failed,
    /// There is no WebCrypto: the page is not a secure context.
    NotSecure: 500 Failed,
    /// The worker ended in the middle of a call.
    WorkerStopped: 500 Failed,
    /// The client was closed.
    Closed: 409 Usage,
    /// The browser gives no storage.
    StorageRefused: 500 Failed,
    /// The records of this device are gone.
    StorageLost: 500 Failed,
    /// A newer release wrote the records of this device.
    StorageTooNew: 500 Failed,
    /// The device is locked.
    Locked: 409 NotAllowed,
    /// Not the PIN, the password or the passkey that unlocks the device; none of the account's ways back.
    WrongSecret: 403 NotAllowed,
    /// The device has no lock.
    NoLock: 404 NotFound,
    /// Wrong tries to unlock the device have to wait.
    TooManyTries: 429 NotAllowed,
    /// There is no passkey to be had, or none that gives a key.
    PasskeyUnavailable: 500 Failed,

    // The server's trouble.
    /// The disk is full; nothing was stored.
    StorageFull: 507 Failed,
    /// The server was not reached, or is stopping.
    ServerUnavailable: 503 Network,
    /// The request did not arrive in time.
    Timeout: 408 Network,
    /// A bug, or a broken disk.
    Internal: 500 Failed,
    /// A code that is newer than this release.
    Unknown: 500 Failed,
}

const fn rule_class(rule: Rejected) -> Class {
    match rule {
        Rejected::BadSignature
        | Rejected::WrongScope
        | Rejected::WrongSeq
        | Rejected::WrongPrev
        | Rejected::TimeGoesBack
        | Rejected::GenesisMisplaced
        | Rejected::CitationUnknown
        | Rejected::CitationGoesBack
        | Rejected::CitationFork => Class::Unverified,
        Rejected::NotPending | Rejected::NoSuchMember | Rejected::NoSuchHolder => Class::NotFound,
        _ => Class::NotAllowed,
    }
}

impl Code {
    /// Every code there is, the ledger's rules included.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().chain(Rejected::RULES.iter().copied().map(Self::Rejected))
    }

    /// From its name; one that this release does not know is [`Code::Unknown`].
    pub fn parse(name: &str) -> Self {
        Self::every().find(|code| code.as_str() == name).unwrap_or(Self::Unknown)
    }

    /// Whether the same request, sent again later, may succeed.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::ServerUnavailable
                | Self::GateUnavailable
                | Self::StorageFull
                | Self::Timeout
                | Self::WorkerStopped
        )
    }
}

impl From<Malformed> for Code {
    fn from(fault: Malformed) -> Self {
        Self::parse(fault.code())
    }
}

impl From<Rejected> for Code {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Malformed(fault) => fault.into(),
            Rejected::MissingLedger(_) | Rejected::MissingState(..) => Self::MissingLedger,
            rule => Self::Rejected(rule),
        }
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_come_back_and_statuses_are_errors() {
        let all: Vec<Code> = Code::every().collect();
        assert_eq!(all.iter().map(|c| c.as_str()).collect::<BTreeSet<_>>().len(), all.len());
        for code in all {
            assert_eq!(Code::parse(code.as_str()), code);
            assert!((400..600).contains(&code.status()), "{code}");
        }
        assert_eq!(Code::parse("OfTomorrow"), Code::Unknown);
    }
}
