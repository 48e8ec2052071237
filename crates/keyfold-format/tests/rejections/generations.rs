//! S14: who acts on a keychain by a generation of his account that is or is not the newest, before and after.

use super::Case;
use crate::{
    household::{Account, Do, Generation, Secret},
    people::{World, rotate, share_latest, sign},
};
use keyfold_format::{
    Permissions,
    entry::{Cite, Head, SignedEntry},
    label::SignatureLabel,
    scope::{Entry, Op, ScopeEntry},
};

/// Bob, whose phone was stolen: at its second entry he revoked it, and has generation 1 since.
struct Bob {
    account: Account,
    before: Head,
}

impl Bob {
    fn new() -> Self {
        let account = Account::new("bob");
        let (first, phone) = (account.first.clone(), account.device("phone"));
        let account = account.after(&first, &[Do::AddDevice(&phone)]);
        let before = account.ledger.head();
        let account = account.after(&first, &[Do::Revoke(&phone, &[]), Do::Rotate]);
        Self { account, before }
    }

    /// What he cites of himself, as of before the theft was noticed, or now.
    fn cite(&self, generation: u32) -> Cite {
        let head = if generation == 0 { self.before } else { self.account.ledger.head() };
        Cite { principal: self.account.ledger.id(), head, exclusions: generation }
    }

    fn sign(signed: Vec<u8>, generation: u32, label: SignatureLabel) -> SignedEntry {
        let signatures = vec![sign(&Generation::of("bob", generation).ledger, label, &signed)];
        SignedEntry { signed, signatures }
    }

    /// The next entry, citing himself like this, signed by the key of that generation.
    fn does(&self, world: &World, ops: Vec<Op>, cite: Cite, by: u32) -> SignedEntry {
        let mut entry: Entry = world.bob.entry(&world.ledger, ops, &[]);
        entry.cites = vec![cite];
        Self::sign(ScopeEntry::Ordinary(entry).encode(), by, SignatureLabel::Entry)
    }

    fn accepts(&self, world: &World, cite: Cite, by: u32) -> SignedEntry {
        let mut accept = world.bob.accept(&world.ledger);
        accept.author = cite;
        Self::sign(ScopeEntry::Placed(accept).encode(), by, SignatureLabel::PlacedEntry)
    }
}

pub fn cases() -> Vec<Case> {
    let bob = Bob::new();
    let ledger: Vec<Vec<u8>> = bob.account.entries.iter().map(SignedEntry::encode).collect();
    let case = |name, about, world: &World, last: SignedEntry, expect| Case {
        entries: world.entries.iter().map(SignedEntry::encode).collect(),
        accounts: vec![("bob", ledger.clone())],
        ..Case::of(name, about, last.encode(), expect)
    };
    let known = |mut world: World| {
        world.accounts.insert(bob.account.ledger.id(), bob.account.ledger.clone());
        world
    };
    let turn = || vec![rotate(2, false)];
    // Bob is a member who may rotate; the keychain saw his account as it was before.
    let member = known(World::with_bob(Permissions::ROTATION));
    let mut seen = known(World::with_bob(Permissions::ROTATION));
    seen.append(bob.does(&seen, turn(), bob.cite(1), 1)).unwrap();
    let next = || vec![rotate(3, true)];
    // He may nothing, and follows.
    let reader = known(World::with_bob(Permissions::NONE));
    let invited = || {
        let mut world = known(World::new());
        let share = share_latest(&world.ledger, &[&world.bob], Permissions::NONE);
        world.alice_shares(share, &[|world| &world.bob]).unwrap();
        world
    };
    let mut answered = invited();
    answered.append(bob.accepts(&answered, bob.cite(1), 1)).unwrap();
    let alice_turns = answered.alice.sign(&answered.alice.entry(&answered.ledger, vec![rotate(2, true)], &[]));
    let Cite { head: newest, .. } = bob.cite(1);
    vec![
        case(
            "generation-ok-former-before-it-is-cited",
            "signed before the phone was stolen: the keychain has not seen the revocation",
            &member,
            bob.does(&member, turn(), bob.cite(0), 0),
            "ok",
        ),
        case(
            "generation-ok-newest",
            "bob acts by his newest generation",
            &member,
            bob.does(&member, turn(), bob.cite(1), 1),
            "ok",
        ),
        case("generation-ok-newest-again", "and once more", &seen, bob.does(&seen, next(), bob.cite(1), 1), "ok"),
        case(
            "generation-former-after-the-newest-was-cited",
            "the thief of the phone has the former keys, and the keychain has seen the revocation",
            &seen,
            bob.does(&seen, next(), bob.cite(0), 0),
            "CitationGoesBack",
        ),
        case(
            "generation-former-key-citing-the-newest",
            "the thief cites the newest head, and has only the former keys",
            &member,
            bob.does(&member, turn(), bob.cite(1), 0),
            "BadSignature",
        ),
        case(
            "generation-former-number-at-the-newest-head",
            "the thief says that nothing happened",
            &member,
            bob.does(&member, turn(), Cite { head: newest, ..bob.cite(0) }, 0),
            "CitationUnknown",
        ),
        case(
            "generation-newest-number-at-a-former-head",
            "the newest key before there was one",
            &member,
            bob.does(&member, turn(), Cite { head: bob.before, ..bob.cite(1) }, 1),
            "CitationUnknown",
        ),
        case(
            "generation-newest-key-citing-the-former",
            "each generation signs for itself",
            &member,
            bob.does(&member, turn(), bob.cite(0), 1),
            "BadSignature",
        ),
        case(
            "generation-signed-by-a-device",
            "devices sign requests and account entries, and nothing here",
            &member,
            {
                let device: Secret = bob.account.first.clone();
                let mut entry = bob.does(&member, turn(), bob.cite(1), 1);
                entry.signatures = vec![device.signs(&entry.signed)];
                entry
            },
            "BadSignature",
        ),
        case(
            "generation-ok-follower-rotates-because-he-cites-a-new-one",
            "a new generation is an exclusion, and citing it observes it: any follower may rotate",
            &reader,
            bob.does(&reader, turn(), bob.cite(1), 1),
            "ok",
        ),
        case(
            "generation-follower-rotates-without-a-new-one",
            "nothing happened that asks for a key",
            &reader,
            bob.does(&reader, turn(), bob.cite(0), 0),
            "RotationNotAllowed",
        ),
        case(
            "generation-ok-accept-by-the-newest",
            "the share cites the former one; the answer says what is so now",
            &invited(),
            bob.accepts(&invited(), bob.cite(1), 1),
            "ok",
        ),
        case(
            "generation-accept-with-the-former-key",
            "the thief answers for bob",
            &invited(),
            bob.accepts(&invited(), bob.cite(1), 0),
            "BadSignature",
        ),
        case(
            "generation-ok-rotate-after-an-answer-by-the-newest",
            "the answer asked for a key",
            &answered,
            alice_turns,
            "ok",
        ),
        case(
            "generation-leave-by-the-former-after-the-newest-was-cited",
            "the thief of the phone cannot make bob leave",
            &seen,
            {
                let mut leave = seen.bob.leave(&seen.ledger);
                leave.author = bob.cite(0);
                Bob::sign(ScopeEntry::Placed(leave).encode(), 0, SignatureLabel::PlacedEntry)
            },
            "CitationGoesBack",
        ),
    ]
}
