//! Values, and statements of the application.

use super::Session;
use crate::{Error, Result, host::Host, machine::keyring::unreached, model::DecryptedValue};
use keyfold_core::{
    sign::{sign_statement, verify_statement},
    value::{self, Value},
};
use keyfold_format::{
    KeyFingerprint, ScopeId, Signature, VerifyingKey,
    id::{base64url, from_base64url},
    scope::Kind,
    value::{ValueHeader, from_text, to_text},
};
use keyfold_protocol::Code;

/// A value in its text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedValue {
    /// `kf1.…`
    pub text: String,
    /// Whether the server was not reached, so that the key may not be the newest.
    pub stale: bool,
}

impl<H: Host> Session<H> {
    /// Seals a value under the current key of the verified ledger.
    pub async fn encrypt_value(&mut self, kc: &str, value: &Value, context: &[u8]) -> Result<EncryptedValue> {
        let (id, stale) = self.ready_to_write(kc).await?;
        let ledger = self.belief.scope(&id)?.ledger();
        let writer = self.belief.ring(&id)?.writer(ledger, ledger.current_key())?;
        let sealed = value::seal(value, &writer, context, &mut self.rng())?;
        Ok(EncryptedValue { text: to_text(&sealed), stale })
    }

    /// Opens a value with the key that it names.
    pub async fn decrypt_value(&mut self, text: &str, context: &[u8]) -> Result<DecryptedValue> {
        self.me()?;
        let bytes = from_text(text).map_err(|_| {
            Error::new(Code::NotAnEnvelope, "this is not an encrypted value").hint("Such a text starts with `kf1.`.")
        })?;
        let (header, _) = ValueHeader::parse(&bytes)?;
        let (id, number) = self.key_for_reading(&header.fingerprint).await?.ok_or_else(no_slot)?;
        let known = self.belief.scope(&id)?;
        let ring = self.belief.ring(&id)?;
        let opened = value::open(&bytes, context, |_| ring.reader(known.ledger(), number))?;
        Ok(DecryptedValue {
            value: opened.value,
            keychain_fingerprint: id.to_string(),
            key_fingerprint: opened.fingerprint.to_string(),
            key_number: number,
            current: number == known.ledger().current_key(),
        })
    }

    /// Brings a keychain up to date, and says whether it is. Refuses while it needs a new key first.
    pub(super) async fn ready_to_write(&mut self, kc: &str) -> Result<(ScopeId, bool)> {
        let id = self.resolve(kc).await?;
        self.recall_scope(&id).await?;
        let stale = self.freshen(&id).await?;
        // Who wants to write now does not wait for somebody else's client to make the new key.
        if !stale {
            self.repair_below(&id).await?;
        }
        self.check_may_write(&id)?;
        Ok((id, stale))
    }

    /// Whether one may write in a keychain, as far as is known.
    pub(super) fn check_may_write(&self, id: &ScopeId) -> Result<()> {
        let known = self.belief.scope(id)?;
        let member = self.membership(known)?;
        if known.ledger().needs_rotation() || known.ledger().unseen(&self.belief.ledgers()).is_some() {
            return Err(Error::new(Code::NeedsRotation, "the keychain needs a new key before anything is encrypted")
                .hint(
                    "Somebody left it, or a group in it. The client of any member who gets its later keys makes one.",
                ));
        }
        // Until an entry ends the membership, everybody's own clock does: whoever stays would not expect it to go on.
        if member.expires_at.is_some_and(|at| at <= self.now_ms()) {
            return Err(Error::new(Code::NotAllowed, "your membership has expired")
                .hint("Ask whoever shared the keychain to share it again."));
        }
        if member.dropped.contains(known.ledger().current_key()) {
            return Err(Error::new(Code::UnknownKey, "you gave up your copy of the current key")
                .hint("Ask somebody who has it to share it with you again."));
        }
        if member.read_only {
            return Err(Error::new(Code::NotAllowed, "you may only read in this keychain")
                .hint("Ask its owner for permission to write."));
        }
        Ok(())
    }

    /// Finds the key that a ciphertext names, and opens it through history if need be. From what is known first, so
    /// that reading works without a server.
    pub(super) async fn key_for_reading(&mut self, fingerprint: &KeyFingerprint) -> Result<Option<(ScopeId, u32)>> {
        self.me()?;
        for attempt in 0..2 {
            if let Some((id, number)) = self.locate(fingerprint).await? {
                let terms = self.belief.terms(self.belief.scope(&id)?);
                let gave_up = terms.as_ref().is_some_and(|member| member.dropped.contains(number));
                if !gave_up && self.belief.reach(&id, number) {
                    return Ok(Some((id, number)));
                }
                if attempt == 1 {
                    // Of a key that is for others nothing will arrive.
                    let own = terms.is_some_and(|member| member.held_keys().contains(number));
                    return if own { Err(unreached(number)) } else { Ok(None) };
                }
            }
            if attempt == 0 {
                self.sync_if_reached().await?;
            }
        }
        Ok(None)
    }

    async fn locate(&mut self, fingerprint: &KeyFingerprint) -> Result<Option<(ScopeId, u32)>> {
        let found = |session: &Self| {
            session.belief.rings.keys().find_map(|id| {
                let ledger = session.belief.scopes.get(id)?.ledger();
                // To the keys of a group nothing is encrypted but keys.
                let entry = ledger.key_by_fingerprint(fingerprint).filter(|_| ledger.kind() == Kind::Keychain)?;
                Some((*id, entry.number))
            })
        };
        if let Some(found) = found(self) {
            return Ok(Some(found));
        }
        self.recall_scopes().await?;
        Ok(found(self))
    }

    /// Signs items together and in order, with the account's key for such statements. Base64url.
    pub fn sign(&self, items: &[&[u8]]) -> Result<String> {
        Ok(base64url(&sign_statement(&self.belief.own()?.current().signature, items).0))
    }
}

/// Verifies what [`Session::sign`] made over the same items, with an identity's `signaturePublicKey`.
pub fn verify_signature(signature: &str, public_key: &str, items: &[&[u8]]) -> bool {
    let signature = from_base64url(signature).ok().and_then(|bytes| bytes.try_into().ok()).map(Signature);
    let key = from_base64url(public_key).ok().and_then(|bytes| bytes.try_into().ok()).map(VerifyingKey);
    match (signature, key) {
        (Some(signature), Some(key)) => verify_statement(&key, items, &signature).is_ok(),
        _ => false,
    }
}

pub(super) fn no_slot() -> Error {
    Error::new(Code::NoSlot, "it is not encrypted to any key of yours")
        .hint("Ask somebody who can open it to share the keychain with you.")
}
