//! The world of a session, made of JavaScript: fetch and IndexedDB behind five methods that the engine implements,
//! the clock, and WebCrypto's randomness.

use js_sys::{Array, Date, Reflect, Uint8Array};
use keyfold_client::{Code, Content, HttpRequest, HttpResponse, NearPut, Put, SafetyInput, StoreFault, Unreachable};
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    /// What the engine hands in.
    #[wasm_bindgen(typescript_type = "Host")]
    pub type JsHost;

    #[wasm_bindgen(method, catch)]
    async fn exchange(
        this: &JsHost,
        method: &str,
        url: &str,
        headers: Array,
        body: Uint8Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn load(this: &JsHost, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn scan(this: &JsHost, prefix: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn stretch(this: &JsHost, input: Uint8Array, salt: Uint8Array, rounds: u32) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn commit(this: &JsHost, puts: Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, js_name = findNear)]
    async fn find_near(this: &JsHost, names: Vec<String>) -> JsValue;

    #[wasm_bindgen(method, js_name = keepNear)]
    fn keep_near(this: &JsHost, puts: Array);

    type Response;

    #[wasm_bindgen(method, getter, structural)]
    fn status(this: &Response) -> u16;

    #[wasm_bindgen(method, getter, structural)]
    fn headers(this: &Response) -> Array;

    #[wasm_bindgen(method, getter, structural)]
    fn body(this: &Response) -> Uint8Array;
}

impl keyfold_client::Host for JsHost {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let headers: Array = request.headers.iter().map(|(name, value)| pair(name, value.into())).collect();
        let (method, body) = (request.method.as_str(), Uint8Array::from(request.body.as_slice()));
        let answer = JsHost::exchange(self, method, &request.url, headers, body).await;
        let response: Response = answer.map_err(|thrown| unreachable(&thrown))?.unchecked_into();
        let header = |header: JsValue| {
            let header: Array = header.dyn_into().ok()?;
            Some((header.get(0).as_string()?, header.get(1).as_string()?))
        };
        let headers = response.headers().iter().filter_map(header).collect();
        Ok(HttpResponse { status: response.status(), headers, body: response.body().to_vec() })
    }

    fn now_ms(&self) -> u64 {
        // Whole milliseconds since 1970, and so in the range of both types until the year 287396.
        Date::now() as u64
    }

    fn random(&self, bytes: &mut [u8]) {
        JsRng.fill(bytes);
    }

    async fn load(&self, name: &str) -> Result<Option<Content>, StoreFault> {
        let found = JsHost::load(self, name).await.map_err(store_fault)?;
        if found.is_undefined() { Ok(None) } else { content(found).map(Some) }
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Content)>, StoreFault> {
        let found: Array = JsHost::scan(self, prefix).await.map_err(store_fault)?.dyn_into().map_err(|_| strange())?;
        let record = |record: JsValue| {
            let record: Array = record.dyn_into().map_err(|_| strange())?;
            Ok((record.get(0).as_string().ok_or_else(strange)?, content(record.get(1))?))
        };
        found.iter().map(record).collect()
    }

    async fn stretch(&self, input: SafetyInput) -> Option<[u8; SafetyInput::BYTES]> {
        let [ids, salt] = [&input.ids[..], SafetyInput::SALT.as_bytes()].map(Uint8Array::from);
        let stretched = JsHost::stretch(self, ids, salt, SafetyInput::ROUNDS).await.ok()?;
        stretched.dyn_into::<Uint8Array>().ok()?.to_vec().try_into().ok()
    }

    async fn commit(&self, puts: Vec<Put>) -> Result<(), StoreFault> {
        let put = |(name, content): &Put| {
            let bytes = content.as_ref().map(|content| Uint8Array::from(content.as_slice()).into());
            pair(name, bytes.unwrap_or(JsValue::UNDEFINED))
        };
        let puts: Array = puts.iter().map(put).collect();
        JsHost::commit(self, puts).await.map(drop).map_err(store_fault)
    }

    async fn find_near(&self, names: Vec<String>) -> Vec<Option<Vec<u8>>> {
        let found: Option<Array> = JsHost::find_near(self, names).await.dyn_into().ok();
        let bytes = |found: JsValue| found.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec());
        found.iter().flat_map(Array::iter).map(bytes).collect()
    }

    async fn keep_near(&self, puts: Vec<NearPut>) {
        let put = |(name, bytes): &NearPut| {
            pair(name, bytes.as_ref().map_or(JsValue::UNDEFINED, |bytes| Uint8Array::from(bytes.as_slice()).into()))
        };
        // They are kept when there is time.
        JsHost::keep_near(self, puts.iter().map(put).collect());
    }
}

fn pair(name: &str, value: JsValue) -> JsValue {
    Array::of2(&name.into(), &value).into()
}

fn content(value: JsValue) -> Result<Content, StoreFault> {
    let bytes: Uint8Array = value.dyn_into().map_err(|_| strange())?;
    Ok(bytes.to_vec().into())
}

fn strange() -> StoreFault {
    StoreFault::Broken("the store gave something that is no record".to_owned())
}

fn store_fault(thrown: JsValue) -> StoreFault {
    match text(&thrown, "code") {
        Some(code) if code == Code::StorageFull.as_str() => StoreFault::Full,
        _ => StoreFault::Broken(message(&thrown)),
    }
}

fn unreachable(thrown: &JsValue) -> Unreachable {
    let broke = Reflect::get(thrown, &"broke".into()).is_ok_and(|broke| broke.is_truthy());
    Unreachable { why: message(thrown), broke }
}

/// What an error says, or whatever was thrown instead of one.
fn message(thrown: &JsValue) -> String {
    text(thrown, "message").or_else(|| thrown.as_string()).unwrap_or_else(|| "for no reason that was given".to_owned())
}

fn text(thrown: &JsValue, property: &str) -> Option<String> {
    Reflect::get(thrown, &property.into()).ok()?.as_string()
}

/// `crypto.getRandomValues`.
pub(crate) struct JsRng;

impl JsRng {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness nothing may be made. There is nobody to report to, and no way to go on: the engine
        // sees the module trap, and does not use it again.
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

impl TryRng for JsRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for JsRng {}
