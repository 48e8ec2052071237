//! What the client needs of the world, as one trait: a way to the server, a clock, randomness, a store. Everything
//! else of the client is the same on a disk with tokio and in a browser with fetch and IndexedDB.

use keyfold_core::safety::SafetyInput;
use keyfold_protocol::signing::Method;
use rand_core::{TryCryptoRng, TryRng};
use std::{convert::Infallible, future::Future};
use zeroize::Zeroizing;

/// A request, signed and ready.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Headers to send as they are.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}

/// A response as it arrived.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Its headers, repeated ones as often as they stand.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// No response came: no connection, or it broke, or it took too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreachable {
    /// For people.
    pub why: String,
    /// Whether a connection that stood broke before anything of a response came, as one does that idled while its server
    /// was started anew. A signed request is then sent once more.
    pub broke: bool,
}

impl Unreachable {
    /// Sending once more would not help.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), broke: false }
    }
}

/// The store did not do it; what it held before, it still holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// No room.
    #[error("no room is left")]
    Full,
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

/// What a record holds: often keys, so it is wiped when dropped.
pub type Content = Zeroizing<Vec<u8>>;

/// A record's name and new content, or `None` to remove it.
pub type Put = (String, Option<Content>);

/// The name of sealed bytes in small hexadecimal letters and points, and the bytes, or `None` to let go of them.
pub type NearPut = (String, Option<Vec<u8>>);

/// The world. Implementations move bytes; they decide nothing.
///
/// Names of records hold ids only. What they contain is sealed by the implementation before it rests anywhere, under
/// a key that does not rest beside it in the clear.
pub trait Host {
    /// Sends a request and waits for the whole response.
    fn exchange(&self, request: HttpRequest) -> impl Future<Output = Result<HttpResponse, Unreachable>>;

    /// Milliseconds since 1970, as this machine believes.
    fn now_ms(&self) -> u64;

    /// Fills with randomness of the system's best source.
    fn random(&self, bytes: &mut [u8]);

    /// One record.
    fn load(&self, name: &str) -> impl Future<Output = Result<Option<Content>, StoreFault>>;

    /// All records whose name starts with `prefix`, ascending by name.
    fn scan(&self, prefix: &str) -> impl Future<Output = Result<Vec<(String, Content)>, StoreFault>>;

    /// Works out what safety words are made of, where that is fast. `None` if there is no way here.
    fn stretch(&self, input: SafetyInput) -> impl Future<Output = Option<[u8; SafetyInput::BYTES]>>;

    /// Writes all or nothing, and returns when it would survive a power cut.
    fn commit(&self, puts: Vec<Put>) -> impl Future<Output = Result<(), StoreFault>>;

    /// What is near of sealed bytes that were fetched before, by their names, in their order. Whoever asks checks it: it
    /// may be something else.
    fn find_near(&self, names: Vec<String>) -> impl Future<Output = Vec<Option<Vec<u8>>>>;

    /// Keeps sealed bytes near, in the place of what is there under their names, or nothing from now on. They may be
    /// forgotten at any time, and where there is no room nothing is kept.
    fn keep_near(&self, puts: Vec<NearPut>) -> impl Future<Output = ()>;
}

/// A host's randomness, as the cryptography takes it.
pub(crate) struct HostRng<'h, H>(pub(crate) &'h H);

impl<H: Host> TryRng for HostRng<'_, H> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.random(bytes);
        Ok(())
    }
}

impl<H: Host> TryCryptoRng for HostRng<'_, H> {}
