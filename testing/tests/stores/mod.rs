//! Storages for encrypted indexes. Each passes the same checks, against the real thing, one test for each of them:
//!
//! ```text
//! cargo nextest run -p keyfold-testing -E 'test(stores::)'
//! ```
//!
//! A further storage is a [`Fixture`] and `conforms!(Fixture);` in a module of its own.

mod bucket;
mod directory;
mod memory;
mod postgres;
mod postgres_members;
mod postgres_server;
mod s3_server;
mod server;

use futures_util::future::BoxFuture;
use keyfold_client::stores::Store;
use keyfold_index::store::conformance::{self, Check};
use std::{env, fs, path::Path};

/// The real thing, for one test.
pub(crate) trait Fixture: Sized {
    type Store: Store + 'static;
    /// Starts it. `None` if this machine does not have it, which is no answer in continuous integration.
    fn start() -> impl Future<Output = Option<Self>>;
    /// Opens the storage of a name, which is empty the first time.
    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, Self::Store>;
}

/// Runs the check of a name: that of a test, where a word ends with `_` and a comma is not to be seen.
pub(crate) async fn check<F: Fixture>(test: &str) {
    let Some(fixture) = F::start().await else { return };
    let open = |name| fixture.open(name);
    let (name, check) = checks().into_iter().find(|(name, _)| as_test(name) == test).expect("a check of that name");
    check(&open).await;
    passed(std::any::type_name::<F>(), name);
}

/// Notes, for the table that `cargo xtask test` prints, that a storage passed a check.
fn passed(fixture: &str, check: &str) {
    let Some(table) = env::var_os("KEYFOLD_CONFORMANCE") else { return };
    let storage = fixture.rsplit("::").nth(1).expect("a fixture in a module of its own");
    let column = Path::new(&table).join(storage);
    fs::create_dir_all(&column).unwrap();
    fs::write(column.join(check), "").unwrap();
}

/// Fails if there is a check without a test.
pub(crate) fn all_of_them(tests: &[&str]) {
    let checks: Vec<Check<'_, keyfold_index::store::MemoryStore>> = conformance::checks();
    assert_eq!(checks.iter().map(|(name, _)| as_test(name)).collect::<Vec<_>>(), tests);
}

fn checks<'f, S: Store + 'f>() -> Vec<Check<'f, S>> {
    conformance::checks()
}

fn as_test(check: &str) -> String {
    check.replace(',', "").replace([' ', '-'], "_")
}

/// The tests of a fixture, and one that none is missing.
macro_rules! conforms {
    ($fixture:ty) => {
        $crate::stores::conforms! {
            $fixture:
            what_was_put_is_there_for_everybody,
            what_is_not_there_is_none_in_the_order_of_the_question,
            the_same_object_again_is_harmless,
            objects_of_one_byte_and_of_the_largest_size,
            what_was_deleted_is_gone_also_twice,
            a_reference_is_swapped_for_the_version_that_stands_there,
            of_many_who_swap_at_once_one_succeeds,
            bytes_that_come_back_have_another_version,
            references_have_nothing_to_do_with_each_other,
            every_object_is_listed_once_page_by_page,
        }
    };
    ($fixture:ty: $($check:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                $crate::stores::check::<$fixture>(stringify!($check)).await;
            }
        )+

        #[test]
        fn no_check_is_without_a_test() {
            $crate::stores::all_of_them(&[$(stringify!($check)),+]);
        }
    };
}
pub(crate) use conforms;
