//! The server's signature on a ledger's head. Two that conflict are evidence.
//!
//! Spec: `docs/spec/http.md`, "Receipts".

use crate::{
    cbor,
    entry::Head,
    id::{ScopeId, ServerId, server_id},
    key::{BadSignature, Signature, VerifyingKey},
    label::SignatureLabel,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

const VERSION: u8 = 1;

/// What a receipt says: at this time the ledger's head was this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who says it.
    pub server: ServerId,
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
    /// The signed bytes: canonical `[1, server id, scope id, [seq, head], time]`.
    pub fn signed(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl Receipt {
    /// The statement, if `server` signed it.
    pub fn verify(&self, server: &VerifyingKey) -> Result<Statement, BadSignature> {
        if self.statement.server != server_id(server) {
            return Err(BadSignature);
        }
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
        e.array(5)?
            .u8(VERSION)?
            .encode_with(self.server, ctx)?
            .encode_with(self.scope, ctx)?
            .encode_with(self.head, ctx)?
            .u64(self.time)?
            .ok()
    }
}

impl<'b, C> Decode<'b, C> for Statement {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 5)?;
        if cbor::discriminant(d)? != VERSION {
            return Err(cbor::unsupported());
        }
        Ok(Self {
            server: d.decode_with(ctx)?,
            scope: d.decode_with(ctx)?,
            head: d.decode_with(ctx)?,
            time: cbor::number(d)?,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EntryHash, key::signed_message};
    use ed25519_dalek::{Signer, SigningKey};

    #[test]
    fn a_receipt_holds_for_one_server_one_scope_one_head_and_one_time() {
        let [key, other] = [SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32])];
        let public = |key: &SigningKey| VerifyingKey(key.verifying_key().to_bytes());
        let statement = Statement {
            server: server_id(&public(&key)),
            scope: ScopeId([3; 32]),
            head: Head { seq: 4, hash: EntryHash([5; 32]) },
            time: 6,
        };
        let message = signed_message(SignatureLabel::Receipt, &[&statement.signed()]);
        let receipt = Receipt { statement, signature: Signature(key.sign(&message).to_bytes()) };
        assert_eq!(receipt.verify(&public(&key)), Ok(statement));
        assert_eq!(receipt.verify(&public(&other)), Err(BadSignature));
        let alterations: [fn(&mut Statement); 5] = [
            |s| s.server = ServerId([0; 32]),
            |s| s.scope = ScopeId([0; 32]),
            |s| s.head.seq += 1,
            |s| s.head.hash = EntryHash([0; 32]),
            |s| s.time += 1,
        ];
        for alter in alterations {
            let mut altered = receipt;
            alter(&mut altered.statement);
            assert_eq!(altered.verify(&public(&key)), Err(BadSignature));
        }
    }
}
