//! A server's next key, signed by the one before it: so that who pinned a key follows to the next, and to no other
//! server's.
//!
//! Spec: `docs/spec/http.md`, "The server's next key".

use crate::{
    cbor,
    key::{BadSignature, Signature, VerifyingKey},
    label::SignatureLabel,
};
use alloc::vec::Vec;
use minicbor::{Decode, Decoder, Encode, Encoder};

const VERSION: u8 = 1;

/// One step from a key to the next. Nobody has checked its signature before [`follow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The key until then.
    pub former: VerifyingKey,
    /// The key from then on.
    pub next: VerifyingKey,
    /// When it was announced, in milliseconds since 1970.
    pub time: u64,
    /// By the former key, under the label `KF1 server succession`.
    pub signature: Signature,
}

impl Succession {
    /// The signed bytes: canonical `[1, former key, next key, time]`.
    pub fn signed(former: &VerifyingKey, next: &VerifyingKey, time: u64) -> Vec<u8> {
        cbor::encode(&Statement { former: *former, next: *next, time })
    }

    fn verify(&self) -> Result<(), BadSignature> {
        let statement = Self::signed(&self.former, &self.next, self.time);
        self.former.verify(SignatureLabel::ServerSuccession, &[&statement], &self.signature)
    }
}

/// The keys that follow `pinned`, ending with the newest: each signed by the one before it, none left out. Where the
/// steps do not lead on from `pinned`, nothing is believed of any of them.
pub fn follow(steps: &[Succession], pinned: &VerifyingKey) -> Result<Vec<VerifyingKey>, BadSignature> {
    let mut at = *pinned;
    let mut keys = Vec::new();
    for step in steps.iter().skip_while(|step| step.former != *pinned) {
        if step.former != at {
            return Err(BadSignature);
        }
        step.verify()?;
        at = step.next;
        keys.push(at);
    }
    if keys.is_empty() { Err(BadSignature) } else { Ok(keys) }
}

struct Statement {
    former: VerifyingKey,
    next: VerifyingKey,
    time: u64,
}

impl<C> Encode<C> for Statement {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(4)?.u8(VERSION)?.encode_with(self.former, ctx)?.encode_with(self.next, ctx)?.u64(self.time)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Statement {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 4)?;
        if cbor::discriminant(d)? != VERSION {
            return Err(cbor::unsupported());
        }
        Ok(Self { former: d.decode_with(ctx)?, next: d.decode_with(ctx)?, time: cbor::number(d)? })
    }
}

impl<C> Encode<C> for Succession {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let Self { former, next, time, signature } = *self;
        e.array(2)?.encode_with(Statement { former, next, time }, ctx)?.encode_with(signature, ctx)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Succession {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        cbor::array(d, 2)?;
        let Statement { former, next, time } = d.decode_with(ctx)?;
        Ok(Self { former, next, time, signature: d.decode_with(ctx)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::signed_message;
    use ed25519_dalek::{Signer, SigningKey};

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn public(n: u8) -> VerifyingKey {
        VerifyingKey(key(n).verifying_key().to_bytes())
    }

    fn step(from: u8, to: u8, signed_by: u8) -> Succession {
        let statement = Succession::signed(&public(from), &public(to), 7);
        let message = signed_message(SignatureLabel::ServerSuccession, &[&statement]);
        let signature = Signature(key(signed_by).sign(&message).to_bytes());
        Succession { former: public(from), next: public(to), time: 7, signature }
    }

    #[test]
    fn a_chain_leads_from_any_of_its_keys_to_the_newest() {
        let chain = [step(1, 2, 1), step(2, 3, 2), step(3, 4, 3)];
        assert_eq!(follow(&chain, &public(1)), Ok([2, 3, 4].map(public).to_vec()));
        assert_eq!(follow(&chain, &public(3)), Ok([public(4)].to_vec()));
        assert_eq!(follow(&chain, &public(4)), Err(BadSignature), "the newest has none");
        assert_eq!(follow(&chain, &public(9)), Err(BadSignature), "another server's");
        assert_eq!(follow(&[], &public(1)), Err(BadSignature));
    }

    #[test]
    fn what_the_former_key_did_not_sign_leads_nowhere() {
        let [one, two, three] = [step(1, 2, 1), step(2, 3, 2), step(3, 4, 3)];
        let alterations: [fn(&mut Succession); 4] =
            [|s| s.former = public(8), |s| s.next = public(8), |s| s.time += 1, |s| s.signature = Signature([0; 64])];
        for alter in alterations {
            let mut altered = two;
            alter(&mut altered);
            assert_eq!(follow(&[one, altered, three], &public(1)), Err(BadSignature));
        }
        assert_eq!(follow(&[step(1, 2, 2)], &public(1)), Err(BadSignature), "signed by the next key itself");
        assert_eq!(follow(&[one, three], &public(1)), Err(BadSignature), "one was left out");
        assert_eq!(
            follow(&[two, one], &public(1)).ok(),
            Some([public(2)].to_vec()),
            "what stands before is not looked at"
        );
        assert_eq!(follow(&[one, three, two], &public(1)), Err(BadSignature), "in another order");
    }
}
