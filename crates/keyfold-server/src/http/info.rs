//! `GET /v1/info` and `/v1/succession`: what the server says of itself to anybody.

use super::{App, answer::Cbor};
use axum::extract::State;

pub(super) async fn info(State(app): State<App>) -> Cbor {
    Cbor(app.domain.info().encode())
}

pub(super) async fn succession(State(app): State<App>) -> Cbor {
    Cbor(app.domain.successions().encode())
}
