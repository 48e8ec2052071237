//! Plain data, one way and the other: documents of the client's model as JavaScript objects, and what JavaScript
//! gives as arguments. The shapes are written down in `types.d.ts`.

use crate::fault::{Fault, Result};
use js_sys::{Object, Reflect, Uint8Array, Uint16Array};
use keyfold_client::{
    AcceptShares, Algorithm, Code, Compared, PartialPermissions, PermissionFlags, SafetyWords, ShareKeys, ShareOptions,
    Stopped, envelope::SegmentNonce,
};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Some of the four permissions.
    #[wasm_bindgen(typescript_type = "Partial<PermissionFlags>")]
    pub type JsPermissions;

    #[wasm_bindgen(method, getter, structural, js_name = allowSharing)]
    fn allow_sharing(this: &JsPermissions) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = allowRotation)]
    fn allow_rotation(this: &JsPermissions) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = allowDeletion)]
    fn allow_deletion(this: &JsPermissions) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = allowManagement)]
    fn allow_management(this: &JsPermissions) -> Option<bool>;

    /// On which terms to share.
    #[wasm_bindgen(typescript_type = "ShareOptions")]
    pub type JsShareOptions;

    #[wasm_bindgen(method, getter, structural)]
    fn permissions(this: &JsShareOptions) -> Option<JsPermissions>;

    #[wasm_bindgen(method, getter, structural, js_name = readOnly)]
    fn read_only(this: &JsShareOptions) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = expiresAt)]
    fn expires_at(this: &JsShareOptions) -> Option<f64>;

    /// Which keys to share.
    #[wasm_bindgen(typescript_type = "ShareKeys")]
    pub type JsShareKeys;

    #[wasm_bindgen(method, getter, structural)]
    fn key(this: &JsShareKeys) -> Option<String>;
}

/// A document of the model. Numbers are numbers, what is missing is `null`.
pub(crate) fn to_js(document: &impl Serialize) -> Result<JsValue> {
    let to = Serializer::new().serialize_missing_as_null(true).serialize_maps_as_objects(true);
    document.serialize(&to).map_err(|fault| Fault::new(Code::Internal, fault.to_string()))
}

/// Safety words, given as numbers. What is none fits nobody.
pub(crate) fn safety_words(numbers: JsValue) -> Result<Compared> {
    let words = SafetyWords::from_numbers(&Uint16Array::new(&numbers).to_vec());
    words.map(Compared::Words).ok_or_else(|| Fault::new(Code::NotVerified, "safety words are eight words of the list"))
}

/// A keychain that was left as it was.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoppedKeychain<'a> {
    keychain_fingerprint: String,
    code: &'a str,
}

pub(crate) fn stopped(stopped: &[Stopped]) -> Result<JsValue> {
    let plain = |stopped: &Stopped| StoppedKeychain {
        keychain_fingerprint: stopped.keychain.to_string(),
        code: stopped.error.code.as_str(),
    };
    to_js(&stopped.iter().map(plain).collect::<Vec<_>>())
}

/// Whole milliseconds since 1970, or a count.
pub(crate) fn whole(number: f64) -> Result<u64> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=LARGEST).contains(&number) {
        // Exact: the checks above leave nothing that the type cannot hold.
        Ok(number as u64)
    } else {
        Err(Fault::argument("this is not a whole number from 0 to 2^53 - 1"))
    }
}

pub(crate) fn algorithm(name: &str) -> Result<Algorithm> {
    match name {
        "secretBox" => Ok(Algorithm::SecretBox),
        "sealedBox" => Ok(Algorithm::SealedBox),
        _ => Err(Fault::argument("there is no such algorithm; there are secretBox and sealedBox")),
    }
}

pub(crate) fn accept_shares(which: &str) -> Result<AcceptShares> {
    match which {
        "auto" => Ok(AcceptShares::Auto),
        "known" => Ok(AcceptShares::Known),
        "ask" => Ok(AcceptShares::Ask),
        _ => Err(Fault::argument("which shares to take: auto, known or ask")),
    }
}

pub(crate) fn share_keys(keys: &JsShareKeys) -> Result<ShareKeys> {
    match keys.as_string().as_deref() {
        Some("latest") => Ok(ShareKeys::Latest),
        Some("all") => Ok(ShareKeys::All),
        Some(_) => Err(Fault::argument("which keys: latest, all, or the fingerprint of one")),
        None => keys.key().map(ShareKeys::One).ok_or_else(|| Fault::argument("which keys to share is missing")),
    }
}

pub(crate) fn share_options(options: &JsShareOptions) -> Result<ShareOptions> {
    Ok(ShareOptions {
        permissions: options.permissions().as_ref().map(flags).unwrap_or_default(),
        read_only: options.read_only().unwrap_or_default(),
        expires_at: options.expires_at().map(whole).transpose()?,
    })
}

/// What is left out is denied.
fn flags(permissions: &JsPermissions) -> PermissionFlags {
    PermissionFlags {
        allow_sharing: permissions.allow_sharing().unwrap_or_default(),
        allow_rotation: permissions.allow_rotation().unwrap_or_default(),
        allow_deletion: permissions.allow_deletion().unwrap_or_default(),
        allow_management: permissions.allow_management().unwrap_or_default(),
    }
}

/// What is left out stays as it is.
pub(crate) fn change(permissions: &JsPermissions) -> PartialPermissions {
    PartialPermissions {
        allow_sharing: permissions.allow_sharing(),
        allow_rotation: permissions.allow_rotation(),
        allow_deletion: permissions.allow_deletion(),
        allow_management: permissions.allow_management(),
    }
}

/// An object of these properties.
pub(crate) fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of an object that was made a moment ago cannot fail.
        _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// Nonces of segments, one after the other: 12 bytes each.
pub(crate) fn nonces(nonces: impl Iterator<Item = SegmentNonce>) -> Uint8Array {
    let bytes: Vec<u8> = nonces.flat_map(SegmentNonce::bytes).collect();
    Uint8Array::from(bytes.as_slice())
}

pub(crate) fn bytes_of(items: &[Uint8Array]) -> Vec<Vec<u8>> {
    items.iter().map(Uint8Array::to_vec).collect()
}

pub(crate) fn slices(items: &[Vec<u8>]) -> Vec<&[u8]> {
    items.iter().map(Vec::as_slice).collect()
}

pub(crate) fn texts(items: &[String]) -> Vec<&str> {
    items.iter().map(String::as_str).collect()
}
