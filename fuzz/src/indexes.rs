//! What is sealed in an index: a member who holds the keys may have written anything. What is taken has one encoding.

use keyfold_index::parsers::{self, Parser};

fn same(parser: Parser, bytes: &[u8]) {
    if let Some(again) = parser(bytes) {
        assert_eq!(again, bytes, "two encodings of one thing");
    }
}

pub(crate) fn node(bytes: &[u8]) {
    same(parsers::node, bytes);
}

pub(crate) fn record(bytes: &[u8]) {
    for parser in [parsers::record, parsers::header, parsers::body] {
        same(parser, bytes);
    }
}

pub(crate) fn lists(bytes: &[u8]) {
    for parser in [parsers::headers, parsers::changes, parsers::retired] {
        same(parser, bytes);
    }
}
