//! The driver: tokio, HTTP and WebSocket, a home on a disk, files. It moves bytes and waits; what is believed is
//! decided in `machine`.

mod client;
mod files;
mod home;
mod host;
mod pipeline;
mod replace;
mod socket;
mod store;
mod transport;
mod watch;

pub use client::Client;
pub use files::{DecryptOptions, EncryptOptions, FileReport, Input, PathOptions, SlotInfo};
pub use home::Home;
pub use pipeline::{Cancel, Progress};
pub use replace::Draft;
pub use watch::Watch;
