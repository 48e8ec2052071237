//! The lying server, network and fault helpers, end-to-end stories.
