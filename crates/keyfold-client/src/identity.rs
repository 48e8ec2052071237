//! People's identities as calls answer them, and what a person was told of one by another way than the server.
//!
//! Spec: `docs/spec/account-ledger.md`, "Comparing identities".

use crate::{Error, Result};
use keyfold_core::safety::SafetyWords;
use keyfold_format::{IdentityUri, ScopeId, account};
use keyfold_protocol::Code;
use serde::Serialize;

/// A person, as others see him; verified by replaying his ledger, and pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The application's name of the person.
    pub user_id: String,
    /// The account.
    pub account_id: String,
    /// The generation of the keys below.
    pub generation: u32,
    /// Verifies what the person signs for the application.
    pub signature_public_key: String,
    /// Keys are wrapped to it.
    pub sharing_public_key: String,
    /// Verifies entries of keychains.
    pub ledger_public_key: String,
    /// Verifies publications.
    pub publication_public_key: String,
    /// Whether this device's person compared it by another way than the server; one's own is.
    pub verified: bool,
    /// User id and account as a text to show and to scan, `keyfold:identity/…`.
    pub uri: String,
}

impl Identity {
    pub(crate) fn of(ledger: &account::Ledger, verified: bool) -> Option<Self> {
        let keys = ledger.current_keys()?;
        Some(Self {
            user_id: ledger.user_id().to_string(),
            account_id: ledger.id().to_string(),
            generation: ledger.generation(),
            signature_public_key: keys.signature.to_string(),
            sharing_public_key: keyfold_format::id::base64url(keys.sharing.as_bytes()),
            ledger_public_key: keys.ledger.to_string(),
            publication_public_key: keys.publication.to_string(),
            verified,
            uri: uri(ledger),
        })
    }
}

pub(crate) fn uri(ledger: &account::Ledger) -> String {
    IdentityUri { account: ledger.id(), user_id: ledger.user_id().clone() }.to_string()
}

/// An identity that took another one's place because the person said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedIdentity {
    /// The identity that is pinned, and verified, from now on.
    pub identity: Identity,
    /// The account whose place it took; `None` if it is the one that was pinned before.
    pub former_account_id: Option<String>,
    /// Where the former account still is a member, by fingerprint: it goes on reading there until it is banned.
    pub former_keychains: Vec<String>,
}

/// What a person was told of somebody's identity, by another way than the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The safety words of the two.
    Words(SafetyWords),
    /// The text of an identity, scanned.
    Uri(IdentityUri),
    /// The account alone.
    Account(ScopeId),
}

impl Compared {
    /// Whatever was typed or scanned: the text of an identity or an account id; natively also safety words.
    /// `NotVerified` for anything else, because it fits nobody.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(uri) = text.parse() {
            return Ok(Self::Uri(uri));
        }
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        #[cfg(feature = "native")]
        if !text.starts_with("keyfold:") {
            return spelled::parse(text).map(Self::Words);
        }
        Err(not_verified("this is no identity that somebody could have shown"))
    }
}

pub(crate) fn not_verified(message: impl Into<String>) -> Error {
    Error::new(Code::NotVerified, message)
}

/// Safety words as people say them.
#[cfg(feature = "native")]
pub(crate) mod spelled {
    use super::{Result, SafetyWords, not_verified};
    use crate::native::words::{self, UnknownWord};

    /// Eight words with a space between.
    pub(crate) fn text(words: &SafetyWords) -> String {
        words::spell(&words.numbers()).to_string()
    }

    /// In any case, with any spaces and commas between.
    pub(crate) fn parse(text: &str) -> Result<SafetyWords> {
        let numbers = words::read(text).map_err(|UnknownWord(word)| {
            not_verified(format!("`{word}` is none of the words that safety words are made of"))
                .hint("Ask for that word again, letter by letter.")
        })?;
        SafetyWords::from_numbers(&numbers).ok_or_else(|| {
            not_verified(format!("safety words are {}, and these are {}", SafetyWords::COUNT, numbers.len()))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn words_are_read_however_they_are_typed_and_shown_in_one_way() {
            let words = parse("  Level JOIN, sea\tgeneral\nearn amount aisle make ").unwrap();
            assert_eq!(text(&words), "level join sea general earn amount aisle make");
            assert_eq!(words.numbers()[0], 1029);
        }

        #[test]
        fn other_words_and_other_numbers_of_them_fit_nobody() {
            for bad in [
                "",
                "level",
                "level join sea general earn amount aisle",
                "level join sea general earn amount aisle make make",
                "level join sea general earn amount aisle mako",
            ] {
                assert_eq!(parse(bad).unwrap_err().code, keyfold_protocol::Code::NotVerified, "{bad}");
            }
        }
    }
}
