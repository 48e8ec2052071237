//! Ops whose bytes are wrong, signed all the same.

use super::{super::Case, Alice, case};
use crate::{
    household::{
        Do::{self, AddDevice, AddRecovery, Revoke, Rotate, SetPrivate},
        Secret,
    },
    people::{bytes_of, sign},
};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    HolderId,
    account::{AccountOp, Entry, HolderKeys},
    entry::SignedEntry,
    label::SignatureLabel,
};

pub fn cases() -> Vec<Case> {
    let Alice { account, first, phone, laptop, tablet, .. } = &Alice::new();
    let with = |name, about, what: &[Do<'_>], alter: &dyn Fn(&mut Vec<u8>), expect| {
        let mut signed = account.entry(first, what).encode();
        alter(&mut signed);
        let key = SigningKey::from_bytes(&bytes_of("alice device"));
        let signatures = vec![sign(&key, SignatureLabel::Entry, &signed)];
        case(name, about, account, SignedEntry { signed, signatures }, expect)
    };
    let at = |what: &[Do<'_>], pattern: &[u8]| {
        let signed = account.entry(first, what).encode();
        signed.windows(pattern.len()).position(|window| window == pattern).unwrap()
    };
    let private: &[Do<'_>] = &[SetPrivate(1)];
    let op = at(private, &[0x81, 0x83, 7, 1, 0x58, 32]);
    let recovery: &[Do<'_>] = &[AddRecovery(&account.recovery("passkey"))];
    let method = at(recovery, &[0x83, 4, 0, 0x83]) + 2;
    let out_of_order = |entry: &mut Entry| {
        let Some(AccountOp::RevokeDevice(op)) = entry.ops.first_mut() else { panic!("no revocation") };
        op.kept.reverse();
    };
    let kept = |alter: &dyn Fn(&mut Vec<HolderId>)| {
        account.altered(first, &[Revoke(phone, &[]), Rotate], |entry| {
            let Some(AccountOp::RevokeDevice(op)) = entry.ops.first_mut() else { panic!("no revocation") };
            alter(&mut op.kept);
        })
    };
    let label = |length: usize| {
        let named =
            Secret { keys: HolderKeys { label: Some(vec![1; length]), ..tablet.keys.clone() }, ..tablet.clone() };
        account.does(first, &[AddDevice(&named)])
    };
    vec![
        with("account-op-8", "an op that nobody knows", private, &|signed| signed[op + 2] = 8, "Unsupported"),
        with(
            "account-op-with-a-field-too-few",
            "its number is left alone",
            private,
            &|signed| signed[op + 1] = 0x82,
            "Malformed",
        ),
        with(
            "account-recovery-method-4",
            "a method that nobody knows",
            recovery,
            &|signed| signed[method] = 4,
            "Unsupported",
        ),
        with(
            "account-op-of-another-shape",
            "a version where an id stands",
            private,
            &|signed| signed[op + 2] = 2,
            "Malformed",
        ),
        case(
            "account-revoke-keeping-in-another-order",
            "a set has one order",
            account,
            account.altered(first, &[Revoke(phone, &[laptop, first]), Rotate], out_of_order),
            "NotCanonical",
        ),
        case(
            "account-revoke-keeping-one-twice",
            "a set has each once",
            account,
            kept(&|kept| kept.extend([laptop.id; 2])),
            "NotCanonical",
        ),
        case(
            "account-revoke-keeping-257",
            "more than there can be",
            account,
            kept(&|kept| {
                kept.extend((0..257u16).map(|n| {
                    let mut id = [0; 32];
                    id[..2].copy_from_slice(&n.to_be_bytes());
                    HolderId(id)
                }))
            }),
            "TooMany",
        ),
        case("account-ok-label-of-384-bytes", "as long as a label gets", account, label(384), "ok"),
        case("account-label-of-385-bytes", "longer", account, label(385), "TooLarge"),
    ]
}
