//! Commits that wait for each other: whoever's turn it is commits for all of them, as one swap.

use crate::{
    batch::Batch,
    error::Result,
    limits::{TAIL_BYTES, TAIL_CHANGES},
};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What came of a commit, for who waits for it.
#[derive(Default)]
pub(crate) struct Outcome(Mutex<Option<Result<()>>>);

impl Outcome {
    pub(crate) fn take(&self) -> Option<Result<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A batch, and who waits for it. Whoever does not wait any more has given it up.
struct Waiting {
    batch: Batch,
    told: Weak<Outcome>,
}

/// Batches that are to be committed, in the order in which they came.
#[derive(Default)]
pub(crate) struct Line {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by who commits.
    pub(crate) turn: futures_util::lock::Mutex<()>,
}

/// Batches that one commits together. If he does not come to it, they wait again.
pub(crate) struct Together<'l> {
    line: &'l Line,
    taken: Vec<Waiting>,
}

impl Line {
    pub(crate) fn join(&self, batch: Batch) -> Arc<Outcome> {
        let outcome = Arc::default();
        self.waiting().push(Waiting { batch, told: Arc::downgrade(&outcome) });
        outcome
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that come first, the first one at least: no more than go into the tail.
    pub(crate) fn together(&self) -> Together<'_> {
        let mut waiting = self.waiting();
        waiting.retain(|waiting| waiting.told.strong_count() > 0);
        let (mut changes, mut bytes) = (0, 0);
        let fit = waiting.iter().take_while(|Waiting { batch, .. }| {
            changes += batch.len();
            bytes += batch.weight();
            changes <= TAIL_CHANGES && bytes <= TAIL_BYTES
        });
        let fit = fit.count().max(1).min(waiting.len());
        let taken = waiting.drain(..fit).collect();
        Together { line: self, taken }
    }
}

impl Together<'_> {
    /// All of them, as one. `own`: who commits. If nobody else is there, nothing is copied: when he gives up, nobody is left
    /// who waits for it.
    pub(crate) fn batch(&mut self, own: &Arc<Outcome>) -> Batch {
        match self.taken.as_mut_slice() {
            [only] if only.told.as_ptr() == Arc::as_ptr(own) => std::mem::take(&mut only.batch),
            all => all.iter().flat_map(|waiting| waiting.batch.clone().0).collect(),
        }
    }

    /// Tells everybody.
    pub(crate) fn tell(mut self, result: &Result<()>) {
        for told in self.taken.drain(..).filter_map(|waiting| waiting.told.upgrade()) {
            *told.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.clone());
        }
    }
}

impl Drop for Together<'_> {
    fn drop(&mut self) {
        // One without changes was taken by who gave it up.
        let left = self.taken.drain(..).filter(|waiting| !waiting.batch.is_empty());
        self.line.waiting().splice(..0, left);
    }
}
