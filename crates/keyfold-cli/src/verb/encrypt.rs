//! `keyfold encrypt`: a file as an envelope, or text as a value.

use crate::fault::Fault;
use crate::progress::Progress;
use crate::session::Session;
use crate::stop;
use crate::stream::{Source, Target};
use crate::word::typed;
use clap::Args;
use keyfold_client::{Code, EncryptOptions, FileReport, Value};
use serde::Serialize;
use std::path::PathBuf;

/// The longest text, in bytes: a value may be 16 MiB (docs/spec/conventions.md, "Limits").
pub(super) const TEXT_BYTES: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
    /// What to encrypt; `-` or nothing is standard input
    file: Option<PathBuf>,
    /// Where to write; `-` or nothing is standard output
    #[arg(short, long = "output", value_name = "OUT")]
    out: Option<PathBuf>,
    /// Make a value of text, as `kf1.…`, for a database column or a message
    #[arg(long)]
    text: bool,
    /// What must be the same when decrypting, such as the row it is for
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Another keychain whose members can open it
    #[arg(long, value_name = "KC", conflicts_with = "text", value_parser = typed)]
    also: Vec<String>,
    /// Sign it, so that readers know who wrote it
    #[arg(long, conflicts_with = "text")]
    sign: bool,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    input: Option<String>,
    output: Option<String>,
    #[serde(flatten)]
    report: Option<FileReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
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

async fn text(session: &Session, options: &Options, source: &Source, target: &Target) -> Result<(), Fault> {
    let text = String::from_utf8(source.whole(TEXT_BYTES)?).map_err(|_| {
        Fault::new(Code::BadText, "the text is not UTF-8").hint("Encrypt it as a file, without --text.")
    })?;
    let context = options.context.as_deref().map(str::as_bytes);
    let client = session.client()?;
    let sealed = client.encrypt_value(&options.keychain, &Value::Text(text), context).await?;
    let mut document = Document { input: source.name(), output: target.name(), report: None, text: None };
    if *target == Target::Stdout {
        document.text = Some(sealed);
        return session.output.show(&document, |document| document.text.clone().unwrap_or_default());
    }
    target.open()?.write(format!("{sealed}\n").as_bytes())?;
    session.output.show(&document, |_| String::new())
}

async fn file(session: &Session, options: Options, source: &Source, target: &Target) -> Result<(), Fault> {
    if target.is_terminal() && options.out.is_none() {
        return Err(Fault::usage("an encrypted file is not for a screen")
            .hint("Name a file with -o OUT, send the output to one, or insist with -o -."));
    }
    let stopped = stop::requested()?;
    let client = session.client()?;
    let keychains: Vec<&str> = std::iter::once(&options.keychain).chain(&options.also).map(String::as_str).collect();
    let opened = source.open()?;
    let output = target.open()?;
    let progress = Progress::new(session.output, opened.length);
    let terms = EncryptOptions {
        context: options.context.map(String::into_bytes),
        sign: options.sign,
        name: options.file.as_deref().and_then(|file| file.file_name()?.to_str().map(str::to_owned)),
        modified: opened.modified,
        progress: Some(progress.reporter()),
        ..EncryptOptions::default()
    };
    let sealing = client.encrypt_file(&keychains, opened.file, output.writer()?, terms);
    let report = stop::or(stopped, sealing).await.map_err(|fault| output.explain(fault))?;
    output.finish()?;
    drop(progress);
    if report.stale {
        session.output.remark("The server was not reached: this is encrypted with the newest key that is known here.");
    }
    let document = Document { input: source.name(), output: target.name(), report: Some(report), text: None };
    session.output.show_on(target.beside(), &document, |_| String::new())
}
