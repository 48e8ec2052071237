//! Files and folders of a vault: an index that says what there is, and envelopes that are cut into objects. What moves
//! the bytes is elsewhere; here is what stands where.
//!
//! Spec: `docs/spec/vault.md`.

mod content;
mod entry;
mod folders;
mod model;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod parsers;
mod parts;
mod path;
mod place;
mod upload;
#[cfg(test)]
#[path = "tests/vectors/mod.rs"]
mod vectors;

pub use content::Cut;
pub(crate) use entry::MEDIA_TYPE_BYTES;
pub use entry::{FileContent, NodeId, PART_BYTES, PART_TEXT_BYTES};
pub(crate) use folders::named_parts;
pub use model::{FileVersion, ItemKind, StillReadable, VaultItem, VaultSwept};
pub use parts::Parts;
pub use path::VaultPath;
pub use upload::{Sealed, Source, Upload};
pub(crate) use upload::{StoredNote, StoredUpload};

use super::{OpenIndex, index::index_id};
use crate::{
    Error,
    host::{Host, HostRng},
};
use entry::{Entry, FileEntry};
use folders::{Folders, Kept, Place, forget_let_go, unknown};
pub use keyfold_format::ObjectId;
use keyfold_format::{IndexId, ScopeId};
use keyfold_index::{Batch, IndexError, store::Store};
use keyfold_protocol::Code;
use rand_core::Rng;
use std::sync::{Mutex, PoisonError};

/// Name of the index of files: none that an application can give.
const NAME: &str = "\0files";
/// Former contents of a file that stay, unless an application wants less.
pub(crate) const KEPT_VERSIONS: usize = 16;
/// How long the objects of what was let go of stay, for whoever is reading them: milliseconds.
const GRACE_MS: u64 = 60 * 60 * 1_000;
/// Contents whose objects are deleted after one change.
const DELETED: usize = 16;
/// Entries that are written anew at once.
const SWEPT: usize = 500;

/// Which index has the files of a keychain.
pub(crate) fn files_id(scope: &ScopeId) -> IndexId {
    index_id(scope, NAME)
}

/// What the heads of a vault's contents are bound to.
pub(crate) fn context(files: &IndexId) -> Vec<u8> {
    [b"KF1 vault", &files.0[..]].concat()
}

/// Why something with files did not work.
#[derive(Debug)]
pub enum FilesError {
    /// The index says so; it may be settled.
    Index(IndexError),
    /// It is to be told.
    Told(Error),
}

impl From<IndexError> for FilesError {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<keyfold_index::store::StoreError> for FilesError {
    fn from(error: keyfold_index::store::StoreError) -> Self {
        Self::Index(error.into())
    }
}

impl From<Error> for FilesError {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// A content, and where it was found.
#[derive(Clone, Debug)]
pub struct Located {
    /// What it is of.
    pub item: VaultItem,
    /// The content.
    pub content: FileContent,
}

/// The files of a keychain's vault.
pub struct Files<'o, H>(&'o OpenIndex<H>);

impl<'o, H: Host> Files<'o, H> {
    pub(crate) const fn of(open: &'o OpenIndex<H>) -> Self {
        Self(open)
    }

    /// What is in a folder, by name.
    pub async fn list(&self, path: &VaultPath) -> Result<Vec<VaultItem>, FilesError> {
        let snapshot = self.0.snapshot().await?;
        let folders = Folders(&snapshot);
        let folder = folders.folder(path).await?;
        let entries = folders.entries(folder).await?;
        entries.iter().map(|(name, entry)| Ok(VaultItem::of(&path.join(name.as_str())?, entry))).collect()
    }

    /// What is at a path. `UnknownFile`.
    pub async fn stat(&self, path: &VaultPath) -> Result<VaultItem, FilesError> {
        let snapshot = self.0.snapshot().await?;
        let entry = Folders(&snapshot).at(path).await?;
        Ok(entry.map_or_else(VaultItem::root, |entry| VaultItem::of(path, &entry)))
    }

    /// A file's content, or the one that it had as a version. `UnknownFile`, `NotAFile`.
    pub async fn content(&self, path: &VaultPath, version: Option<u64>) -> Result<Located, FilesError> {
        let snapshot = self.0.snapshot().await?;
        located(&Folders(&snapshot), path, version).await
    }

    /// The contents that a file has had and that are still there, the newest first.
    pub async fn versions(&self, path: &VaultPath) -> Result<Vec<FileVersion>, FilesError> {
        let snapshot = self.0.snapshot().await?;
        let folders = Folders(&snapshot);
        let file = file_at(&folders, path).await?;
        let former = folders.former(file.id).await?;
        let former = former.iter().rev().map(|(version, content)| FileVersion::of(*version, content, false));
        Ok([FileVersion::of(file.version, &file.content, true)].into_iter().chain(former).collect())
    }

    /// A file has this content from then on; folders on the way are made. The same one again changes nothing.
    /// `NotAFile` where a folder stands.
    pub(crate) async fn put(
        &self,
        path: &VaultPath,
        content: &FileContent,
        keep: usize,
    ) -> Result<VaultItem, FilesError> {
        let Some((parent, name)) = path.split() else { return Err(not_a_file(path)) };
        let now = content.stored;
        self.change(async |folders, batch| {
            let folder = folders.made_folder(&parent, now, || self.new_id(), batch).await?;
            let place = Place::of(folder, name);
            let there = if batch.is_empty() { folders.entry(&place).await? } else { None };
            let file = match there {
                Some(Entry::Folder { .. }) => return Err(not_a_file(path)),
                // It was committed before, and the answer was lost.
                Some(Entry::File(file)) if file.content.parts == content.parts => file,
                Some(Entry::File(file)) => folders.go_on(&place, file, content.clone(), keep, now, batch).await?,
                None => {
                    let file = FileEntry { id: self.new_id(), version: 1, content: content.clone() };
                    place.put(&Entry::File(file.clone()), batch)?;
                    file
                }
            };
            Ok(VaultItem::of(path, &Entry::File(file)))
        })
        .await
    }

    /// A former content of a file is its content again.
    pub async fn restore(&self, path: &VaultPath, version: u64) -> Result<VaultItem, FilesError> {
        let Some((parent, name)) = path.split() else { return Err(not_a_file(path)) };
        let now = self.0.now_ms();
        self.change(async |folders, batch| {
            let file = file_at(folders, path).await?;
            if version == file.version {
                return Ok(VaultItem::of(path, &Entry::File(file)));
            }
            let former = folders.former_one(file.id, version).await?;
            let content = FileContent { stored: now, ..former.ok_or_else(|| unknown_version(path, version))? };
            let place = Place::of(folders.folder(&parent).await?, name);
            let file = folders.go_on(&place, file, content, KEPT_VERSIONS, now, batch).await?;
            Ok(VaultItem::of(path, &Entry::File(file)))
        })
        .await
    }

    /// Makes a folder, and those on the way to it. One that is there already stays as it is.
    pub async fn make_folder(&self, path: &VaultPath) -> Result<VaultItem, FilesError> {
        let now = self.0.now_ms();
        self.change(async |folders, batch| folders.made_folder(path, now, || self.new_id(), batch).await.map(drop))
            .await?;
        self.stat(path).await
    }

    /// A file or folder stands at another path from then on, with all that is in it. `FileExists` where something stands
    /// there; `NotAFolder` of a folder into itself.
    pub async fn rename(&self, from: &VaultPath, to: &VaultPath) -> Result<VaultItem, FilesError> {
        let (Some((from_folder, from_name)), Some((to_folder, to_name))) = (from.split(), to.split()) else {
            return Err(Error::new(Code::FileExists, "the root of a vault stays where it is").into());
        };
        self.change(async |folders, batch| {
            let old = Place::of(folders.folder(&from_folder).await?, from_name);
            let entry = folders.entry(&old).await?.ok_or_else(|| unknown(from))?;
            let item = VaultItem::of(to, &entry);
            if from == to {
                return Ok(item);
            }
            if let Entry::Folder { id, .. } = &entry
                && folders.is_within(&to_folder, *id).await?
            {
                return Err(Error::new(Code::NotAFolder, format!("{from} cannot be moved into itself")).into());
            }
            let new = Place::of(folders.folder(&to_folder).await?, to_name);
            if folders.entry(&new).await?.is_some() {
                return Err(Error::new(Code::FileExists, format!("there is a {:?} already", to.to_string())).into());
            }
            old.remove(batch)?;
            new.put(&entry, batch)?;
            Ok(item)
        })
        .await
    }

    /// Takes a file away, or a folder with all that is in it if `recursive`, else only an empty one. `FolderNotEmpty`.
    pub async fn remove(&self, path: &VaultPath, recursive: bool) -> Result<VaultItem, FilesError> {
        let Some((parent, name)) = path.split() else {
            return Err(Error::new(Code::FolderNotEmpty, "the root of a vault stays; remove what is in it").into());
        };
        let now = self.0.now_ms();
        self.change(async |folders, batch| {
            let place = Place::of(folders.folder(&parent).await?, name);
            let entry = folders.entry(&place).await?.ok_or_else(|| unknown(path))?;
            let item = VaultItem::of(path, &entry);
            if let Entry::Folder { id, .. } = &entry
                && !recursive
                && !folders.entries(*id).await?.is_empty()
            {
                return Err(Error::new(Code::FolderNotEmpty, format!("{:?} is not empty", path.to_string()))
                    .hint("Remove what is in it first, or all of it together.")
                    .into());
            }
            folders.take_away(&place, entry, now, batch).await?;
            Ok(item)
        })
        .await
    }

    /// What could be read with other keys than the current one, as `is_current` says of a head.
    pub(crate) async fn still_readable(
        &self,
        mut is_current: impl FnMut(&[u8]) -> bool,
    ) -> Result<StillReadable, FilesError> {
        let snapshot = self.0.snapshot().await?;
        let mut still = StillReadable::default();
        let count = |kept: Kept| {
            if let Some(content) = kept.content().filter(|content| !is_current(&content.head)) {
                still.contents += 1;
                still.bytes += content.size;
            }
            Ok(())
        };
        Folders(&snapshot).each(count).await?;
        Ok(still)
    }

    /// Every entry, to be written anew.
    pub(crate) async fn all(&self) -> Result<Vec<SweptEntry>, FilesError> {
        let snapshot = self.0.snapshot().await?;
        let mut all = Vec::new();
        let keep = |before| {
            all.push(SweptEntry { before, head: None });
            Ok(())
        };
        Folders(&snapshot).each(keep).await?;
        Ok(all)
    }

    /// Writes entries anew, with other heads where they have some; what was changed meanwhile is left as it is, for it was
    /// just written.
    pub(crate) async fn write_anew(&self, entries: &[SweptEntry]) -> Result<(), FilesError> {
        for entries in entries.chunks(SWEPT) {
            let done = self.change(async |folders, batch| {
                for SweptEntry { before, head } in entries {
                    if folders.stands(before).await? {
                        match head {
                            Some(head) => before.with_head(head.clone()).put(batch),
                            None => before.put(batch),
                        }
                    }
                }
                Ok(())
            });
            done.await?;
        }
        // What waits in the tail is under the key of the record; the nodes are written with it.
        self.0.fold().await?;
        Ok(())
    }

    /// Reads, decides and commits on one state, and deletes what was let go of long ago.
    async fn change<T>(
        &self,
        decide: impl AsyncFn(&Folders<'_, super::NearStore<H>, super::VaultKeys>, &mut Batch) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let outcome = Mutex::new(None);
        let keep = |done: T| *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        self.0
            .transact(async |snapshot| {
                let mut batch = Batch::new();
                keep(decide(&Folders(snapshot), &mut batch).await?);
                Ok::<_, FilesError>(batch)
            })
            .await?;
        // What was done is done; what is left over here, somebody else deletes.
        _ = self.delete_let_go().await;
        let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome.ok_or_else(|| Error::internal("a change of the files came to nothing").into())
    }

    async fn delete_let_go(&self) -> Result<(), FilesError> {
        let before = self.0.now_ms().saturating_sub(GRACE_MS);
        let known = self.0.index.known().await?;
        let due = Folders(&known).let_go_before(before, DELETED).await?;
        if due.is_empty() {
            return Ok(());
        }
        let objects: Vec<_> = due.iter().flat_map(|(_, let_go)| let_go.0.iter().copied()).collect();
        self.0.store.delete(&objects).await?;
        let mut batch = Batch::new();
        forget_let_go(&due, &mut batch);
        Ok(self.0.commit(batch).await?)
    }

    fn new_id(&self) -> NodeId {
        let mut id = [0; 16];
        HostRng(&*self.0.host).fill_bytes(&mut id);
        NodeId(id)
    }
}

/// An entry that is written anew.
pub(crate) struct SweptEntry {
    before: Kept,
    /// Another head of its content.
    pub(crate) head: Option<Vec<u8>>,
}

impl SweptEntry {
    pub(crate) fn old_head(&self) -> Option<&[u8]> {
        self.before.content().map(|content| &content.head[..])
    }
}

/// A file's content, or the one that it had as a version.
async fn located<S: Store, K: keyfold_index::Keys>(
    folders: &Folders<'_, S, K>,
    path: &VaultPath,
    version: Option<u64>,
) -> Result<Located, FilesError> {
    let file = file_at(folders, path).await?;
    let content = match version {
        Some(version) if version != file.version => {
            let former = folders.former_one(file.id, version).await?;
            former.ok_or_else(|| unknown_version(path, version))?
        }
        _ => file.content.clone(),
    };
    content.check()?;
    let file = FileEntry { version: version.unwrap_or(file.version), content: content.clone(), ..file };
    Ok(Located { item: VaultItem::of(path, &Entry::File(file)), content })
}

async fn file_at<S: Store, K: keyfold_index::Keys>(
    folders: &Folders<'_, S, K>,
    path: &VaultPath,
) -> Result<FileEntry, FilesError> {
    match folders.at(path).await? {
        Some(Entry::File(file)) => Ok(file),
        _ => Err(not_a_file(path)),
    }
}

fn not_a_file(path: &VaultPath) -> FilesError {
    Error::new(Code::NotAFile, format!("{:?} is a folder", path.to_string())).into()
}

fn unknown_version(path: &VaultPath, version: u64) -> FilesError {
    Error::new(Code::UnknownFile, format!("{:?} has no version {version} any more", path.to_string()))
        .hint("The last 16 former contents of a file stay.")
        .into()
}
