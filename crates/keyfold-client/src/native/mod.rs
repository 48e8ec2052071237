//! The driver: tokio, HTTP and WebSocket, a home on a disk, files. It moves bytes and waits; what is believed is
//! decided in `machine`.

mod cache;
mod client;
mod files;
mod home;
mod host;
mod index;
mod lock;
mod pipeline;
mod records;
mod recovery;
mod replace;
mod socket;
mod storage;
mod store;
mod transport;
mod vault;
mod watch;
pub(crate) mod words;

pub use client::Client;
pub use files::{DecryptOptions, EncryptOptions, FileReport, Input, PathOptions, SlotInfo};
pub use home::Home;
pub use index::{Changes, Index};
pub use pipeline::{Cancel, Progress};
pub use records::{Records, Schema};
pub use recovery::{PaperKey, RecoveryInput, RecoveryShares};
pub use replace::Draft;
pub use storage::Storage;
pub use vault::{GetOptions, PutOptions, Vault};
pub use watch::Watch;
pub use words::{paper_text, read_paper};
