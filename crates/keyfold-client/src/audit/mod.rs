//! Reading a ledger for people: verified by full replay from its first entry on, never from a cached state, and told
//! as who did what, when, and when it counted. Separate from `session`, because files need neither account nor server.
//!
//! Spec: `docs/spec/audit.md`.

mod action;
mod model;

pub use model::{
    AccountState, Audit, AuditAction, AuditAfter, AuditComparison, AuditEntry, AuditMember, AuditPrincipal,
    AuditProposal, AuditReceipt, AuditState, AuditedFile, EvidenceReport, KeychainState,
};

use crate::{Error, Result, session::parse_server_key};
use action::Told;
use keyfold_format::{
    Malformed, ScopeId, VerifyingKey, account,
    audit::{AuditFile, Evidence, History, MAGIC, Step},
    receipt::Statement,
    scope::{Kind, Ledger, Ledgers, Member},
};
use keyfold_protocol::Code;

/// The most bytes of an audit file.
pub const AUDIT_FILE_BYTES: usize = keyfold_format::limits::AUDIT_BYTES;

/// Whether a file that begins so is an audit file, or claims to be one.
pub fn is_audit_file(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// Verifies an audit file: a ledger, or evidence against a server. With `server_key` (base64url) the file must be
/// about that server; without, about the one that it names itself, which proves nothing about any other.
///
/// `Malformed` if it is no audit file, `Unsupported` if a newer release made it, `WrongServerKey`, and `NotProved` if it
/// does not hold.
pub fn verify_audit_file(file: &[u8], server_key: Option<&str>) -> Result<AuditedFile> {
    let key: Option<VerifyingKey> = server_key.map(parse_server_key).transpose()?;
    match decode(file)? {
        AuditFile::History(history) => {
            expect_server(&history.server, key)?;
            Ok(AuditedFile::History(Box::new(read(&history)?)))
        }
        AuditFile::Evidence(evidence) => {
            expect_server(&evidence.server, key)?;
            report(&evidence).map(AuditedFile::Evidence)
        }
    }
}

/// A file's bytes. What is cut or altered behind the version is not proved.
pub(crate) fn decode(file: &[u8]) -> Result<AuditFile> {
    AuditFile::decode(file).map_err(|fault| match fault {
        Malformed::Encoding if !is_audit_file(file) => Error::new(Code::Malformed, "this is not an audit file"),
        Malformed::Unsupported | Malformed::TooLarge => fault.into(),
        _ => not_proved(fault.to_string()),
    })
}

pub(crate) fn expect_server(found: &VerifyingKey, expected: Option<VerifyingKey>) -> Result<()> {
    if expected.is_none_or(|key| key == *found) {
        return Ok(());
    }
    Err(Error::new(Code::WrongServerKey, "the file is about another server than the one whose key is given"))
}

/// What evidence proves, once verified.
pub(crate) fn report(evidence: &Evidence) -> Result<EvidenceReport> {
    let proved = evidence.verify().map_err(|fault| not_proved(fault.to_string()))?;
    let receipt = |said: Statement| AuditReceipt {
        seq: said.head.seq,
        entry_hash: said.head.hash.to_string(),
        signed_at: said.time,
    };
    Ok(EvidenceReport {
        kind: "evidence",
        scope: proved.earlier.scope.to_string(),
        server_key: evidence.server.to_string(),
        earlier: receipt(proved.earlier),
        later: receipt(proved.later),
        fork: proved.fork.to_string(),
    })
}

/// Replays a ledger and tells it.
pub(crate) fn read(history: &History) -> Result<Audit> {
    let (mut told, mut state, mut kind) = (Told::default(), None, "account");
    let last = history.entries.len();
    let statement = history.verify(|step| {
        let is_last = told.entries.len() + 1 == last;
        match step {
            Step::Scope(entry, ledger, cited) => {
                told.scope_entry(entry, ledger, cited);
                if is_last {
                    kind = if ledger.kind() == Kind::Group { "group" } else { "keychain" };
                    state = Some(AuditState::Keychain(keychain_state(&told, ledger, cited)));
                }
            }
            Step::Account(entry, ledger) => {
                told.account_entry(entry, ledger);
                if is_last {
                    state = Some(AuditState::Account(account_state(ledger)));
                }
            }
        }
    });
    let statement = statement.map_err(|why| not_proved(why.to_string()))?;
    let state = state.ok_or_else(|| Error::internal("a verified ledger without a state"))?;
    Ok(Audit {
        kind,
        scope: statement.scope.to_string(),
        server_key: history.server.to_string(),
        seq: statement.head.seq,
        entry_hash: statement.head.hash.to_string(),
        signed_at: statement.time,
        known_seq: None,
        entries: told.entries,
        state,
    })
}

fn keychain_state(told: &Told, ledger: &Ledger, cited: &dyn Ledgers) -> KeychainState {
    let name = |id: &ScopeId| told.principal(id, ledger, cited);
    let member = |id: &ScopeId, terms: &Member| {
        let AuditPrincipal { user_id, account_id, group_id } = name(id);
        AuditMember {
            user_id,
            account_id,
            group_id,
            permissions: if ledger.owners().contains(id) { ledger.permissions(id) } else { terms.permissions }.into(),
            read_only: terms.read_only,
            follows: terms.follows,
            expires_at: terms.expires_at,
        }
    };
    KeychainState {
        members: ledger.members().iter().map(|(id, terms)| member(id, terms)).collect(),
        pending: ledger.pending().iter().map(|(id, share)| member(id, &share.terms)).collect(),
        owners: ledger.owners().iter().map(name).collect(),
        banned: ledger.bans().iter().map(name).collect(),
        keys: ledger.keys().iter().map(|key| key.fingerprint.to_string()).collect(),
        needs_rotation: ledger.needs_rotation(),
        successor: ledger.successor().map(|scope| scope.to_string()),
    }
}

fn account_state(ledger: &account::Ledger) -> AccountState {
    AccountState {
        user_id: ledger.user_id().to_string(),
        generation: ledger.generation(),
        holders: ledger.holders().keys().map(ToString::to_string).collect(),
    }
}

fn not_proved(why: String) -> Error {
    Error::new(Code::NotProved, why)
        .hint("Somebody altered it, or the server shows what does not hold. Nothing in it is to be relied on.")
}
