//! Bodies and errors as responses. The signature comes later, in [`super::signed`].

use crate::domain::{Fault, fault};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keyfold_protocol::{Code, Details, route};

/// What a route answers.
pub(super) type Answer = Result<Cbor, Fault>;

/// An encoded body.
pub(super) struct Cbor(pub(super) Vec<u8>);

impl IntoResponse for Cbor {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(route::MEDIA_TYPE));
        // Ledgers and wraps are for their reader, now.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Cbor(self.0.encode()).into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(Details::RetryAfter(seconds)) = self.0.details {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

pub(super) async fn no_route() -> Fault {
    fault(Code::NoRoute, "there is no such path")
}

pub(super) async fn wrong_method() -> Fault {
    fault(Code::WrongMethod, "the path has no such method")
}
