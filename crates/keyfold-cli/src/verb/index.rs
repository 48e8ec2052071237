//! `keyfold index`: an ordered map of a keychain, which the server keeps and cannot read.
//!
//! Spec: `docs/spec/cli.md`, "Indexes".

mod import;

use crate::fault::Fault;
use crate::moment::rfc3339;
use crate::session::Session;
use crate::stream::Source;
use crate::word::typed;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use keyfold_client::key::{self, Part};
use keyfold_client::{Code, Index, IndexQuery, base64url};
use serde_json::json;
use std::io::{self, Write};
use std::ops::Bound;
use std::path::PathBuf;

/// Said of what waits.
const KEPT: &str =
    "The server was not reached: kept in this home, and sent with the next command on this index that reaches it.";
/// A value, in bytes (docs/spec/index.md, "Limits").
const VALUE_BYTES: u64 = 1 << 20;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
    /// The index; one that is not there is empty
    #[arg(value_parser = typed)]
    name: String,
    /// What keys are, and so how they are ordered
    #[arg(long = "as", value_enum, default_value = "text", global = true)]
    kind: Kind,
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Text
    Text,
    /// Numbers
    Number,
    /// Dates: 2026-01-31, or with a time as RFC 3339 has it
    Date,
}

#[derive(Subcommand, Debug)]
enum Deed {
    /// Give a key a value
    Put {
        #[arg(allow_negative_numbers = true)]
        key: String,
        /// `-` for standard input
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Print the value of a key
    Get {
        #[arg(allow_negative_numbers = true)]
        key: String,
    },
    /// Take a key away
    Rm {
        #[arg(allow_negative_numbers = true)]
        key: String,
    },
    /// Print keys and values, in the order of the keys
    Range {
        #[command(flatten)]
        part: Span,
        /// Without so many of the first
        #[arg(long, default_value_t = 0)]
        skip: u64,
        /// At most so many
        #[arg(long)]
        limit: Option<usize>,
        /// Behind this key, whether or not it is still there
        #[arg(long, value_name = "KEY", allow_negative_numbers = true)]
        after: Option<String>,
        /// From the last to the first
        #[arg(long)]
        reverse: bool,
    },
    /// Say how many keys there are
    Count {
        #[command(flatten)]
        part: Span,
    },
    /// Bring in the rows of a table: CSV with a first line of names, or JSON objects, one a line
    Import {
        /// `-` for standard input
        file: PathBuf,
        /// The column whose value is the key
        #[arg(long, value_name = "COLUMN")]
        key: String,
        /// What the file is [default: what its name says]
        #[arg(long, value_enum)]
        format: Option<import::Format>,
    },
    /// Read every node, and say what is wrong
    Check,
    /// Say how many commits wait until the server is reached
    Waiting {
        /// Forget them
        #[arg(long)]
        give_up: bool,
    },
}

#[derive(Args, Debug)]
struct Span {
    /// From this key on
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    from: Option<String>,
    /// Up to this key, without it
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    to: Option<String>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let index = session.client()?.index(&options.keychain, &options.name);
    // A document does not say that it may be old.
    let index = if session.output.is_json() { index.only_current() } else { index };
    let (is_reading, writes) = match options.deed {
        Deed::Get { .. } | Deed::Range { .. } | Deed::Count { .. } | Deed::Check => (true, false),
        Deed::Put { .. } | Deed::Rm { .. } => (false, true),
        Deed::Import { .. } | Deed::Waiting { .. } => (false, false),
    };
    let done = work(session, &index, options).await;
    if index.is_offline() && writes && done.is_ok() {
        session.output.remark(KEPT);
    } else if index.is_offline() && !writes {
        session.output.remark("warning: the server was not reached. This is the index as this home saw it last.");
    }
    if is_reading && !index.is_offline() && index.is_waiting() {
        remark_refused(session, &index).await?;
    }
    done
}

/// What was written here before the server was reached, and still waits although it is.
async fn remark_refused(session: &Session, index: &Index) -> Result<(), Fault> {
    let count = index.waiting().await?;
    if let Err(refused) = index.flush().await {
        let refused = refused.message;
        session.output.remark(&format!("warning: of what was written here, {count} wait. {refused}."));
    }
    Ok(())
}

async fn work(session: &Session, index: &Index, options: Options) -> Result<(), Fault> {
    let (output, kind) = (session.output, options.kind);
    match options.deed {
        Deed::Put { key, value } => {
            let part = kind.part(&key)?;
            let value = if value == "-" { Source::Stdin.whole(VALUE_BYTES)? } else { value.into_bytes() };
            index.put(std::slice::from_ref(&part), &value).await?;
            output.show(&json!({ "key": shown(&[part]) }), |_| String::new())
        }
        Deed::Get { key } => {
            let value = index.get(&[kind.part(&key)?]).await?.ok_or_else(|| no_such(&key))?;
            if !output.is_json() {
                return raw(&value);
            }
            output.show(&entry(&[kind.part(&key)?], &value), |_| String::new())
        }
        Deed::Rm { key } => {
            // Whether others have it by now, only the server knows.
            if !index.remove(&[kind.part(&key)?]).await? && !index.is_offline() {
                return Err(no_such(&key));
            }
            output.show(&json!({ "key": shown(&[kind.part(&key)?]) }), |_| String::new())
        }
        Deed::Range { part, skip, limit, after, reverse } => {
            let query = IndexQuery { reverse, skip, ..part.query(kind)? };
            let query = match after {
                Some(key) => query.after(&kind.bytes(&key)?),
                None => query,
            };
            range(session, index, &query, limit.unwrap_or(usize::MAX)).await
        }
        Deed::Count { part } => {
            let count = index.count(&part.query(kind)?).await?;
            output.show(&json!({ "count": count }), |_| count.to_string())
        }
        Deed::Import { file, key, format } => {
            // More than is kept until later.
            import::run(session, &index.clone().only_current(), kind, file, &key, format).await
        }
        Deed::Check => check(session, index).await,
        Deed::Waiting { give_up } => {
            let count = if give_up { index.give_up().await? } else { index.waiting().await? };
            let document = if give_up { json!({ "gaveUp": count }) } else { json!({ "waiting": count }) };
            output.show(&document, |_| count.to_string())
        }
    }
}

impl Span {
    fn query(&self, kind: Kind) -> Result<IndexQuery, Fault> {
        let bound = |key: &String| Ok::<_, Fault>(kind.bytes(key)?.into_boxed_slice());
        Ok(IndexQuery {
            from: self.from.as_ref().map(bound).transpose()?.map_or(Bound::Unbounded, Bound::Included),
            to: self.to.as_ref().map(bound).transpose()?.map_or(Bound::Unbounded, Bound::Excluded),
            ..IndexQuery::default()
        })
    }
}

impl Kind {
    /// What was typed, as the bytes of a key.
    fn bytes(self, text: &str) -> Result<Vec<u8>, Fault> {
        Ok(key::encode(&[self.part(text)?]).map_err(keyfold_client::Error::from)?)
    }

    /// What was typed, as a part of a key.
    fn part(self, text: &str) -> Result<Part, Fault> {
        match self {
            Self::Text => Ok(Part::Text(text.to_owned())),
            Self::Number => {
                let number = text.trim();
                let float = || number.parse::<f64>().ok().filter(|float| !float.is_nan()).map(Part::Float);
                let part = number.parse().ok().map(Part::Integer).or_else(float);
                part.ok_or_else(|| Fault::usage(format!("`{text}` is not a number")))
            }
            Self::Date => {
                // A time without an offset would be read as its day.
                let is_day = |day: &Date| day.to_string() == text;
                let day = || text.parse().ok().filter(is_day)?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
                let time = text.parse::<Timestamp>().ok().or_else(day);
                time.map(|time| Part::Date(time.as_millisecond())).ok_or_else(|| {
                    Fault::usage(format!("`{text}` is not a date"))
                        .hint("Write it as 2026-01-31, or as 2026-01-31T12:00:00Z.")
                })
            }
        }
    }
}

/// Entries as they are read, whoever has room for all of them or not.
async fn range(session: &Session, index: &Index, query: &IndexQuery, limit: usize) -> Result<(), Fault> {
    let (mut out, mut failed) = (io::BufWriter::new(io::stdout()), None);
    let (is_json, mut is_first) = (session.output.is_json(), true);
    let see = |key: Vec<Part>, value: &[u8]| {
        let text = if is_json {
            let start = if is_first { "[" } else { "," };
            [start.as_bytes(), entry(&key, value).to_string().as_bytes()].concat()
        } else {
            [plain(&key).as_bytes(), b"\t", value, b"\n"].concat()
        };
        is_first = false;
        out.write_all(&text).map_err(|error| {
            failed = Some(error);
            keyfold_client::Error::new(Code::Cancelled, "nobody reads any more")
        })
    };
    let outcome = index.each(query, limit, see).await;
    // What ended early is not closed, so that nobody takes it for the whole.
    let end = match &outcome {
        Ok(()) if is_json && is_first => "[]\n",
        Ok(()) if is_json => "]\n",
        _ => "",
    };
    match failed.or_else(|| out.write_all(end.as_bytes()).and_then(|()| out.flush()).err()) {
        Some(error) => Err(Fault::io("standard output", &error)),
        None => Ok(outcome?),
    }
}

async fn check(session: &Session, index: &Index) -> Result<(), Fault> {
    let checked = index.check().await?;
    let wrong: Vec<_> = checked
        .wrong
        .iter()
        .map(|wrong| {
            let from = key::decode(&wrong.from).map(|parts| shown(&parts)).unwrap_or_default();
            json!({ "from": from, "code": wrong.error.code(), "message": wrong.error.to_string() })
        })
        .collect();
    let document = json!({ "entries": checked.entries, "nodes": checked.nodes, "wrong": wrong });
    session.output.show(&document, |_| {
        let mut text = format!("{} entries, {} nodes", checked.entries, checked.nodes);
        for wrong in &checked.wrong {
            let from = key::decode(&wrong.from).map(|parts| plain(&parts)).unwrap_or_default();
            text.push_str(&format!("\nfrom `{from}` on: {} [{}]", wrong.error, wrong.error.code()));
        }
        text
    })?;
    match checked.wrong.is_empty() {
        true => Ok(()),
        false => Err(Fault::new(Code::IndexDamaged, "the index is damaged")
            .hint("Somebody who may write there, or the storage, altered it. What else it holds can be read.")),
    }
}

/// The value alone, as it is.
fn raw(value: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(value).and_then(|()| if value.ends_with(b"\n") { Ok(()) } else { out.write_all(b"\n") });
    written.and_then(|()| out.flush()).map_err(|error| Fault::io("standard output", &error))
}

/// One entry, for programs.
fn entry(key: &[Part], value: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(value) {
        Ok(text) => json!({ "key": shown(key), "value": text }),
        Err(_) => json!({ "key": shown(key), "bytes": base64url(value) }),
    }
}

/// A key, for programs: its one part, or the list of them.
fn shown(parts: &[Part]) -> serde_json::Value {
    let part = |part: &Part| match part {
        Part::Null => json!(null),
        Part::Bool(is) => json!(is),
        Part::Integer(number) => json!(number),
        Part::Float(number) if number.is_finite() => json!(number),
        Part::Float(number) => json!(number.to_string()),
        Part::Date(ms) => json!(rfc3339(*ms)),
        Part::Text(text) => json!(text),
        Part::Bytes(bytes) => json!(base64url(bytes)),
    };
    match parts {
        [one] => part(one),
        parts => parts.iter().map(part).collect(),
    }
}

/// A key, for people.
fn plain(parts: &[Part]) -> String {
    let part = |part: &Part| match shown(std::slice::from_ref(part)) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

fn no_such(key: &str) -> Fault {
    Fault::new(Code::UnknownKey, format!("the index has no key `{key}`"))
        .hint("`keyfold index KC NAME range` prints the keys. Numbers and dates are other keys than text: see --as.")
}
