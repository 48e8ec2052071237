//! What bytes from outside may do to every parser, to the replay of ledgers, and to people among an attacker and an
//! evil server: nothing that a target's assertions do not allow, and never a panic.
//!
//! `cargo xtask fuzz TARGET` lets libFuzzer choose the bytes; `tests/mutations.rs` plays altered vectors in every run
//! of the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod indexes;
// What the tests of the index play with random bytes, and the storage that it is played on.
#[path = "../../crates/keyfold-index/tests/interplay.rs"]
mod interplay;
mod parsers;
pub mod seeds;
#[allow(dead_code)]
#[path = "../../crates/keyfold-index/tests/support.rs"]
mod support;
mod vaults;

use keyfold_format::audit::AuditFile;

/// Something that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// What `cargo xtask fuzz` calls it.
    pub name: &'static str,
    /// Panics if an assertion fails.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "account-entry", run: parsers::account_entry },
    Target { name: "scope-entry", run: parsers::scope_entry },
    Target { name: "signed-entry", run: parsers::signed_entry },
    Target { name: "snapshot", run: parsers::snapshot },
    Target { name: "receipt", run: parsers::receipt },
    Target { name: "wrap", run: parsers::wrap },
    Target { name: "envelope", run: parsers::envelope },
    Target { name: "value", run: parsers::value },
    Target { name: "bodies", run: parsers::bodies },
    Target { name: "events", run: parsers::events },
    Target { name: "fields", run: parsers::fields },
    Target { name: "index-node", run: indexes::node },
    Target { name: "index-record", run: indexes::record },
    Target { name: "index-lists", run: indexes::lists },
    Target { name: "vault-values", run: vaults::values },
    Target { name: "vault-keys", run: vaults::keys },
    Target { name: "index", run: interplay::play },
    Target { name: "ledgers", run: ledgers },
    Target { name: "interactions", run: interactions },
];

/// Those that take their time: not for a million runs.
pub const SLOW: &[&str] = &["index", "interactions"];

/// The one of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

/// A whole history: accounts, groups and a scope, replayed from their first entries on. What holds is told, and is the
/// same after another encoding.
fn ledgers(bytes: &[u8]) {
    let Ok(file) = AuditFile::decode(bytes) else { return };
    assert_eq!(AuditFile::decode(&file.encode()).as_ref(), Ok(&file), "a file is what its bytes say");
    match &file {
        AuditFile::History(history) => {
            let mut shown = 0;
            if history.verify(|_| shown += 1).is_ok() {
                assert_eq!(shown, history.entries.len(), "all of it was replayed");
                assert_eq!(file.encode(), bytes, "what holds has one encoding");
            }
        }
        AuditFile::Evidence(evidence) => {
            if let Ok(proved) = evidence.verify() {
                assert_ne!(proved.earlier.head, proved.later.head, "a server contradicts itself");
            }
        }
    }
    // The client's reading of it fails with a code, or tells all.
    keyfold_client::verify_audit_file(bytes, None).ok();
}

/// People, an attacker and the evil server (S2, S10, S17).
fn interactions(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(keyfold_testing::interaction::play(bytes));
}
