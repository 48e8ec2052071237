//! Changing an index: the trees are written anew, and the reference is swapped, by one after the other.

use crate::{
    batch::{Batch, Long, parted},
    build::Written,
    change::{Change, Changed, Changes, Overlay, Put, framed},
    error::{IndexError, Result},
    former::{Former, Headers},
    index::{Index, Moment, TRIES},
    limits::{INLINE_CHANGES, INLINE_HEADERS, OVERHEAD, RECORD, SEGMENTS, TAIL_BYTES, TAIL_CHANGES},
    node::{Apart, Child},
    record::{self, Body, Header, Segment, SignedHeader, Top},
    retired,
    seal::{At, Keys, Kind},
    snapshot::Snapshot,
    state::{State, version},
    store::{Reference, Store, StoreError, Swapped},
};
use keyfold_format::{ObjectId, cbor};
use rand_core::CryptoRng;
use std::{collections::BTreeMap, sync::Arc};
use zeroize::Zeroizing;

/// What a record is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Changes, and whatever they make necessary.
    Change,
    /// The tail is brought into the trees.
    Fold,
    /// Nobody writes behind an older one any more, with what he has put for that.
    Fence,
}

impl<S: Store, K: Keys> Index<S, K> {
    /// Commits changes as they are, whatever others have done: of two who change one key, the last one wins. What waits
    /// while something else is committed goes out as one, in the order in which it came; whoever gives up waiting before
    /// that has committed nothing.
    pub async fn commit(&self, batch: Batch, mut moment: Moment<'_, impl CryptoRng>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        batch.check()?;
        let outcome = self.line.join(batch);
        let _turn = self.line.turn.lock().await;
        loop {
            if let Some(outcome) = outcome.take() {
                return outcome;
            }
            let mut together = self.line.together();
            let result = self.commit_now(together.batch(&outcome), &mut moment).await;
            together.tell(&result);
        }
    }

    async fn commit_now(&self, batch: Batch, moment: &mut Moment<'_, impl CryptoRng>) -> Result<()> {
        let mut apart = Vec::new();
        let (mut changes, long) = parted(batch);
        self.seal_long(&long, &mut changes, &mut apart, moment.rng)?;
        let mut state = match self.state() {
            Some(state) => Some(state),
            None => self.latest().await?.state,
        };
        for _ in 0..TRIES {
            let next = match self.try_commit(state.clone(), &changes, Deed::Change, &mut apart, moment).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(stands)) => self.overtaken(stands, state.as_ref()).await?,
                Err(error) => self.newer(state.as_ref(), error).await?,
            };
            // What was put for a state before somebody swept may be swept away.
            if next.as_ref().and_then(|next| next.body.retired) != state.as_ref().and_then(|state| state.body.retired) {
                apart.clear();
                self.seal_long(&long, &mut changes, &mut apart, moment.rng)?;
            }
            state = next;
        }
        Err(IndexError::Conflict)
    }

    /// Reads, decides and commits, on one state: if others were faster, all of it is done again on theirs. What
    /// `decide` refuses on the newest state is returned, and nothing changed.
    pub async fn transact<E: From<IndexError>>(
        &self,
        mut moment: Moment<'_, impl CryptoRng>,
        decide: impl AsyncFn(&Snapshot<S, K>) -> Result<Batch, E>,
    ) -> Result<(), E> {
        let mut snapshot = self.known().await?;
        for _ in 0..TRIES {
            let batch = match decide(&snapshot).await {
                Ok(batch) => batch,
                Err(refused) => {
                    let newest = self.newest().await?;
                    if version(newest.as_ref()) == version(snapshot.state.as_ref()) {
                        return Err(refused);
                    }
                    snapshot = self.at(newest);
                    continue;
                }
            };
            batch.check()?;
            let mut apart = Vec::new();
            let (mut changes, long) = parted(batch);
            self.seal_long(&long, &mut changes, &mut apart, moment.rng)?;
            if changes.is_empty() {
                return Ok(());
            }
            let state = snapshot.state.clone();
            let next = match self.try_commit(state.clone(), &changes, Deed::Change, &mut apart, &mut moment).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(stands)) => self.overtaken(stands, state.as_ref()).await?,
                Err(error) => self.newer(state.as_ref(), error).await?,
            };
            snapshot = self.at(next);
        }
        Err(IndexError::Conflict.into())
    }

    /// Whether the tail is so long that reading would be faster without it.
    pub fn wants_folding(&self) -> bool {
        self.state().is_some_and(|state| state.overlay.weight() > TAIL_BYTES || state.overlay.count() > TAIL_CHANGES)
    }

    /// Brings the tail into the trees. Whoever reads or writes meanwhile does not wait; if somebody commits first,
    /// nothing happened, and `false` is returned.
    pub async fn fold(&self, mut moment: Moment<'_, impl CryptoRng>) -> Result<bool> {
        let Some(state) = self.state() else { return Ok(true) };
        if state.overlay.count() == 0 {
            return Ok(true);
        }
        match self.try_commit(Some(state.clone()), &[], Deed::Fold, &mut Vec::new(), &mut moment).await {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(stands)) => self.overtaken(stands, Some(&state)).await?,
            Err(error) => self.newer(Some(&state), error).await?,
        };
        Ok(false)
    }

    /// Puts a record that changes nothing in the place of the newest: whoever wrote for that one fails, and seals anew what
    /// he puts.
    pub(crate) async fn fence(&self, moment: &mut Moment<'_, impl CryptoRng>) -> Result<()> {
        let mut state = self.newest().await?;
        for _ in 0..TRIES {
            if state.is_none() {
                return Ok(());
            }
            state = match self.try_commit(state.clone(), &[], Deed::Fence, &mut Vec::new(), moment).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(stands)) => self.overtaken(stands, state.as_ref()).await?,
                Err(error) => self.newer(state.as_ref(), error).await?,
            };
        }
        Err(IndexError::Conflict)
    }

    /// Seals the values that stand apart, each for the change in its place.
    fn seal_long(
        &self,
        long: &[Long],
        changes: &mut [Change],
        objects: &mut Vec<(ObjectId, Vec<u8>)>,
        rng: &mut impl CryptoRng,
    ) -> Result<()> {
        for (place, value) in long {
            let Some(change) = changes.get_mut(*place) else { continue };
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            let (at, sealed) = self.trees.sealer.seal(Kind::Value { tree: change.tree }, value.clone(), rng)?;
            objects.push((at.object, sealed));
            change.put = Put::Apart(Apart { object: at.object, key: at.key, length });
        }
        Ok(())
    }

    /// One attempt. Inside, what stands there instead. `apart`: what is put with it, if it was not yet.
    async fn try_commit(
        &self,
        before: Option<Arc<State>>,
        changes: &[Change],
        deed: Deed,
        apart: &mut Vec<(ObjectId, Vec<u8>)>,
        moment: &mut Moment<'_, impl CryptoRng>,
    ) -> Result<Result<(), Option<Reference>>> {
        let mut written = Written::default();
        let mut body = before.as_ref().map_or_else(Body::default, |before| before.body.clone());
        let count = body.changes.len() + changes.len();
        let inline: usize = body.changes.iter().chain(changes).map(Change::weight).sum();
        let is_bulk = inline > TAIL_BYTES || count > TAIL_CHANGES;
        // Who sweeps could not know of an index to come: it is founded before anything is put for it.
        if before.is_none() && (is_bulk || inline > INLINE_CHANGES || !apart.is_empty()) {
            Box::pin(self.try_commit(None, &[], Deed::Change, &mut Vec::new(), moment)).await?.ok();
            return Ok(Err(self.trees.store.read(&self.name).await?));
        }
        let mut overlay = Overlay::default();
        if deed == Deed::Fold || is_bulk || (inline > INLINE_CHANGES && body.segments.len() >= SEGMENTS) {
            let tail = before.as_ref().map_or(&overlay, |before| &before.overlay);
            written.retired.extend(tail.replaced());
            let folded = tail.with(changes, &mut written.retired);
            self.fold_into(&mut body, before.as_deref(), folded, moment, &mut written).await?;
        } else {
            overlay = before.as_ref().map_or(overlay, |before| before.overlay.clone());
            overlay.add(changes);
            body.changes.extend_from_slice(changes);
            if inline > INLINE_CHANGES {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                let segment = framed(&Changes(std::mem::take(&mut body.changes)));
                let (at, sealed) = self.trees.sealer.seal(Kind::Segment, segment, moment.rng)?;
                written.objects.push((at.object, sealed));
                body.segments.push(Segment { at, count });
            }
        }
        if deed == Deed::Fence {
            let (sealer, objects) = (&self.trees.sealer, &mut written.objects);
            retired::push(sealer, &mut body, &[], moment.now_ms, moment.rng, objects)?;
        }
        let former = match &before {
            None => Vec::new(),
            Some(before) => {
                let is_putting = !apart.is_empty() || !written.objects.is_empty();
                self.former(before, is_putting, &mut body, &mut written, moment.rng)?
            }
        };
        let generation = before.as_ref().map_or(0, |before| before.header.generation + 1);
        let bytes = Zeroizing::new(cbor::encode(&body));
        let keys = &self.trees.sealer.keys;
        let index = *self.trees.sealer.index();
        let author = keys.author();
        if before.as_ref().is_some_and(|before| before.header.author.head.seq > author.head.seq) {
            return Err(IndexError::Behind);
        }
        let header = Header { index, generation, author, former, body: record::body_hash(&bytes) };
        let signed = header.encode();
        let signature = keys.sign(&signed);
        let signed = SignedHeader { bytes: signed, signature };
        let (at, sealed) = self.trees.sealer.seal(Kind::Record, record::write(&signed, &bytes), moment.rng)?;
        let reference = [&at.key.to_be_bytes()[..], &sealed].concat();
        written.objects.append(apart);
        if !written.objects.is_empty() {
            self.trees.store.put(written.objects).await?;
        }
        let expected = before.as_ref().map(|before| before.version.as_str());
        let hash = signed.hash();
        let version = match self.trees.store.swap(&self.name, expected, reference.clone()).await {
            Ok(Swapped::Done(version)) => version,
            Ok(Swapped::Stands(Some(stands))) if stands.bytes == reference => stands.version,
            Ok(Swapped::Stands(stands)) => return Ok(Err(stands)),
            Err(StoreError::Denied(why)) => self.done_all_the_same(expected, &reference, why).await?,
            Err(error) => return Err(error.into()),
        };
        let roots = self.roots(&body)?;
        let state = Arc::new(State { version, signed, header, hash, body, roots, overlay });
        match self.keep(&state, None).await {
            Err(IndexError::Rollback) => Err(IndexError::Rollback),
            // It is done, whatever else could not be found out.
            _ => Ok(Ok(())),
        }
    }

    /// After a swap that is said to have been refused: it may have happened, and only its answer was lost on the way. The
    /// version, if what was sent stands there. No two that are sent have the same bytes; their records may be the same.
    async fn done_all_the_same(&self, expected: Option<&str>, sent: &[u8], why: String) -> Result<String> {
        match self.trees.store.read(&self.name).await? {
            Some(stands) if stands.bytes == sent => Ok(stands.version),
            stands if stands.as_ref().map(|stands| stands.version.as_str()) == expected => {
                Err(StoreError::Denied(why).into())
            }
            // Somebody has put another one since, maybe upon it: whoever did it again now might do it twice.
            _ => Err(StoreError::Unreachable(format!("it is not known whether a change was made: {why}")).into()),
        }
    }

    /// The state that stands where one was to be put upon `before`.
    async fn overtaken(&self, stands: Option<Reference>, before: Option<&Arc<State>>) -> Result<Option<Arc<State>>> {
        match self.take_in(stands).await {
            // While the answer was on its way, somebody here has seen a newer one.
            Err(IndexError::Rollback) if self.seen() != before.map(|before| before.seen()) => self.newest().await,
            taken => taken,
        }
    }

    /// What the next record names. The header of the record before is kept by whoever builds on it: in his own record, or
    /// where something is put anyway, or there is no room, in a list with those that it stood with.
    fn former(
        &self,
        before: &State,
        is_putting: bool,
        body: &mut Body,
        written: &mut Written,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Former>> {
        let together = before.body.headers.with(&before.signed);
        let former = before.header.former_of_next(before.hash, None);
        body.headers = Headers::default();
        let length = record::length(&former, body) + together.weight();
        if !is_putting && together.weight() <= INLINE_HEADERS && length <= RECORD - OVERHEAD {
            body.headers = together;
            return Ok(former);
        }
        let (at, sealed) = self.trees.sealer.seal(Kind::Headers, framed(&together), rng)?;
        written.objects.push((at.object, sealed));
        Ok(before.header.former_of_next(before.hash, Some(at)))
    }

    async fn fold_into(
        &self,
        body: &mut Body,
        before: Option<&State>,
        folded: BTreeMap<u16, Vec<Changed<'_>>>,
        moment: &mut Moment<'_, impl CryptoRng>,
        written: &mut Written,
    ) -> Result<()> {
        written.retired.extend(body.segments.drain(..).map(|segment| segment.at.object));
        body.changes.clear();
        for (number, changes) in folded {
            let root = before.and_then(|before| before.root(number));
            let top = self.trees.changed(number, root, &changes, moment.rng, written).await?;
            let place = usize::from(number);
            if body.trees.len() <= place {
                body.trees.resize(place + 1, None);
            }
            if number == 0 {
                body.inline = None;
            }
            let top = match top {
                None => None,
                Some(new) if number == 0 => {
                    body.inline = Some(new.plain);
                    Some(Top { level: new.level, child: Child { object: ObjectId([0; 32]), key: 0, count: new.count } })
                }
                Some(new) => {
                    let kind = Kind::Node { tree: number, level: new.level };
                    let (At { object, key }, sealed) = self.trees.sealer.seal(kind, new.plain, moment.rng)?;
                    written.objects.push((object, sealed));
                    Some(Top { level: new.level, child: Child { object, key, count: new.count } })
                }
            };
            if let Some(tree) = body.trees.get_mut(place) {
                *tree = top;
            }
        }
        while body.trees.last().is_some_and(Option::is_none) {
            body.trees.pop();
        }
        let retired = std::mem::take(&mut written.retired);
        retired::list(&self.trees.sealer, body, &retired, moment.now_ms, moment.rng, &mut written.objects)
    }
}
