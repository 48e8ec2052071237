//! HTTP Message Signatures (RFC 9421), both ways: one profile for requests, one for responses, no choices left open.
//!
//! It stands apart from the transport so that client and server, native and in a browser, build the same bytes. What
//! was verified is another type than what was not: [`request::Claimed`] becomes [`request::Verified`], and
//! [`response::Reply`] becomes [`response::Verified`], each in one place.
//!
//! Spec: `docs/spec/http.md`, "Signatures".

pub mod base;
pub mod digest;
pub mod fields;
pub mod request;
pub mod response;

pub use fields::Fields;
pub use request::{Address, Binding, Method, Nonce, Outgoing, Received, ReceivedHead, Request, RequestFault, Sender};
pub use response::{BadServerSignature, Reply, ReplyHead, sign_response};
