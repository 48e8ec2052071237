//! The first command of a newcomer: builds Keyfold, starts a server and the browser demo beside it, and says where to
//! look. Everything that the two store is in `target/demo`, and is gone at the next start.
//!
//! The server is the evil one of `testing/`: the real one, behind a proxy that tells the truth until the page asks for a
//! lie. It listens on 127.0.0.1 only, and is for looking at what clients do about lies.

use crate::packages;
use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::{Context, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often to look whether both still run.
const PULSE: Duration = Duration::from_millis(200);

/// Where to show it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The page's port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Show what was built before
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    if !options.no_build {
        build(project)?;
    }
    let data = project.target().join("demo");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| data.display().to_string())?;
    }
    let (stop, stopped) = channel();
    // Who asked twice is not heard the second time: there is nothing more to do.
    ctrlc::set_handler(move || stop.send(()).unwrap_or_default())?;

    let mut serve = project.command(&project.target().join("release/evil").to_string_lossy());
    // It ends when its input does: with this process, however that ends.
    serve.arg(data.join("keyfold")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Running::start(&mut serve)?;
    let [url, key, control] = server.said(["url", "serverKey", "control"])?;
    println!("A Keyfold server answers at {url}. Ctrl-C ends it and the demo.");
    // Not through npm, which would have to be ended before what it started.
    let mut page = project.command("node");
    page.arg("examples/demo/dist/server/main.js")
        .args(["--keyfold", &url, "--evil", &control])
        .arg(format!("--key={key}"));
    page.args(["--port", &options.port.to_string()]).arg("--data").arg(data.join("app"));
    let mut page = Running::start(page.stdin(Stdio::null()))?;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PULSE) {
        for (name, running) in [("the Keyfold server", &mut server), ("the demo", &mut page)] {
            if let Some(status) = running.0.try_wait()? {
                bail!("{name} ended with {status}");
            }
        }
    }
    Ok(())
}

fn build(project: &Project) -> anyhow::Result<()> {
    println!("Building keyfold …");
    project::succeed(project.cargo().args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "keyfold-testing",
        "--bin",
        "evil",
    ]))?;
    println!("Building the client and the demo …");
    match packages::build(project)? {
        Outcome::Done(_) => Ok(()),
        Outcome::Skipped(reason) => bail!("{reason}"),
    }
}

/// A server that ends when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn();
        Ok(Self(child.with_context(|| format!("`{}` did not start", project::typed(command)))?))
    }

    /// What its first line says.
    fn said<const N: usize>(&mut self, names: [&str; N]) -> anyhow::Result<[String; N]> {
        let output = self.0.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let document: Value = serde_json::from_str(&line).context("the server did not say where it listens")?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let said: Option<Vec<String>> = names.into_iter().map(text).collect();
        said.and_then(|said| said.try_into().ok()).context("the server did not say where it listens")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended needs no ending.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
