//! `crypto.getRandomValues`.

use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};

pub(crate) struct JsRng;

impl JsRng {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness nothing may be made, and there is no way to go on: the module traps.
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

impl TryRng for JsRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for JsRng {}
