//! `keyfold signup`.

use super::{accept::Unasked, whoami};
use crate::fault::Fault;
use crate::session::Session;
use crate::token;
use crate::word::typed;
use clap::Args;
use keyfold_client::{SignIn, SignInProof};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The user id: at most 128 bytes, and never changed again
    #[arg(value_parser = typed)]
    user: String,
    /// The server's address
    #[arg(long, value_name = "URL", env = "KEYFOLD_SERVER")]
    server: String,
    /// The key that the server must have, as `keyfold serve` printed it [default: trust the one it shows]
    #[arg(long, value_name = "KEY", env = "KEYFOLD_SERVER_KEY", value_parser = typed, allow_hyphen_values = true)]
    server_key: Option<String>,
    /// A file with the token that the server's identity provider gave; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Give up the account that has this user id, because every way into it is lost: the new one starts empty, and others
    /// take it only after they compared it
    #[arg(long)]
    start_over: bool,
    /// Which shares this home takes without asking [default: auto]
    #[arg(long, value_enum, value_name = "WHICH")]
    accept_shares: Option<Unasked>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    let token = options.token.map(token::read).transpose()?;
    let sign_in = SignIn {
        user_id: &options.user,
        server_url: &options.server,
        server_key: options.server_key.as_deref(),
        proof: token.as_ref().map_or(SignInProof::Nothing, |token| SignInProof::Token(token)),
    };
    let mut who =
        if options.start_over { client.start_over(sign_in).await? } else { client.signup_with(sign_in).await? };
    if let Some(which) = options.accept_shares {
        client.accept_shares(which.into()).await?;
        who = client.whoami().await?;
    }
    remark_of_first_use(session, options.server_key.as_deref());
    session.output.show(&who, |who| format!("Signed up.\n\n{}", whoami::text(who)))
}

/// Says that a key was taken that nobody had named.
pub(super) fn remark_of_first_use(session: &Session, named: Option<&str>) {
    if named.is_none() {
        session.output.remark("No --server-key was given, so the key that the server showed was taken as its own.");
        session.output.remark("Compare it with what `keyfold serve` printed.");
    }
}
