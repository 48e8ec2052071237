//! `keyfold share`: giving keys to people and groups, all of them in one request.

use super::keychain::permissions_text;
use crate::fault::Fault;
use crate::moment;
use crate::session::Session;
use crate::table::columns;
use crate::word::typed;
use clap::{Args, ValueEnum};
use keyfold_client::{MemberState, PermissionFlags, Recipient, ShareKeys, ShareOptions, ShareOutcome};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
    /// User ids, or group:NAME
    #[arg(required = true, value_name = "WHO", value_parser = typed)]
    who: Vec<String>,
    /// latest: the current key and later ones; all: the history too; or one key's fingerprint
    #[arg(long, default_value = "latest", value_name = "latest|all|KEY", value_parser = typed)]
    keys: String,
    /// What they may do beyond reading and writing
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    allow: Vec<Permission>,
    /// When it ends, from now: 7d, 12h, 30min
    #[arg(long, value_name = "SPAN")]
    expires: Option<String>,
    /// Have everybody refuse what they write
    #[arg(long)]
    read_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Permission {
    Sharing,
    Rotation,
    Deletion,
    Management,
}

impl Permission {
    /// As it is typed.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sharing => "sharing",
            Self::Rotation => "rotation",
            Self::Deletion => "deletion",
            Self::Management => "management",
        }
    }
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let terms = ShareOptions {
        permissions: flags(&options.allow),
        read_only: options.read_only,
        expires_at: options.expires.as_deref().map(moment::after).transpose()?,
    };
    let keys = match options.keys.as_str() {
        "latest" => ShareKeys::Latest,
        "all" => ShareKeys::All,
        _ => ShareKeys::One(options.keys),
    };
    let who: Vec<&str> = options.who.iter().map(String::as_str).collect();
    let outcome = session.client()?.share(&options.keychain, &who, keys, terms).await?;
    session.output.show(&outcome, |outcome| text(outcome, terms.permissions))
}

pub(super) fn flags(allow: &[Permission]) -> PermissionFlags {
    PermissionFlags {
        allow_sharing: allow.contains(&Permission::Sharing),
        allow_rotation: allow.contains(&Permission::Rotation),
        allow_deletion: allow.contains(&Permission::Deletion),
        allow_management: allow.contains(&Permission::Management),
    }
}

fn text(outcome: &ShareOutcome, permissions: PermissionFlags) -> String {
    let keys = match outcome.key_fingerprints.len() {
        1 => "1 key".to_owned(),
        keys => format!("{keys} keys"),
    };
    format!(
        "Shared {keys} of {}. A share arrives as soon as its recipient is online; `keyfold shares` lists what waits.\n\n{}",
        outcome.purpose,
        recipients_text(outcome, permissions)
    )
}

/// With whom, as a table.
pub(super) fn recipients_text(outcome: &ShareOutcome, permissions: PermissionFlags) -> String {
    let row = |recipient: &Recipient| {
        let state = match (recipient.already, recipient.state) {
            (true, MemberState::Accepted) => "has it already",
            (true, MemberState::Pending) => "was sent already, and waits",
            (false, _) => "sent",
        };
        [recipient.user_id.clone(), state.to_owned(), permissions_text(permissions), recipient.account_id.clone()]
    };
    columns(["user", "state", "may", "account"], outcome.recipients.iter().map(row))
}
