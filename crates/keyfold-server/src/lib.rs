//! Keyfold server: stores ledgers, wraps and events that it cannot read, and refuses what the ledger does not allow.
