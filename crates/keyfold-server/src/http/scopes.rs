//! `/v1/scopes`: keychains and groups.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::Member,
};
use crate::domain::{Fault, fault};
use axum::extract::{Path, State};
use bytes::Bytes;
use keyfold_format::ScopeId;
use keyfold_protocol::{
    Code,
    wire::{AddWraps, Append, CreateScope, MissingWraps, Place},
};

/// `GET /v1/scopes`.
pub(super) async fn scopes(State(app): State<App>, Member(caller): Member) -> Answer {
    Ok(Cbor(app.domain.scopes(&caller).await?.encode()))
}

/// `POST /v1/scopes`.
pub(super) async fn create(State(app): State<App>, Member(caller): Member, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.create_scope(&caller, CreateScope::decode(&body)?).await?.encode()))
}

/// `POST /v1/scopes/{scope}/entries`.
pub(super) async fn append(
    State(app): State<App>,
    Member(caller): Member,
    Path(scope): Path<String>,
    body: Bytes,
) -> Answer {
    let scope = parse(&scope)?;
    Ok(Cbor(app.domain.append(&caller, scope, Append::decode(&body)?).await?.encode()))
}

/// `POST /v1/scopes/{scope}/placed`.
pub(super) async fn place(
    State(app): State<App>,
    Member(caller): Member,
    Path(scope): Path<String>,
    body: Bytes,
) -> Answer {
    let scope = parse(&scope)?;
    Ok(Cbor(app.domain.place(&caller, scope, Place::decode(&body)?).await?.encode()))
}

/// `GET /v1/scopes/{scope}/wraps`.
pub(super) async fn wraps(State(app): State<App>, Member(caller): Member, Path(scope): Path<String>) -> Answer {
    Ok(Cbor(app.domain.own_wraps(&caller, parse(&scope)?).await?.encode()))
}

/// `POST /v1/scopes/{scope}/wraps`.
pub(super) async fn add_wraps(
    State(app): State<App>,
    Member(caller): Member,
    Path(scope): Path<String>,
    body: Bytes,
) -> Answer {
    let scope = parse(&scope)?;
    Ok(Cbor(app.domain.add_wraps(&caller, scope, AddWraps::decode(&body)?).await?.encode()))
}

/// `GET /v1/scopes/{scope}/missing`.
pub(super) async fn lacking(State(app): State<App>, Member(caller): Member, Path(scope): Path<String>) -> Answer {
    Ok(Cbor(app.domain.lacking(&caller, parse(&scope)?).await?.encode()))
}

/// `POST /v1/scopes/{scope}/missing`.
pub(super) async fn lack(
    State(app): State<App>,
    Member(caller): Member,
    Path(scope): Path<String>,
    body: Bytes,
) -> Answer {
    app.domain.lack(&caller, parse(&scope)?, MissingWraps::decode(&body)?).await?;
    Ok(Cbor(MissingWraps { missing: Vec::new() }.encode()))
}

pub(super) fn parse(scope: &str) -> Result<ScopeId, Fault> {
    scope.parse().map_err(|_| fault(Code::Malformed, "the path names no scope id"))
}
