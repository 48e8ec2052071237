//! The server's signature on a ledger's head. Two that conflict are evidence.
//!
//! Spec: `docs/spec/http.md`, "Receipts".

use crate::{
    cbor,
    entry::Head,
    id::ScopeId,
    key::{BadSignature, Signature, VerifyingKey},
    label::SignatureLabel,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// What a receipt says: at this time the ledger's head was this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The ledger.
    pub scope: ScopeId,
    /// Its head.
    pub head: Head,
    /// The server's time, in milliseconds since 1970.
    pub time: u64,
}

/// A statement with a signature that nobody has checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What is said.
    pub statement: Statement,
    /// By the server's key, under the label `KF1 receipt`.
    pub signature: Signature,
}

impl Statement {
    /// The signed bytes: canonical `[scope id, [seq, head], time]`.
    pub fn signed(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl Receipt {
    /// The statement, if `server` signed it.
    pub fn verify(&self, server: &VerifyingKey) -> Result<Statement, BadSignature> {
        server.verify(SignatureLabel::Receipt, &[&self.statement.signed()], &self.signature)?;
        Ok(self.statement)
    }
}

impl<C> Encode<C> for Statement {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(3)?.encode_with(self.scope, ctx)?.encode_with(self.head, ctx)?.u64(self.time)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Statement {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 3)?;
        Ok(Self { scope: d.decode_with(ctx)?, head: d.decode_with(ctx)?, time: d.u64()? })
    }
}

impl<C> Encode<C> for Receipt {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.encode_with(self.statement, ctx)?.encode_with(self.signature, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Receipt {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 2)?;
        Ok(Self { statement: d.decode_with(ctx)?, signature: d.decode_with(ctx)? })
    }
}
