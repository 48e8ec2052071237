//! A keychain with as many people in it, by groups that stand in it.

use super::place::{Ban, EACH, EVERYTHING, Place, share};
use crate::crowd::{Crowd, name};
use anyhow::{Context, ensure};
use keyfold_client::{Algorithm, PermissionFlags};
use std::path::Path;
use tokio::runtime::Runtime;

const PURPOSE: &str = "town";
/// Rank of a team.
const RANK: u16 = 100;

/// How the people are divided.
#[derive(Clone, Copy)]
pub(super) struct Division {
    pub(super) groups: usize,
    /// Members of each, alice and its steward among them.
    pub(super) size: usize,
}

impl Division {
    /// Those of the crowd that are in a group: bob takes a place in the first one.
    fn people(self, group: usize) -> impl Iterator<Item = usize> {
        let each = self.size.saturating_sub(2);
        (group * each..(group + 1) * each).skip(usize::from(group == 0))
    }
}

/// Puts people out of the first group, one after the other. Each ends when the keychain above has a new key too.
pub(super) fn measure(
    runtime: &Runtime,
    keyfold: &Path,
    crowd: &Crowd,
    division: Division,
    turns: usize,
) -> anyhow::Result<Vec<Ban>> {
    let place = runtime.block_on(settle(keyfold, crowd, division))?;
    let mut bans = Vec::new();
    for number in division.people(0).take(turns) {
        bans.push(place.ban(&team(0), &name(number))?);
    }
    runtime.block_on(async {
        for who in ["alice", "bob"] {
            let keys = place.client(who)?.keychain(PURPOSE).await?.keys.len();
            ensure!(keys == turns + 1, "{who} has {keys} keys of the keychain after {turns} bans from the group");
        }
        Ok(())
    })?;
    Ok(bans)
}

async fn settle(keyfold: &Path, crowd: &Crowd, division: Division) -> anyhow::Result<Place> {
    let people = division.groups * division.size.saturating_sub(2);
    let place = Place::found(keyfold, crowd, people).await?;
    let teams_each = EACH / division.size;
    let mut ids = Vec::new();
    for group in 0..division.groups {
        let founder = place.stewards.get(group / teams_each).context("there are stewards for all groups")?;
        ids.push(founder.create_group(team(group).trim_start_matches("group:"), RANK).await?.group_fingerprint);
        share(founder, &team(group), &["alice".to_owned()], EVERYTHING).await?;
        let mut names: Vec<String> = division.people(group).map(name).collect();
        if group == 0 {
            names.push("bob".to_owned());
        }
        share(founder, &team(group), &names, PermissionFlags::default()).await?;
    }
    let alice = place.client("alice")?;
    alice.sync().await?;
    for (group, id) in ids.iter().enumerate() {
        let reader = division.people(group).next().context("there are people in each group")?;
        place.crowd.accept(place.server.url(), id.parse()?, reader).await?;
    }
    place.client("bob")?.sync().await?;
    alice.sync().await?;
    alice.create_keychain(PURPOSE, Algorithm::SecretBox).await?;
    let teams: Vec<String> = (0..division.groups).map(team).collect();
    share(&alice, PURPOSE, &teams, PermissionFlags::default()).await?;
    place.client("bob")?.sync().await?;
    Ok(place)
}

/// A group as calls name it.
fn team(number: usize) -> String {
    format!("group:team{number}")
}
