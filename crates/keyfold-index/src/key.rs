//! Keys made of parts, as bytes that compare as the parts do: first by the first part, then by the second.
//!
//! ```text
//! null 08 | false 10 | true 11 | number 20 ‖ 10 bytes | date 28 ‖ 8 bytes | text 30 ‖ … ‖ 00 | bytes 38 ‖ … ‖ 00
//! ```
//!
//! Spec: `docs/spec/index.md`, "Keys".

use crate::error::{IndexError, Result};

const NULL: u8 = 0x08;
const FALSE: u8 = 0x10;
const TRUE: u8 = 0x11;
const NUMBER: u8 = 0x20;
const DATE: u8 = 0x28;
const TEXT: u8 = 0x30;
const BYTES: u8 = 0x38;
/// After a zero byte that is one; a zero byte without it ends a text.
const ESCAPED: u8 = 0xff;
const SIGN: u64 = 1 << 63;

/// One part of a key. Parts of different kinds compare in the order in which they stand here.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Nothing.
    Null,
    /// False before true.
    Bool(bool),
    /// An integer. It compares with floats by what it is: 1 is 1.0, and 2⁵³ + 1 is between 2⁵³ and 2⁵³ + 2.
    Integer(i64),
    /// A float. No NaN, which compares with nothing; −0 is 0.
    Float(f64),
    /// A moment, in milliseconds since 1970.
    Date(i64),
    /// Text. It compares by code points.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The key of these parts. `NotComparable` for NaN.
pub fn encode(parts: &[Part]) -> Result<Vec<u8>> {
    let mut key = Vec::new();
    for part in parts {
        match part {
            Part::Null => key.push(NULL),
            Part::Bool(false) => key.push(FALSE),
            Part::Bool(true) => key.push(TRUE),
            Part::Integer(integer) => {
                let (below, rest) = float_below(*integer);
                number(&mut key, below, rest);
            }
            Part::Float(float) if float.is_nan() => return Err(IndexError::NotComparable),
            // Of two zeros there is one.
            Part::Float(float) => number(&mut key, float + 0.0, 0),
            Part::Date(ms) => {
                key.push(DATE);
                key.extend((ms.cast_unsigned() ^ SIGN).to_be_bytes());
            }
            Part::Text(text) => escaped(&mut key, TEXT, text.as_bytes()),
            Part::Bytes(bytes) => escaped(&mut key, BYTES, bytes),
        }
    }
    Ok(key)
}

/// The parts of a key; a number that is an integer is one. `IndexDamaged` for bytes that [`encode`] does not make.
pub fn decode(mut key: &[u8]) -> Result<Vec<Part>> {
    const DAMAGED: IndexError = IndexError::Damaged("a key is not made of parts");
    let mut parts = Vec::new();
    while let Some((kind, rest)) = key.split_first() {
        key = rest;
        parts.push(match *kind {
            NULL => Part::Null,
            FALSE => Part::Bool(false),
            TRUE => Part::Bool(true),
            NUMBER => {
                let (ordered, rest) = key.split_first_chunk::<8>().ok_or(DAMAGED)?;
                let (more, rest) = rest.split_first_chunk::<2>().ok_or(DAMAGED)?;
                key = rest;
                numbered(u64::from_be_bytes(*ordered), u16::from_be_bytes(*more)).ok_or(DAMAGED)?
            }
            DATE => {
                let (ordered, rest) = key.split_first_chunk::<8>().ok_or(DAMAGED)?;
                key = rest;
                Part::Date((u64::from_be_bytes(*ordered) ^ SIGN).cast_signed())
            }
            TEXT => Part::Text(String::from_utf8(unescaped(&mut key).ok_or(DAMAGED)?).map_err(|_| DAMAGED)?),
            BYTES => Part::Bytes(unescaped(&mut key).ok_or(DAMAGED)?),
            _ => return Err(DAMAGED),
        });
    }
    Ok(parts)
}

/// Where keys begin whose text at this place begins so, for a query by prefix: the parts before it, and the text's start.
pub fn encode_text_prefix(parts: &[Part], start: &str) -> Result<Vec<u8>> {
    let mut key = encode(parts)?;
    escaped(&mut key, TEXT, start.as_bytes());
    key.pop();
    Ok(key)
}

/// The greatest float that is not greater, and how much less it is: at most 1,023, the distance of floats below 2⁶³.
fn float_below(integer: i64) -> (f64, u16) {
    let nearest = integer as f64;
    let below = if nearest as i128 > i128::from(integer) { nearest.next_down() } else { nearest };
    (below, u16::try_from(i128::from(integer) - below as i128).unwrap_or(0))
}

fn number(key: &mut Vec<u8>, float: f64, more: u16) {
    let bits = float.to_bits();
    let ordered = if bits & SIGN == 0 { bits ^ SIGN } else { !bits };
    key.push(NUMBER);
    key.extend(ordered.to_be_bytes());
    key.extend(more.to_be_bytes());
}

fn numbered(ordered: u64, more: u16) -> Option<Part> {
    let float = f64::from_bits(if ordered & SIGN == 0 { !ordered } else { ordered ^ SIGN });
    let part = match exact(float) {
        Some(integer) => Part::Integer(integer.checked_add(i64::from(more))?),
        None if more == 0 => Part::Float(float),
        None => return None,
    };
    // One key for a number.
    let mut again = Vec::with_capacity(11);
    match part {
        Part::Integer(integer) => {
            let (below, rest) = float_below(integer);
            number(&mut again, below, rest);
        }
        _ => number(&mut again, float + 0.0, 0),
    }
    let is_same = again.get(1..9) == Some(&ordered.to_be_bytes()) && again.get(9..) == Some(&more.to_be_bytes());
    (is_same && !float.is_nan()).then_some(part)
}

/// A float as an integer, if it is one that fits.
fn exact(float: f64) -> Option<i64> {
    let is_in = (-(2f64.powi(63))..2f64.powi(63)).contains(&float);
    (is_in && float.fract() == 0.0).then_some(float as i64)
}

fn escaped(key: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    key.push(kind);
    for byte in bytes {
        key.push(*byte);
        if *byte == 0 {
            key.push(ESCAPED);
        }
    }
    key.push(0);
}

fn unescaped(key: &mut &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let (byte, rest) = key.split_first()?;
        *key = rest;
        if *byte != 0 {
            bytes.push(*byte);
        } else if let Some(rest) = rest.strip_prefix(&[ESCAPED]) {
            *key = rest;
            bytes.push(0);
        } else {
            return Some(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn part() -> impl Strategy<Value = Part> {
        let near =
            prop_oneof![Just(0i64), Just(1 << 53), Just(i64::MAX), Just(i64::MIN), Just(-(1 << 53)), any::<i64>()];
        let integer = (near, -3i64..4).prop_map(|(n, d)| n.saturating_add(d));
        prop_oneof![
            Just(Part::Null),
            any::<bool>().prop_map(Part::Bool),
            integer.clone().prop_map(Part::Integer),
            integer.prop_map(|n| Part::Float(n as f64)),
            any::<f64>().prop_filter("NaN", |f| !f.is_nan()).prop_map(Part::Float),
            any::<i64>().prop_map(Part::Date),
            "[\0a-cé\u{10ffff}]{0,4}".prop_map(Part::Text),
            prop::collection::vec(prop_oneof![Just(0), Just(1), Just(255)], 0..4).prop_map(Part::Bytes),
        ]
    }

    fn kind(part: &Part) -> u8 {
        match part {
            Part::Null => 0,
            Part::Bool(_) => 1,
            Part::Integer(_) | Part::Float(_) => 2,
            Part::Date(_) => 3,
            Part::Text(_) => 4,
            Part::Bytes(_) => 5,
        }
    }

    /// An integer and a float, as real numbers.
    fn real(integer: i64, float: f64) -> Ordering {
        if float >= 2f64.powi(63) {
            Ordering::Less
        } else if float < -(2f64.powi(63)) {
            Ordering::Greater
        } else {
            let whole = float.floor();
            integer.cmp(&(whole as i64)).then(if float > whole { Ordering::Less } else { Ordering::Equal })
        }
    }

    fn compare(a: &Part, b: &Part) -> Ordering {
        match (a, b) {
            (Part::Bool(a), Part::Bool(b)) => a.cmp(b),
            (Part::Integer(a), Part::Integer(b)) | (Part::Date(a), Part::Date(b)) => a.cmp(b),
            (Part::Float(a), Part::Float(b)) => a.partial_cmp(b).unwrap(),
            (Part::Integer(a), Part::Float(b)) => real(*a, *b),
            (Part::Float(a), Part::Integer(b)) => real(*b, *a).reverse(),
            (Part::Text(a), Part::Text(b)) => a.chars().cmp(b.chars()),
            (Part::Bytes(a), Part::Bytes(b)) => a.cmp(b),
            _ => kind(a).cmp(&kind(b)),
        }
    }

    proptest! {
        #[test]
        fn keys_compare_as_their_parts(a in prop::collection::vec(part(), 0..4), b in prop::collection::vec(part(), 0..4)) {
            let parts = a.iter().zip(&b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            let expected = parts.unwrap_or(a.len().cmp(&b.len()));
            prop_assert_eq!(encode(&a).unwrap().cmp(&encode(&b).unwrap()), expected);
        }

        #[test]
        fn parts_come_back(parts in prop::collection::vec(part(), 0..4)) {
            let again = decode(&encode(&parts).unwrap()).unwrap();
            prop_assert_eq!(again.len(), parts.len());
            for (again, part) in again.iter().zip(&parts) {
                prop_assert_eq!(compare(again, part), Ordering::Equal);
            }
        }

        #[test]
        fn of_any_bytes_those_are_read_that_are_written_so(bytes in prop::collection::vec(prop_oneof![
            Just(0x08), Just(0x20), Just(0x30), Just(0x38), Just(0), Just(255), any::<u8>()], 0..24)) {
            if let Ok(parts) = decode(&bytes) {
                prop_assert_eq!(encode(&parts).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn what_compares_with_nothing_is_no_key_and_zero_is_one_number() {
        assert_eq!(encode(&[Part::Float(f64::NAN)]).unwrap_err().code(), "NotComparable");
        let zeros = [Part::Integer(0), Part::Float(0.0), Part::Float(-0.0)].map(|zero| encode(&[zero]).unwrap());
        assert!(zeros[0] == zeros[1] && zeros[1] == zeros[2]);
        assert_eq!(decode(&zeros[0]).unwrap(), [Part::Integer(0)]);
    }

    #[test]
    fn a_prefix_of_a_text_is_a_prefix_of_the_key() {
        let start = encode_text_prefix(&[Part::Integer(7)], "mon").unwrap();
        let with = |text: &str| encode(&[Part::Integer(7), Part::Text(text.to_owned()), Part::Null]).unwrap();
        assert!(with("monday").starts_with(&start) && with("mon").starts_with(&start));
        assert!(!with("moon").starts_with(&start));
    }
}
