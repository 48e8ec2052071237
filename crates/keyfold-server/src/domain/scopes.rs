//! Keychains and groups: founding, appending, accepting. The ledger's replay decides; this drives it and hands what it
//! allowed to the store, with exactly the wraps that it entitles.

use super::{
    Caller, Domain, Fault,
    accounts::content,
    fault,
    fault::{check_entry_time, stale_citation, unknown_keychain},
    ledgers::decode_all,
    replay::{Cited, Known},
};
use crate::{
    clock,
    store::{Limit, NewEntry, Reading, StoreError},
};
use keyfold_format::{
    Rejected, ScopeId,
    entry::{Cite, Head, SignedEntry},
    scope::{self, Kind, Ledgers, Member, Op, ScopeEntry, State, WrapFor},
    wrap::Wrap,
};
use keyfold_protocol::{
    Code, Details,
    error::Standing as StandingEntries,
    wire::{Append, Appended, CreateScope, Place, Placed, ScopeKind, Standing},
};
use std::{cmp::Ordering, collections::BTreeSet};

/// How often an entry is tried anew because what it stood on did not reach the disk.
pub(super) const TRIES: usize = 16;

impl Domain {
    /// Founds a keychain or group.
    pub(crate) async fn create_scope(&self, caller: &Caller, create: CreateScope) -> Result<Appended, Fault> {
        let ScopeEntry::Ordinary(parsed) = ScopeEntry::decode(&create.genesis.signed)? else {
            return Err(Rejected::PlacedMisplaced.into());
        };
        let seen = self.check_author(caller, parsed.author, parsed.time, &parsed.cites).await?;
        let ledger = scope::Ledger::genesis(&create.genesis, &seen.known)?;
        check_wraps(ledger.wraps_needed(&parsed.ops), &create.wraps)?;
        let (id, head) = (ledger.id(), ledger.head());
        let touched = BTreeSet::from([caller.account]);
        let mut entry = new_entry(&ledger, &create.genesis, caller.account, None, create.wraps, touched);
        entry.cites = heads(&parsed.cites);
        self.store.append(caller.once, entry).await?;
        Ok(Appended { receipt: self.secrets.receipt(id, head, clock::now_ms()) })
    }

    /// Appends an entry that names its place.
    pub(crate) async fn append(&self, caller: &Caller, scope: ScopeId, append: Append) -> Result<Appended, Fault> {
        self.check_fresh(caller).await?;
        let ScopeEntry::Ordinary(parsed) = ScopeEntry::decode(&append.entry.signed)? else {
            return Err(Rejected::PlacedMisplaced.into());
        };
        let Seen { mut known, groups } = self.check_author(caller, parsed.author, parsed.time, &parsed.cites).await?;
        let comes_through = !parsed.via.is_empty() && self.reads_all(caller, scope).await?;
        let slot = self.replayed.slot(scope);
        for _ in 0..TRIES {
            let mut tip = self.replayed.tip(&*self.store, scope, &slot).await?;
            let ledger = tip.ledger()?;
            let standing = ledger.standing(&caller.account);
            if standing.is_none() && !comes_through {
                return Err(unknown_keychain());
            }
            if (parsed.via.is_empty() && standing.is_some_and(expired)) || way_expired(ledger, &parsed, &known) {
                return Err(fault(Code::NotAllowed, "your membership has expired"));
            }
            let held = ledger.head();
            if held != append.expected {
                let settled = tip.settled();
                drop(tip);
                // Only what is on the disk is answered.
                if settled.await {
                    if let Some(standing) = self.conflict(scope, append.expected).await? {
                        return Err(standing);
                    }
                    // The store has what was expected: the tip is behind it.
                    let mut tip = self.replayed.tip(&*self.store, scope, &slot).await?;
                    if tip.ledger()?.head() == held {
                        tip.forget();
                    }
                }
                continue;
            }
            let before = Before::of(ledger, &parsed.ops);
            self.append_known(ledger, &append.entry, &mut known).await?;
            if let Err(wrong) = check_wraps(ledger.wraps_needed(&parsed.ops), &append.wraps) {
                tip.forget();
                return Err(wrong);
            }
            let head = ledger.head();
            let mut touched = touched(&parsed.ops);
            touched.extend(before.audience.iter().filter(|id| ledger.standing(id).is_none()));
            let follows = Some(append.expected);
            let mut entry = new_entry(ledger, &append.entry, caller.account, follows, append.wraps, touched);
            entry.audience_groups.extend(before.groups.iter().filter(|id| !ledger.groups().contains_key(id)));
            entry.cites = heads(&parsed.cites);
            entry.bans = before.changed_bans(ledger);
            entry.cited = groups;
            entry.cited.extend(recipients(ledger, &parsed.ops));
            // Queued before the tip is let go, so that the store sees appends in the order of their replay.
            let written = tip.follow(self.store.append(caller.once, entry));
            drop(tip);
            return match written.await {
                Ok(()) => Ok(Appended { receipt: self.secrets.receipt(scope, head, clock::now_ms()) }),
                Err(StoreError::HeadMoved) => Err(self.conflict(scope, append.expected).await?.unwrap_or_else(busy)),
                Err(error) => Err(error.into()),
            };
        }
        Err(busy())
    }

    /// Places an entry that names none: after whatever stands there.
    pub(crate) async fn place(&self, caller: &Caller, scope: ScopeId, place: Place) -> Result<Placed, Fault> {
        self.check_fresh(caller).await?;
        let parsed = ScopeEntry::decode(&place.entry.signed)?;
        let ScopeEntry::Placed(placed) = &parsed else { return Err(Rejected::PlacedMisplaced.into()) };
        let cite = placed.author;
        let mut known = self.check_author(caller, cite.principal, placed.time, &[cite]).await?.known;
        let wraps = self.store.wraps(scope, caller.account).await?;
        let slot = self.replayed.slot(scope);
        for _ in 0..TRIES {
            let mut tip = self.replayed.tip(&*self.store, scope, &slot).await?;
            let ledger = tip.ledger()?;
            let before = ledger.head();
            let refused = match ledger.standing(&caller.account) {
                None => Some(unknown_keychain()),
                // The share has expired, and a membership may be left whenever its holder likes.
                Some(standing) if placed.op == Op::Accept && expired(standing) => {
                    return Err(fault(Rejected::NotPending.into(), "the share has expired"));
                }
                Some(_) => self.append_known(ledger, &place.entry, &mut known).await.err(),
            };
            if let Some(refused) = refused {
                let settled = tip.settled();
                drop(tip);
                // No verdict on what never was.
                if settled.await {
                    return self.placed_before(caller, scope, &place.entry).await?.ok_or(refused);
                }
                continue;
            }
            let head = ledger.head();
            let wraps = entitled(ledger, wraps.clone());
            let touched = BTreeSet::from([caller.account]);
            let mut entry = new_entry(ledger, &place.entry, caller.account, Some(before), Vec::new(), touched);
            entry.cites = heads(&[cite]);
            let written = tip.follow(self.store.append(caller.once, entry));
            drop(tip);
            match written.await {
                Ok(()) => {
                    let receipt = self.secrets.receipt(scope, head, clock::now_ms());
                    return Ok(Placed { seq: head.seq, prev: before.hash, receipt, wraps });
                }
                Err(StoreError::HeadMoved) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy())
    }

    /// Refuses a replay before any work is done for it.
    pub(super) async fn check_fresh(&self, caller: &Caller) -> Result<(), Fault> {
        if self.store.spent(caller.once).await? { Err(StoreError::Replayed.into()) } else { Ok(()) }
    }

    /// The caller writes in his own name, now, and cites nothing older than what this server holds, and no group that
    /// he could not read: that is as if it were not there.
    async fn check_author(&self, caller: &Caller, author: ScopeId, time: u64, cites: &[Cite]) -> Result<Seen, Fault> {
        if author != caller.account {
            return Err(fault(Code::NotAllowed, "the entry's author is not who asks"));
        }
        check_entry_time(time)?;
        let mut seen = Seen { known: self.replayed.accounts(&*self.store, [author].into()).await?, groups: Vec::new() };
        for cite in cites {
            let cited = self.replayed.cited(&*self.store, cite.principal).await?;
            match cited.ok_or(Rejected::CitationUnknown)? {
                Cited::Account(ledger) => {
                    check_newest(cite, ledger.head().seq, "an account")?;
                    seen.known.insert_account(cite.principal, ledger);
                }
                Cited::Group(newest) => {
                    if !self.reads_all(caller, cite.principal).await? {
                        return Err(Rejected::CitationUnknown.into());
                    }
                    check_newest(cite, newest.seq, "a group")?;
                    let missing = Rejected::MissingState(cite.principal, newest.seq);
                    self.replayed.provide(&*self.store, &mut seen.known, missing).await??;
                    seen.groups.push((cite.principal, newest.seq));
                }
            }
        }
        Ok(seen)
    }

    /// Whether the caller reads a scope now, all of it.
    async fn reads_all(&self, caller: &Caller, scope: ScopeId) -> Result<bool, Fault> {
        Ok(self.store.reading(scope, caller.account).await? == Some(Reading::All))
    }

    /// Appends to a ledger in memory, with what states of groups it asks for.
    async fn append_known(
        &self,
        ledger: &mut scope::Ledger,
        entry: &SignedEntry,
        known: &mut Known,
    ) -> Result<(), Fault> {
        // Each is asked for once: what was provided stays at hand.
        while let Err(stopped) = ledger.append(entry, known) {
            self.replayed.provide(&*self.store, known, stopped).await??;
        }
        Ok(())
    }

    /// The entries that stand where an append wanted to be; `None` if none do.
    pub(super) async fn conflict(&self, scope: ScopeId, expected: Head) -> Result<Option<Fault>, Fault> {
        let page = self.store.page(scope, Some(expected.seq), Limit::PAGE).await?.ok_or_else(unknown_keychain)?;
        if page.head == expected {
            return Ok(None);
        }
        let entries = decode_all(&page.entries)?;
        let receipt = self.secrets.receipt(scope, page.head, clock::now_ms());
        let standing = Details::Standing(StandingEntries { entries, receipt });
        let moved = Fault::from(StoreError::HeadMoved).hint("replay what stands there and sign again");
        Ok(Some(moved.details(standing)))
    }

    /// A placed entry that stands already, sent again: it is answered as it was. The receipt and the wraps are what
    /// the caller may have now, which is nothing after a `Leave`.
    async fn placed_before(
        &self,
        caller: &Caller,
        scope: ScopeId,
        entry: &SignedEntry,
    ) -> Result<Option<Placed>, Fault> {
        let Some((seq, prev)) = self.store.placed(scope, content(entry)).await? else { return Ok(None) };
        let head = self.readable_head(caller, scope).await?;
        let receipt = self.secrets.receipt(scope, head, clock::now_ms());
        let wraps = match self.own_wraps(caller, scope).await {
            Ok(own) => own.wraps,
            Err(refused) if refused.code() == Code::UnknownKeychain => Vec::new(),
            Err(failed) => return Err(failed),
        };
        Ok(Some(Placed { seq, prev, receipt, wraps }))
    }
}

pub(super) fn busy() -> Fault {
    fault(Code::ServerUnavailable, "the server is busy").details(Details::RetryAfter(1))
}

/// What an author has seen, and is at hand for judging his entry.
struct Seen {
    known: Known,
    /// The groups that he cites, with the numbers of their newest entries.
    groups: Vec<(ScopeId, u64)>,
}

/// What an entry cites is the newest that the server holds.
fn check_newest(cite: &Cite, newest: u64, what: &str) -> Result<(), Fault> {
    match cite.head.seq.cmp(&newest) {
        Ordering::Less => Err(stale_citation(what)),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Rejected::CitationUnknown.into()),
    }
}

/// What of a state tells, beside the state after an entry, whom that put out.
struct Before {
    /// Who stood in it; nobody if the entry bans nobody, for then it names whom it puts out.
    audience: Vec<ScopeId>,
    groups: Vec<ScopeId>,
    bans: BTreeSet<ScopeId>,
}

impl Before {
    fn of(ledger: &scope::Ledger, ops: &[Op]) -> Self {
        let audience = if bans(ops) { ledger.audience().copied().collect() } else { Vec::new() };
        let groups = ledger.groups().keys().copied().collect();
        Self { audience, groups, bans: ledger.bans().iter().copied().collect() }
    }

    /// Who is banned now and was not, and (`false`) who was and is not.
    fn changed_bans(&self, ledger: &scope::Ledger) -> Vec<(ScopeId, bool)> {
        let after: BTreeSet<ScopeId> = ledger.bans().iter().copied().collect();
        self.bans.symmetric_difference(&after).map(|id| (*id, after.contains(id))).collect()
    }
}

/// Whether a membership has expired through which the author acts. Steps that are none, replay refuses.
fn way_expired(ledger: &scope::Ledger, entry: &scope::Entry, known: &Known) -> bool {
    let mut here: Option<&State> = Some(ledger);
    let mut found = false;
    for step in entry.via.iter().chain([&entry.author]).filter(|_| !entry.via.is_empty()) {
        found |= here.and_then(|here| here.members().get(step)).is_some_and(expired);
        let cite = entry.cites.iter().find(|cite| cite.principal == *step);
        here = cite.and_then(|cite| known.group(step, cite.head.seq));
    }
    found
}

/// A membership or share whose time is up counts no more, though the ledger still has it. Enforced by this clock, until
/// an entry says so.
pub(super) fn expired(member: &Member) -> bool {
    member.expires_at.is_some_and(|at| at <= clock::now_ms())
}

/// Those of a recipient's wraps that the state entitles him to now.
pub(super) fn entitled(ledger: &scope::Ledger, mut wraps: Vec<Wrap>) -> Vec<Wrap> {
    wraps.retain(|wrap| ledger.entitles(&wrap.recipient, wrap.number, wrap.history));
    wraps
}

/// Exactly the wraps that the entry entitles: all of them, or somebody could not read; no others, or the store could
/// be filled.
fn check_wraps(needed: Vec<WrapFor>, given: &[Wrap]) -> Result<(), Fault> {
    let mut rest: BTreeSet<WrapFor> = needed.into_iter().collect();
    for wrap in given {
        let is_for = WrapFor {
            key: wrap.number,
            recipient: wrap.recipient,
            recipient_number: wrap.recipient_number,
            history: wrap.history,
        };
        if !rest.remove(&is_for) {
            return Err(fault(Code::WrapUnexpected, "a wrap is there that the entry entitles nobody to"));
        }
    }
    match rest.first() {
        None => Ok(()),
        Some(missing) => {
            Err(fault(Code::WrapMissing, format!("key {} is not wrapped for {}", missing.key, missing.recipient)))
        }
    }
}

/// The entry as the store takes it. `ledger` is the state that it made, `touched` are those whose standing it may have
/// changed; they hear of it, also if they have none any more.
fn new_entry(
    ledger: &scope::Ledger,
    entry: &SignedEntry,
    author: ScopeId,
    follows: Option<Head>,
    wraps: Vec<Wrap>,
    touched: BTreeSet<ScopeId>,
) -> NewEntry {
    let audience: BTreeSet<ScopeId> = ledger.audience().chain(&touched).copied().collect();
    NewEntry {
        scope: ledger.id(),
        kind: match ledger.kind() {
            Kind::Keychain => ScopeKind::Keychain,
            Kind::Group => ScopeKind::Group,
        },
        head: ledger.head(),
        follows,
        content: content(entry),
        author,
        entry: entry.encode(),
        wraps,
        cites: Vec::new(),
        cited: Vec::new(),
        bans: Vec::new(),
        standings: touched.into_iter().map(|id| (id, standing(ledger, &id))).collect(),
        audience: audience.into_iter().collect(),
        audience_groups: ledger.groups().keys().copied().collect(),
    }
}

/// What an entry cites, by the numbers of the newest entries.
fn heads(cites: &[Cite]) -> Vec<(ScopeId, u64)> {
    cites.iter().map(|cite| (cite.principal, cite.head.seq)).collect()
}

/// Whose standing the ops of an ordinary entry may change by naming them. A ban also ends the shares that the banned
/// made: whom it put out, the states before and after tell.
fn touched(ops: &[Op]) -> BTreeSet<ScopeId> {
    let of = |op: &Op| match op {
        Op::Share(share) => share.principals.iter().map(|p| p.id()).collect(),
        Op::CancelShare(cancel) => vec![cancel.principal],
        Op::Expire(expire) => vec![expire.principal],
        _ => Vec::new(),
    };
    ops.iter().flat_map(of).collect()
}

/// To whom a new key is wrapped, each at the head that the scope cites. What has not moved an entry need not cite, so
/// what it cites does not tell whether any of that is old.
fn recipients<'a>(ledger: &'a scope::Ledger, ops: &[Op]) -> impl Iterator<Item = (ScopeId, u64)> + 'a {
    let rotates = ops.iter().any(Op::is_rotate);
    let followers = ledger.followers().filter(move |(id, _)| rotates && ledger.takes_wraps(id));
    followers.filter_map(|(id, _)| Some((*id, ledger.cited(id)?.head.seq)))
}

fn bans(ops: &[Op]) -> bool {
    ops.iter().any(|op| matches!(op, Op::Ban(_)))
}

fn standing(ledger: &scope::Ledger, id: &ScopeId) -> Option<Standing> {
    if ledger.members().contains_key(id) {
        Some(Standing::Member)
    } else {
        ledger.pending().contains_key(id).then_some(Standing::Pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_format::wrap::{WrapKind, WrapPlace};

    fn wrap(number: u32, history: bool) -> Wrap {
        let recipient = ScopeId([7; 32]);
        let place =
            WrapPlace { kind: WrapKind::Keychain, scope: recipient, number, recipient, recipient_number: 3, history };
        Wrap::new(&place, vec![0; if history { 1_200 } else { 1_168 }]).unwrap()
    }

    fn needed(key: u32, history: bool) -> WrapFor {
        WrapFor { key, recipient: ScopeId([7; 32]), recipient_number: 3, history }
    }

    #[test]
    fn exactly_the_entitled_wraps_are_taken() {
        let both = || vec![needed(1, false), needed(2, true)];
        let code = |given: &[Wrap]| check_wraps(both(), given).map_err(|fault| fault.code());
        assert_eq!(code(&[wrap(2, true), wrap(1, false)]), Ok(()));
        assert_eq!(code(&[wrap(1, false)]), Err(Code::WrapMissing));
        assert_eq!(code(&[wrap(1, false), wrap(2, true), wrap(1, false)]), Err(Code::WrapUnexpected));
        assert_eq!(code(&[wrap(1, false), wrap(2, false)]), Err(Code::WrapUnexpected));
        assert_eq!(code(&[wrap(1, false), wrap(2, true), wrap(3, true)]), Err(Code::WrapUnexpected));
    }
}
