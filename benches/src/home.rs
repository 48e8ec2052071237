//! The server as a process, and one person with a keychain on it: what the program needs before it encrypts.

use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// The purpose of the keychain that everything is encrypted under.
pub(crate) const PURPOSE: &str = "bench";

/// A `keyfold serve` on an empty folder, as long as this value lives.
pub(crate) struct Server {
    process: Child,
    url: String,
    _data: TempDir,
}

impl Server {
    pub(crate) fn start(keyfold: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut serve = Command::new(keyfold);
        serve.arg("serve").arg("--data").arg(data.path().join("server")).args(["--listen", "127.0.0.1:0"]);
        let process =
            serve.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| format!("{serve:?}"))?;
        let mut server = Self { process, url: String::new(), _data: data };
        let output = server.process.stdout.take().context("the server's output is piped")?;
        let (said, heard) = mpsc::channel();
        // It reads to the end, so that the server never writes into a closed pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http")) {
                    // Only the first is waited for.
                    said.send(url.to_owned()).ok();
                }
            }
        });
        let url = heard.recv_timeout(Duration::from_secs(20));
        server.url = url.context("the server did not say where it listens")?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that outlives the benchmark.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// alice's home, signed up, with the keychain [`PURPOSE`].
pub(crate) struct Home {
    keyfold: PathBuf,
    folder: TempDir,
    _server: Server,
}

impl Home {
    pub(crate) fn new(keyfold: &Path) -> anyhow::Result<Self> {
        let server = Server::start(keyfold)?;
        let url = server.url().to_owned();
        let home = Self { keyfold: keyfold.to_owned(), folder: tempfile::tempdir()?, _server: server };
        home.succeed(&["signup", "alice", "--server", &url])?;
        home.succeed(&["keychain", "create", PURPOSE])?;
        Ok(home)
    }

    /// `keyfold` with alice's home.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.keyfold);
        command.arg("--home").arg(self.folder.path().join("alice")).stdin(Stdio::null());
        command
    }

    fn succeed(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = self.command().args(arguments).output()?;
        ensure!(
            output.status.success(),
            "keyfold {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }
}
