//! The header fields that the signatures read, each at most once.

/// A header field that stands twice. Two values of a covered field could be read two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header field stands more than once")]
pub struct Repeated;

/// Header fields with lower-case names. Only those that the profiles name need to be in it.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

/// `Content-Digest` (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";
/// `Signature-Input` (RFC 9421).
pub const SIGNATURE_INPUT: &str = "signature-input";
/// `Signature` (RFC 9421).
pub const SIGNATURE: &str = "signature";
/// The id of the server that a request is for, base64url.
pub const SERVER: &str = "keyfold-server";
/// 24 random bytes, base64url, fresh in every request.
pub const NONCE: &str = "keyfold-nonce";
/// The server's time in milliseconds, on every response.
pub const TIME: &str = "keyfold-time";
/// All of them, for a transport that copies only what is needed.
pub const ALL: [&str; 6] = [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE, SERVER, NONCE, TIME];

impl Fields {
    /// Adds a field; the name in any case, the value without surrounding white space.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }

    /// The value of a field, `None` if it is absent.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Repeated),
            (first, None) => Ok(first),
        }
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.push(name.as_ref(), value.as_ref());
        }
        fields
    }
}
