//! Where something is in a vault.
//!
//! Spec: `docs/spec/vault.md`, "Paths".

use crate::{Error, Result};
use keyfold_format::Name;
use keyfold_protocol::Code;
use std::fmt;

/// Names of a path.
const NAMES: usize = 32;

/// The way from a vault's root to a file or folder: names, none for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultPath(Vec<Name>);

impl VaultPath {
    /// Names with `/` between them; one in front is left away. At most 32, each of 1 to 256 bytes of UTF-8 in normal form
    /// C, without control characters, not `.` or `..`. `BadText`, `TooMany`.
    pub fn parse(path: &str) -> Result<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Ok(Self::default());
        }
        let names: Vec<Name> = path.split('/').map(name).collect::<Result<_>>()?;
        if names.len() > NAMES {
            return Err(Error::new(Code::TooMany, format!("a path has at most {NAMES} names")));
        }
        Ok(Self(names))
    }

    /// The path of something with this name in the folder that this path is.
    pub fn join(&self, child: &str) -> Result<Self> {
        let names = self.0.iter().cloned().chain([name(child)?]).collect::<Vec<_>>();
        if names.len() > NAMES {
            return Err(Error::new(Code::TooMany, format!("a path has at most {NAMES} names")));
        }
        Ok(Self(names))
    }

    /// Whether it is the root.
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name; `None` of the root.
    pub fn name(&self) -> Option<&str> {
        self.0.last().map(Name::as_str)
    }

    pub(super) fn names(&self) -> &[Name] {
        &self.0
    }

    /// The folder that it is in, and its last name; `None` of the root.
    pub(super) fn split(&self) -> Option<(Self, &Name)> {
        let (last, before) = self.0.split_last()?;
        Some((Self(before.to_vec()), last))
    }
}

impl fmt::Display for VaultPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { "/" }, name.as_str())?;
        }
        Ok(())
    }
}

fn name(text: &str) -> Result<Name> {
    name_of(text).ok_or_else(|| {
        Error::new(Code::BadText, format!("{text:?} cannot be a name in a vault"))
            .hint("A name is 1 to 256 bytes in normal form C, without control characters, and not `.` or `..`.")
    })
}

/// A text as the name of something in a vault; `None` if it cannot be one.
pub(super) fn name_of(text: &str) -> Option<Name> {
    Name::new(text).ok().filter(|_| !matches!(text, "." | "..") && !text.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_names_and_says_which_it_does_not_take() {
        for (text, shown) in [("", ""), ("/", ""), ("a", "a"), ("/a/b c/ü.txt", "a/b c/ü.txt")] {
            assert_eq!(VaultPath::parse(text).unwrap().to_string(), shown);
        }
        for text in ["a//b", "a/", "//", ".", "a/../b", "a\nb", "a/\u{0}", "u\u{308}", &"x".repeat(257)] {
            assert_eq!(VaultPath::parse(text).unwrap_err().code, Code::BadText, "{text:?}");
        }
        assert_eq!(VaultPath::parse(&["a"; 33].join("/")).unwrap_err().code, Code::TooMany);
        assert_eq!(VaultPath::parse(&["a"; 32].join("/")).unwrap().join("b").unwrap_err().code, Code::TooMany);
        assert_eq!(VaultPath::parse("a").unwrap().join("b/c").unwrap_err().code, Code::BadText);
    }
}
