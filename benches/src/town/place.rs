//! A town: a server, alice behind a relay that counts what she sends, bob, the crowd, and those who let the crowd in.
//! alice and bob are clients with homes, so that each can be measured as a program that does one thing.

use crate::crowd::Crowd;
use crate::home::Server;
use crate::process::{self, Cost, Peak};
use crate::relay::Relay;
use keyfold_client::{Client, PermissionFlags, ShareKeys, ShareOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What whoever manages something may do: everything.
pub(super) const EVERYTHING: PermissionFlags =
    PermissionFlags { allow_sharing: true, allow_rotation: true, allow_deletion: true, allow_management: true };

/// People whom one steward looks up: a server lets nobody enumerate everybody.
pub(super) const EACH: usize = 2_000;

pub(super) struct Place {
    pub(super) server: Server,
    pub(super) relay: Relay,
    pub(super) crowd: Crowd,
    pub(super) stewards: Vec<Client>,
    keyfold: PathBuf,
    homes: TempDir,
}

/// What one ban cost.
pub(super) struct Ban {
    /// Whoever bans: the program from its start to its end.
    pub(super) banning: Cost,
    /// Bytes that it sent.
    pub(super) sent: u64,
    /// The most memory of the server meanwhile, in MiB.
    pub(super) server_mib: f64,
    /// Another member, who then takes in what happened.
    pub(super) taking_in: Cost,
}

impl Place {
    /// With the first `people` of the crowd signed up, and as many stewards as they need.
    pub(super) async fn found(keyfold: &Path, crowd: &Crowd, people: usize) -> anyhow::Result<Self> {
        let server = Server::start(keyfold)?;
        let relay = Relay::start(server.url().trim_start_matches("http://").to_owned()).await?;
        let homes = tempfile::tempdir()?;
        crowd.sign_up(server.url(), people).await?;
        let mut place =
            Self { server, relay, crowd: crowd.clone(), stewards: Vec::new(), keyfold: keyfold.to_owned(), homes };
        place.client("alice")?.signup("alice", &place.relay.url(), None).await?;
        place.client("bob")?.signup("bob", place.server.url(), None).await?;
        for number in 0..people.div_ceil(EACH).max(1) {
            let name = steward(number);
            let client = place.client(&name)?;
            client.signup(&name, place.server.url(), None).await?;
            place.stewards.push(client);
        }
        Ok(place)
    }

    /// A client on somebody's home.
    pub(super) fn client(&self, name: &str) -> anyhow::Result<Client> {
        Ok(Client::open(&self.homes.path().join(name))?)
    }

    /// Runs `keyfold` on somebody's home.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Cost> {
        let mut command = Command::new(&self.keyfold);
        command.arg("--home").arg(self.homes.path().join(name)).args(arguments);
        process::run_apart(&command)
    }

    /// alice bans somebody, and bob then takes that in.
    pub(super) fn ban(&self, scope: &str, who: &str) -> anyhow::Result<Ban> {
        self.relay.take_sent();
        let peak = Peak::of(self.server.process())?;
        let banning = self.run("alice", &["ban", scope, who])?;
        let (sent, server_mib) = (self.relay.take_sent(), peak.mib()?);
        let taking_in = self.run("bob", &["sync"])?;
        Ok(Ban { banning, sent, server_mib, taking_in })
    }
}

/// The user id of a steward.
pub(super) fn steward(number: usize) -> String {
    format!("steward{number}")
}

/// Shares everything there is.
pub(super) async fn share(
    by: &Client,
    scope: &str,
    with: &[String],
    permissions: PermissionFlags,
) -> anyhow::Result<()> {
    let with: Vec<&str> = with.iter().map(String::as_str).collect();
    by.share(scope, &with, ShareKeys::All, ShareOptions { permissions, ..ShareOptions::default() }).await?;
    Ok(())
}
