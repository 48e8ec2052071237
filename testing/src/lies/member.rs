//! A dishonest member: takes the account's keys out of a home that is here, and signs with them what no client would
//! compose (S2). What he needs to know of ledgers stands in the captured traffic.

use crate::evil::{Asked, EvilWorld};
use keyfold_core::{
    DeviceSeed,
    account::{AccountSecrets, MasterKeys},
    device::DeviceKeys,
    keychain::{KeySite, wrap},
};
use keyfold_format::{
    EntryHash, Name, ScopeId, account,
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{Entry, Op, Rotate, ScopeEntry, binding},
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    route,
    wire::{Append, CreateScope, Place, SignUp},
};
use rand_core::UnwrapErr;

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
    signed_up(world, user).map(|(_, genesis, _)| genesis)
}

fn sign_ups(world: &EvilWorld) -> impl Iterator<Item = (account::Ledger, SignedEntry, Vec<u8>)> {
    let seen = world.evil.seen().into_iter();
    seen.filter(|asked| asked.path == route::ACCOUNTS && asked.method == "POST").filter_map(|asked| {
        let SignUp { genesis, master_key } = SignUp::decode(&asked.body).ok()?;
        Some((account::Ledger::genesis(&genesis).ok()?, genesis, master_key))
    })
}

fn signed_up(world: &EvilWorld, user: &str) -> Result<(account::Ledger, SignedEntry, Vec<u8>), String> {
    let found = sign_ups(world).find(|(ledger, ..)| ledger.user_id().as_str() == user);
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

/// The account's secrets, from the home of somebody who is here.
fn secrets(world: &EvilWorld, user: &str) -> Result<(account::Ledger, AccountSecrets), String> {
    let (ledger, _, envelope) = signed_up(world, user)?;
    let seed = std::fs::read(world.home(user).join("device.key")).map_err(|_| format!("{user} has no home here"))?;
    let seed = DeviceSeed::from_slice(&seed).ok_or("a seed has 32 bytes")?;
    let device = DeviceKeys::derive(&seed).map_err(|fault| fault.to_string())?;
    let named = ledger.keys(0).ok_or("an account has keys")?;
    let opened = MasterKeys::open(&envelope, ledger.id(), 0, ledger.nonce(), &device.wrapping, named);
    let (_, secrets) = opened.map_err(|fault| fault.to_string())?;
    Ok((ledger, secrets))
}

fn cite(ledger: &account::Ledger) -> Cite {
    Cite { principal: ledger.id(), head: ledger.head(), exclusions: ledger.generation() }
}

/// A rotation of the keychain, right in everything but who made it.
pub(super) fn rotation(world: &EvilWorld, scope: ScopeId, signer: &str, author: &str) -> Result<Injected, String> {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let genesis = created(world, scope)?;
    let ScopeEntry::Ordinary(first) = ScopeEntry::decode(&genesis.signed).map_err(|fault| fault.to_string())? else {
        return Err("a placed entry founds nothing".into());
    };
    let [Op::Genesis(founded)] = first.ops.as_slice() else { return Err("a genesis has one op".into()) };
    let (_, secrets) = secrets(world, signer)?;
    let (author, ..) = signed_up(world, author)?;
    let Chain { head, keys, time } = chain(world, scope, &genesis, first.time)?;
    let site =
        KeySite { binding: binding(first.author, &founded.nonce), number: keys + 1, algorithm: founded.algorithm };
    let name = Name::new("notes").map_err(|fault| fault.to_string())?;
    let (made, key) = site.generate(&name, None, &mut rng).map_err(|fault| fault.to_string())?;

    let entry = ScopeEntry::Ordinary(Entry {
        group: false,
        scope: Some(scope),
        seq: head.seq + 1,
        prev: Some(head.hash),
        author: author.id(),
        via: Vec::new(),
        cites: vec![cite(&author)],
        time,
        ops: vec![Op::Rotate(Rotate { key })],
    });
    let signed = entry.encode();
    let signature = secrets.ledger.sign(SignatureLabel::Entry, &[&signed]);
    let mut wraps = Vec::new();
    for (recipient, ..) in sign_ups(world) {
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

/// What the traffic tells of a keychain.
struct Chain {
    head: Head,
    keys: u32,
    time: u64,
}

/// Follows the entries from the first one: each that was sent and stands after what is there.
fn chain(world: &EvilWorld, scope: ScopeId, genesis: &SignedEntry, time: u64) -> Result<Chain, String> {
    let mut chain = Chain { head: Head { seq: 0, hash: genesis.hash(EntryHash::NONE, 0) }, keys: 1, time };
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
        match ScopeEntry::decode(&entry.signed).map_err(|fault| fault.to_string())? {
            ScopeEntry::Ordinary(entry) => {
                chain.time = chain.time.max(entry.time);
                chain.keys += entry.ops.iter().filter(|op| matches!(op, Op::Rotate(_))).count() as u32;
            }
            ScopeEntry::Placed(entry) => chain.time = chain.time.max(entry.time),
        }
    }
    Ok(chain)
}
