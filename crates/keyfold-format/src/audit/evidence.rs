//! Two receipts of one server that cannot both be true of one ledger. The later head is shown to grow from another
//! entry than the earlier receipt names; the proof rests on the server's two signatures and on nothing else.
//!
//! A receipt that is merely older than another is none: honest servers answer out of order, and show a former member
//! the state up to his end. So there is no evidence against a server that only withholds.

use crate::{
    entry::{SignedEntry, entry_hash},
    id::{EntryHash, ScopeId},
    key::VerifyingKey,
    receipt::{Receipt, Statement},
};
use alloc::vec::Vec;

/// A claim that a server contradicted itself: nothing of it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Whose signatures they are.
    pub server: VerifyingKey,
    /// The receipt for the lower number, or one of two for the same.
    pub earlier: Receipt,
    /// The other one.
    pub later: Receipt,
    /// The hash that stands at the earlier receipt's number in the ledger of the later one.
    pub fork: EntryHash,
    /// The signed bytes of the entries that lead from there to the later head, oldest first.
    pub chain: Vec<Vec<u8>>,
}

/// What evidence proves: the server signed both, and no ledger has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What it signed for the lower number.
    pub earlier: Statement,
    /// What it signed besides.
    pub later: Statement,
    /// What stands at the earlier number in the ledger of the later receipt.
    pub fork: EntryHash,
}

/// Why evidence proves nothing. No detail: whoever made it up needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not show that the server contradicted itself")]
pub struct NotEvidence;

impl Evidence {
    /// Evidence, if the two contradict each other. `entries` is the ledger that leads to `later`, from its first entry
    /// on; where both name the same number, none is needed.
    pub fn find(server: &VerifyingKey, earlier: &Receipt, later: &Receipt, entries: &[SignedEntry]) -> Option<Self> {
        let (low, high) = (earlier.statement.head, later.statement.head);
        let mut found = Self { server: *server, earlier: *earlier, later: *later, fork: high.hash, chain: Vec::new() };
        if low.seq < high.seq {
            let mut hash = EntryHash::NONE;
            for (seq, entry) in (0..=high.seq).zip(entries) {
                hash = entry.hash(hash, seq);
                if seq == low.seq {
                    found.fork = hash;
                } else if seq > low.seq {
                    found.chain.push(entry.signed.clone());
                }
            }
        }
        found.verify().is_ok().then_some(found)
    }

    /// The ledger that both are about, as the file says.
    pub fn scope(&self) -> ScopeId {
        self.earlier.statement.scope
    }

    /// Checks both signatures, and that the later head does not grow from the earlier one.
    pub fn verify(&self) -> Result<Contradiction, NotEvidence> {
        let (low, high) = (self.earlier.statement, self.later.statement);
        let links = high.head.seq.checked_sub(low.head.seq).ok_or(NotEvidence)?;
        if low.scope != high.scope || self.fork == low.head.hash || self.chain.len() as u64 != links {
            return Err(NotEvidence);
        }
        let later = (low.head.seq..high.head.seq).map(|seq| seq + 1);
        let end = later.zip(&self.chain).fold(self.fork, |prev, (seq, signed)| entry_hash(prev, seq, signed));
        if end != high.head.hash {
            return Err(NotEvidence);
        }
        let verified = |receipt: &Receipt| receipt.verify(&self.server).map_err(|_| NotEvidence);
        Ok(Contradiction { earlier: verified(&self.earlier)?, later: verified(&self.later)?, fork: self.fork })
    }
}
