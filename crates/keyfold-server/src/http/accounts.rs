//! `/v1/accounts`: signing up, and looking up.

use super::{
    App,
    answer::{Answer, Cbor},
    signed::{Member, MemberOrGuest, Newcomer},
};
use crate::domain::Domain;
use axum::extract::State;
use bytes::Bytes;
use keyfold_protocol::wire::{ExtendAccount, Lookup, SignUp};

/// `POST /v1/accounts`, signed by the device that the body's first entry names.
pub(super) async fn sign_up(State(app): State<App>, newcomer: Newcomer, body: Bytes) -> Answer {
    let sign_up = SignUp::decode(&body)?;
    let (once, key) = newcomer.verify(|device| Domain::newcomer_key(&sign_up, device))?;
    Ok(Cbor(app.domain.sign_up(once, key, sign_up).await?.encode()))
}

/// `POST /v1/accounts/lookup`.
pub(super) async fn look_up(State(app): State<App>, Member(caller): Member, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.look_up(&caller, Lookup::decode(&body)?).await?.encode()))
}

/// `POST /v1/accounts/entries`: the caller's own account, or the one that a recovery method lets a visitor into.
pub(super) async fn extend(State(app): State<App>, author: MemberOrGuest, body: Bytes) -> Answer {
    let extend = ExtendAccount::decode(&body)?;
    let appended = match author {
        MemberOrGuest::Member(caller) => app.domain.extend_account(&caller, extend).await?,
        MemberOrGuest::Guest(guest) => app.domain.recover_account(&guest, extend).await?,
    };
    Ok(Cbor(appended.encode()))
}
