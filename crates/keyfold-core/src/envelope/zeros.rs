//! Padding in a stream: only the last segment tells where the plaintext ends, so zeros that may be padding are held
//! back, as a number, until something else follows them.
//!
//! Spec: `docs/spec/envelope.md`, "Body".

/// What a reader of a padded envelope needs who cannot take back what he gave on, such as a pipe.
#[derive(Debug, Default)]
pub struct HeldZeros {
    released: u64,
    held: u64,
}

impl HeldZeros {
    /// Of the next opened plaintext: how many zeros to give on first, that were held back, and then which bytes.
    pub fn release<'t>(&mut self, text: &'t [u8]) -> (u64, &'t [u8]) {
        let zeros = text.iter().rev().take_while(|byte| **byte == 0).count();
        let Some((own, _)) = text.split_at_checked(text.len() - zeros).filter(|(own, _)| !own.is_empty()) else {
            self.held += zeros as u64;
            return (0, &[]);
        };
        let before = core::mem::replace(&mut self.held, zeros as u64);
        self.released += before + own.len() as u64;
        (before, own)
    }

    /// At the end, with [`super::Opened::len`]: how many zeros are left to give on, because they were plaintext.
    pub const fn finish(self, len: u64) -> u64 {
        len.saturating_sub(self.released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_on(pieces: &[&[u8]], len: u64) -> Vec<u8> {
        let (mut held, mut out) = (HeldZeros::default(), Vec::new());
        for piece in pieces {
            let (zeros, text) = held.release(piece);
            out.resize(out.len() + zeros as usize, 0);
            out.extend_from_slice(text);
        }
        let zeros = held.finish(len) as usize;
        out.resize(out.len() + zeros, 0);
        out
    }

    #[test]
    fn zeros_of_the_plaintext_are_given_on_and_those_of_the_padding_are_not() {
        let pieces: [&[u8]; 5] = [&[1, 0, 0], &[0, 0, 0], &[0, 2, 0], &[], &[0, 0, 0]];
        let whole = [1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
        for len in 8..=12 {
            assert_eq!(given_on(&pieces, len), whole[..len as usize], "{len}");
        }
    }

    #[test]
    fn nothing_that_may_be_padding_is_given_on_early() {
        let mut held = HeldZeros::default();
        assert_eq!(held.release(&[0; 9]), (0, &[][..]));
        assert_eq!(held.release(&[3, 0]), (9, &[3][..]));
        assert_eq!(held.finish(10), 0);
        assert_eq!(HeldZeros::default().finish(4), 4);
    }
}
