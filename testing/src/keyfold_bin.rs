//! The real binary, started as processes: servers, people's homes, and a `watch` that is read line by line. Separate
//! from what drives the libraries, because here only what a script sees counts.

use crate::port::own_port;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a process may take to say something before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test: `KEYFOLD_BIN`, or the one that cargo builds.
///
/// # Panics
/// If there is none.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("KEYFOLD_BIN") {
            return named.into();
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder lies in the workspace");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(root).args(["build", "--quiet", "--package", "keyfold-cli"]);
        build.args(["--message-format", "json-render-diagnostics"]);
        let built = build.output().expect("cargo starts");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // cargo says where it put it: the folder depends on the machine's configuration.
        let said = String::from_utf8_lossy(&built.stdout).into_owned();
        let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
        found.expect("cargo says where the binary is")
    })
}

/// Asks a process to stop, as a service manager does.
///
/// # Panics
/// If the process is not ours to signal.
pub fn terminate(child: &Child) {
    signal(child, "-TERM");
}

/// Asks a process to stop, as Ctrl-C does.
///
/// # Panics
/// If the process is not ours to signal.
pub fn interrupt(child: &Child) {
    signal(child, "-INT");
}

fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
    assert!(status.success(), "kill {signal} {} ended with {status}", child.id());
}

/// One person's folder, and the commands that this person types.
#[derive(Debug)]
pub struct Person {
    name: &'static str,
    folder: TempDir,
    home: PathBuf,
}

/// How a command failed.
#[derive(Debug)]
pub struct Failure {
    /// Exit status.
    pub exit: i32,
    /// The stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What it had printed.
    pub stdout: Vec<u8>,
}

impl Person {
    /// With an empty home that does not exist yet.
    ///
    /// # Panics
    /// If no temporary folder can be made.
    pub fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { name, home: folder.path().join("home"), folder }
    }

    /// The same, with the home elsewhere.
    #[must_use]
    pub fn at_home(mut self, home: PathBuf) -> Self {
        self.home = home;
        self
    }

    /// The same, signed up at a server.
    ///
    /// # Panics
    /// If signing up fails.
    pub fn signed_up(name: &'static str, server: &Server) -> Self {
        let person = Self::new(name);
        person.json(["signup", name, "--server", &server.url, "--server-key", &server.key]);
        person
    }

    /// The user id.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The home.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// A file beside the home.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the home.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, bytes).expect("a file in the temporary folder");
        path
    }

    /// A command of this person, with nothing on standard input.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        command.arg("--home").arg(self.home()).args(arguments).current_dir(self.folder.path());
        command.env_remove("KEYFOLD_HOME").env_remove("KEYFOLD_SERVER").env_remove("KEYFOLD_SERVER_KEY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// If the binary does not start.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.command(arguments).output().expect("keyfold starts")
    }

    /// Runs it with `input` on standard input.
    ///
    /// # Panics
    /// If the binary does not start.
    pub fn pipe<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Output {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("keyfold starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // A command that refuses does not read to the end.
            stdin.write_all(&input).ok();
        });
        let output = child.wait_with_output().expect("keyfold ends");
        writer.join().expect("the writer ends");
        output
    }

    /// The document that a command prints with `--json`.
    ///
    /// # Panics
    /// If it fails, or prints anything else.
    pub fn json<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Value {
        let mut command = self.command(arguments);
        let output = command.arg("--json").output().expect("keyfold starts");
        assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?} printed {output:?}: {error}"))
    }

    /// How a command fails with `--json`.
    ///
    /// # Panics
    /// If it does not, or does not say why.
    pub fn failure<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Failure {
        let mut command = self.command(arguments);
        let output = command.arg("--json").output().expect("keyfold starts");
        failure(&output).unwrap_or_else(|| panic!("{command:?} did not fail as it should: {output:?}"))
    }

    /// Starts `watch --json`.
    ///
    /// # Panics
    /// If the binary does not start.
    pub fn watch(&self) -> Watch {
        let child = self.command(["watch", "--json"]).stderr(Stdio::inherit()).spawn().expect("keyfold starts");
        Watch::of(child)
    }
}

/// The failure that an ended process reported as JSON; none if it succeeded or said nothing of the kind.
pub fn failure(output: &Output) -> Option<Failure> {
    let exit = output.status.code().filter(|exit| *exit != 0)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let document: Value = serde_json::from_str(said.lines().last()?).ok()?;
    let text = |name: &str| document["error"][name].as_str().map(str::to_owned);
    Some(Failure {
        exit,
        code: text("code")?,
        message: text("message")?,
        hint: text("hint"),
        stdout: output.stdout.clone(),
    })
}

/// A `keyfold serve`.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it answers.
    pub url: String,
    /// Its public key.
    pub key: String,
    folder: PathBuf,
    _owned: Option<TempDir>,
}

impl Server {
    /// On an empty folder and a free port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start() -> Self {
        let owned = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::start_on(owned.path());
        server._owned = Some(owned);
        server
    }

    /// On a folder that may have data of an earlier one, and a free port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_on(folder: &Path) -> Self {
        Self::start_in(folder, &format!("127.0.0.1:{}", own_port()))
    }

    /// On a folder that may have data of an earlier one.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_in(folder: &Path, listen: &str) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--data").arg(folder.join("data")).args(["--listen", listen, "--json"]);
        for variable in ["KEYFOLD_DATA", "KEYFOLD_SECRETS", "KEYFOLD_LISTEN", "KEYFOLD_GATE"] {
            command.env_remove(variable);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("keyfold starts");
        let lines = Lines::of(child.stdout.take().expect("standard output is piped"));
        let document = lines.next(PATIENCE).expect("the server says where it listens");
        let text = |name: &str| document[name].as_str().unwrap_or_else(|| panic!("{document}")).to_owned();
        Self { child, url: text("url"), key: text("serverKey"), folder: folder.to_owned(), _owned: None }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }

    /// Everything that it stores: data and secrets.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Panics
    /// If it cannot be ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server is ours");
        self.child.wait().expect("the server ends");
    }

    /// Ends it at once, and starts another on the same folder and address.
    ///
    /// # Panics
    /// If the other does not start.
    pub fn kill_and_restart(&mut self) {
        let address = self.address().to_owned();
        self.kill();
        let other = Self::start_in(&self.folder.clone(), &address);
        let owned = self._owned.take();
        *self = other;
        self._owned = owned;
    }

    /// Asks it to stop, and hands back its exit status.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) -> Option<i32> {
        terminate(&self.child);
        ended(&mut self.child).code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended needs no ending.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A running `watch --json`.
#[derive(Debug)]
pub struct Watch {
    child: Child,
    lines: Lines,
}

impl Watch {
    fn of(mut child: Child) -> Self {
        let lines = Lines::of(child.stdout.take().expect("standard output is piped"));
        Self { child, lines }
    }

    /// The next event that somebody else caused.
    ///
    /// # Panics
    /// If none comes.
    pub fn next(&self) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let event = self.lines.next(end.saturating_duration_since(Instant::now())).expect("an event");
            if !is_own(&event) {
                return event;
            }
        }
    }

    /// What somebody else causes within a while.
    pub fn within(&self, a_while: Duration) -> Vec<Value> {
        let end = Instant::now() + a_while;
        std::iter::from_fn(|| self.lines.next(end.saturating_duration_since(Instant::now())))
            .filter(|event| !is_own(event))
            .collect()
    }

    /// Asks it to stop, and hands back its exit status.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(mut self) -> Option<i32> {
        interrupt(&self.child);
        ended(&mut self.child).code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // One that has ended needs no ending.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// True for events about the connection, and about this device's own account.
fn is_own(event: &Value) -> bool {
    event["event"] == "syncStateChanged" || event["event"] == "identityUpdated"
}

/// Waits for a process, with patience.
///
/// # Panics
/// If it does not end.
pub fn ended(child: &mut Child) -> std::process::ExitStatus {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("the process is ours") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("process {} did not end", child.id());
}

/// Documents as they come, one a line.
#[derive(Debug)]
struct Lines(Receiver<Value>);

impl Lines {
    fn of(output: impl std::io::Read + Send + 'static) -> Self {
        let (said, heard) = channel();
        // It reads to the end, so that the process never writes into a closed pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let document = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
                // Nobody may be listening any more.
                said.send(document).ok();
            }
        });
        Self(heard)
    }

    fn next(&self, patience: Duration) -> Option<Value> {
        self.0.recv_timeout(patience).ok()
    }
}

/// The files in a folder, deeply, that contain `needle`.
///
/// # Panics
/// If one cannot be read.
pub fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    assert!(!needle.is_empty(), "nothing is in every file");
    files(folder)
        .into_iter()
        .filter(|path| {
            let bytes = std::fs::read(path).expect("a file of the test");
            bytes.windows(needle.len()).any(|window| window == needle)
        })
        .collect()
}

/// The files in a folder, deeply.
///
/// # Panics
/// If it cannot be read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).expect("a folder of the test") {
        let item = item.expect("an item of the folder").path();
        if item.is_dir() { found.extend(files(&item)) } else { found.push(item) }
    }
    found
}
