//! How the server comes to its next key: made beside the key that it has, signed by that, and in its place from the
//! next start on. The signed steps are public; they are kept with the secrets, for they are as hard to lose.
//!
//! ```text
//! signing.key  the key that signs
//! next.key     the one that takes its place when the server starts
//! succession   [step, …]: one for each key that had a next one, oldest first
//! ```
//!
//! A step is durable before the server can sign with its key, so a crash leaves no key that nobody can follow to.

use super::{FILE, Secrets, SecretsError, key_file};
use crate::clock;
use ed25519_dalek::SigningKey;
use keyfold_format::{
    VerifyingKey, cbor,
    key::signed_message,
    label::SignatureLabel,
    succession::{Succession, follow},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const NEXT: &str = "next.key";
const STEPS: &str = "succession";
/// So many steps no operator makes.
const STEPS_BYTES: u64 = 1 << 20;

/// A server's key, and the one that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextKey {
    /// What it signs with until it is started anew.
    pub current: VerifyingKey,
    /// What it signs with from then on.
    pub next: VerifyingKey,
}

impl NextKey {
    /// Makes the next key of the server whose secrets lie in this folder, which may run meanwhile. If there is one that
    /// has not taken its place yet, it stays that one.
    pub fn make(folder: &Path) -> Result<Self, SecretsError> {
        let file = folder.join(FILE);
        let Some(seed) = key_file::read::<32>(&file)? else {
            return Err(SecretsError::NoKey(folder.display().to_string()));
        };
        let secrets = Secrets::of(&seed, Vec::new());
        let current = secrets.key();
        let mut steps = read(folder)?;
        if let Some((_, next)) = pending(folder, &current, &steps)? {
            return Ok(Self { current, next });
        }
        steps.truncate(established(&steps, &current, folder)?);
        let file = folder.join(NEXT);
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|e| key_file::failed(&file, io::Error::other(e)))?;
        key_file::write(folder, &file, &*seed)?;
        let next = public(&seed);
        let time = clock::now_ms();
        let statement = Succession::signed(&current, &next, time);
        let signature = secrets.sign(&signed_message(SignatureLabel::ServerSuccession, &[&statement]));
        steps.push(Succession { former: current, next, time, signature });
        key_file::write(folder, &folder.join(STEPS), &cbor::encode(&steps))?;
        Ok(Self { current, next })
    }
}

/// The steps to the key that the server starts with, after the next one has taken its place if there is one.
pub(super) fn take_place(folder: &Path, current: &VerifyingKey) -> Result<Vec<Succession>, SecretsError> {
    let mut steps = read(folder)?;
    if let Some((file, next)) = pending(folder, current, &steps)? {
        let signing = folder.join(FILE);
        fs::rename(file, &signing)
            .and_then(|()| fs::File::open(folder)?.sync_all())
            .map_err(|e| key_file::failed(&signing, e))?;
        tracing::info!(former = %current, %next, "the next key has taken its place");
        steps.truncate(established(&steps, &next, folder)?);
        return Ok(steps);
    }
    steps.truncate(established(&steps, current, folder)?);
    Ok(steps)
}

/// The key that is to follow, if its step is there: one without was not finished, and nobody has heard of it.
fn pending(
    folder: &Path,
    current: &VerifyingKey,
    steps: &[Succession],
) -> Result<Option<(PathBuf, VerifyingKey)>, SecretsError> {
    let file = folder.join(NEXT);
    let Some(seed) = key_file::read::<32>(&file)? else { return Ok(None) };
    let next = public(&seed);
    let is_signed = follow(steps, current).is_ok_and(|keys| keys == [next]);
    Ok(is_signed.then_some((file, next)))
}

/// How many of the steps lead up to a key. What comes after them was never in use.
fn established(steps: &[Succession], key: &VerifyingKey, folder: &Path) -> Result<usize, SecretsError> {
    let damaged = || SecretsError::Damaged(folder.join(STEPS).display().to_string());
    let Some(first) = steps.first() else { return Ok(0) };
    if first.former == *key {
        return Ok(0);
    }
    let count = steps.iter().position(|step| step.next == *key).ok_or_else(damaged)? + 1;
    let upto = steps.get(..count).unwrap_or_default();
    follow(upto, &first.former).map_err(|_| damaged())?;
    Ok(count)
}

fn read(folder: &Path) -> Result<Vec<Succession>, SecretsError> {
    let file = folder.join(STEPS);
    let damaged = || SecretsError::Damaged(file.display().to_string());
    match fs::metadata(&file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(key_file::failed(&file, e)),
        Ok(about) if about.len() > STEPS_BYTES => return Err(damaged()),
        Ok(_) => {}
    }
    let bytes = fs::read(&file).map_err(|e| key_file::failed(&file, e))?;
    cbor::decode_canonical::<Vec<Succession>>(&bytes).map_err(|_| damaged())
}

fn public(seed: &[u8; 32]) -> VerifyingKey {
    VerifyingKey(SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_next_key_takes_its_place_at_the_next_start_and_can_be_followed_to() {
        let folder = folder();
        let first = Secrets::load(folder.path()).unwrap();
        assert!(first.successions().is_empty());
        let made = NextKey::make(folder.path()).unwrap();
        assert_eq!(made.current, first.key());
        assert_eq!(NextKey::make(folder.path()).unwrap(), made, "it is the next one until it has taken its place");
        let second = Secrets::load(folder.path()).unwrap();
        assert_eq!(second.key(), made.next);
        assert_eq!(follow(second.successions(), &first.key()), Ok(vec![second.key()]));
        let made = NextKey::make(folder.path()).unwrap();
        let third = Secrets::load(folder.path()).unwrap();
        assert_eq!((made.current, made.next), (second.key(), third.key()));
        assert_eq!(follow(third.successions(), &first.key()), Ok(vec![second.key(), third.key()]));
        assert_eq!(Secrets::load(folder.path()).unwrap().key(), third.key());
    }

    #[test]
    fn a_next_key_that_was_not_finished_is_none() {
        let folder = folder();
        let first = Secrets::load(folder.path()).unwrap();
        fs::copy(folder.path().join(FILE), folder.path().join("kept")).unwrap();
        // The key is there and its step is not.
        key_file::write(folder.path(), &folder.path().join(NEXT), &[5; 32]).unwrap();
        assert_eq!(Secrets::load(folder.path()).unwrap().key(), first.key());
        let made = NextKey::make(folder.path()).unwrap();
        assert_ne!(made.next, public(&[5; 32]));
        // The step is there and the key is another: it has no effect, and is replaced.
        key_file::write(folder.path(), &folder.path().join(NEXT), &[6; 32]).unwrap();
        let again = Secrets::load(folder.path()).unwrap();
        assert_eq!((again.key(), again.successions().len()), (first.key(), 0));
        let made = NextKey::make(folder.path()).unwrap();
        assert_eq!(Secrets::load(folder.path()).unwrap().key(), made.next);
    }

    #[test]
    fn damaged_steps_are_refused_and_a_folder_without_a_key_has_no_next_one() {
        let folder = folder();
        assert!(matches!(NextKey::make(folder.path()), Err(SecretsError::NoKey(_))));
        Secrets::load(folder.path()).unwrap();
        NextKey::make(folder.path()).unwrap();
        Secrets::load(folder.path()).unwrap();
        let file = folder.path().join(STEPS);
        let good = fs::read(&file).unwrap();
        for at in [1, 10, 60, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, bad).unwrap();
            assert!(matches!(Secrets::load(folder.path()), Err(SecretsError::Damaged(_))), "{at}");
        }
        fs::write(&file, &good).unwrap();
        Secrets::load(folder.path()).unwrap();
    }
}
