//! `Anchor`: how far indexes are. What stands in a ledger no storage takes back, and whoever was put out before it
//! writes nothing behind it.

use super::{
    super::{
        op::Anchor,
        state::{Anchored, State},
    },
    Context,
};
use crate::{Rejected, limits};

pub(super) fn anchor(state: &mut State, op: &Anchor, context: &Context<'_>) -> Result<(), Rejected> {
    if context.actor.read_only {
        return Err(Rejected::AnchorReadOnly);
    }

    let (seq, author) = (context.entry.seq, context.entry.author);
    for record in &op.records {
        // The later one counts, whatever it says: so one that is wrong is set right.
        let (generation, hash) = (record.generation, record.hash);
        state.anchors.insert(record.index, Anchored { generation, hash, seq, author });
    }
    // Nobody fills a keychain with indexes that there are not: those of the oldest entries go first.
    while state.anchors.len() > limits::ANCHORS {
        let oldest = state.anchors.iter().min_by_key(|(_, anchored)| anchored.seq).map(|(index, _)| *index);
        let Some(oldest) = oldest else { break };
        state.anchors.remove(&oldest);
    }
    Ok(())
}
