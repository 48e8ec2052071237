//! One request on one connection.

use super::{World, random};
use keyfold_protocol::signing::{Binding, Fields, Method, Nonce, Outgoing, Reply, Request};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request as it goes over the wire; every part can be changed before it does.
#[derive(Clone, Debug)]
pub struct Raw {
    pub method: String,
    pub host: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn of(out: &Outgoing) -> Self {
        let query = if out.request.query.is_empty() { String::new() } else { format!("?{}", out.request.query) };
        Self {
            method: out.request.method.as_str().to_owned(),
            host: out.binding.authority().to_owned(),
            target: out.request.path.clone() + &query,
            headers: out.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
            body: out.request.body.clone(),
        }
    }

    /// The bytes that go over the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.target, self.host);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", self.body.len());
        [head.as_bytes(), &self.body].concat()
    }

    pub fn unsigned(world: &World, method: Method, path: &str, body: Vec<u8>) -> (Self, Binding) {
        let request = Request { method, path: path.to_owned(), query: String::new(), body };
        let out = request.unsigned(&world.authority(), Nonce(random()));
        (Self::of(&out), out.binding)
    }
}

/// Sends, and reads whatever comes back.
pub async fn exchange(to: SocketAddr, raw: &Raw) -> Reply {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut raw = raw.clone();
    raw.headers.push(("connection".to_owned(), "close".to_owned()));
    // The server may answer, and close, before it read all of a body that is too large.
    _ = stream.write_all(&raw.encode()).await;
    let mut bytes = Vec::new();
    _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

/// Sends, and reads the answer as text: for fields that no signature covers.
pub async fn raw_answer(to: SocketAddr, raw: &Raw) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut raw = raw.clone();
    raw.headers.push(("connection".to_owned(), "close".to_owned()));
    stream.write_all(&raw.encode()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields: Fields = lines.map(|line| line.split_once(':').unwrap()).collect();
    Reply { status, fields, body: bytes[end + 4..].to_vec() }
}
