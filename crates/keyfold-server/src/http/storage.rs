//! `/v1/scopes/{scope}/objects` and `…/references`: what vaults store.

use super::{
    App,
    answer::{Answer, Cbor},
    scopes::parse,
    signed::Member,
};
use axum::extract::{Path, State};
use bytes::Bytes;
use keyfold_protocol::wire::{
    DeleteObjects, ListObjects, ListReferences, PutObjects, ReadObjects, ReadReference, SwapReference,
};

/// A route whose request names the scope in its path, and has a body.
macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident: $body:ident;)+) => {$(
        $(#[$doc])*
        pub(super) async fn $name(
            State(app): State<App>,
            Member(caller): Member,
            Path(scope): Path<String>,
            body: Bytes,
        ) -> Answer {
            Ok(Cbor(app.domain.$name(&caller, parse(&scope)?, $body::decode(&body)?).await?.encode()))
        }
    )+};
}

routes! {
    /// `POST /v1/scopes/{scope}/objects`.
    put_objects: PutObjects;
    /// `POST /v1/scopes/{scope}/objects/read`.
    read_objects: ReadObjects;
    /// `POST /v1/scopes/{scope}/objects/delete`.
    delete_objects: DeleteObjects;
    /// `POST /v1/scopes/{scope}/objects/list`.
    list_objects: ListObjects;
    /// `POST /v1/scopes/{scope}/references/list`.
    list_references: ListReferences;
    /// `POST /v1/scopes/{scope}/references/read`.
    read_reference: ReadReference;
    /// `POST /v1/scopes/{scope}/references/swap`.
    swap_reference: SwapReference;
}
