//! Several people, one of them in league with an evil server, doing whatever bytes tell them.
//!
//! The bytes choose who does what and how the server lies meanwhile; nobody's call has to succeed. What must hold all
//! the same is asked of the ledger in the end, and of a model that knows nothing but what its entries say they did.

mod deceit;
mod reckoning;

use crate::{evil::EvilWorld, lies};
use deceit::{LIES, Lie, Told, deceive, remember};
use keyfold_client::{
    Algorithm, Audit, AuditState, Client, Code, Error, OwnerDecision, PartialPermissions, ShareKeys, ShareOptions,
    Value,
};
use reckoning::{Reckoning, flags, one};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// Who takes part. The last one is with the server: what it shows him he keeps.
pub const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "mallory"];

/// Bytes of one step: who, what, and what with.
pub const STEP_BYTES: usize = 4;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Calls that succeeded.
    pub done: usize,
    /// Calls that were refused, by the ledger's rules or because the server was caught.
    pub refused: usize,
    /// Answers that were altered.
    pub lies: usize,
    /// Texts that somebody sealed.
    pub texts: usize,
    /// Entries of the ledger in the end.
    pub entries: usize,
}

/// A text, with what it says.
struct Text {
    sealed: String,
    says: String,
}

struct Play {
    world: EvilWorld,
    people: Vec<Client>,
    keychain: String,
    texts: Vec<Text>,
    /// The entries that each has verified, by hash.
    seen: Vec<Vec<String>>,
    lies: Arc<Mutex<usize>>,
    told: Arc<Mutex<Told>>,
    played: Played,
}

/// Plays one program of [`STEP_BYTES`] a step, and checks what must hold whatever it was.
///
/// # Panics
/// If something does not hold.
pub async fn play(program: &[u8]) -> Played {
    let world = EvilWorld::start().await;
    let mut people = Vec::with_capacity(PEOPLE.len());
    for name in PEOPLE {
        people.push(world.person(name).await);
    }
    let keychain = people[0].create_keychain("notes", Algorithm::SecretBox).await.expect("alice founds it");
    let mut play = Play {
        world,
        people,
        keychain: keychain.keychain_fingerprint,
        texts: Vec::new(),
        seen: vec![Vec::new(); PEOPLE.len()],
        lies: Arc::default(),
        told: Arc::default(),
        played: Played::default(),
    };
    play.tell_the_truth();
    // A member with every right, and the attacker with the one that S2 is about.
    play.step(0, 0, 1, 0xfc).await;
    play.step(0, 0, 3, 0x04).await;
    for step in program.chunks_exact(STEP_BYTES) {
        play.step(step[0], step[1], step[2], step[3]).await;
    }
    play.end().await
}

impl Play {
    async fn step(&mut self, what: u8, who: u8, with: u8, how: u8) {
        let (who, other) = (usize::from(who) % PEOPLE.len(), PEOPLE[usize::from(with) % PEOPLE.len()]);
        let (me, kc) = (&self.people[who], self.keychain.as_str());
        let outcome = match what % 16 {
            0..=2 => {
                let keys = match how % 3 {
                    0 => ShareKeys::Latest,
                    1 => ShareKeys::All,
                    _ => match self.some_key(who, with).await {
                        Ok(key) => ShareKeys::One(key),
                        Err(error) => return self.came(Err(error)),
                    },
                };
                let options = ShareOptions { permissions: flags(how >> 2), ..ShareOptions::default() };
                me.share(kc, &[other], keys, options).await.map(drop)
            }
            3 => me.rotate(kc).await.map(drop),
            4 => me.ban(kc, other).await.map(drop),
            5 => me.leave(kc).await.map(drop),
            6 | 7 => {
                let says = format!("what {} writes at {}", PEOPLE[who], self.texts.len());
                match me.encrypt_value(kc, &Value::Text(says.clone()), None).await {
                    Ok(sealed) => {
                        self.texts.push(Text { sealed, says });
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            8 => me.sync().await.map(drop),
            9 => {
                let changes = PartialPermissions {
                    allow_sharing: change(how),
                    allow_rotation: change(how >> 2),
                    allow_deletion: change(how >> 4),
                    allow_management: change(how >> 6),
                };
                me.set_permissions(kc, other, changes).await.map(drop)
            }
            10 => {
                let decision = match how % 2 {
                    0 => OwnerDecision::AddOwner(other.to_owned()),
                    _ => OwnerDecision::RemoveOwner(other.to_owned()),
                };
                me.propose(kc, &decision).await.map(drop)
            }
            11 => match me.owners(kc).await.map(|owners| owners.proposals) {
                Ok(open) if open.is_empty() => Ok(()),
                Ok(open) => me.approve(kc, &open[usize::from(with) % open.len()].id).await.map(drop),
                Err(error) => Err(error),
            },
            12 => match self.some_key(who, with).await {
                Ok(key) => me.delete_key(kc, &key).await,
                Err(error) => Err(error),
            },
            13 | 14 => {
                self.tell_the_truth();
                self.people[who].sync().await.map(drop)
            }
            _ => return self.tell_lies(LIES[usize::from(how) % LIES.len()], with, other).await,
        };
        self.came(outcome);
        self.look(who).await;
    }

    async fn some_key(&self, who: usize, which: u8) -> Result<String, Error> {
        let keys = self.people[who].keychain(&self.keychain).await?.keys;
        let unknown = || Error::new(Code::UnknownKey, "there is none");
        let at = usize::from(which).checked_rem(keys.len()).ok_or_else(unknown)?;
        Ok(keys[at].key_fingerprint.clone())
    }

    /// A call may fail, for a reason that is not the client's own.
    fn came(&mut self, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.played.done += 1,
            Err(error) => {
                assert_ne!(error.code, Code::Internal, "{error}");
                self.played.refused += 1;
            }
        }
    }

    /// S10: whatever the server says, what somebody has seen stays seen.
    async fn look(&mut self, who: usize) {
        let Ok(audit) = self.people[who].audit(&self.keychain).await else { return };
        let hashes: Vec<String> = audit.entries.into_iter().map(|entry| entry.entry_hash).collect();
        assert!(hashes.starts_with(&self.seen[who]), "S10: {} believed an older or another state", PEOPLE[who]);
        self.seen[who] = hashes;
    }

    fn tell_the_truth(&mut self) {
        let told = self.told.clone();
        self.world.evil.lie(move |asked, answer| remember(&told, asked, answer));
    }

    async fn tell_lies(&mut self, lie: Lie, with: u8, about: &str) {
        if lie == Lie::Swap {
            let (user, shown) = (about.to_owned(), PEOPLE[3].to_owned());
            lies::tell(&self.world, lies::Lie::IdentityOf { user, shown }, None)
                .await
                .expect("everybody has an account");
            *self.lies.lock().expect("no test thread died here") += 1;
            return;
        }
        let (told, lies, mut turn) = (self.told.clone(), self.lies.clone(), usize::from(with));
        self.world.evil.lie(move |asked, answer| {
            let truth = answer.clone();
            remember(&told, asked, &truth);
            turn += 1;
            // Now and then one gets through, so that a lie is met in every state.
            if turn.is_multiple_of(3) {
                return;
            }
            deceive(lie, turn, asked, answer, &told);
            *lies.lock().expect("no test thread died here") += usize::from(*answer != truth);
        });
    }

    /// Everybody hears the truth again; then all of it must hold.
    async fn end(self) -> Played {
        self.world.evil.be_honest();
        for _ in 0..2 {
            for (client, name) in self.people.iter().zip(PEOPLE) {
                if let Err(error) = client.sync().await {
                    panic!("told the truth again, {name} does not go on: {error}");
                }
            }
        }
        let mut audits = Vec::new();
        for client in &self.people {
            if let Ok(audit) = client.audit(&self.keychain).await {
                audits.push(audit);
            }
        }
        let audit = audits.iter().max_by_key(|audit| audit.seq).expect("an owner is always there").clone();
        if std::env::var_os("KEYFOLD_INTERACTION").is_some() {
            for entry in &audit.entries {
                println!("{} {:?} {:?}", entry.seq, entry.author.user_id, entry.actions);
            }
        }
        let in_it = Reckoning::of(&audit);
        self.check_owners(&audit, &in_it);
        for other in &audits {
            let same = other.entries.iter().zip(&audit.entries).all(|(a, b)| a.entry_hash == b.entry_hash);
            assert!(same, "two people have verified different histories");
        }
        self.check_texts(&in_it).await;
        self.check_that_it_goes_on(&audit, &in_it).await;
        let lies = *self.lies.lock().expect("no test thread died here");
        Played { lies, texts: self.texts.len(), entries: audit.entries.len(), ..self.played }
    }

    /// S17: somebody always decides, he is in it, and nobody became that by himself.
    fn check_owners(&self, audit: &Audit, reckoned: &Reckoning) {
        let AuditState::Keychain(state) = &audit.state else { panic!("a keychain") };
        let members: BTreeSet<&str> = state.members.iter().map(|member| one(&member.account_id)).collect();
        let owners: BTreeSet<&str> = state.owners.iter().map(|owner| one(&owner.account_id)).collect();
        assert!(!owners.is_empty(), "S17: the last owner vanished");
        assert!(owners.is_subset(&members), "S17: an owner is no member");
        assert_eq!(owners, reckoned.owners.iter().map(String::as_str).collect(), "S17: owners by the entries");
        assert_eq!(members, reckoned.members.keys().map(String::as_str).collect(), "S17: members by the entries");
    }

    /// S2: who can open what, is who was given that key; and a text says what its author wrote.
    async fn check_texts(&self, reckoned: &Reckoning) {
        for (client, name) in self.people.iter().zip(PEOPLE) {
            let account = client.whoami().await.expect("everybody is signed up").account_id;
            for text in &self.texts {
                let Ok(opened) = client.decrypt_value(&text.sealed, None).await else { continue };
                assert_eq!(opened.value, Value::Text(text.says.clone()), "a text says something else to {name}");
                let given = reckoned.given.get(&account);
                assert!(
                    given.is_some_and(|keys| keys.contains(&opened.key_number)),
                    "S2: {name} opens what is under key {}, which nobody gave him",
                    opened.key_number
                );
            }
        }
    }

    /// From wherever it came to, somebody leads it back to where encrypting is allowed, and all who follow read it.
    async fn check_that_it_goes_on(&self, audit: &Audit, reckoned: &Reckoning) {
        let AuditState::Keychain(state) = &audit.state else { panic!("a keychain") };
        let mut written: Option<Option<String>> = None;
        for (client, name) in self.people.iter().zip(PEOPLE) {
            let member = state.members.iter().find(|member| member.user_id.as_deref() == Some(name));
            if member.is_some_and(|member| member.follows && !member.read_only) {
                let sealed = client.encrypt_value(&self.keychain, &Value::Text("on".into()), None).await;
                written = Some(written.flatten().or(sealed.ok()));
            }
        }
        // Nobody may follow any more: then nobody is to write either.
        let Some(written) = written else { return };
        let sealed = written.expect("somebody who follows can encrypt");
        let mut readers = 0;
        for (client, name) in self.people.iter().zip(PEOPLE) {
            client.sync().await.expect("the server is honest");
            let member = state.members.iter().find(|member| member.user_id.as_deref() == Some(name));
            if let Ok(opened) = client.decrypt_value(&sealed, None).await {
                let account = client.whoami().await.expect("everybody is signed up").account_id;
                // Without following one reads what one was given by name, and no key that came since.
                let was_given = reckoned.given.get(&account).is_some_and(|keys| keys.contains(&opened.key_number));
                let follows = member.is_some_and(|member| member.follows);
                assert!(follows || was_given, "S2: {name} reads on under a key that nobody gave him");
                readers += 1;
            }
        }
        assert!(readers > 0, "nobody reads what was written in the end");
    }
}

fn change(bits: u8) -> Option<bool> {
    match bits % 4 {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
