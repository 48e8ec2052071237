//! What applications are told of files and folders.

use super::{
    entry::{Entry, FileContent, FileEntry},
    path::VaultPath,
};
use serde::Serialize;

/// What something in a vault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemKind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// A file or folder of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultItem {
    /// Where it is.
    pub path: String,
    /// What it is called; empty of the root.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Media type of a file, if whoever put it said one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// When a file was last modified, as whoever put it says, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// When a file's content was put, or a folder made, in milliseconds since 1970; `None` of the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// Which of a file's contents this is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl VaultItem {
    pub(super) fn of(path: &VaultPath, entry: &Entry) -> Self {
        let item = Self { path: path.to_string(), name: path.name().unwrap_or_default().to_owned(), ..Self::root() };
        match entry {
            Entry::File(FileEntry { version, content, .. }) => Self {
                kind: ItemKind::File,
                size: Some(content.size),
                media_type: media_type(content),
                modified: content.modified,
                stored: Some(content.stored),
                version: Some(*version),
                ..item
            },
            Entry::Folder { created, .. } => Self { stored: Some(*created), ..item },
        }
    }

    pub(super) const fn root() -> Self {
        Self {
            path: String::new(),
            name: String::new(),
            kind: ItemKind::Folder,
            size: None,
            media_type: None,
            modified: None,
            stored: None,
            version: None,
        }
    }
}

/// A content that a file has, or has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileVersion {
    /// Which, from 1.
    pub version: u64,
    /// Whether the file has it now.
    pub current: bool,
    /// Bytes.
    pub size: u64,
    /// Media type, if whoever put it said one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// When it was last modified, as whoever put it says, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// When it was put, in milliseconds since 1970.
    pub stored: u64,
}

impl FileVersion {
    pub(super) fn of(version: u64, content: &FileContent, current: bool) -> Self {
        let &FileContent { stored, size, modified, .. } = content;
        Self { version, current, size, media_type: media_type(content), modified, stored }
    }
}

/// What of a vault's contents can be read with other keys than the keychain's current one: by whoever held those, if he
/// gets at the storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StillReadable {
    /// How many contents, former ones included.
    pub contents: u64,
    /// How many bytes of them.
    pub bytes: u64,
}

/// What a sweep of a vault did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultSwept {
    /// How many contents are under the keychain's current key that were not, former ones included.
    pub contents: u64,
    /// How many bytes of them.
    pub bytes: u64,
    /// Objects that nothing referred to for a week, and that are gone.
    pub deleted: u64,
}

fn media_type(content: &FileContent) -> Option<String> {
    (!content.media_type.is_empty()).then(|| content.media_type.clone())
}
