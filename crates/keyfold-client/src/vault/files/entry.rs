//! What stands in the index of files, as bytes.
//!
//! Spec: `docs/spec/vault.md`, "The index of files".

use keyfold_format::{Malformed, ObjectId, cbor, limits::SEGMENT_BYTES};
use keyfold_index::IndexError;
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

/// Sealed segments of a part.
const PART_SEGMENTS: usize = 16;
/// Bytes of a part that is not the last.
pub const PART_BYTES: usize = PART_SEGMENTS * keyfold_format::envelope::SEALED_SEGMENT_BYTES;
/// Bytes of plaintext in it.
pub const PART_TEXT_BYTES: usize = PART_SEGMENTS * SEGMENT_BYTES;
/// Parts of a content.
pub(super) const PARTS: usize = 24_576;
/// Bytes of a media type.
pub(crate) const MEDIA_TYPE_BYTES: usize = 256;

/// A file or folder, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 16]);

impl NodeId {
    /// The root folder.
    pub const ROOT: Self = Self([0; 16]);
}

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file.
    File(FileEntry),
    /// A folder.
    Folder {
        /// Which.
        id: NodeId,
        /// When it was made, in milliseconds since 1970.
        created: u64,
    },
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    /// Which.
    pub id: NodeId,
    /// Which of its contents this is, from 1.
    pub version: u64,
    /// What is in it.
    pub content: FileContent,
}

/// What is in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// When it was put, in milliseconds since 1970.
    pub stored: u64,
    /// The media type, as whoever put it says; empty if he says none.
    pub media_type: String,
    /// When it was last modified, as whoever put it says, in milliseconds since 1970.
    pub modified: Option<u64>,
    /// Bytes of plaintext.
    pub size: u64,
    /// The head of its envelope.
    pub head: Vec<u8>,
    /// Bytes of its body.
    pub body: u64,
    /// The objects that the body is cut into.
    pub parts: Vec<ObjectId>,
}

/// Objects of a content that was let go of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LetGo(pub(super) Vec<ObjectId>);

/// From what stands in an index.
pub(super) fn decoded<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, IndexError> {
    cbor::decode_canonical(bytes).map_err(|fault| match fault {
        Malformed::Unsupported => IndexError::Format(fault),
        _ => IndexError::Damaged("an entry of the files is not one"),
    })
}

impl<C> Encode<C> for NodeId {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

/// The id of what stands under a name, which the root does not.
fn entry_id(d: &mut Decoder<'_>) -> Result<NodeId, DecodeError> {
    match cbor::bytes_of(d).map(NodeId)? {
        NodeId::ROOT => Err(cbor::fault(Malformed::Encoding)),
        id => Ok(id),
    }
}

impl<C> Encode<C> for Entry {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self {
            Self::File(FileEntry { id, version, content }) => {
                e.array(4)?.u8(0)?.encode_with(id, ctx)?.u64(*version)?.encode_with(content, ctx)?.ok()
            }
            Self::Folder { id, created } => e.array(3)?.u8(1)?.encode_with(id, ctx)?.u64(*created)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Entry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        match (cbor::discriminant(d)?, len) {
            (0, Some(4)) => {
                let (id, version) = (entry_id(d)?, cbor::number(d)?);
                if version == 0 {
                    return Err(cbor::fault(Malformed::Encoding));
                }
                Ok(Self::File(FileEntry { id, version, content: d.decode_with(ctx)? }))
            }
            (1, Some(3)) => Ok(Self::Folder { id: entry_id(d)?, created: cbor::number(d)? }),
            (0 | 1, _) => Err(cbor::fault(Malformed::Encoding)),
            _ => Err(cbor::unsupported()),
        }
    }
}

impl<C> Encode<C> for FileContent {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.array(7)?.u64(self.stored)?.str(&self.media_type)?;
        match self.modified {
            Some(modified) => e.u64(modified)?,
            None => e.null()?,
        };
        e.u64(self.size)?.bytes(&self.head)?.u64(self.body)?;
        objects(e, &self.parts)
    }
}

impl<'b, C> Decode<'b, C> for FileContent {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 7)?;
        let (stored, media_type) = (cbor::number(d)?, d.str()?);
        if media_type.len() > MEDIA_TYPE_BYTES {
            return Err(cbor::fault(Malformed::TooLarge));
        }
        Ok(Self {
            stored,
            media_type: media_type.to_owned(),
            modified: cbor::nullable(d, cbor::number)?,
            size: cbor::number(d)?,
            head: d.bytes()?.to_vec(),
            body: cbor::number(d)?,
            parts: cbor::list(d, PARTS, |d| cbor::bytes_of(d).map(ObjectId))?,
        })
    }
}

impl<C> Encode<C> for LetGo {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        objects(e, &self.0)
    }
}

impl<'b, C> Decode<'b, C> for LetGo {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        cbor::list(d, PARTS, |d| cbor::bytes_of(d).map(ObjectId)).map(Self)
    }
}

fn objects<W: Write>(e: &mut Encoder<W>, objects: &[ObjectId]) -> Result<(), EncodeError<W::Error>> {
    e.array(objects.len() as u64)?;
    for object in objects {
        e.bytes(&object.0)?;
    }
    Ok(())
}
