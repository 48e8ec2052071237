//! A keychain with everybody in it directly.

use super::place::{Ban, EACH, EVERYTHING, Place, share, steward};
use crate::crowd::{Crowd, name};
use crate::process::Cost;
use anyhow::ensure;
use keyfold_client::{Algorithm, PermissionFlags};
use std::path::Path;
use tokio::runtime::Runtime;

const PURPOSE: &str = "town";
/// Recipients of one entry: the format lets it have a few more.
const SHARE: usize = 1_000;

/// What was measured.
pub(super) struct Costs {
    pub(super) members: usize,
    /// bob reads that everybody else has come in.
    pub(super) reading: Cost,
    pub(super) bans: Vec<Ban>,
}

/// Fills a keychain with `members` people, and bans some of them, one after the other.
pub(super) fn measure(
    runtime: &Runtime,
    keyfold: &Path,
    crowd: &Crowd,
    members: usize,
    turns: usize,
) -> anyhow::Result<Costs> {
    let place = runtime.block_on(settle(keyfold, crowd, members))?;
    let reading = place.run("bob", &["sync"])?;
    place.run("alice", &["sync"])?;
    let mut bans = Vec::new();
    for turn in 0..turns {
        bans.push(place.ban(PURPOSE, &name(turn))?);
    }
    runtime.block_on(async {
        let bob = place.client("bob")?.keychain(PURPOSE).await?;
        ensure!(bob.keys.len() == turns + 1, "bob has {} keys after {turns} bans", bob.keys.len());
        let left = place.client("alice")?.participants(PURPOSE, None, true).await?.len();
        ensure!(left == members - turns, "{left} of {members} are left after {turns} bans");
        Ok(())
    })?;
    Ok(Costs { members, reading, bans })
}

async fn settle(keyfold: &Path, crowd: &Crowd, members: usize) -> anyhow::Result<Place> {
    let stewards = members.div_ceil(EACH);
    // alice, bob and the stewards are members too.
    let people = members.saturating_sub(2 + stewards);
    let place = Place::found(keyfold, crowd, people).await?;
    let alice = place.client("alice")?;
    let keychain = alice.create_keychain(PURPOSE, Algorithm::SecretBox).await?.keychain_fingerprint;
    let names: Vec<String> = (0..place.stewards.len()).map(steward).collect();
    share(&alice, PURPOSE, &names, EVERYTHING).await?;
    share(&alice, PURPOSE, &["bob".to_owned()], PermissionFlags::default()).await?;
    place.client("bob")?.sync().await?;
    let everybody: Vec<String> = (0..people).map(name).collect();
    for (steward, theirs) in place.stewards.iter().zip(everybody.chunks(EACH)) {
        steward.sync().await?;
        for some in theirs.chunks(SHARE) {
            share(steward, PURPOSE, some, PermissionFlags::default()).await?;
        }
    }
    place.crowd.accept(place.server.url(), keychain.parse()?, 0).await?;
    Ok(place)
}
