//! Who signs: the author, and whoever is listed.

use super::{super::Case, Alice, case};
use crate::{
    household::{
        Account,
        Do::{self, AddDevice, AddRecovery, Rotate, RotateDevice, SetPrivate},
        Generation, Secret,
    },
    people::{bytes_of, sign},
};
use ed25519_dalek::SigningKey;
use keyfold_format::{Signature, label::SignatureLabel};

pub fn cases() -> Vec<Case> {
    let Alice { account, first, phone, password, tablet, passkey, .. } = &Alice::new();
    let stranger = SigningKey::from_bytes(&bytes_of("stranger"));
    let resigned = |name, about, author: &Secret, what: &[Do<'_>], alter: &dyn Fn(&[u8], &mut Vec<Signature>)| {
        case(name, about, account, account.resigned(author, what, alter), "BadSignature")
    };
    let by_stranger = |at: usize, label| {
        let stranger = stranger.clone();
        move |signed: &[u8], signatures: &mut Vec<_>| signatures[at] = sign(&stranger, label, signed)
    };
    let former = Generation::of("alice", 0).ledger;
    let newer = phone.renewed("alice phone, newer");
    let elsewhere = Account::new("bob");
    vec![
        resigned(
            "account-entry-by-a-stranger",
            "the author did not sign",
            first,
            &[SetPrivate(1)],
            &by_stranger(0, SignatureLabel::Entry),
        ),
        resigned(
            "account-entry-signed-by-another-device",
            "the phone signed what the first device is to have written",
            first,
            &[SetPrivate(1)],
            &|signed, all| {
                all[0] = account.does(phone, &[SetPrivate(1)]).signatures[0];
                assert!(!signed.is_empty());
            },
        ),
        resigned("account-entry-unsigned", "nobody signed", first, &[SetPrivate(1)], &|_, all| all.clear()),
        resigned(
            "account-entry-with-a-signature-too-many",
            "one that nothing asks for",
            first,
            &[SetPrivate(1)],
            &|_, all| {
                let again = all[0];
                all.push(again);
            },
        ),
        resigned(
            "account-rotate-by-a-device-without-the-former-key",
            "a thief who has the device's keys and not the master key",
            phone,
            &[Rotate],
            &|_, all| {
                all.remove(1);
            },
        ),
        resigned(
            "account-rotate-signed-by-another-former-key",
            "not the ledger key of the generation before",
            phone,
            &[Rotate],
            &by_stranger(1, SignatureLabel::AccountRotation),
        ),
        resigned(
            "account-former-key-signs-under-another-label",
            "as if it were a new one",
            phone,
            &[Rotate],
            &|signed, all| {
                all[1] = sign(&former, SignatureLabel::AccountKey, signed);
            },
        ),
        resigned(
            "account-rotate-by-recovery-with-the-former-key",
            "one signature more than it has",
            password,
            &[Rotate],
            &|signed, all| {
                all.insert(1, sign(&former, SignatureLabel::AccountRotation, signed));
            },
        ),
        resigned(
            "account-rotate-to-the-ledger-key-of-a-stranger",
            "who lists a key shows that he holds it",
            first,
            &[Rotate],
            &by_stranger(2, SignatureLabel::AccountKey),
        ),
        resigned(
            "account-rotate-to-the-publication-key-of-a-stranger",
            "the same",
            first,
            &[Rotate],
            &by_stranger(3, SignatureLabel::AccountKey),
        ),
        resigned(
            "account-rotate-to-the-signature-key-of-a-stranger",
            "the same",
            first,
            &[Rotate],
            &by_stranger(4, SignatureLabel::AccountKey),
        ),
        resigned(
            "account-add-the-device-of-a-stranger",
            "it did not ask to be added",
            first,
            &[AddDevice(tablet)],
            &|_, all| {
                all[1] = phone.consent(&account.ledger.id());
            },
        ),
        resigned(
            "account-add-the-device-of-another-account",
            "it asked to be added there",
            first,
            &[AddDevice(tablet)],
            &|_, all| {
                all[1] = tablet.consent(&elsewhere.ledger.id());
            },
        ),
        resigned(
            "account-add-a-device-that-did-not-sign",
            "its signature is missing",
            first,
            &[AddDevice(tablet)],
            &|_, all| {
                all.pop();
            },
        ),
        resigned("account-new-device-signs-the-entry", "another label", first, &[AddDevice(tablet)], &|_, all| {
            let as_author = account.does(tablet, &[SetPrivate(1)]);
            all[1] = as_author.signatures[0];
        }),
        resigned(
            "account-add-the-recovery-of-a-stranger",
            "its secret did not sign",
            first,
            &[AddRecovery(passkey)],
            &|_, all| {
                all[1] = password.consent(&account.ledger.id());
            },
        ),
        resigned(
            "account-new-keys-of-a-device-that-are-a-strangers",
            "they did not sign",
            phone,
            &[RotateDevice(&newer)],
            &|_, all| {
                all[1] = phone.consent(&account.ledger.id());
            },
        ),
        resigned(
            "account-new-keys-signed-as-another-device",
            "they asked to be a device of their own",
            phone,
            &[RotateDevice(&newer)],
            &|_, all| {
                all[1] = Secret::device("alice phone, newer").consent(&account.ledger.id());
            },
        ),
        case(
            "account-signatures-in-another-order",
            "they follow the ops",
            account,
            account.resigned(first, &[AddDevice(tablet), AddRecovery(passkey)], |_, all| all.swap(1, 2)),
            "BadSignature",
        ),
        case(
            "account-ok-signatures-of-many",
            "in the order of the ops",
            account,
            account.does(first, &[AddDevice(tablet), Rotate, AddRecovery(passkey), SetPrivate(1)]),
            "ok",
        ),
    ]
}
