//! Several people, an attacker and the evil server, chosen by bytes (S2, S10, S17): see `keyfold_testing::interaction`.
//!
//! The programs here are the same every time. `KEYFOLD_INTERACTIONS=1000` plays more of them, and
//! `KEYFOLD_INTERACTION=<hex>` the one that a failure printed.

use keyfold_testing::interaction::{Played, STEP_BYTES, play};

const PROGRAMS: u64 = 12;
const STEPS: usize = 60;

/// What fuzzing found: somebody who was given the current key and does not follow.
const FOUND: [&str; 1] = ["8d27ae4b634016b840b667e6e36fec1094db86f42992d6c9911c52206a588614"];

/// Program `number`, by SplitMix64 (Steele, Lea, Flood 2014): bytes without a pattern, the same on every machine.
fn program(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()[0]
    };
    (0..STEPS * STEP_BYTES).map(|_| next()).collect()
}

async fn played(program: Vec<u8>) -> Played {
    let hex: String = program.iter().map(|byte| format!("{byte:02x}")).collect();
    let playing = tokio::spawn(async move { play(&program).await });
    playing.await.unwrap_or_else(|_| panic!("KEYFOLD_INTERACTION={hex} plays it again"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_s10_s17_hold_whatever_people_an_attacker_and_the_evil_server_do() {
    if let Ok(hex) = std::env::var("KEYFOLD_INTERACTION") {
        println!("{:?}", played(bytes(&hex)).await);
        return;
    }
    for hex in FOUND {
        played(bytes(hex)).await;
    }
    let programs = std::env::var("KEYFOLD_INTERACTIONS").map_or(PROGRAMS, |count| count.parse().unwrap());
    let mut sum = Played::default();
    for number in 1..=programs {
        let one = played(program(number)).await;
        sum.done += one.done;
        sum.refused += one.refused;
        sum.lies += one.lies;
        sum.texts += one.texts;
        sum.entries += one.entries;
    }
    println!("{programs} programs: {sum:?}");
    // Programs of which nothing comes would show nothing.
    let steps = usize::try_from(programs).unwrap() * STEPS;
    assert!(sum.done > steps / 4 && sum.refused > steps / 10 && sum.lies > steps / 10, "{sum:?}");
    assert!(sum.texts > steps / 50 && sum.entries > steps / 10, "{sum:?}");
}
