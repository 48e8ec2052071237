//! For the fuzzer only: what opened objects are read by, each with the bytes that it writes of what it read.

use crate::{
    change::{Changes, decoded, framed, unframed},
    former::Headers,
    node::{self, Cell, Node},
    record::{self, Body, Header},
    retired::Retired,
};
use zeroize::Zeroizing;

/// A parser: bytes, if it takes them, as it would write them.
pub type Parser = fn(&[u8]) -> Option<Vec<u8>>;

/// A node, with the zero bytes behind it.
pub fn node(bytes: &[u8]) -> Option<Vec<u8>> {
    let read = Node::read(Zeroizing::new(bytes.to_vec())).ok()?;
    let cells: Vec<Cell> = read.cells().collect();
    let mut again = node::write(read.level(), &cells).ok()?.to_vec();
    again.resize(bytes.len(), 0);
    Some(again)
}

/// A root record, in its frame, without the bytes behind it.
pub fn record(bytes: &[u8]) -> Option<Vec<u8>> {
    let read = record::read(bytes).ok()?;
    padded(record::write(&read.signed, &read.body), bytes)
}

/// A record's header.
pub fn header(bytes: &[u8]) -> Option<Vec<u8>> {
    decoded::<Header>(bytes).ok().map(|header| header.encode())
}

/// A record's body.
pub fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    decoded::<Body>(bytes).ok().map(|body| keyfold_format::cbor::encode(&body))
}

/// A list of headers; those that stand together are looked through as well.
pub fn headers(bytes: &[u8]) -> Option<Vec<u8>> {
    let headers: Headers = unframed(bytes).ok()?;
    headers.check(&keyfold_format::IndexId([7; 32])).ok();
    padded(framed(&headers), bytes)
}

/// A segment.
pub fn changes(bytes: &[u8]) -> Option<Vec<u8>> {
    padded(framed(&unframed::<Changes>(bytes).ok()?), bytes)
}

/// A list of what was replaced.
pub fn retired(bytes: &[u8]) -> Option<Vec<u8>> {
    padded(framed(&unframed::<Retired>(bytes).ok()?), bytes)
}

fn padded(mut framed: Zeroizing<Vec<u8>>, to: &[u8]) -> Option<Vec<u8>> {
    framed.resize(to.len(), 0);
    Some(framed.to_vec())
}
