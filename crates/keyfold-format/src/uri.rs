//! Text inside URIs (RFC 3986 §2). Apart, for every `keyfold:` text writes it the same way.

use alloc::{string::String, vec::Vec};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Bytes that are not unreserved stand as `%` and two capital hexadecimal digits.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let digits = [byte >> 4, byte & 15].into_iter().filter_map(|digit| HEX.get(usize::from(digit)));
            out.extend(digits.map(|digit| char::from(*digit)));
        }
    }
    out
}

/// The reverse of [`escaped`]. It takes other spellings too: whoever wants one text for one thing writes it again and
/// compares.
pub fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        out.push(u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}
