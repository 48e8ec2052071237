//! The one canonical encoding: deterministic CBOR, decoded, encoded again and compared.
//!
//! Spec: `docs/spec/conventions.md`, "Canonical encoding".

use crate::{error::Malformed, limits};
use alloc::vec::Vec;
use core::error::Error;
use minicbor::{Decode, Decoder, Encode, data::Type, decode};

/// The canonical encoding of a value.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let Ok(()) = minicbor::encode(value, &mut out).map_err(drop) else {
        // Writing to a vector cannot fail, and no type of ours refuses to be encoded.
        return Vec::new();
    };
    out
}

/// Decodes, requires that all input was used, encodes again and compares.
///
/// A plain CBOR decoder accepts many encodings of one value; a signed byte string must have one.
pub fn decode_canonical<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, Malformed> {
    check_depth(bytes)?;
    let mut decoder = Decoder::new(bytes);
    let value: T = decoder.decode().map_err(classify)?;
    if decoder.position() != bytes.len() || encode(&value) != bytes {
        return Err(Malformed::NotCanonical);
    }
    Ok(value)
}

/// Reads an array header and requires `len` elements.
pub fn array(d: &mut Decoder<'_>, len: u64) -> Result<(), decode::Error> {
    match d.array()? {
        Some(n) if n == len => Ok(()),
        _ => Err(decode::Error::message("array length")),
    }
}

/// Reads a byte string of exactly `N` bytes.
pub fn bytes_of<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], decode::Error> {
    d.bytes()?.try_into().map_err(|_| decode::Error::message("length of bytes"))
}

/// Reads a list of at most `max` items.
pub fn list<'b, T>(
    d: &mut Decoder<'b>,
    max: usize,
    mut item: impl FnMut(&mut Decoder<'b>) -> Result<T, decode::Error>,
) -> Result<Vec<T>, decode::Error> {
    let len = d.array()?.ok_or_else(|| decode::Error::message("indefinite length"))?;
    if len > max as u64 {
        return Err(too_many());
    }
    let mut out = Vec::new();
    for _ in 0..len {
        out.push(item(d)?);
    }
    Ok(out)
}

/// Reads a set, whose items stand in one order only: strictly ascending by `key`.
pub fn set<'b, T, K: Ord>(
    d: &mut Decoder<'b>,
    max: usize,
    key: impl Fn(&T) -> K,
    item: impl FnMut(&mut Decoder<'b>) -> Result<T, decode::Error>,
) -> Result<Vec<T>, decode::Error> {
    let items = list(d, max, item)?;
    if items.is_sorted_by(|a, b| key(a) < key(b)) { Ok(items) } else { Err(fault(Malformed::NotCanonical)) }
}

/// Reads `null`, or a value.
pub fn nullable<'b, T>(
    d: &mut Decoder<'b>,
    value: impl FnOnce(&mut Decoder<'b>) -> Result<T, decode::Error>,
) -> Result<Option<T>, decode::Error> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    value(d).map(Some)
}

/// A decoding error that becomes [`Malformed::Unsupported`].
pub fn unsupported() -> decode::Error {
    fault(Malformed::Unsupported)
}

/// A decoding error that becomes [`Malformed::TooMany`].
pub fn too_many() -> decode::Error {
    fault(Malformed::TooMany)
}

/// A decoding error that [`classify`] turns back into `fault`.
pub fn fault(fault: Malformed) -> decode::Error {
    decode::Error::custom(fault)
}

/// What a decoding error of minicbor means to us.
pub fn classify(error: decode::Error) -> Malformed {
    if error.is_end_of_input() {
        return Malformed::Truncated;
    }
    error.source().and_then(|fault| fault.downcast_ref()).copied().unwrap_or(Malformed::Encoding)
}

/// Reads a number that says how to read on: a version, form, op, kind. One that is larger than any of ours is
/// `Unsupported` as well.
pub fn discriminant(d: &mut Decoder<'_>) -> Result<u8, decode::Error> {
    d.u64()?.try_into().map_err(|_| unsupported())
}

/// The largest integer that every client can hold exactly: 2⁵³ − 1.
pub const LARGEST: u64 = (1 << 53) - 1;

/// Reads a number or time, at most [`LARGEST`].
pub fn number(d: &mut Decoder<'_>) -> Result<u64, decode::Error> {
    match d.u64()? {
        number if number <= LARGEST => Ok(number),
        _ => Err(fault(Malformed::TooLarge)),
    }
}

/// Refuses a structure `[version, …]` of another version before its shape is looked at, which that version may have
/// changed.
pub fn check_version(bytes: &[u8], version: u64) -> Result<(), Malformed> {
    let mut d = Decoder::new(bytes);
    if let (Ok(Some(1..)), Ok(found)) = (d.array(), d.u64())
        && found != version
    {
        return Err(Malformed::Unsupported);
    }
    Ok(())
}

/// Refuses deep nesting before any recursive decoder sees it.
fn check_depth(bytes: &[u8]) -> Result<(), Malformed> {
    let mut open: Vec<u64> = Vec::new();
    let mut d = Decoder::new(bytes);
    while d.position() < bytes.len() {
        match d.datatype().map_err(classify)? {
            Type::Array => {
                let Some(n) = d.array().map_err(classify)? else { return Err(Malformed::NotCanonical) };
                if open.len() >= limits::DEPTH {
                    return Err(Malformed::TooMany);
                }
                open.push(n);
            }
            Type::Map
            | Type::MapIndef
            | Type::ArrayIndef
            | Type::BytesIndef
            | Type::StringIndef
            | Type::Tag
            | Type::F16
            | Type::F32
            | Type::F64
            | Type::Undefined => return Err(Malformed::NotCanonical),
            Type::Bytes => drop(d.bytes().map_err(classify)?),
            _ => d.skip().map_err(classify)?,
        }
        // Leave every array whose last element has just been read.
        loop {
            match open.last_mut() {
                Some(0) => drop(open.pop()),
                Some(n) => {
                    *n -= 1;
                    break;
                }
                None => break,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_integers_trailing_bytes_and_indefinite_arrays_are_not_canonical() {
        assert_eq!(decode_canonical::<u64>(&[0x05]), Ok(5));
        assert_eq!(decode_canonical::<u64>(&[0x18, 0x05]), Err(Malformed::NotCanonical));
        assert_eq!(decode_canonical::<u64>(&[0x05, 0x00]), Err(Malformed::NotCanonical));
        assert_eq!(decode_canonical::<Vec<u64>>(&[0x9f, 0x05, 0xff]), Err(Malformed::NotCanonical));
        assert_eq!(decode_canonical::<Vec<u64>>(&[0x81]), Err(Malformed::Truncated));
    }

    #[test]
    fn nesting_deeper_than_the_limit_is_refused_without_recursion() {
        let mut deep = alloc::vec![0x81; 100_000];
        deep.push(0x00);
        assert_eq!(decode_canonical::<Vec<u64>>(&deep), Err(Malformed::TooMany));
    }
}
