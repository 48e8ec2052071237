//! Lies about who somebody is (S1).

use super::member::genesis_of;
use crate::{
    evil::{Answer, Asked, EvilWorld},
    hand::Hand,
};
use keyfold_format::{
    EntryHash, ScopeId,
    account::Ledger,
    entry::{Head, SignedEntry},
};
use keyfold_protocol::{
    Code,
    wire::{AccountLedger, Accounts, LedgerPage, LedgerPages, Ledgers, Lookup},
};

/// Replaces what is said of the account `known`, whose user id is `user`, wherever an answer says something of it.
fn say(
    world: &EvilWorld,
    user: &str,
    known: ScopeId,
    shown: impl Fn() -> Option<AccountLedger> + Send + 'static,
    page: impl Fn() -> Result<LedgerPage, Code> + Send + 'static,
) -> Result<(), String> {
    let user = user.to_owned();
    world.evil.lie(move |asked: &Asked, answer: &mut Answer| {
        if answer.status != 200 {
            return;
        }
        if asked.path == "/v1/accounts/lookup" {
            let wanted = Lookup::decode(&asked.body).expect("the server understood it").user_ids;
            let mut accounts = Accounts::decode(&answer.body).expect("the server wrote it");
            for (_, account) in wanted.iter().zip(&mut accounts.accounts).filter(|(id, _)| id.as_str() == user) {
                *account = shown();
            }
            answer.body = accounts.encode();
        } else if asked.path == "/v1/ledgers" {
            let wanted = Ledgers::decode(&asked.body).expect("the server understood it").wanted;
            let mut pages = LedgerPages::decode(&answer.body).expect("the server wrote it");
            for (_, told) in wanted.iter().zip(&mut pages.pages).filter(|(after, _)| after.scope == known) {
                *told = page();
            }
            answer.body = pages.encode();
        }
    });
    Ok(())
}

fn first_head(entry: &SignedEntry) -> Head {
    Head { seq: 0, hash: entry.hash(EntryHash::NONE, 0) }
}

/// A second, self-consistent account with the same user id, as an operator can make one.
pub(super) async fn swap(world: &EvilWorld, user: &str) -> Result<(), String> {
    let known = genesis_of(world, user)?.scope_id();
    let elsewhere = EvilWorld::start().await;
    elsewhere.person(user).await;
    let other = genesis_of(&elsewhere, user)?;
    show(world, user, known, other)
}

/// The true account of somebody else.
pub(super) fn of_another(world: &EvilWorld, user: &str, shown: &str) -> Result<(), String> {
    let known = genesis_of(world, user)?.scope_id();
    show(world, user, known, genesis_of(world, shown)?)
}

fn show(world: &EvilWorld, user: &str, known: ScopeId, other: SignedEntry) -> Result<(), String> {
    let (key, page_key, page_other) = (world.evil.key().clone(), world.evil.key().clone(), other.clone());
    let head = first_head(&other);
    let account = move || {
        let receipt = key.receipt(other.scope_id(), head, 0);
        Some(AccountLedger { entries: vec![other.clone()], receipt })
    };
    let page = move || {
        let receipt = page_key.receipt(known, head, 0);
        Ok(LedgerPage { entries: vec![page_other.clone()], receipt, more: false, unseen: Vec::new() })
    };
    say(world, user, known, account, page)
}

/// The known account, and a receipt for another head under the same number.
pub(super) fn fork(world: &EvilWorld, user: &str) -> Result<(), String> {
    let genesis = genesis_of(world, user)?;
    let known = Ledger::genesis(&genesis).map_err(|rule| rule.to_string())?.id();
    let (key, page_key) = (world.evil.key().clone(), world.evil.key().clone());
    let head = Head { seq: 0, hash: EntryHash([7; 32]) };
    let account = move || Some(AccountLedger { entries: vec![genesis.clone()], receipt: key.receipt(known, head, 0) });
    let page = move || {
        Ok(LedgerPage { entries: vec![], receipt: page_key.receipt(known, head, 0), more: false, unseen: Vec::new() })
    };
    say(world, user, known, account, page)
}

/// The state from before the account was made.
pub(super) fn gone(world: &EvilWorld, user: &str) -> Result<(), String> {
    let known = genesis_of(world, user)?.scope_id();
    say(world, user, known, || None, || Err(Code::UnknownUser))
}

/// The account, with a device that was let in and taken away, and an entry by it after that.
pub(super) fn revoked_device(world: &EvilWorld, user: &str) -> Result<(), String> {
    let mut hand = Hand::on(world, user)?;
    let head = hand.revoked_device_writes();
    let (known, entries) = (hand.ledger.id(), hand.entries);
    let (key, page_key, later) = (world.evil.key().clone(), world.evil.key().clone(), entries[1..].to_vec());
    let account = move || Some(AccountLedger { entries: entries.clone(), receipt: key.receipt(known, head, 0) });
    let page = move || {
        Ok(LedgerPage {
            entries: later.clone(),
            receipt: page_key.receipt(known, head, 0),
            more: false,
            unseen: Vec::new(),
        })
    };
    say(world, user, known, account, page)
}
