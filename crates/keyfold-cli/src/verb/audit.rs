//! `keyfold audit`: who did what to a keychain or account, verified from the first entry on; the same as a file for
//! somebody who has neither account nor server; and evidence, if the server contradicted itself.

use super::deed::{action_text, person_text};
use crate::fault::Fault;
use crate::moment::readable;
use crate::session::Session;
use crate::stream::Target;
use crate::table::columns;
use crate::word::typed;
use clap::Args;
use keyfold_client::{
    AUDIT_FILE_BYTES, AccountState, Audit, AuditEntry, AuditMember, AuditPrincipal, AuditReceipt, AuditState,
    AuditedFile, Code, EvidenceReport, KeychainState, is_audit_file, verify_audit_file,
};
use serde::Serialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A keychain, a person, or an audit file
    #[arg(value_name = "SCOPE|FILE", value_parser = typed)]
    what: String,
    /// Write the ledger to a file, for somebody to verify without an account
    #[arg(long, value_name = "OUT", conflicts_with_all = ["evidence", "compare"])]
    export: Option<PathBuf>,
    /// Compare with what another member exported
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Write down that the server contradicted itself, if that can be shown
    #[arg(long, value_name = "OUT")]
    evidence: Option<PathBuf>,
    /// Of a file: the server's public key, from elsewhere than the file
    #[arg(long, value_name = "KEY", value_parser = typed, allow_hyphen_values = true, conflicts_with_all = ["export", "compare", "evidence"])]
    server_key: Option<String>,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
}

/// A ledger that was written to a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    output: Option<String>,
    bytes: usize,
    scope: String,
    seq: u64,
}

/// Evidence that was written to a file.
#[derive(Serialize)]
struct Written {
    output: Option<String>,
    #[serde(flatten)]
    report: EvidenceReport,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let Options { what, export, compare, evidence, server_key, force } = options;
    let other = compare.as_deref().map(read).transpose()?;
    if let Some(out) = export {
        let target = Target::named(Some(out), force);
        let output = target.open()?;
        let file = session.client()?.export_audit(&what).await?;
        let AuditedFile::History(audit) = verify_audit_file(&file, None)? else {
            return Err(Fault::new(Code::Internal, "an exported ledger is something else"));
        };
        output.write(&file)?;
        let Audit { scope, seq, .. } = *audit;
        let document = Exported { output: target.name(), bytes: file.len(), scope, seq };
        return session.output.show_on(target.beside(), &document, exported_text);
    }
    if let Some(out) = evidence {
        let target = Target::named(Some(out), force);
        let output = target.open()?;
        let file = session.client()?.evidence(&what, other.as_deref()).await?;
        let AuditedFile::Evidence(report) = verify_audit_file(&file, None)? else {
            return Err(Fault::new(Code::Internal, "evidence is something else"));
        };
        output.write(&file)?;
        let document = Written { output: target.name(), report };
        return session.output.show_on(target.beside(), &document, |written| evidence_text(&written.report));
    }
    if let Some(other) = other {
        let comparison = session.client()?.compare_audit(&what, &other).await?;
        if !comparison.agrees {
            return Err(Fault::new(Code::Fork, "the server showed you another ledger than whoever made this file")
                .hint("Write it down: add --evidence OUT. Anybody can verify that file with `keyfold audit`."));
        }
        let (own, theirs) = (comparison.own_seq, comparison.other_seq);
        return session.output.show(&comparison, |_| comparison_text(own, theirs));
    }
    if server_key.is_some() || names_file(&what) {
        if server_key.is_none() {
            session.output.remark(
                "warning: the server's key is the one that the file names. Compare it with what the server's operator \
                 publishes, or give it: --server-key KEY.",
            );
        }
        let audited = verify_audit_file(&read(Path::new(&what))?, server_key.as_deref())?;
        return session.output.show(&audited, |audited| match audited {
            AuditedFile::History(audit) => audit_text(audit),
            AuditedFile::Evidence(report) => evidence_text(report),
            _ => String::new(),
        });
    }
    session.output.show(&session.client()?.audit(&what).await?, audit_text)
}

/// Whether a file is meant: it is written as a path, or there is one that begins as an audit file does.
fn names_file(what: &str) -> bool {
    let begins_so = || {
        let mut start = Vec::new();
        File::open(what).ok().and_then(|file| file.take(16).read_to_end(&mut start).ok());
        is_audit_file(&start)
    };
    what.contains(std::path::is_separator) || begins_so()
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |error| Fault::io(&path.display().to_string(), &error);
    let mut bytes = Vec::new();
    // One byte more shows that there is more.
    let most = AUDIT_FILE_BYTES as u64 + 1;
    File::open(path).map_err(fault)?.take(most).read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

fn audit_text(audit: &Audit) -> String {
    let heading = ["entry", "time, as claimed", "who", "did"];
    let mut text = columns(heading, audit.entries.iter().map(row));
    text.push('\n');
    text.push_str(&match &audit.state {
        AuditState::Keychain(state) => keychain_text(state),
        AuditState::Account(state) => account_text(state),
        _ => String::new(),
    });
    let signed = readable(audit.signed_at);
    text.push_str(&format!(
        "Verified from the first entry on. The server signed for entry {} at {signed}.\n",
        audit.seq
    ));
    if let Some(known) = audit.known_seq {
        text.push_str(&format!("This device had verified the same up to entry {known} before.\n"));
    }
    text
}

fn row(entry: &AuditEntry) -> [String; 4] {
    let deeds: Vec<String> = entry.actions.iter().map(action_text).collect();
    let through: String = entry.via.iter().map(|group| format!(" through {}", person_text(group))).collect();
    // In an account's ledger it is always the same person: there it matters which device it was.
    let by: String = entry.holder_id.iter().map(|holder| format!(", by {holder}")).collect();
    let who = format!("{}{through}{by}", person_text(&entry.author));
    [entry.seq.to_string(), readable(entry.time), who, deeds.join("; ")]
}

fn keychain_text(state: &KeychainState) -> String {
    let people = |people: &mut dyn Iterator<Item = String>| people.collect::<Vec<_>>().join(", ");
    let principal = |AuditMember { user_id, account_id, group_id, .. }: &AuditMember| AuditPrincipal {
        user_id: user_id.clone(),
        account_id: account_id.clone(),
        group_id: group_id.clone(),
    };
    let mut members = state.members.iter().map(principal).map(|member| {
        let owner = if state.owners.contains(&member) { " (owner)" } else { "" };
        format!("{}{owner}", person_text(&member))
    });
    let mut lines = vec![format!("Members: {}.", people(&mut members))];
    if !state.pending.is_empty() {
        let mut pending = state.pending.iter().map(|member| person_text(&principal(member)));
        lines.push(format!("Invited: {}.", people(&mut pending)));
    }
    if !state.banned.is_empty() {
        lines.push(format!("Banned: {}.", people(&mut state.banned.iter().map(person_text))));
    }
    let need = if state.needs_rotation { " A new one is needed before anything is encrypted." } else { "" };
    lines.push(format!("Current key: {}.{need}", state.keys.len()));
    lines.extend(state.successor.iter().map(|scope| format!("Its place has been taken by {scope}.")));
    lines.join("\n") + "\n"
}

fn account_text(AccountState { user_id, generation, holders }: &AccountState) -> String {
    let holders = match holders.len() {
        1 => "1 device".to_owned(),
        number => format!("{number} devices"),
    };
    format!("{user_id}: generation {generation}, {holders}.\n")
}

fn evidence_text(report: &EvidenceReport) -> String {
    let EvidenceReport { scope, server_key, earlier, later, fork, .. } = report;
    let receipt = |AuditReceipt { seq, entry_hash, signed_at }: &AuditReceipt| {
        format!("  entry {seq} is {entry_hash}, signed at {}", readable(*signed_at))
    };
    let other = if earlier.seq == later.seq {
        String::new()
    } else {
        format!("\n  which follows another entry {}, {fork}", earlier.seq)
    };
    format!(
        "Proved: whoever holds the server key {server_key} signed for two states of {scope} that no one ledger has.\n\
         {}\n{}{other}\n\
         Not proved: which of them is true, and why it happened.\n",
        receipt(earlier),
        receipt(later),
    )
}

fn exported_text(exported: &Exported) -> String {
    format!("Written up to entry {}. Anybody can verify it: `keyfold audit FILE --server-key KEY`.", exported.seq)
}

fn comparison_text(own: u64, theirs: u64) -> String {
    match theirs.checked_sub(own) {
        None => format!("The same up to entry {theirs}, where the file ends; yours goes to {own}."),
        Some(0) => format!("The same, up to entry {own}."),
        Some(more) => format!(
            "The same up to entry {own}. Whoever made the file has seen {more} more; if they do not come, the server \
             withholds them from you."
        ),
    }
}
