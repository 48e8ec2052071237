//! Keeps ordered entries in one of four peers, does with them what `benches/src/index` does with Keyfold's, and prints what
//! it cost as one JSON document. A process of its own, because its dependencies shall not be ours; and each peer in a turn
//! of its own, because they share a machine.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[path = "../../../src/index/costs.rs"]
mod costs;
#[path = "../../../src/index/cpu.rs"]
mod cpu;
#[path = "../../../src/index/entries.rs"]
mod entries;
#[path = "../../../src/index/line.rs"]
mod line;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "slatedb")]
mod slate;
#[cfg(any(feature = "sqlite", feature = "sqlcipher"))]
mod sqlite;
mod table;

use anyhow::bail;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, folder, entries, few] = arguments.as_slice() else { bail!("PEER FOLDER ENTRIES FEW") };
    let (folder, entries, few) = (Path::new(folder), entries.parse()?, few.parse()?);
    let costs = match peer.as_str() {
        #[cfg(feature = "redb")]
        "redb" => table::measure::<redb::Redb>(folder, entries, few)?,
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::measure(folder, entries, few)?,
        #[cfg(feature = "sqlcipher")]
        "sqlcipher" => sqlite::measure(folder, entries, few)?,
        #[cfg(feature = "slatedb")]
        "slatedb" => slate::measure(entries, few)?,
        other => bail!("there is no peer `{other}` in this program"),
    };
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}
