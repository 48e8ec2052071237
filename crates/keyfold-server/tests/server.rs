//! Starting, stopping, and what a connection may do to the server.

use crate::support::{World, code};
use keyfold_protocol::{Code, route, signing::Method};
use keyfold_server::{Config, Server, StartError};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = Config::new(folder.path().join("data"));
    config.listen.set_port(0);
    config
}

#[tokio::test]
async fn an_open_gate_is_refused_on_any_address_but_loopback() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = Server::start(Config { listen: address.parse().unwrap(), ..config(&folder) }).await;
        assert!(matches!(refused, Err(StartError::OpenGate(_))), "{address}");
    }
    // Nothing was made on the way.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn two_servers_do_not_share_a_folder_and_the_key_stays_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(config(&folder)).await.unwrap();
    let key = first.server_key();
    assert!(matches!(Server::start(config(&folder)).await, Err(StartError::InUse(_))));
    first.stop().await;
    let again = Server::start(config(&folder)).await.unwrap();
    assert_eq!(again.server_key(), key);
    again.stop().await;
    // The secrets are beside the data, not in it.
    assert!(folder.path().join("data-secrets/signing.key").exists());
    let names: Vec<_> =
        std::fs::read_dir(folder.path().join("data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|n| n == "keyfold.db" || n == "lock"), "{names:?}");
}

async fn raw(world: &World, request: &str) -> String {
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn health_and_readiness_are_plain_text_for_anybody() {
    let world = World::start().await;
    for path in ["/health", "/ready"] {
        let answer = raw(&world, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_may_ask_but_never_with_credentials() {
    let world = World::start().await;
    let preflight = "OPTIONS /v1/scopes HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\n\
        access-control-request-method: POST\r\n\
        access-control-request-headers: content-type,signature,signature-input\r\nconnection: close\r\n\r\n";
    let allowed = raw(&world, preflight).await.to_ascii_lowercase();
    assert!(allowed.starts_with("http/1.1 200 "), "{allowed}");
    assert!(allowed.contains("access-control-allow-origin: *\r\n"), "{allowed}");
    assert!(allowed.contains("signature-input") && allowed.contains("post"), "{allowed}");
    assert!(!allowed.contains("access-control-allow-credentials"), "{allowed}");
    // An answer, a refusal too, and what of it the page may read: without these fields nobody could verify it.
    let ask = "GET /v1/scopes HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\nconnection: close\r\n\r\n";
    let answer = raw(&world, ask).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 4"), "{answer}");
    for field in ["access-control-allow-origin: *", "access-control-expose-headers: content-digest,signature-input"] {
        assert!(answer.contains(field), "{field} in {answer}");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let world = World::with(|config| config.read_timeout = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    stream.write_all(b"POST /v1/accounts HT").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "still open");
    // A body that does not come.
    let answer = raw(&world, "POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn one_address_that_asks_too_much_is_told_to_wait() {
    let world = World::with(|config| {
        config.rates.address.burst = 3.0;
        config.rates.address.per_second = 0.01;
    })
    .await;
    for _ in 0..3 {
        assert_eq!(world.ask_unsigned(Method::Get, route::INFO, vec![]).await.status, 200);
    }
    assert_eq!(code(&world.ask_unsigned(Method::Get, route::INFO, vec![]).await), Code::RateLimited);
    let answer = raw(&world, "GET /v1/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
}

#[tokio::test]
async fn a_server_can_be_started_from_any_task() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let running = tokio::spawn(Server::start(config)).await.unwrap().unwrap();
    tokio::spawn(running.stop()).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_for_its_owner_alone_also_where_it_was_not() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let check = || {
        let files: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(files.iter().any(|f| f.ends_with("keyfold.db-wal")), "{files:?}");
        assert!(
            files.iter().all(|file| mode(file) & 0o077 == 0),
            "{:?}",
            files.iter().map(|f| mode(f)).collect::<Vec<_>>()
        );
    };
    let running = Server::start(config(&folder)).await.unwrap();
    assert_eq!(mode(&data), 0o700);
    check();
    running.stop().await;
    fs::set_permissions(data.join("keyfold.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let running = Server::start(config(&folder)).await.unwrap();
    check();
    running.stop().await;
}

/// Whether the server answers on a new connection from this address, soon.
async fn answers(world: &World, from: &str) -> bool {
    let asked = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(format!("{from}:0").parse().unwrap())?;
        let mut stream = socket.connect(world.server.address()).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200 "))
    };
    tokio::time::timeout(Duration::from_secs(2), asked).await.is_ok_and(|asked| asked.unwrap_or(false))
}

/// Whether it does after a while.
async fn answers_in_time(world: &World, from: &str) -> bool {
    for _ in 0..30 {
        if answers(world, from).await {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let world = World::with(|config| config.connections_per_address = 2).await;
    let first = TcpStream::connect(world.server.address()).await.unwrap();
    let second = TcpStream::connect(world.server.address()).await.unwrap();
    assert!(!answers(&world, "127.0.0.1").await);
    // Linux has the whole network on its loopback.
    if cfg!(target_os = "linux") {
        assert!(answers_in_time(&world, "127.0.0.2").await);
    }
    drop((first, second));
    assert!(answers_in_time(&world, "127.0.0.1").await);
}

#[tokio::test]
async fn who_does_not_read_the_answers_loses_the_connection() {
    let world = World::with(|config| {
        config.connections = 1;
        config.write_timeout = Duration::from_millis(200);
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(world.server.address()).await.unwrap();
    let requests = "GET /v1/info HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    // Until the server reads no more either, or has had enough.
    let writing = async { while stream.write_all(requests.as_bytes()).await.is_ok() {} };
    _ = tokio::time::timeout(Duration::from_secs(3), writing).await;
    assert!(answers_in_time(&world, "127.0.0.1").await, "the place is still taken");
    drop(stream);
}
