//! Fetching what ledgers hold beyond what a client has.

use crate::{
    Code, limits,
    record::{Field, listed, record},
};
use keyfold_format::{ScopeId, cbor, entry::SignedEntry, receipt::Receipt};
use minicbor::{
    Decoder, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

record! {
    /// `POST /v1/ledgers`: several at once, accounts and keychains.
    Ledgers {
        /// At most 1,024, without repetition.
        wanted: Vec<After>,
    }

    /// One ledger, from where it is known.
    After {
        /// The ledger.
        scope: ScopeId,
        /// The newest entry that is known; `None` for none.
        after: Option<u64>,
    }

    /// The answer, in the order of the question.
    LedgerPages {
        /// One for each.
        pages: Vec<Result<LedgerPage, Code>>,
    }

    /// Entries of one ledger.
    LedgerPage {
        /// Those after the known one, oldest first; placed ones stand where they were placed.
        entries: Vec<SignedEntry>,
        /// The newest head, also where `more` follows.
        receipt: Receipt,
        /// Whether this reply was full before the newest entry: ask again after the last one here.
        more: bool,
        /// Accounts that stand in it and have made a generation which it has not seen, at most [`limits::UNSEEN`]. A
        /// hint: what is so, their ledgers say.
        unseen: Vec<ScopeId>,
    }
}

listed!(After = limits::LEDGERS, Result<LedgerPage, Code> = limits::LEDGERS);

impl Field for Result<LedgerPage, Code> {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?;
        match self {
            Ok(page) => page.put(e.u8(0)?),
            Err(code) => code.put(e.u8(1)?),
        }
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        match d.u8()? {
            0 => Field::take(d).map(Ok),
            1 => Field::take(d).map(Err),
            _ => Err(cbor::unsupported()),
        }
    }
}
