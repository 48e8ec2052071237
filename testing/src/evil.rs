//! The evil server: the real server behind a proxy that holds its signing key, alters what it likes and signs that.
//!
//! What a test proves against it, it proves against an operator: every lie comes with a valid signature. A script says
//! what to alter; all else passes. The event stream passes as it is.

use ed25519_dalek::{Signer, SigningKey};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use keyfold_format::{
    ScopeId, Signature,
    entry::Head,
    key::{VerifyingKey, signed_message},
    label::SignatureLabel,
    receipt::{Receipt, Statement},
    succession::Succession,
};
use keyfold_protocol::{
    route,
    signing::{
        Fields, fields,
        request::Binding,
        response::{ReplyHead, server_id, sign_response},
    },
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A request that passes.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST` or `DELETE`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The `Host`: the address by which whoever asks knows the server.
    pub host: String,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The server's answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether to sign it. An unsigned answer is what somebody without the server's key can do.
    pub signed: bool,
    /// Its `Content-Type`.
    pub media_type: &'static str,
}

/// What the operator's key allows: signatures that clients believe.
#[derive(Clone)]
pub struct ServerKey(Arc<SigningKey>);

impl ServerKey {
    /// The key in a server's folder of secrets.
    ///
    /// # Panics
    /// If there is none.
    pub fn in_folder(secrets: &Path) -> Self {
        let seed = std::fs::read(secrets.join("signing.key")).expect("the server made a key");
        Self(Arc::new(SigningKey::from_bytes(&seed.try_into().expect("a key has 32 bytes"))))
    }

    /// A receipt for any head.
    pub fn receipt(&self, scope: ScopeId, head: Head, time: u64) -> Receipt {
        let statement = Statement { server: server_id(&self.public()), scope, head, time };
        let signature = self.sign(&signed_message(SignatureLabel::Receipt, &[&statement.signed()]));
        Receipt { statement, signature }
    }

    /// A key of somebody who is no server.
    pub fn of(seed: [u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(&seed)))
    }

    /// A step from `former` to `next`, signed with this key.
    pub fn succession(&self, former: &VerifyingKey, next: &VerifyingKey) -> Succession {
        let statement = Succession::signed(former, next, 1);
        let signature = self.sign(&signed_message(SignatureLabel::ServerSuccession, &[&statement]));
        Succession { former: *former, next: *next, time: 1, signature }
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }
}

/// What to do to an answer.
type Script = Box<dyn FnMut(&Asked, &mut Answer) + Send>;

/// Whether a request goes no further.
type Guard = Box<dyn FnMut(&Asked) -> bool + Send>;

/// When the connection of a request breaks; who asked gets no byte of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Before the server hears of it.
    Before,
    /// When the server has answered.
    After,
}

/// Whether the connection of a request breaks.
type Breaker = Box<dyn FnMut(&Asked) -> Option<Break> + Send>;

/// The proxy. It ends when it is dropped.
pub struct EvilServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    upstream: Mutex<String>,
    key: ServerKey,
    impostor: Mutex<Option<ServerKey>>,
    script: Mutex<Script>,
    guard: Mutex<Guard>,
    breaker: Mutex<Breaker>,
    /// The only `Host` whose requests it is told; without one, all are.
    victim: Mutex<Option<String>>,
    seen: Mutex<Vec<Asked>>,
    down: watch::Sender<bool>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl EvilServer {
    /// In front of `upstream`, `host:port`; honest until it is told to lie.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 is free.
    pub async fn start(upstream: &str, key: ServerKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream.to_owned()),
            key,
            impostor: Mutex::new(None),
            script: Mutex::new(Box::new(|_, _| ())),
            guard: Mutex::new(Box::new(|_| false)),
            breaker: Mutex::new(Box::new(|_| None)),
            victim: Mutex::default(),
            seen: Mutex::new(Vec::new()),
            down: watch::Sender::new(false),
            client: Client::builder(TokioExecutor::new()).build_http(),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, task }
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every answer goes through `script`, and is signed as the server would.
    pub fn lie(&self, script: impl FnMut(&Asked, &mut Answer) + Send + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(script);
    }

    /// From now on the server never hears of a request of which `guard` says so; who asked is not answered either.
    pub fn withhold(&self, guard: impl FnMut(&Asked) -> bool + Send + 'static) {
        *self.shared.guard.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(guard);
    }

    /// From now on connections break as `breaker` says of their requests.
    pub fn break_off(&self, breaker: impl FnMut(&Asked) -> Option<Break> + Send + 'static) {
        *self.shared.breaker.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(breaker);
    }

    /// From now on all answers are signed with this key: by somebody in the server's place who does not have its own.
    pub fn be_signed_by(&self, key: Option<ServerKey>) {
        *self.shared.impostor.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Lies only to those who know the server by this `Host`; without one, to everybody.
    pub fn lie_to(&self, host: Option<String>) {
        *self.shared.victim.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }

    /// Back to the truth.
    pub fn be_honest(&self) {
        self.lie(|_, _| ());
        self.withhold(|_| false);
        self.break_off(|_| None);
        self.lie_to(None);
        self.be_signed_by(None);
    }

    /// From now on another server stands behind it. Streams of events that are open stay where they are.
    pub fn turn_to(&self, upstream: &str) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream.to_owned();
    }

    /// The operator's key.
    pub fn key(&self) -> &ServerKey {
        &self.shared.key
    }

    /// Breaks every connection and takes no new one, or takes them again.
    pub fn be_down(&self, down: bool) {
        self.shared.down.send_replace(down);
    }

    /// What was asked so far, and not taken: the captured traffic.
    pub fn seen(&self) -> Vec<Asked> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked since the last call: the captured traffic.
    pub fn take_seen(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn lies_to(&self, host: &str) -> bool {
        self.victim.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(|victim| victim == host)
    }

    fn upstream(&self) -> String {
        self.upstream.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for EvilServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        let mut down = shared.down.subscribe();
        let serve = async move {
            let mut start = [0; 14];
            let read = stream.peek(&mut start).await.unwrap_or(0);
            if start.get(..read).is_some_and(|s| s.starts_with(b"GET /v1/events")) {
                tunnel(stream, &shared.upstream()).await;
            } else {
                let service = service_fn(move |request| answer(shared.clone(), request));
                // A client that goes away ends its connection.
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = serve => {}
                _ = down.wait_for(|down| *down) => {}
            }
        });
    }
}

async fn tunnel(mut client: TcpStream, upstream: &str) {
    if let Ok(mut server) = TcpStream::connect(upstream).await {
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
    }
}

/// An error ends the connection.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let host = head.headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
    let binding = Binding::of(head.method.as_str(), &host, &path, &query, &fields_of(&head.headers));
    let asked = Asked { method: head.method.to_string(), path, host, body: body.to_vec() };
    // What a browser asks before it asks is not the client's doing.
    let preflight = head.method == hyper::Method::OPTIONS;
    if !preflight {
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    }

    if !preflight && (shared.guard.lock().unwrap_or_else(PoisonError::into_inner))(&asked) {
        return Ok(bad_gateway());
    }

    let breaks = match preflight {
        true => None,
        false => (shared.breaker.lock().unwrap_or_else(PoisonError::into_inner))(&asked),
    };
    if breaks == Some(Break::Before) {
        return Err("the connection breaks before the server hears of it".into());
    }

    // The Host header stays: the request is signed for the proxy's address, and the server believes what it reads.
    let target = head.uri.path_and_query().map_or("/", |p| p.as_str());
    let mut forward = Request::builder().method(head.method).uri(format!("http://{}{target}", shared.upstream()));
    if let Some(headers) = forward.headers_mut() {
        *headers = head.headers;
    }
    let Ok(forward) = forward.body(Full::new(body)) else { return Ok(bad_gateway()) };
    let Ok(response) = shared.client.request(forward).await else { return Ok(bad_gateway()) };
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    if breaks == Some(Break::After) {
        return Err("the connection breaks when the server has answered".into());
    }
    let media_type = route::MEDIA_TYPE;
    let truth = Answer { status: head.status.as_u16(), body: body.to_vec(), signed: true, media_type };
    let mut told = truth.clone();
    if !preflight && shared.lies_to(&asked.host) {
        (shared.script.lock().unwrap_or_else(PoisonError::into_inner))(&asked, &mut told);
    }

    let impostor = shared.impostor.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_altered = told != truth || impostor.is_some();
    let mut headers = head.headers;
    if is_altered {
        headers.remove(CONTENT_LENGTH);
        fields::ALL.into_iter().for_each(|name| drop(headers.remove(name)));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(told.media_type));
    }
    if is_altered && told.signed {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let reply = ReplyHead { status: told.status, time_ms: now.as_millis() as u64, body: &told.body };
        let key = impostor.unwrap_or_else(|| shared.key.clone());
        for (name, value) in sign_response(reply, &binding, &server_id(&key.public()), |message| key.sign(message)) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    let mut response = Response::new(Full::new(Bytes::from(told.body)));
    *response.headers_mut() = headers;
    *response.status_mut() = hyper::StatusCode::from_u16(told.status).unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    Ok(response)
}

fn fields_of(headers: &HeaderMap) -> Fields {
    headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

fn bad_gateway() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = hyper::StatusCode::BAD_GATEWAY;
    response
}

/// The real server, the evil one in front of it, and people who talk to it through that.
pub struct EvilWorld {
    /// What people connect to.
    pub evil: EvilServer,
    /// The honest server behind it.
    pub server: keyfold_server::Running,
    /// Copies of it that went their own way.
    copies: Mutex<Vec<keyfold_server::Running>>,
    folder: PathBuf,
    /// Goes with the world, if the world made it.
    _temporary: Option<tempfile::TempDir>,
}

impl EvilWorld {
    /// On an empty folder.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let world = Self::start_in(folder.path()).await;
        Self { _temporary: Some(folder), ..world }
    }

    /// In a folder that stays.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_in(folder: &Path) -> Self {
        let mut config = keyfold_server::Config::new(folder.join("data"));
        config.listen.set_port(0);
        let secrets = config.secrets_folder();
        let server = keyfold_server::Server::start(config).await.expect("the server starts");
        let upstream = server.address().to_string();
        let evil = EvilServer::start(&upstream, ServerKey::in_folder(&secrets)).await;
        Self { evil, server, copies: Mutex::default(), folder: folder.to_owned(), _temporary: None }
    }

    /// Forks the world: from now on a copy of the server answers, with the same key, and what happens on either side
    /// stays there. Nobody may be writing meanwhile.
    ///
    /// # Panics
    /// If the copy does not start.
    pub async fn fork(&self) {
        let data = self.folder.join("data");
        let number = self.copies.lock().unwrap_or_else(PoisonError::into_inner).len();
        let copy = self.folder.join(format!("copy-{number}"));
        std::fs::create_dir(&copy).expect("a new folder");
        for file in std::fs::read_dir(&data).expect("the server's folder") {
            let file = file.expect("a file of the server").path();
            let name = file.file_name().expect("a file has a name");
            // What only the running server needs, it makes anew.
            if file.is_file() && !name.to_string_lossy().ends_with("-shm") {
                std::fs::copy(&file, copy.join(name)).expect("room for a copy");
            }
        }
        let secrets = Some(keyfold_server::Config::new(data).secrets_folder());
        let mut config = keyfold_server::Config { secrets, ..keyfold_server::Config::new(copy) };
        config.listen.set_port(0);
        let server = keyfold_server::Server::start(config).await.expect("the copy starts");
        self.evil.turn_to(&server.address().to_string());
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }

    /// The first server answers again.
    pub fn show_first(&self) {
        self.evil.turn_to(&self.server.address().to_string());
    }

    /// The newest copy answers again.
    ///
    /// # Panics
    /// If there is none.
    pub fn show_copy(&self) {
        let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        self.evil.turn_to(&copies.last().expect("the world was forked").address().to_string());
    }

    /// Where somebody's home is.
    pub fn home(&self, user_id: &str) -> std::path::PathBuf {
        self.folder.join(user_id)
    }

    /// Somebody signed up here.
    ///
    /// # Panics
    /// If signing up fails.
    pub async fn person(&self, user_id: &str) -> keyfold_client::Client {
        let client = keyfold_client::Client::open(&self.home(user_id)).expect("a home");
        let key = self.server.server_key().to_string();
        client.signup(user_id, &self.evil.url(), Some(&key)).await.expect("signing up");
        client
    }
}

/// Whether any of these requests changes something: what a client must not send once it was lied to.
pub fn writes(seen: &[Asked]) -> Vec<&Asked> {
    let changes = |asked: &&Asked| {
        asked.method == "POST"
            && (asked.path.ends_with("/entries") || asked.path.ends_with("/placed") || asked.path == "/v1/scopes")
    };
    seen.iter().filter(changes).collect()
}
