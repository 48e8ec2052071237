//! `/v1/enrolments`: devices that ask to be let into an account.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::{Member, Visiting},
};
use axum::extract::State;
use bytes::Bytes;
use keyfold_protocol::wire::{DeclineEnrolment, EnrolmentRequests, RequestEnrolment};

/// `POST /v1/enrolments`.
pub(super) async fn request(State(app): State<App>, Visiting(guest): Visiting, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.request_enrolment(&guest, RequestEnrolment::decode(&body)?).await?.encode()))
}

/// `GET /v1/enrolments`.
pub(super) async fn waiting(State(app): State<App>, Member(caller): Member) -> Answer {
    Ok(Cbor(app.domain.enrolments(&caller).await?.encode()))
}

/// `POST /v1/enrolments/decline`.
pub(super) async fn decline(State(app): State<App>, Member(caller): Member, body: Bytes) -> Answer {
    app.domain.decline_enrolment(&caller, DeclineEnrolment::decode(&body)?).await?;
    Ok(Cbor(EnrolmentRequests { requests: Vec::new() }.encode()))
}
