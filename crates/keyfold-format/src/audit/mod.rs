//! Files for auditors: a ledger with all that its replay needs, and evidence against a server. Whoever has the server's
//! public key verifies them alone, without an account and without the network.
//!
//! Apart from the ledgers themselves, because these bytes are read by strangers: nothing in them is known before.
//!
//! Spec: `docs/spec/audit.md`.

mod cited;
mod evidence;
mod history;

pub use evidence::{Contradiction, Evidence, NotEvidence};
pub use history::{History, Step, Unproved};

use crate::{Malformed, cbor, limits};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError, encode::Error as EncodeError};

/// The first 8 bytes of an audit file.
pub const MAGIC: [u8; 8] = *b"\x89KFAUDIT";
const VERSION: u8 = 1;
/// Of either kind of body.
const FIELDS: u64 = 6;

/// An audit file as it was read: nothing that it claims has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFile {
    /// 0: a ledger, from its first entry on.
    History(History),
    /// 1: two receipts that contradict each other.
    Evidence(Evidence),
}

impl AuditFile {
    /// From the bytes of a file. Something else than an audit file is [`Malformed::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > limits::AUDIT_BYTES {
            return Err(Malformed::TooLarge);
        }
        let rest = bytes.strip_prefix(&MAGIC).ok_or(Malformed::Encoding)?;
        match rest.split_first() {
            Some((&VERSION, body)) => cbor::decode_canonical(body),
            Some(_) => Err(Malformed::Unsupported),
            None => Err(Malformed::Truncated),
        }
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(cbor::encode(self));
        bytes
    }
}

impl<C> Encode<C> for AuditFile {
    fn encode<W: minicbor::encode::Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self {
            Self::History(History { server, receipt, entries, accounts, groups }) => {
                e.array(FIELDS)?.u8(0)?.encode_with(server, ctx)?.encode_with(receipt, ctx)?;
                e.encode_with(entries, ctx)?.encode_with(accounts, ctx)?.encode_with(groups, ctx)?.ok()
            }
            Self::Evidence(Evidence { server, earlier, later, fork, chain }) => {
                e.array(FIELDS)?.u8(1)?.encode_with(server, ctx)?.encode_with(earlier, ctx)?;
                e.encode_with(later, ctx)?.encode_with(fork, ctx)?.array(chain.len() as u64)?;
                chain.iter().try_for_each(|signed| e.bytes(signed)?.ok())
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for AuditFile {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        let kind = cbor::discriminant(d)?;
        if kind > 1 {
            return Err(cbor::unsupported());
        }
        if len != Some(FIELDS) {
            return Err(DecodeError::message("array length"));
        }
        let server = d.decode_with(ctx)?;
        if kind == 0 {
            let receipt = d.decode_with(ctx)?;
            let mut ledger = |d: &mut Decoder<'b>| cbor::list(d, limits::AUDIT_ENTRIES, |d| d.decode_with(ctx));
            let entries = ledger(d)?;
            let mut ledgers = |d: &mut Decoder<'b>, most| cbor::set(d, most, |of| history::founded_by(of), &mut ledger);
            let accounts = ledgers(d, limits::AUDIT_ACCOUNTS)?;
            let groups = ledgers(d, limits::AUDIT_GROUPS)?;
            return Ok(Self::History(History { server, receipt, entries, accounts, groups }));
        }
        let (earlier, later, fork) = (d.decode_with(ctx)?, d.decode_with(ctx)?, d.decode_with(ctx)?);
        let chain = cbor::list(d, limits::AUDIT_ENTRIES, |d| match d.bytes()? {
            signed if signed.len() > limits::ENTRY_BYTES => Err(cbor::fault(Malformed::TooLarge)),
            signed => Ok(signed.to_vec()),
        })?;
        Ok(Self::Evidence(Evidence { server, earlier, later, fork, chain }))
    }
}
