//! For whatever watches the process: plain text, unsigned, and nothing in it.

use super::App;
use axum::{extract::State, http::StatusCode};

/// `GET /health`: the process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /ready`: the store answers too, and the server is not stopping.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    if *app.stopping.borrow() || !app.domain.ready().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready\n");
    }
    (StatusCode::OK, "ready\n")
}
