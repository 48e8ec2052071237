//! `keyfold watch`: events as lines, until stopped.

use crate::fault::Fault;
use crate::session::Session;
use crate::stop;
use futures_util::StreamExt;
use keyfold_client::{ClientEvent, SyncState};
use std::pin::pin;

pub(crate) async fn run(session: &Session) -> Result<(), Fault> {
    let mut stopped = pin!(stop::requested()?);
    let client = session.client()?;
    let mut events = pin!(client.watch());
    loop {
        tokio::select! {
            () = &mut stopped => return Ok(()),
            event = events.next() => match event {
                Some(event) => session.output.show(&event?, text)?,
                None => return Ok(()),
            },
        }
    }
}

/// An event in one line, for people.
pub(super) fn text(event: &ClientEvent) -> String {
    match event {
        ClientEvent::KeychainUpdated { keychain_fingerprint, purpose } => {
            format!("keychainUpdated     {purpose} ({keychain_fingerprint})")
        }
        ClientEvent::GroupUpdated { group_fingerprint, name } => {
            format!("groupUpdated        {name} ({group_fingerprint})")
        }
        ClientEvent::KeyReceived { key_fingerprint, shared_by, .. } => {
            format!("keyReceived         {key_fingerprint} from {}", shared_by.user_id)
        }
        ClientEvent::ShareReceived { keychain_fingerprint, shared_by } => {
            format!("shareReceived       {keychain_fingerprint} from {}: waits for your answer", shared_by.user_id)
        }
        ClientEvent::KeyRotated { key_fingerprint, .. } => format!("keyRotated          {key_fingerprint}"),
        ClientEvent::PermissionsUpdated { keychain_fingerprint, permissions, user_id } => {
            let may = super::keychain::permissions_text(*permissions);
            format!("permissionsUpdated  {user_id} may {may} in {keychain_fingerprint}")
        }
        ClientEvent::MemberBanned { keychain_fingerprint, user_id } => {
            format!("memberBanned        {user_id} from {keychain_fingerprint}")
        }
        ClientEvent::IdentityUpdated { account_id: Some(account) } => format!("identityUpdated     {account}"),
        ClientEvent::IdentityUpdated { account_id: None } => "identityUpdated     logged out".to_owned(),
        ClientEvent::DeviceRequested { device_id } => {
            format!("deviceRequested     {device_id}: compare its words in `keyfold device list`")
        }
        ClientEvent::DeviceRevoked { device_id } => format!("deviceRevoked       {device_id}"),
        ClientEvent::RecoveryUsed { recovery_id } => {
            format!("recoveryUsed        {recovery_id}: if it was not you, look at `keyfold device list`")
        }
        ClientEvent::IdentityChanged { user_id } => {
            format!("identityChanged     the server shows another {user_id} than before: ask the person by another way")
        }
        ClientEvent::KeychainStopped { keychain_fingerprint, code } => {
            format!("keychainStopped     {keychain_fingerprint} ({code}): what the server shows of it is not believed")
        }
        ClientEvent::SyncStateChanged { state: SyncState::Online } => "syncStateChanged    online".to_owned(),
        ClientEvent::SyncStateChanged { state: SyncState::Offline } => "syncStateChanged    offline".to_owned(),
        // A kind of event that is newer than this command; --json shows it whole.
        _ => "event".to_owned(),
    }
}
