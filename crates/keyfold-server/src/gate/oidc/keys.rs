//! The keys of an identity provider: found by discovery (OpenID Connect Discovery 1.0, section 4), kept for a while, and
//! fetched again when a token names one that is not known, but not more often than the provider would like. Apart from
//! the tokens, because this is what waits for another machine.

use crate::gate::Refusal;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use reqwest::{Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One answer of the provider, from the connection to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A document of a provider, in bytes; real ones have a few thousand.
const DOCUMENT_BYTES: usize = 256 << 10;
/// Keys that are looked at; providers publish two or three.
const KEYS: usize = 64;

/// How long keys are believed, and how often they are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A key that the provider withdrew is believed no longer than this.
    pub(super) fresh: Duration,
    /// Whatever tokens name, the provider is asked no more often than this.
    pub(super) pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { fresh: Duration::from_secs(600), pause: Duration::from_secs(10) }
    }
}

/// The issuer cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnusableIssuer(pub(super) String);

/// An identity provider's keys.
pub(super) struct Keys {
    issuer: String,
    client: Client,
    pace: Pace,
    known: Mutex<Arc<Known>>,
    /// When the provider was last asked, and whether it answered. Held while it is: one asks for all.
    asked: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Jwk>,
    since: Option<Instant>,
}

/// What the two documents must say.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn of(issuer: &str) -> Result<Self, UnusableIssuer> {
        check_address(issuer).map_err(|why| UnusableIssuer(format!("the issuer `{issuer}` {why}")))?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            // Where the operator pointed, and nowhere else.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("keyfold/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| UnusableIssuer(format!("no TLS: {error}")))?;
        let (known, asked) = Default::default();
        Ok(Self { issuer: issuer.to_owned(), client, pace: Pace::default(), known, asked })
    }

    #[cfg(test)]
    pub(super) fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The key that a token says it is signed with.
    pub(super) async fn find(&self, header: &Header) -> Result<DecodingKey, Refusal> {
        if let Some(key) = self.fresh().and_then(|known| known.find(header)) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        // Somebody may have asked while this one waited for his turn.
        let fresh = self.fresh();
        if let Some(key) = fresh.as_ref().and_then(|known| known.find(header)) {
            return Ok(key);
        }
        if let Some((at, answered)) = *asked
            && at.elapsed() < self.pace.pause
        {
            return Err(if answered && fresh.is_some() { UNKNOWN } else { Refusal::Unavailable });
        }
        // Whoever goes away while it is asked has asked too.
        *asked = Some((Instant::now(), false));
        let known = Arc::new(self.fetch().await.map_err(|reason| {
            tracing::warn!(issuer = self.issuer, %reason, "the identity provider's keys cannot be had");
            Refusal::Unavailable
        })?);
        *asked = Some((Instant::now(), true));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
        known.find(header).ok_or(UNKNOWN)
    }

    fn fresh(&self) -> Option<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.since.is_some_and(|since| since.elapsed() < self.pace.fresh).then_some(known)
    }

    async fn fetch(&self) -> Result<Known, String> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovered: Discovered = self.document(&place).await?;
        if discovered.issuer != self.issuer {
            return Err(format!("it calls itself {}", discovered.issuer));
        }
        check_address(&discovered.jwks_uri).map_err(|why| format!("the address of its keys {why}"))?;
        let published: Published = self.document(&discovered.jwks_uri).await?;
        // A key of a kind that is not known here is no reason to refuse the others.
        let keys = published.keys.into_iter().take(KEYS).filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(Known { keys, since: Some(Instant::now()) })
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let failed = |error: reqwest::Error| format!("{url}: {error}");
        let mut response = self.client.get(url).send().await.and_then(|r| r.error_for_status()).map_err(failed)?;
        if response.status() != 200 {
            return Err(format!("{url} answers {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > DOCUMENT_BYTES {
                return Err(format!("{url} is larger than {DOCUMENT_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))
    }
}

const UNKNOWN: Refusal = Refusal::Refused("the token is signed with a key that the identity provider does not publish");

impl Known {
    /// By its name; without one, the only key that fits.
    fn find(&self, header: &Header) -> Option<DecodingKey> {
        let is_named = |key: &&Jwk| header.kid.is_none() || header.kid == key.common.key_id;
        let mut fitting = self.keys.iter().filter(is_named).filter_map(|key| for_algorithm(key, header.alg));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }
}

/// A key verifies what it is published for, if that is said, and in any case signatures of its own kind alone: a public
/// key is never taken for a secret.
fn for_algorithm(key: &Jwk, alg: Algorithm) -> Option<DecodingKey> {
    let Jwk { common, .. } = key;
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let is_for = common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(alg));
    let key = DecodingKey::from_jwk(key).ok().filter(|key| key.family() == alg.family())?;
    (signs && is_for).then_some(key)
}

/// Keys that came over an open line could be anybody's.
fn check_address(address: &str) -> Result<(), &'static str> {
    let url = Url::parse(address).map_err(|_| "is no address")?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err("must be https, or http on a loopback address"),
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.issuer)
    }
}
