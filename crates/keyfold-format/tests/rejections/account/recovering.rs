//! Recovery methods: who may close which, and how an owner comes back from a theft.

use super::{super::Case, Alice, case};
use crate::household::{
    Account,
    Do::{self, AddDevice, AddRecovery, RemoveRecovery, Revoke, Rotate},
    Secret,
};

pub fn cases() -> Vec<Case> {
    let Alice { account, first, phone, password, paper, tablet, passkey, .. } = &Alice::new();
    let no = |name, about, author: &Secret, what: &[Do<'_>], expect| {
        case(name, about, account, account.does(author, what), expect)
    };
    // A thief has the phone: a device and a recovery method of his own, his own generation, and the others are out.
    let [his, hers] = [account.device("thief"), account.device("after the theft")];
    let his_way = account.recovery("thief");
    let stolen = account
        .clone()
        .after(phone, &[AddDevice(&his), AddRecovery(&his_way)])
        .after(&his, &[Revoke(first, &[&his, phone]), Rotate]);
    // With the phone go the device and the recovery method that came through it.
    let back: &[Do<'_>] = &[AddDevice(&hers), Revoke(phone, &[]), Rotate];
    let recovered = stolen.clone().after(password, back);
    let alone = Account::new("alice");
    let alone = alone.clone().after(first, &[AddRecovery(password)]).after(password, &[Revoke(first, &[]), Rotate]);
    let left = account.clone().after(password, &[RemoveRecovery(paper), Rotate]);
    vec![
        no("account-ok-recovery-removed-by-itself", "its secret signs", paper, &[RemoveRecovery(paper), Rotate], "ok"),
        no(
            "account-ok-recovery-removed-by-an-older-one",
            "older outranks younger",
            password,
            &[RemoveRecovery(paper), Rotate],
            "ok",
        ),
        no(
            "account-recovery-removed-by-a-device",
            "a thief has a device",
            first,
            &[RemoveRecovery(paper), Rotate],
            "RecoveryProtected",
        ),
        no(
            "account-recovery-removed-by-a-younger-one",
            "a thief adds one",
            paper,
            &[RemoveRecovery(password), Rotate],
            "RecoveryProtected",
        ),
        no(
            "account-recovery-removed-by-one-of-the-same-entry",
            "the order within an entry counts",
            paper,
            &[AddRecovery(passkey), RemoveRecovery(password), Rotate],
            "RecoveryProtected",
        ),
        no(
            "account-ok-younger-recovery-of-the-same-entry-removed",
            "both in one entry",
            paper,
            &[AddRecovery(passkey), RemoveRecovery(passkey), Rotate],
            "ok",
        ),
        no(
            "account-remove-recovery-without-rotation",
            "it would hold the newest keys",
            password,
            &[RemoveRecovery(paper)],
            "RevocationWithoutRotation",
        ),
        no(
            "account-remove-a-device-as-recovery",
            "a phone is no recovery method",
            password,
            &[RemoveRecovery(phone), Rotate],
            "NoSuchHolder",
        ),
        no(
            "account-remove-recovery-of-a-stranger",
            "the passkey is none",
            password,
            &[RemoveRecovery(passkey), Rotate],
            "NoSuchHolder",
        ),
        case(
            "account-removed-recovery-acts",
            "it is none any more",
            &left,
            left.does(paper, &[AddDevice(tablet)]),
            "NotAHolder",
        ),
        case(
            "account-recovery-removes-the-last-holder",
            "nobody would hold the account",
            &alone,
            alone.does(password, &[RemoveRecovery(password), Rotate]),
            "LastHolder",
        ),
        case(
            "account-ok-recovery-removes-itself-for-another",
            "a password for another, in one entry",
            &alone,
            alone.does(password, &[AddRecovery(paper), RemoveRecovery(password), Rotate]),
            "ok",
        ),
        case(
            "account-thief-removes-the-password",
            "the owner has an older way to come back",
            &stolen,
            stolen.does(&his_way, &[RemoveRecovery(password), Rotate]),
            "RecoveryProtected",
        ),
        case("account-ok-owner-comes-back", "whatever the thief did first", &stolen, stolen.does(password, back), "ok"),
        case("account-thief-acts-by-device", "he is out", &recovered, recovered.does(&his, &[Rotate]), "NotAHolder"),
        case(
            "account-thief-acts-by-recovery",
            "his way is closed",
            &recovered,
            recovered.does(&his_way, &[Rotate]),
            "NotAHolder",
        ),
        case(
            "account-ok-owner-acts-on-a-new-device",
            "and she is in",
            &recovered,
            recovered.does(&hers, &[AddDevice(tablet)]),
            "ok",
        ),
    ]
}
