//! Shares of a recovery secret, as the texts that people keep.

use crate::{
    account_id,
    fault::{Fault, Result},
    random::JsRng,
};
use js_sys::Uint8Array;
use keyfold_core::{
    RecoverySecret,
    recovery::{Share, ShareError},
};
use wasm_bindgen::prelude::*;

/// A new recovery secret, and its shares.
#[wasm_bindgen]
pub struct SharedSecret {
    secret: RecoverySecret,
    shares: Vec<Share>,
}

#[wasm_bindgen]
impl SharedSecret {
    /// For an account (its id, 32 bytes): `count` shares, 2 to 16, of which `needed` suffice, 2 to `count`. `Malformed`
    /// for other numbers.
    #[wasm_bindgen(constructor)]
    pub fn new(account: &[u8], needed: u8, count: u8) -> Result<SharedSecret> {
        let (secret, shares) = Share::generate(account_id(account)?, needed, count, &mut JsRng)?;
        Ok(Self { secret, shares })
    }

    /// The secret, 32 bytes.
    #[wasm_bindgen(getter, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn secret(&self) -> Uint8Array {
        Uint8Array::from(self.secret.expose().as_slice())
    }

    /// The shares, `keyfold:share/…`, in their order.
    #[wasm_bindgen(getter)]
    pub fn texts(&self) -> Vec<String> {
        self.shares.iter().map(|share| share.text().to_string()).collect()
    }
}

/// One share, as it was read.
#[wasm_bindgen]
pub struct ReadShare(Share);

#[wasm_bindgen]
impl ReadShare {
    /// Of its text. `ShareDamaged`, `Unsupported`.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<ReadShare> {
        Ok(Self(Share::parse(text)?))
    }

    /// The account that it recovers, as base64url.
    #[wasm_bindgen(getter)]
    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    /// Its number, from 1.
    #[wasm_bindgen(getter)]
    pub fn index(&self) -> u8 {
        self.0.index()
    }

    /// How many of its set suffice.
    #[wasm_bindgen(getter)]
    pub fn needed(&self) -> u8 {
        self.0.needed()
    }

    /// How many its set has.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> u8 {
        self.0.count()
    }
}

/// The recovery secret of an account, from shares in any order. `ShareDamaged`, `Unsupported`, `TooFewShares`,
/// `ShareOfAnotherAccount`, `SharesMixed`, `ShareRepeated`, `SharesAltered`.
#[wasm_bindgen(js_name = combineShares, unchecked_return_type = "Uint8Array<ArrayBuffer>")]
pub fn combine_shares(texts: Vec<String>, account: &[u8]) -> Result<Uint8Array> {
    let shares = texts.iter().map(|text| Share::parse(text)).collect::<std::result::Result<Vec<_>, _>>()?;
    let secret = Share::combine(&shares, &account_id(account)?)?;
    Ok(Uint8Array::from(secret.expose().as_slice()))
}

impl From<ShareError> for Fault {
    fn from(fault: ShareError) -> Self {
        Self::new(fault.code(), fault)
    }
}
