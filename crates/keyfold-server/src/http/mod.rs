//! HTTP: requests in, calls of the domain, signed responses out. One file per noun; what is common to all is in
//! [`signed`] (who asks, and the signature of the answer) and [`answer`] (bodies and errors).

mod accounts;
mod answer;
mod body;
mod cross_origin;
mod enrolments;
mod events;
mod health;
mod info;
mod ledgers;
mod passwords;
mod scopes;
mod sessions;
mod signed;
mod storage;
mod visits;

use crate::{
    domain::Domain,
    limits::{Origin, Share},
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{get, post},
};
pub(crate) use body::Bodies;
use keyfold_protocol::route;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// What routes are given.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) domain: Arc<Domain>,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) read_timeout: Duration,
    /// Turns true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Resolves when the server stops; never, once nobody can stop it any more.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The other end of a connection. It holds the connection's place among those that are served, so that an event
/// stream, which outlives its HTTP connection, counts as long as it lasts.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) origin: Origin,
    pub(crate) place: Arc<(OwnedSemaphorePermit, Share)>,
}

/// All routes.
pub(crate) fn router(app: App) -> Router {
    let signed = Router::new()
        .route(route::INFO, get(info::info))
        .route(route::SUCCESSION, get(info::succession))
        .route(route::VISITS, post(visits::visit))
        .route(route::VISITS_PASSKEY, post(visits::passkey))
        .route(route::VISITS_ACCOUNT, post(visits::account))
        .route(route::VISITS_NAME, post(visits::release))
        .route(route::VISITS_ENROLMENT, get(visits::enrolment))
        .route(route::ENROLMENTS, get(enrolments::waiting).post(enrolments::request))
        .route(route::DECLINE, post(enrolments::decline))
        .route(route::ACCOUNTS, post(accounts::sign_up))
        .route(route::LOOKUP, post(accounts::look_up))
        .route(route::ACCOUNT_ENTRIES, post(accounts::extend))
        .route(route::PASSWORD, post(passwords::register))
        .route(route::PASSWORD_LOGIN, post(passwords::attempt))
        .route(route::SESSIONS, get(sessions::sessions).post(sessions::log_in).delete(sessions::log_out))
        .route(route::END_SESSIONS, post(sessions::end))
        .route(route::LEDGERS, post(ledgers::ledgers))
        .route(route::SCOPES, get(scopes::scopes).post(scopes::create))
        .route("/v1/scopes/{scope}/entries", post(scopes::append))
        .route("/v1/scopes/{scope}/placed", post(scopes::place))
        .route("/v1/scopes/{scope}/wraps", get(scopes::wraps).post(scopes::add_wraps))
        .route("/v1/scopes/{scope}/missing", get(scopes::lacking).post(scopes::lack))
        .route("/v1/scopes/{scope}/objects", post(storage::put_objects))
        .route("/v1/scopes/{scope}/objects/read", post(storage::read_objects))
        .route("/v1/scopes/{scope}/objects/delete", post(storage::delete_objects))
        .route("/v1/scopes/{scope}/objects/list", post(storage::list_objects))
        .route("/v1/scopes/{scope}/references/list", post(storage::list_references))
        .route("/v1/scopes/{scope}/references/read", post(storage::read_reference))
        .route("/v1/scopes/{scope}/references/swap", post(storage::swap_reference))
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::wrong_method)
        // What reaches a route was read by [`body`], within its limits. Axum's own is 2 MB, and its refusal is not ours.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.clone(), signed::signed));
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route(route::EVENTS, get(events::events))
        .merge(signed)
        .layer(cross_origin::layer())
        .with_state(app)
}
