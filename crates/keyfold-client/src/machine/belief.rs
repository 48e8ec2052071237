//! Everything that one device believes, in memory: a cache of the home's records. Changes are staged and become true
//! with the commit that makes them durable; whatever was not committed is thrown away and read again.

use super::{
    Enrolled, Keyring, KnownAccount, KnownScope, Own, StoredScope,
    record::{self, Marks, Noted, Pins},
};
use crate::{
    Error, Result,
    host::{Content, Put},
    model::{ClientEvent, Person},
    session::GROUP,
};
use keyfold_format::{
    Rejected, ScopeId, UserId, account, cbor,
    entry::Head,
    scope::{Kind, Ledger, Ledgers, State},
    sorted::{SortedMap, SortedSet},
};
use keyfold_protocol::Code;

/// Verified accounts, as replay wants to look at them.
#[derive(Debug, Default)]
pub(crate) struct KnownAccounts(SortedMap<ScopeId, KnownAccount>);

impl Ledgers for KnownAccounts {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.0.get(id).map(KnownAccount::ledger)
    }
}

/// All verified ledgers, as replay wants to look at them.
#[derive(Clone, Copy)]
pub(crate) struct KnownLedgers<'a> {
    accounts: &'a KnownAccounts,
    scopes: &'a SortedMap<ScopeId, KnownScope>,
}

impl Ledgers for KnownLedgers<'_> {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.accounts.account(id)
    }

    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        self.scopes.get(id)?.at(seq)
    }

    fn newest_group(&self, id: &ScopeId) -> Option<&State> {
        self.scopes.get(id).map(|known| &**known.ledger()).filter(|state| state.kind() == Kind::Group)
    }
}

impl KnownAccounts {
    pub(crate) fn get(&self, id: &ScopeId) -> Option<&KnownAccount> {
        self.0.get(id)
    }
}

/// What this device believes.
#[derive(Debug, Default)]
pub(crate) struct Belief {
    pub(crate) enrolled: Option<Enrolled>,
    pub(crate) own: Option<Own>,
    pub(crate) accounts: KnownAccounts,
    pub(crate) scopes: SortedMap<ScopeId, KnownScope>,
    pub(crate) rings: SortedMap<ScopeId, Keyring>,
    /// How far the ledgers reached that are not kept here: none is believed that does not reach there again.
    floors: SortedMap<ScopeId, Head>,
    pins: SortedMap<UserId, ScopeId>,
    /// The keychains with a share that waits for this account's answer.
    waiting: SortedSet<ScopeId>,
    /// Those of the pinned accounts that only a ledger has named so far.
    unmet: SortedSet<ScopeId>,
    /// Accounts that the person compared by another way than the server.
    verified: SortedSet<ScopeId>,
    /// Accounts whose place another one took, because the person said so. Ledgers go on naming them.
    former: SortedSet<ScopeId>,
    disputes: SortedSet<ScopeId>,
    marks: Marks,
    staged: SortedMap<String, Option<Content>>,
    marks_moved: bool,
    /// Whether the record of pins is to be written anew: once for all who were met, for it names everybody.
    pins_moved: bool,
}

impl Belief {
    /// From the records that are read at once; accounts and ledgers come when they are needed.
    pub(crate) fn new(
        enrolled: Option<Enrolled>,
        marks: Marks,
        Pins { pins, unmet, verified, former }: Pins,
        waiting: Vec<ScopeId>,
        disputes: SortedSet<ScopeId>,
        rings: SortedMap<ScopeId, Keyring>,
    ) -> Self {
        let (pins, unmet) = (pins.into_iter().collect(), unmet.into_iter().collect());
        let (verified, former) = (verified.into_iter().collect(), former.into_iter().collect());
        let waiting = waiting.into_iter().collect();
        Self { enrolled, marks, pins, unmet, verified, former, waiting, disputes, rings, ..Self::default() }
    }

    pub(crate) fn enrolled(&self) -> Result<&Enrolled> {
        self.enrolled.as_ref().ok_or_else(no_home)
    }

    /// The account's secrets, or `LoggedOut`.
    pub(crate) fn own(&self) -> Result<&Own> {
        self.enrolled()?;
        self.own.as_ref().ok_or_else(|| Error::new(Code::LoggedOut, "this device is logged out").hint("Log in first."))
    }

    /// One's own account's ledger.
    pub(crate) fn own_ledger(&self) -> Result<&account::Ledger> {
        let id = self.enrolled()?.account;
        self.accounts.account(&id).ok_or_else(|| Error::internal("the own account was not read"))
    }

    /// What replay may look at.
    pub(crate) fn ledgers(&self) -> KnownLedgers<'_> {
        KnownLedgers { accounts: &self.accounts, scopes: &self.scopes }
    }

    /// Gets the state of a group ready as it was right after its entry `seq`. `false` if that is not known here.
    pub(crate) fn recall_state(&mut self, id: &ScopeId, seq: u64) -> Result<bool, Rejected> {
        let Some(mut known) = self.scopes.remove(id) else { return Ok(false) };
        let recalled = known.recall(seq, &self.ledgers());
        self.scopes.insert(*id, known);
        recalled
    }

    pub(crate) fn scope(&self, id: &ScopeId) -> Result<&KnownScope> {
        self.scopes.get(id).ok_or_else(unknown_keychain)
    }

    pub(crate) fn ring(&self, id: &ScopeId) -> Result<&Keyring> {
        self.rings.get(id).ok_or_else(unknown_keychain)
    }

    /// The account that a user id was first seen with.
    pub(crate) fn pinned(&self, user_id: &UserId) -> Option<ScopeId> {
        self.pins.get(user_id).copied()
    }

    /// Whether the server showed another identity of a pinned account since it last showed the pinned one.
    pub(crate) fn is_disputed(&self, id: &ScopeId) -> bool {
        self.disputes.contains(id)
    }

    /// The server shows another identity of `user_id` than the pinned one. What to write at once, whatever becomes of
    /// that which is staged: the operation that found it out fails. Nothing if it is known, or nobody is pinned.
    pub(crate) fn dispute(&mut self, user_id: &UserId) -> Vec<Put> {
        let Some(id) = self.pins.get(user_id).copied() else { return Vec::new() };
        if !self.disputes.insert(id) {
            return Vec::new();
        }
        // Numbers before it belong to events that are staged. If they are dropped there is a gap, which readers skip.
        let number = self.marks.next_event;
        let event = ClientEvent::IdentityChanged { user_id: user_id.to_string() };
        self.marks.next_event += 1;
        self.marks.version += 1;
        vec![
            (record::dispute(&id), Some(Vec::new().into())),
            (record::journal(number), Some(cbor::encode(&Noted { event }).into())),
            (record::MARKS.to_owned(), Some(cbor::encode(&self.marks).into())),
        ]
    }

    /// The server shows the pinned identity again.
    pub(crate) fn settle(&mut self, id: &ScopeId) {
        if self.disputes.remove(id) {
            self.stage(record::dispute(id), None);
        }
    }

    /// Both names of an account whose ledger was read. A group is called as calls name it; whoever is not in it
    /// cannot read what it is called.
    pub(crate) fn person(&self, id: &ScopeId) -> Person {
        if self.ledgers().newest_group(id).is_some() {
            let name = self.rings.get(id).map(Keyring::purpose).filter(|name| !name.is_empty());
            let user_id = name.map_or_else(|| format!("{GROUP}{id}"), |name| format!("{GROUP}{name}"));
            return Person { user_id, account_id: id.to_string() };
        }
        // A ledger that was not fetched yet has no user id to show; replay never believed anything of its owner.
        let user_id = self.accounts.account(id).map(|ledger| ledger.user_id().to_string()).unwrap_or_default();
        Person { user_id, account_id: id.to_string() }
    }

    /// Keeps an account, and pins it if its user id is new here. A user id that belongs to another account already
    /// is `IdentityChanged`.
    pub(crate) fn keep_account(&mut self, known: KnownAccount) -> Result<()> {
        let (id, user_id) = (known.ledger().id(), known.ledger().user_id().clone());
        match self.pins.get(&user_id) {
            // Nobody knows better than oneself which account is one's own: another one was, or never was.
            Some(pinned) if *pinned != id && self.is_own(pinned) => {
                if self.former.insert(id) {
                    self.pins_moved = true;
                }
            }
            Some(pinned) if *pinned != id && !self.is_former(&id) => return Err(Error::identity_changed(user_id)),
            Some(_) => {}
            None => {
                self.pins.insert(user_id, id);
                self.unmet.insert(id);
                self.pins_moved = true;
            }
        }
        if self.accounts.get(&id).is_none_or(|before| before.head() != known.head()) {
            self.stage(record::account(&id), Some(known.encode().into()));
        }
        self.accounts.0.insert(id, known);
        Ok(())
    }

    /// Somebody has to do with this account's person: was looked up, shared with, or has shared what was taken.
    pub(crate) fn meet(&mut self, id: &ScopeId) {
        if self.unmet.remove(id) {
            self.pins_moved = true;
        }
    }

    /// Whether a pinned account is one that was met, beyond being named in a ledger.
    pub(crate) fn has_met(&self, id: &ScopeId) -> bool {
        self.accounts.get(id).is_some() && !self.unmet.contains(id) && !self.is_disputed(id)
    }

    /// Whether the person compared an account by another way than the server. One's own needs no comparing; whose
    /// identity is disputed has to be compared anew.
    pub(crate) fn is_verified(&self, id: &ScopeId) -> bool {
        self.is_own(id) || (self.verified.contains(id) && !self.is_disputed(id))
    }

    fn is_own(&self, id: &ScopeId) -> bool {
        self.enrolled.as_ref().is_some_and(|me| me.account == *id)
    }

    /// Whether another account took this one's place.
    pub(crate) fn is_former(&self, id: &ScopeId) -> bool {
        self.former.contains(id)
    }

    /// The person compared a pinned account, and it is the right one.
    pub(crate) fn verify(&mut self, id: &ScopeId) {
        self.unmet.remove(id);
        if self.verified.insert(*id) {
            self.pins_moved = true;
        }
    }

    /// The person says that an account takes the place of the one that is pinned under its user id.
    pub(crate) fn replace(&mut self, known: KnownAccount) -> Result<()> {
        let (id, user_id) = (known.ledger().id(), known.ledger().user_id().clone());
        if let Some(former) = self.pins.insert(user_id, id).filter(|former| *former != id) {
            self.former.insert(former);
            self.verified.remove(&former);
            self.settle(&former);
        }
        // It may have been somebody's before, and be it again.
        self.former.remove(&id);
        self.verified.insert(id);
        self.unmet.remove(&id);
        self.pins_moved = true;
        self.keep_account(known)
    }

    fn encode_pins(&self) -> Vec<u8> {
        let listed = |ids: &SortedSet<ScopeId>| ids.iter().copied().collect();
        cbor::encode(&Pins {
            pins: self.pins.iter().map(|(user, id)| (user.clone(), *id)).collect(),
            unmet: listed(&self.unmet),
            verified: listed(&self.verified),
            former: listed(&self.former),
        })
    }

    /// Puts an account in memory that was read from the store.
    pub(crate) fn recall_account(&mut self, known: KnownAccount) {
        self.accounts.0.insert(known.ledger().id(), known);
    }

    pub(crate) fn keep_scope(&mut self, known: KnownScope) {
        let id = known.ledger().id();
        self.stage(record::scope(&id), Some(known.encode().into()));
        self.floors.remove(&id);
        let waits = self.enrolled.as_ref().is_some_and(|me| known.unanswered(&me.account).is_some());
        self.wait_for(&id, waits);
        self.scopes.insert(id, known);
    }

    /// A share in a keychain waits for this account's answer, or none does.
    fn wait_for(&mut self, id: &ScopeId, waits: bool) {
        let is_other = if waits { self.waiting.insert(*id) } else { self.waiting.remove(id) };
        if is_other {
            let keychains = self.waiting.iter().copied().collect();
            self.stage(record::WAITING, Some(cbor::encode(&record::Waiting { keychains }).into()));
        }
    }

    /// The keychains with a share that waits for this account's answer.
    pub(crate) fn waiting(&self) -> &SortedSet<ScopeId> {
        &self.waiting
    }

    /// Puts a keychain's ledger in memory that was read from the store. `false` if it is to be fetched anew.
    pub(crate) fn recall_scope(&mut self, id: ScopeId, stored: StoredScope) -> bool {
        match stored {
            StoredScope::Known(known) => drop(self.scopes.insert(id, *known)),
            StoredScope::Floor(head) => {
                self.floors.insert(id, head);
                return false;
            }
        }
        true
    }

    /// Keeps no more of a keychain's ledger than how far it reached.
    pub(crate) fn forget_scope(&mut self, id: &ScopeId, reached: Head) {
        self.scopes.remove(id);
        self.wait_for(id, false);
        self.floors.insert(*id, reached);
        self.stage(record::scope(id), Some(StoredScope::Floor(reached).encode().into()));
    }

    /// How far a ledger reached that is not kept here any more.
    pub(crate) fn floor(&self, id: &ScopeId) -> Option<Head> {
        self.floors.get(id).copied()
    }

    /// The keychains whose ledgers are to be fetched anew.
    pub(crate) fn floors(&self) -> impl Iterator<Item = &ScopeId> {
        self.floors.keys()
    }

    /// Takes back what was staged of a keychain's ledger, to try again another time.
    pub(crate) fn restore_scope(&mut self, id: &ScopeId, before: Option<KnownScope>) {
        match before {
            Some(before) => self.keep_scope(before),
            None => {
                self.staged.remove(&record::scope(id));
                self.scopes.remove(id);
                self.wait_for(id, false);
            }
        }
    }

    /// Opens a key through history, if it is not held and history leads to it.
    pub(crate) fn reach(&mut self, id: &ScopeId, number: u32) -> bool {
        match (self.rings.get_mut(id), self.scopes.get(id)) {
            (Some(ring), Some(known)) => ring.reach(known.ledger(), number),
            _ => false,
        }
    }

    /// Keeps what a keyring holds.
    pub(crate) fn keep_ring(&mut self, id: ScopeId, ring: Keyring) {
        self.stage(record::ring(&id), Some(ring.encode()));
        self.rings.insert(id, ring);
    }

    /// Writes a record that nothing in memory mirrors.
    pub(crate) fn stage(&mut self, name: impl Into<String>, content: Option<Content>) {
        self.staged.insert(name.into(), content);
    }

    /// Whether a record will be written with the next commit.
    pub(crate) fn is_staged(&self, name: &str) -> bool {
        self.staged.contains_key(&name.to_owned())
    }

    /// Notes an event in the journal.
    pub(crate) fn emit(&mut self, event: ClientEvent) {
        let number = self.marks.next_event;
        self.marks.next_event += 1;
        if let Some(old) = number.checked_sub(record::JOURNAL_LENGTH) {
            self.stage(record::journal(old), None);
        }
        self.stage(record::journal(number), Some(cbor::encode(&Noted { event }).into()));
    }

    pub(crate) fn marks(&self) -> Marks {
        self.marks
    }

    /// All events before this one were told to somebody.
    pub(crate) fn tell_until(&mut self, number: u64) {
        if self.marks.untold < number {
            self.marks.untold = number;
            self.marks_moved = true;
        }
    }

    /// Whether there is something to commit; or, before an operation, something of a former one that failed.
    pub(crate) fn is_changed(&self) -> bool {
        self.marks_moved || self.pins_moved || !self.staged.is_empty()
    }

    /// What to write. Call [`Self::committed`] when it is durable.
    pub(crate) fn puts(&self) -> Vec<Put> {
        let marks = Marks { version: self.marks.version + 1, ..self.marks };
        let staged = self.staged.iter().map(|(name, content)| (name.clone(), content.clone()));
        let pins = self.pins_moved.then(|| (record::PINS.to_owned(), Some(self.encode_pins().into())));
        staged.chain(pins).chain([(record::MARKS.to_owned(), Some(cbor::encode(&marks).into()))]).collect()
    }

    /// The staged changes are durable.
    pub(crate) fn committed(&mut self) {
        self.marks.version += 1;
        (self.marks_moved, self.pins_moved) = (false, false);
        self.staged.clear();
    }

    /// Forgets every secret of the account, in memory; the records are the caller's to stage.
    pub(crate) fn forget_secrets(&mut self) {
        self.own = None;
        self.rings.clear();
    }
}

fn no_home() -> Error {
    Error::new(Code::NoHome, "this home has no account").hint("Sign up first: `keyfold signup USER --server URL`.")
}

/// Why somebody who is not in a keychain or group cannot use it.
pub(crate) fn not_in(ledger: &Ledger, account: &ScopeId) -> Error {
    if ledger.kind() == Kind::Group {
        return unknown_group();
    }
    if ledger.bans().contains(account) {
        return Error::new(Rejected::AuthorBanned.into(), "you are banned from this keychain")
            .hint("What was encrypted before still opens. A member with allowManagement can share it with you again.");
    }
    unknown_keychain()
}

pub(crate) fn unknown_group() -> Error {
    Error::new(Code::UnknownGroup, "there is no such group, or you are not in it")
        .hint("List yours with `keyfold group list`, or ask somebody who is in it to add you.")
}

pub(crate) fn unknown_keychain() -> Error {
    Error::new(Code::UnknownKeychain, "there is no such keychain, or you are not in it")
        .hint("List yours with `keyfold keychain list`, or ask somebody who is in it to share it.")
}
