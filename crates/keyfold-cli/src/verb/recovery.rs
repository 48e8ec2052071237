//! `keyfold recovery`: ways back into one's account, and using one.

use super::{device::At, whoami};
use crate::fault::Fault;
use crate::progress::Steps;
use crate::secret;
use crate::session::{self, Session};
use crate::table::{columns, fields};
use crate::word::typed;
use crate::{moment, qr};
use clap::{Args, Subcommand, ValueEnum};
use keyfold_client::{
    Code, RecoverOptions, Recovered, Recovery, RecoveryGap, RecoveryInput, RecoveryKind, RecoveryStatus, Revoke,
    Zeroizing,
};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Say which ways back there are, and what is missing
    Status,
    /// Set a password
    Password {
        /// The file with the password; `-` for standard input [default: ask]
        file: Option<PathBuf>,
        #[command(flatten)]
        kept: Kept,
    },
    /// Make 24 words for paper
    Paper(Kept),
    /// Make N shares, of which K suffice
    Shares {
        /// How many suffice
        #[arg(value_name = "K")]
        needed: u8,
        /// How many there are, at most 16
        #[arg(value_name = "N")]
        count: u8,
        #[command(flatten)]
        kept: Kept,
    },
    /// Take a way back away, by its own secret or that of an older one
    Remove {
        /// Its id, or what it is: password, paper, shares, passkey
        #[arg(value_parser = typed)]
        method: String,
        /// What proves that you may [default: the same]
        #[arg(long, value_enum, value_name = "WHAT")]
        by: Option<Way>,
        /// The file with that secret; `-` for standard input [default: ask]
        #[arg(long, value_name = "FILE")]
        with: Option<PathBuf>,
    },
    /// Come back into an account, with a new device in this home
    Recover(Recover),
}

/// What all ways back take.
#[derive(Args, Debug)]
pub(crate) struct Kept {
    /// What it is called
    #[arg(long, value_parser = typed)]
    label: Option<String>,
    /// In the place of another way back, whose secret is asked for
    #[arg(long, value_enum, value_name = "WHAT")]
    replaces: Option<Way>,
    /// The file with that secret; `-` for standard input [default: ask]
    #[arg(long, value_name = "FILE", requires = "replaces")]
    with: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Recover {
    #[command(flatten)]
    at: At,
    /// By a password; from a file, `-` for standard input [default: ask]
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "way")]
    password: Option<Option<PathBuf>>,
    /// By the words of a paper
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "way")]
    paper: Option<Option<PathBuf>>,
    /// By shares, one a line
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "way")]
    shares: Option<Option<PathBuf>>,
    /// What this device is called [default: the name of this machine]
    #[arg(long, value_parser = typed)]
    label: Option<String>,
    /// Put all devices out that the account had: they are lost, or stolen
    #[arg(long)]
    revoke_all: bool,
    /// Put this device out, by id
    #[arg(long, value_name = "ID", conflicts_with = "revoke_all", value_parser = typed)]
    revoke: Vec<String>,
}

/// What the secret of a way back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Password,
    Paper,
    Shares,
}

impl Way {
    fn read(self, from: Option<&Path>) -> Result<RecoveryInput, Fault> {
        Ok(match self {
            Self::Password => RecoveryInput::Password(secret::ask(from, "Password: ")?),
            Self::Paper => RecoveryInput::Paper(secret::ask(from, "The 24 words: ")?),
            Self::Shares => {
                let all = secret::ask(from, "The shares, with a space between: ")?;
                RecoveryInput::Shares(all.split_whitespace().map(|share| Zeroizing::new(share.to_owned())).collect())
            }
        })
    }
}

impl Kept {
    fn former(&self) -> Result<Option<RecoveryInput>, Fault> {
        self.replaces.map(|way| way.read(self.with.as_deref())).transpose()
    }
}

#[derive(Serialize)]
struct Paper<'a> {
    #[serde(flatten)]
    recovery: &'a Recovery,
    words: &'a str,
}

#[derive(Serialize)]
struct Shares<'a> {
    #[serde(flatten)]
    recovery: &'a Recovery,
    shares: Vec<&'a str>,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Fault> {
    let client = session.client()?;
    match command {
        Command::Status => session.output.show(&client.recovery_status().await?, status_text),
        Command::Password { file, kept } => {
            if kept.replaces.is_some() {
                secret::apart(kept.with.as_deref(), file.as_deref())?;
            }
            let former = kept.former()?;
            let password = secret::ask_new(file.as_deref(), "New password: ")?;
            let recovery = client.add_password(&password, kept.label.as_deref(), former.as_ref()).await?;
            session.output.show(&recovery, |_| {
                "The password brings you back, as long as this server helps. Keep it where you keep passwords."
                    .to_owned()
            })
        }
        Command::Paper(kept) => {
            let paper = client.add_paper(kept.label.as_deref(), kept.former()?.as_ref()).await?;
            let document = Paper { recovery: &paper.recovery, words: &paper.words };
            session.output.show(&document, |paper| paper_text(paper.words))
        }
        Command::Shares { needed, count, kept } => {
            if needed < 2 || needed > count || count > 16 {
                return Err(Fault::usage(format!("{needed} of {count} shares cannot be made"))
                    .hint("2 at least have to suffice, and there are at most 16: `keyfold recovery shares 2 3`."));
            }
            let former = kept.former()?;
            let made = client.add_shares((needed, count), kept.label.as_deref(), former.as_ref()).await?;
            let shares = made.shares.iter().map(|share| share.as_str()).collect();
            let document = Shares { recovery: &made.recovery, shares };
            session.output.show(&document, |made| shares_text(needed, &made.shares))
        }
        Command::Remove { method, by, with } => {
            let status = client.recovery_status().await?;
            let found = find(&status.methods, &method)?;
            let by = match by {
                Some(way) => way,
                None => way_of(found.method)?,
            };
            client.remove_recovery(&found.recovery_id, &by.read(with.as_deref())?).await?;
            session.output.show(&client.recovery_status().await?, |status| {
                format!("It opens nothing any more.\n\n{}", status_text(status))
            })
        }
        Command::Recover(options) => recover(session, options).await,
    }
}

async fn recover(session: &Session, options: Recover) -> Result<(), Fault> {
    let ways = [(Way::Password, &options.password), (Way::Paper, &options.paper), (Way::Shares, &options.shares)];
    let Some((way, from)) = ways.into_iter().find_map(|(way, from)| from.as_ref().map(|from| (way, from))) else {
        return Err(Fault::usage("say how: --password, --paper or --shares").hint(
            "A passkey recovers in a browser; a device that is in lets this one in by `keyfold device request`.",
        ));
    };
    if let Some(token) = options.at.token_file() {
        secret::apart(Some(token), from.as_deref())?;
    }
    let input = way.read(from.as_deref())?;
    let client = session.client()?;
    let label = options.label.clone().unwrap_or_else(session::machine);
    let ids: Vec<&str> = options.revoke.iter().map(String::as_str).collect();
    let revoke = match (options.revoke_all, ids.is_empty()) {
        (true, _) => Revoke::All,
        (false, true) => Revoke::None,
        (false, false) => Revoke::These(&ids),
    };
    let token = options.at.token()?;
    let sign_in = options.at.sign_in(token.as_ref());
    let steps = Steps::new(session.output, "keychains");
    let how = RecoverOptions { label: Some(&label), revoke };
    let recovered = client.recover(sign_in, &input, how, |done, all| steps.at(done, all)).await?;
    drop(steps);
    options.at.remark_of_first_use(session);
    session.output.show(&recovered, recovered_text)
}

fn find<'a>(methods: &'a [Recovery], text: &str) -> Result<&'a Recovery, Fault> {
    let mut found = methods.iter().filter(|one| one.recovery_id == text || word(one.method) == text);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Fault::usage(format!("there are several ways back called {text}"))
            .hint("Name one by its id: `keyfold recovery status`.")),
        _ => Err(Fault::new(Code::NoRecovery, "your account has no such way back")
            .hint("`keyfold recovery status` lists them.")),
    }
}

fn way_of(kind: RecoveryKind) -> Result<Way, Fault> {
    match kind {
        RecoveryKind::Password => Ok(Way::Password),
        RecoveryKind::Paper => Ok(Way::Paper),
        RecoveryKind::Shares => Ok(Way::Shares),
        _ => Err(Fault::usage("a passkey is used in a browser")
            .hint("Prove it by an older way back: --by password, paper or shares.")),
    }
}

fn word(kind: RecoveryKind) -> &'static str {
    match kind {
        RecoveryKind::Password => "password",
        RecoveryKind::Paper => "paper",
        RecoveryKind::Shares => "shares",
        RecoveryKind::Passkey => "passkey",
        _ => "another",
    }
}

fn status_text(status: &RecoveryStatus) -> String {
    let row = |one: &Recovery| {
        [
            word(one.method).to_owned(),
            one.label.clone().unwrap_or_else(|| "-".to_owned()),
            moment::readable(one.added_at),
            one.recovery_id.clone(),
        ]
    };
    let mut text = if status.methods.is_empty() {
        String::new()
    } else {
        columns(["way back", "name", "added", "id"], status.methods.iter().map(row))
    };
    for gap in &status.missing {
        _ = writeln!(text, "{}", gap_text(*gap));
    }
    if status.missing.is_empty() {
        text.push_str("Nothing is missing.\n");
    }
    text
}

fn gap_text(gap: RecoveryGap) -> &'static str {
    match gap {
        RecoveryGap::NoRecovery => {
            "There is no way back: who loses every device loses everything, and a thief of one may keep it. `keyfold recovery paper` makes one."
        }
        RecoveryGap::OnlyPasskeys => {
            "Passkeys are the only way back: whoever keeps them for you can lose them. `keyfold recovery paper` makes another."
        }
        _ => {
            "No way back works without this server's help: `keyfold recovery paper` makes one, or `keyfold recovery shares`."
        }
    }
}

/// The words in numbered rows, as they are written down.
fn paper_text(words: &str) -> String {
    let mut text = "Write these words down, in this order, and put the paper where you keep what matters.\nWhoever has it can come into your account. Nobody can show them again.\n\n".to_owned();
    let words: Vec<&str> = words.split(' ').collect();
    for (row, four) in words.chunks(4).enumerate() {
        for (at, word) in four.iter().enumerate() {
            _ = write!(text, "{:>4}  {word:<10}", row * 4 + at + 1);
        }
        text = text.trim_end().to_owned();
        text.push('\n');
    }
    if io::stdout().is_terminal()
        && let Some(code) = qr::drawn(&words.join(" "))
    {
        text.push('\n');
        text.push_str(&code);
    }
    text
}

fn shares_text(needed: u8, shares: &[&str]) -> String {
    let mut text = format!(
        "Give each to another person or place. Any {needed} of them bring you back; fewer tell nothing.\nNobody can show them again.\n"
    );
    for (at, share) in shares.iter().enumerate() {
        _ = write!(text, "\nShare {} of {}\n{share}\n", at + 1, shares.len());
    }
    text
}

fn recovered_text(recovered: &Recovered) -> String {
    let count = |ids: &[String]| (!ids.is_empty()).then(|| ids.len().to_string());
    let done = fields([
        ("devices put out", count(&recovered.revoked_device_ids)),
        ("ways back gone with them", count(&recovered.removed_recovery_ids)),
    ]);
    let advice = if recovered.revoked_device_ids.is_empty() {
        "\nYour other devices are still in. If one is lost or stolen: `keyfold device list`, `keyfold device revoke`.\n"
    } else {
        ""
    };
    format!("You are back.\n\n{}{done}{advice}", whoami::text(&recovered.who))
}
