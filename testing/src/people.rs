//! People with real clients: a temporary home each, on a real server.

use crate::port::own_port;
use futures_util::StreamExt;
use keyfold_client::{Algorithm, Client, ClientEvent, KeyMetadata, Watch, WhoAmI};
use keyfold_server::{Config, Running, Server};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on an empty folder and a free port.
pub struct TestServer {
    /// The server.
    pub running: Running,
    folder: TempDir,
}

impl TestServer {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts one that is set otherwise.
    pub async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = start_on(folder.path(), own_port(), set).await;
        Self { running, folder }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// Its key.
    pub fn key(&self) -> String {
        self.running.server_key().to_string()
    }

    /// Stops it, and starts it again on the same folder and port after `work`.
    pub async fn restart_after(self, work: impl AsyncFnOnce()) -> Self {
        let port = self.running.address().port();
        self.running.stop().await;
        work().await;
        let running = start_on(self.folder.path(), port, |_| ()).await;
        Self { running, folder: self.folder }
    }

    /// Stops it, and starts it again on the same folder and port, set otherwise.
    pub async fn restart_with(self, set: impl FnOnce(&mut Config)) -> Self {
        let port = self.running.address().port();
        self.running.stop().await;
        let running = start_on(self.folder.path(), port, set).await;
        Self { running, folder: self.folder }
    }

    /// Where it keeps its own secrets.
    pub fn secrets(&self) -> std::path::PathBuf {
        self.folder.path().join("data-secrets")
    }

    /// Where it keeps its data.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }
}

async fn start_on(folder: &Path, port: u16, set: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config { listen: ([127, 0, 0, 1], port).into(), ..Config::new(folder.join("data")) };
    set(&mut config);
    Server::start(config).await.unwrap()
}

/// Somebody with a home of his own.
pub struct Person {
    /// The user id.
    pub name: String,
    /// The client.
    pub client: Client,
    home: TempDir,
}

impl Person {
    /// Without an account so far.
    pub fn new(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { name: name.to_owned(), client: Client::open(&home.path().join("home")).unwrap(), home }
    }

    /// With an account on this server.
    pub async fn signed_up(name: &str, server: &TestServer) -> Self {
        let person = Self::new(name);
        person.sign_up(&server.url(), Some(&server.key())).await;
        person
    }

    /// Signs up.
    pub async fn sign_up(&self, url: &str, key: Option<&str>) -> WhoAmI {
        self.client.signup(&self.name, url, key).await.unwrap()
    }

    /// The home.
    pub fn home(&self) -> std::path::PathBuf {
        self.home.path().join("home")
    }

    /// A folder that is this person's, for files.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Another process on the same home.
    pub fn again(&self) -> Client {
        Client::open(&self.home()).unwrap()
    }

    /// A new `secretBox` keychain.
    pub async fn keychain(&self, purpose: &str) -> KeyMetadata {
        self.client.create_keychain(purpose, Algorithm::SecretBox).await.unwrap()
    }
}

/// The next event that is not about the connection; fails after a minute.
pub async fn next_event(watch: &mut Watch) -> ClientEvent {
    loop {
        match next(watch).await {
            ClientEvent::SyncStateChanged { .. } => {}
            event => return event,
        }
    }
}

/// The next event of any kind; fails after a minute.
pub async fn next(watch: &mut Watch) -> ClientEvent {
    let next = tokio::time::timeout(PATIENCE, watch.next()).await;
    next.expect("no event within a minute").expect("the watch has ended").unwrap()
}
