//! Who is a holder no more. Whom a revocation takes along is shown by who may act afterwards.

use super::{super::Case, Alice, case};
use crate::household::{
    Account,
    Do::{self, AddDevice, AddRecovery, Revoke, Rotate, SetPrivate},
    Secret,
};

pub fn cases() -> Vec<Case> {
    let mut all = revoking();
    all.extend(branches());
    all
}

fn revoking() -> Vec<Case> {
    let Alice { account, first, phone, laptop, password, paper, tablet, .. } = &Alice::new();
    let no = |name, about, author: &Secret, what: &[Do<'_>], expect| {
        case(name, about, account, account.does(author, what), expect)
    };
    let out = account.clone().after(first, &[Revoke(phone, &[laptop]), Rotate]);
    vec![
        no("account-ok-revoke", "a device, and its generation", first, &[Revoke(phone, &[]), Rotate], "ok"),
        no(
            "account-ok-revoke-after-the-rotation",
            "the order is no matter",
            first,
            &[Rotate, Revoke(phone, &[])],
            "ok",
        ),
        no("account-ok-revoke-who-added-oneself", "the author stays", laptop, &[Revoke(phone, &[]), Rotate], "ok"),
        no(
            "account-revoke-without-rotation",
            "the phone would hold the newest keys",
            first,
            &[Revoke(phone, &[])],
            "RevocationWithoutRotation",
        ),
        no(
            "account-revoke-oneself",
            "another device does",
            phone,
            &[Revoke(phone, &[]), Rotate],
            "RevocationOfOneself",
        ),
        no(
            "account-revoke-a-stranger",
            "the tablet is no device",
            first,
            &[Revoke(tablet, &[]), Rotate],
            "NoSuchHolder",
        ),
        no(
            "account-revoke-a-recovery-method",
            "a password is no device",
            paper,
            &[Revoke(password, &[]), Rotate],
            "NoSuchHolder",
        ),
        no(
            "account-revoke-keeping-a-stranger",
            "who is no holder is not kept",
            first,
            &[Revoke(phone, &[tablet]), Rotate],
            "NoSuchHolder",
        ),
        no(
            "account-revoke-and-keep-the-same",
            "that would be no revocation",
            first,
            &[Revoke(phone, &[phone]), Rotate],
            "NoSuchHolder",
        ),
        no(
            "account-revoke-twice-in-one-entry",
            "the second time it is none",
            first,
            &[Revoke(phone, &[]), Revoke(phone, &[]), Rotate],
            "NoSuchHolder",
        ),
        case(
            "account-revoke-again",
            "it is none any more",
            &out,
            out.does(first, &[Revoke(phone, &[]), Rotate]),
            "NoSuchHolder",
        ),
        // S14: a device, before and after.
        no("account-ok-device-acts-before-its-revocation", "a device", phone, &[SetPrivate(1)], "ok"),
        case(
            "account-device-acts-after-its-revocation",
            "none any more",
            &out,
            out.does(phone, &[SetPrivate(1)]),
            "NotAHolder",
        ),
        case(
            "account-revoked-device-rotates",
            "a thief is quick, and yet too late",
            &out,
            out.does(phone, &[Rotate]),
            "NotAHolder",
        ),
        case(
            "account-entry-from-before-the-revocation",
            "signed while it was a device, and served later",
            &out,
            account.does(phone, &[SetPrivate(1)]),
            "WrongSeq",
        ),
    ]
}

fn branches() -> Vec<Case> {
    let Alice { account, first, phone, laptop, password, paper, tablet, passkey, .. } = &Alice::new();
    let acts = |name, about, account: &Account, who: &Secret, may: bool| {
        let last = account.does(who, &[SetPrivate(1)]);
        case(name, about, account, last, if may { "ok" } else { "NotAHolder" })
    };
    let revoked = |author: &Secret, kept: &[&Secret]| account.clone().after(author, &[Revoke(phone, kept), Rotate]);
    // The laptop, under the phone, added a tablet and a passkey.
    let deep = account.clone().after(laptop, &[AddDevice(tablet), AddRecovery(passkey)]);
    let cut = deep.clone().after(first, &[Revoke(laptop, &[tablet, passkey]), Rotate]);
    let through = |author: &Secret, kept: &[&Secret]| deep.clone().after(author, &[Revoke(phone, kept), Rotate]);
    // The password is under the first device, and older than paper and passkey.
    let by_paper = account.clone().after(paper, &[Revoke(first, &[phone]), Rotate]);
    vec![
        acts(
            "account-device-under-the-revoked-acts",
            "a thief adds a device of his own",
            &revoked(first, &[]),
            laptop,
            false,
        ),
        acts("account-ok-kept-device-acts", "named as one's own", &revoked(first, &[laptop]), laptop, true),
        acts("account-ok-author-under-the-revoked-acts", "the author stays", &revoked(laptop, &[]), laptop, true),
        acts("account-device-two-below-the-revoked-acts", "however far below", &through(first, &[]), tablet, false),
        acts(
            "account-device-below-the-kept-acts",
            "each is kept by his own name",
            &through(first, &[laptop]),
            tablet,
            false,
        ),
        acts(
            "account-device-below-the-author-acts",
            "what the author added is under the revoked like the author",
            &through(laptop, &[]),
            tablet,
            false,
        ),
        acts(
            "account-device-below-one-who-left-acts",
            "a thief cannot cut the branch that he sits on",
            &cut.clone().after(first, &[Revoke(phone, &[]), Rotate]),
            tablet,
            false,
        ),
        acts("account-ok-device-below-one-who-left-acts", "kept, when the laptop went", &cut, tablet, true),
        acts(
            "account-ok-recovery-spared-by-a-device",
            "no device takes a recovery method along",
            &through(first, &[]),
            passkey,
            true,
        ),
        acts("account-recovery-taken-by-an-older-one", "an older one does", &through(password, &[]), passkey, false),
        acts(
            "account-ok-recovery-kept-by-an-older-one",
            "unless it is named",
            &through(password, &[passkey]),
            passkey,
            true,
        ),
        acts("account-ok-recovery-spared-by-a-younger-one", "a younger one does not", &by_paper, password, true),
        acts(
            "account-ok-recovery-under-the-revoked-acts",
            "the author stays, a recovery method too",
            &by_paper,
            paper,
            true,
        ),
    ]
}
