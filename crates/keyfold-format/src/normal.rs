//! Whether a text is in normal form C. The library's own answer goes through code that can do all four forms, and so
//! brings the tables of compatibility along: in a browser that is 20 kB more to load. Here are its canonical tables,
//! with the algorithm between them.
//!
//! Source: Unicode Standard Annex #15, and §3.11 of the standard (D108 canonical ordering, D117 composition).

use alloc::vec::Vec;
use unicode_normalization::{
    IsNormalized,
    char::{canonical_combining_class, compose, decompose_canonical},
    is_nfc_quick,
};

/// Whether `text` is in normal form C.
pub(crate) fn is_nfc(text: &str) -> bool {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => composed(&decomposed(text)).into_iter().eq(text.chars()),
    }
}

/// Every character taken apart, with its combining class, and marks in the order of their classes.
fn decomposed(text: &str) -> Vec<(u8, char)> {
    let mut out: Vec<(u8, char)> = Vec::with_capacity(text.len());
    for whole in text.chars() {
        decompose_canonical(whole, |part| {
            let class = canonical_combining_class(part);
            // A mark goes before those of higher classes, up to the last starter, whose class is 0.
            let behind = out.iter().rev().take_while(|(other, _)| class != 0 && *other > class).count();
            out.insert(out.len() - behind, (class, part));
        });
    }
    out
}

/// Every character put together again with the last starter before it that nothing blocks it from.
fn composed(parts: &[(u8, char)]) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(parts.len());
    let mut starter = None;
    // The class of the last character that was left after the starter: it blocks what is not of a higher one.
    let mut blocking = None;
    for &(class, part) in parts {
        if let Some(first) = starter.and_then(|at: usize| out.get_mut(at))
            && blocking.is_none_or(|blocking| blocking < class)
            && let Some(both) = compose(*first, part)
        {
            *first = both;
            continue;
        }
        if class == 0 {
            (starter, blocking) = (Some(out.len()), None);
        } else {
            blocking = Some(class);
        }
        out.push(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Letters, marks of several classes, parts of Hangul, and characters that never stand in normal form C.
    const INTERESTING: &str = "[a-zA-Z\u{300}-\u{345}\u{591}-\u{5c7}\u{1100}-\u{11ff}\u{ac00}\u{ac01}\u{d7a3}\u{212b}\u{958}\u{93c}\u{9be}\u{9c7}\u{1e00}-\u{1eff}\u{f900}\u{1d15e}]{0,12}";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_answer_is_that_of_the_library(text in prop_oneof![INTERESTING, "\\PC{0,12}"]) {
            prop_assert_eq!(is_nfc(&text), unicode_normalization::is_nfc(&text), "{:?}", text);
        }

        #[test]
        fn what_was_normalised_is_normal(text in INTERESTING) {
            use unicode_normalization::UnicodeNormalization;
            let normal: String = text.nfc().collect();
            prop_assert!(is_nfc(&normal), "{:?}", normal);
        }
    }

    #[test]
    fn every_single_character_is_judged_as_the_library_does() {
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let text = c.to_string();
            assert_eq!(is_nfc(&text), unicode_normalization::is_nfc(&text), "{c:?}");
        }
    }
}
