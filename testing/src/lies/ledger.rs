//! Lies about a keychain: an old state, an entry that the server would never have taken (S2, S3, S10).

use super::member::{Chain, Injected, chain, created};
use crate::evil::{Answer, Asked, EvilWorld};
use keyfold_format::{EntryHash, ScopeId, entry::Head, receipt::Statement};
use keyfold_protocol::wire::{LedgerPage, LedgerPages, Ledgers, OwnWraps, Scopes};

/// Rewrites the page of one ledger, which was asked for from a number on.
fn rewrite(asked: &Asked, answer: &mut Answer, scope: ScopeId, mut lie: impl FnMut(Option<u64>, &mut LedgerPage)) {
    if asked.path != "/v1/ledgers" || answer.status != 200 {
        return;
    }
    let wanted = Ledgers::decode(&asked.body).expect("the server understood it").wanted;
    let mut pages = LedgerPages::decode(&answer.body).expect("the server wrote it");
    for (after, page) in wanted.iter().zip(&mut pages.pages) {
        if let (true, Ok(page)) = (after.scope == scope, page) {
            lie(after.after, page);
        }
    }
    answer.body = pages.encode();
}

/// Rewrites the head of one keychain in the list of all, so that a client looks at it, or does not.
fn say_head(asked: &Asked, answer: &mut Answer, scope: ScopeId, mut lie: impl FnMut(Head) -> Head) {
    if asked.path == "/v1/scopes" && asked.method == "GET" && answer.status == 200 {
        let mut scopes = Scopes::decode(&answer.body).expect("the server wrote it");
        scopes.scopes.iter_mut().filter(|s| s.scope == scope).for_each(|s| s.head = lie(s.head));
        answer.body = scopes.encode();
    }
}

/// The keychain as it was after its first entry: signed, and true once.
pub(super) fn rollback(world: &EvilWorld, scope: ScopeId) -> Result<(), String> {
    let genesis = created(world, scope)?;
    let head = Head { seq: 0, hash: genesis.hash(EntryHash::NONE, 0) };
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |_, page| {
            page.entries.clear();
            page.receipt = key.receipt(scope, head, page.receipt.statement.time);
            page.more = false;
        });
        say_head(asked, answer, scope, |_| head);
    });
    Ok(())
}

/// Another head under the number of the true one: what the server signs twice, no ledger has.
pub(super) fn other_head(world: &EvilWorld, scope: ScopeId) {
    let key = world.evil.key().clone();
    let other = |head: Head| Head { hash: EntryHash([7; 32]), ..head };
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |_, page| {
            let Statement { head, time, .. } = page.receipt.statement;
            page.receipt = key.receipt(scope, other(head), time);
        });
        say_head(asked, answer, scope, other);
    });
}

/// The entries of another keychain, and a receipt that says that they are of this one.
pub(super) fn other_ledger(world: &EvilWorld, scope: ScopeId, shown: ScopeId) -> Result<(), String> {
    let key = world.evil.key().clone();
    let Chain { entries, head, .. } = chain(world, shown)?;
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |after, page| {
            let known = after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
            page.entries = entries.iter().skip(known).cloned().collect();
            page.receipt = key.receipt(scope, head, page.receipt.statement.time);
            page.more = false;
        });
        say_head(asked, answer, scope, |_| head);
    });
    Ok(())
}

/// The keychain as it is when somebody next asks: true, signed, and soon not all.
pub(super) fn withhold(world: &EvilWorld, scope: ScopeId) {
    let key = world.evil.key().clone();
    let mut end: Option<Head> = None;
    world.evil.lie(move |asked, answer| {
        say_head(asked, answer, scope, |head| *end.get_or_insert(head));
        rewrite(asked, answer, scope, |after, page| {
            let Statement { head, time, .. } = page.receipt.statement;
            let end = *end.get_or_insert(head);
            let shown = after.map_or(end.seq + 1, |after| end.seq.saturating_sub(after));
            page.entries.truncate(usize::try_from(shown).unwrap_or(usize::MAX));
            page.receipt = key.receipt(scope, end, time);
        });
    });
}

/// The entry stands after the newest one, with a receipt for it; its wraps are served.
pub(super) fn inject(world: &EvilWorld, injected: Injected) {
    let key = world.evil.key().clone();
    let scope = injected.scope;
    let at =
        Head { seq: injected.after.seq + 1, hash: injected.entry.hash(injected.after.hash, injected.after.seq + 1) };
    let own_wraps = format!("/v1/scopes/{scope}/wraps");
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |_, page| {
            if page.receipt.statement.head == injected.after {
                page.entries.push(injected.entry.clone());
                page.receipt = key.receipt(scope, at, page.receipt.statement.time);
            }
        });
        say_head(asked, answer, scope, |head| if head == injected.after { at } else { head });
        if asked.path == own_wraps && answer.status == 200 {
            let mut wraps = OwnWraps::decode(&answer.body).expect("the server wrote it");
            wraps.wraps.extend(injected.wraps.iter().cloned());
            answer.body = wraps.encode();
        }
    });
}
