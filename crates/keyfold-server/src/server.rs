//! Starting and stopping: the folder, the store, the connections.

use crate::{
    config::{Config, DatabaseAddress},
    domain::{
        Domain,
        mirror::{Untold, tell},
    },
    gate::{Gate, Keeper},
    http::{self, App, Bodies, Peer, stopped},
    hub::Hub,
    limits::{Origin, Origins},
    opaque::Opaque,
    private,
    secrets::{Secrets, SecretsError},
    store::{Store, StoreError, members::Members, sqlite::SqliteStore},
    stream::Stream,
};
use axum::Router;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyfold_format::{ServerId, VerifyingKey};
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tower::ServiceExt;

const DATABASE: &str = "keyfold.db";
/// What SQLite keeps beside it. It makes them with the mode of the database.
const BESIDE: [&str; 2] = ["keyfold.db-wal", "keyfold.db-shm"];
const LOCK: &str = "lock";

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Anybody could sign up from anywhere.
    #[error("the gate `open` is for loopback addresses only, not for {0}; listen on 127.0.0.1, or choose another gate")]
    OpenGate(SocketAddr),
    /// Nobody could come in by it.
    #[error("the gate: {0}")]
    UnusableGate(String),
    /// Another server runs on the folder.
    #[error("another server uses {0}")]
    InUse(PathBuf),
    /// The folder cannot be made or locked.
    #[error("the data folder {0}: {1}")]
    Data(PathBuf, #[source] io::Error),
    /// The address cannot be listened on.
    #[error("listening on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The server's own secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database.
    #[error("the database: {0}")]
    Store(String),
    /// The database that is told who is in which keychain.
    #[error("the database of members: {0}")]
    Members(String),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// A server, to be started.
pub struct Server;

/// A server that runs, until [`Running::stop`] or the end of the process.
pub struct Running {
    address: SocketAddr,
    key: VerifyingKey,
    id: ServerId,
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Server {
    /// Starts on the folder, making what is missing. When this returns, connections are accepted.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        if config.gate == Gate::Open && !config.listen.ip().is_loopback() {
            return Err(StartError::OpenGate(config.listen));
        }
        let keeper = Keeper::of(&config.gate).map_err(StartError::UnusableGate)?;
        let lock = lock_folder(&config.data)?;
        keep_private(&config.data).map_err(|e| StartError::Data(config.data.clone(), e))?;
        let secrets = Secrets::load(&config.secrets_folder())?;
        let hub = Arc::new(Hub::default());
        let members = match &config.members {
            Some(DatabaseAddress(url)) => {
                Some(Members::connect(url).await.map_err(|e| StartError::Members(e.to_string()))?)
            }
            None => None,
        };
        let untold = members.is_some().then(Arc::<Untold>::default);
        let (publish, note) = (hub.clone(), untold.clone());
        let listener = Box::new(move |committed| {
            note.iter().for_each(|untold| untold.note(&committed));
            publish.publish(committed);
        });
        let store = Arc::new(SqliteStore::open(&config.data.join(DATABASE), listener).await?);
        let opaque = Opaque::load(&config.secrets_folder(), store.has_passwords().await?)?;
        let socket = TcpListener::bind(config.listen).await.map_err(|e| StartError::Listen(config.listen, e))?;
        let address = socket.local_addr().map_err(|e| StartError::Listen(config.listen, e))?;
        let (key, id) = (secrets.key(), secrets.id());
        let domain = Arc::new(Domain::new(store.clone(), hub, secrets, opaque, keeper, config.rates));
        let telling = members.zip(untold).map(|(members, untold)| tokio::spawn(tell(domain.clone(), members, untold)));
        let (stop, stopping) = watch::channel(false);
        let bodies = Bodies::new(config.body_memory, config.read_timeout);
        let app = App { domain, bodies: Arc::new(bodies), read_timeout: config.read_timeout, stopping };
        tracing::info!(%address, server = %id, "listening");
        let ended = tokio::spawn(async move {
            accept(socket, app, &config).await;
            telling.iter().for_each(JoinHandle::abort);
            store.close().await;
            drop(lock);
            tracing::info!("stopped");
        });
        Ok(Running { address, key, id, stop, ended })
    }
}

impl Running {
    /// Where it listens: `http://127.0.0.1:8787`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that clients pin.
    pub fn server_key(&self) -> VerifyingKey {
        self.key
    }

    /// That key's id.
    pub fn server_id(&self) -> ServerId {
        self.id
    }

    /// Accepts no more, finishes the requests that are under way, tells event streams, and closes the store.
    pub async fn stop(self) {
        _ = self.stop.send(true);
        _ = self.ended.await;
    }
}

/// Two servers on one folder would each miss the other's events.
fn lock_folder(data: &Path) -> Result<fs::File, StartError> {
    let failed = |e| StartError::Data(data.to_owned(), e);
    private::make_folder(data).map_err(failed)?;
    let file = private::options().create(true).truncate(false).open(data.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StartError::InUse(data.to_owned())),
        Err(fs::TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// Who shares with whom is for the server alone.
fn keep_private(data: &Path) -> io::Result<()> {
    private::keep(&data.join(DATABASE), true)?;
    BESIDE.iter().try_for_each(|name| private::keep(&data.join(name), false))
}

async fn accept(socket: TcpListener, app: App, config: &Config) {
    let places = Arc::new(Semaphore::new(config.connections));
    let origins = Arc::new(Origins::new(config.connections_per_address));
    let mut stopping = app.stopping.clone();
    let router = http::router(app.clone());
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stopped(&mut stopping) => break,
            next = next => next,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, from))) => {
                // Frames and replies are small and waited for.
                _ = stream.set_nodelay(true);
                let origin = Origin::from(from.ip());
                let Some(share) = origins.clone().enter(origin) else {
                    tracing::debug!("an address has as many connections as it may");
                    continue;
                };
                let peer = Peer { origin, place: Arc::new((place, share)) };
                let stream = Stream::new(stream, config.write_timeout);
                tokio::spawn(serve(stream, peer, router.clone(), app.stopping.clone(), config.read_timeout));
            }
            (_, Err(error)) => {
                // Out of file descriptors, mostly: wait for some to come back.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(socket);
    // Connections and event streams hold their places until they have ended.
    let all = places.acquire_many(u32::try_from(config.connections).unwrap_or(u32::MAX));
    if tokio::time::timeout(config.stop_timeout, all).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// One connection, until it ends or, on a stop, has answered what it was asked.
async fn serve(
    stream: Stream<TcpStream>,
    peer: Peer,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    read_timeout: Duration,
) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
