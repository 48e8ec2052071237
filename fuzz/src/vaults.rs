//! What stands in the index of a vault's files: a member who may write may have written anything. What is taken has one
//! encoding.

use keyfold_client::files::parsers::{self, Parser};

fn same(parsers: &[Parser], bytes: &[u8]) {
    for parser in parsers {
        if let Some(again) = parser(bytes) {
            assert_eq!(again, bytes, "two encodings of one thing");
        }
    }
}

pub(crate) fn values(bytes: &[u8]) {
    same(&[parsers::entry, parsers::content, parsers::let_go], bytes);
}

pub(crate) fn keys(bytes: &[u8]) {
    same(&[parsers::entry_key, parsers::former_key, parsers::let_go_key, parsers::path], bytes);
}
