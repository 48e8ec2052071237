//! The server's own secrets: its signing key. What helps with passwords has another ([`crate::opaque`]); nothing of
//! either opens what people store.

use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{
    ServerId, Signature, VerifyingKey,
    entry::Head,
    id::ScopeId,
    key::signed_message,
    label::SignatureLabel,
    receipt::{Receipt, Statement},
    succession::Succession,
};
use keyfold_protocol::signing::response::server_id;
use std::{fmt, io, path::Path};
use zeroize::Zeroizing;

pub(crate) mod key_file;
mod succession;

pub use succession::NextKey;

const FILE: &str = "signing.key";

/// Why the secrets cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The folder or file cannot be read or written.
    #[error("the server's secrets at {0}: {1}")]
    Io(String, #[source] io::Error),
    /// The file has another length.
    #[error("{0} is not the server's key; restore it from its export, or the clients will refuse this server")]
    Damaged(String),
    /// There is nothing that a next key could follow.
    #[error("there is no server's key in {0}; `keyfold serve` makes one when it starts")]
    NoKey(String),
    /// Others can read the file.
    #[error("{0} can be read by others; give it mode 0600")]
    Exposed(String),
}

/// The server's signing key.
pub(crate) struct Secrets {
    signing: SigningKey,
    key: VerifyingKey,
    id: ServerId,
    /// From the first key to this one.
    successions: Vec<Succession>,
}

impl Secrets {
    /// Reads the key, or makes one on the first start. A next key that was made takes its place.
    pub(crate) fn load(folder: &Path) -> Result<Self, SecretsError> {
        let file = folder.join(FILE);
        let seed = match key_file::read::<32>(&file)? {
            Some(seed) => {
                let successions = succession::take_place(folder, &Self::of(&seed, Vec::new()).key)?;
                let seed = key_file::read::<32>(&file)?.unwrap_or(seed);
                return Ok(Self::of(&seed, successions));
            }
            None => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *seed).map_err(|e| key_file::failed(&file, io::Error::other(e)))?;
                key_file::write(folder, &file, &*seed)?;
                seed
            }
        };
        Ok(Self::of(&seed, Vec::new()))
    }

    fn of(seed: &[u8; 32], successions: Vec<Succession>) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let key = VerifyingKey(signing.verifying_key().to_bytes());
        Self { signing, id: server_id(&key), key, successions }
    }

    /// How the server came to this key.
    pub(crate) fn successions(&self) -> &[Succession] {
        &self.successions
    }

    /// The public half.
    pub(crate) fn key(&self) -> VerifyingKey {
        self.key
    }

    /// Its id.
    pub(crate) fn id(&self) -> ServerId {
        self.id
    }

    /// Signs a message that brings its own label.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.signing.sign(message).to_bytes())
    }

    /// Signs that a ledger's head is this, now.
    pub(crate) fn receipt(&self, scope: ScopeId, head: Head, time: u64) -> Receipt {
        let statement = Statement { server: self.id, scope, head, time };
        let signature = self.sign(&signed_message(SignatureLabel::Receipt, &[&statement.signed()]));
        Receipt { statement, signature }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_key_is_made_once_kept_private_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("secrets");
        let first = Secrets::load(&at).unwrap();
        assert_eq!(Secrets::load(&at).unwrap().key(), first.key());
        let seed = fs::read(at.join(FILE)).unwrap();
        let shown = format!("{first:?}");
        assert!(!shown.contains(&keyfold_format::id::base64url(&seed)) && shown.contains(&first.id().to_string()));
    }

    #[test]
    fn a_damaged_key_is_never_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        Secrets::load(folder.path()).unwrap();
        for len in [0, 31, 33] {
            fs::write(folder.path().join(FILE), vec![1; len]).unwrap();
            assert!(matches!(Secrets::load(folder.path()), Err(SecretsError::Damaged(_))), "{len}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Secrets::load(folder.path()).unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Secrets::load(folder.path()), Err(SecretsError::Exposed(_))));
    }
}
