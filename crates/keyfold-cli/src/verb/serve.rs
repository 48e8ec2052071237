//! `keyfold serve`: a server, until it is asked to stop.

use crate::fault::Fault;
use crate::output::Output;
use crate::session;
use crate::stop;
use crate::table::fields;
use clap::{Args, Subcommand, ValueEnum};
use keyfold_client::Code;
use keyfold_server::{Config, DatabaseAddress, NextKey, OidcConfig, PasskeyConfig, SecretsError, Server, StartError};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    serve: Serve,
}

/// What is done in place of running a server.
#[derive(Subcommand, Debug)]
enum Instead {
    /// The server's signing key
    #[command(subcommand)]
    Key(Key),
}

#[derive(Subcommand, Debug)]
enum Key {
    /// Make the key that takes the place of the server's when it is started next; clients follow to it by themselves
    Next(Folders),
}

#[derive(Args, Debug)]
struct Folders {
    /// The folder that holds what the server stores [default: in the platform's data folder]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_DATA")]
    data: Option<PathBuf>,
    /// The folder that holds the server's own secrets [default: the data folder's name with -secrets]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_SECRETS")]
    secrets: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct Serve {
    /// The folder that holds what the server stores [default: in the platform's data folder]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_DATA")]
    data: Option<PathBuf>,
    /// The folder that holds the server's own secrets [default: the data folder's name with -secrets]
    #[arg(long, value_name = "DIR", env = "KEYFOLD_SECRETS")]
    secrets: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "KEYFOLD_LISTEN", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Who is let in. open: anybody who reaches it, so only on loopback. oidc: who signed in with an OpenID provider.
    /// passkey: who has a passkey
    #[arg(long, value_enum, env = "KEYFOLD_GATE", default_value = "open")]
    gate: Gate,
    #[command(flatten)]
    oidc: Oidc,
    #[command(flatten)]
    passkey: Passkey,
    /// A PostgreSQL database that keeps encrypted indexes, to be told who is in which keychain, as
    /// `postgres://ROLE:PASSWORD@HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "KEYFOLD_MEMBERS", hide_env_values = true)]
    members: Option<String>,
    /// A file with all of this
    #[arg(long, value_name = "FILE", hide = true)]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Gate {
    Open,
    Oidc,
    Passkey,
}

/// Of the gate `oidc`.
#[derive(Args, Debug)]
struct Oidc {
    /// oidc: the provider, as it writes itself in its tokens (iss)
    #[arg(long, value_name = "URL", env = "KEYFOLD_OIDC_ISSUER")]
    oidc_issuer: Option<String>,
    /// oidc: whom tokens must be made for (aud); one of these, if it is given several times
    #[arg(long, value_name = "AUD", env = "KEYFOLD_OIDC_AUDIENCE", value_delimiter = ',')]
    oidc_audience: Vec<String>,
    /// oidc: the claim that becomes the user id
    #[arg(long, value_name = "CLAIM", env = "KEYFOLD_OIDC_CLAIM", default_value = "sub")]
    oidc_claim: String,
    /// oidc: take tokens of these applications only (azp) [default: of all]
    #[arg(long, value_name = "AZP", env = "KEYFOLD_OIDC_PARTY", value_delimiter = ',')]
    oidc_party: Vec<String>,
}

/// Of the gate `passkey`.
#[derive(Args, Debug)]
struct Passkey {
    /// passkey: the origin of the pages where people sign up, as `https://app.example`; it may be given several times
    #[arg(long, value_name = "URL", env = "KEYFOLD_PASSKEY_ORIGIN", value_delimiter = ',')]
    passkey_origin: Vec<String>,
    /// passkey: the domain that passkeys are made for, and for ever [default: the origin's]
    #[arg(long, value_name = "DOMAIN", env = "KEYFOLD_PASSKEY_ID")]
    passkey_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    url: String,
    server_key: String,
    data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyDocument {
    server_key: String,
    next_server_key: String,
}

pub(crate) async fn run(Options { instead, serve }: Options, output: Output) -> Result<(), Fault> {
    match instead {
        None => run_server(serve, output).await,
        Some(Instead::Key(Key::Next(folders))) => next_key(folders, output),
    }
}

fn next_key(Folders { data, secrets }: Folders, output: Output) -> Result<(), Fault> {
    let mut config = Config::new(data_folder(data)?);
    config.secrets = secrets;
    let made = NextKey::make(&config.secrets_folder()).map_err(|error| match error {
        SecretsError::NoKey(_) => Fault::new(Code::UnknownFile, error.to_string()),
        _ => Fault::new(Code::Io, error.to_string()),
    })?;
    let document = KeyDocument { server_key: made.current.to_string(), next_server_key: made.next.to_string() };
    output.show(&document, |document| {
        let keys = fields([
            ("server key", Some(document.server_key.clone())),
            ("next key", Some(document.next_server_key.clone())),
        ]);
        format!("{keys}\nIt takes its place when the server is started next. Clients that know either key go on.")
    })
}

fn data_folder(named: Option<PathBuf>) -> Result<PathBuf, Fault> {
    match named {
        Some(data) => Ok(data),
        None => Ok(session::platform()?.data.join("server")),
    }
}

async fn run_server(options: Serve, output: Output) -> Result<(), Fault> {
    if options.config.is_some() {
        return Err(Fault::later("keyfold serve --config", "the server's configuration file"));
    }
    let gate = gate(options.gate, options.oidc, options.passkey)?;
    // Listening for signals first: whoever reads that we are ready may stop us at once.
    let stopped = stop::requested()?;
    let mut config = Config::new(data_folder(options.data)?);
    (config.secrets, config.listen, config.gate) = (options.secrets, options.listen, gate);
    config.members = options.members.map(DatabaseAddress);
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

/// The gate with what it needs, and nothing of another gate: who names a provider and forgets the gate would run an
/// open one.
fn gate(gate: Gate, oidc: Oidc, passkey: Passkey) -> Result<keyfold_server::Gate, Fault> {
    let Oidc { oidc_issuer, oidc_audience, oidc_claim, oidc_party } = oidc;
    let Passkey { passkey_origin, passkey_id } = passkey;
    let names_oidc = oidc_issuer.is_some() || !oidc_audience.is_empty() || !oidc_party.is_empty();
    let names_passkey = passkey_id.is_some() || !passkey_origin.is_empty();
    if (names_oidc && gate != Gate::Oidc) || (names_passkey && gate != Gate::Passkey) {
        return Err(Fault::usage("an option is of another gate than the one that is to stand")
            .hint("Add `--gate oidc` or `--gate passkey`, or leave the options of the other gate out."));
    }
    match gate {
        Gate::Open => Ok(keyfold_server::Gate::Open),
        Gate::Oidc => {
            let issuer = oidc_issuer.ok_or_else(|| Fault::usage("--gate oidc needs --oidc-issuer"))?;
            if oidc_audience.is_empty() {
                return Err(Fault::usage("--gate oidc needs --oidc-audience")
                    .hint("Without it, tokens that the provider made for other applications would let people in."));
            }
            let (audiences, parties, claim) = (oidc_audience, oidc_party, oidc_claim);
            Ok(keyfold_server::Gate::Oidc(OidcConfig { issuer, audiences, parties, claim }))
        }
        Gate::Passkey if passkey_origin.is_empty() => Err(Fault::usage("--gate passkey needs --passkey-origin")),
        Gate::Passkey => Ok(keyfold_server::Gate::Passkey(PasskeyConfig { origins: passkey_origin, id: passkey_id })),
    }
}

/// Why it does not start, with a code of the command line's.
fn refused(error: StartError) -> Fault {
    let message = error.to_string();
    match error {
        StartError::OpenGate(_) => Fault::new(Code::NotAllowed, message),
        StartError::UnusableGate(_) => Fault::usage(message),
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
