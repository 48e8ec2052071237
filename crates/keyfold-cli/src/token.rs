//! The token of an identity provider, from a file or standard input: never from the arguments, which every process on
//! the machine can read. Separate because every verb that comes in at a server's gate takes one.

use crate::fault::Fault;
use crate::stream::Source;
use keyfold_client::Code;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A token is a few hundred bytes; with many claims, a few thousand.
const BYTES: u64 = 16 << 10;

/// Reads a token, and leaves out what is around it.
pub(crate) fn read(file: PathBuf) -> Result<Zeroizing<String>, Fault> {
    let bytes = Source::named(Some(file)).whole(BYTES).map_err(|fault| match fault.code() {
        "TooLarge" => fault.hint("No token is as long."),
        _ => fault,
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::new(Code::BadText, "this is no token: it is not text"))?;
    let text = Zeroizing::new(text);
    if text.trim().is_empty() {
        return Err(Fault::new(Code::BadText, "the token is empty"));
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}
