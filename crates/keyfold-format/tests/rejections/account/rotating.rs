//! Generations.

use super::{super::Case, Alice, case};
use crate::{
    household::{Account, Do::Rotate, Generation},
    people::{bytes_of, sign},
};
use ed25519_dalek::SigningKey;
use keyfold_format::{
    account::{AccountKeys, AccountOp},
    label::SignatureLabel,
};

pub fn cases() -> Vec<Case> {
    let Alice { account, first, password, .. } = &Alice::new();
    let rotated = account.clone().after(first, &[Rotate]);
    let with = |account: &Account, alter: &dyn Fn(&mut u32, &mut AccountKeys)| {
        account.altered(first, &[Rotate], |entry| {
            let Some(AccountOp::RotateAccount(op)) = entry.ops.first_mut() else { panic!("no rotation") };
            alter(&mut op.generation, &mut op.keys);
        })
    };
    // The keys that are repeated sign too, or the entry would fall for its signatures.
    let repeated = |at: usize, alter: &dyn Fn(&mut AccountKeys, AccountKeys)| {
        let former = Generation::of("alice", 0);
        let mut entry = with(&rotated, &|_, keys| alter(keys, former.keys.clone()));
        let key = |role: &str| SigningKey::from_bytes(&bytes_of(&format!("alice {role}")));
        if let Some(role) = ["ledger", "publication", "signature"].get(at) {
            entry.signatures[2 + at] = sign(&key(role), SignatureLabel::AccountKey, &entry.signed);
        }
        entry
    };
    vec![
        case("account-ok-rotate", "the next generation", account, account.does(first, &[Rotate]), "ok"),
        case("account-ok-rotate-again", "and the one after", &rotated, rotated.does(first, &[Rotate]), "ok"),
        case(
            "account-ok-rotate-by-recovery",
            "without the former key",
            account,
            account.does(password, &[Rotate]),
            "ok",
        ),
        case(
            "account-rotate-to-the-same-generation",
            "the present number",
            account,
            with(account, &|n, _| *n = 0),
            "WrongGeneration",
        ),
        case(
            "account-rotate-skipping-a-generation",
            "a number is left out",
            account,
            with(account, &|n, _| *n = 2),
            "WrongGeneration",
        ),
        case("account-rotate-back", "an earlier number", &rotated, with(&rotated, &|n, _| *n = 0), "WrongGeneration"),
        case(
            "account-rotate-twice-in-one-entry",
            "one entry, one generation",
            account,
            account.does(first, &[Rotate, Rotate]),
            "RotatedTwice",
        ),
        case(
            "account-rotate-to-a-former-ledger-key",
            "whoever was put out may hold it",
            &rotated,
            repeated(0, &|keys, former| keys.ledger = former.ledger),
            "KeyRepeated",
        ),
        case(
            "account-rotate-to-a-former-publication-key",
            "the same",
            &rotated,
            repeated(1, &|keys, former| keys.publication = former.publication),
            "KeyRepeated",
        ),
        case(
            "account-rotate-to-a-former-signature-key",
            "the same",
            &rotated,
            repeated(2, &|keys, former| keys.signature = former.signature),
            "KeyRepeated",
        ),
        case(
            "account-rotate-to-a-former-sharing-key",
            "whoever was put out may open what is wrapped to it",
            &rotated,
            repeated(3, &|keys, former| keys.sharing = former.sharing),
            "KeyRepeated",
        ),
    ]
}
