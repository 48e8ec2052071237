//! An index: opened from a reference of a storage, believed or refused, and read at one moment. What changes it is in
//! `commit`.

use crate::{
    change::{Changes, Overlay, decoded, unframed},
    error::{IndexError, Result},
    former::Headers,
    node::Node,
    record::{self, Body, Header, RecordHash, SignedHeader},
    seal::{At, Author, Keys, Kind, Sealer},
    snapshot::Snapshot,
    state::{Root, State, version},
    store::{Reference, Store},
    tree::Trees,
    waiting::Line,
};
use keyfold_format::{IndexId, ObjectId, scope::Anchored};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// How often is begun anew because others were faster.
pub(crate) const TRIES: usize = 32;
/// States that are kept to be compared with what is now.
const LATELY: usize = 16;

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

/// What is believed descends from all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The newest state that was seen.
    seen: Option<Seen>,
    /// What was seen elsewhere meanwhile, and nothing was held against yet.
    owed: Vec<Seen>,
}

/// An encrypted B-tree, or several that change together.
pub struct Index<S, K> {
    pub(crate) trees: Arc<Trees<S, K>>,
    pub(crate) name: String,
    state: Mutex<Option<Arc<State>>>,
    standing: Mutex<Standing>,
    /// What the ledger said of this index, if the state that was seen descends from that.
    anchored: Mutex<Option<Anchored>>,
    /// The newest states that were seen, oldest first.
    lately: Mutex<VecDeque<Arc<State>>>,
    pub(crate) line: Line,
}

impl<S: Store, K: Keys> Index<S, K> {
    /// The index that is, or will be, under a reference of a storage. `seen`: the newest state that this person has seen
    /// of it. Nothing is read yet.
    pub fn new(store: S, keys: K, name: &str, id: IndexId, seen: Option<Seen>) -> Self {
        let trees = Arc::new(Trees::new(store, Sealer::new(keys, id)));
        let (state, anchored, lately, line) = Default::default();
        let standing = Mutex::new(Standing { seen, owed: Vec::new() });
        Self { trees, name: name.to_owned(), state, standing, anchored, lately, line }
    }

    /// The newest state that was seen, to be kept.
    pub fn seen(&self) -> Option<Seen> {
        self.standing().seen
    }

    fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells what this person has seen of the index elsewhere, as in another process: what is believed from now on
    /// descends from that as well. `Rollback` if what was seen here does not, though it is newer: somebody was shown two
    /// histories.
    pub async fn also_seen(&self, elsewhere: Seen) -> Result<()> {
        if self.seen() == Some(elsewhere) {
            return Ok(());
        }
        if let Some(held) = self.newest_held().filter(|held| held.header.generation >= elsewhere.generation) {
            match self.check_descent_of(&held, &elsewhere).await {
                // What cannot be found out now is held against what is read next.
                Err(error) if error != IndexError::Rollback => {}
                checked => return checked,
            }
        }
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut older, mut newer) = (standing.seen, elsewhere);
        if let Some(here) = standing.seen.filter(|here| here.generation >= elsewhere.generation) {
            (older, newer) = (Some(elsewhere), here);
        }
        if let Some(older) = older.filter(|older| !standing.owed.contains(older)) {
            standing.owed.push(older);
        }
        standing.seen = Some(newer);
        // Whoever goes on reads anew.
        *held = None;
        Ok(())
    }

    /// Who wrote the newest state that was seen here.
    pub fn author(&self) -> Option<Author> {
        self.state().map(|state| state.header.author)
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
    pub(crate) async fn newest(&self) -> Result<Option<Arc<State>>> {
        let mut seen = self.seen();
        let mut reference = self.trees.store.read(&self.name).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let version = reference.as_ref().map(|reference| reference.version.clone());
            let failed = match self.take_in(reference).await {
                Err(failed @ IndexError::Missing(_)) => failed,
                // While this one was on its way, somebody here has seen a newer one.
                Err(failed @ IndexError::Rollback) if self.seen() != seen => failed,
                taken => return taken,
            };
            seen = self.seen();
            reference = self.trees.store.read(&self.name).await?;
            if tries == TRIES || reference.as_ref().map(|reference| &reference.version) == version.as_ref() {
                return Err(failed);
            }
        }
    }

    /// The newest state, where something of an older one is not there any more; the error, if it is that very one.
    pub(crate) async fn newer(&self, than: Option<&Arc<State>>, error: IndexError) -> Result<Option<Arc<State>>> {
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

    pub(crate) fn at(&self, state: Option<Arc<State>>) -> Snapshot<S, K> {
        Snapshot { trees: self.trees.clone(), state }
    }

    /// The newest state that was seen, unless the ledger has said something of the index since: then it is looked at again
    /// before anything is read from it or put upon it.
    pub(crate) fn state(&self) -> Option<Arc<State>> {
        let state = self.newest_held()?;
        match self.unchecked_anchor() {
            Some(anchored) if (anchored.generation, anchored.hash) != (state.header.generation, state.hash) => None,
            _ => Some(state),
        }
    }

    fn newest_held(&self) -> Option<Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the ledger says of the index, if no state that was seen was held against it yet.
    fn unchecked_anchor(&self) -> Option<Anchored> {
        let anchored = self.trees.sealer.keys.anchored()?;
        let checked = *self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        (checked != Some(anchored)).then_some(anchored)
    }

    /// Believes a record if it is of this index, by somebody who may write, and descends from what was seen.
    pub(crate) async fn take_in(&self, reference: Option<Reference>) -> Result<Option<Arc<State>>> {
        let Some(Reference { version, bytes }) = reference else {
            let is_new = self.seen().is_none() && self.trees.sealer.keys.anchored().is_none();
            return if is_new { Ok(None) } else { Err(IndexError::Rollback) };
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
        let standing = self.standing();
        self.check_standing(&record.signed, &header, &body.headers, &standing).await?;
        if let Some(anchored) = self.unchecked_anchor() {
            let from = (anchored.generation, anchored.hash);
            self.check_descent(&record.signed, &header, &body.headers, from).await?;
            *self.anchored.lock().unwrap_or_else(PoisonError::into_inner) = Some(anchored);
        }
        let overlay = self.tail(&body).await?;
        let roots = self.roots(&body)?;
        let hash = record.signed.hash();
        let state = Arc::new(State { version, signed: record.signed, header, hash, body, roots, overlay });
        self.keep(&state, Some(standing)).await?;
        Ok(Some(state))
    }

    /// Keeps a state as the newest. `checked`: what it was held against. Where somebody here has seen something else
    /// meanwhile, one of the two descends from the other, or it is `Rollback`.
    pub(crate) async fn keep(&self, state: &Arc<State>, mut checked: Option<Standing>) -> Result<()> {
        loop {
            if let Some(held) = self.newest_held().filter(|held| held.header.generation > state.header.generation) {
                return self.check_descent_of(&held, &state.seen()).await;
            }
            let standing = self.standing();
            if checked.as_ref() != Some(&standing) {
                self.check_standing(&state.signed, &state.header, &state.body.headers, &standing).await?;
            }
            if self.keep_against(state, &standing) {
                return Ok(());
            }
            checked = None;
        }
    }

    /// `false`: something else was seen meanwhile.
    fn keep_against(&self, state: &Arc<State>, checked: &Standing) -> bool {
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if *standing != *checked {
            return false;
        }
        *held = Some(state.clone());
        *standing = Standing { seen: Some(state.seen()), owed: Vec::new() };
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.back().is_none_or(|last| last.hash != state.hash) {
            lately.push_back(state.clone());
        }
        if lately.len() > LATELY {
            lately.pop_front();
        }
        true
    }

    /// Whether a record descends from all that was seen, and nobody wrote it who knew less of the ledger.
    async fn check_standing(
        &self,
        signed: &SignedHeader,
        header: &Header,
        together: &Headers,
        standing: &Standing,
    ) -> Result<()> {
        for seen in standing.seen.iter().chain(&standing.owed) {
            if header.generation > seen.generation && header.author.head.seq < seen.ledger {
                return Err(IndexError::Denied);
            }
            self.check_descent(signed, header, together, (seen.generation, seen.hash)).await?;
        }
        Ok(())
    }

    pub(crate) async fn check_descent_of(&self, state: &State, from: &Seen) -> Result<()> {
        self.check_descent(&state.signed, &state.header, &state.body.headers, (from.generation, from.hash)).await
    }

    /// A header that its author signed who might write.
    fn believed(&self, signed: &SignedHeader) -> Result<Header> {
        let header = signed.header(self.trees.sealer.index())?;
        let keys = &self.trees.sealer.keys;
        let may = keys.may_write(&header.author, header.generation, &signed.bytes, &signed.signature);
        if may { Ok(header) } else { Err(IndexError::Denied) }
    }

    /// Goes back along the hashes to a record of a generation and hash. `together`: the headers that stand with the record.
    async fn check_descent(
        &self,
        signed: &SignedHeader,
        header: &Header,
        together: &Headers,
        (generation, known): (u64, RecordHash),
    ) -> Result<()> {
        let (mut hash, mut header, mut together) = (signed.hash(), header.clone(), together.clone());
        while header.generation > generation {
            let far = *header.farthest(generation).ok_or(IndexError::Rollback)?;
            if far.generation == generation {
                return if far.hash == known { Ok(()) } else { Err(IndexError::Rollback) };
            }
            if let Some(at) = far.at {
                together = self.headers(&at).await?;
            }
            header = together.find(&far, self.trees.sealer.index())?.ok_or(IndexError::Rollback)?;
            hash = far.hash;
        }
        if header.generation == generation && hash == known { Ok(()) } else { Err(IndexError::Rollback) }
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

    pub(crate) fn roots(&self, body: &Body) -> Result<Vec<Option<Root>>> {
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
}
