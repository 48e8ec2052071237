//! `keyfold serve`: a server, until it is asked to stop.

use crate::fault::Fault;
use crate::output::Output;
use crate::session;
use crate::stop;
use crate::table::fields;
use clap::{Args, ValueEnum};
use keyfold_client::Code;
use keyfold_server::{Config, Server, StartError};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The folder that holds what the server stores [default: in the platform's data folder]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_DATA")]
    data: Option<PathBuf>,
    /// The folder that holds the server's own secrets [default: the data folder's name with -secrets]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_SECRETS")]
    secrets: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "KEYFOLD_LISTEN", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Who may sign up. open: anybody who reaches it, so only on loopback
    #[arg(long, value_enum, env = "KEYFOLD_GATE", default_value = "open")]
    gate: Gate,
    /// A file with all of this
    #[arg(long, value_name = "FILE", hide = true)]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum Gate {
    Open,
    #[value(hide = true)]
    Oidc,
    #[value(hide = true)]
    Passkey,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    url: String,
    server_key: String,
    data: String,
}
pub(crate) async fn run(options: Options, output: Output) -> Result<(), Fault> {
    if options.config.is_some() {
        return Err(Fault::later("keyfold serve --config", "the server's configuration file"));
    }
    let gate = match options.gate {
        Gate::Open => keyfold_server::Gate::Open,
        Gate::Oidc => return Err(Fault::later("keyfold serve --gate oidc", "sign-in by an identity provider")),
        Gate::Passkey => return Err(Fault::later("keyfold serve --gate passkey", "sign-in by passkeys")),
    };
    // Listening for signals first: whoever reads that we are ready may stop us at once.
    let stopped = stop::requested()?;
    let data = match options.data {
        Some(data) => data,
        None => session::platform()?.data.join("server"),
    };
    let mut config = Config::new(data);
    (config.secrets, config.listen, config.gate) = (options.secrets, options.listen, gate);
    let shown = config.data.display().to_string();
    let server = Server::start(config).await.map_err(refused)?;
    let document = Document { url: server.url(), server_key: server.server_key().to_string(), data: shown };
    let announced = output.show(&document, |document| {
        fields([
            ("url", Some(document.url.clone())),
            ("server key", Some(document.server_key.clone())),
            ("data", Some(document.data.clone())),
        ])
    });
    if announced.is_ok() {
        stopped.await;
        output.remark("Stopping: finishing what was begun.");
    }
    server.stop().await;
    announced
}

/// Why it does not start, with a code of the command line's.
fn refused(error: StartError) -> Fault {
    let message = error.to_string();
    match error {
        StartError::OpenGate(_) => Fault::new(Code::NotAllowed, message),
        StartError::InUse(_) => {
            Fault::new(Code::HomeInUse, message).hint("One folder is for one server: stop the other.")
        }
        StartError::Data(path, error) => Fault::io(&path.display().to_string(), &error),
        StartError::Listen(address, error) => {
            Fault::io(&format!("listening on {address}"), &error).hint("Choose another address with --listen.")
        }
        // Among others a database that cannot be read, and secrets that others can.
        _ => Fault::new(Code::Io, message),
    }
}
