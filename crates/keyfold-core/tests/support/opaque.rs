//! A server's half of OPAQUE, of the library itself: with the suite of the spec, and with others that it must not be
//! taken for.

use super::SeededRng;
use opaque_ke::{
    CipherSuite, CredentialRequest, Identifiers, RegistrationRequest, Ristretto255, ServerLogin, ServerLoginParameters,
    ServerRegistration, ServerSetup, TripleDh, ksf::Identity, rand,
};
use rand_core::Rng;

/// A server never stretches, so what stands for that is of no matter there.
pub struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, opaque_sha2::Sha512>;
    type Ksf = Identity;
}

/// Randomness for the library's generation of traits.
pub struct Compat<'r, R>(pub &'r mut R);

impl<R: Rng> rand::RngCore for Compat<'_, R> {
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

impl<R: Rng> rand::CryptoRng for Compat<'_, R> {}

pub struct Server {
    setup: ServerSetup<Suite>,
    rng: SeededRng,
}

impl Server {
    pub fn new(seed: &str) -> Self {
        let mut rng = SeededRng::new(seed);
        Self { setup: ServerSetup::new(&mut Compat(&mut rng)), rng }
    }

    /// With this secret, as it is stored; what it draws besides changes nothing of what a client finds out.
    pub fn of_key(key: &[u8], seed: &str) -> Self {
        Self { setup: ServerSetup::deserialize(key).unwrap(), rng: SeededRng::new(seed) }
    }

    pub fn key(&self) -> Vec<u8> {
        self.setup.serialize().to_vec()
    }

    pub fn register(&self, request: &[u8], account: &[u8]) -> Option<Vec<u8>> {
        let request = RegistrationRequest::deserialize(request).ok()?;
        Some(ServerRegistration::start(&self.setup, request, account).unwrap().message.serialize().to_vec())
    }

    pub fn login(&mut self, request: &[u8], account: &[u8], record: Option<&[u8]>) -> Option<Vec<u8>> {
        let request = CredentialRequest::deserialize(request).ok()?;
        let record = record.map(|record| ServerRegistration::deserialize(record).unwrap());
        let context = [b"KF1 recovery password\0", account].concat();
        let params = ServerLoginParameters {
            context: Some(&context),
            identifiers: Identifiers { client: Some(account), server: None },
        };
        let started = ServerLogin::start(&mut Compat(&mut self.rng), &self.setup, record, request, account, params);
        Some(started.unwrap().message.serialize().to_vec())
    }
}
