//! Devices that ask to be let into an account, until one of its devices answers. Nothing is decided here: who is let in
//! stands in the account's ledger.

use super::{Caller, Domain, Fault, fault, visits::Guest};
use crate::{clock, store::Enrolment};
use keyfold_format::{HolderId, ScopeId, account::holder_statement, label::SignatureLabel};
use keyfold_protocol::{
    Code, limits,
    wire::{
        DeclineEnrolment, EnrolmentAnswer, EnrolmentRequest, EnrolmentRequested, EnrolmentRequests, EnrolmentState,
        RequestEnrolment,
    },
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a device waits for its answer in one request.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether another server let the device in.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Domain {
    /// Keeps a device's wish, and tells the account's devices.
    pub(crate) async fn request_enrolment(
        &self,
        guest: &Guest,
        asked: RequestEnrolment,
    ) -> Result<EnrolmentRequested, Fault> {
        let (device, keys) = (guest.once.device, &asked.keys);
        if keys.id() != device || keys.label.is_some() {
            return Err(fault(Code::Malformed, "these are not the keys of the device that asks"));
        }
        if asked.label.len() > limits::SEALED_LABEL_BYTES {
            return Err(fault::too_large(limits::SEALED_LABEL_BYTES));
        }
        let account = self.account_of(guest).await?;
        let statement = holder_statement(&account, &device, &device);
        let signed = keys.signing.verify(SignatureLabel::HolderKey, &[&statement], &asked.signature);
        signed.map_err(|_| fault(Code::Malformed, "the device has not signed that it joins this account"))?;
        let now_ms = clock::now_ms();
        let expires_ms = now_ms + limits::VISIT_MS;
        let enrolment = Enrolment { account, request: asked.encode(), expires_ms };
        self.store.request_enrolment(guest.once, enrolment, now_ms).await?;
        self.hub.tell_of_enrolment(&account, device);
        Ok(EnrolmentRequested { expires_ms })
    }

    /// Who asks to be let into the caller's account.
    pub(crate) async fn enrolments(&self, caller: &Caller) -> Result<EnrolmentRequests, Fault> {
        let waiting = self.store.enrolments(caller.account, clock::now_ms()).await?;
        let requests = waiting.into_iter().map(|waiting| {
            let request = RequestEnrolment::decode(&waiting.request);
            let request = request.map_err(|_| fault(Code::Internal, "a stored request cannot be read"))?;
            Ok(EnrolmentRequest { request, expires_ms: waiting.expires_ms })
        });
        Ok(EnrolmentRequests { requests: requests.collect::<Result<_, Fault>>()? })
    }

    /// The devices that ask to be let into an account.
    pub(crate) async fn asking(&self, account: ScopeId) -> Result<Vec<HolderId>, Fault> {
        let waiting = self.store.enrolments(account, clock::now_ms()).await?;
        let ids = waiting.iter().filter_map(|waiting| RequestEnrolment::decode(&waiting.request).ok());
        Ok(ids.map(|request| request.keys.id()).collect())
    }

    /// Forgets a wish.
    pub(crate) async fn decline_enrolment(&self, caller: &Caller, declined: DeclineEnrolment) -> Result<(), Fault> {
        if !self.store.decline_enrolment(caller.once, caller.account, declined.device).await? {
            return Err(fault(Code::UnknownEnrolment, "no such device asks to be let in"));
        }
        self.decided.notify_waiters();
        Ok(())
    }

    /// How a device's wish stands, once that is known, or after a while.
    pub(crate) async fn enrolment(&self, device: HolderId) -> Result<EnrolmentAnswer, Fault> {
        let end = Instant::now() + PATIENCE;
        loop {
            // Before the look, so that what is decided after it is heard.
            let decided = self.decided.notified();
            let state = self.enrolment_state(device).await?;
            if state != EnrolmentState::Waiting || Instant::now() >= end {
                return Ok(EnrolmentAnswer { state });
            }
            _ = timeout_at(end.min(Instant::now() + LOOK_AGAIN), decided).await;
        }
    }

    async fn enrolment_state(&self, device: HolderId) -> Result<EnrolmentState, Fault> {
        if self.store.device(device).await?.is_some() {
            return Ok(EnrolmentState::LetIn);
        }
        let waits = self.store.enrolment(device).await?.is_some_and(|waiting| waiting.expires_ms > clock::now_ms());
        Ok(if waits { EnrolmentState::Waiting } else { EnrolmentState::Ended })
    }
}
