//! A recovery secret in shares, of which some suffice and fewer say nothing. Each share says which set, account and
//! place it belongs to, so that a mistake has a name; and the set says what must come out, so that shares which were
//! altered never come to a wrong key.
//!
//! Spec: `docs/spec/recovery.md`, "Shares".

use crate::{
    secret::{RecoverySecret, SharePart},
    suite::{combine_parts, equal, split_parts},
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use keyfold_format::{
    ScopeId,
    id::{base64url, from_base64url, hash},
    label::HashLabel,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

const PREFIX: &str = "keyfold:share/";
const VERSION: u8 = 1;
const SUM_BYTES: usize = 4;
/// Version, account, set, how many suffice and are there, which one this is, its part, and the checksum.
const SHARE_BYTES: usize = 1 + 32 + 16 + 3 + 32 + SUM_BYTES;

/// Why there are no shares, or no secret from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// Nobody can need that many of that many.
    #[error("at least 2 shares suffice, of at most 16, and not more than there are")]
    Numbers,
    /// It is no share, or not as it was written.
    #[error("this is no recovery share, or a part of it was misread")]
    Damaged,
    /// A share of a version that this release does not know.
    #[error("this recovery share has a version that this release does not know")]
    Unsupported,
    /// A share for another account.
    #[error("share {index} belongs to another account")]
    OtherAccount {
        /// Which one, as it says.
        index: u8,
    },
    /// Shares that were not made together.
    #[error("share {index} belongs to another set than the first one given")]
    Mixed {
        /// The first that differs, as it says.
        index: u8,
    },
    /// One share, given twice.
    #[error("share {index} was given twice")]
    Repeated {
        /// Which one.
        index: u8,
    },
    /// Fewer than suffice.
    #[error("{needed} shares are needed, and these are {given}")]
    TooFew {
        /// How many suffice.
        needed: u8,
        /// How many there were.
        given: usize,
    },
    /// One of them at least was written anew with other content. Which one cannot be told.
    #[error("one of the shares was altered")]
    Altered,
}

impl ShareError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Numbers => "Malformed",
            Self::Damaged => "ShareDamaged",
            Self::Unsupported => "Unsupported",
            Self::OtherAccount { .. } => "ShareOfAnotherAccount",
            Self::Mixed { .. } => "SharesMixed",
            Self::Repeated { .. } => "ShareRepeated",
            Self::TooFew { .. } => "TooFewShares",
            Self::Altered => "SharesAltered",
        }
    }
}

/// One share of a recovery secret.
pub struct Share {
    set: ShareSet,
    index: u8,
    part: SharePart,
}

/// What shares that were made together have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ShareSet {
    account: ScopeId,
    id: [u8; 16],
    needed: u8,
    count: u8,
}

impl ShareSet {
    /// `id` = the first 16 bytes of `H("KF1 share set", account id ‖ u8 needed ‖ u8 count ‖ recovery secret)`
    fn of(account: ScopeId, needed: u8, count: u8, secret: &RecoverySecret) -> Self {
        let parts = [account.as_bytes().as_slice(), &[needed, count], secret.expose()];
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(hash(HashLabel::ShareSet, &parts)) {
            *to = from;
        }
        Self { account, id, needed, count }
    }

    const fn is_possible(needed: u8, count: u8) -> bool {
        needed >= 2 && needed <= count && count <= Share::MOST
    }
}

impl Share {
    /// The most shares of a set.
    pub const MOST: u8 = 16;

    /// A new secret in `count` shares, of which `needed` suffice; the `n`th has number `n`, from 1. A secret belongs to
    /// one set: with a second one, shares of both could be mixed.
    pub fn generate(
        account: ScopeId,
        needed: u8,
        count: u8,
        rng: &mut impl CryptoRng,
    ) -> Result<(RecoverySecret, Vec<Self>), ShareError> {
        if !ShareSet::is_possible(needed, count) {
            return Err(ShareError::Numbers);
        }
        let secret = RecoverySecret::generate(rng);
        let set = ShareSet::of(account, needed, count, &secret);
        let parts = split_parts(&secret, needed, count, rng).ok_or(ShareError::Numbers)?;
        let shares = (1..=count).zip(parts).map(|(index, part)| Self { set, index, part });
        Ok((secret, shares.collect()))
    }

    /// The secret, from shares in any order. All that are given must fit, also those above what suffices.
    pub fn combine(shares: &[Self], account: &ScopeId) -> Result<RecoverySecret, ShareError> {
        let set = shares.first().ok_or(ShareError::TooFew { needed: 2, given: 0 })?.set;
        if let Some(share) = shares.iter().find(|share| share.set.account != *account) {
            return Err(ShareError::OtherAccount { index: share.index });
        }
        if let Some(share) = shares.iter().find(|share| share.set != set) {
            return Err(ShareError::Mixed { index: share.index });
        }
        let repeated = |(at, share): &(usize, &Self)| shares.iter().take(*at).any(|one| one.index == share.index);
        if let Some((_, share)) = shares.iter().enumerate().find(repeated) {
            return Err(ShareError::Repeated { index: share.index });
        }
        if shares.len() < usize::from(set.needed) {
            return Err(ShareError::TooFew { needed: set.needed, given: shares.len() });
        }
        let parts = shares.iter().map(|share| (share.index, &share.part));
        let secret = combine_parts(parts).ok_or(ShareError::Altered)?;
        let commitment = ShareSet::of(set.account, set.needed, set.count, &secret).id;
        if equal(&commitment, &set.id) { Ok(secret) } else { Err(ShareError::Altered) }
    }

    /// The account that it recovers.
    pub fn account(&self) -> ScopeId {
        self.set.account
    }

    /// Its number, from 1.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// How many of its set suffice.
    pub fn needed(&self) -> u8 {
        self.set.needed
    }

    /// How many its set has.
    pub fn count(&self) -> u8 {
        self.set.count
    }

    /// `keyfold:share/…`, 132 characters, to print and to scan. It is as secret as the share.
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SHARE_BYTES));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.set.account.as_bytes());
        bytes.extend_from_slice(&self.set.id);
        bytes.extend_from_slice(&[self.set.needed, self.set.count, self.index]);
        bytes.extend_from_slice(self.part.expose());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        let encoded = Zeroizing::new(base64url(&bytes));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + encoded.len()));
        text.push_str(PREFIX);
        text.push_str(&encoded);
        text
    }

    /// What [`Self::text`] wrote; spaces and line ends in it do not count.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let mut compact = Zeroizing::new(String::with_capacity(text.len()));
        compact.extend(text.split_whitespace());
        let encoded = compact.strip_prefix(PREFIX).ok_or(ShareError::Damaged)?;
        let bytes = Zeroizing::new(from_base64url(encoded).map_err(|_| ShareError::Damaged)?);
        if bytes.first().is_some_and(|version| *version != VERSION) {
            return Err(ShareError::Unsupported);
        }
        Self::of_bytes(&bytes).ok_or(ShareError::Damaged)
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
        if checksum(content) != *sum {
            return None;
        }
        let (account, rest) = content.get(1..)?.split_first_chunk::<32>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let ([needed, count, index], part) = rest.split_first_chunk::<3>()?;
        if !ShareSet::is_possible(*needed, *count) || !(1..=*count).contains(index) {
            return None;
        }
        let set = ShareSet { account: ScopeId(*account), id: *id, needed: *needed, count: *count };
        Some(Self { set, index: *index, part: SharePart::from_slice(part)? })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of {}, {:?}, …)", self.index, self.set.count, self.set.account)
    }
}

/// The first 4 bytes of `H("KF1 share", content)`: for mistakes of reading, not against anybody.
fn checksum(content: &[u8]) -> [u8; SUM_BYTES] {
    let [a, b, c, d, ..] = hash(HashLabel::Share, &[content]);
    [a, b, c, d]
}
