//! People with keys, and a raw HTTP client, so that tests say exactly what goes over the wire. Nothing here comes from
//! Keyfold's own client; the server must hold without it.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod authenticator;
mod http;
mod person;
mod provider;
mod town;

pub use authenticator::{Authenticator, ORIGIN};
pub use http::{Raw, exchange, raw_answer};
pub use person::{
    Person, accounts, keychain_entry, placed, placed_accept, public, share_op, sign, wrap, wrap_to, wrapping_key,
    wraps_for,
};
pub use provider::Provider;
pub use town::{DEPARTMENT, TEAM, Town};

use keyfold_protocol::{
    Code, ErrorBody,
    signing::{Binding, Method, response::Verified},
};
use keyfold_server::{Config, Running, Server};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A server on a folder of its own.
pub struct World {
    folder: TempDir,
    pub server: Running,
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        set(&mut config);
        let server = Server::start(config).await.unwrap();
        Self { folder, server }
    }

    /// The same folder, another process's worth of memory.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    pub async fn restart_with(self, set: impl FnOnce(&mut Config)) -> Self {
        let Self { folder, server } = self;
        server.stop().await;
        let mut config = config(&folder);
        set(&mut config);
        let server = Server::start(config).await.unwrap();
        Self { folder, server }
    }

    pub fn authority(&self) -> String {
        self.server.address().to_string()
    }

    /// Sends and verifies the answer.
    pub async fn send(&self, raw: &Raw, binding: &Binding) -> Verified {
        let reply = exchange(self.server.address(), raw).await;
        reply.verify(binding, &self.server.server_key()).expect("the answer is signed and bound to its request")
    }

    /// Asks without a signature.
    pub async fn ask_unsigned(&self, method: Method, path: &str, body: Vec<u8>) -> Verified {
        let (raw, binding) = Raw::unsigned(self, method, path, body);
        self.send(&raw, &binding).await
    }

    pub async fn alice(&self) -> Person {
        Person::sign_up(self, "alice").await
    }

    pub async fn bob(&self) -> Person {
        Person::sign_up(self, "bob").await
    }

    pub async fn carol(&self) -> Person {
        Person::sign_up(self, "carol").await
    }
}

fn config(folder: &TempDir) -> Config {
    let mut config = Config::new(folder.path().join("data"));
    config.listen.set_port(0);
    config
}

pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// The code of an answer that is an error, with its status checked.
pub fn code(answer: &Verified) -> Code {
    let body = ErrorBody::decode(&answer.body).expect("an error");
    assert_eq!(body.code.status(), answer.status, "{body:?}");
    body.code
}

pub fn error(answer: &Verified) -> ErrorBody {
    ErrorBody::decode(&answer.body).expect("an error")
}
