//! Bodies of requests and responses, one file per noun. All are canonical CBOR arrays.
//!
//! Spec: `docs/spec/http.md`, "API".

pub mod account;
pub mod enrolment;
pub mod info;
pub mod ledger;
pub mod recovery;
pub mod scope;
pub mod session;
pub mod storage;
pub mod visit;

pub use account::{AccountLedger, Accounts, ExtendAccount, Lookup, SignUp, SignedUp};
pub use enrolment::{DeclineEnrolment, EnrolmentRequest, EnrolmentRequested, EnrolmentRequests, RequestEnrolment};
pub use info::{Gate, Info, Limits, Successions};
pub use ledger::{After, LedgerPage, LedgerPages, Ledgers};
pub use recovery::{PasswordResponse, RegisterPassword, TryPassword};
pub use scope::{
    AddWraps, AddedWraps, Append, Appended, CreateScope, MissingWrap, MissingWraps, OwnWraps, Place, Placed, ScopeKind,
    ScopeSummary, Scopes, Standing,
};
pub use session::{DeviceSession, EndSessions, LoggedIn, LoggedOut, Sessions};
pub use storage::{
    DeleteObjects, ListObjects, ListReferences, ObjectIds, Objects, PutObjects, ReadObjects, ReadReference, Reference,
    ReferenceNames, ReferenceNow, Stored, SwapReference, Swapped,
};
pub use visit::{
    AskForPasskey, EnrolmentAnswer, EnrolmentState, NameReleased, OwnAccount, PasskeyQuestion, Proof, ReadAccount,
    ReleaseName, SealedMasterKeys, Visit, Visiting,
};
