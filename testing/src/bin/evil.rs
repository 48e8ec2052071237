//! The evil server as a process, for tests in another language and for the demo: the real server, behind a proxy that
//! holds its key. All of it listens on 127.0.0.1, and nothing of it is for anything but showing what clients do about
//! lies.
//!
//! `evil [FOLDER]` keeps everything in the folder, or in a temporary one. It prints
//! `{"url":…,"serverKey":…,"control":…}` once it listens, and ends when its standard input does. The control port takes
//! JSON:
//!
//! ```text
//! POST /lie      {"kind":"identity-swap","user":"bob"}   tells it from now on: see `keyfold_testing::lies`
//! POST /lie?127.0.0.1:8082                               … only to those who ask the server by this `Host`
//! POST /honest                                           back to the truth
//! POST /person   {"user":"insider"}                      signs up somebody with a native client and a home here
//! POST /sync     {"user":"insider"}                      lets him take in what arrived
//! POST /generation {"user":"insider"}                    his account goes on to its next generation, once
//! GET  /traffic                                          [{"method":…,"path":…,"body":base64url,"writes":bool},…]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use keyfold_client::{Client, base64url};
use keyfold_testing::{
    evil::{EvilWorld, writes},
    hand::Hand,
    lies,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, convert::Infallible, sync::Arc};
use tokio::{net::TcpListener, sync::Mutex};

struct Control {
    world: EvilWorld,
    people: Mutex<HashMap<String, Client>>,
}

#[derive(Deserialize)]
struct Who {
    user: String,
}

#[tokio::main]
async fn main() {
    let world = match std::env::args_os().nth(1) {
        Some(folder) => EvilWorld::start_in(folder.as_ref()).await,
        None => EvilWorld::start().await,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let control = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    println!(
        "{}",
        json!({ "url": world.evil.url(), "serverKey": world.server.server_key().to_string(), "control": control })
    );
    let served = Arc::new(Control { world, people: Mutex::default() });
    let input = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        () = serve(listener, served) => {}
        // Whoever started this is gone.
        _ = input => {}
    }
}

async fn serve(listener: TcpListener, control: Arc<Control>) {
    while let Ok((stream, _)) = listener.accept().await {
        let control = control.clone();
        let service = service_fn(move |request| answer(control.clone(), request));
        tokio::spawn(async move {
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(control: Arc<Control>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let done = run(&control, head.method.as_str(), head.uri.path(), head.uri.query(), &body).await;
    let (status, body) = match done {
        Ok(body) => (StatusCode::OK, body),
        Err(why) => (StatusCode::BAD_REQUEST, json!({ "error": why })),
    };
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = status;
    // Pages ask too; their requests are simple ones, without a preflight.
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn run(control: &Control, method: &str, path: &str, to: Option<&str>, body: &[u8]) -> Result<Value, String> {
    match (method, path) {
        ("POST", "/lie") => lies::tell(&control.world, read(body)?, to).await?,
        ("POST", "/honest") => lies::be_honest(&control.world),
        ("POST", "/person") => {
            let Who { user } = read(body)?;
            let client = control.world.person(&user).await;
            control.people.lock().await.insert(user, client);
        }
        ("POST", "/sync") => {
            let Who { user } = read(body)?;
            let people = control.people.lock().await;
            let client = people.get(&user).ok_or_else(|| format!("{user} has no home here"))?;
            client.sync().await.map_err(|fault| fault.to_string())?;
        }
        ("POST", "/generation") => {
            let Who { user } = read(body)?;
            Hand::on(&control.world, &user)?.rotate(&control.world).await;
        }
        ("GET", "/traffic") => return Ok(traffic(&control.world)),
        _ => return Err(format!("{method} {path} is nothing")),
    }
    Ok(json!({}))
}

fn traffic(world: &EvilWorld) -> Value {
    let seen = world.evil.seen();
    let one = |asked| {
        let write = !writes(std::slice::from_ref(asked)).is_empty();
        json!({ "method": asked.method, "path": asked.path, "body": base64url(&asked.body), "writes": write })
    };
    seen.iter().map(one).collect()
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|fault| fault.to_string())
}
