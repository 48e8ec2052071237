//! The server's own secrets: its signing key. No other module holds one, and nothing here opens what people store.

use crate::private;
use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{
    ServerId, Signature, VerifyingKey,
    entry::Head,
    id::ScopeId,
    key::signed_message,
    label::SignatureLabel,
    receipt::{Receipt, Statement},
};
use keyfold_protocol::signing::response::server_id;
use std::{
    fmt, fs,
    io::{self, Read, Write},
    path::Path,
};
use zeroize::Zeroizing;

const FILE: &str = "signing.key";

/// Why the secrets cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The folder or file cannot be read or written.
    #[error("the server's secrets at {0}: {1}")]
    Io(String, #[source] io::Error),
    /// The file is not 32 bytes.
    #[error("{0} is not a signing key; restore it from its export, or the clients will refuse this server")]
    Damaged(String),
    /// Others can read the file.
    #[error("{0} can be read by others; give it mode 0600")]
    Exposed(String),
}

/// The server's signing key.
pub(crate) struct Secrets {
    signing: SigningKey,
    key: VerifyingKey,
    id: ServerId,
}

impl Secrets {
    /// Reads the key, or makes one on the first start.
    pub(crate) fn load(folder: &Path) -> Result<Self, SecretsError> {
        let file = folder.join(FILE);
        let shown = file.display().to_string();
        let io = |e| SecretsError::Io(shown.clone(), e);
        let seed = match fs::File::open(&file) {
            Ok(open) => read(open, &shown)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => generate(folder, &file).map_err(io)?,
            Err(e) => return Err(io(e)),
        };
        let signing = SigningKey::from_bytes(&seed);
        let key = VerifyingKey(signing.verifying_key().to_bytes());
        Ok(Self { signing, id: server_id(&key), key })
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

fn read(mut open: fs::File, shown: &str) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
    let io = |e| SecretsError::Io(shown.to_owned(), e);
    if private::exposed(&open.metadata().map_err(io)?) {
        return Err(SecretsError::Exposed(shown.to_owned()));
    }
    let mut seed = Zeroizing::new([0; 32]);
    let mut rest = [0; 1];
    open.read_exact(&mut *seed).map_err(|_| SecretsError::Damaged(shown.to_owned()))?;
    if open.read(&mut rest).map_err(io)? != 0 {
        return Err(SecretsError::Damaged(shown.to_owned()));
    }
    Ok(seed)
}

/// Written whole under another name first: a crash leaves no half a key, which would lock all clients out.
fn generate(folder: &Path, file: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(io::Error::other)?;
    private::make_folder(folder)?;
    let new = file.with_extension("new");
    _ = fs::remove_file(&new);
    let mut out = private::options().create_new(true).open(&new)?;
    out.write_all(&*seed)?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
