//! What an account's entries do, as bytes. Apart from the entry around them, which is the same whatever it does.
//!
//! Spec: `docs/spec/account-ledger.md`, "Ops".

use crate::{
    cbor,
    error::Malformed,
    id::HolderId,
    key::{VerifyingKey, WrappingKey, device_id, recovery_id},
    limits,
    text::UserId,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError};

/// What an account entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountOp {
    /// 0: founds the account.
    Genesis(Genesis),
    /// 1: another device holds the master key.
    AddDevice(HolderKeys),
    /// 2: a device does no more, nor those whom it added.
    RevokeDevice(RevokeDevice),
    /// 3: the author, a device, has new keys.
    RotateDevice(HolderKeys),
    /// 4: another way to come back.
    AddRecovery(AddRecovery),
    /// 5: one way less.
    RemoveRecovery(HolderId),
    /// 6: the next master key.
    RotateAccount(RotateAccount),
    /// 7: the private state is this now.
    SetPrivate(SetPrivate),
}

/// `[0, nonce, user id, keys, account keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// 32 random bytes: nobody can make this account again. Also the salt of its keys.
    pub nonce: [u8; 32],
    /// The application's name of the person.
    pub user_id: UserId,
    /// The first device.
    pub device: HolderKeys,
    /// The public halves of generation 0.
    pub keys: AccountKeys,
}

/// `[2, device id, [kept, …]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeDevice {
    /// Who is out.
    pub device: HolderId,
    /// Who stays although it came through that device; ascending.
    pub kept: Vec<HolderId>,
}

/// `[4, method, keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddRecovery {
    /// What its secret is.
    pub method: RecoveryMethod,
    /// The public halves of what derives from that secret.
    pub keys: HolderKeys,
}

/// `[6, generation, account keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateAccount {
    /// Its number.
    pub generation: u32,
    /// The public halves of its keys.
    pub keys: AccountKeys,
}

/// `[7, version, hash]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetPrivate {
    /// From 1.
    pub version: u64,
    /// `H("KF1 private state", sealed object)`
    pub hash: [u8; 32],
}

/// `[signing key, wrapping key, sealed label / null]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderKeys {
    /// Signs account entries, and a device's requests.
    pub signing: VerifyingKey,
    /// The master key is wrapped to it.
    pub wrapping: WrappingKey,
    /// The holder's name, sealed.
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

/// What the secret of a recovery method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryMethod {
    /// 0: a password, through a server that cannot guess it.
    Password,
    /// 1: words on paper.
    Paper,
    /// 2: shares, of which some suffice.
    Shares,
    /// 3: what a passkey's authenticator derives.
    Passkey,
}

impl RecoveryMethod {
    const ALL: [Self; 4] = [Self::Password, Self::Paper, Self::Shares, Self::Passkey];

    /// How it is written, in entries and where its keys derive.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl HolderKeys {
    /// The id of a device that is added with these keys.
    pub fn id(&self) -> HolderId {
        device_id(&self.signing, &self.wrapping)
    }

    /// The id of a recovery method that is added with these keys.
    pub fn recovery_id(&self) -> HolderId {
        recovery_id(&self.signing, &self.wrapping)
    }
}

impl AccountKeys {
    /// Whether a key stands in its place in `other` too.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.ledger == other.ledger
            || self.sharing == other.sharing
            || self.publication == other.publication
            || self.signature == other.signature
    }
}

/// Room for a padded label of 256 bytes and the overhead of its sealing.
const LABEL_BYTES: usize = 384;

impl<C> Encode<C> for AccountOp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Genesis(op) => {
                e.array(5)?.u8(0)?.bytes(&op.nonce)?.encode_with(&op.user_id, ctx)?;
                e.encode_with(&op.device, ctx)?.encode_with(&op.keys, ctx)?
            }
            Self::AddDevice(keys) => e.array(2)?.u8(1)?.encode_with(keys, ctx)?,
            Self::RevokeDevice(op) => e.array(3)?.u8(2)?.encode_with(op.device, ctx)?.encode_with(&op.kept, ctx)?,
            Self::RotateDevice(keys) => e.array(2)?.u8(3)?.encode_with(keys, ctx)?,
            Self::AddRecovery(op) => e.array(3)?.u8(4)?.u8(op.method.number())?.encode_with(&op.keys, ctx)?,
            Self::RemoveRecovery(recovery) => e.array(2)?.u8(5)?.encode_with(recovery, ctx)?,
            Self::RotateAccount(op) => e.array(3)?.u8(6)?.u32(op.generation)?.encode_with(&op.keys, ctx)?,
            Self::SetPrivate(op) => e.array(3)?.u8(7)?.u64(op.version)?.bytes(&op.hash)?,
        }
        .ok()
    }
}

impl<'b, C> Decode<'b, C> for AccountOp {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let len = d.array()?;
        let number = cbor::discriminant(d)?;
        let fields = match number {
            0 => 5,
            1 | 3 | 5 => 2,
            2 | 4 | 6 | 7 => 3,
            _ => return Err(cbor::unsupported()),
        };
        if len != Some(fields) {
            return Err(DecodeError::message("array length"));
        }
        Ok(match number {
            0 => Self::Genesis(Genesis {
                nonce: cbor::bytes_of(d)?,
                user_id: d.decode_with(ctx)?,
                device: d.decode_with(ctx)?,
                keys: d.decode_with(ctx)?,
            }),
            1 => Self::AddDevice(d.decode_with(ctx)?),
            2 => Self::RevokeDevice(RevokeDevice {
                device: d.decode_with(ctx)?,
                kept: cbor::set(d, limits::ACCOUNT_HOLDERS, |id| *id, |d| d.decode_with(ctx))?,
            }),
            3 => Self::RotateDevice(d.decode_with(ctx)?),
            4 => Self::AddRecovery(AddRecovery { method: method(d)?, keys: d.decode_with(ctx)? }),
            5 => Self::RemoveRecovery(d.decode_with(ctx)?),
            6 => Self::RotateAccount(RotateAccount { generation: d.u32()?, keys: d.decode_with(ctx)? }),
            _ => Self::SetPrivate(SetPrivate { version: cbor::number(d)?, hash: cbor::bytes_of(d)? }),
        })
    }
}

fn method(d: &mut Decoder<'_>) -> Result<RecoveryMethod, DecodeError> {
    let number = cbor::discriminant(d)?;
    RecoveryMethod::ALL.get(usize::from(number)).copied().ok_or_else(cbor::unsupported)
}

impl<C> Encode<C> for HolderKeys {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(3)?.encode_with(self.signing, ctx)?.encode_with(&self.wrapping, ctx)?;
        match &self.label {
            Some(label) => e.bytes(label)?.ok(),
            None => e.null()?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for HolderKeys {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 3)?;
        let (signing, wrapping) = (d.decode_with(ctx)?, d.decode_with(ctx)?);
        let label = cbor::nullable(d, |d| Ok(d.bytes()?.to_vec()))?;
        if label.as_ref().is_some_and(|label| label.len() > LABEL_BYTES) {
            return Err(cbor::fault(Malformed::TooLarge));
        }
        Ok(Self { signing, wrapping, label })
    }
}

impl<C> Encode<C> for AccountKeys {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(4)?.encode_with(self.ledger, ctx)?.encode_with(&self.sharing, ctx)?;
        e.encode_with(self.publication, ctx)?.encode_with(self.signature, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for AccountKeys {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        cbor::array(d, 4)?;
        Ok(Self {
            ledger: d.decode_with(ctx)?,
            sharing: d.decode_with(ctx)?,
            publication: d.decode_with(ctx)?,
            signature: d.decode_with(ctx)?,
        })
    }
}
