//! Stands between a client and the server and counts what the client sends, as it goes over the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves until it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    _serving: JoinSet<()>,
}

impl Relay {
    /// Passes everything on to `server`, as `127.0.0.1:8787`.
    pub(crate) async fn start(server: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, sent, requests) = (listener.local_addr()?, Arc::default(), Arc::default());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, server, Counts { sent: Arc::clone(&sent), requests: Arc::clone(&requests) }));
        Ok(Self { address, sent, requests, _serving: serving })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes that clients have sent since the last time, heads of requests included.
    pub(crate) fn take_sent(&self) -> u64 {
        self.sent.swap(0, Ordering::Relaxed)
    }

    /// Requests since the last time.
    pub(crate) fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

/// What is counted.
#[derive(Clone)]
struct Counts {
    sent: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
}

/// How the first line of a request ends. No body of ours has it.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";

async fn serve(listener: TcpListener, server: String, counts: Counts) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, server.clone(), counts.clone()));
        // Those that are over are let go.
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that breaks is for its ends to notice.
async fn connect(client: TcpStream, server: String, counts: Counts) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let up = async {
        let mut buffer = vec![0; 1 << 16];
        let mut end: Vec<u8> = Vec::new();
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            counts.sent.fetch_add(read as u64, Ordering::Relaxed);
            let Some(part) = buffer.get(..read) else { return };
            // A line may be cut by the end of what was read.
            end.extend_from_slice(part);
            let lines = end.windows(REQUEST.len()).filter(|window| *window == REQUEST).count();
            counts.requests.fetch_add(lines as u64, Ordering::Relaxed);
            end.drain(..end.len().saturating_sub(REQUEST.len() - 1));
            if to_server.write_all(part).await.is_err() {
                return;
            }
        }
    };
    let down = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! { () = up => {}, _ = down => {} }
}
