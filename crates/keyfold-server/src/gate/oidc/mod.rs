//! The gate `oidc`: a token that an OpenID provider signed says who asks (OpenID Connect Core 1.0, RFC 7519, checked as
//! RFC 8725 advises).
//!
//! Of whatever a token says about its own key (`jku`, `jwk`, `x5u`), nothing is used: keys come from the issuer that
//! the operator named, and from nowhere else ([`keys`]).

mod keys;

use super::Refusal;
use crate::clock;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, errors::ErrorKind};
use keyfold_format::UserId;
use keys::Keys;
pub(crate) use keys::UnusableIssuer;
use serde_json::{Map, Value};

/// How far the provider's clock and this server's may be apart, in seconds.
const LEEWAY_SECONDS: u64 = 60;
/// What a provider signs with. A secret that both sides know proves nothing, and no signature proves nothing either.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// What kinds of token say that somebody signed in: ID tokens, and access tokens of RFC 9068. Others of the same
/// issuer, about logging out for instance, say so here (RFC 8725, section 3.11).
const KINDS: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Whose tokens are taken, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// The provider, as it writes itself in `iss`. `https`, or `http` on a loopback address.
    pub issuer: String,
    /// Whom tokens must be made for, in `aud`: one of these. Name what nobody else is named by.
    pub audiences: Vec<String>,
    /// Applications whose tokens are taken, in `azp`; any if there are none here. For providers that name the same
    /// audience in the tokens of all applications.
    pub parties: Vec<String>,
    /// The claim that becomes the user id. Of `email`, only what the provider says it verified.
    pub claim: String,
}

/// The gate at work.
#[derive(Debug)]
pub(crate) struct Oidc {
    config: OidcConfig,
    keys: Keys,
}

impl Oidc {
    /// For one provider. It is not asked before somebody signs in.
    pub(crate) fn new(config: OidcConfig) -> Result<Self, UnusableIssuer> {
        if config.audiences.is_empty() {
            return Err(UnusableIssuer("no audience is named, so tokens for anybody would be taken".to_owned()));
        }
        let keys = Keys::of(&config.issuer)?;
        Ok(Self { config, keys })
    }

    /// Whose token this is.
    pub(crate) async fn admit(&self, token: &str) -> Result<UserId, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::Refused("this is no signed token"))?;
        check_header(&header)?;
        let key = self.keys.find(&header).await?;
        let claims = decode::<Map<String, Value>>(token, &key, &self.validation(header.alg)).map_err(refusal)?.claims;
        if claims.get("iat").and_then(Value::as_f64).is_some_and(|iat| iat > latest()) {
            return Err(AHEAD);
        }
        self.check_use(&claims)?;
        self.user_id(&claims)
    }

    fn validation(&self, alg: Algorithm) -> Validation {
        let mut validation = Validation::new(alg);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&self.config.audiences);
        validation
    }

    fn check_use(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        // A logout token is signed by the same keys for the same audience, and is no sign-in.
        if claims.contains_key("events") {
            return Err(Refusal::Refused("the token tells of an event, not of a sign-in"));
        }
        let party = claims.get("azp").or_else(|| claims.get("client_id")).and_then(Value::as_str);
        let listed = |party| self.config.parties.iter().any(|listed| listed == party);
        if !self.config.parties.is_empty() && !party.is_some_and(listed) {
            return Err(Refusal::Refused("the token was made for another application"));
        }
        Ok(())
    }

    fn user_id(&self, claims: &Map<String, Value>) -> Result<UserId, Refusal> {
        let claim = claims.get(&self.config.claim).and_then(Value::as_str);
        let claim = claim.ok_or(Refusal::Refused("the token lacks the claim that is the user id here"))?;
        // At many providers anybody may write any address into his own account.
        if self.config.claim == "email" && claims.get("email_verified").and_then(Value::as_bool) != Some(true) {
            return Err(Refusal::Refused("the provider did not verify the address that is the user id here"));
        }
        UserId::new(claim).map_err(|_| Refusal::Refused("what the token names cannot be a user id"))
    }
}

const AHEAD: Refusal =
    Refusal::Refused("the token is dated ahead: the clocks of the provider and of this server differ");

/// The newest date that a token may bear, in seconds since 1970.
fn latest() -> f64 {
    (clock::now_ms() / 1_000 + LEEWAY_SECONDS) as f64
}

fn check_header(header: &Header) -> Result<(), Refusal> {
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Refused("the token is not signed as an identity provider signs"));
    }
    // Whatever is critical, nothing here understands it (RFC 7515, section 4.1.11).
    if header.crit.is_some() {
        return Err(Refusal::Refused("the token asks for what this server does not know"));
    }
    match &header.typ {
        Some(typ) if !KINDS.iter().any(|kind| typ.eq_ignore_ascii_case(kind)) => {
            Err(Refusal::Refused("this kind of token is no sign-in"))
        }
        _ => Ok(()),
    }
}

fn refusal(error: jsonwebtoken::errors::Error) -> Refusal {
    match error.kind() {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => AHEAD,
        ErrorKind::InvalidIssuer => Refusal::Refused("the token is of another identity provider"),
        ErrorKind::InvalidAudience => Refusal::Refused("the token was made for another audience"),
        ErrorKind::MissingRequiredClaim(_) => Refusal::Refused("the token lacks what says whose it is, or until when"),
        _ => Refusal::Refused("the token's signature does not verify"),
    }
}

#[cfg(test)]
mod tests;
