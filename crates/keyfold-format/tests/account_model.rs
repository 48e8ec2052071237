//! An owner whose device was stolen, and the thief: what must hold whatever both try, and which rule it rests on.
//!
//! The rules are written twice: in the crate, on bytes, and in `theft`, on symbols. Random entries get the same answer
//! from both; then each rule is dropped from the second, and a search finds what breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod household;
mod people;
mod theft;

use household::{Account, Do, Secret};
use keyfold_format::{Signature, account::Ledger, label::SignatureLabel};
use proptest::prelude::*;
use std::collections::HashSet;
use theft::{Act, Rule, Side, Step, Theft, Who};

/// Who added the password before the theft.
fn starts() -> [Theft; 4] {
    use Who::{First, Laptop, Password, Stolen, ThiefsWay};
    [
        Theft::new(&[(First, None), (Stolen, Some(First)), (Laptop, Some(First)), (Password, Some(Laptop))]),
        Theft::new(&[(First, None), (Stolen, Some(First)), (Password, Some(First))]),
        Theft::new(&[(First, None), (Stolen, Some(First)), (Password, Some(Stolen))]),
        // A younger recovery method was guessed.
        Theft::new(&[(First, None), (Password, Some(First)), (ThiefsWay, Some(First))]),
    ]
}

// ---- What must hold, written without looking at the rules.

/// What is wrong with a step that was taken.
fn wrong(before: &Theft, step: &Step, after: &Theft) -> Option<&'static str> {
    let left = |who: &Who| before.holds(*who) && !after.holds(*who);
    if after.holders.is_empty() {
        return Some("nobody holds the account");
    }
    if left(&step.by) && !(step.by.is_recovery() && step.acts.contains(&Act::Remove(step.by))) {
        return Some("the author put himself out by mistake");
    }
    let other = if step.side == Side::Owner { Side::Thief } else { Side::Owner };
    if before.has_holder(other) && !after.has_holder(other) && after.knows(other) {
        return Some("who was put out knows the newest master key");
    }
    let rotated = after.generation > before.generation;
    if rotated && !step.by.is_recovery() && !before.knows(step.side) {
        return Some("a device made a generation without knowing the one before");
    }
    if let Some(Act::Revoke(device, kept)) = step.acts.first()
        && kept.is_empty()
        && Who::ALL
            .iter()
            .any(|who| !who.is_recovery() && *who != step.by && after.holds(*who) && came_by(before, *who, *device))
    {
        return Some("what came by a revoked device is there still");
    }
    let again = |who: &Who| !before.holds(*who) && after.holds(*who) && before.ever.contains(who);
    Who::ALL.iter().any(again).then_some("who was put out is back by what he signed once")
}

/// Whether a holder was added by another one, or by one who was added by it, and so on.
fn came_by(theft: &Theft, who: Who, root: Who) -> bool {
    let under = theft.holders.iter().find(|(holder, _)| *holder == who).and_then(|(_, under)| *under);
    under.is_some_and(|under| under == root || came_by(theft, under, root))
}

/// The owner, who has nothing left but his password, comes back: `None`, or what the thief still has.
fn owner_returns(theft: &Theft, take: &mut impl FnMut(&Step) -> Option<Theft>) -> Option<&'static str> {
    let by_password = |acts: Vec<Act>| Step { side: Side::Owner, by: Who::Password, acts, selfish: false };
    if !theft.holds(Who::Password) {
        return Some("the owner's recovery method is gone");
    }
    let mut now = theft.clone();
    if !theft.ever.contains(&Who::New) {
        match take(&by_password(vec![Act::Add(Who::New)])) {
            Some(next) => now = next,
            None => return Some("the owner cannot add a device"),
        }
    }
    // One after the other, for some go with others; then once more, should the thief have gone by himself.
    let thiefs = [Who::Stolen, Who::Thiefs, Who::ThiefsWay];
    for who in thiefs.into_iter().map(Some).chain([None]) {
        let acts = match who {
            None => vec![Act::Rotate],
            Some(who) if !now.holds(who) => continue,
            Some(who) if who.is_recovery() => vec![Act::Remove(who), Act::Rotate],
            Some(who) => {
                let own = |kept: &Who| now.holds(*kept) && !kept.is_in_hands_of(Side::Thief);
                vec![Act::Revoke(who, Who::ALL.into_iter().filter(own).collect()), Act::Rotate]
            }
        };
        match take(&by_password(acts)) {
            Some(next) => now = next,
            None => return Some("the owner is refused"),
        }
    }
    match () {
        () if now.has_holder(Side::Thief) => Some("the thief holds the account still"),
        () if now.thief_knows => Some("the thief knows the newest generation"),
        () if !now.owner_knows || !now.holds(Who::Password) => Some("the owner is out"),
        () => None,
    }
}

// ---- Each rule is needed.

/// Everything that a side may try by a holder that it has.
fn attempts(theft: &Theft, side: Side) -> Vec<Step> {
    let here: Vec<Who> = theft.holders.iter().map(|(who, _)| *who).collect();
    let mut acts = vec![vec![Act::Rotate]];
    acts.extend([Who::New, Who::Thiefs, Who::ThiefsWay, Who::Laptop].map(|who| vec![Act::Add(who)]));
    for who in &here {
        if who.is_recovery() {
            acts.extend([vec![Act::Remove(*who), Act::Rotate], vec![Act::Remove(*who)]]);
        }
        let others = || here.iter().copied().filter(|other| other != who);
        for kept in [vec![], others().collect(), others().filter(|other| other.is_in_hands_of(side)).collect()] {
            acts.extend([vec![Act::Revoke(*who, kept), Act::Rotate]]);
        }
        acts.push(vec![Act::Revoke(*who, vec![])]);
    }
    let mut steps = Vec::new();
    for by in here.into_iter().filter(|who| who.is_in_hands_of(side)) {
        for selfish in [false, true] {
            steps.extend(acts.iter().map(|acts| Step { side, by, acts: acts.clone(), selfish }));
        }
    }
    steps
}

/// The first thing that breaks, within three steps of anybody or four of the thief.
fn search(start: Theft, dropped: Option<Rule>) -> Option<(&'static str, Vec<Step>)> {
    let mut seen = HashSet::new();
    let mut level = vec![(start, true, Vec::<Step>::new())];
    for depth in 0..=4 {
        let mut next = Vec::new();
        for (theft, thief_alone, trace) in level {
            if thief_alone {
                let mut now = theft.clone();
                let mut take = |step: &Step| {
                    now = now.after(step, dropped).ok()?;
                    Some(now.clone())
                };
                if let Some(lost) = owner_returns(&theft, &mut take) {
                    return Some((lost, trace));
                }
            }
            for side in if depth < 2 { &Side::BOTH[..] } else { &Side::BOTH[1..] } {
                for step in attempts(&theft, *side) {
                    let Ok(after) = theft.after(&step, dropped) else { continue };
                    let trace: Vec<Step> = trace.iter().cloned().chain([step.clone()]).collect();
                    if let Some(wrong) = wrong(&theft, &step, &after) {
                        return Some((wrong, trace));
                    }
                    let alone = thief_alone && *side == Side::Thief;
                    if depth < 4 && (alone || depth < 2) && seen.insert((after.clone(), alone)) {
                        next.push((after, alone, trace));
                    }
                }
            }
        }
        level = next;
    }
    None
}

#[test]
fn whatever_the_thief_did_first_the_owner_comes_back_and_each_rule_is_needed_for_something() {
    for start in starts() {
        assert_eq!(search(start, None), None);
    }
    for rule in Rule::ALL {
        let broken = starts().into_iter().find_map(|start| search(start, Some(rule)));
        let (what, trace) = broken.unwrap_or_else(|| panic!("nothing breaks without {rule:?}"));
        println!("without {rule:?}: {what}, by {} steps", trace.len());
    }
}

// ---- The crate follows the same rules, on bytes.

/// The theft as ledger and as symbols.
struct Both {
    account: Account,
    theft: Theft,
}

impl Both {
    fn new(start: &Theft) -> Self {
        let mut account = Account::new("alice");
        for (who, by) in &start.holders[1..] {
            let (new, by) = (secret(&account, *who), secret(&account, by.unwrap()));
            let add = if who.is_recovery() { Do::AddRecovery(&new) } else { Do::AddDevice(&new) };
            account = account.after(&by, &[add]);
        }
        Self { account, theft: start.clone() }
    }

    /// Both get the same entry. Whoever does not know the newest master key cannot sign by it.
    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let secrets: Vec<Secret> = Who::ALL.iter().map(|who| secret(&self.account, *who)).collect();
        let of = |who: &Who| &secrets[*who as usize];
        let kept: Vec<Vec<&Secret>> = step
            .acts
            .iter()
            .map(|act| if let Act::Revoke(_, kept) = act { kept.iter().map(of).collect() } else { vec![] })
            .collect();
        let acts: Vec<Do<'_>> = step
            .acts
            .iter()
            .zip(&kept)
            .map(|(act, kept)| match act {
                Act::Add(who) if who.is_recovery() => Do::AddRecovery(of(who)),
                Act::Add(who) => Do::AddDevice(of(who)),
                Act::Revoke(who, _) => Do::Revoke(of(who), kept),
                Act::Remove(who) => Do::RemoveRecovery(of(who)),
                Act::Rotate => Do::Rotate,
            })
            .collect();
        let (ledger_key, knows) = (self.account.generation().ledger, self.theft.knows(step.side));
        let entry = self.account.resigned(of(&step.by), &acts, |signed, signatures| {
            let former = people::sign(&ledger_key, SignatureLabel::AccountRotation, signed);
            for signature in signatures.iter_mut().filter(|signature| !knows && **signature == former) {
                *signature = Signature([0; 64]);
            }
        });
        let before = self.account.ledger.clone();
        let taken = self.account.append(entry).map_err(|rejected| rejected.code());
        let expected = self.theft.after(step, None);
        prop_assert_eq!(taken, expected.as_ref().map(drop).map_err(|code| *code), "{:?}", step);
        match expected {
            Err(_) => prop_assert_eq!(&self.account.ledger, &before, "a rejected entry changed the state"),
            Ok(after) => {
                prop_assert_eq!(wrong(&self.theft, step, &after), None, "{:?}", step);
                self.theft = after;
            }
        }
        let holders: Vec<Who> = Who::ALL.into_iter().filter(|who| self.account.holds(of(who))).collect();
        let mut expected: Vec<Who> = self.theft.holders.iter().map(|(who, _)| *who).collect();
        expected.sort();
        prop_assert_eq!(holders, expected);
        prop_assert_eq!(self.account.ledger.generation(), self.theft.generation);
        Ok(())
    }
}

fn secret(account: &Account, who: Who) -> Secret {
    match who {
        Who::First => account.first.clone(),
        who if who.is_recovery() => account.recovery(&format!("{who:?}")),
        who => account.device(&format!("{who:?}")),
    }
}

fn who() -> impl Strategy<Value = Who> {
    prop::sample::select(&Who::ALL[..])
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        3 => who().prop_map(Act::Add),
        4 => (who(), prop::collection::btree_set(who(), 0..4))
            .prop_map(|(device, kept)| Act::Revoke(device, kept.into_iter().collect())),
        2 => who().prop_map(Act::Remove),
        1 => Just(Act::Rotate),
    ];
    // Most entries rotate, or few revocations would be taken.
    let acts = (prop::collection::vec(act, 1..4), prop::bool::weighted(0.7)).prop_map(|(mut acts, rotates)| {
        acts.extend(rotates.then_some(Act::Rotate));
        acts
    });
    let step = (any::<bool>(), who(), acts, any::<bool>()).prop_map(|(owner, by, acts, selfish)| {
        let side = if owner && by.is_in_hands_of(Side::Owner) || !by.is_in_hands_of(Side::Thief) {
            Side::Owner
        } else {
            Side::Thief
        };
        Step { side, by, acts, selfish }
    });
    prop::collection::vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn whatever_owner_and_thief_try_ledger_and_symbols_agree(start in 0..4_usize, steps in steps()) {
        let mut both = Both::new(&starts()[start]);
        for step in &steps {
            both.take(step)?;
        }
        prop_assert_eq!(&Ledger::replay(&both.account.entries).unwrap(), &both.account.ledger);
        prop_assert_eq!(&Ledger::restored(&both.account.entries).unwrap(), &both.account.ledger);
    }

    #[test]
    fn after_a_walk_of_the_thief_the_owner_comes_back(start in 0..4_usize, steps in steps()) {
        let mut both = Both::new(&starts()[start]);
        for step in steps.iter().filter(|step| step.by.is_in_hands_of(Side::Thief)) {
            both.take(&Step { side: Side::Thief, ..step.clone() })?;
        }
        let stolen = both.theft.clone();
        let mut take = |step: &Step| {
            both.take(step).unwrap();
            Some(both.theft.clone())
        };
        prop_assert_eq!(owner_returns(&stolen, &mut take), None);
    }
}
