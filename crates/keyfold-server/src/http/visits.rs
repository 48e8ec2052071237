//! `/v1/visits`: signing in with a device that no account has.

use super::{
    App, Peer,
    answer::{Answer, Cbor},
    signed::{Newcomer, Visiting},
};
use crate::domain::Domain;
use axum::{Extension, extract::State};
use bytes::Bytes;
use keyfold_protocol::wire::{AskForPasskey, ReadAccount, ReleaseName, Visit};

/// `POST /v1/visits/passkey`, signed by the device whose keys the body names.
pub(super) async fn passkey(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    newcomer: Newcomer,
    body: Bytes,
) -> Answer {
    let asked = AskForPasskey::decode(&body)?;
    let (once, _) = newcomer.verify(|device| Domain::visiting_key((&asked.signing, &asked.wrapping), device))?;
    app.domain.admit_visit(peer.origin)?;
    Ok(Cbor(app.domain.ask_for_passkey(once.device, asked.user_id)?.encode()))
}

/// `POST /v1/visits`, signed by the device whose keys the body names.
pub(super) async fn visit(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    newcomer: Newcomer,
    body: Bytes,
) -> Answer {
    let visit = Visit::decode(&body)?;
    let (once, _) = newcomer.verify(|device| Domain::visiting_key((&visit.signing, &visit.wrapping), device))?;
    app.domain.admit_visit(peer.origin)?;
    Ok(Cbor(app.domain.visit(once, visit).await?.encode()))
}

/// `POST /v1/visits/account`.
pub(super) async fn account(State(app): State<App>, Visiting(guest): Visiting, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.own_account(&guest, ReadAccount::decode(&body)?).await?.encode()))
}

/// `POST /v1/visits/name`.
pub(super) async fn release(State(app): State<App>, Visiting(guest): Visiting, body: Bytes) -> Answer {
    Ok(Cbor(app.domain.release_name(&guest, &ReleaseName::decode(&body)?).await?.encode()))
}

/// `GET /v1/visits/enrolment`: also by the device that was let in meanwhile.
pub(super) async fn enrolment(State(app): State<App>, device: super::signed::AnyDevice) -> Answer {
    Ok(Cbor(app.domain.enrolment(device.0).await?.encode()))
}
