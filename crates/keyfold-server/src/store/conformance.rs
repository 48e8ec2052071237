//! The contract of [`Store`] as functions over a factory: any implementation is run against the same checks.
//!
//! The factory opens the store of a name; the same name again is the same store after a restart.

use super::{
    AccountEntry, Committed, Limit, Listener, NewAccount, NewEntry, Object, Once, Passkey, PasswordChanges, Reading,
    Store, StoreError, Visitor, WRAPS_BESIDE,
};
use futures_util::future::{BoxFuture, join_all};
use keyfold_format::{
    EntryHash, HolderId, ObjectId, ScopeId, UserId, VerifyingKey,
    entry::Head,
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    signing::Nonce,
    wire::{Reference, ScopeKind, SealedMasterKeys, Standing, SwapReference, Swapped},
};
use std::sync::{Arc, Mutex};

pub(crate) type Factory<'a> = &'a (dyn Fn(&'static str, Listener) -> BoxFuture<'a, Arc<dyn Store>> + Sync);

const ALICE: ScopeId = ScopeId([1; 32]);
const BOB: ScopeId = ScopeId([2; 32]);
const NOTES: ScopeId = ScopeId([9; 32]);
const TEAM: ScopeId = ScopeId([20; 32]);
const DEPARTMENT: ScopeId = ScopeId([21; 32]);
const ALL: Limit = Limit::NONE;

/// Runs every check.
pub(crate) async fn check_all(factory: Factory<'_>) {
    a_spent_request_changes_nothing_also_after_a_restart(factory).await;
    only_what_follows_the_head_is_appended_and_a_refusal_leaves_nothing(factory).await;
    writes_happen_in_the_order_of_calls_and_are_heard_before_they_resolve(factory).await;
    a_user_id_is_taken_once_and_a_repeated_sign_up_is_answered(factory).await;
    a_name_that_was_let_go_of_may_be_taken_and_no_other_is(factory).await;
    a_session_lasts_until_it_is_ended(factory).await;
    sessions_of_other_devices_end_at_once_and_of_no_other_account(factory).await;
    an_accounts_entry_brings_devices_and_an_envelope_or_nothing(factory).await;
    a_password_comes_and_goes_with_an_entry_or_not_at_all(factory).await;
    a_page_is_cut_by_bytes_and_entries_but_never_empty_before_the_head(factory).await;
    missed_events_are_the_newest_of_each_scope_and_end_with_the_standing(factory).await;
    a_former_member_reads_up_to_the_entry_that_ended_it(factory).await;
    a_way_through_groups_lasts_while_all_of_its_steps_do(factory).await;
    what_cites_a_group_is_appended_while_that_is_its_newest_entry(factory).await;
    wraps_beside_are_one_of_each_author_and_not_too_many(factory).await;
    a_new_generation_is_told_around_until_what_it_stands_in_has_cited_it(factory).await;
    a_passkey_is_the_accounts_that_the_device_founds_for_which_it_was_made(factory).await;
    objects_stay_until_they_are_deleted_and_a_swap_has_one_winner_also_after_a_restart(factory).await;
}

fn deaf() -> Listener {
    Box::new(|_| {})
}

fn once(n: u8) -> Once {
    Once { device: HolderId([7; 32]), nonce: Nonce([n; 24]), created: 1_800_000_000 }
}

fn hash(seq: u64) -> EntryHash {
    EntryHash([seq as u8 + 1; 32])
}

fn entry(scope: ScopeId, seq: u64) -> NewEntry {
    NewEntry {
        scope,
        kind: ScopeKind::Keychain,
        head: Head { seq, hash: hash(seq) },
        follows: seq.checked_sub(1).map(|seq| Head { seq, hash: hash(seq) }),
        content: EntryHash([seq as u8 + 101; 32]),
        author: ALICE,
        entry: vec![seq as u8; 100],
        wraps: vec![wrap(scope, seq as u32 + 1)],
        cited: vec![],
        cites: vec![],
        bans: Vec::new(),
        standings: vec![(ALICE, Some(Standing::Member))],
        audience: vec![ALICE],
        audience_groups: vec![],
    }
}

fn wrap(scope: ScopeId, number: u32) -> Wrap {
    let place =
        WrapPlace { kind: WrapKind::Keychain, scope, number, recipient: BOB, recipient_number: 5, history: true };
    Wrap::new(&place, vec![number as u8; 1_200]).unwrap()
}

fn sealed(seq: u64, byte: u8) -> SealedMasterKeys {
    SealedMasterKeys { seq, envelope: vec![byte; 10] }
}

fn account(user: &str, id: ScopeId) -> NewAccount {
    let entry = NewEntry { kind: ScopeKind::Account, wraps: vec![], content: EntryHash(id.0), ..entry(id, 0) };
    let user_id = UserId::new(user).unwrap();
    NewAccount { entry, user_id, signing_key: VerifyingKey([3; 32]), master_key: vec![4; 10], now_ms: 1_000 }
}

async fn envelopes(store: &dyn Store, before: Option<u64>) -> Vec<(u64, Vec<u8>)> {
    let envelopes = store.envelopes(ALICE, before).await.unwrap();
    envelopes.into_iter().map(|sealed| (sealed.seq, sealed.envelope)).collect()
}

async fn a_spent_request_changes_nothing_also_after_a_restart(factory: Factory<'_>) {
    let store = factory("spent", deaf()).await;
    assert!(!store.spent(once(1)).await.unwrap());
    store.append(once(1), entry(NOTES, 0)).await.unwrap();
    assert!(store.spent(once(1)).await.unwrap());
    assert!(matches!(store.append(once(1), entry(NOTES, 1)).await, Err(StoreError::Replayed)));
    store.close().await;
    let store = factory("spent", deaf()).await;
    assert!(matches!(store.append(once(1), entry(NOTES, 1)).await, Err(StoreError::Replayed)));
    assert_eq!(store.page(NOTES, None, ALL).await.unwrap().unwrap().head.seq, 0);
    // Another device may use the same nonce.
    let other = Once { device: HolderId([8; 32]), ..once(1) };
    store.append(other, entry(NOTES, 1)).await.unwrap();
}

async fn only_what_follows_the_head_is_appended_and_a_refusal_leaves_nothing(factory: Factory<'_>) {
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    let store = factory("heads", Box::new(move |_| *count.lock().unwrap() += 1)).await;
    store.append(once(1), entry(NOTES, 0)).await.unwrap();
    let gap = store.append(once(2), entry(NOTES, 2)).await;
    let again = store.append(once(3), entry(NOTES, 0)).await;
    let mut fork = entry(NOTES, 1);
    fork.follows = Some(Head { seq: 0, hash: EntryHash([0; 32]) });
    fork.standings = vec![(BOB, Some(Standing::Pending))];
    let fork = store.append(once(4), fork).await;
    for refused in [gap, again, fork] {
        assert!(matches!(refused, Err(StoreError::HeadMoved)));
    }
    assert_eq!(store.wraps(NOTES, BOB).await.unwrap(), [wrap(NOTES, 1)]);
    assert_eq!(store.reading(NOTES, BOB).await.unwrap(), None);
    assert_eq!(*heard.lock().unwrap(), 1);
    // A refused request is not spent: it may be placed anew.
    store.append(once(2), entry(NOTES, 1)).await.unwrap();
    assert_eq!(store.placed(NOTES, entry(NOTES, 1).content).await.unwrap(), Some((1, hash(0))));
    assert_eq!(store.placed(NOTES, EntryHash([0; 32])).await.unwrap(), None);
}

async fn writes_happen_in_the_order_of_calls_and_are_heard_before_they_resolve(factory: Factory<'_>) {
    let heard: Arc<Mutex<Vec<Committed>>> = Arc::default();
    let log = heard.clone();
    let store = factory("order", Box::new(move |committed| log.lock().unwrap().push(committed))).await;
    let writes: Vec<_> = (0..100).map(|seq| store.append(once(seq as u8), entry(NOTES, seq))).collect();
    // Asked for in the reverse order; what counts is the order of calls.
    let outcomes = join_all(writes.into_iter().rev()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(heard.iter().map(|c| c.event.seq).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert!(heard.is_sorted_by(|a, b| a.event.cursor < b.event.cursor));
    assert_eq!(store.cursor().await.unwrap(), heard.last().unwrap().event.cursor);
}

async fn a_user_id_is_taken_once_and_a_repeated_sign_up_is_answered(factory: Factory<'_>) {
    let store = factory("users", deaf()).await;
    assert_eq!(store.sign_up(once(1), account("alice", ALICE)).await.unwrap(), 1_000);
    let later = NewAccount { now_ms: 2_000, ..account("alice", ALICE) };
    assert_eq!(store.sign_up(once(2), later).await.unwrap(), 1_000);
    assert!(matches!(store.sign_up(once(3), account("alice", BOB)).await, Err(StoreError::UserTaken)));
    let other_device = Once { device: HolderId([8; 32]), ..once(4) };
    assert!(matches!(store.sign_up(other_device, account("alice", ALICE)).await, Err(StoreError::UserTaken)));
    assert!(matches!(store.sign_up(once(5), account("bob", BOB)).await, Err(StoreError::DeviceTaken)));
    store.log_out(once(6)).await.unwrap();
    assert!(matches!(store.sign_up(once(7), account("alice", ALICE)).await, Err(StoreError::LoggedOut)));
    assert_eq!(store.account(UserId::new("alice").unwrap()).await.unwrap(), Some(ALICE));
    assert_eq!(store.account(UserId::new("bob").unwrap()).await.unwrap(), None);
    assert_eq!(store.page(BOB, None, ALL).await.unwrap(), None);
    assert_eq!(store.envelopes(ALICE, None).await.unwrap(), [sealed(0, 4)]);
    assert!(store.scopes(ALICE).await.unwrap().is_empty(), "an account is not a scope of its own");
}

async fn a_name_that_was_let_go_of_may_be_taken_and_no_other_is(factory: Factory<'_>) {
    let store = factory("names", deaf()).await;
    store.sign_up(once(1), account("alice", ALICE)).await.unwrap();
    let name = || UserId::new("alice").unwrap();
    assert!(!store.release_name(once(2), BOB, name()).await.unwrap());
    assert!(!store.release_name(once(3), ALICE, UserId::new("bob").unwrap()).await.unwrap());
    assert_eq!(store.account(name()).await.unwrap(), Some(ALICE));
    assert!(store.release_name(once(4), ALICE, name()).await.unwrap());
    assert!(matches!(store.release_name(once(4), ALICE, name()).await, Err(StoreError::Replayed)));
    assert_eq!(store.account(name()).await.unwrap(), None);
    assert!(store.device(once(1).device).await.unwrap().is_some(), "its device goes on");
    let other = Once { device: HolderId([8; 32]), ..once(5) };
    store.sign_up(other, account("alice", BOB)).await.unwrap();
    assert_eq!(store.account(name()).await.unwrap(), Some(BOB));
}

async fn a_session_lasts_until_it_is_ended(factory: Factory<'_>) {
    let store = factory("sessions", deaf()).await;
    store.sign_up(once(1), account("alice", ALICE)).await.unwrap();
    let since = async || store.device(once(0).device).await.unwrap().unwrap().session_since;
    assert_eq!(store.log_in(once(2), 5_000).await.unwrap(), 1_000);
    store.log_out(once(3)).await.unwrap();
    assert_eq!(since().await, None);
    assert!(matches!(store.log_in(once(3), 6_000).await, Err(StoreError::Replayed)));
    assert_eq!(store.log_in(once(4), 7_000).await.unwrap(), 7_000);
    assert_eq!(since().await, Some(7_000));
    assert_eq!(store.device(HolderId([0; 32])).await.unwrap(), None);
}

async fn sessions_of_other_devices_end_at_once_and_of_no_other_account(factory: Factory<'_>) {
    let store = factory("all sessions", deaf()).await;
    let [first, phone, laptop, bobs] = [7, 8, 9, 10].map(|n| HolderId([n; 32]));
    let by = |device, n| Once { device, ..once(n) };
    store.sign_up(once(1), account("alice", ALICE)).await.unwrap();
    store.sign_up(by(bobs, 2), account("bob", BOB)).await.unwrap();
    let devices = vec![(phone, Some(VerifyingKey([4; 32]))), (laptop, Some(VerifyingKey([5; 32])))];
    let added = AccountEntry {
        entry: NewEntry { kind: ScopeKind::Account, wraps: vec![], ..entry(ALICE, 1) },
        devices,
        new_generation: false,
        master_key: None,
        expires_ms: None,
        passwords: PasswordChanges::default(),
    };
    store.extend_account(once(3), added).await.unwrap();
    store.log_in(by(phone, 4), 2_000).await.unwrap();
    let of = async |account| {
        let sessions = store.sessions(account).await.unwrap();
        sessions.iter().map(|s| (s.device.0[0], s.since_ms, s.last_used_ms)).collect::<Vec<_>>()
    };
    assert_eq!(of(ALICE).await, [(7, Some(1_000), Some(1_000)), (8, Some(2_000), Some(2_000)), (9, None, None)]);
    // Used again within a minute is not written; later it is, and one that is not there stays so.
    store.used(first, 60_999).await.unwrap();
    store.used(phone, 62_000).await.unwrap();
    store.used(HolderId([0; 32]), 62_000).await.unwrap();
    assert_eq!(of(ALICE).await, [(7, Some(1_000), Some(1_000)), (8, Some(2_000), Some(62_000)), (9, None, None)]);
    assert_eq!(store.device(phone).await.unwrap().unwrap().last_used_ms, Some(62_000));

    assert_eq!(store.end_sessions(once(5), ALICE, false).await.unwrap(), [phone]);
    assert_eq!(of(ALICE).await, [(7, Some(1_000), Some(1_000)), (8, None, Some(62_000)), (9, None, None)]);
    assert_eq!(of(BOB).await, [(10, Some(1_000), Some(1_000))]);
    store.log_in(by(phone, 6), 3_000).await.unwrap();
    assert!(matches!(store.end_sessions(once(5), ALICE, true).await, Err(StoreError::Replayed)));
    assert_eq!(store.end_sessions(once(7), ALICE, true).await.unwrap(), [first, phone]);
    assert!(store.end_sessions(once(8), ALICE, true).await.unwrap().is_empty());
    store.close().await;
    let store = factory("all sessions", deaf()).await;
    assert!(store.sessions(ALICE).await.unwrap().iter().all(|session| session.since_ms.is_none()));
    assert_eq!(store.sessions(BOB).await.unwrap()[0].since_ms, Some(1_000));
}

async fn an_accounts_entry_brings_devices_and_an_envelope_or_nothing(factory: Factory<'_>) {
    let store = factory("account entries", deaf()).await;
    let [first, phone] = [7, 8].map(|n| HolderId([n; 32]));
    let next = |seq, devices, envelope: Option<u8>| AccountEntry {
        entry: NewEntry { kind: ScopeKind::Account, wraps: vec![], ..entry(ALICE, seq) },
        new_generation: false,
        devices,
        master_key: envelope.map(|byte| vec![byte; 10]),
        expires_ms: None,
        passwords: PasswordChanges::default(),
    };
    let key = async |id| store.device(id).await.unwrap().map(|device| device.signing_key.0[0]);
    store.sign_up(once(1), account("alice", ALICE)).await.unwrap();
    let elses = Once { device: HolderId([9; 32]), ..once(2) };
    store.sign_up(elses, account("bob", BOB)).await.unwrap();

    store.extend_account(once(3), next(1, vec![(phone, Some(VerifyingKey([1; 32])))], Some(5))).await.unwrap();
    assert_eq!(store.device(phone).await.unwrap().unwrap().session_since, None, "a new device logs in by itself");
    let renewed = vec![(phone, Some(VerifyingKey([2; 32])))];
    let again = store.extend_account(once(4), next(1, renewed.clone(), Some(6))).await;
    assert!(matches!(again, Err(StoreError::HeadMoved)));
    assert_eq!((key(phone).await, envelopes(&*store, None).await.len()), (Some(1), 2));
    store.extend_account(once(5), next(2, renewed, Some(6))).await.unwrap();
    assert_eq!(key(phone).await, Some(2));

    let bobs = vec![(first, None), (elses.device, Some(VerifyingKey([6; 32])))];
    let taken = store.extend_account(once(6), next(3, bobs, Some(7))).await;
    assert!(matches!(taken, Err(StoreError::DeviceTaken)));
    assert_eq!((key(first).await, key(elses.device).await), (Some(3), Some(3)), "nothing of it happened");

    store.extend_account(once(7), next(3, vec![(first, None), (elses.device, None)], None)).await.unwrap();
    assert_eq!((key(first).await, key(elses.device).await), (None, Some(3)), "of its own devices only");
    assert!(matches!(store.log_in(once(8), 9_000).await, Err(StoreError::LoggedOut)));
    assert_eq!(store.envelopes(ALICE, None).await.unwrap(), [sealed(0, 4), sealed(1, 5), sealed(2, 6)], "all are kept");
    assert_eq!(store.envelopes(ALICE, Some(1)).await.unwrap(), [sealed(0, 4)]);
}

async fn a_password_comes_and_goes_with_an_entry_or_not_at_all(factory: Factory<'_>) {
    let store = factory("passwords", deaf()).await;
    let (first, second) = (HolderId([11; 32]), HolderId([12; 32]));
    let next = |seq, added, gone| AccountEntry {
        entry: NewEntry { kind: ScopeKind::Account, wraps: vec![], ..entry(ALICE, seq) },
        devices: vec![],
        new_generation: false,
        master_key: None,
        expires_ms: None,
        passwords: PasswordChanges { added, gone },
    };
    store.sign_up(once(1), account("alice", ALICE)).await.unwrap();
    assert!(!store.has_passwords().await.unwrap());
    store.extend_account(once(2), next(1, Some((first, vec![1])), vec![])).await.unwrap();
    // What does not follow the head leaves nothing.
    let refused = store.extend_account(once(3), next(1, Some((second, vec![2])), vec![first])).await;
    assert!(matches!(refused, Err(StoreError::HeadMoved)), "{refused:?}");
    store.close().await;
    let store = factory("passwords", deaf()).await;
    assert!(store.has_passwords().await.unwrap());
    assert_eq!(store.password(ALICE, first).await.unwrap(), Some(vec![1]));
    assert_eq!(store.password(ALICE, second).await.unwrap(), None);
    assert_eq!(store.password(BOB, first).await.unwrap(), None);
    store.extend_account(once(4), next(2, Some((second, vec![2])), vec![first])).await.unwrap();
    assert_eq!(store.password(ALICE, first).await.unwrap(), None);
    assert_eq!(store.password(ALICE, second).await.unwrap(), Some(vec![2]));
    store.close().await;
}

async fn a_passkey_is_the_accounts_that_the_device_founds_for_which_it_was_made(factory: Factory<'_>) {
    let store = factory("passkeys", deaf()).await;
    let passkey = |n: u8, key: &[u8]| Passkey { credential: vec![n; 20], handle: [n; 16], key: key.to_vec() };
    let visitor = |user: &str, passkey| Visitor {
        signing_key: VerifyingKey([3; 32]),
        user_id: UserId::new(user).unwrap(),
        expires_ms: 2_000,
        passkey,
    };
    let kept = async |n: u8| {
        let found = store.passkey(vec![n; 20]).await.unwrap();
        found.map(|(user_id, passkey)| (user_id.to_string(), passkey))
    };
    let other = |n| Once { device: HolderId([8; 32]), ..once(n) };
    let alices = visitor("alice", Some(passkey(1, b"at first")));
    store.visit(once(1), alices.clone(), None, 1_000).await.unwrap();
    store.visit(other(2), visitor("alice", Some(passkey(2, b"of another"))), None, 1_000).await.unwrap();
    assert_eq!(store.visitor(once(1).device).await.unwrap(), Some(alices));
    assert_eq!((kept(1).await, kept(2).await), (None, None), "before the account is there");
    store.sign_up(once(3), account("alice", ALICE)).await.unwrap();
    assert_eq!(kept(1).await, Some(("alice".to_owned(), passkey(1, b"at first"))));
    assert_eq!(kept(2).await, None, "made for the same name by another device");
    // Used: it is kept as it is now, and nothing else is of it.
    store.visit(other(4), visitor("alice", None), Some(passkey(1, b"later")), 1_000).await.unwrap();
    assert_eq!(kept(1).await, Some(("alice".to_owned(), passkey(1, b"later"))));
    let late = store.visit(other(5), visitor("alice", Some(passkey(3, b"late"))), None, 1_000).await;
    assert!(matches!(late, Err(StoreError::UserTaken)), "{late:?}");
    store.sign_up(other(6), account("bob", BOB)).await.unwrap();
    assert_eq!((kept(2).await, kept(3).await), (None, None), "of a visit before");
}

async fn a_page_is_cut_by_bytes_and_entries_but_never_empty_before_the_head(factory: Factory<'_>) {
    let store = factory("pages", deaf()).await;
    for seq in 0..5 {
        store.append(once(seq as u8), entry(NOTES, seq)).await.unwrap();
    }
    let page = async |after, bytes, entries| {
        let page = store.page(NOTES, after, Limit { bytes, entries, last: None }).await.unwrap().unwrap();
        assert_eq!(page.head, Head { seq: 4, hash: hash(4) });
        (page.entries.iter().map(|e| e[0]).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(page(None, 1_000, 100).await, (vec![0, 1, 2, 3, 4], false));
    assert_eq!(page(Some(1), 200, 100).await, (vec![2, 3], true));
    assert_eq!(page(None, 1, 100).await, (vec![0], true));
    assert_eq!(page(Some(2), 1_000, 2).await, (vec![3, 4], false));
    assert_eq!(page(Some(4), 1_000, 2).await, (vec![], false));
    assert_eq!(page(Some(0), 1_000, 0).await, (vec![], true));
    assert_eq!(store.page(BOB, None, ALL).await.unwrap(), None);
}

async fn missed_events_are_the_newest_of_each_scope_and_end_with_the_standing(factory: Factory<'_>) {
    let store = factory("events", deaf()).await;
    let other = ScopeId([10; 32]);
    let with_bob = |new: NewEntry, standing| NewEntry { standings: vec![(BOB, standing)], ..new };
    store.append(once(1), with_bob(entry(NOTES, 0), Some(Standing::Pending))).await.unwrap();
    store.append(once(2), entry(NOTES, 1)).await.unwrap();
    store.append(once(3), with_bob(entry(other, 0), Some(Standing::Member))).await.unwrap();
    let heard = async |after| {
        let events = store.events(BOB, after, 100).await.unwrap();
        events.iter().map(|e| (e.cursor, e.scope, e.seq)).collect::<Vec<_>>()
    };
    let all = heard(0).await;
    assert_eq!(all.iter().map(|e| (e.1, e.2)).collect::<Vec<_>>(), [(NOTES, 1), (other, 0)]);
    assert_eq!(heard(all[0].0).await, all[1..]);
    assert_eq!(store.events(BOB, 0, 1).await.unwrap().len(), 1);
    // The event that ends the standing is heard, those after it are not.
    store.append(once(4), with_bob(entry(NOTES, 2), None)).await.unwrap();
    store.append(once(5), entry(NOTES, 3)).await.unwrap();
    let rest = heard(all[1].0).await;
    assert_eq!(rest.iter().map(|e| (e.1, e.2)).collect::<Vec<_>>(), [(NOTES, 2)]);
    assert_eq!(store.reading(NOTES, BOB).await.unwrap(), None, "a share that was withdrawn");
    let scopes = store.scopes(BOB).await.unwrap();
    assert_eq!(scopes.iter().map(|s| (s.scope, s.standing)).collect::<Vec<_>>(), [(other, Standing::Member)]);
}

async fn a_former_member_reads_up_to_the_entry_that_ended_it(factory: Factory<'_>) {
    let store = factory("former", deaf()).await;
    let with_bob = |seq, standing| NewEntry { standings: vec![(BOB, standing)], ..entry(NOTES, seq) };
    let reading = async || store.reading(NOTES, BOB).await.unwrap();
    store.append(once(0), entry(NOTES, 0)).await.unwrap();
    for (seq, standing, expected) in [
        (1, Some(Standing::Pending), Some(Reading::All)),
        (2, Some(Standing::Member), Some(Reading::All)),
        (3, None, Some(Reading::Until(3))),
        // Invited again, and not any more: what he read meanwhile he still can.
        (4, Some(Standing::Pending), Some(Reading::All)),
        (5, None, Some(Reading::Until(5))),
        (6, Some(Standing::Member), Some(Reading::All)),
        (7, None, Some(Reading::Until(7))),
        (8, None, Some(Reading::Until(7))),
        // Put out and invited again in one entry, and then not any more.
        (9, Some(Standing::Member), Some(Reading::All)),
        (10, Some(Standing::Pending), Some(Reading::All)),
        (11, None, Some(Reading::Until(11))),
    ] {
        store.append(once(seq as u8), with_bob(seq, standing)).await.unwrap();
        assert_eq!(reading().await, expected, "after entry {seq}");
    }
    let limit = Limit { last: Some(3), ..Limit::NONE };
    let page = store.page(NOTES, Some(1), limit).await.unwrap().unwrap();
    assert_eq!(page.head, Head { seq: 3, hash: hash(3) });
    assert_eq!((page.entries.iter().map(|e| e[0]).collect::<Vec<_>>(), page.more), (vec![2, 3], false));
    let page = store.page(NOTES, Some(3), limit).await.unwrap().unwrap();
    assert_eq!((page.entries.len(), page.more), (0, false));
}

/// The next entries of several scopes, with a request each.
#[derive(Default)]
struct Next {
    requests: u8,
    seqs: std::collections::BTreeMap<ScopeId, u64>,
}

impl Next {
    fn entry(&mut self, scope: ScopeId) -> (Once, NewEntry) {
        self.requests += 1;
        let seq = self.seqs.entry(scope).and_modify(|seq| *seq += 1).or_default();
        let kind = if scope == NOTES { ScopeKind::Keychain } else { ScopeKind::Group };
        (once(self.requests), NewEntry { kind, wraps: vec![], ..entry(scope, *seq) })
    }

    /// An entry that changes the standing of one, and nothing else.
    async fn change(&mut self, store: &dyn Store, scope: ScopeId, who: ScopeId, is_member: bool) {
        let (once, entry) = self.entry(scope);
        let audience_groups = if [TEAM, DEPARTMENT].contains(&who) { vec![who] } else { vec![] };
        let standings = vec![(who, is_member.then_some(Standing::Member))];
        store.append(once, NewEntry { standings, audience_groups, ..entry }).await.unwrap();
    }

    async fn ban(&mut self, store: &dyn Store, scope: ScopeId, who: ScopeId, is_banned: bool) {
        let (once, entry) = self.entry(scope);
        store.append(once, NewEntry { bans: vec![(who, is_banned)], ..entry }).await.unwrap();
    }
}

async fn a_way_through_groups_lasts_while_all_of_its_steps_do(factory: Factory<'_>) {
    let store = factory("ways", deaf()).await;
    let store = &*store;
    let mut next = Next::default();
    let reads = async || {
        let of = async |scope| match store.reading(scope, BOB).await.unwrap() {
            Some(Reading::All) => Some(u64::MAX),
            Some(Reading::Until(seq)) => Some(seq),
            None => None,
        };
        [of(TEAM).await, of(DEPARTMENT).await, of(NOTES).await]
    };
    let all = Some(u64::MAX);
    for scope in [TEAM, DEPARTMENT, NOTES] {
        let (once, entry) = next.entry(scope);
        store.append(once, entry).await.unwrap();
    }
    next.change(store, TEAM, BOB, true).await;
    assert_eq!(reads().await, [all, None, None]);
    next.change(store, DEPARTMENT, TEAM, true).await;
    assert_eq!(reads().await, [all, all, None]);
    next.change(store, NOTES, DEPARTMENT, true).await;
    assert_eq!(reads().await, [all, all, all]);
    let ways = async || std::collections::BTreeSet::from_iter(store.ways(BOB, NOTES).await.unwrap());
    assert_eq!(ways().await, [TEAM, DEPARTMENT].into());

    // The step in the middle ends, and begins again.
    next.change(store, DEPARTMENT, TEAM, false).await;
    next.change(store, NOTES, ALICE, true).await;
    assert_eq!(reads().await, [all, Some(2), Some(1)]);
    assert!(ways().await.is_empty());
    let scopes = async || store.scopes(BOB).await.unwrap().iter().map(|scope| scope.scope).collect::<Vec<_>>();
    assert_eq!(scopes().await, [TEAM]);
    next.change(store, DEPARTMENT, TEAM, true).await;
    assert_eq!(reads().await, [all, all, all]);
    assert_eq!(scopes().await, [NOTES, TEAM, DEPARTMENT]);

    // A ban ends the way for one, and lifting it gives it back.
    next.ban(store, NOTES, BOB, true).await;
    next.change(store, NOTES, ALICE, true).await;
    assert_eq!(reads().await, [all, all, Some(3)]);
    next.ban(store, NOTES, BOB, false).await;
    assert_eq!(reads().await, [all, all, all]);
    next.ban(store, DEPARTMENT, BOB, true).await;
    next.change(store, NOTES, ALICE, true).await;
    assert_eq!(reads().await, [all, Some(4), Some(5)], "it leads no further either");
    next.ban(store, DEPARTMENT, BOB, false).await;

    // The first step ends; what comes after that he has no part in.
    next.change(store, TEAM, BOB, false).await;
    next.change(store, NOTES, DEPARTMENT, false).await;
    next.change(store, NOTES, DEPARTMENT, true).await;
    assert_eq!(reads().await, [Some(2), Some(5), Some(6)]);
    assert!(scopes().await.is_empty());
    // A share that is made and withdrawn takes nothing back of what he was shown meanwhile.
    for standing in [Some(Standing::Pending), None] {
        let (once, entry) = next.entry(NOTES);
        store.append(once, NewEntry { standings: vec![(BOB, standing)], ..entry }).await.unwrap();
    }
    assert_eq!(reads().await, [Some(2), Some(5), Some(10)]);
    let heard = store.events(BOB, 0, 100).await.unwrap();
    let heard: Vec<_> = heard.iter().map(|event| (event.scope, event.seq)).collect();
    assert_eq!(heard, [(DEPARTMENT, 5), (TEAM, 2), (NOTES, 10)]);
}

async fn what_cites_a_group_is_appended_while_that_is_its_newest_entry(factory: Factory<'_>) {
    let store = factory("cited", deaf()).await;
    let mut next = Next::default();
    for _ in 0..2 {
        let (once, entry) = next.entry(TEAM);
        store.append(once, entry).await.unwrap();
    }
    let (first, entry) = next.entry(NOTES);
    for seq in [0, 2] {
        let citing = NewEntry { cited: vec![(TEAM, seq)], ..entry.clone() };
        let refused = store.append(first, citing).await;
        assert!(matches!(refused, Err(StoreError::StaleCitation)), "{refused:?}");
    }
    store.append(first, NewEntry { cited: vec![(TEAM, 1)], ..entry }).await.unwrap();
}

async fn a_new_generation_is_told_around_until_what_it_stands_in_has_cited_it(factory: Factory<'_>) {
    let heard: Arc<Mutex<Vec<Committed>>> = Arc::default();
    let log = heard.clone();
    let store = factory("generations", Box::new(move |committed| log.lock().unwrap().push(committed))).await;
    for (n, user, id) in [(1, "alice", ALICE), (2, "bob", BOB)] {
        let by = Once { device: HolderId([n; 32]), ..once(n) };
        store.sign_up(by, account(user, id)).await.unwrap();
    }
    let member = Some(Standing::Member);
    let both = NewEntry { standings: vec![(ALICE, member), (BOB, member)], wraps: vec![], ..entry(NOTES, 0) };
    store.append(once(4), both).await.unwrap();
    let alone = ScopeId([77; 32]);
    let alone = NewEntry { standings: vec![(BOB, member)], author: BOB, wraps: vec![], ..entry(alone, 0) };
    store.append(once(5), alone).await.unwrap();
    let next = |seq, new_generation| AccountEntry {
        entry: NewEntry { kind: ScopeKind::Account, wraps: vec![], standings: vec![], ..entry(ALICE, seq) },
        new_generation,
        devices: vec![],
        master_key: None,
        expires_ms: None,
        passwords: PasswordChanges::default(),
    };
    let unseen = async || {
        let listed = async |who| store.scopes(who).await.unwrap().iter().map(|s| s.unseen).collect::<Vec<_>>();
        (store.unseen(NOTES, 9).await.unwrap(), listed(ALICE).await, listed(BOB).await)
    };
    let none = (vec![], vec![false], vec![false, false]);
    store.extend_account(once(6), next(1, false)).await.unwrap();
    assert_eq!(unseen().await, none);
    heard.lock().unwrap().clear();
    store.extend_account(once(7), next(2, true)).await.unwrap();
    assert_eq!(heard.lock().unwrap().pop().unwrap().audience, [ALICE, BOB]);
    let told = (vec![ALICE], vec![true], vec![true, false]);
    assert_eq!(unseen().await, told);

    let cites = |seq, cites| NewEntry { cites, standings: vec![], wraps: vec![], ..entry(NOTES, seq) };
    store.append(once(8), cites(1, vec![(BOB, 7), (ALICE, 1)])).await.unwrap();
    assert_eq!(unseen().await, told, "what it cites is older");
    store.append(once(9), cites(2, vec![(ALICE, 2)])).await.unwrap();
    assert_eq!(unseen().await, none);
    store.extend_account(once(10), next(3, true)).await.unwrap();
    assert_eq!(unseen().await, told);
    store.append(once(11), NewEntry { standings: vec![(ALICE, None)], ..cites(3, vec![]) }).await.unwrap();
    assert_eq!(unseen().await, (vec![], vec![], vec![false, false]), "who is out is nobody's concern");
}

async fn wraps_beside_are_one_of_each_author_and_not_too_many(factory: Factory<'_>) {
    let store = factory("beside", deaf()).await;
    store.append(once(0), entry(NOTES, 0)).await.unwrap();
    let add = async |request, author: u8, number| {
        store.add_wraps(once(request), NOTES, ScopeId([author; 32]), vec![wrap(NOTES, number)]).await
    };
    let kept = async || store.wraps(NOTES, BOB).await.unwrap().len() as i64;
    for author in 0..WRAPS_BESIDE as u8 {
        add(author + 1, author, 1).await.unwrap();
    }
    assert_eq!(kept().await, 1 + WRAPS_BESIDE, "beside the one that came with the entry");
    assert!(matches!(add(100, 100, 1).await, Err(StoreError::TooManyWraps)));
    add(101, 0, 1).await.unwrap();
    assert_eq!(kept().await, 1 + WRAPS_BESIDE, "in the place of one's own");
    add(100, 100, 2).await.unwrap();
    assert!(matches!(add(100, 100, 3).await, Err(StoreError::Replayed)));
    assert_eq!(kept().await, 2 + WRAPS_BESIDE);
}

async fn objects_stay_until_they_are_deleted_and_a_swap_has_one_winner_also_after_a_restart(factory: Factory<'_>) {
    let store = factory("storage", deaf()).await;
    store.append(once(1), entry(NOTES, 0)).await.unwrap();
    let ids = [ObjectId([1; 32]), ObjectId([2; 32]), ObjectId([3; 32])];
    let object = |n: usize| Object { id: ids[n], bytes: vec![n as u8; 10] };
    store.put_objects(once(2), NOTES, vec![object(0), object(1)], 1_000).await.unwrap();
    assert!(matches!(store.put_objects(once(2), NOTES, vec![object(2)], 1_000).await, Err(StoreError::Replayed)));
    let swap = |expected, byte| SwapReference { name: "root".to_owned(), expected, bytes: vec![byte] };
    assert_eq!(store.swap_reference(once(3), NOTES, swap(None, 7)).await.unwrap().version, Some(1));
    // A request that was taken before is refused also where it would change nothing.
    assert!(matches!(store.swap_reference(once(3), NOTES, swap(None, 7)).await, Err(StoreError::Replayed)));
    store.close().await;
    let store = factory("storage", deaf()).await;
    let stands = Reference { version: 1, bytes: vec![7] };
    assert_eq!(store.reference(NOTES, "root".to_owned()).await.unwrap(), Some(stands.clone()));
    assert_eq!(store.reference_names(NOTES, None).await.unwrap(), ["root"]);
    assert_eq!(store.reference_names(NOTES, Some("root".to_owned())).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.reference_names(TEAM, None).await.unwrap(), Vec::<String>::new());
    let late = store.swap_reference(once(4), NOTES, swap(None, 8)).await.unwrap();
    assert_eq!(late, Swapped { version: None, stands: Some(stands) });
    assert_eq!(store.swap_reference(once(5), NOTES, swap(Some(1), 8)).await.unwrap().version, Some(2));
    assert_eq!(store.objects(NOTES, ids.to_vec()).await.unwrap(), [vec![0; 10], vec![1; 10], vec![]]);
    assert_eq!(store.objects(TEAM, ids.to_vec()).await.unwrap(), [b""; 3]);
    // One that is put again counts as new, so that a sweep does not take it from whoever just put it.
    store.put_objects(once(6), NOTES, vec![object(1)], 5_000).await.unwrap();
    assert_eq!(store.object_ids(NOTES, None, 5_000).await.unwrap(), [ids[0]]);
    assert_eq!(store.object_ids(NOTES, None, 5_001).await.unwrap(), ids[..2]);
    assert_eq!(store.object_ids(NOTES, Some(ids[0]), 5_001).await.unwrap(), [ids[1]]);
    store.delete_objects(once(7), NOTES, vec![ids[0], ids[2]]).await.unwrap();
    assert_eq!(store.objects(NOTES, ids[..2].to_vec()).await.unwrap(), [vec![], vec![1; 10]]);
}
