//! Safety words: eight words that two people compare, to learn whether each one's device knows the other's true
//! account. Nothing of it is secret; it is here because it takes work, and so a primitive of the suite.
//!
//! Spec: `docs/spec/account-ledger.md`, "Safety words".

use crate::suite::stretch;
use keyfold_format::{ScopeId, label::DeriveLabel};

const BITS: usize = 11;

/// The words of two accounts, as numbers in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyWords([u16; Self::COUNT]);

/// What the words of two accounts are worked out from, which takes a tenth of a second on purpose. Whoever has a faster
/// way, as browsers have in WebCrypto, uses that: `PBKDF2-HMAC-SHA-512(ids, SALT, ROUNDS)`.
#[derive(Clone, Copy, Debug)]
pub struct SafetyInput {
    /// The lesser id, then the greater.
    pub ids: [u8; 64],
}

impl SafetyInput {
    /// The salt.
    pub const SALT: &'static str = DeriveLabel::SafetyWords.as_str();
    /// Iterations: they multiply what it costs to look for another pair of accounts with the same words.
    pub const ROUNDS: u32 = 1 << 18;
    /// How many bytes come out.
    pub const BYTES: usize = SafetyWords::COUNT * BITS / 8;

    /// Of two accounts, whichever comes first.
    pub fn of(one: &ScopeId, other: &ScopeId) -> Self {
        let mut ids = [0; 64];
        let (lesser, greater) = if one < other { (one, other) } else { (other, one) };
        ids.iter_mut().zip(lesser.0.iter().chain(&greater.0)).for_each(|(to, from)| *to = *from);
        Self { ids }
    }

    /// Does the work here.
    pub fn stretched(&self) -> [u8; Self::BYTES] {
        stretch(&self.ids, Self::SALT.as_bytes(), Self::ROUNDS)
    }
}

impl SafetyWords {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// How many the list has: every number is below.
    pub const LIST: u16 = 1 << BITS;

    /// From what [`SafetyInput::stretched`] gives.
    pub fn from_stretched(bytes: [u8; SafetyInput::BYTES]) -> Self {
        let all = bytes.iter().fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
        // The first word has the highest bits.
        Self(core::array::from_fn(|at| (all >> (BITS * (Self::COUNT - 1 - at))) as u16 % Self::LIST))
    }

    /// From what somebody said, if it is that many words of the list.
    pub fn from_numbers(numbers: &[u16]) -> Option<Self> {
        let words = Self(numbers.try_into().ok()?);
        words.0.iter().all(|number| *number < Self::LIST).then_some(words)
    }

    /// Where each stands in the list, from 0.
    pub fn numbers(&self) -> [u16; Self::COUNT] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_people_see_the_same_words_and_of_another_pair_others() {
        let [alice, bob, mallory] = [1, 2, 3].map(|byte| ScopeId([byte; 32]));
        let of = |one, other| SafetyWords::from_stretched(SafetyInput::of(one, other).stretched());
        let words = of(&alice, &bob);
        assert_eq!(words, of(&bob, &alice));
        for other in [of(&alice, &mallory), of(&mallory, &bob)] {
            assert!(words.numbers().iter().zip(other.numbers()).filter(|(one, other)| **one == *other).count() < 3);
        }
    }

    #[test]
    fn words_are_eight_numbers_of_the_list() {
        assert!(SafetyWords::from_numbers(&[0, 1, 2, 3, 4, 5, 6, 2047]).is_some());
        assert!(SafetyWords::from_numbers(&[0, 1, 2, 3, 4, 5, 6, 2048]).is_none());
        assert!(SafetyWords::from_numbers(&[0; 7]).is_none());
        assert!(SafetyWords::from_numbers(&[0; 9]).is_none());
    }
}
