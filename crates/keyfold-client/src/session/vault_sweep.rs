//! Sweeping a keychain's storage: everything under the current key, and nothing that nobody refers to.
//!
//! Spec: `docs/spec/vault.md`, "Another current key" and "A content".

use super::Session;
use crate::{
    Error, Result,
    host::{Host, HostRng},
    vault::{
        NearStore, OpenIndex, VaultKeys,
        files::{VaultSwept, files_id, named_parts},
    },
};
use keyfold_format::IndexId;
use keyfold_index::{Holder, IndexError, Moment, store::Store, sweep};
use keyfold_protocol::Code;
use std::sync::Arc;

/// Indexes of a keychain; more are not looked through.
const MAX_REFERENCES: usize = 4_096;
/// What is newer than this may be of a file that somebody is still putting, with breaks: milliseconds.
const SETTLED_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// An index that has objects in a storage.
type Held<'h, H> = Holder<'h, NearStore<H>, VaultKeys>;

impl<H: Host> Session<H> {
    /// Brings everything in a keychain's vault under its current key, and deletes what the server keeps for the keychain
    /// for a week or longer and no index or file refers to. What there was to do.
    pub async fn sweep_vault(&mut self, kc: &str) -> Result<VaultSwept> {
        let moved = self.sweep_files(kc).await?;
        for attempt in 0.. {
            let opened = self.open_all(kc).await?;
            let Some((first, _)) = opened.split_first() else { break };
            let holders: Vec<Held<'_, H>> = opened.iter().map(|open| self.holder(open)).collect();
            let rng = &mut HostRng(&*self.host);
            let moment = Moment { now_ms: self.host.now_ms(), rng };
            match Box::pin(sweep(&first.settled(SETTLED_MS), &holders, moment)).await {
                Ok(swept) => {
                    drop(holders);
                    for open in &opened {
                        self.keep_seen(open).await?;
                    }
                    if let [first, ..] = &swept.unknown[..] {
                        let message = format!("the keychain has `{first}`, which this release does not know");
                        let hint = "Everything is under the current key. Nothing was deleted: a newer release knows what may be.";
                        return Err(Error::new(Code::Unsupported, message).hint(hint));
                    }
                    return Ok(VaultSwept {
                        contents: moved.contents,
                        bytes: moved.bytes,
                        deleted: swept.deleted as u64,
                    });
                }
                Err(error) => {
                    drop(holders);
                    self.settle_one_of(&opened, error, attempt).await?;
                }
            }
        }
        Ok(VaultSwept { contents: moved.contents, bytes: moved.bytes, deleted: 0 })
    }

    fn holder<'h>(&self, open: &'h OpenIndex<H>) -> Held<'h, H> {
        let has_files = open.id == files_id(&open.scope);
        Holder { index: &open.index, named: if has_files { Some(&named_parts) } else { None } }
    }

    /// All indexes of a keychain, whatever they are called. A reference of something else is unknown to who sweeps, who
    /// then deletes nothing and says so.
    async fn open_all(&mut self, kc: &str) -> Result<Vec<Arc<OpenIndex<H>>>> {
        let files = self.open_files(kc, true).await?;
        let mut names: Vec<String> = Vec::new();
        for attempt in 0.. {
            match files.store.references(names.last().map(String::as_str)).await {
                Ok(page) if page.is_empty() => break,
                Ok(page) if names.len() + page.len() > MAX_REFERENCES => {
                    let most = page.len() + names.len();
                    return Err(Error::new(Code::TooMany, format!("the keychain has {most} indexes and more")));
                }
                Ok(page) => names.extend(page),
                Err(error) => self.settle_index(&files, error.into(), attempt).await?,
            }
        }
        let mut opened = Vec::with_capacity(names.len());
        for index in names.iter().filter_map(|name| name.parse::<IndexId>().ok()) {
            opened.push(self.open_index_of(files.scope, index).await?);
        }
        Ok(opened)
    }

    /// After something with several indexes failed, and it is not said with which.
    async fn settle_one_of(&mut self, opened: &[Arc<OpenIndex<H>>], error: IndexError, attempt: u32) -> Result<()> {
        let mut told = None;
        let mut is_settled = false;
        for open in opened {
            match self.settle_index(open, error.clone(), attempt).await {
                Ok(()) => is_settled = true,
                Err(error) => told = Some(error),
            }
        }
        match told {
            Some(told) if !is_settled => Err(told),
            _ => Ok(()),
        }
    }
}
