//! Tokens of a provider that signs whatever a test asks it to, and one that is not there.

use super::{keys::Pace, *};
use axum::{Router, extract::State, http::StatusCode, routing::get};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{EncodingKey, encode};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

const AUDIENCE: &str = "keyfold";

/// An identity provider on a port of its own.
struct Provider {
    issuer: String,
    published: Arc<Published>,
}

struct Published {
    issuer: String,
    keys: Mutex<Vec<Value>>,
    asked: AtomicUsize,
    is_down: Mutex<bool>,
}

impl Provider {
    async fn start() -> Self {
        Self::calling_itself(None).await
    }

    async fn calling_itself(name: Option<&str>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", socket.local_addr().unwrap());
        let published = Arc::new(Published {
            issuer: name.unwrap_or(&issuer).to_owned(),
            keys: Mutex::new(vec![public_key("one", 1)]),
            asked: AtomicUsize::new(0),
            is_down: Mutex::new(false),
        });
        let jwks_uri = format!("{issuer}/keys");
        let discovery = async move |State(published): State<Arc<Published>>| {
            let document = json!({ "issuer": published.issuer, "jwks_uri": jwks_uri });
            if *published.is_down.lock().unwrap() { Err(StatusCode::BAD_GATEWAY) } else { Ok(document.to_string()) }
        };
        let keys = async |State(published): State<Arc<Published>>| {
            published.asked.fetch_add(1, Ordering::SeqCst);
            json!({ "keys": *published.keys.lock().unwrap() }).to_string()
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(published.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self { issuer, published }
    }

    fn gate(&self) -> Oidc {
        Oidc::new(self.config()).unwrap()
    }

    fn config(&self) -> OidcConfig {
        OidcConfig {
            issuer: self.issuer.clone(),
            audiences: vec![AUDIENCE.to_owned()],
            parties: Vec::new(),
            claim: "sub".to_owned(),
        }
    }

    /// What a good token says.
    fn claims(&self) -> Value {
        let now = clock::now_ms() / 1_000;
        json!({ "iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300 })
    }

    fn asked(&self) -> usize {
        self.published.asked.load(Ordering::SeqCst)
    }

    fn publishes(&self, keys: Vec<Value>) {
        *self.published.keys.lock().unwrap() = keys;
    }

    fn goes_down(&self) {
        *self.published.is_down.lock().unwrap() = true;
    }
}

fn public_key(name: &str, seed: u8) -> Value {
    let x = keyfold_format::id::base64url(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": name, "use": "sig", "alg": "EdDSA" })
}

/// RFC 8410, section 7: the one form of an Ed25519 private key that has nothing else in it.
fn private_key(seed: u8) -> EncodingKey {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[&head[..], &[seed; 32]].concat())
}

fn header(name: &str) -> Header {
    Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::EdDSA) }
}

fn token(claims: &Value) -> String {
    encode(&header("one"), claims, &private_key(1)).unwrap()
}

/// The claims with some changed, or (`null`) left out.
fn with(mut claims: Value, changes: Value) -> Value {
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            all.remove(name)
        } else {
            all.insert(name.clone(), value.clone())
        };
    }
    claims
}

fn is_refused<T: std::fmt::Debug>(outcome: Result<T, Refusal>, why: &str) {
    assert!(matches!(&outcome, Err(Refusal::Refused(text)) if text.contains(why)), "{why}: {outcome:?}");
}

#[tokio::test]
async fn a_good_token_says_who_asks_by_the_claim_that_the_operator_named() {
    let provider = Provider::start().await;
    let claims = with(provider.claims(), json!({ "aud": ["other", AUDIENCE], "name": "bob", "email": "a@b.example" }));
    let alice = provider.gate().admit(&token(&claims)).await.unwrap();
    assert_eq!(alice.as_str(), "alice");
    let by = |claim: &str| Oidc::new(OidcConfig { claim: claim.to_owned(), ..provider.config() }).unwrap();
    assert_eq!(by("name").admit(&token(&claims)).await.unwrap().as_str(), "bob");
    is_refused(by("nickname").admit(&token(&claims)).await, "lacks the claim");
    is_refused(by("email").admit(&token(&claims)).await, "did not verify");
    let verified = with(claims, json!({ "email_verified": true }));
    assert_eq!(by("email").admit(&token(&verified)).await.unwrap().as_str(), "a@b.example");
    for bad in [json!(""), json!(7), json!("a\u{0}b"), json!("e\u{301}")] {
        let claims = with(provider.claims(), json!({ "name": bad }));
        assert!(by("name").admit(&token(&claims)).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_token_of_another_time_audience_or_issuer_is_refused_and_says_why() {
    let provider = Provider::start().await;
    let gate = provider.gate();
    let now = clock::now_ms() / 1_000;
    let admit = async |changes: Value| gate.admit(&token(&with(provider.claims(), changes))).await;
    assert_eq!(admit(json!({ "exp": now - 61 })).await, Err(Refusal::Expired));
    assert!(admit(json!({ "exp": now - 50 })).await.is_ok(), "within what clocks may differ");
    is_refused(admit(json!({ "iat": now + 3_600, "exp": now + 7_200 })).await, "clocks");
    is_refused(admit(json!({ "nbf": now + 3_600, "exp": now + 7_200 })).await, "clocks");
    assert!(admit(json!({ "iat": now + 50, "nbf": now + 50 })).await.is_ok());
    is_refused(admit(json!({ "aud": "another" })).await, "audience");
    is_refused(admit(json!({ "aud": ["another", "third"] })).await, "audience");
    is_refused(admit(json!({ "iss": "https://idp.example" })).await, "another identity provider");
    for missing in ["exp", "iss", "aud", "sub"] {
        assert!(admit(json!({ missing: null })).await.is_err(), "{missing}");
    }
    is_refused(admit(json!({ "events": {} })).await, "an event");
}

#[tokio::test]
async fn a_token_that_nobody_or_somebody_else_signed_is_refused() {
    let provider = Provider::start().await;
    let gate = provider.gate();
    let claims = provider.claims();
    let good = token(&claims);
    // Another provider's key under the name of this one's, and under a name of its own.
    let of = |name: &str| encode(&header(name), &claims, &private_key(2)).unwrap();
    is_refused(gate.admit(&of("one")).await, "does not verify");
    is_refused(gate.admit(&of("two")).await, "does not publish");
    // The public key taken for a secret (CVE-2015-9235), and no signature at all.
    let public = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let hmac = encode(&Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) }, &claims, &secret).unwrap();
    is_refused(gate.admit(&hmac).await, "not signed as");
    let body = good.split('.').nth(1).unwrap();
    for alg in ["none", "None", ""] {
        let head = keyfold_format::id::base64url(json!({ "alg": alg, "kid": "one" }).to_string().as_bytes());
        is_refused(gate.admit(&format!("{head}.{body}.")).await, "no signed token");
    }
    // What the token itself says about keys is nothing.
    let own = Header { jwk: serde_json::from_value(public_key("one", 2)).unwrap(), ..header("one") };
    is_refused(gate.admit(&encode(&own, &claims, &private_key(2)).unwrap()).await, "does not verify");
    for changed in [good.replace('.', ""), format!("{good}x"), String::new(), "a.b.c".to_owned(), "é.é.é".to_owned()]
    {
        assert!(gate.admit(&changed).await.is_err(), "{changed}");
    }
    assert!(gate.admit(&good).await.is_ok());
}

#[tokio::test]
async fn what_is_no_sign_in_is_refused_though_the_provider_signed_it() {
    let provider = Provider::start().await;
    let gate = provider.gate();
    let signed = |header: Header| encode(&header, &provider.claims(), &private_key(1)).unwrap();
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt"] {
        is_refused(gate.admit(&signed(Header { typ: Some(typ.into()), ..header("one") })).await, "no sign-in");
    }
    for typ in [Some("JWT"), Some("at+jwt"), None] {
        assert!(gate.admit(&signed(Header { typ: typ.map(Into::into), ..header("one") })).await.is_ok(), "{typ:?}");
    }
    let critical = Header { crit: Some(vec!["b64".into()]), ..header("one") };
    is_refused(gate.admit(&signed(critical)).await, "does not know");
}

#[tokio::test]
async fn where_one_audience_is_in_all_tokens_only_those_of_named_applications_are_taken() {
    let provider = Provider::start().await;
    let config = OidcConfig { parties: vec!["web".into(), "phone".into()], ..provider.config() };
    let gate = Oidc::new(config).unwrap();
    let admit = async |changes: Value| gate.admit(&token(&with(provider.claims(), changes))).await;
    assert!(admit(json!({ "azp": "phone" })).await.is_ok());
    assert!(admit(json!({ "client_id": "web" })).await.is_ok());
    is_refused(admit(json!({ "azp": "game" })).await, "another application");
    is_refused(admit(json!({ "azp": "game", "client_id": "web" })).await, "another application");
    is_refused(admit(json!({})).await, "another application");
}

#[tokio::test]
async fn a_new_key_is_found_and_made_up_ones_do_not_have_the_provider_asked_again_and_again() {
    let provider = Provider::start().await;
    let pace = Pace { fresh: Duration::from_secs(600), pause: Duration::from_secs(600) };
    let keys = Keys::of(&provider.issuer).unwrap();
    let gate = Oidc { config: provider.config(), keys: keys.at_pace(pace) };
    let signed = |name: &str, seed| encode(&header(name), &provider.claims(), &private_key(seed)).unwrap();
    assert!(gate.admit(&signed("one", 1)).await.is_ok());
    for made_up in 0..20 {
        is_refused(gate.admit(&signed(&format!("made up {made_up}"), 9)).await, "does not publish");
    }
    assert_eq!(provider.asked(), 1);

    let pace = Pace { pause: Duration::ZERO, ..pace };
    let gate = Oidc { config: provider.config(), keys: Keys::of(&provider.issuer).unwrap().at_pace(pace) };
    assert!(gate.admit(&signed("one", 1)).await.is_ok());
    provider.publishes(vec![public_key("one", 1), json!({ "kty": "of tomorrow" }), public_key("two", 2)]);
    assert!(gate.admit(&signed("two", 2)).await.is_ok(), "the provider made a new key");
    let many = (0..20).map(|_| signed("one", 1));
    let all = futures_util::future::join_all(many.map(async |token| gate.admit(&token).await)).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(provider.asked(), 3, "known keys are not asked for");
}

#[tokio::test]
async fn a_key_that_the_provider_withdrew_is_believed_no_longer_than_keys_stay_fresh() {
    let provider = Provider::start().await;
    let pace = Pace { fresh: Duration::ZERO, pause: Duration::ZERO };
    let gate = Oidc { config: provider.config(), keys: Keys::of(&provider.issuer).unwrap().at_pace(pace) };
    assert!(gate.admit(&token(&provider.claims())).await.is_ok());
    provider.publishes(vec![public_key("two", 2)]);
    is_refused(gate.admit(&token(&provider.claims())).await, "does not publish");
    provider.goes_down();
    assert_eq!(gate.admit(&token(&provider.claims())).await, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn a_key_is_used_for_what_it_is_published_for_and_without_a_name_only_if_it_is_the_only_one() {
    let provider = Provider::start().await;
    let nameless = || encode(&Header::new(Algorithm::EdDSA), &provider.claims(), &private_key(1)).unwrap();
    assert!(provider.gate().admit(&nameless()).await.is_ok());
    provider.publishes(vec![public_key("one", 1), public_key("two", 2)]);
    is_refused(provider.gate().admit(&nameless()).await, "does not publish");
    for (field, value) in [("use", "enc"), ("alg", "ES256"), ("alg", "of tomorrow")] {
        provider.publishes(vec![with(public_key("one", 1), json!({ field: value }))]);
        is_refused(provider.gate().admit(&token(&provider.claims())).await, "does not publish");
    }
    provider.publishes(vec![with(public_key("one", 1), json!({ "use": null, "alg": null }))]);
    assert!(provider.gate().admit(&token(&provider.claims())).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_is_down_or_another_than_was_named_is_unavailable_and_no_verdict() {
    let provider = Provider::start().await;
    let good = token(&provider.claims());
    provider.goes_down();
    let gate = provider.gate();
    assert_eq!(gate.admit(&good).await, Err(Refusal::Unavailable));
    // Not asked again at once.
    assert_eq!(gate.admit(&good).await, Err(Refusal::Unavailable));
    assert_eq!(provider.asked(), 0);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = OidcConfig { issuer: format!("http://{nobody}"), ..provider.config() };
    assert_eq!(Oidc::new(gone).unwrap().admit(&good).await, Err(Refusal::Unavailable));
    let imposter = Provider::calling_itself(Some("https://idp.example")).await;
    assert_eq!(imposter.gate().admit(&token(&imposter.claims())).await, Err(Refusal::Unavailable));
    assert_eq!(imposter.asked(), 0, "whoever is not the issuer is asked for no keys");
}

#[test]
fn an_issuer_over_an_open_line_is_refused_before_it_is_asked() {
    for bad in ["http://idp.example", "ftp://127.0.0.1", "idp.example", "", "http://127.0.0.1.example"] {
        assert!(Keys::of(bad).is_err(), "{bad}");
    }
    for good in ["https://idp.example/realms/a", "http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"]
    {
        assert!(Keys::of(good).is_ok(), "{good}");
    }
}
