//! Signing up: a device, a master key wrapped to it, and the first entry of an account.

use crate::Result;
use keyfold_core::{account::MasterKeys, device::DeviceKeys};
use keyfold_format::{
    UserId,
    account::{AccountOp, Entry, Genesis, HolderKeys},
    entry::SignedEntry,
    label::SignatureLabel,
};
use keyfold_protocol::wire::SignUp;
use rand_core::CryptoRng;

/// The request that founds an account.
pub(crate) fn sign_up(user_id: &UserId, device: &DeviceKeys, now_ms: u64, rng: &mut impl CryptoRng) -> Result<SignUp> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let masters = MasterKeys::generate(rng);
    let secrets = masters.secrets(&nonce)?;
    let public =
        HolderKeys { signing: device.signing.verifying_key(), wrapping: device.wrapping.public().clone(), label: None };
    let genesis = Genesis { nonce, user_id: user_id.clone(), device: public, keys: secrets.public() };
    let signed = Entry {
        scope: None,
        seq: 0,
        prev: None,
        author: device.id(),
        time: now_ms,
        ops: vec![AccountOp::Genesis(genesis)],
    }
    .encode();
    let keys = [&secrets.ledger, &secrets.publication, &secrets.signature];
    let signatures = std::iter::once(device.signing.sign(SignatureLabel::Entry, &[&signed]))
        .chain(keys.into_iter().map(|key| key.sign(SignatureLabel::AccountKey, &[&signed])))
        .collect();
    let genesis = SignedEntry { signed, signatures };
    let master_key = masters.seal(genesis.scope_id(), &[device.wrapping.public()], rng)?;
    Ok(SignUp { genesis, master_key })
}
