//! `/v1/ledgers`: fetching entries.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::Member,
};
use axum::extract::State;
use bytes::Bytes;
use keyfold_protocol::wire::Ledgers;

/// `POST /v1/ledgers`.
pub(super) async fn ledgers(State(app): State<App>, Member(caller): Member, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.ledgers(&caller, Ledgers::decode(&body)?).await?.encode()))
}
