//! Pages of any origin may ask (Fetch standard, "CORS protocol"): who asks is known by a signature and never by a
//! cookie, so an origin has nothing that another could borrow. Without credentials a browser sends none.
//!
//! Spec: `docs/spec/http.md`, "Browsers".

use axum::http::{HeaderName, Method, header};
use keyfold_protocol::signing::fields;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

/// How long a browser may remember what is allowed. Chromium remembers two hours at most.
const REMEMBERED: Duration = Duration::from_secs(7_200);

/// Answers preflights, and lets pages read the fields that the signature covers.
pub(super) fn layer() -> CorsLayer {
    let ours = fields::ALL.map(HeaderName::from_static);
    let asked = ours.iter().cloned().chain([header::CONTENT_TYPE]);
    let told = ours.iter().cloned().chain([header::RETRY_AFTER]);
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(asked.collect::<Vec<_>>())
        .expose_headers(told.collect::<Vec<_>>())
        .max_age(REMEMBERED)
}
