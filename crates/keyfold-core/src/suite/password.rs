//! Argon2id: work, and memory, that whoever tries a password must spend on each try. Its own file, and a feature,
//! because only devices with a lock and recovery by password need it.

use alloc::vec::Vec;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// `Argon2id(password, salt, memory, passes, lanes, N)` (RFC 9106). `None` if there is not that much memory.
pub(crate) fn argon2id<const N: usize>(
    password: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Option<Zeroizing<[u8; N]>> {
    let params = Params::new(memory_kib, passes, lanes, Some(N)).ok()?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).ok()?;
    memory.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; N]);
    let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password,
        salt,
        key.as_mut_slice(),
        memory.as_mut_slice(),
    );
    memory.zeroize();
    made.ok().map(|()| key)
}
