//! `keyfold group`: groups of people, and of other groups. A keychain is shared with one as `group:NAME`.

use super::{
    ban, leave, owners,
    participants::participants_text,
    share::{self, Permission},
};
use crate::fault::Fault;
use crate::moment;
use crate::session::Session;
use crate::table::{columns, fields};
use crate::word::typed;
use clap::{Args, Subcommand};
use keyfold_client::{Client, Group, Participant, ShareKeys, ShareOptions};
use serde::Serialize;

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a group, with oneself in it
    Create {
        /// What it is called: at most 256 bytes; the server never sees it
        #[arg(value_parser = typed)]
        name: String,
        /// It can stand in groups of a higher rank: 100 for a team, 150 for a department, 200 for an organisation
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(..65_535))]
        rank: u16,
    },
    /// List the groups that one is in
    List,
    /// Show a group and who is in it
    Show {
        /// The group
        #[arg(value_name = "G", value_parser = typed)]
        group: String,
    },
    /// Add people or groups
    Add(Add),
    /// Put somebody out, with a new key for the others, here and wherever the group stands
    Remove {
        /// The group
        #[arg(value_name = "G", value_parser = typed)]
        group: String,
        /// A user id, or group:NAME
        #[arg(value_name = "WHO", value_parser = typed)]
        who: String,
    },
    /// Say who owns a group, and decide with the other owners
    Owners(owners::Options),
    /// Leave a group
    Leave {
        /// The group
        #[arg(value_name = "G", value_parser = typed)]
        group: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The group
    #[arg(value_name = "G", value_parser = typed)]
    group: String,
    /// User ids, or group:NAME
    #[arg(required = true, value_name = "WHO", value_parser = typed)]
    who: Vec<String>,
    /// What they may do in the group, and at most wherever it stands
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    allow: Vec<Permission>,
    /// When it ends, from now: 7d, 12h, 30min
    #[arg(long, value_name = "SPAN")]
    expires: Option<String>,
    /// Have everybody refuse what they write
    #[arg(long)]
    read_only: bool,
}

/// A group, and who is in it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    group: Group,
    participants: Vec<Participant>,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Fault> {
    let client = session.client()?;
    match command {
        Command::Create { name, rank } => session.output.show(&client.create_group(&name, rank).await?, group_text),
        Command::List => session.output.show(&client.groups().await?, |groups| list_text(groups)),
        Command::Show { group } => session.output.show(&shown(&client, &group).await?, |shown| {
            format!("{}\n{}", group_text(&shown.group), participants_text(&shown.participants))
        }),
        Command::Add(Add { group, who, allow, expires, read_only }) => {
            let terms = ShareOptions {
                permissions: share::flags(&allow),
                read_only,
                expires_at: expires.as_deref().map(moment::after).transpose()?,
            };
            let who: Vec<&str> = who.iter().map(String::as_str).collect();
            // What was wrapped to earlier keys of the group, who comes later is to open too.
            let outcome = client.share(&scope(&group), &who, ShareKeys::All, terms).await?;
            session.output.show(&outcome, |outcome| share::recipients_text(outcome, terms.permissions))
        }
        Command::Remove { group, who } => session.output.show(&client.ban(&scope(&group), &who).await?, ban::text),
        Command::Owners(mut options) => {
            options.keychain = scope(&options.keychain);
            owners::run(session, options).await
        }
        Command::Leave { group } => session.output.show(&client.leave(&scope(&group)).await?, leave::text),
    }
}

/// As every call names a group; whoever types the prefix here too means the same.
fn scope(group: &str) -> String {
    if group.starts_with("group:") { group.to_owned() } else { format!("group:{group}") }
}

async fn shown(client: &Client, group: &str) -> Result<Shown, Fault> {
    let participants = client.participants(&scope(group), None, true).await?;
    Ok(Shown { group: client.group(group).await?, participants })
}

fn group_text(group: &Group) -> String {
    let yes = |is: bool| is.then(|| "yes".to_owned());
    fields([
        ("name", Some(group.name.clone())),
        ("group", Some(group.group_fingerprint.clone())),
        ("rank", Some(group.rank.to_string())),
        ("may", Some(super::keychain::permissions_text(group.permissions))),
        ("read-only", yes(group.read_only)),
        ("needs a new key", yes(group.needs_rotation)),
        ("added by", group.shared_by.as_ref().map(|person| person.user_id.clone())),
    ])
}

fn list_text(groups: &[Group]) -> String {
    if groups.is_empty() {
        return "No groups. `keyfold group create NAME` makes one.".to_owned();
    }
    let row = |group: &Group| {
        let by = group.shared_by.as_ref().map_or_else(|| "own".to_owned(), |person| person.user_id.clone());
        [
            group.name.clone(),
            by,
            group.rank.to_string(),
            group.member_count.to_string(),
            group.group_fingerprint.clone(),
        ]
    };
    columns(["name", "from", "rank", "members", "group"], groups.iter().map(row))
}
