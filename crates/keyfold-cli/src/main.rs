//! The command line of Keyfold.

fn main() {}
