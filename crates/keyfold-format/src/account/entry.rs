//! The signed bytes of an account entry.

use crate::{
    cbor,
    error::Malformed,
    id::{EntryHash, HolderId, ScopeId},
    key::{VerifyingKey, WrappingKey, device_id},
    limits,
    text::UserId,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

const VERSION: u8 = 1;
const FORM: u8 = 0;

/// What an author signs:
/// `[1, 0, scope / null, seq, prev / null, author, time, [op, …]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account; `None` in a genesis, which founds it.
    pub scope: Option<ScopeId>,
    /// Number of the entry.
    pub seq: u64,
    /// Hash of the one before; `None` in a genesis.
    pub prev: Option<EntryHash>,
    /// The device or recovery method that signs.
    pub author: HolderId,
    /// The author's claim, in milliseconds since 1970.
    pub time: u64,
    /// An atomic batch.
    pub ops: Vec<AccountOp>,
}

/// What an account entry does. Numbers 1 to 7 are given away (see the spec) and not yet understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountOp {
    /// 0: founds the account.
    Genesis(Genesis),
}

/// `[0, nonce, user id, device, keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// 32 random bytes: nobody can make this account again. Also the salt of its keys.
    pub nonce: [u8; 32],
    /// The application's name of the person.
    pub user_id: UserId,
    /// The first device.
    pub device: DeviceKeys,
    /// The public halves of generation 0.
    pub keys: AccountKeys,
}

/// `[signing key, wrapping key, sealed label / null]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// Signs requests and account entries.
    pub signing: VerifyingKey,
    /// The master key is wrapped to it.
    pub wrapping: WrappingKey,
    /// The device's name, sealed. This release writes none.
    pub label: Option<Vec<u8>>,
}

/// `[ledger key, sharing key, publication key, signature key]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountKeys {
    /// Signs entries of keychains and groups.
    pub ledger: VerifyingKey,
    /// Keys are wrapped to it.
    pub sharing: WrappingKey,
    /// Signs publications.
    pub publication: VerifyingKey,
    /// Signs the application's statements.
    pub signature: VerifyingKey,
}

impl Entry {
    /// From signed bytes.
    pub fn decode(signed: &[u8]) -> Result<Self, Malformed> {
        cbor::check_version(signed, VERSION.into())?;
        cbor::decode_canonical(signed)
    }

    /// The bytes to sign.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }
}

impl DeviceKeys {
    /// The device's id.
    pub fn id(&self) -> HolderId {
        device_id(&self.signing, &self.wrapping)
    }
}

/// Room for a padded label of 256 bytes and the overhead of its sealing.
const LABEL_BYTES: usize = 384;

impl<C> Encode<C> for Entry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(8)?.u8(VERSION)?.u8(FORM)?.encode_with(self.scope, ctx)?.u64(self.seq)?;
        e.encode_with(self.prev, ctx)?.encode_with(self.author, ctx)?.u64(self.time)?;
        e.encode_with(&self.ops, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Entry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let len = d.array()?;
        if cbor::discriminant(d)? != VERSION || cbor::discriminant(d)? != FORM {
            return Err(cbor::unsupported());
        }
        if len != Some(8) {
            return Err(minicbor::decode::Error::message("array length"));
        }
        Ok(Self {
            scope: cbor::nullable(d, |d| d.decode_with(ctx))?,
            seq: cbor::number(d)?,
            prev: cbor::nullable(d, |d| d.decode_with(ctx))?,
            author: d.decode_with(ctx)?,
            time: cbor::number(d)?,
            ops: cbor::list(d, limits::ENTRY_OPS, |d| d.decode_with(ctx))?,
        })
    }
}

impl<C> Encode<C> for AccountOp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let Self::Genesis(op) = self;
        e.array(5)?.u8(0)?.bytes(&op.nonce)?.encode_with(&op.user_id, ctx)?;
        e.array(3)?.encode_with(op.device.signing, ctx)?.encode_with(&op.device.wrapping, ctx)?;
        match &op.device.label {
            Some(label) => e.bytes(label)?,
            None => e.null()?,
        };
        e.array(4)?.encode_with(op.keys.ledger, ctx)?.encode_with(&op.keys.sharing, ctx)?;
        e.encode_with(op.keys.publication, ctx)?.encode_with(op.keys.signature, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for AccountOp {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let len = d.array()?;
        if cbor::discriminant(d)? != 0 {
            return Err(cbor::unsupported());
        }
        if len != Some(5) {
            return Err(minicbor::decode::Error::message("array length"));
        }
        let nonce = cbor::bytes_of(d)?;
        let user_id = d.decode_with(ctx)?;
        cbor::array(d, 3)?;
        let (signing, wrapping) = (d.decode_with(ctx)?, d.decode_with(ctx)?);
        let label = cbor::nullable(d, |d| Ok(d.bytes()?.to_vec()))?;
        if label.as_ref().is_some_and(|l| l.len() > LABEL_BYTES) {
            return Err(cbor::fault(Malformed::TooLarge));
        }
        cbor::array(d, 4)?;
        let keys = AccountKeys {
            ledger: d.decode_with(ctx)?,
            sharing: d.decode_with(ctx)?,
            publication: d.decode_with(ctx)?,
            signature: d.decode_with(ctx)?,
        };
        Ok(Self::Genesis(Genesis { nonce, user_id, device: DeviceKeys { signing, wrapping, label }, keys }))
    }
}
