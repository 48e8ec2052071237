//! The records of a home: their names, and the counters that every commit moves.
//!
//! Names hold ids only. What a record holds is sealed by the host.

use crate::{
    PermissionFlags,
    model::{ClientEvent, Person, SyncState},
};
use keyfold_format::{IndexId, ScopeId, UserId, cbor};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

/// Server, user id and account, from sign-up on.
pub(crate) const ENROLLED: &str = "enrolled";
/// A sign-up that was not acknowledged.
pub(crate) const SIGN_UP: &str = "sign-up";
/// Which account this device is to become one of.
pub(crate) const JOINING: &str = "joining";
/// The seed of this device's keys, once they are others than those that it began with.
pub(crate) const SEED: &str = "seed";
/// New keys of this device that were not acknowledged.
pub(crate) const RENEWING: &str = "renewing";
/// A keychain's creation that was not acknowledged.
pub(crate) const CREATION: &str = "creation";
/// The master-key envelope; there while logged in.
pub(crate) const MASTER: &str = "master";
/// Which shares are taken without asking.
pub(crate) const ACCEPTS: &str = "accepts";
/// Which account each user id was first seen with.
pub(crate) const PINS: &str = "pins";
/// The user ids whose identity the server showed changed, by pinned account.
pub(crate) const DISPUTES: &str = "dispute/";
/// [`Marks`].
pub(crate) const MARKS: &str = "marks";
/// Every account, by id.
pub(crate) const ACCOUNTS: &str = "account/";
/// Every keychain's ledger, by id.
pub(crate) const SCOPES: &str = "scope/";
/// Every keychain's opened keys, by id.
pub(crate) const RINGS: &str = "ring/";
/// Receipts that a keychain's ledger here refused, by id.
const DOUBTS: &str = "doubt/";
/// How far an index was seen, by its id.
pub(crate) const SEEN: &str = "seen/";
/// Changes of an index that wait for the server, by its id and their number.
pub(crate) const UNSENT: &str = "unsent/";
/// Files on their way to a vault, by a hash of which it is and where in it.
pub(crate) const UPLOADS: &str = "upload/";
/// Events, by number.
pub(crate) const JOURNAL: &str = "journal/";

/// How many events are kept for whoever watches later.
pub(crate) const JOURNAL_LENGTH: u64 = 1_000;

pub(crate) fn account(id: &ScopeId) -> String {
    format!("{ACCOUNTS}{id}")
}

pub(crate) fn dispute(id: &ScopeId) -> String {
    format!("{DISPUTES}{id}")
}

pub(crate) fn scope(id: &ScopeId) -> String {
    format!("{SCOPES}{id}")
}

pub(crate) fn ring(id: &ScopeId) -> String {
    format!("{RINGS}{id}")
}

pub(crate) fn doubts(id: &ScopeId) -> String {
    format!("{DOUBTS}{id}")
}

pub(crate) fn seen(index: &IndexId) -> String {
    format!("{SEEN}{index}")
}

/// All that waits of an index.
pub(crate) fn unsent(index: &IndexId) -> String {
    format!("{UNSENT}{index}/")
}

/// Numbers have one width, so that their order is that of the names.
pub(crate) fn unsent_at(index: &IndexId, number: u64) -> String {
    format!("{UNSENT}{index}/{number:016x}")
}

/// Likewise.
pub(crate) fn journal(number: u64) -> String {
    format!("{JOURNAL}{number:016x}")
}

/// The keychains with a share that waits for this account's answer.
pub(crate) const WAITING: &str = "waiting";

/// The record [`WAITING`].
#[derive(Debug, Default, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Waiting {
    #[n(0)]
    pub(crate) keychains: Vec<ScopeId>,
}

/// Counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Marks {
    /// Moves with every commit: whoever kept another in memory reads the records again.
    #[n(0)]
    pub(crate) version: u64,
    /// Number of the next event in the journal.
    #[n(1)]
    pub(crate) next_event: u64,
    /// The first event that nobody was told.
    #[n(2)]
    pub(crate) untold: u64,
}

/// The record [`PINS`].
#[derive(Debug, Default, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Pins {
    #[n(0)]
    pub(crate) pins: Vec<(UserId, ScopeId)>,
    /// Those of the accounts that only a ledger has named so far, not this account's person.
    #[cbor(n(1), default)]
    pub(crate) unmet: Vec<ScopeId>,
    /// Those that this device's person compared by another way than the server.
    #[cbor(n(2), default)]
    pub(crate) verified: Vec<ScopeId>,
    /// Accounts of pinned user ids whose place another one took, because the person said so.
    #[cbor(n(3), default)]
    pub(crate) former: Vec<ScopeId>,
}

/// A record of the journal: `[[kind, [field, …]]]`, without the fields that are `None`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) event: ClientEvent,
}

// By hand: what a derive makes of so many kinds is a hundredth of the module that pages load.
impl<C> Encode<C> for Noted {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        use ClientEvent::*;
        e.array(1)?.array(2)?;
        match &self.event {
            KeychainUpdated { keychain_fingerprint, purpose } => texts(e, 0, &[keychain_fingerprint, purpose]),
            KeyReceived { keychain_fingerprint, key_fingerprint, shared_by } => {
                e.u8(1)?.array(3)?.str(keychain_fingerprint)?.str(key_fingerprint)?;
                e.array(2)?.str(&shared_by.user_id)?.str(&shared_by.account_id)?.ok()
            }
            KeyRotated { keychain_fingerprint, key_fingerprint } => {
                texts(e, 2, &[keychain_fingerprint, key_fingerprint])
            }
            PermissionsUpdated { keychain_fingerprint, permissions, user_id } => {
                e.u8(3)?.array(3)?.str(keychain_fingerprint)?.array(4)?;
                e.bool(permissions.allow_sharing)?.bool(permissions.allow_rotation)?;
                e.bool(permissions.allow_deletion)?.bool(permissions.allow_management)?.str(user_id)?.ok()
            }
            IdentityUpdated { account_id } => texts(e, 4, account_id.as_slice()),
            IdentityChanged { user_id } => texts(e, 5, &[user_id]),
            SyncStateChanged { state: SyncState::Online } => e.u8(6)?.array(1)?.u8(0)?.ok(),
            SyncStateChanged { state: SyncState::Offline } => e.u8(6)?.array(1)?.u8(1)?.ok(),
            KeychainStopped { keychain_fingerprint, code } => texts(e, 7, &[keychain_fingerprint, code]),
            MemberBanned { keychain_fingerprint, user_id } => texts(e, 8, &[keychain_fingerprint, user_id]),
            ShareReceived { keychain_fingerprint, shared_by } => {
                texts(e, 9, &[keychain_fingerprint, &shared_by.user_id, &shared_by.account_id])
            }
            GroupUpdated { group_fingerprint, name } => texts(e, 10, &[group_fingerprint, name]),
            DeviceRequested { device_id } => texts(e, 11, &[device_id]),
            DeviceRevoked { device_id } => texts(e, 12, &[device_id]),
            RecoveryUsed { recovery_id } => texts(e, 13, &[recovery_id]),
        }
    }
}

fn texts<W: Write>(e: &mut Encoder<W>, kind: u8, fields: &[impl AsRef<str>]) -> Result<(), EncodeError<W::Error>> {
    e.u8(kind)?.array(fields.len() as u64)?;
    fields.iter().try_for_each(|text| e.str(text.as_ref())?.ok())
}

impl<'b, C> Decode<'b, C> for Noted {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        use ClientEvent::*;
        cbor::array(d, 1)?;
        cbor::array(d, 2)?;
        let kind = d.u8()?;
        let fields = d.array()?;
        let event = match (kind, fields) {
            (0, Some(2)) => KeychainUpdated { keychain_fingerprint: text(d)?, purpose: text(d)? },
            (1, Some(3)) => {
                let (keychain_fingerprint, key_fingerprint) = (text(d)?, text(d)?);
                cbor::array(d, 2)?;
                let shared_by = Person { user_id: text(d)?, account_id: text(d)? };
                KeyReceived { keychain_fingerprint, key_fingerprint, shared_by }
            }
            (2, Some(2)) => KeyRotated { keychain_fingerprint: text(d)?, key_fingerprint: text(d)? },
            (3, Some(3)) => {
                let keychain_fingerprint = text(d)?;
                cbor::array(d, 4)?;
                let permissions = PermissionFlags {
                    allow_sharing: d.bool()?,
                    allow_rotation: d.bool()?,
                    allow_deletion: d.bool()?,
                    allow_management: d.bool()?,
                };
                PermissionsUpdated { keychain_fingerprint, permissions, user_id: text(d)? }
            }
            (4, Some(0)) => IdentityUpdated { account_id: None },
            (4, Some(1)) => IdentityUpdated { account_id: Some(text(d)?) },
            (5, Some(1)) => IdentityChanged { user_id: text(d)? },
            (6, Some(1)) => {
                SyncStateChanged { state: if d.u8()? == 0 { SyncState::Online } else { SyncState::Offline } }
            }
            (7, Some(2)) => KeychainStopped { keychain_fingerprint: text(d)?, code: text(d)? },
            (8, Some(2)) => MemberBanned { keychain_fingerprint: text(d)?, user_id: text(d)? },
            (9, Some(3)) => ShareReceived {
                keychain_fingerprint: text(d)?,
                shared_by: Person { user_id: text(d)?, account_id: text(d)? },
            },
            (10, Some(2)) => GroupUpdated { group_fingerprint: text(d)?, name: text(d)? },
            (11, Some(1)) => DeviceRequested { device_id: text(d)? },
            (12, Some(1)) => DeviceRevoked { device_id: text(d)? },
            (13, Some(1)) => RecoveryUsed { recovery_id: text(d)? },
            _ => return Err(cbor::unsupported()),
        };
        Ok(Self { event })
    }
}

fn text(d: &mut Decoder<'_>) -> Result<String, DecodeError> {
    d.str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_event() -> Vec<ClientEvent> {
        let [kc, key, user] = ["kc", "key", "bob"].map(str::to_owned);
        let person = Person { user_id: user.clone(), account_id: "id".into() };
        let permissions = PermissionFlags { allow_sharing: true, allow_deletion: true, ..PermissionFlags::default() };
        vec![
            ClientEvent::KeychainUpdated { keychain_fingerprint: kc.clone(), purpose: "notes".into() },
            ClientEvent::KeyReceived {
                keychain_fingerprint: kc.clone(),
                key_fingerprint: key.clone(),
                shared_by: person.clone(),
            },
            ClientEvent::KeyRotated { keychain_fingerprint: kc.clone(), key_fingerprint: key },
            ClientEvent::PermissionsUpdated { keychain_fingerprint: kc.clone(), permissions, user_id: user.clone() },
            ClientEvent::MemberBanned { keychain_fingerprint: kc.clone(), user_id: user.clone() },
            ClientEvent::ShareReceived { keychain_fingerprint: kc.clone(), shared_by: person.clone() },
            ClientEvent::GroupUpdated { group_fingerprint: kc.clone(), name: "team".into() },
            ClientEvent::DeviceRequested { device_id: "id".into() },
            ClientEvent::DeviceRevoked { device_id: "id".into() },
            ClientEvent::RecoveryUsed { recovery_id: "id".into() },
            ClientEvent::IdentityUpdated { account_id: Some("id".into()) },
            ClientEvent::IdentityUpdated { account_id: None },
            ClientEvent::IdentityChanged { user_id: user },
            ClientEvent::KeychainStopped { keychain_fingerprint: kc, code: "Rollback".into() },
            ClientEvent::SyncStateChanged { state: SyncState::Online },
            ClientEvent::SyncStateChanged { state: SyncState::Offline },
        ]
    }

    /// Journals outlive a release: what it wrote, the next one reads.
    #[test]
    fn every_event_has_the_bytes_that_journals_have_and_is_read_back_from_them() {
        let written = [
            "81820082626b63656e6f746573",
            "81820183626b63636b65798263626f62626964",
            "81820282626b63636b6579",
            "81820383626b6384f5f4f5f463626f62",
            "81820882626b6363626f62",
            "81820983626b6363626f62626964",
            "81820a82626b63647465616d",
            "81820b81626964",
            "81820c81626964",
            "81820d81626964",
            "81820481626964",
            "81820480",
            "8182058163626f62",
            "81820782626b6368526f6c6c6261636b",
            "8182068100",
            "8182068101",
        ];
        let events = every_event();
        assert_eq!(events.len(), written.len());
        for (event, written) in events.into_iter().zip(written) {
            let noted = Noted { event };
            let bytes = cbor::encode(&noted);
            assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), written);
            assert_eq!(minicbor::decode::<Noted>(&bytes).unwrap(), noted);
            for len in 0..bytes.len() {
                assert!(minicbor::decode::<Noted>(&bytes[..len]).is_err(), "{written} cut to {len}");
            }
        }
    }

    #[test]
    fn an_event_of_another_release_is_none() {
        assert!(minicbor::decode::<Noted>(&[0x81, 0x82, 0x0e, 0x80]).is_err());
        assert!(minicbor::decode::<Noted>(&[0x81, 0x82, 0x05, 0x82, 0x61, 0x61, 0x61, 0x62]).is_err());
    }
}
