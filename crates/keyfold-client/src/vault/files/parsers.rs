//! For the fuzzer only: what stands in the index of files is read by, each with the bytes that it writes of what it read.

use super::{
    entry::{Entry, FileContent, LetGo, decoded},
    path::VaultPath,
    place,
};
use keyfold_format::cbor;

/// A parser: bytes, if it takes them, as it would write them.
pub type Parser = fn(&[u8]) -> Option<Vec<u8>>;

/// What stands under a name.
pub fn entry(bytes: &[u8]) -> Option<Vec<u8>> {
    decoded::<Entry>(bytes).ok().map(|entry| cbor::encode(&entry))
}

/// A content. Whether it fits is looked at as well.
pub fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let content: FileContent = decoded(bytes).ok()?;
    content.check().ok();
    Some(cbor::encode(&content))
}

/// What was let go of.
pub fn let_go(bytes: &[u8]) -> Option<Vec<u8>> {
    decoded::<LetGo>(bytes).ok().map(|objects| cbor::encode(&objects))
}

/// The key of what stands under a name.
pub fn entry_key(bytes: &[u8]) -> Option<Vec<u8>> {
    let (folder, name) = place::read_entry(bytes).ok()?;
    place::entry(folder, &name).ok()
}

/// The key of a former content.
pub fn former_key(bytes: &[u8]) -> Option<Vec<u8>> {
    let (file, version) = place::read_former(bytes).ok()?;
    place::former(file, version).ok()
}

/// The key of what was let go of.
pub fn let_go_key(bytes: &[u8]) -> Option<Vec<u8>> {
    let (when, file, version) = place::read_let_go(bytes).ok()?;
    place::let_go(when, file, version).ok()
}

/// A path, without the `/` in front.
pub fn path(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(bytes).ok().filter(|text| !text.starts_with('/'))?;
    VaultPath::parse(text).ok().map(|path| path.to_string().into_bytes())
}
