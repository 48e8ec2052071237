//! What a keychain's ledger says of how far its indexes are: so no storage takes them back, and nobody writes on behind it
//! who was put out before.
//!
//! Spec: `docs/spec/index.md`, "Anchored".

use super::Session;
use crate::{Result, host::Host, machine::compose, vault::OpenIndex};
use keyfold_format::{ScopeId, limits, scope::AnchoredRecord};
use keyfold_index::{IndexError, Seen};

impl<H: Host> Session<H> {
    /// After a new key: anchors those indexes of a keychain that this device has seen. What fails is left to whoever
    /// writes next.
    pub(super) async fn anchor_seen(&mut self, id: &ScopeId) {
        // It is rare: whoever waits for something else does not carry its room along.
        _ = Box::pin(self.try_anchor_seen(id)).await;
    }

    /// Anchors an index that was last written by this account, with the current key.
    pub(super) async fn anchor_own(&mut self, open: &OpenIndex<H>) {
        let Ok(scope) = self.belief.scope(&open.scope) else { return };
        let (ledger, me) = (scope.ledger(), self.me().ok());
        let rotated = ledger.rotated_at();
        let author = open.index.author().filter(|author| author.head.seq >= rotated);
        if author.is_some() && author.map(|author| author.account) == me && compose::wants_anchor(ledger, &open.id) {
            let records = anchored(open).into_iter().collect();
            _ = Box::pin(self.anchor(&open.scope, rotated, records)).await;
        }
    }

    async fn try_anchor_seen(&mut self, id: &ScopeId) -> Result<()> {
        let mut due = self.seen_indexes(id).await?;
        let ledger = self.belief.scope(id)?.ledger();
        let rotated = ledger.rotated_at();
        due.retain(|index| compose::wants_anchor(ledger, index));
        let mut records = Vec::new();
        for index in due.into_iter().take(limits::ANCHORS) {
            let open = self.open_index_of(*id, index).await?;
            for attempt in 0.. {
                match open.snapshot().await {
                    Ok(_) => {
                        self.note_seen(&open).await?;
                        records.extend(anchored(&open));
                        break;
                    }
                    // Whoever said so is out: what he said is no more than what the storage says.
                    Err(IndexError::Rollback) if attempt < 3 && self.is_anchored_by_an_outsider(&open) => {
                        open.keys.dismiss_anchor();
                    }
                    // One that cannot be read keeps nobody from anchoring the others.
                    Err(error) => {
                        if self.settle_index(&open, error, attempt).await.is_err() {
                            break;
                        }
                    }
                }
            }
        }
        self.anchor(id, rotated, records).await
    }

    pub(super) fn is_anchored_by_an_outsider(&self, open: &OpenIndex<H>) -> bool {
        let Ok(scope) = self.belief.scope(&open.scope) else { return false };
        let anchored = scope.ledger().anchors().get(&open.id);
        anchored.is_some_and(|anchored| !self.may_write(scope.ledger(), &anchored.author))
    }

    /// `rotated`: the entry with the newest key when the records were read.
    async fn anchor(&mut self, id: &ScopeId, rotated: u64, mut records: Vec<AnchoredRecord>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        records.sort_unstable_by_key(|record| record.index);
        let draft = self
            .append(*id, |belief, author, rng| {
                compose::anchor(belief.scope(id)?, rotated, &records, author, &belief.ledgers(), rng)
            })
            .await?;
        if draft.is_some() {
            self.tell(id, Vec::new())?;
        }
        self.commit().await
    }
}

fn anchored<H: Host>(open: &OpenIndex<H>) -> Option<AnchoredRecord> {
    let Seen { generation, hash, .. } = open.index.seen()?;
    Some(AnchoredRecord { index: open.id, generation, hash })
}
