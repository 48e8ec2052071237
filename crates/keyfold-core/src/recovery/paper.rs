//! A recovery secret as 24 words on paper. The words are numbers of a list here; whoever shows or reads them has the
//! list, which is far larger than this.
//!
//! Spec: `docs/spec/recovery.md`, "Paper".

use crate::{secret::RecoverySecret, suite::sha256};
use core::fmt;
use zeroize::Zeroizing;

const BITS: usize = 11;

/// Why words are no recovery secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// Another number of words than 24.
    #[error("a paper key has 24 words, and these are {given}")]
    Count {
        /// How many there were.
        given: usize,
    },
    /// A word that is not in the list.
    #[error("word {place} is none of the words that paper keys are made of")]
    Unknown {
        /// Which one, counted from 1.
        place: usize,
    },
    /// Words of the list, which never stood together on one paper.
    #[error("one of these words is another than on the paper, or two are in the wrong order")]
    Checksum,
}

impl PaperError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Count { .. } => "WrongWordCount",
            Self::Unknown { .. } => "UnknownWord",
            Self::Checksum => "WrongWords",
        }
    }
}

/// The words of a recovery secret, as numbers in the English list of BIP-39; wiped when dropped.
pub struct PaperWords(Zeroizing<[u16; Self::COUNT]>);

impl PaperWords {
    /// How many there are.
    pub const COUNT: usize = 24;
    /// How many the list has: every number is below.
    pub const LIST: u16 = 1 << BITS;

    /// `secret ‖ first byte of SHA-256(secret)`, cut into 24 numbers of 11 bits (BIP-39, 256 bits of entropy).
    pub fn of(secret: &RecoverySecret) -> Self {
        let mut bits = Bits::default();
        let mut words = Zeroizing::new([0; Self::COUNT]);
        let mut left = words.iter_mut();
        for byte in secret.expose().iter().chain(&[checksum(secret)]) {
            bits.push(u32::from(*byte), 8);
            if let Some(number) = bits.pop(BITS)
                && let Some(word) = left.next()
            {
                *word = number as u16;
            }
        }
        Self(words)
    }

    /// From what somebody read on his paper, if it is 24 words of the list whose checksum holds.
    pub fn from_numbers(numbers: &[u16]) -> Result<Self, PaperError> {
        if let Some(at) = numbers.iter().position(|number| *number >= Self::LIST) {
            return Err(PaperError::Unknown { place: at + 1 });
        }
        let words = numbers.try_into().map_err(|_| PaperError::Count { given: numbers.len() })?;
        let words = Self(Zeroizing::new(words));
        let (secret, sum) = words.decode();
        if checksum(&secret) == sum { Ok(words) } else { Err(PaperError::Checksum) }
    }

    /// Where each stands in the list, from 0.
    pub fn numbers(&self) -> &[u16; Self::COUNT] {
        &self.0
    }

    /// What they stand for.
    pub fn secret(&self) -> RecoverySecret {
        self.decode().0
    }

    /// The secret, and the checksum behind it.
    fn decode(&self) -> (RecoverySecret, u8) {
        let mut bytes = Zeroizing::new([0; 33]);
        let mut bits = Bits::default();
        let mut left = bytes.iter_mut();
        for number in self.0.iter() {
            bits.push(u32::from(*number), BITS);
            while let Some(byte) = bits.pop(8) {
                if let Some(to) = left.next() {
                    *to = byte as u8;
                }
            }
        }
        let [secret @ .., sum] = &*bytes;
        (RecoverySecret::from_array(secret), *sum)
    }
}

impl fmt::Debug for PaperWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaperWords(…)")
    }
}

fn checksum(secret: &RecoverySecret) -> u8 {
    let [first, ..] = sha256(secret.expose());
    first
}

/// Bits in their order, pushed and popped in pieces of different sizes, none of which leaves more than 18 waiting.
#[derive(Default)]
struct Bits {
    waiting: u32,
    count: usize,
}

impl Bits {
    fn push(&mut self, value: u32, bits: usize) {
        self.waiting = (self.waiting << bits) | value;
        self.count += bits;
    }

    fn pop(&mut self, bits: usize) -> Option<u32> {
        self.count = self.count.checked_sub(bits)?;
        let value = self.waiting >> self.count;
        self.waiting &= (1 << self.count) - 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bip39::{Language, Mnemonic};

    fn words(mnemonic: &Mnemonic) -> Vec<u16> {
        mnemonic.words().map(|word| Language::English.find_word(word).unwrap()).collect()
    }

    #[test]
    fn they_are_the_words_of_bip_39() {
        for byte in [0x00, 0x7f, 0x80, 0xff, 0xa5] {
            let mut entropy = [byte; 32];
            entropy[3] ^= 0x5a;
            let secret = RecoverySecret::from_slice(&entropy).unwrap();
            let theirs = words(&Mnemonic::from_entropy(&entropy).unwrap());
            assert_eq!(PaperWords::of(&secret).numbers().as_slice(), theirs);
            assert!(PaperWords::from_numbers(&theirs).unwrap().secret() == secret);
        }
    }

    #[test]
    fn a_wrong_word_is_noticed_as_well_as_a_missing_one_and_none_of_the_list() {
        let right = *PaperWords::of(&RecoverySecret::from_slice(&[7; 32]).unwrap()).numbers();
        let read = |numbers: &[u16]| PaperWords::from_numbers(numbers).map(drop);
        assert_eq!(read(&right), Ok(()));
        assert_eq!(read(&right[..23]), Err(PaperError::Count { given: 23 }));
        assert_eq!(read(&[&right[..], &[0]].concat()), Err(PaperError::Count { given: 25 }));
        let mut unknown = right;
        unknown[4] = PaperWords::LIST;
        assert_eq!(read(&unknown), Err(PaperError::Unknown { place: 5 }));
        // A checksum of eight bits lets one mistake in 256 through: of all single wrong words, about that many.
        let wrong = (0..24).flat_map(|at| (0..PaperWords::LIST).map(move |number| (at, number)));
        let passed = wrong
            .filter(|(at, number)| {
                let mut words = right;
                words[*at] = *number;
                *number != right[*at] && read(&words).is_ok()
            })
            .count();
        assert!((100..300).contains(&passed), "{passed} of 49,128");
    }

    #[test]
    fn debug_shows_no_word() {
        let words = PaperWords::of(&RecoverySecret::from_slice(&[7; 32]).unwrap());
        assert_eq!(format!("{words:?}"), "PaperWords(…)");
    }
}
