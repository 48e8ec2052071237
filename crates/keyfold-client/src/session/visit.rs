//! Coming in with a device that no account has: showing the gate who one is, and looking at one's own account.
//!
//! Spec: `docs/spec/http.md`, "Visits".

use super::{
    Session,
    account::parse_server_key,
    identity::user_id,
    wire::{decode_answer, not_ours},
};
use crate::{
    Error, Result,
    host::Host,
    machine::{Enrolled, KnownAccount, ServerPin, server::ServerUrl},
};
use keyfold_format::{Malformed, UserId, VerifyingKey, WrappingKey};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{
        AccountLedger, AskForPasskey, Gate, OwnAccount, PasskeyQuestion, Proof, ReadAccount, SealedMasterKeys, Visit,
        Visiting,
    },
};
use std::fmt;

/// Where and as whom to sign in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// The application's name of the person.
    pub user_id: &'a str,
    /// `https://host[:port]`.
    pub server_url: &'a str,
    /// The server's key, base64url. Without it the key that the server shows first is pinned.
    pub server_key: Option<&'a str>,
    /// What is shown at the gate.
    pub proof: SignInProof<'a>,
}

/// What is shown at a server's gate. It lets a device in to ask, and opens nothing.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum SignInProof<'a> {
    /// Nothing: for a gate that is open.
    #[default]
    Nothing,
    /// The token that the identity provider gave, for a gate `oidc`.
    Token(&'a str),
    /// What an authenticator answered to [`Session::ask_for_passkey`], in JSON, for a gate `passkey`.
    Passkey(&'a [u8]),
}

impl fmt::Debug for SignInProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever reads a token in a log may use it.
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Token(_) => "Token",
            Self::Passkey(_) => "Passkey",
        })
    }
}

/// One's own account, as somebody sees it who only signed in.
#[derive(Clone)]
pub(super) struct Visited {
    pub(super) enrolled: Enrolled,
    pub(super) account: KnownAccount,
    pub(super) master_keys: Vec<SealedMasterKeys>,
}

impl<H: Host> Session<H> {
    /// Signs in, and reads the account that has the user id. `UnknownUser` if none has.
    pub(super) async fn visit(&mut self, sign_in: SignIn<'_>) -> Result<Visited> {
        let claimed = user_id(sign_in.user_id)?;
        let url = ServerUrl::parse(sign_in.server_url)?;
        let key = sign_in.server_key.map(parse_server_key).transpose()?;
        let info = self.server_info(&url, key).await?;
        let server = ServerPin::new(url, info.server_key);
        let visiting = self.come_in(&server, info.gate, &claimed, sign_in.proof).await?;
        let mut own = self.read_own(&server, None, None).await?;
        let (mut entries, mut master_keys) = (std::mem::take(&mut own.page.entries), own.master_keys);
        while own.page.more {
            let after = (entries.len() as u64).checked_sub(1);
            own = self.read_own(&server, after, Some(0)).await?;
            if own.page.entries.is_empty() {
                return Err(not_ours());
            }
            entries.append(&mut own.page.entries);
        }
        let account = KnownAccount::looked_up(
            &claimed,
            None,
            &AccountLedger { entries, receipt: own.page.receipt },
            &server.key,
        )?;
        if Some(account.ledger().id()) != visiting.account {
            return Err(Error::identity_changed(&claimed));
        }
        // Whoever made the newest ones may have left a holder out, and have made many.
        master_keys.sort_by_key(|sealed| sealed.seq);
        let enrolled = Enrolled { server, user_id: claimed, account: account.ledger().id(), device: None };
        Ok(Visited { enrolled, account, master_keys })
    }

    /// A part of one's own account: entries after one, and envelopes that came before one.
    pub(super) async fn read_own(
        &mut self,
        server: &ServerPin,
        after: Option<u64>,
        before: Option<u64>,
    ) -> Result<OwnAccount> {
        let body = ReadAccount { after, before }.encode();
        self.ask_of(server, Method::Post, route::VISITS_ACCOUNT, body, OwnAccount::decode).await
    }

    /// Shows the gate who one is. `NotAllowed` if it knows one as somebody else, `GateMismatch`, `SignInRefused`,
    /// `SignInExpired`, `GateUnavailable`.
    pub(super) async fn come_in(
        &mut self,
        server: &ServerPin,
        gate: Gate,
        claimed: &UserId,
        proof: SignInProof<'_>,
    ) -> Result<Visiting> {
        let proof = match (gate, proof) {
            (Gate::Open, _) => Proof::Open(claimed.clone()),
            (Gate::Oidc, SignInProof::Token(token)) => Proof::Token(token.trim().to_owned()),
            (Gate::Passkey, SignInProof::Passkey(answer)) => Proof::Passkey(answer.to_vec()),
            (gate, _) => return Err(mismatch(gate)),
        };
        let (signing, wrapping) = self.device_keys();
        let body = Visit { signing, wrapping, proof }.encode();
        let visiting = self.ask_of(server, Method::Post, route::VISITS, body, Visiting::decode).await?;
        if visiting.user_id != *claimed {
            return Err(Error::new(Code::NotAllowed, format!("you are signed in as {}", visiting.user_id))
                .hint(format!("Sign in as {claimed}, or ask for {}.", visiting.user_id)));
        }
        Ok(visiting)
    }

    /// What the gate `passkey` asks this device: options of WebAuthn in JSON, to make a passkey for `new_user`, or to use
    /// one that is there. The answer is shown at the gate within minutes. `GateMismatch` if the gate is another.
    pub async fn ask_for_passkey(
        &mut self,
        server_url: &str,
        server_key: Option<&str>,
        new_user: Option<&str>,
    ) -> Result<Vec<u8>> {
        let name = new_user.map(user_id).transpose()?;
        let url = ServerUrl::parse(server_url)?;
        let key = server_key.map(parse_server_key).transpose()?;
        let info = self.server_info(&url, key).await?;
        if info.gate != Gate::Passkey {
            return Err(mismatch(info.gate));
        }
        let (signing, wrapping) = self.device_keys();
        let body = AskForPasskey { signing, wrapping, user_id: name }.encode();
        let server = ServerPin::new(url, info.server_key);
        let question = self.ask_of(&server, Method::Post, route::VISITS_PASSKEY, body, PasskeyQuestion::decode).await?;
        Ok(question.options)
    }

    fn device_keys(&self) -> (VerifyingKey, WrappingKey) {
        (self.device.signing.verifying_key(), self.device.wrapping.public().clone())
    }

    /// Asks a server that is not this home's yet; a refusal is an error.
    pub(super) async fn ask_of<T>(
        &mut self,
        server: &ServerPin,
        method: Method,
        path: &str,
        body: Vec<u8>,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let bytes = self.exchange_with(server, method, path, body).await?.map_err(Error::from)?;
        decode_answer(&bytes, decode)
    }
}

fn mismatch(gate: Gate) -> Error {
    let (asks, hint) = match gate {
        Gate::Oidc => (
            "this server asks you to sign in with its identity provider first",
            "Give the token that it gave you: `token` when signing up, `--token FILE` on the command line.",
        ),
        Gate::Passkey => (
            "this server asks for a passkey",
            "Sign in in a browser, or let a device that is in make a text for this one: `keyfold device enroll`.",
        ),
        _ => return not_ours(),
    };
    Error::new(Code::GateMismatch, asks).hint(hint)
}
