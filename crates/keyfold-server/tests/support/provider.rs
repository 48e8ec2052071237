//! An OpenID provider that signs whatever it is asked to, on a port of its own.

use axum::{Router, routing::get};
use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::id::base64url;
use keyfold_server::{Gate, OidcConfig};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub const AUDIENCE: &str = "keyfold";

pub struct Provider {
    pub issuer: String,
    key: SigningKey,
    serving: JoinHandle<()>,
}

impl Provider {
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", socket.local_addr().unwrap());
        let key = SigningKey::from_bytes(&super::random());
        let x = base64url(key.verifying_key().as_bytes());
        let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string();
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x }] }).to_string();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || discovery))
            .route("/keys", get(async move || keys));
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { issuer, key, serving }
    }

    /// Nothing answers at its address any more.
    pub async fn stop(&mut self) {
        self.serving.abort();
        _ = (&mut self.serving).await;
    }

    /// A gate that takes its tokens.
    pub fn gate(&self) -> Gate {
        Gate::Oidc(OidcConfig {
            issuer: self.issuer.clone(),
            audiences: vec![AUDIENCE.to_owned()],
            parties: Vec::new(),
            claim: "sub".to_owned(),
        })
    }

    /// A good token.
    pub fn token(&self, user: &str) -> String {
        let now = super::now_ms() / 1_000;
        self.sign(&json!({ "iss": self.issuer, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + 300 }))
    }

    /// Any token.
    pub fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let message = format!("{}.{}", part(&json!({ "alg": "EdDSA", "kid": "one" })), part(claims));
        format!("{message}.{}", base64url(&self.key.sign(message.as_bytes()).to_bytes()))
    }
}
