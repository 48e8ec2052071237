//! The client's half of OPAQUE (RFC 9807): ristretto255, SHA-512, 3DH, and Argon2id with costs that are compiled in.
//! Nothing on the wire names a cost, so nobody can lower one.
//!
//! Spec: `docs/spec/recovery.md`, "Password".

use super::argon2id;
use alloc::vec::Vec;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse, Ristretto255, TripleDh,
    errors::{InternalError, ProtocolError},
    generic_array::{ArrayLength, GenericArray},
    ksf::Ksf,
    rand,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// 64 MiB. These costs are the format's: a record of others is another method's.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// A point, and the server's public key.
const REGISTRATION_RESPONSE_BYTES: usize = 32 + 32;
/// The blinding factor and the blinded point.
const REGISTRATION_STATE_BYTES: usize = 32 + 32;
/// The blinding factor, KE1, an ephemeral key and a nonce.
const LOGIN_STATE_BYTES: usize = 32 + 96 + 32 + 32;
/// A point, a nonce, the masked key and envelope, and the server's part of the key exchange.
const CREDENTIAL_RESPONSE_BYTES: usize = 32 + 32 + (32 + 96) + (32 + 32 + 64);

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, opaque_sha2::Sha512>;
    type Ksf = Stretch;
}

/// `Argon2id(input, 16 zero bytes, 64 MiB, 3 passes, 1 lane)` to the length of the input (RFC 9807 §7, RFC 9106).
#[derive(Default)]
struct Stretch;

impl Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(&self, input: GenericArray<u8, L>) -> Result<GenericArray<u8, L>, InternalError> {
        #[cfg(test)]
        tests::RUNS.with(|runs| runs.set(runs.get() + 1));
        let input = Zeroizing::new(input);
        let stretched = argon2id::<64>(&input, &[0; 16], MEMORY_KIB, PASSES, LANES).ok_or(InternalError::KsfError)?;
        // As long as the hash of the suite, and so is the input.
        GenericArray::from_exact_iter(stretched.iter().copied()).ok_or(InternalError::KsfError)
    }
}

/// What the application's side of OPAQUE gets: 64 bytes that depend on password, server and account.
pub(crate) type ExportKey = Zeroizing<[u8; 64]>;

/// Setting a password, between request and response.
pub(crate) struct Registration(ClientRegistration<Suite>);

impl Registration {
    /// `CreateRegistrationRequest`: 32 bytes.
    pub(crate) fn start(password: &[u8], rng: &mut impl CryptoRng) -> Option<(Self, Vec<u8>)> {
        let started = ClientRegistration::start(&mut Compat(rng), password).ok()?;
        Some((Self(started.state), started.message.serialize().to_vec()))
    }

    /// What [`Self::resume`] goes on from: 64 bytes, as secret as the password.
    pub(crate) fn state(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    pub(crate) fn resume(state: &[u8]) -> Option<Self> {
        ClientRegistration::deserialize(exactly::<REGISTRATION_STATE_BYTES>(state)?).map(Self).ok()
    }

    /// `FinalizeRegistrationRequest`: the record (192 bytes) for the server, and the export key.
    pub(crate) fn finish(
        self,
        password: &[u8],
        client: &[u8],
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Vec<u8>, ExportKey), OpaqueFault> {
        let response = exactly::<REGISTRATION_RESPONSE_BYTES>(response).ok_or(OpaqueFault::Malformed)?;
        let response = RegistrationResponse::deserialize(response).map_err(|_| OpaqueFault::Malformed)?;
        let params = ClientRegistrationFinishParameters::new(identifiers(client), None);
        let finished = self.0.finish(&mut Compat(rng), password, response, params)?;
        Ok((finished.message.serialize().to_vec(), export_key(finished.export_key)))
    }
}

/// Recovering with a password, between request and response.
pub(crate) struct Login(ClientLogin<Suite>);

/// Why there is no export key.
#[derive(Debug)]
pub(crate) enum OpaqueFault {
    /// The response is none.
    Malformed,
    /// Another password, another account's record, no record, or a server that lies.
    Wrong,
    /// The machine does not have the memory to stretch a password.
    NoMemory,
}

impl From<ProtocolError> for OpaqueFault {
    fn from(fault: ProtocolError) -> Self {
        match fault {
            ProtocolError::LibraryError(InternalError::KsfError) => Self::NoMemory,
            // The point was sent back as it came.
            ProtocolError::ReflectedValueError => Self::Malformed,
            _ => Self::Wrong,
        }
    }
}

impl Login {
    /// `GenerateKE1`: 96 bytes.
    pub(crate) fn start(password: &[u8], rng: &mut impl CryptoRng) -> Option<(Self, Vec<u8>)> {
        let started = ClientLogin::start(&mut Compat(rng), password).ok()?;
        Some((Self(started.state), started.message.serialize().to_vec()))
    }

    /// What [`Self::resume`] goes on from: 192 bytes, as secret as the password.
    pub(crate) fn state(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    pub(crate) fn resume(state: &[u8]) -> Option<Self> {
        ClientLogin::deserialize(exactly::<LOGIN_STATE_BYTES>(state)?).map(Self).ok()
    }

    /// `GenerateKE3` without KE3, which nobody is sent: the export key.
    pub(crate) fn finish(
        self,
        password: &[u8],
        client: &[u8],
        context: &[u8],
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<ExportKey, OpaqueFault> {
        let response = exactly::<CREDENTIAL_RESPONSE_BYTES>(response).ok_or(OpaqueFault::Malformed)?;
        let response = CredentialResponse::deserialize(response).map_err(|_| OpaqueFault::Malformed)?;
        let params = ClientLoginFinishParameters::new(Some(context), identifiers(client), None);
        Ok(export_key(self.0.finish(&mut Compat(rng), password, response, params)?.export_key))
    }
}

/// The library does not look at what is behind a message.
fn exactly<const N: usize>(message: &[u8]) -> Option<&[u8]> {
    (message.len() == N).then_some(message)
}

fn identifiers(client: &[u8]) -> Identifiers<'_> {
    Identifiers { client: Some(client), server: None }
}

fn export_key<L: ArrayLength<u8>>(key: GenericArray<u8, L>) -> ExportKey {
    let key = Zeroizing::new(key);
    let mut out = Zeroizing::new([0; 64]);
    out.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
    out
}

/// Our randomness for a library that knows the traits of an older generation.
struct Compat<'r, R>(&'r mut R);

impl<R: CryptoRng> rand::RngCore for Compat<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand::Error> {
        self.0.fill_bytes(out);
        Ok(())
    }
}

impl<R: CryptoRng> rand::CryptoRng for Compat<'_, R> {}

#[cfg(test)]
mod tests {
    use super::*;
    use opaque_ke::{CredentialRequest, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup};
    use std::cell::Cell;

    thread_local! {
        pub(super) static RUNS: Cell<u32> = const { Cell::new(0) };
    }

    struct Counter(u64);

    impl rand_core::TryRng for Counter {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.try_next_u64().map(|next| next as u32)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.0 += 1;
            let hash = blake3::hash(&self.0.to_le_bytes());
            Ok(u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()))
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            for chunk in out.chunks_mut(8) {
                chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
            }
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Counter {}

    /// Whatever the answer: of somebody else, of a server without a record, or the true one.
    #[test]
    fn s9_one_try_is_one_run_of_the_slow_function_and_a_wrong_one_has_one_answer() {
        let mut rng = Counter(0);
        let setup = ServerSetup::<Suite>::new(&mut Compat(&mut rng));
        let (state, request) = Registration::start(b"right", &mut rng).unwrap();
        let request = opaque_ke::RegistrationRequest::deserialize(&request).unwrap();
        let response = ServerRegistration::<Suite>::start(&setup, request, b"account").unwrap().message.serialize();
        let (record, key) = state.finish(b"right", b"account", &response, &mut rng).unwrap();
        assert_eq!(RUNS.replace(0), 1, "setting a password");
        for (password, has_record, expected) in
            [("right", true, Some(key)), ("wrong", true, None), ("right", false, None), ("wrong", false, None)]
        {
            let (state, request) = Login::start(password.as_bytes(), &mut rng).unwrap();
            let request = CredentialRequest::deserialize(&request).unwrap();
            let record = has_record.then(|| ServerRegistration::deserialize(&record).unwrap());
            let params = ServerLoginParameters {
                context: Some(b"context"),
                identifiers: Identifiers { client: Some(b"account"), server: None },
            };
            let answer = ServerLogin::start(&mut Compat(&mut rng), &setup, record, request, b"account", params);
            let answer = answer.unwrap().message.serialize();
            assert_eq!(answer.len(), 320);
            let opened = state.finish(password.as_bytes(), b"account", b"context", &answer, &mut rng);
            assert_eq!(RUNS.replace(0), 1, "{password}, {has_record}");
            match (opened, expected) {
                (Ok(opened), Some(expected)) => assert_eq!(opened, expected),
                (Err(OpaqueFault::Wrong), None) => {}
                _ => panic!("{password}, {has_record}"),
            }
        }
    }
}
