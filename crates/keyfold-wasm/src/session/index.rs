//! Indexes of keychains. Keys are arrays of parts, values are bytes.

use super::Session;
use crate::{
    fault::{Fault, Result},
    host::JsHost,
    plain::{object, whole},
};
use js_sys::{Array, BigInt, Date, Number, Uint8Array};
use keyfold_client::{
    Code, Error, IndexBatch, IndexPlace, IndexQuery, OpenIndex,
    key::{self, Part},
};
use std::ops::Bound;
use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    /// Which entries.
    #[wasm_bindgen(typescript_type = "IndexQuery")]
    pub type JsIndexQuery;

    #[wasm_bindgen(method, getter, structural)]
    fn from(this: &JsIndexQuery) -> Option<Array>;

    #[wasm_bindgen(method, getter, structural)]
    fn to(this: &JsIndexQuery) -> Option<Array>;

    #[wasm_bindgen(method, getter, structural)]
    fn after(this: &JsIndexQuery) -> Option<Array>;

    #[wasm_bindgen(method, getter, structural)]
    fn prefix(this: &JsIndexQuery) -> Option<Array>;

    #[wasm_bindgen(method, getter, structural, js_name = startsWith)]
    fn starts_with(this: &JsIndexQuery) -> Option<String>;

    #[wasm_bindgen(method, getter, structural)]
    fn reverse(this: &JsIndexQuery) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural)]
    fn skip(this: &JsIndexQuery) -> Option<f64>;

    /// A key of a tree.
    #[wasm_bindgen(typescript_type = "IndexKeyOf")]
    pub type JsIndexKeyOf;

    #[wasm_bindgen(method, getter, structural)]
    fn tree(this: &JsIndexKeyOf) -> u16;

    #[wasm_bindgen(method, getter, structural)]
    fn key(this: &JsIndexKeyOf) -> Array;

    /// `undefined` where it is only read or taken away.
    #[wasm_bindgen(method, getter, structural)]
    fn value(this: &JsIndexKeyOf) -> Option<Uint8Array>;
}

#[wasm_bindgen]
impl Session {
    /// The values of keys; `now`: whatever waits.
    #[wasm_bindgen(js_name = indexGet, unchecked_return_type = "IndexValues")]
    pub async fn index_get(&mut self, kc: &str, name: &str, keys: Vec<JsIndexKeyOf>, now: bool) -> Result<JsValue> {
        let keys = keys.iter().map(|of| Ok((of.tree(), bytes(&of.key())?))).collect::<Result<Vec<_>>>()?;
        let work = async |open: &OpenIndex<JsHost>| {
            let values = open.values(now, &keys).await?;
            Ok((open.id, stand(open), values))
        };
        let (id, stand, (generation, values)) = self.inner.with_index(kc, name, false, work).await?;
        let values = values.iter().map(|value| match value {
            Some(value) => Uint8Array::from(value.as_slice()).into(),
            None => JsValue::NULL,
        });
        Ok(object([
            ("indexId", id.to_string().into()),
            ("generation", counted(generation)),
            ("values", values.collect::<Array>().into()),
            ("offline", stand.is_offline.into()),
            ("waiting", stand.is_waiting.into()),
        ]))
    }

    /// The first `limit` entries of a query in a tree; `now`: whatever waits.
    #[wasm_bindgen(js_name = indexRange, unchecked_return_type = "IndexPage")]
    pub async fn index_range(
        &mut self,
        kc: &str,
        name: &str,
        tree: u16,
        query: JsIndexQuery,
        limit: u32,
        now: bool,
    ) -> Result<JsValue> {
        let query = asked(&query)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let work = async |open: &OpenIndex<JsHost>| {
            let page = open.page(now, tree, &query, limit).await?;
            Ok((open.id, stand(open), page))
        };
        let (id, stand, (generation, entries)) = self.inner.with_index(kc, name, false, work).await?;
        let mut shown = Vec::with_capacity(entries.len());
        for (key, value) in &entries {
            let parts = key::decode(key).map_err(keyfold_client::Error::from)?;
            let value = Uint8Array::from(value.as_slice());
            shown.push(object([
                ("key", parts.iter().map(part_to_js).collect::<Array>().into()),
                ("value", value.into()),
            ]));
        }
        Ok(object([
            ("indexId", id.to_string().into()),
            ("generation", counted(generation)),
            ("entries", shown.into_iter().collect::<Array>().into()),
            ("offline", stand.is_offline.into()),
            ("waiting", stand.is_waiting.into()),
        ]))
    }

    /// How many keys a query finds in a tree.
    #[wasm_bindgen(js_name = indexCount, unchecked_return_type = "IndexCount")]
    pub async fn index_count(&mut self, kc: &str, name: &str, tree: u16, query: JsIndexQuery) -> Result<JsValue> {
        let query = asked(&query)?;
        let work = async |open: &OpenIndex<JsHost>| {
            let count = open.newest_seen().await?.count(tree, &query).await?;
            Ok((count, stand(open)))
        };
        let (count, stand) = self.inner.with_index(kc, name, false, work).await?;
        Ok(object([
            ("count", (count as f64).into()),
            ("offline", stand.is_offline.into()),
            ("waiting", stand.is_waiting.into()),
        ]))
    }

    /// Which record of the index is the newest, and whether anything that a query finds in a tree is not as it was at
    /// another one, `since`; −1: before there was any. Where it cannot be said, it is.
    #[wasm_bindgen(js_name = indexIsChanged, unchecked_return_type = "IndexIsChanged")]
    pub async fn index_is_changed(
        &mut self,
        kc: &str,
        name: &str,
        tree: u16,
        query: JsIndexQuery,
        since: Option<f64>,
    ) -> Result<JsValue> {
        let query = asked(&query)?;
        let since = since.map(generation_of).transpose()?;
        let work = async |open: &OpenIndex<JsHost>| match since {
            Some(since) => open.is_changed(tree, &query, since).await,
            None => Ok((open.snapshot().await?.generation(), false)),
        };
        let (generation, is_changed) = self.inner.with_index(kc, name, false, work).await?;
        Ok(object([("generation", counted(generation)), ("changed", is_changed.into())]))
    }

    /// Commits changes, all or none. With a generation: only if that is still the newest one, and nothing waits; without:
    /// they wait, where the server is not reached.
    #[wasm_bindgen(js_name = indexCommit, unchecked_return_type = "IndexCommitted")]
    pub async fn index_commit(
        &mut self,
        kc: &str,
        name: &str,
        changes: Vec<JsIndexKeyOf>,
        generation: Option<f64>,
    ) -> Result<JsValue> {
        let batch = batch(&changes)?;
        let on = generation.map(generation_of).transpose()?;
        let work = async |open: &OpenIndex<JsHost>| {
            let is_done = match on {
                None => open.commit_behind(batch.clone()).await?,
                Some(_) if open.is_waiting() => false,
                Some(generation) => open.commit_on(generation, batch.clone()).await?,
            };
            Ok((open.place(), is_done))
        };
        match self.inner.with_index(kc, name, true, work).await {
            Ok((place, is_done)) => Ok(committed(&place, if is_done { "done" } else { "behind" })),
            Err(unreached) if on.is_none() && unreached.is_offline() => {
                let place = self.inner.keep_unsent(kc, name, batch, None, unreached).await?;
                Ok(committed(&place, "waits"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps changes of records until the server is reached. `shown`: all that they change, as far as is known now.
    #[wasm_bindgen(js_name = indexKeep, unchecked_return_type = "IndexCommitted")]
    pub async fn index_keep(
        &mut self,
        kc: &str,
        name: &str,
        changes: Vec<JsIndexKeyOf>,
        shown: Vec<JsIndexKeyOf>,
    ) -> Result<JsValue> {
        let unreached = Error::new(Code::ServerUnavailable, "the server was not reached");
        let place = self.inner.keep_unsent(kc, name, batch(&changes)?, Some(batch(&shown)?), unreached).await?;
        Ok(committed(&place, "waits"))
    }

    /// Sends what waits, up to the first that is of records; `undefined`: nothing is left.
    #[wasm_bindgen(js_name = indexSend, unchecked_return_type = "IndexUnsent | undefined")]
    pub async fn index_send(&mut self, kc: &str, name: &str) -> Result<JsValue> {
        let Some(first) = self.inner.send_unsent(kc, name).await? else { return Ok(JsValue::UNDEFINED) };
        let mut changes = Vec::new();
        for (tree, key, value) in first.changes.iter() {
            let parts = key::decode(key).map_err(keyfold_client::Error::from)?;
            changes.push(object([
                ("tree", tree.into()),
                ("key", parts.iter().map(part_to_js).collect::<Array>().into()),
                ("value", value.map_or(JsValue::UNDEFINED, |value| Uint8Array::from(value).into())),
            ]));
        }
        Ok(object([("id", first.id.to_string().into()), ("changes", changes.into_iter().collect::<Array>().into())]))
    }

    /// Sends the first that waits, worked out from a record of the index; `false`: that is not the newest, or something
    /// else is the first.
    #[wasm_bindgen(js_name = indexSendDerived)]
    pub async fn index_send_derived(
        &mut self,
        kc: &str,
        name: &str,
        id: &str,
        changes: Vec<JsIndexKeyOf>,
        generation: f64,
    ) -> Result<bool> {
        let id = id.parse().map_err(|_| Fault::argument("this is not the id of changes that wait"))?;
        let batch = batch(&changes)?;
        Ok(self.inner.send_derived(kc, name, &id, generation_of(generation)?, &batch).await?)
    }

    /// How many changes wait.
    #[wasm_bindgen(js_name = indexWaiting)]
    pub async fn index_waiting(&mut self, kc: &str, name: &str) -> Result<f64> {
        Ok(self.inner.waiting(kc, name).await? as f64)
    }

    /// Forgets what waits. How many changes that were.
    #[wasm_bindgen(js_name = indexGiveUp, unchecked_return_type = "IndexGivenUp")]
    pub async fn index_give_up(&mut self, kc: &str, name: &str) -> Result<JsValue> {
        let (place, count) = self.inner.give_up(kc, name).await?;
        let [keychain, index] = named(&place);
        Ok(object([keychain, index, ("count", (count as f64).into())]))
    }
}

/// How an index stands that was read.
struct Stand {
    is_offline: bool,
    is_waiting: bool,
}

fn stand(open: &OpenIndex<JsHost>) -> Stand {
    Stand { is_offline: open.is_offline(), is_waiting: open.is_waiting() }
}

fn committed(place: &IndexPlace, outcome: &str) -> JsValue {
    let [keychain, index] = named(place);
    object([keychain, index, ("outcome", outcome.into())])
}

fn named(place: &IndexPlace) -> [(&'static str, JsValue); 2] {
    [("keychainFingerprint", place.keychain.to_string().into()), ("indexId", place.index.to_string().into())]
}

fn batch(changes: &[JsIndexKeyOf]) -> Result<IndexBatch> {
    let mut batch = IndexBatch::new();
    for change in changes {
        let key = bytes(&change.key())?;
        match change.value() {
            Some(value) => batch.put(change.tree(), &key, &value.to_vec()),
            None => batch.remove(change.tree(), &key),
        };
    }
    Ok(batch)
}

/// −1: there is none yet.
fn generation_of(number: f64) -> Result<Option<u64>> {
    if number < 0.0 { Ok(None) } else { Ok(Some(whole(number)?)) }
}

fn counted(generation: Option<u64>) -> JsValue {
    generation.map_or(-1.0, |generation| generation as f64).into()
}

fn asked(query: &JsIndexQuery) -> Result<IndexQuery> {
    let mut asked = match (query.prefix(), query.starts_with()) {
        (None, None) => IndexQuery::default(),
        (prefix, Some(start)) => {
            let parts = prefix.as_ref().map(parts).transpose()?.unwrap_or_default();
            IndexQuery::prefix(&key::encode_text_prefix(&parts, &start).map_err(keyfold_client::Error::from)?)
        }
        (Some(prefix), None) => IndexQuery::parts(&parts(&prefix)?).map_err(keyfold_client::Error::from)?,
    };
    let bound = |array: Array| bytes(&array).map(Vec::into_boxed_slice);
    if let Some(from) = query.from() {
        asked.from = Bound::Included(bound(from)?);
    }
    if let Some(to) = query.to() {
        asked.to = Bound::Excluded(bound(to)?);
    }
    asked.reverse = query.reverse().unwrap_or_default();
    asked.skip = query.skip().map(whole).transpose()?.unwrap_or_default();
    match query.after() {
        Some(after) => Ok(asked.after(&bytes(&after)?)),
        None => Ok(asked),
    }
}

fn bytes(array: &Array) -> Result<Vec<u8>> {
    Ok(key::encode(&parts(array)?).map_err(keyfold_client::Error::from)?)
}

fn parts(array: &Array) -> Result<Vec<Part>> {
    array.iter().map(|part| part_of(&part)).collect()
}

fn part_of(value: &JsValue) -> Result<Part> {
    const STRANGE: &str = "a key is made of null, booleans, numbers, texts, dates and bytes";
    if value.is_null() {
        return Ok(Part::Null);
    }
    if let Some(is) = value.as_bool() {
        return Ok(Part::Bool(is));
    }
    if value.is_bigint() {
        let wide = || Error::new(Code::NotComparable, "an integer of a key has 64 bits");
        return Ok(i64::try_from(value.clone()).map(Part::Integer).map_err(|_| wide())?);
    }
    if let Some(number) = value.as_f64() {
        // Exact: safe integers fit.
        return Ok(if Number::is_safe_integer(value) { Part::Integer(number as i64) } else { Part::Float(number) });
    }
    if let Some(text) = value.as_string() {
        return Ok(Part::Text(text));
    }
    if let Some(date) = value.dyn_ref::<Date>() {
        let ms = date.get_time();
        return if ms.is_nan() { Err(Fault::argument(STRANGE)) } else { Ok(Part::Date(ms as i64)) };
    }
    value.dyn_ref::<Uint8Array>().map(|bytes| Part::Bytes(bytes.to_vec())).ok_or_else(|| Fault::argument(STRANGE))
}

/// The greatest integer up to which a number of JavaScript is exact.
const SAFE: u64 = (1 << 53) - 1;

fn part_to_js(part: &Part) -> JsValue {
    match part {
        Part::Null => JsValue::NULL,
        Part::Bool(is) => (*is).into(),
        // Exact, so that who goes on behind a key goes on behind that one.
        Part::Integer(number) if number.unsigned_abs() > SAFE => BigInt::from(*number).into(),
        Part::Integer(number) => (*number as f64).into(),
        Part::Float(number) => (*number).into(),
        Part::Date(ms) => Date::new(&(*ms as f64).into()).into(),
        Part::Text(text) => text.into(),
        Part::Bytes(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    }
}
