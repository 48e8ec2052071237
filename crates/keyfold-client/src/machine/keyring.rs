//! The opened keys of one keychain. Those that came in wraps are kept; those that history leads to are opened when
//! they are asked for, so that a keychain of a thousand keys costs as much as one of two.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Wraps that an entry needs".

use super::Own;
use crate::{Error, Result};
use keyfold_core::{
    HistorySecret, KeychainKey, ReaderKey, WriterKey,
    keychain::{KeySite, KeyWithHistory, UnwrappedKey},
};
use keyfold_format::{
    ScopeId, account,
    envelope::SlotPlace,
    scope::{Algorithm, Kind, Ledger, Member, wraps_of_keys},
    sorted::SortedMap,
    wrap::{Wrap, WrapKind},
};
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// The keys of one keychain that this device holds.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    /// From wraps, or made here.
    held: SortedMap<u32, UnwrappedKey>,
    /// Reached through history links; not kept.
    reached: SortedMap<u32, KeyWithHistory>,
    /// What the keychain is for, as the newest held key says.
    purpose: String,
    /// Between these keys every link was opened; not kept. Keys and links never change, so it stays so.
    whole: Option<(u32, u32)>,
}

/// What wraps of a scope's keys say that it is.
pub(crate) fn wrap_kind(ledger: &Ledger) -> WrapKind {
    match ledger.kind() {
        Kind::Keychain => WrapKind::Keychain,
        Kind::Group => WrapKind::Group,
    }
}

/// Which key this is about, as core wants to know it.
pub(crate) fn site(ledger: &Ledger, number: u32) -> KeySite {
    KeySite { binding: *ledger.binding(), number, algorithm: ledger.algorithm() }
}

impl Keyring {
    /// With a key that this device made.
    pub(crate) fn hold(&mut self, ledger: &Ledger, number: u32, made: KeyWithHistory) {
        self.insert(ledger, number, UnwrappedKey { key: made.key, history: Some(made.history) });
    }

    /// Opens wraps, each against the signed entry that names its key, and keeps what is right. Wraps that do not
    /// open, or open to something else, are passed over: whoever uploaded them cannot evict anybody.
    ///
    /// Those for this account its own keys open, those for a group the keys of its ring in `rings`.
    pub(crate) fn open_wraps(
        &mut self,
        ledger: &Ledger,
        wraps: &[Wrap],
        own: &Own,
        account: &account::Ledger,
        rings: &SortedMap<ScopeId, Self>,
    ) {
        for wrap in wraps {
            if !self.lacks(wrap.number, wrap.history) {
                continue;
            }
            let Some(entry) = ledger.key(wrap.number) else { continue };
            let place = wrap.place(wrap_kind(ledger), ledger.id());
            let unwrap = |secret: &_| site(ledger, wrap.number).unwrap(wrap, &place, secret, entry);
            let opened = if wrap.recipient == own.account() {
                own.with_generation(wrap.recipient_number, account, |keys| unwrap(&keys.sharing))
            } else {
                let key = rings.get(&wrap.recipient).and_then(|ring| ring.key(wrap.recipient_number));
                key.and_then(|key| key.wrapping_secret().ok()).map(|secret| unwrap(&secret))
            };
            if let Some(Ok(opened)) = opened {
                self.insert(ledger, wrap.number, opened);
            }
        }
    }

    /// The wraps that `member` is entitled to and that are not held: `(key number, with history secret)`.
    pub(crate) fn missing(&self, ledger: &Ledger, member: &Member) -> Vec<(u32, bool)> {
        wraps_of_keys(ledger, &member.keys, member.history)
            .into_iter()
            .filter(|(number, history)| self.lacks(*number, *history))
            .collect()
    }

    /// Whether a key can be wrapped to somebody, with its history secret or without.
    pub(crate) fn opens(&self, number: u32, history: bool) -> bool {
        self.key(number).is_some() && (!history || self.history(number).is_some())
    }

    fn lacks(&self, number: u32, history: bool) -> bool {
        self.held.get(&number).is_none_or(|held| history && held.history.is_none())
    }

    fn insert(&mut self, ledger: &Ledger, number: u32, key: UnwrappedKey) {
        let newest = self.held.last_key_value().is_none_or(|(newest, _)| number >= *newest);
        if newest
            && let Some(entry) = ledger.key(number)
            && let Ok(name) = site(ledger, number).open_name(&key.key, &entry.name)
        {
            // A name that does not open is a prank of whoever made the key; the last one that did stays.
            self.purpose = name.as_str().to_owned();
        }
        self.held.insert(number, key);
    }

    /// What the keychain is for.
    pub(crate) fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Whether there is any key.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The newest key that is held.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.held.last_key_value().map(|(number, _)| *number)
    }

    /// Makes sure that a key can be read with [`Self::key`], following history down from the nearest held key above.
    /// `false` if nothing leads there. A link that does not open ends its segment.
    pub(crate) fn reach(&mut self, ledger: &Ledger, number: u32) -> bool {
        if self.key(number).is_some() {
            return true;
        }
        let held = self.held.from_key(&number).find(|(_, held)| held.history.is_some()).map(|(n, _)| *n);
        let reached = self.reached.from_key(&number).next().map(|(n, _)| *n);
        let Some(start) = [held, reached].into_iter().flatten().min() else { return false };
        for at in (number + 1..=start).rev() {
            let link = ledger.key(at).and_then(|entry| entry.history_link.as_deref());
            let (Some(link), Some(previous), Some(history)) = (link, ledger.key(at - 1), self.history(at)) else {
                return false;
            };
            let Ok(opened) = site(ledger, at).open_link(history, link, previous) else { return false };
            self.reached.insert(at - 1, opened);
        }
        true
    }

    /// Whether history leads from the current key back to key `from`, over every link between: then who gets history
    /// from there reads all that lies between.
    pub(crate) fn reads_back(&self, ledger: &Ledger, from: u32) -> bool {
        let mut opened: Option<KeyWithHistory> = None;
        let whole = self.whole.filter(|(first, _)| *first == from).map_or(from, |(_, last)| last);
        for at in (whole + 1..=ledger.current_key()).rev() {
            let (Some(entry), Some(previous)) = (ledger.key(at), ledger.key(at - 1)) else { return false };
            let Some(history) = opened.as_ref().map(|opened| &opened.history).or_else(|| self.history(at)) else {
                return false;
            };
            opened = match &entry.history_link {
                Some(link) => match site(ledger, at).open_link(history, link, previous) {
                    Ok(opened) => Some(opened),
                    Err(_) => return false,
                },
                // A segment of its own: its last key is given too.
                None => None,
            };
        }
        whole > from || opened.is_some() || self.history(from).is_some()
    }

    /// Remembers that history leads back to key `from`, so that it is not opened again each time that it is shared.
    pub(crate) fn note_history(&mut self, ledger: &Ledger, from: u32) -> bool {
        let reads_back = self.reads_back(ledger, from);
        if reads_back {
            self.whole = Some((from, ledger.current_key()));
        }
        reads_back
    }

    /// A key, if it is held or was reached.
    pub(crate) fn key(&self, number: u32) -> Option<&KeychainKey> {
        self.held.get(&number).map(|held| &held.key).or_else(|| self.reached.get(&number).map(|reached| &reached.key))
    }

    /// The history secret of a key.
    pub(crate) fn history(&self, number: u32) -> Option<&HistorySecret> {
        let held = self.held.get(&number).and_then(|held| held.history.as_ref());
        held.or_else(|| self.reached.get(&number).map(|reached| &reached.history))
    }

    /// The key as something to write to. With `sealedBox` that takes the public half only.
    pub(crate) fn writer<'a>(&'a self, ledger: &'a Ledger, number: u32) -> Result<WriterKey<'a>> {
        let entry = ledger.key(number).ok_or_else(|| unreached(number))?;
        let (place, fingerprint) = (SlotPlace { scope: ledger.id(), number }, entry.fingerprint);
        match &entry.public {
            Some(key) => Ok(WriterKey::Public { key, fingerprint, place }),
            None => {
                let key = self.key(number).ok_or_else(|| unreached(number))?;
                Ok(WriterKey::Symmetric { key, fingerprint, place })
            }
        }
    }

    /// The key as something to read with.
    pub(crate) fn reader<'a>(&'a self, ledger: &Ledger, number: u32) -> Option<ReaderKey<'a>> {
        let (key, place) = (self.key(number)?, SlotPlace { scope: ledger.id(), number });
        Some(match ledger.algorithm() {
            Algorithm::SecretBox => ReaderKey::Symmetric { key, place },
            _ => ReaderKey::Private { key, place },
        })
    }

    /// `[purpose, [[number, key, history / null], …]]`
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Room from the start: growing would leave copies of keys in freed memory.
        let mut out = Zeroizing::new(Vec::with_capacity(300 + 80 * self.held.len()));
        let mut e = Encoder::new(&mut *out);
        let written = (|| {
            e.array(2)?.str(&self.purpose)?.array(self.held.len() as u64)?;
            for (number, held) in &self.held {
                e.array(3)?.u32(*number)?.bytes(held.key.expose())?;
                match &held.history {
                    Some(history) => e.bytes(history.expose())?,
                    None => e.null()?,
                };
            }
            e.ok()
        })();
        debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let parse = || -> Option<Self> {
            let mut d = Decoder::new(bytes);
            d.array().ok()?;
            let purpose = d.str().ok()?.to_owned();
            let mut held = SortedMap::new();
            for _ in 0..d.array().ok()?? {
                d.array().ok()?;
                let number = d.u32().ok()?;
                let key = KeychainKey::from_slice(d.bytes().ok()?)?;
                let history = match d.datatype().ok()? {
                    minicbor::data::Type::Null => d.null().ok().map(|()| None)?,
                    _ => Some(HistorySecret::from_slice(d.bytes().ok()?)?),
                };
                held.insert(number, UnwrappedKey { key, history });
            }
            Some(Self { held, reached: SortedMap::new(), purpose, whole: None })
        };
        parse().ok_or_else(|| Error::internal("stored keys cannot be read"))
    }
}

/// A key that the ledger names and that did not arrive, or is not this account's.
pub(crate) fn unreached(number: u32) -> Error {
    Error::new(keyfold_protocol::Code::WrapMissing, format!("key {number} has not arrived"))
        .hint("Sync again later. If it does not come then either, whoever made it did not send it: a new key by another member helps.")
}
