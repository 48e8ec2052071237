//! `keyfold decrypt`: an envelope as the file it was, or a value as what it holds.

use super::encrypt::TEXT_BYTES;
use crate::fault::Fault;
use crate::moment;
use crate::progress::Progress;
use crate::session::Session;
use crate::stop;
use crate::stream::{Source, Target};
use clap::Args;
use keyfold_client::{Code, DecryptOptions, DecryptedValue, FileReport, Value};
use serde::Serialize;
use std::ops::Range;
use std::path::PathBuf;

/// What the text form of a value may have: base64url is a third longer, and there is a header.
const SEALED_TEXT_BYTES: u64 = TEXT_BYTES / 3 * 4 + 4096;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What to decrypt; `-` or nothing is standard input
    file: Option<PathBuf>,
    /// Where to write; `-` or nothing is standard output
    #[arg(short, long = "output", value_name = "OUT")]
    out: Option<PathBuf>,
    /// Read a value, `kf1.…`
    #[arg(long)]
    text: bool,
    /// What was given when encrypting
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Only the bytes from A, without B; without a number to the end
    #[arg(long, value_name = "A-B", conflicts_with = "text", value_parser = range)]
    range: Option<Range<u64>>,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileDocument {
    input: Option<String>,
    output: Option<String>,
    #[serde(flatten)]
    report: FileReport,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValueDocument {
    input: Option<String>,
    output: Option<String>,
    keychain_fingerprint: String,
    key_fingerprint: String,
    key_number: u32,
    current: bool,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let source = Source::named(options.file.clone());
    let target = Target::named(options.out.clone(), options.force);
    if options.text {
        text(session, &options, &source, &target).await
    } else {
        file(session, options, &source, &target).await
    }
}

async fn file(session: &Session, options: Options, source: &Source, target: &Target) -> Result<(), Fault> {
    let stopped = stop::requested()?;
    let client = session.client()?;
    let opened = source.open()?;
    let output = target.open()?;
    let progress = Progress::new(session.output, opened.length);
    let is_range = options.range.is_some();
    let terms = DecryptOptions {
        context: options.context.map(String::into_bytes),
        range: options.range,
        progress: Some(progress.reporter()),
        ..DecryptOptions::default()
    };
    let opening = client.decrypt_file(opened.file, output.writer()?, terms);
    let report = stop::or(stopped, opening).await.map_err(|fault| output.explain(advised(fault)))?;
    output.finish()?;
    drop(progress);
    if report.signature_unchecked && is_range {
        session.output.remark("It is signed, and the signature is over the whole: unchecked for a range.");
    } else if report.signature_unchecked {
        session.output.remark("It is signed, but the server was not reached to look the author up: unchecked.");
    }
    if let Some(author) = &report.signed_by {
        session.output.remark(&format!("Signed by {}.", author.user_id));
    }
    let document = FileDocument { input: source.name(), output: target.name(), report };
    session.output.show_on(target.beside(), &document, |_| String::new())
}

/// What is no envelope may be a value: the two are easily mixed up.
fn advised(fault: Fault) -> Fault {
    match fault.code() == Code::NotAnEnvelope.as_str() && fault.advice().is_none() {
        true => fault.hint("A value, `kf1.…`, is decrypted with --text."),
        false => fault,
    }
}

async fn text(session: &Session, options: &Options, source: &Source, target: &Target) -> Result<(), Fault> {
    let sealed = String::from_utf8(source.whole(SEALED_TEXT_BYTES)?)
        .map_err(|_| Fault::new(Code::NotAnEnvelope, "this is no text").hint("Decrypt a file without --text."))?;
    let context = options.context.as_deref().map(str::as_bytes);
    let opened = session.client()?.decrypt_value(sealed.trim(), context).await?;
    let mut document = ValueDocument {
        input: source.name(),
        output: target.name(),
        keychain_fingerprint: opened.keychain_fingerprint.clone(),
        key_fingerprint: opened.key_fingerprint.clone(),
        key_number: opened.key_number,
        current: opened.current,
        r#type: kind(&opened),
        value: None,
    };
    if *target == Target::Stdout && session.output.is_json() {
        document.value = Some(json(&opened.value));
        return session.output.show(&document, |_| String::new());
    }
    target.open()?.write(&bytes(&opened.value))?;
    session.output.show_on(target.beside(), &document, |_| String::new())
}

fn kind(opened: &DecryptedValue) -> &'static str {
    match opened.value {
        Value::Bytes(_) => "bytes",
        Value::Text(_) => "text",
        Value::Number(_) => "number",
        Value::Boolean(_) => "boolean",
        Value::Date(_) => "date",
        Value::Json(_) => "json",
    }
}

/// As a person or another program reads it.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Text(text) | Value::Json(text) => text.clone().into_bytes(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::Boolean(boolean) => boolean.to_string().into_bytes(),
        Value::Date(ms) => moment::rfc3339(*ms).into_bytes(),
    }
}

/// In a document: what JSON has as it is, dates as RFC 3339, bytes in base64url, and numbers that JSON lacks as text.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bytes(bytes) => keyfold_client::base64url(bytes).into(),
        Value::Text(text) => text.clone().into(),
        Value::Number(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| number.to_string().into(), Into::into)
        }
        Value::Boolean(boolean) => (*boolean).into(),
        Value::Date(ms) => moment::rfc3339(*ms).into(),
        // A text that claims to be JSON, and is none, is shown as the text it is.
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
    }
}

/// `A-B`, or `A-` to the end.
pub(super) fn range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write it as A-B, bytes from A without B, or A- to the end".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let from = from.parse().map_err(|_| wrong())?;
    let to = if to.is_empty() { u64::MAX } else { to.parse().map_err(|_| wrong())? };
    if from <= to { Ok(from..to) } else { Err("the end lies before the start".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_excludes_its_end() {
        assert_eq!(range("2-5"), Ok(2..5));
        assert_eq!(range("2-"), Ok(2..u64::MAX));
        assert_eq!(range("2-2"), Ok(2..2));
        for wrong in ["", "-", "-5", "5", "5-2", "a-b", "1-2-3", "0-99999999999999999999"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_come_out_as_they_read() {
        assert_eq!(bytes(&Value::Number(1.5)), b"1.5");
        assert_eq!(bytes(&Value::Date(-1)), b"1969-12-31T23:59:59.999Z");
        assert_eq!(json(&Value::Number(f64::NAN)), "NaN");
        assert_eq!(json(&Value::Json("{\"a\":1}".to_owned())), serde_json::json!({"a": 1}));
        assert_eq!(json(&Value::Json("no json".to_owned())), "no json");
    }
}
