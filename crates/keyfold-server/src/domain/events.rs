//! What somebody missed.

use super::{Domain, Fault};
use keyfold_format::ScopeId;
use keyfold_protocol::events::{Cursor, Event};

/// Events read at once.
const PAGE: u32 = 1_024;

impl Domain {
    /// The newest of each scope after a cursor, ascending; empty when there is nothing more.
    pub(crate) async fn missed(&self, account: ScopeId, after: Cursor) -> Result<Vec<Event>, Fault> {
        Ok(self.store.events(account, after, PAGE).await?)
    }

    /// Where the stream is now.
    pub(crate) async fn cursor(&self) -> Result<Cursor, Fault> {
        Ok(self.store.cursor().await?)
    }
}
