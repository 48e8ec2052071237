//! `keyfold index … import`: rows of a table become entries, a batch at a time. Apart from the other deeds because it
//! reads formats.

use super::Kind;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::session::Session;
use crate::stop;
use crate::stream::Source;
use clap::ValueEnum;
use keyfold_client::{Changes, Code, Index};
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows that are committed together.
const ROWS: usize = 100_000;
/// The same, in bytes of their values.
const BYTES: usize = 32 << 20;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values (RFC 4180); the first line names the columns
    Csv,
    /// A JSON object on each line
    Jsonl,
}

pub(super) async fn run(
    session: &Session,
    index: &Index,
    kind: Kind,
    file: PathBuf,
    column: &str,
    format: Option<Format>,
) -> Result<(), Fault> {
    let format = format.or_else(|| Format::of(&file)).ok_or_else(|| {
        Fault::usage("what the file is cannot be told from its name").hint("Say --format csv or --format jsonl.")
    })?;
    let source = Source::named(Some(file));
    let opened = source.open()?;
    let read = Arc::new(AtomicU64::new(0));
    let progress = Progress::new(session.output, opened.length);
    let report = progress.reporter();
    let counted = Counted { file: opened.file, read: Arc::clone(&read) };
    let mut rows = format.rows(counted)?;
    let imported = Cell::new(0u64);
    let importing = async {
        let (mut batch, mut count, mut bytes) = (Changes::new(), 0, 0);
        loop {
            let row = rows.next().transpose()?;
            let is_last = row.is_none();
            if let Some((line, row)) = row {
                let at = |fault: Fault| fault.at(&format!("line {line}"));
                let key = row.get(column).ok_or_else(|| {
                    at(Fault::new(Code::Malformed, format!("there is no `{column}`")))
                        .hint("Name the column that is the key with --key.")
                })?;
                let key = kind.part(&text(key)).map_err(at)?;
                let value = Value::Object(row).to_string();
                batch.put(&[key], value.as_bytes()).map_err(|error| at(error.into()))?;
                count += 1;
                bytes += value.len();
            }
            if count > 0 && (is_last || count >= ROWS || bytes >= BYTES) {
                index.commit(&batch).await?;
                imported.set(imported.get() + count as u64);
                (batch, count, bytes) = (Changes::new(), 0, 0);
                report(read.load(Ordering::Relaxed));
            }
            if is_last {
                return Ok(());
            }
        }
    };
    let stopped = stop::requested()?;
    let outcome = tokio::select! {
        () = stopped => Err(Fault::new(Code::Cancelled, "stopped")),
        done = importing => done,
    };
    let imported = imported.get();
    // A person is to know where to go on.
    outcome.map_err(|fault| if imported == 0 { fault } else { fault.after(&format!("; {imported} rows are in")) })?;
    drop(progress);
    session.output.show(&json!({ "imported": imported }), |_| format!("{imported} rows"))
}

/// A key as the table writes it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

type Row = (u64, Map<String, Value>);

impl Format {
    fn of(file: &std::path::Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }

    /// The rows, each with the number of its line.
    fn rows(self, file: Counted) -> Result<Box<dyn Iterator<Item = Result<Row, Fault>>>, Fault> {
        match self {
            Self::Csv => {
                let mut reader = csv::Reader::from_reader(file);
                let names: Vec<String> =
                    reader.headers().map_err(|error| csv_fault(&error))?.iter().map(str::to_owned).collect();
                // The one would take the other's place in the row.
                let twice =
                    (1..).zip(&names).find(|(before, name)| names.iter().skip(*before).any(|other| other == *name));
                if let Some((_, name)) = twice {
                    return Err(Fault::new(Code::Malformed, format!("line 1: two columns are called `{name}`")));
                }
                Ok(Box::new(reader.into_records().map(move |record| {
                    let record = record.map_err(|error| csv_fault(&error))?;
                    let line = record.position().map_or(0, csv::Position::line);
                    let fields = record.iter().map(|field| Value::String(field.to_owned()));
                    Ok((line, names.iter().cloned().zip(fields).collect()))
                })))
            }
            Self::Jsonl => {
                let lines = (1u64..).zip(BufReader::new(file).lines());
                let rows = lines.map(|(number, line)| {
                    let line = line.map_err(|error| Fault::io("the file", &error))?;
                    match serde_json::from_str(&line) {
                        _ if line.trim().is_empty() => Ok(None),
                        Ok(Value::Object(row)) => Ok(Some((number, row))),
                        Ok(_) => Err(Fault::new(Code::Malformed, format!("line {number} is not a JSON object"))),
                        Err(error) => Err(Fault::new(Code::Malformed, format!("line {number} is not JSON: {error}"))),
                    }
                });
                Ok(Box::new(rows.filter_map(Result::transpose)))
            }
        }
    }
}

fn csv_fault(error: &csv::Error) -> Fault {
    Fault::new(Code::Malformed, format!("the table cannot be read: {error}"))
}

/// Counts what was read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
