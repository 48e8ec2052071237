//! The signature base (RFC 9421, 2.5): which components are covered, and the text that is signed. General, so that the
//! RFC's own examples are its tests; what Keyfold covers is in [`super::request`] and [`super::response`].

use keyfold_format::Signature;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, ListSerializer, Parser};

/// A header that is not a structured field of the right shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature field is malformed")]
pub struct MalformedField;

/// What a signature covers, and its parameters: one member of `Signature-Input`.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureParams(InnerList);

impl SignatureParams {
    /// Covers nothing yet.
    pub fn new() -> Self {
        Self(InnerList::new(Vec::new()))
    }

    /// Covers a component of the message itself: a field name in lower case, or a derived component (`@method`).
    #[must_use]
    pub fn covering(self, name: &'static str) -> Self {
        self.component(name, &[])
    }

    /// Covers a component of the request that a response answers.
    #[must_use]
    pub fn covering_request(self, name: &'static str) -> Self {
        self.component(name, &[("req", BareItem::Boolean(true))])
    }

    /// Covers one signature of the request that a response answers.
    #[must_use]
    pub fn covering_request_signature(self, label: &'static str) -> Self {
        let label = BareItem::String(sfv::string_ref(label).to_owned());
        self.component("signature", &[("req", BareItem::Boolean(true)), ("key", label)])
    }

    fn component(mut self, name: &'static str, params: &[(&'static str, BareItem)]) -> Self {
        let mut item = Item::new(sfv::string_ref(name).to_owned());
        for (key, value) in params {
            item.params.insert(sfv::key_ref(key).to_owned(), value.clone());
        }
        self.0.items.push(item);
        self
    }

    /// When the signature was made, in seconds since 1970. Times past RFC 9651's integers are cut to the largest.
    #[must_use]
    pub fn created(mut self, seconds: u64) -> Self {
        let integer = sfv::Integer::try_from(seconds).unwrap_or(sfv::Integer::MAX);
        self.0.params.insert(sfv::key_ref("created").to_owned(), BareItem::Integer(integer));
        self
    }

    /// A parameter that is a string: `keyid`, `alg`, `tag`. A value that is not printable ASCII is left out, and so
    /// verifies nowhere.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(text) = sfv::String::from_string(value.to_owned()) {
            self.0.params.insert(sfv::key_ref(name).to_owned(), BareItem::String(text));
        }
        self
    }

    /// The value of `created`.
    pub fn created_seconds(&self) -> Option<u64> {
        self.0.params.get("created")?.as_integer().and_then(|n| u64::try_from(n).ok())
    }

    /// The value of a string parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.params.get(name)?.as_string().map(|s| s.as_str())
    }

    /// As it stands in `Signature-Input` and in the last line of the base.
    pub fn serialize(&self) -> String {
        let mut list = ListSerializer::new();
        list.members([&ListEntry::InnerList(self.0.clone())]);
        list.finish().unwrap_or_default()
    }

    /// The member `label` of a `Signature-Input` field.
    pub fn parse(field: &str, label: &str) -> Result<Self, MalformedField> {
        let members: Dictionary = Parser::new(field).parse().map_err(|_| MalformedField)?;
        match members.get(label) {
            Some(ListEntry::InnerList(inner)) => Ok(Self(inner.clone())),
            _ => Err(MalformedField),
        }
    }

    /// The signature base. `value` answers for each component by its name and whether it is the request's (`;req`);
    /// `None` there, a component twice, or a value with a line break gives `None`: nothing may be signed.
    pub fn base(&self, value: impl Fn(&str, bool) -> Option<String>) -> Option<String> {
        let mut base = String::new();
        for (i, item) in self.0.items.iter().enumerate() {
            if self.0.items.iter().take(i).any(|earlier| earlier == item) {
                return None;
            }
            let of_request = item.params.contains_key("req");
            let value = value(item.bare_item.as_string()?.as_str(), of_request)?;
            // A line break would let a value pose as a component of its own.
            if value.contains(['\r', '\n']) {
                return None;
            }
            base.push_str(&serialize_item(item));
            base.push_str(": ");
            base.push_str(&value);
            base.push('\n');
        }
        base.push_str("\"@signature-params\": ");
        base.push_str(&self.serialize());
        Some(base)
    }
}

impl Default for SignatureParams {
    fn default() -> Self {
        Self::new()
    }
}

fn serialize_item(item: &Item) -> String {
    sfv::ItemSerializer::new().bare_item(&item.bare_item).parameters(&item.params).finish()
}

/// A `Signature-Input` field of one member.
pub fn signature_input(label: &str, params: &SignatureParams) -> String {
    let serialized = params.serialize();
    format!("{label}={serialized}")
}

/// A `Signature` field of one member.
pub fn signature_field(label: &'static str, signature: &Signature) -> String {
    let mut dict = sfv::DictSerializer::new();
    _ = dict.bare_item(sfv::key_ref(label), signature.0.as_slice());
    dict.finish().unwrap_or_default()
}

/// The member `label` of a `Signature` field: 64 bytes.
pub fn parse_signature(field: &str, label: &str) -> Result<Signature, MalformedField> {
    let members: Dictionary = Parser::new(field).parse().map_err(|_| MalformedField)?;
    match members.get(label) {
        Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), params })) if params.is_empty() => {
            bytes.as_slice().try_into().map(Signature).map_err(|_| MalformedField)
        }
        _ => Err(MalformedField),
    }
}

/// The value of `"signature";req;key=…`: the member, serialized as a byte sequence (RFC 9421, 2.1.2).
pub fn signature_member(signature: &Signature) -> String {
    sfv::ItemSerializer::new().bare_item(signature.0.as_slice()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64UrlUnpadded, Encoding};
    use ed25519_dalek::{Signer, SigningKey};
    use keyfold_format::VerifyingKey;

    const INPUT: &str = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
                         \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    const SIGNATURE: &str =
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";

    fn value(name: &str, of_request: bool) -> Option<String> {
        assert!(!of_request);
        let value = match name {
            "date" => "Tue, 20 Apr 2021 02:07:55 GMT",
            "@method" => "POST",
            "@path" => "/foo",
            "@authority" => "example.com",
            "content-type" => "application/json",
            "content-length" => "18",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn key() -> SigningKey {
        let seed = Base64UrlUnpadded::decode_vec("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU").unwrap();
        SigningKey::from_bytes(&seed.try_into().unwrap())
    }

    /// RFC 9421, B.2.6, with the key of B.1.4.
    #[test]
    fn the_ed25519_example_of_rfc_9421_is_made_and_verified() {
        let made = ["date", "@method", "@path", "@authority", "content-type", "content-length"]
            .into_iter()
            .fold(SignatureParams::new(), SignatureParams::covering)
            .created(1_618_884_473)
            .param("keyid", "test-key-ed25519");
        assert_eq!(signature_input("sig-b26", &made), INPUT);
        let base = made.base(value).unwrap();
        assert!(base.starts_with("\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n"), "{base}");
        assert!(
            base.ends_with(
                "\n\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
             \"content-length\");created=1618884473;keyid=\"test-key-ed25519\""
            ),
            "{base}"
        );
        let signature = Signature(key().sign(base.as_bytes()).to_bytes());
        assert_eq!(signature_field("sig-b26", &signature), SIGNATURE);

        let parsed = SignatureParams::parse(INPUT, "sig-b26").unwrap();
        assert_eq!(parsed.base(value).unwrap(), base);
        let key = VerifyingKey(key().verifying_key().to_bytes());
        let signature = parse_signature(SIGNATURE, "sig-b26").unwrap();
        assert_eq!(key.verify_message(base.as_bytes(), &signature), Ok(()));
        assert!(key.verify_message(base.replace("POST", "GET").as_bytes(), &signature).is_err());
    }

    #[test]
    fn components_of_the_request_are_serialized_as_in_rfc_9421_2_4() {
        let params =
            SignatureParams::new().covering("@status").covering_request("@method").covering_request_signature("sig1");
        assert_eq!(params.serialize(), "(\"@status\" \"@method\";req \"signature\";req;key=\"sig1\")");
    }

    #[test]
    fn a_missing_component_a_repeated_one_or_a_line_break_gives_no_base() {
        assert_eq!(SignatureParams::new().covering("@query").base(value), None);
        assert_eq!(SignatureParams::new().covering("date").covering("date").base(value), None);
        assert_eq!(SignatureParams::new().covering("date").base(|_, _| Some("a\n\"@path\": /".into())), None);
    }

    #[test]
    fn other_shapes_of_the_fields_are_malformed() {
        for bad in ["", "kf", "kf=1", "kf=(", "other=(\"date\")", "kf=:AAAA:"] {
            assert!(SignatureParams::parse(bad, "kf").is_err(), "{bad}");
        }
        for bad in ["", "kf", "kf=:AAAA:", "kf=(\"a\")", "other=:AAAA:"] {
            assert!(parse_signature(bad, "kf").is_err(), "{bad}");
        }
    }
}
