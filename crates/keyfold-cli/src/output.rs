//! What reaches standard output and standard error. One place, so that `--json` holds for every verb and a closed pipe
//! never panics.
//!
//! Spec: `docs/spec/cli.md`, "Output".

use crate::fault::Fault;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};
use std::process::ExitCode;

/// How results and failures are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

/// Where a result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// As always.
    Out,
    /// Where standard output carries the data itself.
    Err,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read along.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Shows a verb's document: as JSON, or as what `human` makes of it.
    pub(crate) fn show<T: Serialize>(self, document: &T, human: impl FnOnce(&T) -> String) -> Result<(), Fault> {
        self.show_on(Stream::Out, document, human)
    }

    /// The same, on a stream of the caller's choice.
    pub(crate) fn show_on<T: Serialize>(
        self,
        stream: Stream,
        document: &T,
        human: impl FnOnce(&T) -> String,
    ) -> Result<(), Fault> {
        let text = if self.json {
            serde_json::to_string(document).map_err(|error| Fault::io("printing", &error.into()))?
        } else {
            human(document)
        };
        let written = match stream {
            Stream::Out => line(&mut io::stdout().lock(), &text),
            Stream::Err => line(&mut io::stderr().lock(), &text),
        };
        written.map_err(|error| Fault::io("printing", &error))
    }

    /// A remark for people; programs do not get it.
    pub(crate) fn remark(self, text: &str) {
        if !self.json {
            // Standard error is the last resort: if it is gone, there is nobody to tell.
            line(&mut io::stderr().lock(), text).ok();
        }
    }

    /// Says why the command failed, and how the process ends.
    pub(crate) fn fail(self, fault: &Fault) -> ExitCode {
        if !fault.is_silent() {
            let text = if self.json {
                json!({"error": {"code": fault.code(), "message": fault.message(), "hint": fault.advice()}}).to_string()
            } else {
                let hint = fault.advice().map(|hint| format!("\n  {hint}")).unwrap_or_default();
                format!("error: {} [{}]{hint}", fault.message(), fault.code())
            };
            line(&mut io::stderr().lock(), &text).ok();
        }
        ExitCode::from(fault.exit())
    }
}

/// Writes the text and ends its last line, at once, so that a reader who follows sees it now.
fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        to.write_all(b"\n")?;
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_with_exactly_one_line_end() {
        for text in ["alice", "alice\n"] {
            let mut out = Vec::new();
            line(&mut out, text).unwrap();
            assert_eq!(out, b"alice\n");
        }
    }

    #[test]
    fn nothing_is_printed_for_nothing() {
        let mut out = Vec::new();
        line(&mut out, "").unwrap();
        assert!(out.is_empty());
    }
}
