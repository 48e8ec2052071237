//! The server's half of OPAQUE (RFC 9807), and the secret that it takes. The secret lies beside the signing key and
//! never in the database: whoever has that alone has nothing to try passwords against. Stretching a password is the
//! client's work, so there is none of it here.
//!
//! Spec: `docs/spec/recovery.md`, "Password".

use crate::secrets::{SecretsError, key_file};
use keyfold_format::{ScopeId, UserId, label::DeriveLabel};
use opaque_ke::{
    CipherSuite, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload, Ristretto255, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh, errors::ProtocolError, ksf::Identity,
};
use opaque_rand::OsRng;
use std::path::Path;
use zeroize::Zeroizing;

const FILE: &str = "opaque.key";
/// The seed of the OPRF keys, the private key, and the public key of the record that stands for none.
const KEY_BYTES: usize = 64 + 32 + 32;

/// A registration request: a point.
const REGISTRATION_BYTES: usize = 32;
/// KE1: a point, a nonce, a key share.
const KE1_BYTES: usize = 32 + 32 + 32;
/// A record: a public key, a masking key, an envelope of nonce and tag.
const RECORD_BYTES: usize = 32 + 64 + (32 + 64);

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, opaque_sha2::Sha512>;
    type Ksf = Identity;
}

/// A message that is none: of another length, or with a point that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoMessage;

impl From<ProtocolError> for NoMessage {
    fn from(_: ProtocolError) -> Self {
        Self
    }
}

/// Helps with passwords.
pub(crate) struct Opaque(ServerSetup<Suite>);

/// Whose password is tried.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// An account's, with the record of a password of it, if there is one.
    Account(ScopeId, Option<&'a [u8]>),
    /// Somebody's who has no account.
    Nobody(&'a UserId),
}

impl Opaque {
    /// Reads the secret, or makes one if nobody can need an earlier one. `None` if there was one that is damaged or
    /// lost: it is never replaced, for with another one every password in the database would be a wrong one.
    pub(crate) fn load(folder: &Path, has_records: bool) -> Result<Option<Self>, SecretsError> {
        let key = match key_file::read::<KEY_BYTES>(&folder.join(FILE)) {
            Ok(Some(key)) => key,
            Ok(None) if has_records => {
                tracing::error!(file = FILE, "is gone, so nobody can recover with a password; put it back");
                return Ok(None);
            }
            Ok(None) => {
                let key = ServerSetup::<Suite>::new(&mut OsRng).serialize();
                let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(key.into());
                key_file::write(folder, &folder.join(FILE), &*key)?;
                key
            }
            Err(SecretsError::Damaged(file)) => {
                tracing::error!(file, "is damaged, so nobody can recover with a password; put it back");
                return Ok(None);
            }
            Err(refused) => return Err(refused),
        };
        match ServerSetup::deserialize(&*key) {
            Ok(setup) => Ok(Some(Self(setup))),
            Err(_) => {
                tracing::error!(file = FILE, "is damaged, so nobody can recover with a password; put it back");
                Ok(None)
            }
        }
    }

    /// `CreateRegistrationResponse`: 64 bytes.
    pub(crate) fn register(&self, account: &ScopeId, request: &[u8]) -> Result<Vec<u8>, NoMessage> {
        let request = RegistrationRequest::deserialize(exactly::<REGISTRATION_BYTES>(request)?)?;
        let started = ServerRegistration::start(&self.0, request, account.as_bytes())?;
        Ok(started.message.serialize().to_vec())
    }

    /// `GenerateKE2`: 320 bytes. Without a record the work and the form of the answer are the same.
    pub(crate) fn answer(&self, whose: Whose<'_>, request: &[u8]) -> Result<Vec<u8>, NoMessage> {
        let request = CredentialRequest::deserialize(exactly::<KE1_BYTES>(request)?)?;
        let (identifier, record) = match whose {
            Whose::Account(account, record) => (account.as_bytes().to_vec(), record),
            // Nothing that is evaluated here is under an account's key: no id of one starts so.
            Whose::Nobody(user) => ([b"no account ", user.as_str().as_bytes()].concat(), None),
        };
        let record = record.map(ServerRegistration::deserialize).transpose()?;
        let context = [DeriveLabel::RecoveryPassword.as_str().as_bytes(), &[0], &identifier].concat();
        let params = ServerLoginParameters {
            context: Some(&context),
            identifiers: Identifiers { client: Some(&identifier), server: None },
        };
        let started = ServerLogin::start(&mut OsRng, &self.0, record, request, &identifier, params)?;
        Ok(started.message.serialize().to_vec())
    }
}

/// Whether these bytes can be a password's record. What is in it only its client knows.
pub(crate) fn check_record(record: &[u8]) -> Result<(), NoMessage> {
    RegistrationUpload::<Suite>::deserialize(exactly::<RECORD_BYTES>(record)?)?;
    Ok(())
}

/// The library does not look at what is behind a message.
fn exactly<const N: usize>(message: &[u8]) -> Result<&[u8], NoMessage> {
    if message.len() == N { Ok(message) } else { Err(NoMessage) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_secret_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let point = opaque_ke::ClientRegistration::<Suite>::start(&mut OsRng, b"password").unwrap();
        let request = point.message.serialize();
        let answer = |opaque: &Opaque| opaque.register(&ScopeId([1; 32]), &request).unwrap();
        let first = Opaque::load(folder.path(), false).unwrap().unwrap();
        let again = Opaque::load(folder.path(), true).unwrap().unwrap();
        assert_eq!(answer(&first), answer(&again));
        assert_ne!(first.register(&ScopeId([2; 32]), &request).unwrap(), answer(&first), "a key for each account");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = folder.path().join(FILE);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(Opaque::load(folder.path(), true), Err(SecretsError::Exposed(_))));
        }
    }

    #[test]
    fn a_damaged_or_lost_secret_is_never_replaced_while_somebody_may_need_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        Opaque::load(folder.path(), false).unwrap().unwrap();
        let key = fs::read(&file).unwrap();
        // Cut, longer, and with a private key that is above the group's order.
        let above = [&key[..64], &[0xff; 32], &key[96..]].concat();
        for damaged in [&key[..127], &[&key[..], &[0]].concat(), &above] {
            fs::write(&file, damaged).unwrap();
            assert!(Opaque::load(folder.path(), true).unwrap().is_none(), "{} bytes", damaged.len());
            assert_eq!(fs::read(&file).unwrap(), *damaged);
        }
        fs::remove_file(&file).unwrap();
        assert!(Opaque::load(folder.path(), true).unwrap().is_none());
        assert!(!file.exists());
        assert!(Opaque::load(folder.path(), false).unwrap().is_some());
    }
}
