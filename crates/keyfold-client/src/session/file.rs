//! What a file needs of a session: its head sealed or opened, its author's signature made or checked. The body is
//! moved by the host, without holding the home.

use super::{Session, value::no_slot};
use crate::{Error, Result, host::Host, model::Person};
use keyfold_core::{
    WriterKey,
    envelope::{OpenedHead, Options, Sealer, Unopened, UnsignedTrailer, UnverifiedTrailer},
};
use keyfold_format::{KeyFingerprint, ScopeId, envelope::AuthorHead};
use keyfold_protocol::Code;

/// A head, and what seals the body after it.
pub struct SealedHead {
    /// To be written first.
    pub head: Vec<u8>,
    /// Seals the body.
    pub sealer: Sealer,
    /// The keychains that can open it.
    pub keychains: Vec<ScopeId>,
    /// Whether the server was not reached, so that a key may not be the newest.
    pub stale: bool,
}

/// What a slot is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The keychain.
    pub keychain: ScopeId,
    /// The key's number.
    pub number: u32,
    /// Whether it is the keychain's current key.
    pub current: bool,
    /// What the keychain is for.
    pub purpose: String,
}

/// What is known about a file's author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailerCheck {
    /// Verified with this person's ledger.
    By(Person),
    /// The server was not reached to look the author up.
    Unchecked,
}

impl<H: Host> Session<H> {
    /// Seals the head of an envelope to the current keys of keychains.
    pub async fn seal_head(&mut self, keychains: &[&str], options: &Options<'_>) -> Result<SealedHead> {
        let mut ready: Vec<ScopeId> = Vec::with_capacity(keychains.len());
        let mut any_stale = false;
        for kc in keychains {
            let (id, stale) = self.ready_to_write(kc).await?;
            any_stale |= stale;
            if !ready.contains(&id) {
                ready.push(id);
            }
        }
        let writers = ready.iter().map(|id| self.writer(id)).collect::<Result<Vec<_>>>()?;
        let (head, sealer) = Sealer::begin(options, &writers, &mut self.rng())?;
        Ok(SealedHead { head, sealer, keychains: ready, stale: any_stale })
    }

    pub(super) fn writer(&self, id: &ScopeId) -> Result<WriterKey<'_>> {
        let ledger = self.belief.scope(id)?.ledger();
        self.belief.ring(id)?.writer(ledger, ledger.current_key())
    }

    /// Opens the head of an envelope with the first key that one has.
    pub async fn open_head(&mut self, head: &[u8], context: &[u8]) -> Result<OpenedHead> {
        self.me()?;
        let (unopened, _) = Unopened::parse(head)?;
        let fingerprints: Vec<KeyFingerprint> = unopened.fingerprints().collect();
        let mut found = None;
        for fingerprint in &fingerprints {
            if let Some((id, number)) = self.key_for_reading(fingerprint).await? {
                found = Some((*fingerprint, id, number));
                break;
            }
        }
        let (fingerprint, id, number) = found.ok_or_else(no_slot)?;
        let (ledger, ring) = (self.belief.scope(&id)?.ledger(), self.belief.ring(&id)?);
        let reader = |asked: &KeyFingerprint| ring.reader(ledger, number).filter(|_| *asked == fingerprint);
        Ok(unopened.open(context, reader)?)
    }

    /// The keys that may open an envelope, ascending. Ledgers are read, so that [`Self::name_key`] knows them.
    pub async fn slots(&mut self, head: &[u8]) -> Result<Vec<KeyFingerprint>> {
        let (unopened, _) = Unopened::parse(head)?;
        self.recall_scopes().await?;
        Ok(unopened.fingerprints().collect())
    }

    /// Which key of which keychain a fingerprint names, as far as this account knows.
    pub fn name_key(&self, fingerprint: &KeyFingerprint) -> Option<NamedKey> {
        self.belief.scopes.iter().find_map(|(id, known)| {
            let number = known.ledger().key_by_fingerprint(fingerprint)?.number;
            let purpose = self.belief.rings.get(id).map(|ring| ring.purpose().to_owned()).unwrap_or_default();
            Some(NamedKey { keychain: *id, number, current: number == known.ledger().current_key(), purpose })
        })
    }

    /// The head with a slot more, for the current key of a keychain.
    pub async fn add_slot(&mut self, head: &OpenedHead, kc: &str) -> Result<Vec<u8>> {
        let (id, _) = self.ready_to_write(kc).await?;
        Ok(head.with_slot(&self.writer(&id)?, &mut self.rng())?)
    }

    /// The head without the slot for a key of a keychain: the newest one that has a slot.
    pub async fn remove_slot(&mut self, head: &OpenedHead, kc: &str) -> Result<Vec<u8>> {
        let id = self.resolve(kc).await?;
        self.recall_scope(&id).await?;
        let ledger = self.belief.scope(&id)?.ledger();
        let numbered = |fingerprint| Some((ledger.key_by_fingerprint(&fingerprint)?.number, fingerprint));
        let newest = head.fingerprints().filter_map(numbered).max_by_key(|(number, _)| *number);
        let (_, fingerprint) =
            newest.ok_or_else(|| Error::new(Code::NoSlot, "the file has no slot for this keychain"))?;
        Ok(head.without_slot(&fingerprint)?)
    }

    /// Signs an envelope as its author.
    pub fn sign_trailer(&self, trailer: UnsignedTrailer) -> Result<Vec<u8>> {
        let (own, ledger) = (self.belief.own()?, self.belief.own_ledger()?);
        let head = ledger.head();
        let author =
            AuthorHead { account: ledger.id(), generation: ledger.generation(), seq: head.seq, head: head.hash };
        Ok(trailer.sign(&own.current().ledger, author).to_vec())
    }

    /// Verifies the author's signature with his ledger, which is fetched if it is not known.
    pub async fn check_trailer(&mut self, trailer: &UnverifiedTrailer) -> Result<TrailerCheck> {
        let claimed = *trailer.claimed_author();
        self.recall_account(&claimed.account).await?;
        // He may have signed with keys that are newer than what is known of him.
        if self.belief.accounts.get(&claimed.account).is_none_or(|known| known.head().seq < claimed.seq) {
            match self.fetch_accounts(&[claimed.account]).await {
                Err(error) if error.is_offline() => return Ok(TrailerCheck::Unchecked),
                other => other?,
            }
        }
        self.commit().await?;
        let forged = || Error::new(Code::Unauthentic, "the author's signature on the file does not verify");
        let known = self.belief.accounts.get(&claimed.account).ok_or_else(forged)?;
        let head = keyfold_format::entry::Head { seq: claimed.seq, hash: claimed.head };
        let keys = known.ledger().keys(claimed.generation).ok_or_else(forged)?;
        if known.ledger().generation_at(head) != Some(claimed.generation) {
            return Err(forged());
        }
        trailer.verify(&keys.ledger).map_err(|_| forged())?;
        Ok(TrailerCheck::By(self.belief.person(&claimed.account)))
    }
}
