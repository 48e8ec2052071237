//! `/v1/sessions`: logging in and out.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::{Enrolled, Member},
};
use axum::extract::State;

/// `POST /v1/sessions`: the one request that a logged-out device may make.
pub(super) async fn log_in(State(app): State<App>, Enrolled(caller): Enrolled) -> Answer {
    Ok(Cbor(app.domain.log_in(&caller).await?.encode()))
}

/// `DELETE /v1/sessions`.
pub(super) async fn log_out(State(app): State<App>, Member(caller): Member) -> Answer {
    Ok(Cbor(app.domain.log_out(&caller).await?.encode()))
}
