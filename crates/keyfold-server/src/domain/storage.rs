//! What vaults store here: members read, and write unless they are only to read. The server knows objects by their hash,
//! and of references which was swapped for which.
//!
//! Spec: `docs/spec/http.md`, "Storage".

use super::{Caller, Domain, Fault, fault, fault::unknown_keychain, groups::stands_as, too_large};
use crate::{clock, store::Object};
use keyfold_format::{
    ObjectId, ScopeId,
    id::hash,
    label::HashLabel,
    scope::{Kind, Member},
};
use keyfold_protocol::{
    Code, Details,
    events::ReferenceNews,
    limits,
    wire::{
        DeleteObjects, ListObjects, ListReferences, ObjectIds, Objects, PutObjects, ReadObjects, ReadReference,
        ReferenceNames, ReferenceNow, Stored, SwapReference, Swapped,
    },
};
use std::collections::BTreeSet;

impl Domain {
    /// Keeps objects. Each is named by its hash, so nobody puts something else in the place of one.
    pub(crate) async fn put_objects(&self, caller: &Caller, scope: ScopeId, put: PutObjects) -> Result<Stored, Fault> {
        let objects = put.objects.into_iter().map(|bytes| match bytes.len() {
            0 => Err(fault(Code::Malformed, "an object has one byte at least")),
            1..=limits::OBJECT_BYTES => Ok(Object { id: ObjectId(hash(HashLabel::Object, &[&bytes])), bytes }),
            _ => Err(too_large(limits::OBJECT_BYTES)),
        });
        let objects: Vec<Object> = objects.collect::<Result<_, _>>()?;
        self.check_writer(caller, scope).await?;
        let count = objects.len() as u32;
        self.store.put_objects(caller.once, scope, objects, clock::now_ms()).await?;
        Ok(Stored { count })
    }

    /// Objects, as many as one reply holds.
    pub(crate) async fn read_objects(
        &self,
        caller: &Caller,
        scope: ScopeId,
        mut asked: ReadObjects,
    ) -> Result<Objects, Fault> {
        self.members(caller, scope).await?;
        asked.ids.truncate(limits::OBJECTS);
        Ok(Objects { objects: self.store.objects(scope, asked.ids).await? })
    }

    /// Lets go of objects.
    pub(crate) async fn delete_objects(
        &self,
        caller: &Caller,
        scope: ScopeId,
        delete: DeleteObjects,
    ) -> Result<Stored, Fault> {
        self.check_writer(caller, scope).await?;
        let count = delete.ids.len() as u32;
        self.store.delete_objects(caller.once, scope, delete.ids).await?;
        Ok(Stored { count })
    }

    /// Which objects there are, for sweeping.
    pub(crate) async fn list_objects(
        &self,
        caller: &Caller,
        scope: ScopeId,
        asked: ListObjects,
    ) -> Result<ObjectIds, Fault> {
        self.members(caller, scope).await?;
        let before_ms = clock::now_ms().saturating_sub(asked.age_ms.max(limits::SETTLED_MS));
        Ok(ObjectIds { ids: self.store.object_ids(scope, asked.after, before_ms).await? })
    }

    /// Which references there are, for sweeping.
    pub(crate) async fn list_references(
        &self,
        caller: &Caller,
        scope: ScopeId,
        asked: ListReferences,
    ) -> Result<ReferenceNames, Fault> {
        self.members(caller, scope).await?;
        asked.after.as_deref().map_or(Ok(()), check_name)?;
        Ok(ReferenceNames { names: self.store.reference_names(scope, asked.after).await? })
    }

    /// What stands under a reference.
    pub(crate) async fn read_reference(
        &self,
        caller: &Caller,
        scope: ScopeId,
        asked: ReadReference,
    ) -> Result<ReferenceNow, Fault> {
        self.members(caller, scope).await?;
        check_name(&asked.name)?;
        Ok(ReferenceNow { reference: self.store.reference(scope, asked.name).await? })
    }

    /// Puts something else under a reference, and tells the members.
    pub(crate) async fn swap_reference(
        &self,
        caller: &Caller,
        scope: ScopeId,
        swap: SwapReference,
    ) -> Result<Swapped, Fault> {
        check_name(&swap.name)?;
        if swap.bytes.len() > limits::REFERENCE_BYTES {
            return Err(too_large(limits::REFERENCE_BYTES));
        }
        let mut audience = self.check_writer(caller, scope).await?;
        let news = ReferenceNews { scope, name: swap.name.clone() };
        let swapped = self.store.swap_reference(caller.once, scope, swap).await?;
        if swapped.version.is_some() {
            audience.extend(self.store.inside(scope).await?);
            self.hub.tell_of_reference(&news, &audience);
        }
        Ok(swapped)
    }

    /// The caller may write; gives the members.
    async fn check_writer(&self, caller: &Caller, scope: ScopeId) -> Result<BTreeSet<ScopeId>, Fault> {
        self.check_fresh(caller).await?;
        let (members, may_write) = self.members(caller, scope).await?;
        if may_write { Ok(members) } else { Err(fault(Code::NotAllowed, "you may only read in this keychain")) }
    }

    /// The members of a keychain that the caller is a member of, and whether he may write there.
    async fn members(&self, caller: &Caller, scope: ScopeId) -> Result<(BTreeSet<ScopeId>, bool), Fault> {
        let ways = self.ways(caller.account, scope).await?;
        self.on_disk(scope, |ledger| {
            let standing = stands_as(ledger, caller.account, ways.clone());
            let own: Vec<&Member> = standing.iter().filter_map(|id| ledger.members().get(id)).collect();
            if own.is_empty() || ledger.kind() != Kind::Keychain {
                return Err(unknown_keychain());
            }
            Ok((ledger.members().keys().copied().collect(), own.iter().any(|member| !member.read_only)))
        })
        .await
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if name.is_empty() || name.len() > limits::REFERENCE_NAME_BYTES || !is_plain {
        return Err(fault(Code::BadText, "a reference's name has 1 to 64 letters, digits, `-` and `_`")
            .details(Details::Limit(limits::REFERENCE_NAME_BYTES as u64)));
    }
    Ok(())
}
