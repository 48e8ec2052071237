//! The first command of a newcomer: builds Keyfold, starts a server and the browser demo beside it, and says where to
//! look. Everything that the two store is in `target/demo`, and is gone at the next start.

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

    let mut serve = project.command(&project.target().join("release/keyfold").to_string_lossy());
    serve.arg("serve").arg("--data").arg(data.join("keyfold")).arg("--secrets").arg(data.join("keyfold-secrets"));
    let mut server = Running::start(serve.args(["--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped()))?;
    let (url, key) = server.address()?;
    println!("A Keyfold server answers at {url}. Ctrl-C ends it and the demo.");
    // Not through npm, which would have to be ended before what it started.
    let mut page = project.command("node");
    page.arg("examples/demo/dist/server/main.js").args(["--keyfold", &url, "--key", &key]);
    page.args(["--port", &options.port.to_string()]).arg("--data").arg(data.join("app"));
    let mut page = Running::start(&mut page)?;
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
    project::succeed(project.cargo().args(["build", "--quiet", "--release", "--locked", "--package", "keyfold-cli"]))?;
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
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("`{}` did not start", project::typed(command)))?))
    }

    /// Where it answers, and its public key.
    fn address(&mut self) -> anyhow::Result<(String, String)> {
        let output = self.0.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let document: Value = serde_json::from_str(&line).context("the server did not say where it listens")?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        text("url").zip(text("serverKey")).context("the server did not say where it listens")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended needs no ending.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
