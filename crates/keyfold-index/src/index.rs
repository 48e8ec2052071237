//! An index: opened from a reference of a storage, read at one moment, and changed by swapping the reference.

use crate::{
    build::Written,
    change::{Change, Changed, Changes, Overlay, Put, decoded, framed, unframed},
    error::{IndexError, Result},
    former::{Former, Headers},
    limits::{
        INLINE_CHANGES, INLINE_HEADERS, MAX_KEY, MAX_TREES, MAX_VALUE, OVERHEAD, RECORD, SEGMENTS, TAIL_BYTES,
        TAIL_CHANGES, VALUE_HERE,
    },
    node::{Apart, Child, Node},
    record::{self, Body, Header, Segment, SignedHeader, Top},
    retired,
    seal::{At, Keys, Kind, Sealer},
    snapshot::Snapshot,
    state::{Root, State},
    store::{Reference, Store, Swapped},
    tree::Trees,
    waiting::Line,
};
use keyfold_format::{IndexId, ObjectId, cbor};
use rand_core::CryptoRng;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// States that are kept to be compared with what is now.
const LATELY: usize = 16;

/// How often a commit that others overtook is tried again.
const TRIES: usize = 32;

/// Changes that are committed together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch(pub(crate) Vec<Wish>);

/// A tree, a key of it, and its new value or `None`.
pub(crate) type Wish = (u16, Box<[u8]>, Option<Zeroizing<Vec<u8>>>);

impl Batch {
    /// One without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key has this value from then on.
    pub fn put(&mut self, tree: u16, key: &[u8], value: &[u8]) -> &mut Self {
        self.0.push((tree, key.into(), Some(Zeroizing::new(value.to_vec()))));
        self
    }

    /// A key has none.
    pub fn remove(&mut self, tree: u16, key: &[u8]) -> &mut Self {
        self.0.push((tree, key.into(), None));
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// About what it takes in a record or segment.
    pub(crate) fn weight(&self) -> usize {
        let value = |value: &Option<Zeroizing<Vec<u8>>>| value.as_ref().map_or(0, |value| value.len().min(VALUE_HERE));
        self.0.iter().map(|(_, key, of)| 9 + key.len() + value(of)).sum()
    }

    /// Whether all of it can be written.
    fn check(&self) -> Result<()> {
        for (tree, key, value) in &self.0 {
            if usize::from(*tree) >= MAX_TREES {
                return Err(IndexError::TooLarge { what: "number of trees", limit: MAX_TREES });
            }
            if key.len() > MAX_KEY {
                return Err(IndexError::TooLarge { what: "key", limit: MAX_KEY });
            }
            if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
                return Err(IndexError::TooLarge { what: "value", limit: MAX_VALUE });
            }
        }
        Ok(())
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Wish> for Batch {
    fn from_iter<T: IntoIterator<Item = Wish>>(wishes: T) -> Self {
        Self(wishes.into_iter().collect())
    }
}

/// What an index takes from outside, for one call.
pub struct Moment<'m, R> {
    /// The time, in milliseconds since 1970. It says when what is replaced may be deleted, and nothing else.
    pub now_ms: u64,
    /// Randomness.
    pub rng: &'m mut R,
}

/// What somebody has seen of an index, to be kept: an older state than this is believed by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which generation.
    pub generation: u64,
    /// The hash of its record.
    pub hash: [u8; 32],
    /// The number of the ledger's entry that its author knew: nobody who knows less writes after him.
    pub ledger: u64,
}

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

/// An encrypted B-tree, or several that change together.
pub struct Index<S, K> {
    pub(crate) trees: Arc<Trees<S, K>>,
    pub(crate) name: String,
    state: Mutex<Option<Arc<State>>>,
    seen: Mutex<Option<Seen>>,
    /// The newest states that were seen, oldest first.
    lately: Mutex<VecDeque<Arc<State>>>,
    line: Line,
}

impl<S: Store, K: Keys> Index<S, K> {
    /// The index that is, or will be, under a reference of a storage. `seen`: the newest state that this person has seen
    /// of it. Nothing is read yet.
    pub fn new(store: S, keys: K, name: &str, id: IndexId, seen: Option<Seen>) -> Self {
        let trees = Arc::new(Trees::new(store, Sealer::new(keys, id)));
        let (state, lately, line) = Default::default();
        Self { trees, name: name.to_owned(), state, seen: Mutex::new(seen), lately, line }
    }

    /// The newest state that was seen, to be kept.
    pub fn seen(&self) -> Option<Seen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index as it is now.
    pub async fn latest(&self) -> Result<Snapshot<S, K>> {
        let state = self.newest().await?;
        Ok(self.at(state))
    }

    /// The index as it was when this stood under its reference, checked like what the storage shows now. For who cannot
    /// reach the storage, and kept it.
    pub async fn as_it_stood(&self, reference: Reference) -> Result<Snapshot<S, K>> {
        let state = self.take_in(Some(reference)).await?;
        Ok(self.at(state))
    }

    /// Under which version the newest state stands that was seen here.
    pub fn version(&self) -> Option<String> {
        self.state().map(|state| state.version.clone())
    }

    /// The newest state. What it names may be replaced and collected by others while it is read: then there is a newer
    /// one.
    async fn newest(&self) -> Result<Option<Arc<State>>> {
        let mut reference = self.trees.store.read(&self.name).await?;
        loop {
            let version = reference.as_ref().map(|reference| reference.version.clone());
            let missing = match self.take_in(reference).await {
                Err(IndexError::Missing(object)) => object,
                taken => return taken,
            };
            reference = self.trees.store.read(&self.name).await?;
            if reference.as_ref().map(|reference| &reference.version) == version.as_ref() {
                return Err(IndexError::Missing(missing));
            }
        }
    }

    /// The newest state, where something of an older one is not there any more; the error, if it is that very one.
    async fn newer(&self, than: Option<&Arc<State>>, error: IndexError) -> Result<Option<Arc<State>>> {
        let IndexError::Missing(_) = error else { return Err(error) };
        let newest = self.newest().await?;
        if version(newest.as_ref()) == version(than) { Err(error) } else { Ok(newest) }
    }

    /// The index as it was when it was last looked at; as it is now, if that was never.
    pub async fn known(&self) -> Result<Snapshot<S, K>> {
        match self.state() {
            Some(state) => Ok(self.at(Some(state))),
            None => self.latest().await,
        }
    }

    /// The index as it was at a generation, if that was seen lately. Before the first one nothing was there.
    pub(crate) fn seen_at(&self, generation: Option<u64>) -> Option<Snapshot<S, K>> {
        let Some(generation) = generation else { return Some(self.at(None)) };
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.iter().find(|state| state.header.generation == generation).map(|state| self.at(Some(state.clone())))
    }

    fn at(&self, state: Option<Arc<State>>) -> Snapshot<S, K> {
        Snapshot { trees: self.trees.clone(), state }
    }

    fn state(&self) -> Option<Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Believes a record if it is of this index, by somebody who may write, and descends from what was seen.
    async fn take_in(&self, reference: Option<Reference>) -> Result<Option<Arc<State>>> {
        let Some(Reference { version, bytes }) = reference else {
            return if self.seen().is_none() { Ok(None) } else { Err(IndexError::Rollback) };
        };
        if let Some(state) = self.state().filter(|state| state.version == version) {
            return Ok(Some(state));
        }
        let (key, sealed) = bytes.split_first_chunk::<4>().ok_or(IndexError::Damaged("a record is cut"))?;
        let plain = self.trees.sealer.open_unnamed(Kind::Record, u32::from_be_bytes(*key), sealed)?;
        let record = record::read(&plain)?;
        let header = self.believed(&record.signed)?;
        if record::body_hash(&record.body) != header.body {
            return Err(IndexError::Damaged("a record's body is not the one that was signed"));
        }
        let body: Body = decoded(&record.body)?;
        body.headers.with(&record.signed).check(self.trees.sealer.index())?;
        self.check_descent(&record.signed, &header, &body.headers).await?;
        let overlay = self.tail(&body).await?;
        let roots = self.roots(&body)?;
        let hash = record.signed.hash();
        let state = Arc::new(State { version, signed: record.signed, header, hash, body, roots, overlay });
        self.keep(&state);
        Ok(Some(state))
    }

    fn keep(&self, state: &Arc<State>) {
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two may have read at once; the newer one stays.
        if kept.as_ref().is_none_or(|kept| kept.header.generation <= state.header.generation) {
            *kept = Some(state.clone());
            let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
            if lately.back().is_none_or(|last| last.hash != state.hash) {
                lately.push_back(state.clone());
            }
            if lately.len() > LATELY {
                lately.pop_front();
            }
            let Header { generation, author, .. } = &state.header;
            let seen = Seen { generation: *generation, hash: state.hash, ledger: author.head.seq };
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        }
    }

    /// A header that its author signed who might write.
    fn believed(&self, signed: &SignedHeader) -> Result<Header> {
        let header = signed.header(self.trees.sealer.index())?;
        let may = self.trees.sealer.keys.may_write(&header.author, &signed.bytes, &signed.signature);
        if may { Ok(header) } else { Err(IndexError::Denied) }
    }

    /// Goes back along the hashes to what was seen. `together`: the headers that stand with the record.
    async fn check_descent(&self, signed: &SignedHeader, header: &Header, together: &Headers) -> Result<()> {
        let Some(seen) = self.seen() else { return Ok(()) };
        if header.generation > seen.generation && header.author.head.seq < seen.ledger {
            return Err(IndexError::Denied);
        }
        let (mut hash, mut header, mut together) = (signed.hash(), header.clone(), together.clone());
        while header.generation > seen.generation {
            let far = *header.farthest(seen.generation).ok_or(IndexError::Rollback)?;
            if far.generation == seen.generation {
                return if far.hash == seen.hash { Ok(()) } else { Err(IndexError::Rollback) };
            }
            if let Some(at) = far.at {
                together = self.headers(&at).await?;
            }
            header = together.find(&far, self.trees.sealer.index())?.ok_or(IndexError::Rollback)?;
            hash = far.hash;
        }
        if header.generation == seen.generation && hash == seen.hash { Ok(()) } else { Err(IndexError::Rollback) }
    }

    async fn headers(&self, at: &At) -> Result<Headers> {
        let sealed = self.trees.store.get(&[at.object]).await?.pop().flatten();
        let sealed = sealed.ok_or(IndexError::Missing(at.object))?;
        self.read_headers(at, &sealed)
    }

    /// Headers that stand together, from their object.
    pub(crate) fn read_headers(&self, at: &At, sealed: &[u8]) -> Result<Headers> {
        let headers: Headers = unframed(&self.trees.sealer.open(Kind::Headers, at, sealed)?)?;
        headers.check(self.trees.sealer.index())?;
        Ok(headers)
    }

    /// The changes that are not in the trees yet.
    async fn tail(&self, body: &Body) -> Result<Overlay> {
        let mut overlay = Overlay::default();
        let ids: Vec<ObjectId> = body.segments.iter().map(|segment| segment.at.object).collect();
        let fetched = if ids.is_empty() { Vec::new() } else { self.trees.store.get(&ids).await? };
        for (segment, sealed) in body.segments.iter().zip(fetched) {
            let sealed = sealed.ok_or(IndexError::Missing(segment.at.object))?;
            let Changes(changes) = unframed(&self.trees.sealer.open(Kind::Segment, &segment.at, &sealed)?)?;
            if changes.len() != usize::try_from(segment.count).unwrap_or(usize::MAX) {
                return Err(IndexError::Damaged("a segment has other changes than were counted"));
            }
            overlay.add(&changes);
        }
        overlay.add(&body.changes);
        Ok(overlay)
    }

    fn roots(&self, body: &Body) -> Result<Vec<Option<Root>>> {
        let mut inline = body.inline.clone();
        let mut roots = Vec::with_capacity(body.trees.len());
        for (number, top) in body.trees.iter().enumerate() {
            let node = if number == 0 { inline.take() } else { None };
            let node = node.map(Node::read).transpose()?;
            if let (Some(top), Some(node)) = (top, &node)
                && (node.level() != top.level || node.entries() != top.child.count)
            {
                return Err(IndexError::Damaged("a tree's topmost node is another one"));
            }
            roots.push(top.map(|top| Root { top, node: node.map(Arc::new) }));
        }
        Ok(roots)
    }

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
                Ok(Err(stands)) => self.take_in(stands).await?,
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
            snapshot =
                self.at(match self.try_commit(state.clone(), &changes, Deed::Change, &mut apart, &mut moment).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(stands)) => self.take_in(stands).await?,
                    Err(error) => self.newer(state.as_ref(), error).await?,
                });
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
            Ok(Err(stands)) => self.take_in(stands).await?,
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
                Ok(Err(stands)) => self.take_in(stands).await?,
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
        let version = match self.trees.store.swap(&self.name, expected, reference).await? {
            Swapped::Done(version) => version,
            Swapped::Stands(stands) => return Ok(Err(stands)),
        };
        let (hash, roots) = (signed.hash(), self.roots(&body)?);
        self.keep(&Arc::new(State { version, signed, header, hash, body, roots, overlay }));
        Ok(Ok(()))
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

/// The place of a change, and its value, which stands apart.
type Long = (usize, Zeroizing<Vec<u8>>);

/// Changes, and their values that stand apart: until [`Index::seal_long`] there is nothing for these.
fn parted(batch: Batch) -> (Vec<Change>, Vec<Long>) {
    let mut long = Vec::new();
    let mut change = |(place, (tree, key, value)): (usize, Wish)| {
        let put = match value {
            None => Put::Remove,
            Some(value) if value.len() > VALUE_HERE => {
                long.push((place, value));
                Put::Remove
            }
            Some(value) => Put::Here(value),
        };
        Change { tree, key, put }
    };
    let changes = batch.0.into_iter().enumerate().map(&mut change).collect();
    (changes, long)
}

fn version(state: Option<&Arc<State>>) -> Option<&str> {
    state.map(|state| state.version.as_str())
}
