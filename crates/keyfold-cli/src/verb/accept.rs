//! `keyfold accept`: the shares that wait, and taking one.

use super::keychain::{keychain_text, permissions_text};
use crate::fault::Fault;
use crate::moment::readable;
use crate::session::Session;
use crate::table::columns;
use crate::word::typed;
use clap::{Args, ValueEnum};
use keyfold_client::{AcceptShares, IncomingShare};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain's fingerprint, as it is listed [default: list what waits]
    #[arg(value_parser = typed)]
    pub(super) share: Option<String>,
}

/// Which shares a home takes without asking.
#[derive(Clone, Copy, ValueEnum, Debug)]
pub(crate) enum Unasked {
    /// All
    Auto,
    /// Those of people whom this account has looked up, shared with, or taken a share from
    Known,
    /// None
    Ask,
}

impl From<Unasked> for AcceptShares {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::Auto => Self::Auto,
            Unasked::Known => Self::Known,
            Unasked::Ask => Self::Ask,
        }
    }
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    match options.share {
        None => list(session).await,
        Some(share) => {
            let keychain = session.client()?.accept_share(&share).await?;
            session.output.show(&keychain, |keychain| format!("Accepted.\n\n{}", keychain_text(keychain)))
        }
    }
}

/// What waits.
pub(super) async fn list(session: &Session) -> Result<(), Fault> {
    let shares = session.client()?.incoming_shares().await?;
    session.output.show(&shares, |shares| text(shares))
}

fn text(shares: &[IncomingShare]) -> String {
    if shares.is_empty() {
        return "No share waits for your answer.".to_owned();
    }
    let row = |share: &IncomingShare| {
        let met = match (share.verified, share.known) {
            (true, _) => " (verified)",
            (false, true) => "",
            (false, false) => " (not known before)",
        };
        [
            format!("{}{met}", share.shared_by.user_id),
            readable(share.shared_at),
            permissions_text(share.permissions),
            share.keychain_fingerprint.clone(),
        ]
    };
    format!(
        "{}\nWhat a keychain is for is seen once it is accepted. `keyfold accept SHARE` takes one, `keyfold decline SHARE` refuses it.\n",
        columns(["from", "shared", "may", "share"], shares.iter().map(row))
    )
}
