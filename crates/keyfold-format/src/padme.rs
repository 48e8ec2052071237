//! Padmé: padded sizes that tell little about the true ones and cost at most 12 %. Apart from envelopes and values
//! because both are padded to the same sizes.
//!
//! Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (2019), §4.

/// The padded size of `len` bytes: a number with as many significant bits as its exponent takes to write, and one.
/// Where it does not fit 64 bits, `len` itself.
pub const fn padme(len: u64) -> u64 {
    let Some(exponent) = len.checked_ilog2() else { return 0 };
    let Some(bits_of_exponent) = exponent.checked_ilog2() else { return len };
    let mask = (1_u64 << (exponent - (bits_of_exponent + 1))) - 1;
    match len.checked_add(mask) {
        Some(sum) => sum & !mask,
        None => len,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_paper() {
        for (len, padded) in [(0, 0), (1, 1), (2, 2), (7, 7), (8, 8), (9, 10), (17, 18), (100, 104), (1_000, 1_024)] {
            assert_eq!(padme(len), padded, "{len}");
        }
        assert_eq!(padme(65_537), 67_584);
    }

    #[test]
    fn padding_never_shrinks_costs_at_most_an_eighth_and_pads_what_is_padded_no_further() {
        for len in (0..100_000).chain((17..63).flat_map(|e| [(1 << e) - 1, 1 << e, (1 << e) + 1])) {
            let padded = padme(len);
            assert!(padded >= len && padded - len <= len / 8 + 1, "{len} -> {padded}");
            assert_eq!(padme(padded), padded, "{len}");
        }
        assert_eq!(padme(u64::MAX), u64::MAX);
    }
}
