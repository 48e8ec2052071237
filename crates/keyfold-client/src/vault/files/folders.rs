//! The files and folders of a vault at one moment: finding them, and what has to change so that they are others.

use super::{
    FilesError,
    entry::{Entry, FileContent, FileEntry, LetGo, NodeId, decoded},
    path::VaultPath,
    place::{self, ENTRIES, FORMER, LET_GO},
};
use crate::Error;
use keyfold_format::{Name, ObjectId, cbor};
use keyfold_index::{Batch, IndexError, Keys, Query, Snapshot, key::Part, store::Store};
use keyfold_protocol::Code;
use std::{collections::BTreeSet, ops::Bound};

/// The objects that an entry of the index of files names.
pub(crate) fn named_parts(tree: u16, _: &[u8], value: &[u8]) -> Result<Vec<ObjectId>, IndexError> {
    match tree {
        ENTRIES => Ok(match decoded(value)? {
            Entry::File(file) => file.content.parts,
            Entry::Folder { .. } => Vec::new(),
        }),
        FORMER => Ok(decoded::<FileContent>(value)?.parts),
        LET_GO => Ok(decoded::<LetGo>(value)?.0),
        _ => Err(IndexError::Damaged("files have no such tree")),
    }
}

/// The folders of a vault as they were at one moment.
pub(super) struct Folders<'s, S, K>(pub(super) &'s Snapshot<S, K>);

/// Where a file or folder stands.
pub(super) struct Place {
    folder: NodeId,
    name: Name,
}

/// A content of a file, with its version.
pub(super) type Versioned = (u64, FileContent);

impl<S: Store, K: Keys> Folders<'_, S, K> {
    /// What stands at a path; `None` for the root, which is always there.
    pub(super) async fn at(&self, path: &VaultPath) -> Result<Option<Entry>, FilesError> {
        let Some((folder, name)) = path.split() else { return Ok(None) };
        let place = Place::of(self.folder(&folder).await?, name);
        self.entry(&place).await?.map(Some).ok_or_else(|| unknown(path))
    }

    /// The folder at a path. `UnknownFile`, `NotAFolder`.
    pub(super) async fn folder(&self, path: &VaultPath) -> Result<NodeId, FilesError> {
        let mut folder = NodeId::ROOT;
        for name in path.names() {
            folder = match self.entry(&Place::of(folder, name)).await? {
                Some(Entry::Folder { id, .. }) => id,
                Some(Entry::File(_)) => return Err(not_a_folder(name)),
                None => return Err(unknown(path)),
            };
        }
        Ok(folder)
    }

    /// The same; those that are not there are made.
    pub(super) async fn made_folder(
        &self,
        path: &VaultPath,
        now: u64,
        mut id: impl FnMut() -> NodeId,
        batch: &mut Batch,
    ) -> Result<NodeId, FilesError> {
        let mut folder = NodeId::ROOT;
        let mut is_new = false;
        for name in path.names() {
            let place = Place::of(folder, name);
            let there = if is_new { None } else { self.entry(&place).await? };
            folder = match there {
                Some(Entry::Folder { id, .. }) => id,
                Some(Entry::File(_)) => return Err(not_a_folder(name)),
                None => {
                    is_new = true;
                    let id = id();
                    place.put(&Entry::Folder { id, created: now }, batch)?;
                    id
                }
            };
        }
        Ok(folder)
    }

    /// What stands in a place.
    pub(super) async fn entry(&self, place: &Place) -> Result<Option<Entry>, FilesError> {
        let value = self.0.get(ENTRIES, &place.key()?).await?;
        Ok(value.map(|value| decoded(&value)).transpose()?)
    }

    /// Everything in a folder, by name.
    pub(super) async fn entries(&self, folder: NodeId) -> Result<Vec<(Name, Entry)>, FilesError> {
        let query = Query::parts(&[Part::Bytes(folder.0.to_vec())])?;
        let mut entries = Vec::new();
        let mut range = self.0.range(ENTRIES, query);
        while let Some(page) = range.next().await? {
            for (key, value) in page.into_entries() {
                entries.push((place::read_entry(&key)?.1, decoded(&value)?));
            }
        }
        Ok(entries)
    }

    /// The former contents of a file, the oldest first.
    pub(super) async fn former(&self, file: NodeId) -> Result<Vec<Versioned>, FilesError> {
        let mut former = Vec::new();
        let mut range = self.0.range(FORMER, Query::parts(&[Part::Bytes(file.0.to_vec())])?);
        while let Some(page) = range.next().await? {
            for (key, value) in page.into_entries() {
                former.push((place::read_former(&key)?.1, decoded(&value)?));
            }
        }
        Ok(former)
    }

    /// One former content.
    pub(super) async fn former_one(&self, file: NodeId, version: u64) -> Result<Option<FileContent>, FilesError> {
        let value = self.0.get(FORMER, &place::former(file, version)?).await?;
        Ok(value.map(|value| decoded(&value)).transpose()?)
    }

    /// A file goes on to another content; the one that it has becomes a former one, of which `keep` stay.
    pub(super) async fn go_on(
        &self,
        place: &Place,
        file: FileEntry,
        content: FileContent,
        keep: usize,
        now: u64,
        batch: &mut Batch,
    ) -> Result<FileEntry, FilesError> {
        if file.version >= cbor::LARGEST {
            return Err(Error::new(Code::TooLarge, "the file has had as many contents as can be counted").into());
        }
        let next = FileEntry { id: file.id, version: file.version + 1, content };
        place.put(&Entry::File(next.clone()), batch)?;
        let mut former = self.former(file.id).await?;
        former.push((file.version, file.content.clone()));
        let gone = former.len().saturating_sub(keep);
        let stay = former.split_off(gone);
        for (version, content) in former {
            // Where a former content was taken up again, its objects are still needed.
            let still = |other: &FileContent| other.parts == content.parts;
            let is_needed = still(&next.content) || stay.iter().any(|(_, other)| still(other));
            let_go(file.id, version, &content, is_needed, now, batch)?;
        }
        if keep > 0 {
            batch.put(FORMER, &place::former(file.id, file.version)?, &cbor::encode(&file.content));
        }
        Ok(next)
    }

    /// Takes away what stands in a place, with everything in it.
    pub(super) async fn take_away(
        &self,
        place: &Place,
        entry: Entry,
        now: u64,
        batch: &mut Batch,
    ) -> Result<(), FilesError> {
        batch.remove(ENTRIES, &place.key()?);
        let mut folders = Vec::new();
        self.let_go_of(entry, &mut folders, now, batch).await?;
        let mut gone = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            // Who may write may have put a folder into itself.
            if !gone.insert(folder) {
                return Err(IndexError::Damaged("a folder stands in two places").into());
            }
            for (name, entry) in self.entries(folder).await? {
                batch.remove(ENTRIES, &Place { folder, name }.key()?);
                self.let_go_of(entry, &mut folders, now, batch).await?;
            }
        }
        Ok(())
    }

    async fn let_go_of(
        &self,
        entry: Entry,
        folders: &mut Vec<NodeId>,
        now: u64,
        batch: &mut Batch,
    ) -> Result<(), FilesError> {
        match entry {
            Entry::Folder { id, .. } => folders.push(id),
            Entry::File(FileEntry { id, version, content }) => {
                for (version, content) in self.former(id).await? {
                    let_go(id, version, &content, false, now, batch)?;
                }
                note_let_go(id, version, &content, now, batch)?;
            }
        }
        Ok(())
    }

    /// Whether a folder is the other one, or somewhere in it.
    pub(super) async fn is_within(&self, path: &VaultPath, folder: NodeId) -> Result<bool, FilesError> {
        let mut at = NodeId::ROOT;
        for name in path.names() {
            match self.entry(&Place::of(at, name)).await? {
                Some(Entry::Folder { id, .. }) if id == folder => return Ok(true),
                Some(Entry::Folder { id, .. }) => at = id,
                _ => return Ok(false),
            }
        }
        Ok(at == folder)
    }

    /// What was let go of before a moment, at most `most` of it. A note that a member wrote who does not keep to the format
    /// names nothing: it is forgotten as the others are, and what it was about a sweep finds.
    pub(super) async fn let_go_before(&self, moment: u64, most: usize) -> Result<Vec<(Box<[u8]>, LetGo)>, FilesError> {
        let to = Bound::Excluded(place::let_go_since(moment)?.into_boxed_slice());
        let mut range = self.0.range(LET_GO, Query { to, ..Query::default() });
        let mut found = Vec::new();
        while found.len() < most {
            let Some(page) = range.next().await? else { break };
            for (key, value) in page.into_entries() {
                let note = place::read_let_go(&key).ok().and_then(|_| decoded(&value).ok());
                found.push((key, note.unwrap_or_default()));
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// Shows every entry and former content, with a way to write it again.
    pub(super) async fn each(&self, mut see: impl FnMut(Kept) -> Result<(), FilesError>) -> Result<(), FilesError> {
        for tree in [ENTRIES, FORMER] {
            let mut range = self.0.range(tree, Query::default());
            while let Some(page) = range.next().await? {
                for (key, value) in page.into_entries() {
                    let what = match tree {
                        ENTRIES => What::Entry(decoded(&value)?),
                        _ => What::Former(decoded(&value)?),
                    };
                    see(Kept { tree, key, what })?;
                }
            }
        }
        Ok(())
    }

    /// Whether what was shown by [`Self::each`] still stands there as it was.
    pub(super) async fn stands(&self, kept: &Kept) -> Result<bool, FilesError> {
        let value = self.0.get(kept.tree, &kept.key).await?;
        Ok(value.is_some_and(|value| **value == *kept.bytes()))
    }
}

/// An entry or former content of the index.
#[derive(Clone)]
pub(super) struct Kept {
    tree: u16,
    key: Box<[u8]>,
    what: What,
}

#[derive(Clone)]
enum What {
    Entry(Entry),
    Former(FileContent),
}

impl Kept {
    /// The content, if it is of a file.
    pub(super) const fn content(&self) -> Option<&FileContent> {
        match &self.what {
            What::Entry(Entry::File(file)) => Some(&file.content),
            What::Entry(Entry::Folder { .. }) => None,
            What::Former(content) => Some(content),
        }
    }

    /// The same with another head.
    pub(super) fn with_head(&self, head: Vec<u8>) -> Self {
        let mut other = self.clone();
        match &mut other.what {
            What::Entry(Entry::File(file)) => file.content.head = head,
            What::Entry(Entry::Folder { .. }) => {}
            What::Former(content) => content.head = head,
        }
        other
    }

    pub(super) fn put(&self, batch: &mut Batch) {
        batch.put(self.tree, &self.key, &self.bytes());
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.what {
            What::Entry(entry) => cbor::encode(entry),
            What::Former(content) => cbor::encode(content),
        }
    }
}

impl Place {
    pub(super) fn of(folder: NodeId, name: &Name) -> Self {
        Self { folder, name: name.clone() }
    }

    pub(super) fn put(&self, entry: &Entry, batch: &mut Batch) -> Result<(), FilesError> {
        batch.put(ENTRIES, &self.key()?, &cbor::encode(entry));
        Ok(())
    }

    pub(super) fn remove(&self, batch: &mut Batch) -> Result<(), FilesError> {
        batch.remove(ENTRIES, &self.key()?);
        Ok(())
    }

    fn key(&self) -> Result<Vec<u8>, FilesError> {
        Ok(place::entry(self.folder, &self.name)?)
    }
}

/// The notes of what was let go of are taken away.
pub(super) fn forget_let_go(notes: &[(Box<[u8]>, LetGo)], batch: &mut Batch) {
    for (key, _) in notes {
        batch.remove(LET_GO, key);
    }
}

/// A former content is no more, and its objects are noted, unless they are needed elsewhere.
fn let_go(
    file: NodeId,
    version: u64,
    content: &FileContent,
    is_needed: bool,
    now: u64,
    batch: &mut Batch,
) -> Result<(), FilesError> {
    batch.remove(FORMER, &place::former(file, version)?);
    if is_needed { Ok(()) } else { note_let_go(file, version, content, now, batch) }
}

fn note_let_go(
    file: NodeId,
    version: u64,
    content: &FileContent,
    now: u64,
    batch: &mut Batch,
) -> Result<(), FilesError> {
    if !content.parts.is_empty() {
        batch.put(LET_GO, &place::let_go(now, file, version)?, &cbor::encode(&LetGo(content.parts.clone())));
    }
    Ok(())
}

pub(super) fn unknown(path: &VaultPath) -> FilesError {
    Error::new(Code::UnknownFile, format!("there is no {path:?} in the vault", path = path.to_string())).into()
}

fn not_a_folder(name: &Name) -> FilesError {
    Error::new(Code::NotAFolder, format!("{:?} is a file", name.as_str()))
        .hint("Only folders have something in them.")
        .into()
}

#[cfg(test)]
mod tests {
    use super::{
        super::vectors::scene::{Standing, snapshot},
        *,
    };

    fn folder(parent: NodeId, name: &str, id: u8) -> Standing {
        let entry = Entry::Folder { id: NodeId([id; 16]), created: 1 };
        (ENTRIES, place::entry(parent, &Name::new(name).unwrap()).unwrap(), cbor::encode(&entry))
    }

    /// What comes of removing the folder `a`.
    async fn removed(standing: &[Standing]) -> Result<(), FilesError> {
        let (snapshot, mut batch) = (snapshot(standing).await, Batch::new());
        let folders = Folders(&snapshot);
        let place = Place::of(NodeId::ROOT, &Name::new("a").unwrap());
        let entry = folders.entry(&place).await?.unwrap();
        folders.take_away(&place, entry, 2, &mut batch).await
    }

    #[tokio::test]
    async fn folders_that_stand_in_each_other_are_damage_to_whoever_removes_them() {
        let (one, two) = (NodeId([1; 16]), NodeId([2; 16]));
        let well = [folder(NodeId::ROOT, "a", 1), folder(one, "b", 2), folder(two, "c", 3)];
        assert!(removed(&well).await.is_ok());
        let rings: [&[Standing]; 3] = [
            &[folder(NodeId::ROOT, "a", 1), folder(one, "a", 1)],
            &[folder(NodeId::ROOT, "a", 1), folder(one, "b", 2), folder(two, "c", 1)],
            &[folder(NodeId::ROOT, "a", 1), folder(one, "b", 2), folder(one, "c", 2)],
        ];
        for standing in rings {
            let error = removed(standing).await.unwrap_err();
            assert!(matches!(error, FilesError::Index(IndexError::Damaged(_))), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_file_of_the_largest_version_stays_as_it_is() {
        let content = FileContent {
            stored: 1,
            media_type: String::new(),
            modified: None,
            size: 0,
            head: Vec::new(),
            body: 24,
            parts: Vec::new(),
        };
        let snapshot = snapshot(&[folder(NodeId::ROOT, "a", 1)]).await;
        for (version, is_next) in [(cbor::LARGEST - 1, true), (cbor::LARGEST, false)] {
            let (file, mut batch) =
                (FileEntry { id: NodeId([9; 16]), version, content: content.clone() }, Batch::new());
            let place = Place::of(NodeId::ROOT, &Name::new("b").unwrap());
            let next = Folders(&snapshot).go_on(&place, file, content.clone(), 1, 2, &mut batch).await;
            assert_eq!((next.is_ok(), batch.is_empty()), (is_next, !is_next));
        }
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_damage_to_whoever_lists_its_folder_and_to_nobody_else() {
        let key = keyfold_index::key::encode(&[Part::Bytes(vec![1; 16]), Part::Text("..".to_owned())]).unwrap();
        let (value, other) = (folder(NodeId::ROOT, "a", 1), folder(NodeId([1; 16]), "b", 2));
        let snapshot = snapshot(&[value.clone(), other, (ENTRIES, key, value.2)]).await;
        let folders = Folders(&snapshot);
        assert_eq!(folders.entries(NodeId::ROOT).await.unwrap().len(), 1);
        assert_eq!(folders.folder(&VaultPath::parse("a/b").unwrap()).await.unwrap(), NodeId([2; 16]));
        let error = folders.entries(NodeId([1; 16])).await.unwrap_err();
        assert!(matches!(error, FilesError::Index(IndexError::Damaged(_))), "{error:?}");
    }
}
