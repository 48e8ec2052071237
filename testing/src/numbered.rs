//! Objects that are known by a number: whoever writes them and whoever looks for them need not tell each other what is
//! in them.

use keyfold_format::ObjectId;

/// Bytes of each: more than a file system writes in one go.
const SIZE: usize = 40_000;

/// The object of a number.
pub fn object(number: u64) -> (ObjectId, Vec<u8>) {
    (id(number), number.to_be_bytes().repeat(SIZE / 8))
}

/// Its id. Numbers that follow each other lie apart.
pub fn id(number: u64) -> ObjectId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    ObjectId(id)
}
