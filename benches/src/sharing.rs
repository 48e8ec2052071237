//! Sharing as people do it: one server, a sharer, and clients that wait for events. Server, client and ledger are
//! measured together, over TCP on one machine; each time ends when the last recipient's client has said that it
//! holds the key. What e2esdk takes for the same is recorded, since its server cannot be installed.

use crate::Arguments;
use crate::home::Server;
use crate::machine::Machine;
use crate::table::{Bound, Line, Table, Target, Unit, Whose, median};
use anyhow::{Context, ensure};
use futures_util::StreamExt;
use keyfold_client::{Algorithm, Client, ClientEvent, ShareKeys, ShareOptions, SyncState};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// How many, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Recipients who are online
    #[arg(long, default_value_t = Options::default().people)]
    people: usize,
    /// Turns of each work
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { people: 50, turns: 7 }
    }
}

/// Keys of the complete keychain.
const KEYS: usize = 20;
/// By then everybody has read what the others did.
const SETTLE: Duration = Duration::from_secs(2);
/// What did not arrive by then does not arrive.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    println!("Sharing with {} people …", options.people);
    let server = Server::start(&arguments.keyfold)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let samples = runtime.block_on(measure(&server, options))?;
    table(samples, options).keep(&arguments.samples)
}

/// Milliseconds, one list a row.
#[derive(Default)]
struct Samples {
    signup: Vec<f64>,
    create: Vec<f64>,
    share_one: Vec<f64>,
    share_all: Vec<f64>,
    complete: Vec<f64>,
    rotate: Vec<f64>,
}

/// The recipients, online, and what their clients report.
struct Audience {
    names: Vec<String>,
    clients: Vec<Arc<Client>>,
    /// Ends with this value, before the homes that the clients work on are removed.
    _following: JoinSet<()>,
    events: UnboundedReceiver<ClientEvent>,
}

async fn measure(server: &Server, options: &Options) -> anyhow::Result<Samples> {
    let folder = tempfile::tempdir()?;
    let mut samples = Samples::default();
    let alice = sign_up(&folder, server, "alice", &mut samples.signup).await?;
    let mut audience = Audience::gather(&folder, server, options.people, &mut samples.signup).await?;
    let everybody: Vec<String> = audience.names.clone();
    let everybody: Vec<&str> = everybody.iter().map(String::as_str).collect();
    let (somebody, _) = everybody.split_at_checked(1).context("somebody is needed to share with")?;

    for turn in 0..options.turns {
        let mut fingerprints = Vec::new();
        for kind in ["one", "all", "complete"] {
            let start = Instant::now();
            let made = alice.create_keychain(&format!("{kind} {turn}"), Algorithm::SecretBox).await?;
            samples.create.push(milliseconds(start));
            fingerprints.push(made.keychain_fingerprint);
        }
        let [one, all, complete] = fingerprints.as_slice() else { continue };

        let start = Instant::now();
        alice.share(one, somebody, ShareKeys::Latest, ShareOptions::default()).await?;
        audience.receive(1, one).await?;
        samples.share_one.push(milliseconds(start));

        let start = Instant::now();
        alice.share(all, &everybody, ShareKeys::Latest, ShareOptions::default()).await?;
        audience.receive(everybody.len(), all).await?;
        samples.share_all.push(milliseconds(start));

        // Everybody now reads that everybody else accepted: 50 clients share one machine here, and in life do not.
        tokio::time::sleep(SETTLE).await;
        let start = Instant::now();
        alice.rotate(all).await?;
        audience.wait_for(everybody.len(), |event| matches!(event, ClientEvent::KeyRotated { .. })).await?;
        samples.rotate.push(milliseconds(start));

        for _ in 1..KEYS {
            alice.rotate(complete).await?;
        }
        let start = Instant::now();
        alice.share(complete, somebody, ShareKeys::All, ShareOptions::default()).await?;
        audience.receive(1, complete).await?;
        samples.complete.push(milliseconds(start));
        // One event is enough to know that the share is there; that all keys are, is looked at.
        let held = audience.clients.first().context("somebody is there")?.keychain(complete).await?.keys.len();
        ensure!(held == KEYS, "{held} of {KEYS} keys arrived");
    }
    Ok(samples)
}

/// Signs somebody up, and measures that together with logging in.
async fn sign_up(folder: &TempDir, server: &Server, name: &str, samples: &mut Vec<f64>) -> anyhow::Result<Arc<Client>> {
    let client = Client::open(&folder.path().join(name))?;
    let start = Instant::now();
    client.signup(name, server.url(), None).await?;
    let signing_up = milliseconds(start);
    client.logout(false).await?;
    let start = Instant::now();
    client.login().await?;
    samples.push(signing_up + milliseconds(start));
    Ok(Arc::new(client))
}

impl Audience {
    async fn gather(folder: &TempDir, server: &Server, people: usize, signups: &mut Vec<f64>) -> anyhow::Result<Self> {
        let (said, events) = unbounded_channel();
        let names: Vec<_> = (0..people).map(|number| format!("member{number}")).collect();
        let (mut clients, mut following) = (Vec::new(), JoinSet::new());
        for name in &names {
            let client = sign_up(folder, server, name, signups).await?;
            following.spawn(follow(Arc::clone(&client), said.clone()));
            clients.push(client);
        }
        let mut audience = Self { names, clients, _following: following, events };
        let online = |event: &ClientEvent| matches!(event, ClientEvent::SyncStateChanged { state: SyncState::Online });
        audience.wait_for(people, online).await?;
        Ok(audience)
    }

    /// Waits until `people` hold a key of a keychain.
    async fn receive(&mut self, people: usize, keychain: &str) -> anyhow::Result<()> {
        let received = |event: &ClientEvent| matches!(event, ClientEvent::KeyReceived { keychain_fingerprint, .. } if keychain_fingerprint == keychain);
        self.wait_for(people, received).await
    }

    async fn wait_for(&mut self, count: usize, wanted: impl Fn(&ClientEvent) -> bool) -> anyhow::Result<()> {
        let mut seen = 0;
        let waiting = async {
            while seen < count {
                let event = self.events.recv().await.context("all clients are gone")?;
                seen += usize::from(wanted(&event));
            }
            anyhow::Ok(())
        };
        let arrived = tokio::time::timeout(PATIENCE, waiting).await;
        ensure!(arrived.is_ok(), "{seen} of {count} events arrived in {PATIENCE:?}");
        arrived?
    }
}

/// Passes on what a client reports, until nobody listens.
async fn follow(client: Arc<Client>, said: UnboundedSender<ClientEvent>) {
    let mut events = pin!(client.watch());
    while let Some(event) = events.next().await {
        let passed_on = match event {
            Ok(event) => said.send(event).is_ok(),
            Err(error) => {
                eprintln!("a client stopped: {error}");
                false
            }
        };
        if !passed_on {
            return;
        }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn table(samples: Samples, options: &Options) -> Table {
    let people = options.people;
    let keyfold = |work: &str, samples: Vec<f64>, target| Line {
        work: work.to_owned(),
        whose: Whose::Keyfold,
        unit: Unit::Milliseconds,
        samples,
        targets: vec![target],
    };
    let recorded = |work: &str, milliseconds: &[f64]| Line {
        work: format!("e2esdk: {work}"),
        whose: Whose::Peer,
        unit: Unit::Milliseconds,
        samples: milliseconds.to_vec(),
        targets: Vec::new(),
    };
    let at_most = |most| Target::at_most(most, Unit::Milliseconds);
    let like_one =
        Target { bound: Bound::AtMost(1.5 * median(&samples.share_one)), words: "as one key (≤ 1.5 ×)".to_owned() };
    Table {
        id: "4-sharing".to_owned(),
        title: "Sharing".to_owned(),
        note: format!(
            "Server, clients and ledgers together, over TCP on one machine; each time ends when the last recipient's \
             client has the key. Medians of {} turns. {people} clients are online, in one process beside the server's. \
             The sharer makes one request, whatever the number of people and keys, and one more for people that he \
             meets for the first time; who rotates looks at the ledger first. e2esdk (client in Node, PostgreSQL and \
             Redis): recorded on a machine of the same size; 250, 202 and 358 requests for the last three. Before a \
             rotation the clients have read each other's answers.",
            options.turns
        ),
        machine: Machine::this(),
        lines: vec![
            keyfold("sign up and log in", samples.signup, at_most(50.0)),
            recorded("sign up and log in", &[107.0]),
            keyfold("create a keychain", samples.create, at_most(10.0)),
            recorded("create a keychain", &[17.0]),
            keyfold("share a key with one", samples.share_one, at_most(50.0)),
            recorded("share a key with one", &[853.0]),
            keyfold(&format!("share a key with {people}"), samples.share_all, at_most(150.0)),
            recorded("share a key with 50", &[4_700.0, 5_800.0]),
            keyfold(&format!("rotate for {people}"), samples.rotate, at_most(200.0)),
            recorded("ban, rotate for 49", &[3_400.0, 4_500.0]),
            keyfold(&format!("share {KEYS} keys with one"), samples.complete, like_one),
            recorded("share 20 keys with one", &[7_800.0]),
        ],
    }
}
