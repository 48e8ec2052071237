//! Under which keys something stands in the index of files, and what a key says of it.
//!
//! Spec: `docs/spec/vault.md`, "The index of files".

use super::{entry::NodeId, path};
use keyfold_format::{Name, cbor};
use keyfold_index::{
    IndexError,
    key::{self, Part},
};

/// What stands under a name in a folder.
pub(super) const ENTRIES: u16 = 0;
/// Former contents of files.
pub(super) const FORMER: u16 = 1;
/// Objects of contents that were let go of.
pub(super) const LET_GO: u16 = 2;

type Result<T> = std::result::Result<T, IndexError>;

/// What stands under this name.
pub(super) fn entry(folder: NodeId, name: &Name) -> Result<Vec<u8>> {
    key::encode(&[bytes(folder), Part::Text(name.as_str().to_owned())])
}

/// The content that a file had as a version.
pub(super) fn former(file: NodeId, version: u64) -> Result<Vec<u8>> {
    key::encode(&[bytes(file), number(version)])
}

/// What was let go of at a moment.
pub(super) fn let_go(when: u64, file: NodeId, version: u64) -> Result<Vec<u8>> {
    key::encode(&[date(when), bytes(file), number(version)])
}

/// Where what was let go of at a moment, or later, begins.
pub(super) fn let_go_since(when: u64) -> Result<Vec<u8>> {
    key::encode(&[date(when)])
}

/// The folder and the name of [`entry`].
pub(super) fn read_entry(key: &[u8]) -> Result<(NodeId, Name)> {
    match &parts_of(key)?[..] {
        [Part::Bytes(folder), Part::Text(text)] => Ok((id(folder)?, path::name_of(text).ok_or(DAMAGED)?)),
        _ => Err(DAMAGED),
    }
}

/// The file and the version of [`former`].
pub(super) fn read_former(key: &[u8]) -> Result<(NodeId, u64)> {
    match &parts_of(key)?[..] {
        [Part::Bytes(file), Part::Integer(version)] => Ok((id(file)?, version_of(*version)?)),
        _ => Err(DAMAGED),
    }
}

/// The moment, the file and the version of [`let_go`].
pub(super) fn read_let_go(key: &[u8]) -> Result<(u64, NodeId, u64)> {
    match &parts_of(key)?[..] {
        [Part::Date(when), Part::Bytes(file), Part::Integer(version)] => {
            Ok((counted(*when)?, id(file)?, version_of(*version)?))
        }
        _ => Err(DAMAGED),
    }
}

const DAMAGED: IndexError = IndexError::Damaged("a key of the files is not one");

fn parts_of(key: &[u8]) -> Result<Vec<Part>> {
    key::decode(key)
}

fn bytes(id: NodeId) -> Part {
    Part::Bytes(id.0.to_vec())
}

fn id(bytes: &[u8]) -> Result<NodeId> {
    bytes.try_into().map(NodeId).map_err(|_| DAMAGED)
}

fn number(version: u64) -> Part {
    Part::Integer(i64::try_from(version).unwrap_or(i64::MAX))
}

fn date(when: u64) -> Part {
    Part::Date(i64::try_from(when).unwrap_or(i64::MAX))
}

fn version_of(number: i64) -> Result<u64> {
    counted(number).and_then(|version| if version == 0 { Err(DAMAGED) } else { Ok(version) })
}

/// A number or moment that every client can hold.
fn counted(number: i64) -> Result<u64> {
    u64::try_from(number).ok().filter(|number| *number <= cbor::LARGEST).ok_or(DAMAGED)
}
