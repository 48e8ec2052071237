//! One file a verb: what it takes, what it calls, and how its document reads.

pub(crate) mod accept;
pub(crate) mod audit;
pub(crate) mod ban;
pub(crate) mod completions;
pub(crate) mod decline;
pub(crate) mod decrypt;
mod deed;
pub(crate) mod device;
pub(crate) mod encrypt;
pub(crate) mod group;
pub(crate) mod index;
pub(crate) mod keychain;
pub(crate) mod later;
pub(crate) mod leave;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod owners;
pub(crate) mod participants;
pub(crate) mod permissions;
pub(crate) mod recovery;
pub(crate) mod serve;
pub(crate) mod share;
pub(crate) mod shares;
pub(crate) mod signup;
pub(crate) mod slot;
pub(crate) mod sync;
pub(crate) mod unshare;
pub(crate) mod user;
pub(crate) mod vault;
pub(crate) mod watch;
pub(crate) mod whoami;

use crate::command::{Cli, Verb};
use crate::fault::Fault;
use crate::output::Output;
use crate::session::Session;

/// Does what was typed.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<(), Fault> {
    let session = Session::new(cli.home, cli.passphrase, output);
    match cli.verb {
        Verb::Serve(options) => serve::run(options, output).await,
        Verb::Signup(options) => signup::run(&session, options).await,
        Verb::Login(options) => login::run(&session, options).await,
        Verb::Logout(options) => logout::run(&session, options).await,
        Verb::Lock(options) => lock::run(&session, options).await,
        Verb::Unlock => lock::unlock(&session).await,
        Verb::Whoami(options) => whoami::run(&session, options).await,
        Verb::User(options) => user::run(&session, options).await,
        Verb::Keychain(command) => keychain::run(&session, command).await,
        Verb::Share(options) => share::run(&session, options).await,
        Verb::Shares => shares::run(&session).await,
        Verb::Accept(options) => accept::run(&session, options).await,
        Verb::Decline(options) => decline::run(&session, options).await,
        Verb::Unshare(options) => unshare::run(&session, options).await,
        Verb::Participants(options) => participants::run(&session, options).await,
        Verb::Permissions(options) => permissions::run(&session, options).await,
        Verb::Ban(options) => ban::run(&session, options).await,
        Verb::Leave(options) => leave::run(&session, options).await,
        Verb::Owners(options) => owners::run(&session, options).await,
        Verb::Group(command) => group::run(&session, command).await,
        Verb::Device(command) => device::run(&session, command).await,
        Verb::Recovery(command) => recovery::run(&session, command).await,
        Verb::Encrypt(options) => encrypt::run(&session, options).await,
        Verb::Decrypt(options) => decrypt::run(&session, options).await,
        Verb::Vault(options) => vault::run(&session, options).await,
        Verb::Index(options) => index::run(&session, options).await,
        Verb::Slot(options) => slot::run(&session, options).await,
        Verb::Audit(options) => audit::run(&session, options).await,
        Verb::Sync => sync::run(&session).await,
        Verb::Watch => watch::run(&session).await,
        Verb::Completions(options) => completions::run(options, output),
        Verb::Later(verb) => later::run(&verb),
    }
}
