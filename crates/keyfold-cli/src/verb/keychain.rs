//! `keyfold keychain`: making, listing, showing and rotating keychains.

use crate::fault::Fault;
use crate::moment::readable;
use crate::session::Session;
use crate::table::{columns, fields};
use crate::word::typed;
use clap::{Subcommand, ValueEnum};
use keyfold_client::{Algorithm, KeyMetadata, Keychain, PermissionFlags, Person};

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a keychain with one key
    Create {
        /// What it is for: at most 256 bytes; the server never sees it
        #[arg(value_parser = typed)]
        purpose: String,
        /// secretBox: members read and write. sealedBox: anybody writes with the public key, members read
        #[arg(long, value_enum, default_value = "secretBox")]
        algorithm: Kind,
    },
    /// List the current key of each keychain
    List,
    /// Show a keychain with all keys that this account holds
    Show {
        /// The keychain
        #[arg(value_name = "KC", value_parser = typed)]
        keychain: String,
    },
    /// Make a new key, for everybody who follows the keychain
    Rotate {
        /// The keychain
        #[arg(value_name = "KC", value_parser = typed)]
        keychain: String,
    },
    /// Give up one's own copy of a key, on all one's devices
    Drop {
        /// The keychain
        #[arg(value_name = "KC", value_parser = typed)]
        keychain: String,
        /// The key's fingerprint
        #[arg(value_parser = typed)]
        key: String,
    },
}

#[derive(Clone, Copy, ValueEnum, Debug)]
pub(crate) enum Kind {
    #[value(name = "secretBox")]
    SecretBox,
    #[value(name = "sealedBox")]
    SealedBox,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Fault> {
    match command {
        Command::Create { purpose, algorithm } => {
            let algorithm = match algorithm {
                Kind::SecretBox => Algorithm::SecretBox,
                Kind::SealedBox => Algorithm::SealedBox,
            };
            let key = session.client()?.create_keychain(&purpose, algorithm).await?;
            session.output.show(&key, key_text)
        }
        Command::List => {
            let keys = session.client()?.keychains().await?;
            session.output.show(&keys, |keys| list_text(keys))
        }
        Command::Show { keychain } => {
            let keychain = session.client()?.keychain(&keychain).await?;
            session.output.show(&keychain, keychain_text)
        }
        Command::Rotate { keychain } => {
            let key = session.client()?.rotate(&keychain).await?;
            session.output.show(&key, key_text)
        }
        Command::Drop { keychain, key } => {
            let client = session.client()?;
            client.delete_key(&keychain, &key).await?;
            session.output.show(&client.keychain(&keychain).await?, keychain_text)
        }
    }
}

fn key_text(key: &KeyMetadata) -> String {
    fields([
        ("purpose", Some(key.purpose.clone())),
        ("keychain", Some(key.keychain_fingerprint.clone())),
        ("key", Some(format!("{} (number {})", key.key_fingerprint, key.key_number))),
        ("algorithm", Some(name(key.algorithm).to_owned())),
        ("public key", key.public_key.clone()),
        ("made", Some(readable(key.created_at))),
        ("expires", key.expires_at.map(readable)),
        ("shared by", key.shared_by.as_ref().map(|person| person.user_id.clone())),
    ])
}

fn list_text(keys: &[KeyMetadata]) -> String {
    if keys.is_empty() {
        return "No keychains. `keyfold keychain create PURPOSE` makes one.".to_owned();
    }
    let row = |key: &KeyMetadata| {
        [
            key.purpose.clone(),
            owner(key.shared_by.as_ref()),
            key.key_number.to_string(),
            key.keychain_fingerprint.clone(),
        ]
    };
    columns(["purpose", "from", "keys", "keychain"], keys.iter().map(row))
}

/// A keychain with its keys.
pub(super) fn keychain_text(keychain: &Keychain) -> String {
    let yes = |is: bool| is.then(|| "yes".to_owned());
    let about = fields([
        ("purpose", Some(keychain.purpose.clone())),
        ("keychain", Some(keychain.keychain_fingerprint.clone())),
        ("algorithm", Some(name(keychain.algorithm).to_owned())),
        ("from", Some(owner(keychain.shared_by.as_ref()))),
        ("may", Some(permissions_text(keychain.permissions))),
        ("read-only", yes(keychain.read_only)),
        ("needs a new key", yes(keychain.needs_rotation)),
        ("later keys", (!keychain.follows).then(|| "not given to this account".to_owned())),
    ]);
    let row = |key: &KeyMetadata| [key.key_number.to_string(), readable(key.created_at), key.key_fingerprint.clone()];
    format!("{about}\n{}", columns(["key", "made", "fingerprint"], keychain.keys.iter().map(row)))
}

fn owner(shared_by: Option<&Person>) -> String {
    shared_by.map_or_else(|| "own".to_owned(), |person| person.user_id.clone())
}

/// As the contract names algorithms.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::SecretBox => "secretBox",
        Algorithm::SealedBox => "sealedBox",
        Algorithm::Group => "group",
    }
}

/// The permissions, as `--allow` takes them.
pub(super) fn permissions_text(flags: PermissionFlags) -> String {
    let all = [
        (flags.allow_sharing, "sharing"),
        (flags.allow_rotation, "rotation"),
        (flags.allow_deletion, "deletion"),
        (flags.allow_management, "management"),
    ];
    let allowed: Vec<_> = all.into_iter().filter(|(allowed, _)| *allowed).map(|(_, name)| name).collect();
    if allowed.is_empty() { "-".to_owned() } else { allowed.join(",") }
}
