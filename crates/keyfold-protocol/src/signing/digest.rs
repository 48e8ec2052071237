//! Content-Digest (RFC 9530) with SHA-256, always present, of the empty body too.

use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest, Sha256};

/// `sha-256=:…:` of a body.
pub fn content_digest(body: &[u8]) -> String {
    let mut serializer = sfv::DictSerializer::new();
    let digest = Sha256::digest(body);
    _ = serializer.bare_item(sfv::key_ref("sha-256"), digest.as_slice());
    serializer.finish().unwrap_or_default()
}

/// Whether `field` names the SHA-256 of `body`. Other algorithms beside it are ignored, in its place they are not
/// accepted.
pub fn matches(field: &str, body: &[u8]) -> bool {
    let Ok(members) = Parser::new(field).parse::<Dictionary>() else { return false };
    match members.get("sha-256") {
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::ByteSequence(claimed) => claimed.as_slice() == Sha256::digest(body).as_slice(),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530, appendix B.1 and B.2.
    #[test]
    fn the_examples_of_rfc_9530() {
        let body = b"{\"hello\": \"world\"}\n";
        assert_eq!(content_digest(body), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
        assert_eq!(content_digest(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    }

    #[test]
    fn another_body_another_algorithm_or_another_type_does_not_match() {
        let field = content_digest(b"body");
        assert!(matches(&field, b"body"));
        assert!(matches(&format!("md5=:AAAA:, {field}"), b"body"));
        assert!(!matches(&field, b"bodY"));
        assert!(!matches(&field.replace("sha-256", "sha-512"), b"body"));
        for bad in ["", "sha-256", "sha-256=1", "sha-256=(1 2)", "sha-256=:!:", "\u{e9}"] {
            assert!(!matches(bad, b"body"), "{bad}");
        }
    }
}
