//! Indexes of a keychain: opened with what the session knows of it, and taught what it learns.
//!
//! Spec: `docs/spec/index.md`.

use super::Session;
use crate::{
    Error, Result,
    host::Host,
    machine::{belief::unknown_keychain, record, scope::Stop, ways},
    vault::{KnownWriter, OpenIndex, ServerStore, VaultKeys, files::Parts, index_id},
};
use keyfold_core::KeychainKey;
use keyfold_format::{
    IndexId, ScopeId,
    entry::{Head, SignedEntry},
    scope::{Kind, Ledger},
    sorted::SortedSet,
};
use keyfold_index::{Author, IndexError, Seen, store::StoreError};
use keyfold_protocol::Code;
use minicbor::{Decode, Encode};
use std::sync::Arc;

/// Names of indexes, in bytes.
const NAME_BYTES: usize = 256;
/// Members whose keys are looked up before anything of theirs was seen.
const WRITERS: usize = 64;

/// What was seen of an index, as it is stored.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct StoredSeen {
    #[n(0)]
    generation: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[n(2)]
    ledger: u64,
    /// Whose index it is.
    #[n(3)]
    scope: Option<ScopeId>,
}

impl<H: Host> Session<H> {
    /// An index of a keychain, by purpose or fingerprint; it need not be there yet. To write, the keychain is brought up
    /// to date first.
    ///
    /// `UnknownKeychain`, `AmbiguousPurpose`, `NotAllowed` to write where one may only read.
    pub async fn open_index(&mut self, kc: &str, name: &str, to_write: bool) -> Result<Arc<OpenIndex<H>>> {
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(Error::new(
                Code::BadText,
                format!("an index's name has 1 to {NAME_BYTES} bytes and no control characters"),
            ));
        }
        let id = if to_write { self.ready_to_write(kc).await?.0 } else { self.resolve(kc).await? };
        self.open_index_of(id, index_id(&id, name)).await
    }

    /// What the server keeps for a keychain, by purpose or fingerprint.
    #[cfg(feature = "native")]
    pub(crate) async fn storage(&mut self, kc: &str) -> Result<ServerStore<H>> {
        let id = self.resolve(kc).await?;
        let server = self.belief.enrolled()?.server.clone();
        Ok(ServerStore::new(id, self.line(&server)))
    }

    /// One of an index of a keychain, whatever it is called.
    pub(super) async fn open_index_of(&mut self, id: ScopeId, index: IndexId) -> Result<Arc<OpenIndex<H>>> {
        self.recall_scope(&id).await?;
        if self.belief.scope(&id)?.ledger().kind() != Kind::Keychain {
            return Err(unknown_keychain());
        }
        let seen = self.stored_seen(&index).await?;
        let open = match self.indexes.get(&index) {
            Some(open) => {
                let open = Arc::clone(open);
                // Another process may have seen more.
                if let Some(seen) = seen {
                    open.index.also_seen(seen).await?;
                }
                open
            }
            None => {
                let server = self.belief.enrolled()?.server.clone();
                let store = ServerStore::new(id, self.line(&server));
                let ledger = self.belief.scope(&id)?.ledger();
                let (head, current) = (ledger.head(), ledger.current_key());
                let keys = VaultKeys::new(self.me()?, self.belief.own()?.shared(), head, current);
                let open = Arc::new(OpenIndex::new(id, index, store, keys, Arc::clone(&self.host), seen));
                self.indexes.insert(index, Arc::clone(&open));
                open
            }
        };
        open.set_noted(seen);
        self.teach(&open).await?;
        self.recall_unsent(&open).await?;
        Ok(open)
    }

    /// How far an index was seen on this device.
    async fn stored_seen(&self, index: &IndexId) -> Result<Option<Seen>> {
        let Some(bytes) = self.host.load(&record::seen(index)).await? else { return Ok(None) };
        let StoredSeen { generation, hash, ledger, .. } = super::read(&bytes)?;
        Ok(Some(Seen { generation, hash, ledger }))
    }

    /// Does something with an index, whatever has to be found out meanwhile, and keeps how far it was seen. What waits
    /// goes first.
    pub async fn with_index<T>(
        &mut self,
        kc: &str,
        name: &str,
        to_write: bool,
        mut work: impl AsyncFnMut(&OpenIndex<H>) -> Result<T, IndexError>,
    ) -> Result<T> {
        for attempt in 0.. {
            let open = self.open_index(kc, name, to_write).await?;
            self.send_before(&open, kc, name, to_write).await?;
            match work(&open).await {
                Ok(done) => {
                    self.keep_seen(&open).await?;
                    return Ok(done);
                }
                Err(error) => self.settle_index(&open, error, attempt).await?,
            }
        }
        Err(Error::internal("an index's operation went on without end"))
    }

    /// Tells an index what is known of its keychain now.
    async fn teach(&mut self, open: &OpenIndex<H>) -> Result<()> {
        let id = open.scope;
        self.prepare(&id).await?;
        let server = self.belief.enrolled()?.server.clone();
        open.store.set_line(self.line(&server));
        let known = self.belief.scope(&id)?;
        let held: Vec<u32> = self.membership(known)?.held_keys().iter().collect();
        let (head, current) = (known.ledger().head(), known.ledger().current_key());
        let is_news = open.keys.head() != head;
        let anchored = known.ledger().anchors().get(&open.id).copied();
        open.keys.advance(self.belief.own()?.shared(), head, current, anchored);
        let mut ring = self.belief.rings.remove(&id).ok_or_else(unknown_keychain)?;
        let ledger = self.belief.scope(&id)?.ledger();
        for number in held.into_iter().rev().filter(|number| !open.keys.has_key(*number)) {
            if ring.reach(ledger, number)
                && let Some(key) = ring.key(number).and_then(|key| KeychainKey::from_slice(key.expose()))
            {
                open.keys.add_key(number, key);
            }
        }
        self.belief.rings.insert(id, ring);
        let me = self.me()?;
        if is_news || !open.keys.has_writer(&me) {
            let members = self.belief.scope(&id)?.ledger().members().keys().take(WRITERS);
            for account in members.copied().chain([me]).collect::<SortedSet<_>>().iter() {
                self.teach_writer(open, account).await?;
            }
        }
        Ok(())
    }

    /// Whether an account may write, by the newest state; if so its keys are told.
    async fn teach_writer(&mut self, open: &OpenIndex<H>, account: &ScopeId) -> Result<bool> {
        if !self.recall_account(account).await? {
            return Ok(false);
        }
        let ledger = self.belief.scope(&open.scope)?.ledger();
        let may = self.may_write(ledger, account);
        if may {
            self.tell_keys(open, account, None, None);
        }
        Ok(may)
    }

    pub(super) fn may_write(&self, ledger: &Ledger, account: &ScopeId) -> bool {
        let ledgers = self.belief.ledgers();
        let mut ways = ways::ways(ledger, *account, &ledgers).into_iter();
        ways.any(|way| ways::rights(ledger, account, &way, &ledgers).is_some_and(|rights| !rights.read_only))
    }

    /// The keys of all generations that an account has had since the keychain has seen it.
    fn tell_keys(&self, open: &OpenIndex<H>, account: &ScopeId, head: Option<Head>, until: Option<u64>) {
        let Some(known) = self.belief.accounts.get(account) else { return };
        let newest = known.ledger().generation();
        for generation in 0..=newest {
            if let Some(keys) = known.ledger().keys(generation) {
                open.keys.add_writer(*account, KnownWriter { key: keys.ledger, head, until });
            }
        }
    }

    /// Keeps how far an index was seen, durably. To be called after each use.
    pub async fn keep_seen(&mut self, open: &OpenIndex<H>) -> Result<()> {
        self.note_seen(open).await?;
        self.anchor_own(open).await;
        Ok(())
    }

    /// The indexes of a keychain that this device has seen.
    pub(super) async fn seen_indexes(&self, id: &ScopeId) -> Result<Vec<IndexId>> {
        let mut indexes = Vec::new();
        for (name, stored) in self.host.scan(record::SEEN).await? {
            let index: Option<IndexId> = name.strip_prefix(record::SEEN).and_then(|index| index.parse().ok());
            if super::read::<StoredSeen>(&stored)?.scope == Some(*id) {
                indexes.extend(index);
            }
        }
        Ok(indexes)
    }

    pub(super) async fn note_seen(&self, open: &OpenIndex<H>) -> Result<()> {
        let Some(seen) = open.index.seen() else { return Ok(()) };
        if open.noted() != Some(seen) {
            let stored = self.stored_seen(&open.id).await?;
            if let Some(stored) = stored {
                // Of what another process has seen meanwhile, nothing is forgotten.
                open.index.also_seen(stored).await?;
            }
            if stored.is_some_and(|stored| stored.generation > seen.generation) {
                return Ok(());
            }
            let Seen { generation, hash, ledger } = seen;
            let kept = StoredSeen { generation, hash, ledger, scope: Some(open.scope) };
            let kept = keyfold_format::cbor::encode(&kept);
            self.host.commit(vec![(record::seen(&open.id), Some(kept.into()))]).await?;
            open.set_noted(Some(seen));
        }
        open.keep_reference().await;
        Ok(())
    }

    /// After an index's operation failed: does what makes it succeed, if there is something; else gives the error as it
    /// is to be told. `attempt` counts from 0.
    pub async fn settle_index(&mut self, open: &OpenIndex<H>, error: IndexError, attempt: u32) -> Result<()> {
        let refused = open.store.take_refused();
        let is_told = refused.is_some();
        let told = match (&error, refused) {
            (IndexError::Store(_), Some(refused)) => refused,
            _ => error.clone().into(),
        };
        if attempt >= 3 {
            return Err(told);
        }
        match (&error, told.code) {
            (IndexError::Denied, _) => {
                let asked = open.keys.take_asked();
                // Whoever met the same here at once may be asking already.
                let mut settled = asked.is_empty() && attempt == 0;
                for (author, generation) in asked {
                    // It replays ledgers, and is rare: not carried along by whoever reads.
                    settled |= Box::pin(self.settle_author(open, &author, generation)).await?;
                }
                if settled { Ok(()) } else { Err(denied()) }
            }
            // What was written anew meanwhile may be sealed under a key that came since.
            (IndexError::NoKey(_) | IndexError::Behind, _) => {
                self.freshen(&open.scope).await?;
                self.teach(open).await.map(drop)
            }
            // Of two who were refused at once, one was told why.
            (IndexError::Store(StoreError::Denied(_)), _) if !is_told && attempt == 0 => Ok(()),
            // Whoever said so is out, and who put him out did not set it right: what was seen here is what counts.
            (IndexError::Rollback, _)
                if open.keys.is_anchored() && open.index.seen().is_some() && self.is_anchored_by_an_outsider(open) =>
            {
                open.keys.dismiss_anchor();
                Ok(())
            }
            // The state that was read is older than what may be deleted.
            (IndexError::Missing(_), _) => Ok(()),
            // A request of the session's own sets right what can be: the clock, the device's keys, the server's.
            (
                IndexError::Store(_),
                Code::ClockSkew | Code::Unauthorized | Code::BadServerSignature | Code::Replayed,
            ) => {
                self.freshen(&open.scope).await?;
                self.teach(open).await.map(drop)
            }
            _ => Err(told),
        }
    }

    /// After parts of a file could not be moved: does what makes it succeed, if there is something; else gives the error
    /// back. `attempt` counts from 0.
    pub async fn settle_parts(&mut self, parts: &Parts<H>, error: Error, attempt: u32) -> Result<()> {
        match error.code {
            Code::ClockSkew | Code::Unauthorized | Code::BadServerSignature | Code::Replayed if attempt < 3 => {
                self.freshen(&parts.open.scope).await?;
                self.teach(&parts.open).await
            }
            _ => Err(error),
        }
    }

    /// Finds out whether somebody might write a record when he knew what he says. Whether he might.
    async fn settle_author(&mut self, open: &OpenIndex<H>, author: &Author, generation: u64) -> Result<bool> {
        let id = open.scope;
        if self.belief.scope(&id)?.ledger().head().seq < author.head.seq {
            self.freshen(&id).await?;
            self.teach(open).await?;
        }
        if !self.recall_account(&author.account).await? || !self.teach_writer(open, &author.account).await? {
            self.fetch_accounts(&[author.account]).await?;
            self.commit().await?;
        }
        if self.teach_writer(open, &author.account).await? {
            return Ok(true);
        }
        // He may not write any more. What he wrote while he might is there all the same.
        let (entries, _) = self.whole(&id).await?;
        let then = self.replayed_until(&entries, author.head.seq).await?;
        let stands = then.as_ref().filter(|then| then.head() == author.head);
        let might = stands.is_some_and(|then| self.may_write(then, &author.account));
        let until = self.last_of(open, author, &entries).await?;
        let believed = might && until.is_none_or(|until| generation <= until);
        if believed {
            self.tell_keys(open, &author.account, Some(author.head), until);
        }
        Ok(believed)
    }

    /// The last record that may be of somebody who may not write any more: so far was the index when the ledger said so,
    /// after it had put him out.
    async fn last_of(&mut self, open: &OpenIndex<H>, author: &Author, entries: &[SignedEntry]) -> Result<Option<u64>> {
        let anchored = self.belief.scope(&open.scope)?.ledger().anchors().get(&open.id).copied();
        let Some(anchored) = anchored.filter(|anchored| anchored.seq > author.head.seq) else { return Ok(None) };
        let then = self.replayed_until(entries, anchored.seq).await?;
        let was_in = then.is_some_and(|then| self.may_write(&then, &author.account));
        Ok((!was_in).then_some(anchored.generation))
    }

    /// A ledger as it was after its entry `seq`.
    async fn replayed_until(&mut self, entries: &[SignedEntry], seq: u64) -> Result<Option<Ledger>> {
        let mut ledger: Option<Ledger> = None;
        for entry in entries.iter().take(usize::try_from(seq).unwrap_or(usize::MAX).saturating_add(1)) {
            loop {
                let ledgers = self.belief.ledgers();
                let appended = match &mut ledger {
                    None => Ledger::genesis(entry, &ledgers).map(|genesis| ledger = Some(genesis)),
                    Some(ledger) => ledger.append(entry, &ledgers).map(drop),
                };
                match appended {
                    Ok(()) => break,
                    Err(rejected) => self.provide(Stop::from(rejected)).await?,
                }
            }
        }
        Ok(ledger.filter(|ledger| ledger.head().seq == seq))
    }
}

fn denied() -> Error {
    Error::new(Code::NotAllowed, "the index was last written by somebody who may not write in the keychain")
        .hint("Either the storage shows what a banned or read-only member wrote, or this device cannot see why he may. Nothing of it was believed.")
}
