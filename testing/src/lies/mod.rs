//! The lies that an operator may tell, by name. Each is a script for the [`EvilServer`](crate::evil::EvilServer), so
//! that tests in another language can ask for it over the evil server's control port.

mod identity;
mod ledger;
mod member;
mod parts;
mod reply;
mod wraps;

pub use member::Cited;
pub use parts::Shown;
pub use reply::Form;
pub use wraps::Other;

use crate::evil::EvilWorld;
use keyfold_format::ScopeId;
use serde::Deserialize;

/// A lie: its name, and what it is about.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Lie {
    /// Another self-consistent account stands under the user id: other keys, well signed.
    IdentitySwap {
        /// Whose.
        user: String,
    },
    /// Somebody else's true account stands under the user id.
    IdentityOf {
        /// Who is asked for.
        user: String,
        /// Who is shown.
        shown: String,
    },
    /// The account has another head under the number of the known one.
    IdentityFork {
        /// Whose.
        user: String,
    },
    /// The account that was known is gone.
    IdentityOld {
        /// Whose.
        user: String,
    },
    /// The keychain stands at its first entry, with a receipt of it.
    Rollback {
        /// Which.
        keychain: String,
    },
    /// The keychain has another head under the number of its newest entry, with a receipt of it.
    OtherHead {
        /// Which.
        keychain: String,
    },
    /// Another keychain's ledger stands in the place of the keychain's, from the number on that was asked for.
    OtherLedger {
        /// Which is asked for.
        keychain: String,
        /// Whose ledger is shown.
        shown: String,
    },
    /// The keychain stays as it is when somebody next asks for it: what comes later is not told.
    Withhold {
        /// Which.
        keychain: String,
    },
    /// A rotation in its right place at the end of the keychain: made of true keys and well signed by `signer`, in the
    /// name of `author`, with a wrap for everybody.
    InjectRotation {
        /// Which.
        keychain: String,
        /// Somebody whose home is here; maybe a member, maybe banned, maybe a stranger.
        signer: String,
        /// Who is said to have made it.
        author: String,
        /// At which head of his account. His first ledger key signs in any case.
        #[serde(default)]
        cites: Cited,
    },
    /// The account let a device in and took it away again, and that device wrote an entry afterwards.
    RevokedDevice {
        /// Whose; his home is here.
        user: String,
    },
    /// Whoever asks for his wraps gets none.
    NoWraps,
    /// Whoever asks for his wraps gets them with one byte changed.
    AlteredWraps,
    /// Whoever asks for his wraps gets others in their places.
    SwappedWraps {
        /// What they are of: `number`, `recipient`, `scope` or `author`.
        other: Other,
    },
    /// Whoever asks for parts of files is shown something else.
    OtherParts {
        /// What: `flipped`, `swapped` or `missing`.
        shown: Shown,
    },
    /// Indexes stay as they are when somebody next looks at them: what is written later is not shown.
    OldState,
    /// Every answer on these paths is this error.
    Error {
        /// How the path ends; an empty one is every path.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// Whether it is signed.
        signed: bool,
    },
    /// The server does what it is asked, and the answer is lost.
    LostReply {
        /// How the path ends.
        path: String,
    },
    /// The answers of something that is no Keyfold server, or of one that is years newer.
    Foreign {
        /// `html`, `newer` or `garbage`.
        form: Form,
    },
    /// A copy of the server answers, with the same key, and goes its own way from now on.
    Fork,
    /// The same copy answers again.
    ShowFork,
    /// No connection, until there is another lie or none.
    Down,
}

/// Tells it from now on, in place of any other: to those who know the server by the `Host` of `to`, or to everybody.
pub async fn tell(world: &EvilWorld, lie: Lie, to: Option<&str>) -> Result<(), String> {
    be_honest(world);
    world.evil.lie_to(to.map(str::to_owned));
    match lie {
        Lie::IdentitySwap { user } => identity::swap(world, &user).await,
        Lie::IdentityOf { user, shown } => identity::of_another(world, &user, &shown),
        Lie::IdentityFork { user } => identity::fork(world, &user),
        Lie::IdentityOld { user } => identity::gone(world, &user),
        Lie::Rollback { keychain } => ledger::rollback(world, scope(&keychain)?),
        Lie::OtherHead { keychain } => {
            ledger::other_head(world, scope(&keychain)?);
            Ok(())
        }
        Lie::Withhold { keychain } => {
            ledger::withhold(world, scope(&keychain)?);
            Ok(())
        }
        Lie::InjectRotation { keychain, signer, author, cites } => {
            ledger::inject(world, member::rotation(world, scope(&keychain)?, &signer, &author, cites)?);
            Ok(())
        }
        Lie::RevokedDevice { user } => identity::revoked_device(world, &user),
        Lie::OtherLedger { keychain, shown } => ledger::other_ledger(world, scope(&keychain)?, scope(&shown)?),
        Lie::NoWraps => {
            wraps::withheld(world);
            Ok(())
        }
        Lie::AlteredWraps => {
            wraps::altered(world);
            Ok(())
        }
        Lie::SwappedWraps { other } => wraps::swapped(world, other),
        Lie::OtherParts { shown } => {
            parts::other(world, shown);
            Ok(())
        }
        Lie::OldState => {
            parts::old_state(world);
            Ok(())
        }
        Lie::Error { path, status, code, signed } => reply::error(world, path, status, &code, signed),
        Lie::LostReply { path } => reply::lost(world, path),
        Lie::Foreign { form } => reply::foreign(world, form),
        Lie::Fork => {
            world.fork().await;
            Ok(())
        }
        Lie::ShowFork => {
            world.show_copy();
            Ok(())
        }
        Lie::Down => {
            world.evil.be_down(true);
            Ok(())
        }
    }
}

/// Back to the truth.
pub fn be_honest(world: &EvilWorld) {
    world.evil.be_honest();
    world.evil.be_down(false);
    world.show_first();
}

fn scope(fingerprint: &str) -> Result<ScopeId, String> {
    fingerprint.parse().map_err(|_| format!("{fingerprint} is no keychain"))
}
