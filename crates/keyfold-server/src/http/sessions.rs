//! `/v1/sessions`: logging in and out, and which devices are in.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::{Enrolled, Member},
};
use axum::extract::State;
use bytes::Bytes;
use keyfold_protocol::wire::EndSessions;

/// `POST /v1/sessions`: the one request that a logged-out device may make.
pub(super) async fn log_in(State(app): State<App>, Enrolled(caller): Enrolled) -> Answer {
    Ok(Cbor(app.domain.log_in(&caller).await?.encode()))
}

/// `DELETE /v1/sessions`.
pub(super) async fn log_out(State(app): State<App>, Member(caller): Member) -> Answer {
    Ok(Cbor(app.domain.log_out(&caller).await?.encode()))
}

/// `GET /v1/sessions`.
pub(super) async fn sessions(State(app): State<App>, Member(caller): Member) -> Answer {
    Ok(Cbor(app.domain.sessions(&caller).await?.encode()))
}

/// `POST /v1/sessions/end`: also by a device that is logged out, which could log in by the same signature. So whoever
/// did not hear the answer asks again.
pub(super) async fn end(State(app): State<App>, Enrolled(caller): Enrolled, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.end_sessions(&caller, EndSessions::decode(&body)?).await?.encode()))
}
