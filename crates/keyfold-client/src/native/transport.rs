//! HTTP: connections that are kept, timeouts, a bound on what is read. What it brings is not believed before
//! `session` has verified it.

use crate::host::{HttpRequest, HttpResponse, Unreachable};
use keyfold_protocol::{route, signing::Method};
use reqwest::{Client, header};
use std::time::Duration;

/// A whole exchange, a page of ledgers over a slow line included.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A page of ledgers and its frame; a server that sends more is cut off.
const RESPONSE_BYTES: usize = 32 << 20;

/// A way to the server.
#[derive(Clone, Debug)]
pub(crate) struct Transport(Client);

impl Transport {
    pub(crate) fn new() -> Result<Self, Unreachable> {
        Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            // A redirect would be answered by somebody whom the request was not signed for.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("keyfold/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(unreachable)
    }

    pub(crate) async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.0.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if !request.body.is_empty() {
            builder = builder.header(header::CONTENT_TYPE, route::MEDIA_TYPE).body(request.body);
        }
        let mut response = builder.send().await.map_err(|e| {
            let broke = !e.is_connect() && !e.is_timeout();
            Unreachable { broke, ..unreachable(e) }
        })?;
        let status = response.status().as_u16();
        let text = |value: &header::HeaderValue| value.to_str().map(str::to_owned).ok();
        let headers =
            response.headers().iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > RESPONSE_BYTES {
                return Err(Unreachable::new("its answer is larger than any answer of ours"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body })
    }
}

/// The innermost cause says it best: "connection refused" rather than "error sending request".
fn unreachable(error: reqwest::Error) -> Unreachable {
    if error.is_timeout() {
        return Unreachable::new("it did not answer in time");
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Unreachable::new(cause.to_string())
}
