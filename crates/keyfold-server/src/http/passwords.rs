//! `/v1/recovery/password`: setting a password, and recovering with one.

use super::{
    App, Peer,
    answer::{Answer, Cbor},
    signed::{Member, MemberOrGuest},
};
use axum::{Extension, extract::State};
use bytes::Bytes;
use keyfold_protocol::wire::{RegisterPassword, TryPassword};

/// `POST /v1/recovery/password`.
pub(super) async fn register(State(app): State<App>, Member(caller): Member, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.register_password(&caller, &RegisterPassword::decode(&body)?)?.encode()))
}

/// `POST /v1/recovery/password/login`.
pub(super) async fn attempt(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    author: MemberOrGuest,
    body: Bytes,
) -> Answer {
    let whose = match author {
        MemberOrGuest::Guest(guest) => (guest.user_id.clone(), app.domain.account_if_any(&guest).await?),
        // Who changes his password shows that he knows the former one.
        MemberOrGuest::Member(caller) => (app.domain.user_id(&caller).await?, Some(caller.account)),
    };
    Ok(Cbor(app.domain.try_password(whose, peer.origin, &TryPassword::decode(&body)?).await?.encode()))
}
