//! Keychains and groups: creating, appending, accepting, one's own wraps, and those that others lack.

use crate::{
    limits,
    record::{listed, numbered, record},
};
use keyfold_format::{
    EntryHash, ScopeId,
    entry::{Head, SignedEntry},
    receipt::Receipt,
    wrap::Wrap,
};

record! {
    /// `POST /v1/scopes`.
    CreateScope {
        /// The ledger's first entry. Its hash is the scope's id.
        genesis: SignedEntry,
        /// For the creator: the first key.
        wraps: Vec<Wrap>,
    }

    /// `POST /v1/scopes/{id}/entries`.
    Append {
        /// The head that the entry follows. If the ledger moved on, the answer is `Conflict`.
        expected: Head,
        /// The entry.
        entry: SignedEntry,
        /// Exactly those that the entry entitles.
        wraps: Vec<Wrap>,
    }

    /// Answer to both.
    Appended {
        /// The new head.
        receipt: Receipt,
    }

    /// `POST /v1/scopes/{id}/placed`: an entry that the server places, such as `Accept`. Repeated byte for byte it is
    /// answered again.
    Place {
        /// The entry, which names no place.
        entry: SignedEntry,
    }

    /// The answer.
    Placed {
        /// Where it stands.
        seq: u64,
        /// What it follows.
        prev: EntryHash,
        /// The newest head; later than this entry if others followed.
        receipt: Receipt,
        /// What the placed entry entitles the caller to now.
        wraps: Vec<Wrap>,
    }

    /// Answer to `GET /v1/scopes/{id}/wraps`.
    OwnWraps {
        /// What the state entitles the caller to now, or a group through which he comes to the scope.
        wraps: Vec<Wrap>,
    }

    /// `POST /v1/scopes/{id}/wraps`: keys of the caller's, for others who are entitled to them.
    AddWraps {
        /// Each to the recipient's number that the scope cites.
        wraps: Vec<Wrap>,
    }

    /// The answer.
    AddedWraps {
        /// How many are kept: all of them.
        kept: u32,
    }

    /// `POST /v1/scopes/{id}/missing`: wraps that the caller lacks though he is entitled to them, and answer to
    /// `GET` of the same: those that others lack.
    MissingWraps {
        /// At most [`limits::MISSING`].
        missing: Vec<MissingWrap>,
    }

    /// One of them.
    MissingWrap {
        /// The caller, or a group through which he comes to the scope.
        recipient: ScopeId,
        /// The number of the key.
        number: u32,
    }

    /// Answer to `GET /v1/scopes`.
    Scopes {
        /// The caller's, ascending by id.
        scopes: Vec<ScopeSummary>,
    }

    /// One scope of the caller's.
    ScopeSummary {
        /// Its id.
        scope: ScopeId,
        /// What it is.
        kind: ScopeKind,
        /// Its head.
        head: Head,
        /// What the caller is in it.
        standing: Standing,
        /// Whether somebody else lacks wraps there, and has had none of the caller's.
        missing: bool,
        /// Whether somebody in it has made a generation that it has not seen: a page of its ledger says who.
        unseen: bool,
    }
}

listed!(ScopeSummary = limits::SCOPES, MissingWrap = limits::MISSING);

numbered! {
    /// What a ledger is of.
    ScopeKind {
        /// An account.
        Account = 0,
        /// A keychain.
        Keychain = 1,
        /// A group.
        Group = 2,
    }

    /// What somebody is in a scope.
    Standing {
        /// A share waits to be accepted.
        Pending = 0,
        /// A member.
        Member = 1,
    }
}
