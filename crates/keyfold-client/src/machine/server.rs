//! The server that a home belongs to: its address, and the key that its answers must be signed with.

use crate::{Error, Result};
use keyfold_format::{ServerId, VerifyingKey};
use keyfold_protocol::{Code, signing::response::server_id};
use minicbor::{Decode, Encode};

/// A server's address: scheme and authority, in the one form that requests are signed over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct ServerUrl {
    #[n(0)]
    tls: bool,
    #[n(1)]
    authority: String,
}

impl ServerUrl {
    /// From `http[s]://host[:port]`. A path, a query or a user would not survive being signed, and are refused.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::new(Code::BadText, format!("`{text}` is not the address of a server"))
                .hint("An address looks like https://keyfold.example or http://127.0.0.1:8787.")
        };
        let lower = text.trim().to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or_else(bad)?;
        let (tls, default_port) = match scheme {
            "https" => (true, ":443"),
            "http" => (false, ":80"),
            _ => return Err(bad()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if authority.is_empty() || authority.len() > 262 || !authority.chars().all(allowed) {
            return Err(bad());
        }
        Ok(Self { tls, authority: authority.to_owned() })
    }

    /// Host, and port unless it is the scheme's own.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// `https://keyfold.example`.
    pub(crate) fn http(&self) -> String {
        format!("http{}://{}", if self.tls { "s" } else { "" }, self.authority)
    }

    /// `wss://keyfold.example`.
    pub(crate) fn websocket(&self) -> String {
        format!("ws{}://{}", if self.tls { "s" } else { "" }, self.authority)
    }
}

/// A server as it was pinned.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct ServerPin {
    /// Where it is.
    #[n(0)]
    pub(crate) url: ServerUrl,
    /// What its answers are signed with.
    #[n(1)]
    pub(crate) key: VerifyingKey,
    /// What they were signed with before, oldest first: keys from which this device followed.
    #[cbor(n(2), default)]
    pub(crate) former: Vec<VerifyingKey>,
}

impl ServerPin {
    pub(crate) fn new(url: ServerUrl, key: VerifyingKey) -> Self {
        Self { url, key, former: Vec::new() }
    }

    /// The same server with its next keys, of which the newest is last.
    pub(crate) fn followed(&self, keys: &[VerifyingKey]) -> Self {
        let mut former = self.former.clone();
        let mut key = self.key;
        for next in keys {
            former.push(std::mem::replace(&mut key, *next));
        }
        Self { url: self.url.clone(), key, former }
    }

    /// All keys that it has or had, the newest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = VerifyingKey> {
        std::iter::once(self.key).chain(self.former.iter().rev().copied())
    }

    pub(crate) fn id(&self) -> ServerId {
        server_id(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        for (text, form) in [
            ("https://Keyfold.example/", "https://keyfold.example"),
            ("https://keyfold.example:443", "https://keyfold.example"),
            ("http://keyfold.example:443", "http://keyfold.example:443"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(ServerUrl::parse(text).unwrap().http(), form, "{text}");
        }
        assert_eq!(ServerUrl::parse("https://a.example").unwrap().websocket(), "wss://a.example");
    }

    #[test]
    fn what_cannot_be_signed_over_is_refused() {
        for bad in
            ["", "keyfold.example", "ftp://a", "http://", "http://a/b", "http://a?b", "http://u@a", "http://é.example"]
        {
            assert_eq!(ServerUrl::parse(bad).unwrap_err().code, Code::BadText, "{bad}");
        }
    }
}
