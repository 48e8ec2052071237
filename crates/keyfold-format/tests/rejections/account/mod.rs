//! Accounts: whose entries count, and what they may do.

mod bytes;
mod genesis;
mod joining;
mod recovering;
mod revoking;
mod rotating;
mod signing;

use super::Case;
use crate::household::{Account, Do, Secret};
use keyfold_format::entry::SignedEntry;

/// Alice's first device, which added her phone, which added her laptop; then a password and, younger, paper.
struct Alice {
    account: Account,
    first: Secret,
    phone: Secret,
    laptop: Secret,
    password: Secret,
    paper: Secret,
    /// Nobody's yet.
    tablet: Secret,
    passkey: Secret,
}

impl Alice {
    fn new() -> Self {
        let account = Account::new("alice");
        let first = account.first.clone();
        let [phone, laptop, tablet] = ["phone", "laptop", "tablet"].map(|name| account.device(name));
        let [password, paper, passkey] = ["password", "paper", "passkey"].map(|name| account.recovery(name));
        let account = account
            .after(&first, &[Do::AddDevice(&phone)])
            .after(&phone, &[Do::AddDevice(&laptop)])
            .after(&first, &[Do::AddRecovery(&password), Do::AddRecovery(&paper)]);
        Self { account, first, phone, laptop, password, paper, tablet, passkey }
    }
}

fn case(name: &'static str, about: &'static str, account: &Account, last: SignedEntry, expect: &'static str) -> Case {
    let entries = account.entries.iter().map(SignedEntry::encode).collect();
    Case { account: true, entries, ..Case::of(name, about, last.encode(), expect) }
}

pub fn cases() -> Vec<Case> {
    let mut all = genesis::cases();
    all.extend(joining::cases());
    all.extend(revoking::cases());
    all.extend(recovering::cases());
    all.extend(rotating::cases());
    all.extend(signing::cases());
    all.extend(bytes::cases());
    all
}
