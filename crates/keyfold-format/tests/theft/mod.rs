//! The rules of an account's holders, written a second time and without bytes, each of which can be dropped.
//!
//! Seven holders there may be, an owner and a thief, and of what they know only whether it is the newest generation.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

/// Devices, then recovery methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    First,
    /// The owner has it too.
    Stolen,
    Laptop,
    /// What the owner comes back with.
    New,
    Thiefs,
    Password,
    ThiefsWay,
}

impl Who {
    pub const ALL: [Self; 7] =
        [Self::First, Self::Stolen, Self::Laptop, Self::New, Self::Thiefs, Self::Password, Self::ThiefsWay];

    pub fn is_recovery(self) -> bool {
        matches!(self, Self::Password | Self::ThiefsWay)
    }

    pub fn is_in_hands_of(self, side: Side) -> bool {
        match side {
            Side::Owner => !matches!(self, Self::Thiefs | Self::ThiefsWay),
            Side::Thief => matches!(self, Self::Stolen | Self::Thiefs | Self::ThiefsWay),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Owner,
    Thief,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Owner, Self::Thief];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Add(Who),
    Revoke(Who, Vec<Who>),
    Remove(Who),
    Rotate,
}

/// An entry that somebody tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub side: Side,
    pub by: Who,
    pub acts: Vec<Act>,
    /// The new master key is wrapped to oneself only: who gets another's garbage has a slot that does not open.
    pub selfish: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    RecoveryIsRemovedByRecovery,
    OlderRecoveryOutranksYounger,
    RevokingSparesRecovery,
    RecoveryNeedsNoFormerKey,
    FormerKeySigns,
    RevokingRotates,
    RemovingRotates,
    AuthorIsKept,
    SomebodyHolds,
    RevokingGoesDown,
    HoldersComeOnce,
}

impl Rule {
    pub const ALL: [Self; 11] = [
        Self::RecoveryIsRemovedByRecovery,
        Self::OlderRecoveryOutranksYounger,
        Self::RevokingSparesRecovery,
        Self::RecoveryNeedsNoFormerKey,
        Self::FormerKeySigns,
        Self::RevokingRotates,
        Self::RemovingRotates,
        Self::AuthorIsKept,
        Self::SomebodyHolds,
        Self::RevokingGoesDown,
        Self::HoldersComeOnce,
    ];
}

/// Who holds the account, and who knows its newest master key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Theft {
    /// With whom each is under.
    pub holders: Vec<(Who, Option<Who>)>,
    /// All that ever were, oldest first.
    pub ever: Vec<Who>,
    pub generation: u32,
    pub owner_knows: bool,
    pub thief_knows: bool,
}

impl Theft {
    /// Each with whom it is added by; the thief has taken a device.
    pub fn new(holders: &[(Who, Option<Who>)]) -> Self {
        let ever = holders.iter().map(|(who, _)| *who).collect();
        Self { holders: holders.to_vec(), ever, generation: 0, owner_knows: true, thief_knows: true }
    }

    pub fn holds(&self, who: Who) -> bool {
        self.holders.iter().any(|(holder, _)| *holder == who)
    }

    pub fn has_holder(&self, side: Side) -> bool {
        self.holders.iter().any(|(holder, _)| holder.is_in_hands_of(side))
    }

    pub fn knows(&self, side: Side) -> bool {
        if side == Side::Owner { self.owner_knows } else { self.thief_knows }
    }

    fn tell(&mut self, side: Side, knows: bool) {
        *if side == Side::Owner { &mut self.owner_knows } else { &mut self.thief_knows } = knows;
    }

    fn is_older(&self, one: Who, other: Who) -> bool {
        let place = |who: Who| self.ever.iter().position(|other| *other == who);
        place(one) < place(other)
    }

    fn outranks(&self, by: Who, recovery: Who, dropped: Option<Rule>) -> bool {
        by.is_recovery() && (self.is_older(by, recovery) || dropped == Some(Rule::OlderRecoveryOutranksYounger))
    }

    fn remove(&mut self, who: Who) {
        let under = self.holders.iter().find(|(holder, _)| *holder == who).and_then(|(_, under)| *under);
        self.holders.retain(|(holder, _)| *holder != who);
        for (_, above) in self.holders.iter_mut().filter(|(_, above)| *above == Some(who)) {
            *above = under;
        }
    }

    fn is_below(&self, who: Who, root: Who) -> bool {
        let under = self.holders.iter().find(|(holder, _)| *holder == who).and_then(|(_, under)| *under);
        under.is_some_and(|under| under == root || self.is_below(under, root))
    }

    /// The state after an entry, or the code of the rule that it breaks.
    pub fn after(&self, step: &Step, dropped: Option<Rule>) -> Result<Self, &'static str> {
        let on = |rule| dropped != Some(rule);
        if !self.holds(step.by) {
            return Err("NotAHolder");
        }
        let rotates = step.acts.contains(&Act::Rotate);
        let needs_former =
            if step.by.is_recovery() { !on(Rule::RecoveryNeedsNoFormerKey) } else { on(Rule::FormerKeySigns) };
        if rotates && needs_former && !self.knows(step.side) {
            return Err("BadSignature");
        }
        let mut next = self.clone();
        for act in &step.acts {
            match act {
                Act::Add(who) => next.add(*who, step.by, dropped)?,
                Act::Revoke(device, kept) => next.revoke(*device, kept, step.by, rotates, dropped)?,
                Act::Remove(recovery) => next.remove_recovery(*recovery, step.by, rotates, dropped)?,
                Act::Rotate if step.acts.iter().filter(|act| **act == Act::Rotate).count() > 1 => {
                    return Err("RotatedTwice");
                }
                Act::Rotate => {}
            }
        }
        if next.holders.is_empty() && on(Rule::SomebodyHolds) {
            return Err("LastHolder");
        }
        if rotates {
            next.generation += 1;
        }
        let makes = |side| side == step.side && (rotates || self.knows(side));
        for side in Side::BOTH {
            let gets = !step.selfish && (rotates || self.knows(step.side)) && next.has_holder(side);
            let keeps = !rotates && self.knows(side);
            next.tell(side, makes(side) || gets || keeps);
        }
        Ok(next)
    }

    fn add(&mut self, who: Who, by: Who, dropped: Option<Rule>) -> Result<(), &'static str> {
        if self.ever.contains(&who) && (dropped != Some(Rule::HoldersComeOnce) || self.holds(who)) {
            return Err("HolderRepeated");
        }
        self.ever.retain(|other| *other != who);
        self.ever.push(who);
        self.holders.push((who, Some(by)));
        Ok(())
    }

    fn revoke(
        &mut self,
        device: Who,
        kept: &[Who],
        by: Who,
        rotates: bool,
        dropped: Option<Rule>,
    ) -> Result<(), &'static str> {
        let on = |rule| dropped != Some(rule);
        if device.is_recovery() || !self.holds(device) {
            return Err("NoSuchHolder");
        }
        if device == by && on(Rule::AuthorIsKept) {
            return Err("RevocationOfOneself");
        }
        if kept.iter().any(|who| *who == device || !self.holds(*who)) {
            return Err("NoSuchHolder");
        }
        if !rotates && on(Rule::RevokingRotates) {
            return Err("RevocationWithoutRotation");
        }
        let before = self.clone();
        for (who, _) in &before.holders {
            let falls = *who == device || before.is_below(*who, device) && on(Rule::RevokingGoesDown);
            let author = *who == by && on(Rule::AuthorIsKept);
            let spared = who.is_recovery() && !before.outranks(by, *who, dropped) && on(Rule::RevokingSparesRecovery);
            if falls && !author && !spared && !kept.contains(who) {
                self.remove(*who);
            }
        }
        Ok(())
    }

    fn remove_recovery(
        &mut self,
        recovery: Who,
        by: Who,
        rotates: bool,
        dropped: Option<Rule>,
    ) -> Result<(), &'static str> {
        if !recovery.is_recovery() || !self.holds(recovery) {
            return Err("NoSuchHolder");
        }
        let free = dropped == Some(Rule::RecoveryIsRemovedByRecovery);
        if recovery != by && !free && !self.outranks(by, recovery, dropped) {
            return Err("RecoveryProtected");
        }
        if !rotates && dropped != Some(Rule::RemovingRotates) {
            return Err("RevocationWithoutRotation");
        }
        self.remove(recovery);
        Ok(())
    }
}
