//! `GET /v1/info`: the one route that asks nobody who he is.

use super::{App, answer::Cbor};
use axum::extract::State;

pub(super) async fn info(State(app): State<App>) -> Cbor {
    Cbor(app.domain.info().encode())
}
