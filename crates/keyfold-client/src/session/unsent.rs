//! Changes of an index that wait for the server: kept in the home before whoever wrote them is told that they are, and
//! sent in their order before anything else is read or written there. Nothing of them is dropped but by who gives them up.
//!
//! Spec: `docs/spec/index.md`, "Written offline".

use super::Session;
use crate::{
    Error, Result,
    host::Host,
    machine::record,
    vault::{IndexBatch, IndexPlace, OpenIndex, Unsent, index_id},
};
use keyfold_format::{ObjectId, ScopeId};
use keyfold_index::IndexError;
use keyfold_protocol::Code;

impl<H: Host> Session<H> {
    /// How many changes of an index wait for the server: batches, each of which happens as a whole.
    pub async fn waiting(&mut self, kc: &str, name: &str) -> Result<u64> {
        let id = self.resolve_or_left(kc, name).await?;
        Ok(self.host.scan(&record::unsent(&index_id(&id, name))).await?.len() as u64)
    }

    /// Forgets what waits of an index. Which index it is, and how many changes that were.
    pub async fn give_up(&mut self, kc: &str, name: &str) -> Result<(IndexPlace, u64)> {
        let keychain = self.resolve_or_left(kc, name).await?;
        let index = index_id(&keychain, name);
        let names: Vec<String> =
            self.host.scan(&record::unsent(&index)).await?.into_iter().map(|(name, _)| name).collect();
        let count = names.len() as u64;
        if count > 0 {
            self.host.commit(names.into_iter().map(|name| (name, None)).collect()).await?;
        }
        Ok((IndexPlace { keychain, index }, count))
    }

    /// Keeps changes of an index that could not be sent, durably: they wait. Which index it is. `shown`: see [`Unsent`].
    /// `unreached`: what is to be said where this device has never seen the index, or it is more than fits into an object.
    pub async fn keep_unsent(
        &mut self,
        kc: &str,
        name: &str,
        changes: IndexBatch,
        shown: Option<IndexBatch>,
        unreached: Error,
    ) -> Result<IndexPlace> {
        let open = self.open_index(kc, name, false).await?;
        if changes.is_empty() {
            return Ok(open.place());
        }
        self.check_may_write(&open.scope)?;
        if !open.was_seen().await {
            return Err(unreached);
        }
        if open.is_stuck() {
            return Err(stuck());
        }
        let number = open.unsent().last().map_or(0, |last| last.number.saturating_add(1));
        let sealed = match open.seal_unsent(number, changes, shown) {
            // So much goes to a server at once, and is not for a home to keep.
            Err(IndexError::TooLarge { what: "object", .. }) => return Err(unreached),
            sealed => sealed?,
        };
        self.host.commit(vec![(record::unsent_at(&open.id, number), Some(sealed.into()))]).await?;
        self.recall_unsent(&open).await?;
        Ok(open.place())
    }

    /// Sends what waits of an index, in its order, up to the first that is of records: what is found by these, only their
    /// application can say. It is returned, and goes out by [`Self::send_derived`].
    ///
    /// What is refused goes on waiting.
    pub async fn send_unsent(&mut self, kc: &str, name: &str) -> Result<Option<Unsent>> {
        if self.waiting(kc, name).await? == 0 {
            return Ok(None);
        }
        let (id, is_stale) = self.ready_to_write(kc).await.map_err(refused)?;
        let open = self.open_index_of(id, index_id(&id, name)).await?;
        if is_stale {
            open.set_unreached(true);
            return Err(unreached());
        }
        while let Some(first) = open.unsent().first() {
            if first.shown.is_some() {
                return Ok(Some(first.clone()));
            }
            self.settled(&open, async || open.commit(first.changes.clone()).await.map(|()| true)).await?;
            self.forget_unsent(&open, first.number).await?;
        }
        if open.is_stuck() { Err(stuck()) } else { Ok(None) }
    }

    /// Sends the first that waits, of records, as it was worked out from a record of the index. `false`: that is not the
    /// newest one any more, or something else is the first.
    pub async fn send_derived(
        &mut self,
        kc: &str,
        name: &str,
        first: &ObjectId,
        generation: Option<u64>,
        batch: &IndexBatch,
    ) -> Result<bool> {
        let (id, is_stale) = self.ready_to_write(kc).await.map_err(refused)?;
        if is_stale {
            return Err(unreached());
        }
        let open = self.open_index_of(id, index_id(&id, name)).await?;
        let Some(number) = open.unsent().first().filter(|unsent| unsent.id == *first).map(|first| first.number) else {
            return Ok(false);
        };
        let is_sent = self.settled(&open, async || open.commit_on(generation, batch.clone()).await).await?;
        if is_sent {
            self.forget_unsent(&open, number).await?;
        }
        Ok(is_sent)
    }

    /// What waits goes before whatever is done. Who only reads is shown it all the same where it cannot go: the server is
    /// not reached, or refuses it, or it waits for the application of its records.
    pub(crate) async fn send_before(
        &mut self,
        open: &OpenIndex<H>,
        kc: &str,
        name: &str,
        to_write: bool,
    ) -> Result<()> {
        // What was found before is forgotten.
        open.set_unreached(false);
        if !open.is_waiting() {
            return Ok(());
        }
        // Seldom needed, and not small: whoever waits for an index has no room for it.
        match Box::pin(self.send_unsent(kc, name)).await {
            Err(error) if to_write => Err(error),
            _ => Ok(()),
        }
    }

    /// Tells an index what waits.
    pub(super) async fn recall_unsent(&mut self, open: &OpenIndex<H>) -> Result<()> {
        let prefix = record::unsent(&open.id);
        let (mut unsent, mut is_stuck) = (Vec::new(), false);
        for (name, kept) in self.host.scan(&prefix).await? {
            let number = name.strip_prefix(&prefix).and_then(|number| u64::from_str_radix(number, 16).ok());
            let number = number.ok_or_else(|| Error::internal("what waits has no number"))?;
            match open.index.open_unsent(number, &kept) {
                Ok(opened) => unsent.push(opened),
                // Whoever reads is not kept from it: what comes behind this waits with it.
                Err(IndexError::NoKey(_)) => {
                    is_stuck = true;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        open.set_unsent(unsent, is_stuck);
        Ok(())
    }

    /// Commits, whatever has to be found out meanwhile.
    async fn settled(
        &mut self,
        open: &OpenIndex<H>,
        work: impl AsyncFn() -> keyfold_index::Result<bool>,
    ) -> Result<bool> {
        for attempt in 0.. {
            match work().await {
                Ok(is_sent) => {
                    self.keep_seen(open).await?;
                    return Ok(is_sent);
                }
                Err(error) => {
                    let settled = self.settle_index(open, error, attempt).await;
                    if settled.as_ref().is_err_and(Error::is_offline) {
                        open.set_unreached(true);
                    }
                    settled.map_err(refused)?;
                }
            }
        }
        Err(Error::internal("what waits was sent without end"))
    }

    /// It is there. Who stops before this sends it once more.
    async fn forget_unsent(&mut self, open: &OpenIndex<H>, number: u64) -> Result<()> {
        self.host.commit(vec![(record::unsent_at(&open.id, number), None)]).await?;
        self.recall_unsent(open).await
    }

    /// A keychain, also one that somebody was put out of while something waited.
    async fn resolve_or_left(&mut self, kc: &str, name: &str) -> Result<ScopeId> {
        let unknown = match self.resolve(kc).await {
            Err(error) if error.code != Code::AmbiguousPurpose => error,
            resolved => return resolved,
        };
        let rings = self.belief.rings.iter().filter(|(_, ring)| !ring.is_empty() && ring.purpose() == kc);
        let left: Vec<ScopeId> = rings.map(|(id, _)| *id).collect();
        for id in &left {
            if !self.host.scan(&record::unsent(&index_id(id, name))).await?.is_empty() {
                return Ok(*id);
            }
        }
        left.first().copied().ok_or(unknown)
    }
}

/// Why something goes on waiting, for who hears of it while he does something else.
pub(crate) fn refused(error: Error) -> Error {
    if error.is_offline() {
        return error;
    }
    Error::new(error.code, format!("a change that waited for the server was refused: {}", error.message)).hint(
        "It goes on waiting, and so does what was written after it. What waits can be sent again, or be given up.",
    )
}

fn stuck() -> Error {
    refused(Error::new(Code::NoKey, "it was written with a key of the keychain that is not held any more"))
}

fn unreached() -> Error {
    Error::new(Code::ServerUnavailable, "the server was not reached")
}
