//! `keyfold device`: which devices an account has, how one comes in, gets new keys, and is put out.

use super::{signup, whoami};
use crate::fault::Fault;
use crate::moment;
use crate::progress::Steps;
use crate::secret;
use crate::session::Session;
use crate::table::{columns, fields};
use crate::word::typed;
use crate::{qr, session, token};
use clap::{Args, Subcommand};
use keyfold_client::{Client, Code, Device, DeviceRequest, DeviceRequested, SignIn, SignInProof, WhoAmI, Zeroizing};
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List the account's devices, and those that ask to be let in
    List,
    /// Ask to be let into an account, with a new device in this home
    Request(Request),
    /// Let a device in that asks
    Approve(Approve),
    /// Do not let a device in that asks
    Decline {
        /// Its code, or its id
        #[arg(value_parser = typed)]
        code: String,
    },
    /// Make a text that brings a new device in by itself, once
    Enroll {
        /// What the device is called
        #[arg(value_parser = typed)]
        label: String,
        /// How long it can be used, at most a day [default: 1h]
        #[arg(long, value_name = "SPAN")]
        expires: Option<String>,
    },
    /// Bring a new device in, in this home, by such a text
    Register {
        /// The file with the text; `-` for standard input
        file: PathBuf,
    },
    /// Call this device otherwise; it gets new keys with it
    Rename {
        /// The device
        #[arg(value_parser = typed)]
        id: String,
        /// What it is called from now on
        #[arg(value_parser = typed)]
        label: String,
    },
    /// Give this device new keys
    Rotate,
    /// Take devices out of the account, with those that they let in; what they could read gets new keys
    Revoke {
        /// Ids, or names that one device has
        #[arg(required = true, value_name = "ID", value_parser = typed)]
        ids: Vec<String>,
        /// Devices that stay although one of those let them in
        #[arg(long, value_name = "ID", value_parser = typed)]
        keep: Vec<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) at: At,
    /// What the device is called [default: the name of this machine]
    #[arg(long, value_parser = typed)]
    label: Option<String>,
}

/// Whose account, and where.
#[derive(Args, Debug)]
pub(crate) struct At {
    /// The user id of the account
    #[arg(value_parser = typed)]
    user: String,
    /// The server's address
    #[arg(long, value_name = "URL", env = "KEYFOLD_SERVER")]
    server: String,
    /// The key that the server must have, as `keyfold serve` printed it [default: trust the one it shows]
    #[arg(long, value_name = "KEY", env = "KEYFOLD_SERVER_KEY", value_parser = typed, allow_hyphen_values = true)]
    server_key: Option<String>,
    /// The file with the identity provider's token; `-` for standard input
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

impl At {
    /// The token, which [`Self::sign_in`] needs, if one was named.
    pub(crate) fn token(&self) -> Result<Option<Zeroizing<String>>, Fault> {
        self.token.clone().map(token::read).transpose()
    }

    /// Says that the server's key was taken, if nobody named one.
    pub(crate) fn remark_of_first_use(&self, session: &Session) {
        signup::remark_of_first_use(session, self.server_key.as_deref());
    }

    /// Where the token comes from, if from anywhere.
    pub(crate) fn token_file(&self) -> Option<&Path> {
        self.token.as_deref()
    }

    pub(crate) fn sign_in<'a>(&'a self, token: Option<&'a Zeroizing<String>>) -> SignIn<'a> {
        let proof = token.map_or(SignInProof::Nothing, |token| SignInProof::Token(token));
        SignIn { user_id: &self.user, server_url: &self.server, server_key: self.server_key.as_deref(), proof }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    /// The code that the device shows, or its id once its words were compared
    #[arg(value_parser = typed)]
    code: String,
    /// What it is called [default: what it calls itself]
    #[arg(long, value_parser = typed)]
    label: Option<String>,
    /// Do not ask whether the words are the same
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Listed {
    devices: Vec<Device>,
    requests: Vec<DeviceRequest>,
}

#[derive(Serialize)]
struct Text {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declined {
    device_id: String,
    declined: bool,
}

/// How long a text for a new device can be used, unless somebody says otherwise, and at most.
const LASTS: Duration = Duration::from_secs(60 * 60);
const LASTS_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Fault> {
    let client = session.client()?;
    match command {
        Command::List => {
            let (devices, requests) = (client.devices().await?, client.enrolment_requests().await?);
            session.output.show(&Listed { devices, requests }, list_text)
        }
        Command::Request(options) => request(session, &client, options).await,
        Command::Approve(options) => approve(session, &client, options).await,
        Command::Decline { code } => {
            let declined = Declined { device_id: client.decline_device(&code).await?, declined: true };
            session.output.show(&declined, |_| "Declined: it learns nothing, and may ask again.".to_owned())
        }
        Command::Enroll { label, expires } => enroll(session, &client, &label, expires.as_deref()).await,
        Command::Register { file } => {
            let who = client.register_enrolled_device(&secret::read(&file)?).await?;
            session.output.show(&who, joined_text)
        }
        Command::Rename { id, label } => {
            let devices = client.devices().await?;
            let named = |device: &&Device| device.device_id == id || device.label.as_deref() == Some(&*id);
            match devices.iter().find(named) {
                Some(device) if device.is_current => {
                    session.output.show(&client.rotate_device(Some(&label)).await?, device_text)
                }
                Some(_) => Err(Fault::new(Code::NotAllowed, "a device is renamed on that device")
                    .hint("Its name stands beside its keys, which only it can renew.")),
                None => Err(Fault::new(Code::UnknownHolder, "your account has no such device")
                    .hint("`keyfold device list` lists them.")),
            }
        }
        Command::Rotate => session.output.show(&client.rotate_device(None).await?, device_text),
        Command::Revoke { ids, keep } => {
            let steps = Steps::new(session.output, "keychains");
            let [ids, keep] = [&ids, &keep].map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
            let revoked = client.revoke_devices(&ids, &keep, |done, all| steps.at(done, all)).await?;
            drop(steps);
            session.output.show(&revoked, |revoked| {
                format!(
                    "{} out of the account, which is at generation {} now. What it could read has new keys.",
                    if revoked.device_ids.len() == 1 {
                        "1 device is".to_owned()
                    } else {
                        format!("{} devices are", revoked.device_ids.len())
                    },
                    revoked.generation
                )
            })
        }
    }
}

async fn request(session: &Session, client: &Client, options: Request) -> Result<(), Fault> {
    let label = options.label.unwrap_or_else(session::machine);
    let token = options.at.token()?;
    let asked = client.request_enrolment(options.at.sign_in(token.as_ref()), &label).await?;
    options.at.remark_of_first_use(session);
    let drawn = io::stdout().is_terminal().then(|| qr::drawn(&asked.code)).flatten();
    session.output.show(&asked, |asked| request_text(asked, drawn.as_deref().unwrap_or_default()))?;
    if session.output.is_json() || !io::stdout().is_terminal() {
        session.output.remark("Once it is let in, `keyfold login` goes on here.");
        return Ok(());
    }
    session.output.remark("\nWaiting. If you stop this, `keyfold login` goes on here once the device is let in.");
    loop {
        if let Some(who) = client.await_enrolment().await? {
            return session.output.show(&who, joined_text);
        }
    }
}

async fn enroll(session: &Session, client: &Client, label: &str, expires: Option<&str>) -> Result<(), Fault> {
    let lasts = expires.map(span).transpose()?.unwrap_or(LASTS);
    if lasts > LASTS_AT_MOST {
        return Err(Fault::usage("a text for a new device can be used for a day at most")
            .hint("Make it when the device is at hand; `keyfold device enroll` makes another at any time."));
    }
    let until = moment::now_ms().saturating_add(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
    let uri = client.enroll_new_device(Some(label), Some(lasts)).await?;
    session.output.remark(&format!(
        "Whoever has this text is in. It works once, until {}: give it to the new device and to nobody.\n\
         There: `keyfold device register -`, and paste it.\n",
        moment::readable(until)
    ));
    let drawn = io::stdout().is_terminal().then(|| qr::drawn(&uri)).flatten();
    session.output.show(&Text { uri }, |text| match drawn {
        Some(drawn) => format!("{}\n\n{drawn}", text.uri),
        None => text.uri.clone(),
    })
}

async fn approve(session: &Session, client: &Client, options: Approve) -> Result<(), Fault> {
    if !options.yes && !session.output.is_json() && io::stdin().is_terminal() {
        let asking = client.enrolment_requests().await?;
        let Some(asked) = asking.iter().find(|asked| options.code.contains(&asked.device_id)) else {
            return Err(Fault::new(Code::UnknownEnrolment, "no device asks with this code")
                .hint("It was declined or used, or is too old: ask again on the new device."));
        };
        session
            .output
            .remark(&format!("The device calls itself {}. It must show these words:\n", name(asked.label.as_ref())));
        session.output.remark(&format!("  {}\n", asked.words()));
        if !secret::confirm("Does it?", "--yes")? {
            client.decline_device(&asked.device_id).await?;
            return Err(Fault::new(Code::NotVerified, "then it is another device; it was declined"));
        }
    }
    let device = client.approve_device(&options.code, options.label.as_deref()).await?;
    session.output.show(&device, |device| format!("{} is in.\n\n{}", name(device.label.as_ref()), device_text(device)))
}

fn span(text: &str) -> Result<Duration, Fault> {
    let now = moment::now_ms();
    Ok(Duration::from_millis(moment::after(text)?.saturating_sub(now)))
}

fn name(label: Option<&String>) -> String {
    label.map_or_else(|| "the device".to_owned(), |label| format!("`{label}`"))
}

fn joined_text(who: &WhoAmI) -> String {
    format!("This device is in.\n\n{}", whoami::text(who))
}

fn request_text(asked: &DeviceRequested, drawn: &str) -> String {
    let lines = fields([
        ("code", Some(asked.code.clone())),
        ("words", Some(asked.words())),
        ("until", Some(moment::readable(asked.expires_at))),
    ]);
    format!(
        "{lines}{drawn}\nOn a device that is in: `keyfold device approve CODE`, or scan the code. It shows the same words."
    )
}

fn device_text(device: &Device) -> String {
    fields([
        ("device", Some(device.device_id.clone())),
        ("name", device.label.clone()),
        ("added", Some(moment::readable(device.added_at))),
        ("added by", device.added_by.clone()),
    ])
}

fn list_text(listed: &Listed) -> String {
    let row = |device: &Device| {
        [
            device.label.clone().unwrap_or_else(|| "-".to_owned()),
            if device.is_current { "this one" } else { "" }.to_owned(),
            moment::readable(device.added_at),
            device.logged_in_since.map_or_else(|| "-".to_owned(), moment::readable),
            device.last_used.map_or_else(|| "-".to_owned(), moment::readable),
            device.device_id.clone(),
        ]
    };
    let mut text = columns(["name", "", "added", "logged in", "last used", "device"], listed.devices.iter().map(row));
    if !listed.requests.is_empty() {
        let row = |asked: &DeviceRequest| {
            [asked.label.clone().unwrap_or_else(|| "-".to_owned()), asked.words(), asked.device_id.clone()]
        };
        text.push_str("\nThese ask to be let in (`keyfold device approve`):\n");
        text.push_str(&columns(["name", "words", "device"], listed.requests.iter().map(row)));
    }
    text
}
