//! `keyfold user`: who somebody is, looked up and remembered, and compared by another way than the server.

use crate::fault::Fault;
use crate::session::Session;
use crate::table::fields;
use crate::word::typed;
use clap::Args;
use keyfold_client::{Client, Identity};
use serde::Serialize;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The user id
    #[arg(value_parser = typed)]
    user: String,
    /// Say that these are the safety words that the person told you; or the text of the person's QR code, or the
    /// account id
    #[arg(long, value_name = "WORDS", num_args = 1.., value_parser = typed)]
    verify: Option<Vec<String>>,
    /// The same of another identity than before, and take it: only if the person told you, by another way, that it is
    /// theirs
    #[arg(long, value_name = "WORDS", num_args = 1.., value_parser = typed, conflicts_with = "verify")]
    accept_new: Option<Vec<String>>,
}

/// The document: an identity, and what there is to compare.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    #[serde(flatten)]
    identity: Identity,
    /// Of oneself there are none.
    safety_words: Option<String>,
    #[serde(flatten)]
    replaced: Option<Replaced>,
}

/// What an accepted identity took the place of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    former_account_id: String,
    former_keychains: Vec<String>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let client = session.client()?;
    let mut replaced = None;
    let identity = match (&options.verify, &options.accept_new) {
        (Some(told), _) => client.verify_identity(&options.user, &told.join(" ")).await?,
        (None, Some(told)) => {
            let accepted = client.accept_identity(&options.user, &told.join(" ")).await?;
            replaced = accepted
                .former_account_id
                .map(|id| Replaced { former_account_id: id, former_keychains: accepted.former_keychains });
            accepted.identity
        }
        (None, None) => client.identity(&options.user).await?,
    };
    let safety_words = safety_words(&client, &identity).await?;
    let user = User { identity, safety_words, replaced };
    session.output.show(&user, text)
}

async fn safety_words(client: &Client, identity: &Identity) -> Result<Option<String>, Fault> {
    if client.whoami().await?.account_id == identity.account_id {
        return Ok(None);
    }
    Ok(Some(client.safety_words(&identity.user_id).await?))
}

fn text(user: &User) -> String {
    let User { identity, safety_words, replaced } = user;
    let verified = match (safety_words, identity.verified) {
        (None, _) => "it is you",
        (Some(_), true) => "yes",
        (Some(_), false) => "no",
    };
    let mut text = fields([
        ("user", Some(identity.user_id.clone())),
        ("account", Some(identity.account_id.clone())),
        ("generation", Some(identity.generation.to_string())),
        ("signature key", Some(identity.signature_public_key.clone())),
        ("verified", Some(verified.to_owned())),
        ("safety words", safety_words.clone()),
    ]);
    if safety_words.is_some() && !identity.verified {
        text += &format!(
            "\n{0} sees the same words for you, if nobody stands between you. Have them read out, in a call or face to face, and type what you hear: `keyfold user {0} --verify WORDS`.\n",
            identity.user_id
        );
    }
    if let Some(Replaced { former_account_id, former_keychains }) = replaced {
        text += &format!("\nIt takes the place of {former_account_id}.\n");
        if !former_keychains.is_empty() {
            text += &format!(
                "That one stays a member of these keychains, and can read there, until `keyfold ban KC {former_account_id}`:\n  {}\n",
                former_keychains.join("\n  ")
            );
        }
    }
    text
}
