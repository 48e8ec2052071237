//! What a storage must offer, of the one that is here.

use futures_executor::block_on;
use futures_util::FutureExt;
use keyfold_index::store::{MemoryStore, conformance::checks};
use std::{cell::RefCell, collections::HashMap};

#[test]
fn memory_is_a_storage() {
    let stores: RefCell<HashMap<&'static str, MemoryStore>> = RefCell::default();
    let open = |name| {
        let store = stores.borrow_mut().entry(name).or_default().clone();
        async move { store }.boxed()
    };
    for (name, check) in checks() {
        println!("{name}");
        block_on(check(&open));
    }
}
