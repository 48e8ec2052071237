//! An identity as text that somebody shows and another scans: `keyfold:identity/ACCOUNT/USER`. It holds nothing that is
//! secret, and proves nothing by itself: what counts is that it comes from the person and not from the server.
//!
//! Spec: `docs/spec/account-ledger.md`, "Comparing identities".

use crate::{
    Malformed, ScopeId, UserId,
    uri::{escaped, unescaped},
};
use core::{fmt, str::FromStr};

const PREFIX: &str = "keyfold:identity/";

/// Whose account is whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityUri {
    /// The account.
    pub account: ScopeId,
    /// The application's name of the person.
    pub user_id: UserId,
}

impl fmt::Display for IdentityUri {
    /// Bytes of the user id that are not unreserved (RFC 3986 §2.3) stand as `%` and two capital hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/{}", self.account, escaped(self.user_id.as_str()))
    }
}

impl FromStr for IdentityUri {
    type Err = Malformed;

    /// Only what [`Display`](fmt::Display) writes: there is one text for one identity.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (account, user) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or(Malformed::Encoding)?;
        let user_id = UserId::new(&unescaped(user).ok_or(Malformed::Encoding)?)?;
        if escaped(user_id.as_str()) != user {
            return Err(Malformed::Encoding);
        }
        Ok(Self { account: account.parse()?, user_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn uri(user: &str) -> IdentityUri {
        IdentityUri { account: ScopeId([0xab; 32]), user_id: UserId::new(user).unwrap() }
    }

    #[test]
    fn every_identity_has_one_text_and_comes_back_from_it() {
        for user in ["bob", "bob@example.org", "a/b?c#d%25", "ärger ☃", "-._~", "keyfold:identity/"] {
            let text = uri(user).to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            assert_eq!(text.parse(), Ok(uri(user)), "{text}");
        }
        assert_eq!(uri("bob@x").to_string(), format!("keyfold:identity/{}/bob%40x", ScopeId([0xab; 32])));
    }

    #[test]
    fn any_other_text_is_none() {
        let good = uri("bob").to_string();
        let id = ScopeId([0xab; 32]).to_string();
        for bad in [
            "".to_owned(),
            id.clone(),
            good.replace("keyfold:", "KEYFOLD:"),
            good.replace("identity", "device"),
            format!("keyfold:identity/{id}"),
            format!("keyfold:identity/{id}/"),
            format!("keyfold:identity/{}/bob", &id[1..]),
            format!("keyfold:identity/{id}/bo%62"),
            format!("keyfold:identity/{id}/bob%4"),
            format!("keyfold:identity/{id}/bob%"),
            format!("keyfold:identity/{id}/bob%+4"),
            format!("keyfold:identity/{id}/bob%2f"),
            format!("keyfold:identity/{id}/bob@x"),
            format!("keyfold:identity/{id}/%FF"),
            format!("keyfold:identity/{id}/bob/x"),
            format!("{good} "),
        ] {
            assert!(bad.parse::<IdentityUri>().is_err(), "{bad}");
        }
    }
}
