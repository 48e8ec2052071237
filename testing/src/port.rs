//! Where servers listen that are stopped and started again.

use std::net::{Ipv4Addr, TcpListener};

/// Below what systems hand out to whoever asks for any port: nobody is given it while its server is down.
const RANGE: std::ops::Range<u16> = 16_384..32_768;

/// A port of 127.0.0.1 that is free.
///
/// # Panics
/// If none is found.
pub fn own_port() -> u16 {
    for _ in 0..64 {
        let mut random = [0; 2];
        getrandom::fill(&mut random).expect("the system has randomness");
        let port = RANGE.start + u16::from_le_bytes(random) % (RANGE.end - RANGE.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
