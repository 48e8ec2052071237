//! Devices as people have them: one comes in, one comes back by paper, and one that was stolen is put out while a
//! thousand keychains get new keys.

use crate::Arguments;
use crate::home::Server;
use crate::machine::Machine;
use crate::process;
use crate::relay::Relay;
use crate::table::{Line, Table, Unit, Whose};
use anyhow::Context;
use keyfold_client::{Algorithm, Client, RecoverOptions, RecoveryInput, SignIn, SignInProof};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// How many, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Keychains of whose keys a stolen device had a copy
    #[arg(long, default_value_t = Options::default().keychains)]
    keychains: usize,
    /// Turns of each work
    #[arg(long, default_value_t = Options::default().turns)]
    turns: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { keychains: 1_000, turns: 7 }
    }
}

#[derive(Default)]
struct Samples {
    asked: Vec<f64>,
    text: Vec<f64>,
    rotate: Vec<f64>,
    recover: Vec<f64>,
    revoke: Vec<f64>,
    requests: Vec<f64>,
    sent: Vec<f64>,
    resident: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    println!("Devices, and a revocation with {} keychains …", options.keychains);
    let server = Server::start(&arguments.keyfold)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let samples = runtime.block_on(measure(&arguments.keyfold, &server, options))?;
    table(samples, options).keep(&arguments.samples)
}

async fn measure(keyfold: &Path, server: &Server, options: &Options) -> anyhow::Result<Samples> {
    let folder = tempfile::tempdir()?;
    let mut samples = Samples::default();
    let address = server.url().strip_prefix("http://").context("the server listens in the clear")?;
    let relay = Relay::start(address.trim_end_matches('/').to_owned()).await?;
    let alice = Client::open(&folder.path().join("alice"))?;
    alice.signup("alice", &relay.url(), None).await?;
    let url = relay.url();
    let sign_in = SignIn { user_id: "alice", server_url: &url, server_key: None, proof: SignInProof::Nothing };
    let paper = alice.add_paper(None, None).await?;

    for turn in 0..options.turns {
        let start = Instant::now();
        let phone = Client::open(&folder.path().join(format!("phone {turn}")))?;
        let asked = phone.request_enrolment(sign_in, "phone").await?;
        alice.approve_device(&asked.code, None).await?;
        while phone.await_enrolment().await?.is_none() {}
        samples.asked.push(milliseconds(start));

        let start = Instant::now();
        phone.rotate_device(None).await?;
        samples.rotate.push(milliseconds(start));

        let start = Instant::now();
        let text = alice.enroll_new_device(Some("tablet"), None).await?;
        let tablet = Client::open(&folder.path().join(format!("tablet {turn}")))?;
        tablet.register_enrolled_device(&text).await?;
        samples.text.push(milliseconds(start));

        let start = Instant::now();
        let laptop = Client::open(&folder.path().join(format!("laptop {turn}")))?;
        let words = RecoveryInput::Paper(paper.words.clone());
        laptop.recover(sign_in, &words, RecoverOptions::default(), |_, _| {}).await?;
        samples.recover.push(milliseconds(start));
        let others = [&phone, &tablet, &laptop];
        let mut ids = Vec::new();
        for other in others {
            ids.push(other.whoami().await?.device_id);
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        alice.revoke_devices(&ids, &[], |_, _| {}).await?;
    }

    for number in 0..options.keychains {
        alice.create_keychain(&format!("keychain {number}"), Algorithm::SecretBox).await?;
    }
    let thief = Client::open(&folder.path().join("thief"))?;
    thief.register_enrolled_device(&alice.enroll_new_device(Some("stolen"), None).await?).await?;
    let stolen = thief.whoami().await?.device_id;
    relay.take_sent();
    let home = folder.path().join("alice");
    let cost = {
        let mut revoke = Command::new(keyfold);
        revoke.arg("--home").arg(&home).args(["device", "revoke", &stolen]);
        revoke.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        tokio::task::spawn_blocking(move || process::run(&mut revoke)).await??
    };
    samples.revoke.push(cost.wall_ms());
    samples.resident.push(cost.resident_mib());
    samples.requests.push(relay.take_requests() as f64);
    samples.sent.push(relay.take_sent() as f64 / 1e3);
    Ok(samples)
}

fn table(samples: Samples, options: &Options) -> Table {
    let line = |work: &str, unit, samples| Line {
        work: work.to_owned(),
        whose: Whose::Keyfold,
        unit,
        samples,
        targets: Vec::new(),
    };
    let keychains = options.keychains;
    Table {
        id: "4-sharing-devices".to_owned(),
        title: "Devices".to_owned(),
        note: format!(
            "Server and devices on one machine. A device comes in from asking to being able to read; recovery includes \
             signing in. The revocation is that of the command line, once, with {keychains} keychains whose keys the \
             stolen device had: it ends when each has a new one. e2esdk revokes no devices.",
        ),
        machine: Machine::this(),
        lines: vec![
            line("a device asks, another lets it in", Unit::Milliseconds, samples.asked),
            line("a device comes in by a text", Unit::Milliseconds, samples.text),
            line("a device gets new keys", Unit::Milliseconds, samples.rotate),
            line("coming back by paper", Unit::Milliseconds, samples.recover),
            line(&format!("revoke, {keychains} keychains: time"), Unit::Milliseconds, samples.revoke),
            line(&format!("revoke, {keychains} keychains"), Unit::Requests, samples.requests),
            line(&format!("revoke, {keychains} keychains: sent"), Unit::Kilobytes, samples.sent),
            line(&format!("revoke, {keychains} keychains: memory"), Unit::Mebibytes, samples.resident),
        ],
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
