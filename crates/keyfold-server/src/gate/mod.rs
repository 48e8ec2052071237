//! Who may come in: a proof that some person asks, turned into that person's user id. Apart from the domain, because
//! this is the one part that others than Keyfold vouch for. It decides who may ask, and opens nothing.
//!
//! Spec: `docs/spec/http.md`, "Gates".

mod oidc;
mod passkey;

pub use oidc::OidcConfig;
pub use passkey::PasskeyConfig;

use crate::{
    domain::{Fault, fault},
    store::Passkey,
};
use keyfold_format::{HolderId, UserId};
use keyfold_protocol::{
    Code, Details,
    wire::{self, Proof},
};
use oidc::Oidc;
use passkey::{Passkeys, SignedIn};

/// How people are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// Everybody, as whoever he says he is: on loopback addresses only.
    Open,
    /// Whoever signed in with an OpenID provider.
    Oidc(OidcConfig),
    /// Whoever has a passkey.
    Passkey(PasskeyConfig),
}

/// Who stands at the gate.
#[derive(Debug)]
pub(crate) enum Keeper {
    Open,
    Oidc(Oidc),
    Passkey(Passkeys),
}

/// Whom the gate lets in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// As whom.
    pub(crate) user_id: UserId,
    /// The passkey that he made to come in: there is no account yet that has it.
    pub(crate) made: Option<Passkey>,
    /// The passkey of his account that he used, as it is now.
    pub(crate) used: Option<Passkey>,
}

impl Admitted {
    fn known(user_id: UserId) -> Self {
        Self { user_id, made: None, used: None }
    }
}

impl Keeper {
    /// Checks what the operator set. Nobody is asked before somebody comes.
    pub(crate) fn of(gate: &Gate) -> Result<Self, String> {
        Ok(match gate {
            Gate::Open => Self::Open,
            Gate::Oidc(config) => Self::Oidc(Oidc::new(config.clone()).map_err(|unusable| unusable.to_string())?),
            Gate::Passkey(config) => Self::Passkey(Passkeys::new(config).map_err(|unusable| unusable.to_string())?),
        })
    }

    /// What a client is told of it.
    pub(crate) fn kind(&self) -> wire::Gate {
        match self {
            Self::Open => wire::Gate::Open,
            Self::Oidc(_) => wire::Gate::Oidc,
            Self::Passkey(_) => wire::Gate::Passkey,
        }
    }

    /// Who it is that proves to be somebody. `find` looks up whose passkey one is.
    pub(crate) async fn admit(
        &self,
        device: HolderId,
        proof: &Proof,
        find: impl AsyncFnOnce(Vec<u8>) -> Result<Option<(UserId, Passkey)>, Fault>,
    ) -> Result<Admitted, Fault> {
        match (self, proof) {
            (Self::Open, Proof::Open(user_id)) => Ok(Admitted::known(user_id.clone())),
            (Self::Oidc(oidc), Proof::Token(token)) => Ok(Admitted::known(oidc.admit(token).await?)),
            (Self::Passkey(passkeys), Proof::Passkey(answer)) => {
                Ok(match passkeys.admit(device, answer, find).await? {
                    SignedIn::Newcomer(user_id, made) => Admitted { made: Some(made), ..Admitted::known(user_id) },
                    SignedIn::Known(user_id, used) => Admitted { used: Some(used), ..Admitted::known(user_id) },
                })
            }
            _ => Err(self.mismatch()),
        }
    }

    /// What a device is asked to show its passkey, in JSON; to make one, if a name is given.
    pub(crate) fn ask_for_passkey(&self, device: HolderId, name: Option<UserId>) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Passkey(passkeys) => Ok(passkeys.ask(device, name)?),
            _ => Err(self.mismatch()),
        }
    }

    /// Says what this gate takes, to whoever showed something else or nothing.
    pub(crate) fn mismatch(&self) -> Fault {
        let (asks, hint) = match self {
            Self::Open => ("lets in everybody who is on its machine", "sign up without a token and without a passkey"),
            Self::Oidc(_) => (
                "lets in who signed in with its identity provider",
                "sign in there, and give the token: `token` when signing up, `--token FILE` on the command line",
            ),
            Self::Passkey(_) => {
                ("lets in who has a passkey", "sign up in a browser, or let a device that is enrolled approve this one")
            }
        };
        fault(Code::GateMismatch, format!("this server {asks}")).hint(hint)
    }
}

/// Why somebody is not let in. What the texts say concerns the proof alone, never an account: so they say the same
/// whether there is one or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The proof is none that this gate takes.
    #[error("{0}")]
    Refused(&'static str),
    /// It was one, and its time is over.
    #[error("the sign-in is over: the token has expired")]
    Expired,
    /// Whoever vouches for people is not reached.
    #[error("the identity provider is not reached, so nobody new can sign in at the moment")]
    Unavailable,
}

/// Seconds after which a gate that was out of order is worth asking again.
const RETRY_SECONDS: u32 = 10;

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Refused(_) => fault(Code::SignInRefused, text).hint("sign in anew, and give what that yields"),
            Refusal::Expired => fault(Code::SignInExpired, text).hint("sign in anew, and give the new token"),
            Refusal::Unavailable => fault(Code::GateUnavailable, text)
                .hint("devices that are enrolled go on as before; try again later")
                .details(Details::RetryAfter(RETRY_SECONDS)),
        }
    }
}
