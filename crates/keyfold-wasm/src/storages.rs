//! The browser's own storages (`packages/client/src/engine/storage/`), as an index works with them, and the program that
//! tries the contract out on them. Not in the module that is handed out: feature `storages`.

use js_sys::{Array, Function, Reflect, Uint8Array};
use keyfold_client::{
    Code,
    stores::{
        ObjectId, Reference, Store, StoreError, Swapped,
        conformance::{self, Check},
    },
};
use std::{cell::RefCell, future::ready};
use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    /// A storage of the browser's.
    #[wasm_bindgen(typescript_type = "ObjectStorage")]
    pub type JsStorage;

    #[wasm_bindgen(method, catch)]
    async fn put(this: &JsStorage, objects: Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn get(this: &JsStorage, ids: Vec<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn delete(this: &JsStorage, ids: Vec<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn read(this: &JsStorage, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn swap(
        this: &JsStorage,
        name: &str,
        expected: Option<String>,
        bytes: Uint8Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn references(this: &JsStorage, after: Option<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn list(this: &JsStorage, after: Option<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = console)]
    fn error(message: &str);
}

impl Store for JsStorage {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        let object = |(id, bytes): &(ObjectId, Vec<u8>)| -> JsValue {
            Array::of2(&hex(id).into(), &Uint8Array::from(bytes.as_slice())).into()
        };
        Self::put(self, objects.iter().map(object).collect()).await.map(drop).map_err(fault)
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let found = Self::get(self, ids.iter().map(hex).collect()).await.map_err(fault)?;
        Ok(list_of(found)?.iter().map(|found| bytes(&found)).collect())
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        Self::delete(self, ids.iter().map(hex).collect()).await.map(drop).map_err(fault)
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        reference(&Self::read(self, name).await.map_err(fault)?)
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let bytes = Uint8Array::from(bytes.as_slice());
        let swapped = Self::swap(self, name, expected.map(str::to_owned), bytes).await.map_err(fault)?;
        match property(&swapped, "version").as_string() {
            Some(version) => Ok(Swapped::Done(version)),
            None => Ok(Swapped::Stands(reference(&property(&swapped, "stands"))?)),
        }
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let names = list_of(Self::references(self, after.map(str::to_owned)).await.map_err(fault)?)?;
        names.iter().map(|name| name.as_string().ok_or_else(strange)).collect()
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let ids = list_of(Self::list(self, after.as_ref().map(hex)).await.map_err(fault)?)?;
        ids.iter().map(|id| id.as_string().as_deref().and_then(object_id).ok_or_else(strange)).collect()
    }
}

/// The names of what a storage has to pass.
#[wasm_bindgen(js_name = storageChecks)]
pub fn storage_checks() -> Vec<String> {
    let checks: Vec<Check<'_, JsStorage>> = conformance::checks();
    checks.into_iter().map(|(name, _)| name.to_owned()).collect()
}

thread_local! {
    /// What opens the storage of a name. A factory of the suite is handed between threads; this is not.
    static OPEN: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Runs the check of a name. `open` gives the storage of a name. What is wrong is written to the console, and then the
/// module is gone.
#[wasm_bindgen(js_name = checkStorage)]
pub async fn check_storage(name: String, open: Function) -> Result<(), JsError> {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
    OPEN.with(|kept| *kept.borrow_mut() = Some(open));
    let checks: Vec<Check<'_, JsStorage>> = conformance::checks();
    let (_, check) =
        checks.into_iter().find(|(known, _)| *known == name).ok_or_else(|| JsError::new("there is no such check"))?;
    check(&|name| {
        Box::pin(async move {
            ready(()).await;
            opened(name)
        })
    })
    .await;
    Ok(())
}

#[allow(clippy::panic)]
fn opened(name: &'static str) -> JsStorage {
    let opened = OPEN.with(|open| open.borrow().as_ref().map(|open| open.call1(&JsValue::NULL, &name.into())));
    match opened {
        Some(Ok(storage)) => storage.unchecked_into(),
        failed => panic!("the storage does not open: {failed:?}"),
    }
}

fn reference(of: &JsValue) -> Result<Option<Reference>, StoreError> {
    if of.is_undefined() {
        return Ok(None);
    }
    let version = property(of, "version").as_string().ok_or_else(strange)?;
    let bytes = bytes(&property(of, "bytes")).ok_or_else(strange)?;
    Ok(Some(Reference { version, bytes }))
}

fn property(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}

fn list_of(value: JsValue) -> Result<Array, StoreError> {
    value.dyn_into().map_err(|_| strange())
}

fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

fn strange() -> StoreError {
    StoreError::Unreachable("the storage gave something else than it was asked for".to_owned())
}

fn fault(thrown: JsValue) -> StoreError {
    match property(&thrown, "code").as_string() {
        Some(code) if code == Code::StorageFull.as_str() => StoreError::Full,
        _ => StoreError::Unreachable(property(&thrown, "message").as_string().unwrap_or_default()),
    }
}

fn hex(id: &ObjectId) -> String {
    id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn object_id(hex: &str) -> Option<ObjectId> {
    let mut id = [0; 32];
    for (place, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(ObjectId(id))
}
