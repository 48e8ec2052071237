//! The rules that hold whatever a server does, without one: its part is played here, with a key that signs anything.

mod groups;
mod stored;

use super::{
    Keyring, KnownAccount, KnownScope, Own,
    belief::{Belief, KnownAccounts},
    compose::{self, Author, Draft, Terms},
    scope::{Growing, Page, Stop, StoredScope},
};
use crate::{Code, Error, ShareKeys, ShareOptions, model::ClientEvent};
use keyfold_core::{DeviceSeed, SigningKey, device::DeviceKeys};
use keyfold_format::{
    Name, ScopeId, UserId, VerifyingKey,
    entry::{Head, SignedEntry},
    label::SignatureLabel,
    receipt::{Receipt, Statement},
    scope::{Algorithm, KEYCHAIN_RANK, Ledgers, Principal},
    sorted::SortedMap,
    wrap::Wrap,
};
use keyfold_protocol::wire::{AccountLedger, SignUp};
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

/// Numbers that repeat in every run.
struct Counting(u64);

impl TryRng for Counting {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|n| n as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = (self.try_next_u64()? >> 56) as u8;
        }
        Ok(())
    }
}
impl TryCryptoRng for Counting {}

fn server() -> SigningKey {
    SigningKey::from_seed(&[99; 32])
}

fn server_key() -> VerifyingKey {
    server().verifying_key()
}

fn receipt(scope: ScopeId, head: Head) -> Receipt {
    let server_id = keyfold_protocol::signing::response::server_id(&server_key());
    let statement = Statement { server: server_id, scope, head, time: 5 };
    Receipt { statement, signature: server().sign(SignatureLabel::Receipt, &[&statement.signed()]) }
}

struct Person {
    name: UserId,
    request: SignUp,
    account: KnownAccount,
    own: Own,
    rng: Counting,
}

impl Person {
    fn new(name: &str, seed: u8) -> Self {
        let device = DeviceKeys::derive(&DeviceSeed::from_slice(&[seed; 32]).unwrap()).unwrap();
        let (name, mut rng) = (UserId::new(name).unwrap(), Counting(u64::from(seed)));
        let request = compose::sign_up(&name, &device, 1_000, &mut rng).unwrap();
        let account = KnownAccount::founded(request.genesis.clone()).unwrap();
        let own = Own::open(&request.master_key, &device, account.ledger()).unwrap();
        Self { name, request, account, own, rng }
    }

    fn id(&self) -> ScopeId {
        self.own.account()
    }

    fn author(&self) -> Author<'_> {
        Author { own: &self.own, ledger: self.account.ledger(), via: &[], now_ms: 2_000 }
    }

    fn served(&self) -> AccountLedger {
        let head = self.account.head();
        AccountLedger { entries: vec![self.request.genesis.clone()], receipt: receipt(self.id(), head) }
    }
}

fn known(people: &[&Person]) -> KnownAccounts {
    let mut belief = Belief::default();
    people.iter().for_each(|person| belief.keep_account(person.account.clone()).unwrap());
    belief.accounts
}

/// Alice's keychain `notes`, its entries, and her keyring.
fn notes(alice: &mut Person, accounts: &KnownAccounts) -> (KnownScope, Keyring, Vec<SignedEntry>) {
    let mut rng = Counting(7);
    let purpose = Name::new("notes").unwrap();
    let draft =
        compose::create(&purpose, Algorithm::SecretBox, KEYCHAIN_RANK, alice.author(), accounts, &mut rng).unwrap();
    let mut ring = Keyring::default();
    ring.hold(draft.next.ledger(), 1, draft.made.unwrap());
    (draft.next, ring, vec![draft.entry])
}

fn share(
    scope: &KnownScope,
    ring: &Keyring,
    from: &mut Person,
    to: &[&Person],
    keys: &ShareKeys,
    accounts: &KnownAccounts,
) -> Draft {
    let own = &scope.ledger().members()[&from.id()];
    let terms = Terms::new(scope.ledger(), own, ring, keys, &ShareOptions::default()).unwrap();
    let to: Vec<Principal> = to.iter().map(|person| Principal::Account(person.id())).collect();
    let mut rng = Counting(from.rng.0);
    compose::share(scope, ring, &to, &terms, from.author(), accounts, &mut rng).unwrap().unwrap()
}

/// A ledger from its first entry on.
fn received(id: &ScopeId, page: Page<'_>, floor: Option<Head>, accounts: &impl Ledgers) -> Result<KnownScope, Stop> {
    let mut growing = Growing::of(id, page, floor, accounts, &server_key())?;
    growing.go(accounts)?;
    Ok(growing.done()?)
}

/// The entries after those that are known.
fn extended(known: &KnownScope, page: Page<'_>, accounts: &impl Ledgers) -> Result<KnownScope, Stop> {
    let mut growing = Growing::on(known, page, &server_key())?;
    growing.go(accounts)?;
    Ok(growing.done()?)
}

/// As it comes back from the store.
fn stored(known: &KnownScope) -> KnownScope {
    match StoredScope::decode(&known.encode()).unwrap() {
        StoredScope::Known(known) => *known,
        StoredScope::Floor(head) => panic!("only {head:?} came back"),
    }
}

fn refusal(stop: Stop) -> Error {
    match stop {
        Stop::Refused(error) => error,
        missing => panic!("{missing:?}"),
    }
}

#[test]
fn another_identity_an_older_one_or_none_is_identity_changed() {
    let bob = Person::new("bob", 2);
    let mallory = Person::new("bob", 3);
    let carol = Person::new("carol", 4);
    let look = |pinned: Option<&KnownAccount>, answer: &AccountLedger| {
        KnownAccount::looked_up(&bob.name, pinned, answer, &server_key()).map(|known| known.ledger().id())
    };
    assert_eq!(look(None, &bob.served()), Ok(bob.id()));
    assert_eq!(look(Some(&bob.account), &bob.served()), Ok(bob.id()));
    let code = |answer: &AccountLedger| look(Some(&bob.account), answer).unwrap_err().code;
    assert_eq!(code(&mallory.served()), Code::IdentityChanged, "self-consistent, and another account");
    assert_eq!(look(None, &carol.served()).unwrap_err().code, Code::IdentityChanged, "another person's account");
    let with_other_receipt = AccountLedger { receipt: mallory.served().receipt, ..bob.served() };
    assert_eq!(code(&with_other_receipt), Code::IdentityChanged);
    let forged = Receipt { signature: carol.request.genesis.signatures[0], ..bob.served().receipt };
    assert_eq!(code(&AccountLedger { receipt: forged, ..bob.served() }), Code::BadServerSignature);
}

#[test]
fn a_user_id_stays_with_the_account_it_was_first_seen_with() {
    let (bob, mallory) = (Person::new("bob", 2), Person::new("bob", 3));
    let mut belief = Belief::default();
    belief.keep_account(bob.account.clone()).unwrap();
    assert_eq!(belief.keep_account(mallory.account).unwrap_err().code, Code::IdentityChanged);
    assert_eq!(belief.pinned(&bob.name), Some(bob.id()));
}

#[test]
fn a_lower_head_another_one_or_another_ledger_is_rollback_and_changes_nothing() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (scope, ring, mut entries) = notes(&mut alice, &accounts);
    let id = scope.ledger().id();
    let shared = share(&scope, &ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts);
    entries.push(shared.entry.clone());
    let (old, new) = (scope.ledger().head(), shared.next.ledger().head());
    let known = shared.next.clone().confirmed(&receipt(id, new), &server_key()).unwrap();

    let extend = |from: &KnownScope, entries: &[SignedEntry], head: Head| {
        let receipt = receipt(id, head);
        extended(from, Page { entries, receipt: &receipt, more: false }, &accounts).map_err(refusal)
    };
    assert!(extend(&known, &[], new).is_ok());
    assert_eq!(extend(&known, &[], old).unwrap_err().code, Code::Rollback, "one entry less");
    let other = Head { hash: old.hash, ..new };
    assert_eq!(extend(&known, &[], other).unwrap_err().code, Code::Rollback, "another head under the same number");
    let ahead = Head { seq: new.seq + 1, ..new };
    assert_eq!(extend(&known, &[], ahead).unwrap_err().code, Code::Rollback, "a head that is not shown");
    assert_eq!(extend(&known, &entries[1..], new).unwrap_err().code, Code::Rollback, "an entry again");

    // A fork: another share after the genesis than the one that was signed for before.
    let mut elsewhere = Counting(1234);
    let own = &scope.ledger().members()[&alice.id()];
    let terms = Terms::new(scope.ledger(), own, &ring, &ShareKeys::All, &ShareOptions::default()).unwrap();
    let fork = compose::share(
        &scope,
        &ring,
        &[Principal::Account(bob.id())],
        &terms,
        alice.author(),
        &accounts,
        &mut elsewhere,
    )
    .unwrap()
    .unwrap();
    let fork_head = fork.next.ledger().head();
    let seen = received(&id, Page { entries: &entries[..1], receipt: &receipt(id, new), more: true }, None, &accounts)
        .unwrap();
    assert!(!seen.is_complete());
    assert_eq!(extend(&known, &[fork.entry], fork_head).unwrap_err().code, Code::Rollback, "a fork");
    assert!(extend(&seen, &entries[1..], new).is_ok());

    let wrong_scope = receipt(ScopeId([0; 32]), new);
    let page = Page { entries: &[], receipt: &wrong_scope, more: false };
    assert_eq!(refusal(extended(&known, page, &accounts).unwrap_err()).code, Code::Rollback);
    let (other, ..) = {
        let mut carol = Person::new("carol", 4);
        let accounts = self::known(&[&carol]);
        let (scope, _, entries) = notes(&mut carol, &accounts);
        (entries, scope)
    };
    let receipt = receipt(id, new);
    let page = Page { entries: &other, receipt: &receipt, more: false };
    assert_eq!(refusal(received(&id, page, None, &accounts).unwrap_err()).code, Code::Rollback);
    let empty = Page { entries: &[], receipt: &receipt, more: false };
    assert_eq!(refusal(received(&id, empty, None, &accounts).unwrap_err()).code, Code::Rollback);
}

#[test]
fn wraps_go_to_the_sharing_key_of_the_cited_account_and_open_to_the_named_key_only() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let carol = Person::new("carol", 4);
    let accounts = known(&[&alice, &bob, &carol]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let draft = share(&scope, &ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts);
    assert_eq!(draft.wraps.len(), 1);
    let ledger = draft.next.ledger();
    let mut bobs = Keyring::default();
    bobs.open_wraps(ledger, &draft.wraps, &bob.own, bob.account.ledger(), &SortedMap::new());
    assert_eq!(bobs.key(1), ring.key(1));
    assert_eq!(bobs.purpose(), "notes");
    let mut carols = Keyring::default();
    carols.open_wraps(ledger, &draft.wraps, &carol.own, carol.account.ledger(), &SortedMap::new());
    assert!(carols.is_empty());
}

#[test]
fn garbage_and_foreign_wraps_are_passed_over_and_the_right_one_opens() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let draft = share(&scope, &ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts);
    // A key of another keychain of alice's, correctly wrapped to bob: it opens, and is not the one that is named.
    let (other, other_ring, _) = {
        let mut rng = Counting(8);
        let purpose = Name::new("other").unwrap();
        let draft = compose::create(&purpose, Algorithm::SecretBox, KEYCHAIN_RANK, alice.author(), &accounts, &mut rng)
            .unwrap();
        let mut ring = Keyring::default();
        ring.hold(draft.next.ledger(), 1, draft.made.unwrap());
        (draft.next, ring, draft.entry)
    };
    let foreign = share(&other, &other_ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts).wraps[0].clone();
    let right = draft.wraps[0].clone();
    let place = right.place(keyfold_format::wrap::WrapKind::Keychain, scope.ledger().id());
    let garbage = Wrap::new(&place, vec![7; right.sealed().len()]).unwrap();
    let ledger = draft.next.ledger();
    let mut bobs = Keyring::default();
    bobs.open_wraps(ledger, &[garbage.clone(), foreign.clone()], &bob.own, bob.account.ledger(), &SortedMap::new());
    assert!(bobs.is_empty());
    bobs.open_wraps(ledger, &[garbage, foreign, right], &bob.own, bob.account.ledger(), &SortedMap::new());
    assert_eq!(bobs.key(1), ring.key(1));
}

#[test]
fn nothing_is_wrapped_to_somebody_whose_ledger_is_not_known() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let own = &scope.ledger().members()[&alice.id()];
    let terms = Terms::new(scope.ledger(), own, &ring, &ShareKeys::Latest, &ShareOptions::default()).unwrap();
    let mut rng = Counting(1);
    let stop =
        compose::share(&scope, &ring, &[Principal::Account(bob.id())], &terms, alice.author(), &accounts, &mut rng)
            .unwrap_err();
    assert!(matches!(stop, Stop::MissingLedger(id) if id == bob.id()));
}

#[test]
fn a_rotation_reaches_everybody_who_follows_pending_ones_too_and_history_leads_back() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let carol = Person::new("carol", 4);
    let accounts = known(&[&alice, &bob, &carol]);
    let (mut scope, mut ring, _) = notes(&mut alice, &accounts);
    scope = share(&scope, &ring, &mut alice, &[&bob, &carol], &ShareKeys::Latest, &accounts).next;
    let share_entry = scope.unanswered(&bob.id()).unwrap();
    let answer = compose::accept(&scope, share_entry, bob.author());
    scope = scope.tried(&answer, &accounts).unwrap();
    for number in 2..=5 {
        let mut rng = Counting(u64::from(number));
        let draft = compose::rotate(&scope, &ring, alice.author(), &accounts, &mut rng).unwrap();
        assert_eq!(draft.wraps.len(), 3, "alice, bob, and carol who has not answered");
        ring.hold(draft.next.ledger(), number, draft.made.unwrap());
        scope = draft.next;
    }
    // The complete keychain is one wrap, and leads to every key.
    let dave = Person::new("dave", 5);
    let accounts = known(&[&alice, &bob, &carol, &dave]);
    let draft = share(&scope, &ring, &mut alice, &[&dave], &ShareKeys::All, &accounts);
    assert_eq!(draft.wraps.len(), 1);
    let mut daves = Keyring::default();
    daves.open_wraps(draft.next.ledger(), &draft.wraps, &dave.own, dave.account.ledger(), &SortedMap::new());
    for number in (1..=5).rev() {
        assert!(daves.reach(draft.next.ledger(), number));
        assert_eq!(daves.key(number), ring.key(number), "{number}");
    }
    let back = Keyring::decode(&ring.encode()).unwrap();
    assert_eq!((back.purpose(), back.newest(), back.key(3)), ("notes", Some(5), ring.key(3)));
}

#[test]
fn an_answer_that_is_placed_beyond_what_is_known_counts_once_the_server_signed_for_it() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let carol = Person::new("carol", 4);
    let accounts = known(&[&alice, &bob, &carol]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let id = scope.ledger().id();
    let shared = share(&scope, &ring, &mut alice, &[&bob, &carol], &ShareKeys::Latest, &accounts);
    let known = shared.next.confirmed(&receipt(id, Head { seq: 1, ..head_of(&scope, &shared.entry) }), &server_key());
    let known = known.unwrap();
    let answering = known.unanswered(&bob.id()).unwrap();
    // Carol was faster.
    let carols = compose::accept(&known, known.unanswered(&carol.id()).unwrap(), carol.author());
    let with_carol = known.tried(&carols, &accounts).unwrap();
    let bobs = compose::accept(&known, answering, bob.author());
    let with_both = with_carol.tried(&bobs, &accounts).unwrap();
    let at = with_both.ledger().head();
    let mine = known.accepted(answering, at, &receipt(id, at), &server_key()).unwrap();
    assert!(mine.is_in(&bob.id()) && !mine.is_complete() && mine.unanswered(&bob.id()).is_none());
    let receipt = receipt(id, at);
    let page = [carols, bobs];
    let page = Page { entries: &page, receipt: &receipt, more: false };
    let complete = extended(&mine, page, &accounts).unwrap();
    assert!(complete.is_complete() && complete.is_in(&bob.id()));
    assert!(complete.broken_word(Some(&mine)).is_none());
    // A server that drops the answer afterwards contradicts what it signed. That is said once; then its ledger counts,
    // and the share is answered again.
    let without = self::receipt(id, with_carol.ledger().head());
    let page = Page { entries: &page.entries[..1], receipt: &without, more: false };
    let settled = extended(&mine, page, &accounts).unwrap();
    assert_eq!(settled.broken_word(Some(&mine)).unwrap().code, Code::Rollback);
    assert!(settled.is_complete() && !settled.is_in(&bob.id()));
    assert_eq!(settled.unanswered(&bob.id()), Some(answering));
    let settled = stored(&settled);
    let page = Page { entries: &[], receipt: &without, more: false };
    let again = extended(&settled, page, &accounts).unwrap();
    assert!(again.broken_word(Some(&settled)).is_none());
}

#[test]
fn an_answer_that_stands_elsewhere_than_the_server_said_is_rollback_once_and_the_truth_settles_it() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let carol = Person::new("carol", 4);
    let accounts = known(&[&alice, &bob, &carol]);
    let (scope, ring, _) = notes(&mut alice, &accounts);
    let id = scope.ledger().id();
    let known = share(&scope, &ring, &mut alice, &[&bob, &carol], &ShareKeys::Latest, &accounts).next;
    let answering = known.unanswered(&bob.id()).unwrap();
    let carols = compose::accept(&known, known.unanswered(&carol.id()).unwrap(), carol.author());
    let bobs = compose::accept(&known, answering, bob.author());
    let truth = known.tried(&carols, &accounts).unwrap().tried(&bobs, &accounts).unwrap().ledger().head();
    // "Yours stands at 2", with a receipt for the true head 3, which is carol's 2 and bob's 3.
    let lied = known.accepted(answering, head_of(&known, &bobs), &receipt(id, truth), &server_key()).unwrap();
    let lied = stored(&lied);
    assert!(!lied.is_complete());
    let (entries, receipt) = ([carols, bobs], receipt(id, truth));
    let settled = extended(&lied, Page { entries: &entries, receipt: &receipt, more: false }, &accounts).unwrap();
    assert_eq!(settled.broken_word(Some(&lied)).unwrap().code, Code::Rollback);
    assert!(settled.is_complete() && settled.is_in(&bob.id()));
    assert!(settled.broken_word(Some(&settled)).is_none());
}

#[test]
fn a_receipt_of_what_was_not_shown_is_no_mark() {
    let (mut alice, bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let accounts = known(&[&alice, &bob]);
    let (scope, ring, mut entries) = notes(&mut alice, &accounts);
    let id = scope.ledger().id();
    let shared = share(&scope, &ring, &mut alice, &[&bob], &ShareKeys::Latest, &accounts);
    entries.push(shared.entry.clone());
    let true_head = shared.next.ledger().head();
    let far = receipt(id, Head { seq: u64::MAX, ..true_head });
    let truth = receipt(id, true_head);
    let whole = Page { entries: &[], receipt: &truth, more: false };
    // With the reply to an append.
    let confirmed = shared.next.confirmed(&far, &server_key()).unwrap();
    assert!(!confirmed.is_complete(), "the claim is to be looked after");
    assert!(extended(&confirmed, whole, &accounts).unwrap().is_complete());
    // With a page that is not the last, and so is not the last after all.
    let page = Page { entries: &entries, receipt: &far, more: true };
    let partial = received(&id, page, None, &accounts).unwrap();
    assert!(!partial.is_complete());
    assert!(extended(&partial, whole, &accounts).unwrap().is_complete());
    // One that promises more for ever is no page.
    let nothing = Page { entries: &[], receipt: &far, more: true };
    assert_eq!(refusal(extended(&partial, nothing, &accounts).unwrap_err()).code, Code::Rollback);
}

#[test]
fn a_dispute_is_told_once_and_settled_by_the_pinned_identity() {
    let bob = Person::new("bob", 2);
    let mut belief = Belief::default();
    assert!(belief.dispute(&bob.name).is_empty(), "nobody is pinned");
    belief.keep_account(bob.account.clone()).unwrap();
    belief.committed();
    assert_eq!(belief.dispute(&bob.name).len(), 3, "the dispute, the event, the marks");
    assert!(belief.is_disputed(&bob.id()) && !belief.is_changed());
    assert!(belief.dispute(&bob.name).is_empty());
    belief.settle(&bob.id());
    assert!(!belief.is_disputed(&bob.id()) && belief.is_changed());
}

fn head_of(before: &KnownScope, entry: &SignedEntry) -> Head {
    let head = before.ledger().head();
    Head { seq: head.seq + 1, hash: entry.hash(head.hash, head.seq + 1) }
}
