//! Ledgers for people and for strangers: an audit, a file of it, and evidence against a server that contradicted
//! itself. All of it rests on what the server shows now, replayed from the first entry on, and on the receipts that
//! were kept; never on a cached state, which is only compared with.

use super::{Session, sync::one_keychain_s};
use crate::{
    Error, Result,
    audit::{self, Audit, AuditComparison},
    host::Host,
    machine::{belief::unknown_keychain, record},
};
use keyfold_format::{
    ScopeId, VerifyingKey,
    audit::{AuditFile, Evidence, History},
    cbor,
    entry::{Head, SignedEntry},
    limits,
    receipt::Receipt,
    scope::ScopeEntry,
    sorted::{SortedMap, SortedSet},
};
use keyfold_protocol::{Code, wire::After};

/// How many refused receipts of a keychain are kept. Each stopped it once, so they are few.
const DOUBTS: usize = 64;

impl<H: Host> Session<H> {
    /// Who did what, when, and when it counted: in a keychain, by purpose or fingerprint, or in somebody's account, by
    /// user id or account id. Verified from the first entry on, and compared with what was verified before.
    ///
    /// `UnknownKeychain`, `NotProved`, `Rollback`, `IdentityChanged`.
    pub async fn audit(&mut self, scope: &str) -> Result<Audit> {
        Ok(self.audited(scope).await?.1)
    }

    /// The same as a file, which anybody verifies with [`crate::verify_audit_file`].
    pub async fn export_audit(&mut self, scope: &str) -> Result<Vec<u8>> {
        let (history, _) = self.audited(scope).await?;
        Ok(AuditFile::History(history).encode())
    }

    /// Compares one's own view of a ledger with the file that somebody else exported. If they contradict each other
    /// the other's receipt is kept, so that [`Self::evidence`] can show it.
    ///
    /// `WrongServerKey`, `NotProved`, and `UnknownKeychain` if the file is about another ledger.
    pub async fn compare_audit(&mut self, scope: &str, file: &[u8]) -> Result<AuditComparison> {
        let id = self.auditable(scope).await?;
        let other = self.others(&id, file)?;
        audit::read(&other)?;
        let (own, _) = self.audited(scope).await?;
        let (ours, theirs) = (own.hashes(), other.hashes());
        let common = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
        let agrees = common == ours.len().min(theirs.len());
        if !agrees {
            self.keep_doubt(&id, &other.receipt).await?;
        }
        Ok(AuditComparison {
            agrees,
            common_seq: (common as u64).checked_sub(1),
            own_seq: own.receipt.statement.head.seq,
            other_seq: other.receipt.statement.head.seq,
        })
    }

    /// Evidence that the server contradicted itself, as a file: of the receipts that were kept and what it shows now,
    /// and of what somebody else was shown, if his exported file is given. `NoEvidence`.
    ///
    /// No reply that was lost or late makes any: it takes two signatures of the server on heads that no one ledger has.
    pub async fn evidence(&mut self, scope: &str, file: Option<&[u8]>) -> Result<Vec<u8>> {
        let id = self.auditable(scope).await?;
        let other = file.map(|file| self.others(&id, file)).transpose()?;
        let mut views: Vec<(Vec<SignedEntry>, Receipt)> = Vec::new();
        match self.whole(&id).await {
            Ok(view) => views.push(view),
            // What is held may do.
            Err(error) => drop(if error.is_offline() { error } else { one_keychain_s(error)? }),
        }
        views.extend(other.map(|other| (other.entries, other.receipt)));
        let mut receipts = self.doubts(&id).await?;
        if self.recall_scope(&id).await? {
            receipts.extend(self.belief.scope(&id)?.receipts());
        }
        if self.recall_account(&id).await? {
            receipts.extend(self.belief.accounts.get(&id).and_then(|known| known.receipt()));
        }
        receipts.extend(views.iter().map(|(_, receipt)| *receipt));
        let of_two = |server: &VerifyingKey, one: &Receipt| {
            receipts.iter().find_map(|other| Evidence::find(server, one, other, &[]))
        };
        let of_view = |server: &VerifyingKey, one: &Receipt| {
            views.iter().find_map(|(entries, receipt)| Evidence::find(server, one, receipt, entries))
        };
        // Both signatures of one key: under two of them each would be the word of another server.
        let of_key = |server: VerifyingKey| {
            receipts.iter().find_map(|one| of_two(&server, one).or_else(|| of_view(&server, one)))
        };
        let found = self.belief.enrolled()?.server.keys().find_map(of_key);
        found.map(|evidence| AuditFile::Evidence(evidence).encode()).ok_or_else(|| {
            Error::new(Code::NoEvidence, format!("nothing that this device holds contradicts what the server signed for {id}"))
                .hint("Evidence takes two heads that the server signed and that no one ledger has. Compare with what another member exports: `keyfold audit KC --compare FILE`.")
        })
    }

    /// Remembers what the server signed when it was refused for it: by itself a doubt, and evidence once the ledger
    /// shows that it contradicts. Written at once, because the operation fails. Gives the error back.
    pub(super) async fn doubted(&mut self, id: &ScopeId, receipt: &Receipt, error: Error) -> Error {
        if error.code != Code::Rollback {
            return error;
        }
        // A device that cannot write it down stops all the same.
        self.keep_doubt(id, receipt).await.err().filter(|fault| fault.code != Code::StorageFull).unwrap_or(error)
    }

    async fn keep_doubt(&mut self, id: &ScopeId, receipt: &Receipt) -> Result<()> {
        let is_signed = self.belief.enrolled()?.server.keys().any(|key| receipt.verify(&key).is_ok());
        let mut doubts = self.doubts(id).await?;
        let news = doubts.iter().all(|kept| kept.statement.head != receipt.statement.head);
        if !news || !is_signed || receipt.statement.scope != *id {
            return Ok(());
        }
        doubts.drain(..(doubts.len() + 1).saturating_sub(DOUBTS));
        doubts.push(*receipt);
        Ok(self.host.commit(vec![(record::doubts(id), Some(cbor::encode(&doubts).into()))]).await?)
    }

    async fn doubts(&self, id: &ScopeId) -> Result<Vec<Receipt>> {
        self.host.load(&record::doubts(id)).await?.map_or_else(|| Ok(Vec::new()), |bytes| super::read(&bytes))
    }

    /// A keychain or account that can be audited here.
    async fn auditable(&mut self, scope: &str) -> Result<ScopeId> {
        self.me()?;
        if let Ok(id) = scope.parse::<ScopeId>()
            && (self.recall_scope(&id).await? || self.recall_account(&id).await?)
        {
            return Ok(id);
        }
        match self.resolve(scope).await {
            Err(error) if error.code == Code::UnknownKeychain => self.person(scope).await.map_err(|other| {
                if matches!(other.code, Code::UnknownUser | Code::BadText) { unknown_scope(scope) } else { other }
            }),
            other => other,
        }
    }

    /// The whole ledger as the server shows it now, verified, and no other than the one that was verified before.
    async fn audited(&mut self, scope: &str) -> Result<(History, Audit)> {
        let id = self.auditable(scope).await?;
        let known = self.known_head(&id).await?;
        // Takes in what is new, and stops where the ledger does not extend the known one.
        if self.belief.scopes.contains_key(&id) {
            self.catch_up(&[id], &[]).await?;
        } else {
            self.fetch_accounts(&[id]).await?;
        }
        self.commit().await?;
        let now = self.known_head(&id).await?;
        let history = self.history(&id).await?;
        let mut audit = audit::read(&history)?;
        if let Some(now) = now
            && usize::try_from(now.seq).ok().and_then(|seq| history.hashes().get(seq).copied()) != Some(now.hash)
        {
            let error = Error::rollback(format!("the server shows another history of {id} than before"));
            return Err(self.doubted(&id, &history.receipt, error).await);
        }
        audit.known_seq = known.map(|head| head.seq);
        Ok((history, audit))
    }

    async fn known_head(&mut self, id: &ScopeId) -> Result<Option<Head>> {
        if self.recall_scope(id).await? {
            return Ok(Some(self.belief.scope(id)?.ledger().head()));
        }
        self.recall_account(id).await?;
        Ok(self.belief.accounts.get(id).map(|known| known.head()))
    }

    /// The ledger with all that its replay needs: the account ledgers that it cites, which are those that are pinned
    /// here, and the groups, with what these cite in turn.
    async fn history(&mut self, id: &ScopeId) -> Result<History> {
        let (entries, receipt) = self.whole(id).await?;
        let server = self.belief.enrolled()?.server.key;
        let mut people = SortedSet::new();
        let mut groups = SortedMap::new();
        let mut cited = cited(&entries);
        while let Some(principal) = cited.pop() {
            if groups.contains_key(&principal) || people.contains(&principal) {
                continue;
            }
            if self.recall_scope(&principal).await? {
                let (entries, _) = self.whole(&principal).await?;
                cited.extend(self::cited(&entries));
                groups.insert(principal, entries);
            } else {
                people.insert(principal);
            }
        }
        let people: Vec<ScopeId> = people.iter().copied().collect();
        self.fetch_accounts(&people).await?;
        self.commit().await?;
        let ledgers = people.iter().filter_map(|id| self.belief.accounts.get(id));
        let accounts = ledgers.map(|known| known.entries().to_vec()).collect();
        let groups = groups.values().cloned().collect();
        Ok(History { server, receipt, entries, accounts, groups })
    }

    /// What the server shows of a ledger, from its first entry on, and its receipt for the end of it.
    pub(super) async fn whole(&mut self, id: &ScopeId) -> Result<(Vec<SignedEntry>, Receipt)> {
        let mut entries: Vec<SignedEntry> = Vec::new();
        loop {
            let after = (entries.len() as u64).checked_sub(1);
            let page = self.fetch(vec![After { scope: *id, after }]).await?.pop();
            let page = page.ok_or_else(super::wire::not_ours)?.1;
            let page = page.map_err(|code| Error::new(code, format!("the server does not show {id}")))?;
            let ends = !page.more || page.entries.is_empty();
            entries.extend(page.entries);
            if entries.len() > limits::AUDIT_ENTRIES {
                return Err(Error::new(Code::TooMany, "the ledger has more entries than can be audited"));
            }
            if ends {
                return Ok((entries, page.receipt));
            }
        }
    }

    /// Somebody else's exported view of this ledger, by this server: not verified.
    fn others(&self, id: &ScopeId, file: &[u8]) -> Result<History> {
        let AuditFile::History(other) = audit::decode(file)? else {
            return Err(Error::new(Code::Malformed, "this file is evidence, not a ledger that somebody exported"));
        };
        let server = &self.belief.enrolled()?.server;
        // Exported before the other one, or this one, followed the server to its next key, it is about the same server.
        if !server.keys().any(|key| key == other.server) {
            audit::expect_server(&other.server, Some(server.key))?;
        }
        if other.scope() != Some(*id) {
            return Err(Error::new(Code::UnknownKeychain, "the file is about another keychain"));
        }
        Ok(other)
    }
}

/// Whom entries cite. An account's cite nobody; what is nothing at all, replay refuses.
fn cited(entries: &[SignedEntry]) -> Vec<ScopeId> {
    let mut cited = SortedSet::new();
    for entry in entries {
        let cites = match ScopeEntry::decode(&entry.signed) {
            Ok(ScopeEntry::Ordinary(entry)) => entry.cites,
            Ok(ScopeEntry::Placed(entry)) => vec![entry.author],
            Err(_) => Vec::new(),
        };
        for cite in cites {
            cited.insert(cite.principal);
        }
    }
    cited.iter().copied().collect()
}

fn unknown_scope(scope: &str) -> Error {
    let hint = "Name a keychain by its purpose or fingerprint, a person by the user id, or a file by its path.";
    Error { message: format!("there is no keychain `{scope}`, and nobody is called so"), ..unknown_keychain() }
        .hint(hint)
}
