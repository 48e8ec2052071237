//! What was replaced, and when: listed with each record that replaced it, and deleted once nobody reads it any more.

use crate::{
    change::{framed, unframed},
    error::Result,
    index::Index,
    record::{Body, put_place, take_place},
    seal::{At, Keys, Kind, Sealer},
    state::State,
    store::Store,
};
use keyfold_format::{ObjectId, cbor};
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};
use rand_core::CryptoRng;

/// Objects of one list.
const LISTED: usize = 65_536;

/// Objects that a record replaced.
pub(crate) struct Retired {
    /// The list before this one.
    before: Option<At>,
    /// When, in milliseconds since 1970, by the clock of who wrote it.
    time_ms: u64,
    pub(crate) objects: Vec<ObjectId>,
}

/// Lists what was replaced, before what was listed so far.
pub(crate) fn list<K: Keys>(
    sealer: &Sealer<K>,
    body: &mut Body,
    retired: &[ObjectId],
    time_ms: u64,
    rng: &mut impl CryptoRng,
    objects: &mut Vec<(ObjectId, Vec<u8>)>,
) -> Result<()> {
    for chunk in retired.chunks(LISTED) {
        push(sealer, body, chunk, time_ms, rng, objects)?;
    }
    Ok(())
}

/// One list, of nothing too.
pub(crate) fn push<K: Keys>(
    sealer: &Sealer<K>,
    body: &mut Body,
    retired: &[ObjectId],
    time_ms: u64,
    rng: &mut impl CryptoRng,
    objects: &mut Vec<(ObjectId, Vec<u8>)>,
) -> Result<()> {
    let list = Retired { before: body.retired, time_ms, objects: retired.to_vec() };
    let (at, sealed) = sealer.seal(Kind::Retired, framed(&list), rng)?;
    objects.push((at.object, sealed));
    body.retired = Some(at);
    Ok(())
}

impl<S: Store, K: Keys> Index<S, K> {
    /// What was replaced and not deleted yet, the newest first: when, in milliseconds since 1970, and which objects.
    pub async fn replaced(&self) -> Result<Vec<(u64, Vec<ObjectId>)>> {
        Ok(self.lists().await?.into_iter().map(|(_, list)| (list.time_ms, list.objects)).collect())
    }

    /// Deletes what was replaced before a moment, in milliseconds since 1970: whoever reads a state from before then
    /// finds objects missing. How many were deleted. Whoever else does the same meanwhile does no harm.
    pub async fn collect_garbage(&self, before_ms: u64) -> Result<usize> {
        let store = &self.trees.store;
        let mut deleted = 0;
        // The oldest first, and its list last: what is cut short goes on the next time. What is behind a list that is to
        // stay stays too, whatever a clock said: it would not be found again.
        for (at, list) in self.lists().await?.into_iter().rev().take_while(|(_, list)| list.time_ms < before_ms) {
            store.delete(&list.objects).await?;
            store.delete(&[at.object]).await?;
            deleted += list.objects.len();
        }
        Ok(deleted)
    }

    /// The newest first. A list that is not there was worked through, with all before it.
    async fn lists(&self) -> Result<Vec<(At, Retired)>> {
        match self.latest().await?.state {
            Some(state) => self.lists_of(&state).await,
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn lists_of(&self, state: &State) -> Result<Vec<(At, Retired)>> {
        let mut next = state.body.retired;
        let mut lists = Vec::new();
        while let Some(at) = next {
            let Some(sealed) = self.trees.store.get(&[at.object]).await?.pop().flatten() else { break };
            let list: Retired = unframed(&self.trees.sealer.open(Kind::Retired, &at, &sealed)?)?;
            next = list.before;
            lists.push((at, list));
        }
        Ok(lists)
    }
}

impl<C> Encode<C> for Retired {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(3)?;
        put_place(e, self.before.as_ref())?;
        e.u64(self.time_ms)?.array(self.objects.len() as u64)?;
        for object in &self.objects {
            e.bytes(&object.0)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Retired {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 3)?;
        let before = take_place(d)?;
        let time_ms = cbor::number(d)?;
        let objects = cbor::list(d, LISTED, |d| cbor::bytes_of(d).map(ObjectId))?;
        Ok(Self { before, time_ms, objects })
    }
}
