//! Writes the bytes of all vectors into a folder, a file each: what libFuzzer starts from.
#![allow(clippy::expect_used)]

fn main() {
    let folder = std::path::PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    std::fs::create_dir_all(&folder).expect("a folder that can be made");
    for (number, seed) in keyfold_fuzz::seeds::from_vectors().into_iter().enumerate() {
        std::fs::write(folder.join(format!("vector-{number}")), seed).expect("room for the seeds");
    }
}
