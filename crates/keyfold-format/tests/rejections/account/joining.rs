//! Who becomes a holder, and with which keys.

use super::{super::Case, Alice, case};
use crate::household::{
    Do::{self, AddDevice, AddRecovery, RemoveRecovery, Revoke, Rotate, RotateDevice, SetPrivate},
    Secret,
};

pub fn cases() -> Vec<Case> {
    let Alice { account, first, phone, laptop, password, tablet, passkey, .. } = &Alice::new();
    let ok =
        |name, about, author: &Secret, what: &[Do<'_>]| case(name, about, account, account.does(author, what), "ok");
    let no = |name, about, author: &Secret, what: &[Do<'_>], expect| {
        case(name, about, account, account.does(author, what), expect)
    };
    let newer = phone.renewed("alice phone, newer");
    let renewed = account.clone().after(phone, &[RotateDevice(&newer)]);
    let out = account.clone().after(first, &[Revoke(phone, &[laptop]), Rotate]);
    let without = account.clone().after(password, &[RemoveRecovery(password), Rotate]);
    vec![
        ok("account-ok-add-device", "a device adds another one", phone, &[AddDevice(tablet)]),
        ok("account-ok-add-recovery", "a device adds a recovery method", laptop, &[AddRecovery(passkey)]),
        ok("account-ok-recovery-adds-a-device", "how somebody comes back", password, &[AddDevice(tablet)]),
        ok("account-ok-rotate-device", "a device has new keys", phone, &[RotateDevice(&newer)]),
        case(
            "account-ok-renewed-device-acts",
            "it signs with the new key, and has its id from the first one",
            &renewed,
            renewed.does(&newer, &[AddDevice(tablet)]),
            "ok",
        ),
        case(
            "account-renewed-device-signs-with-its-former-key",
            "it has another one now",
            &renewed,
            renewed.does(phone, &[AddDevice(tablet)]),
            "BadSignature",
        ),
        case(
            "account-renewed-device-takes-its-former-keys-again",
            "keys do not come back",
            &renewed,
            renewed.does(&newer, &[RotateDevice(phone)]),
            "HolderRepeated",
        ),
        case(
            "account-former-keys-of-a-device-join-as-another",
            "the phone's former keys would have the phone's id",
            &renewed,
            renewed.does(first, &[AddDevice(phone)]),
            "HolderRepeated",
        ),
        no(
            "account-recovery-renews-its-keys",
            "only a device does",
            password,
            &[RotateDevice(&password.renewed("alice tablet"))],
            "NotADevice",
        ),
        no("account-add-a-device-twice", "the phone is a device already", first, &[AddDevice(phone)], "HolderRepeated"),
        no(
            "account-add-a-device-twice-in-one-entry",
            "the second time it is one",
            first,
            &[AddDevice(tablet), AddDevice(tablet)],
            "HolderRepeated",
        ),
        no(
            "account-add-a-recovery-twice",
            "the password is there already",
            first,
            &[AddRecovery(password)],
            "HolderRepeated",
        ),
        case(
            "account-add-a-revoked-device-again",
            "what the phone signed once brings it back never",
            &out,
            out.does(first, &[AddDevice(phone)]),
            "HolderRepeated",
        ),
        case(
            "account-add-a-removed-recovery-again",
            "nor does a removed recovery method come back",
            &without,
            without.does(first, &[AddRecovery(password)]),
            "HolderRepeated",
        ),
        ok("account-ok-set-private", "the first version of the private state", phone, &[SetPrivate(1)]),
        ok("account-ok-set-private-twice", "versions go up by one", phone, &[SetPrivate(1), SetPrivate(2)]),
        no("account-private-version-0", "versions start with 1", first, &[SetPrivate(0)], "WrongPrivateVersion"),
        no("account-private-version-skipped", "a version is left out", first, &[SetPrivate(2)], "WrongPrivateVersion"),
        no(
            "account-private-version-again",
            "another object under the same version",
            first,
            &[SetPrivate(1), SetPrivate(1)],
            "WrongPrivateVersion",
        ),
        no(
            "account-batch-with-a-bad-second-op",
            "all of an entry holds or nothing",
            first,
            &[AddDevice(tablet), SetPrivate(7)],
            "WrongPrivateVersion",
        ),
    ]
}
