//! A dishonest member: takes the account's keys out of a home that is here, and signs with them what no client would
//! compose (S2). What he needs to know of ledgers stands in the captured traffic.

use crate::{
    evil::{Asked, EvilWorld},
    hand::{Hand, sign_ups},
};
use keyfold_core::keychain::{KeySite, wrap};
use keyfold_format::{
    EntryHash, Name, ScopeId, account,
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{Entry, Op, Rotate, ScopeEntry, binding},
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    route,
    wire::{Append, CreateScope, ExtendAccount, Place, SignUp},
};
use rand_core::UnwrapErr;
use serde::Deserialize;

/// An entry after the newest one, and wraps of its key.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) scope: ScopeId,
    pub(super) after: Head,
    pub(super) entry: SignedEntry,
    pub(super) wraps: Vec<Wrap>,
}

/// The first entry of somebody's account.
pub(super) fn genesis_of(world: &EvilWorld, user: &str) -> Result<SignedEntry, String> {
    signed_up(world, user).map(|(_, request)| request.genesis)
}

fn signed_up(world: &EvilWorld, user: &str) -> Result<(account::Ledger, SignUp), String> {
    let found = sign_ups(world).find(|(ledger, _)| ledger.user_id().as_str() == user);
    found.ok_or_else(|| format!("{user} did not sign up here"))
}

/// The first entry of a keychain.
pub(super) fn created(world: &EvilWorld, scope: ScopeId) -> Result<SignedEntry, String> {
    let seen = world.evil.seen().into_iter();
    let mut created = seen.filter(|asked| asked.path == route::SCOPES && asked.method == "POST");
    created
        .find_map(|asked| CreateScope::decode(&asked.body).ok().map(|c| c.genesis).filter(|g| g.scope_id() == scope))
        .ok_or_else(|| format!("the keychain {scope} was not made here"))
}

/// At which head the author of an injected entry is cited.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cited {
    /// His account's first one, with its generation: all that there is, or what was before a later generation.
    #[default]
    First,
    /// The newest, with its generation.
    Newest,
    /// The newest, with the first generation.
    NewestAsFirst,
}

/// The author's account as he is cited.
fn cite(world: &EvilWorld, founded: &account::Ledger, cited: Cited) -> Cite {
    let mut ledger = founded.clone();
    if !matches!(cited, Cited::First) {
        for asked in world.evil.seen().iter().filter(|asked| asked.path == route::ACCOUNT_ENTRIES) {
            // Entries of other accounts, and those that the server refused, follow nothing here.
            if let Ok(ExtendAccount { entry, .. }) = ExtendAccount::decode(&asked.body) {
                ledger.append(&entry).ok();
            }
        }
    }
    let exclusions = if matches!(cited, Cited::NewestAsFirst) { 0 } else { ledger.generation() };
    Cite { principal: ledger.id(), head: ledger.head(), exclusions }
}

/// A rotation of the keychain, right in everything but who made it, or as whom. It is signed by the signer's first
/// ledger key.
pub(super) fn rotation(
    world: &EvilWorld,
    scope: ScopeId,
    signer: &str,
    author: &str,
    cited: Cited,
) -> Result<Injected, String> {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let secrets = Hand::on(world, signer)?.secrets();
    let (author, _) = signed_up(world, author)?;
    let Chain { entries, head, keys, time } = chain(world, scope)?;
    let site = site(&entries[0], keys + 1)?;
    let name = Name::new("notes").map_err(|fault| fault.to_string())?;
    let (made, key) = site.generate(&name, None, &mut rng).map_err(|fault| fault.to_string())?;

    let entry = ScopeEntry::Ordinary(Entry {
        group: false,
        scope: Some(scope),
        seq: head.seq + 1,
        prev: Some(head.hash),
        author: author.id(),
        via: Vec::new(),
        cites: vec![cite(world, &author, cited)],
        time,
        ops: vec![Op::Rotate(Rotate { key })],
    });
    let signed = entry.encode();
    let signature = secrets.ledger.sign(SignatureLabel::Entry, &[&signed]);
    let mut wraps = Vec::new();
    for (recipient, _) in sign_ups(world) {
        let keys = recipient.current_keys().ok_or("an account has keys")?;
        let place = WrapPlace {
            kind: WrapKind::Keychain,
            scope,
            number: site.number,
            recipient: recipient.id(),
            recipient_number: 0,
            history: false,
        };
        wraps.push(wrap(&place, &made.key, None, &keys.sharing, &mut rng).map_err(|fault| fault.to_string())?);
    }
    Ok(Injected { scope, after: head, entry: SignedEntry { signed, signatures: vec![signature] }, wraps })
}

/// Which key of a scope this is about.
pub(super) fn site(genesis: &SignedEntry, number: u32) -> Result<KeySite, String> {
    let ScopeEntry::Ordinary(first) = ScopeEntry::decode(&genesis.signed).map_err(|fault| fault.to_string())? else {
        return Err("a placed entry founds nothing".into());
    };
    let [Op::Genesis(founded)] = first.ops.as_slice() else { return Err("a genesis has one op".into()) };
    Ok(KeySite { binding: binding(first.author, &founded.nonce), number, algorithm: founded.algorithm })
}

/// What the traffic tells of a keychain.
pub(super) struct Chain {
    pub(super) entries: Vec<SignedEntry>,
    pub(super) head: Head,
    keys: u32,
    time: u64,
}

/// Follows the entries from the first one: each that was sent and stands after what is there.
pub(super) fn chain(world: &EvilWorld, scope: ScopeId) -> Result<Chain, String> {
    let genesis = created(world, scope)?;
    let head = Head { seq: 0, hash: genesis.hash(EntryHash::NONE, 0) };
    let mut chain = Chain { entries: Vec::new(), head, keys: 0, time: 0 };
    chain.take(genesis)?;
    let sent: Vec<Asked> = world.evil.seen();
    for asked in sent {
        let entry = if asked.path == route::entries(&scope) {
            let Ok(Append { expected, entry, .. }) = Append::decode(&asked.body) else { continue };
            if expected != chain.head {
                continue;
            }
            entry
        } else if asked.path == route::placed(&scope) {
            let Ok(Place { entry }) = Place::decode(&asked.body) else { continue };
            entry
        } else {
            continue;
        };
        let seq = chain.head.seq + 1;
        chain.head = Head { seq, hash: entry.hash(chain.head.hash, seq) };
        chain.take(entry)?;
    }
    Ok(chain)
}

impl Chain {
    fn take(&mut self, entry: SignedEntry) -> Result<(), String> {
        match ScopeEntry::decode(&entry.signed).map_err(|fault| fault.to_string())? {
            ScopeEntry::Ordinary(entry) => {
                self.time = self.time.max(entry.time);
                let makes_key = |op: &&Op| matches!(op, Op::Genesis(_) | Op::Rotate(_));
                self.keys += entry.ops.iter().filter(makes_key).count() as u32;
            }
            ScopeEntry::Placed(entry) => self.time = self.time.max(entry.time),
        }
        self.entries.push(entry);
        Ok(())
    }
}
