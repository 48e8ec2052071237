//! Keychain keys, accounts and devices: what is opened is compared with what the ledger names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    DeviceSeed, HistorySecret, KeychainKey, MasterKey, RecoverySecret, WriterKey,
    account::{AccountSecrets, MasterKeys},
    device::DeviceKeys,
    envelope::{self, Options},
    keychain::{self, KeySite, KeychainError},
    recovery::RecoveryKeys,
};
use keyfold_format::{
    Name, ScopeId,
    account::RecoveryMethod,
    scope::Algorithm,
    wrap::{WrapKind, WrapPlace},
};
use support::{SeededRng, reference};

fn site(number: u32, algorithm: Algorithm) -> KeySite {
    KeySite { binding: [4; 32], number, algorithm }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn place(number: u32) -> WrapPlace {
    WrapPlace {
        kind: WrapKind::Keychain,
        scope: ScopeId([1; 32]),
        number,
        recipient: ScopeId([2; 32]),
        recipient_number: 0,
        history: false,
    }
}

fn bob() -> AccountSecrets {
    AccountSecrets::derive(&MasterKey::from_slice(&[0xb0; 32]).unwrap(), &[1; 32], 0).unwrap()
}

#[test]
fn a_wrapped_key_reaches_its_recipient_with_and_without_history() {
    let mut rng = SeededRng::new("wraps");
    for algorithm in [Algorithm::SecretBox, Algorithm::SealedBox, Algorithm::Group] {
        let site = site(1, algorithm);
        let (made, entry) = site.generate(&name("minutes"), None, &mut rng).unwrap();
        assert_eq!(entry.public.is_some(), algorithm.is_key_pair());
        for history in [None, Some(&made.history)] {
            let wrap = keychain::wrap(&place(1), &made.key, history, bob().sharing.public(), &mut rng).unwrap();
            let place = wrap.place(WrapKind::Keychain, ScopeId([1; 32]));
            let opened = site.unwrap(&wrap, &place, &bob().sharing, &entry).unwrap();
            assert_eq!((&opened.key, opened.history.as_ref()), (&made.key, history));
            assert_eq!(site.open_name(&opened.key, &entry.name).unwrap(), name("minutes"));
        }
    }
}

#[test]
fn a_wrap_of_another_key_than_the_ledger_names_is_refused() {
    let mut rng = SeededRng::new("other");
    let site = site(1, Algorithm::SecretBox);
    let (made, entry) = site.generate(&name("n"), None, &mut rng).unwrap();
    let (other, other_history) = (KeychainKey::generate(&mut rng), HistorySecret::generate(&mut rng));
    for (key, history) in [(&other, None), (&other, Some(&made.history)), (&made.key, Some(&other_history))] {
        let wrap = keychain::wrap(&place(1), key, history, bob().sharing.public(), &mut rng).unwrap();
        let place = wrap.place(WrapKind::Keychain, ScopeId([1; 32]));
        assert_eq!(site.unwrap(&wrap, &place, &bob().sharing, &entry), Err(KeychainError::Unauthentic));
    }
}

#[test]
fn a_wrap_opens_at_its_place_only() {
    let mut rng = SeededRng::new("place");
    let site = site(1, Algorithm::SecretBox);
    let (made, entry) = site.generate(&name("n"), None, &mut rng).unwrap();
    let wrap = keychain::wrap(&place(1), &made.key, None, bob().sharing.public(), &mut rng).unwrap();
    assert!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry).is_ok());
    for other in [
        WrapPlace { kind: WrapKind::Group, ..place(1) },
        WrapPlace { scope: ScopeId([9; 32]), ..place(1) },
        WrapPlace { number: 2, ..place(1) },
        WrapPlace { recipient: ScopeId([9; 32]), ..place(1) },
        WrapPlace { recipient_number: 1, ..place(1) },
        WrapPlace { history: true, ..place(1) },
    ] {
        assert_eq!(site.unwrap(&wrap, &other, &bob().sharing, &entry), Err(KeychainError::Unauthentic), "{other:?}");
    }
}

#[test]
fn a_public_half_that_is_not_the_key_s_is_refused() {
    let mut rng = SeededRng::new("public");
    let site = site(1, Algorithm::SealedBox);
    let (made, mut entry) = site.generate(&name("n"), None, &mut rng).unwrap();
    let wrap = keychain::wrap(&place(1), &made.key, None, bob().sharing.public(), &mut rng).unwrap();
    assert!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry).is_ok());
    entry.public = Some(bob().sharing.public().clone());
    assert_eq!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry), Err(KeychainError::Unauthentic));
    entry.public = None;
    assert_eq!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry), Err(KeychainError::Unauthentic));
}

#[test]
fn a_wrap_or_an_entry_of_another_number_is_refused_though_the_key_is_right() {
    let mut rng = SeededRng::new("number");
    let site = site(1, Algorithm::SecretBox);
    let (made, mut entry) = site.generate(&name("n"), None, &mut rng).unwrap();
    let wrap = keychain::wrap(&place(2), &made.key, None, bob().sharing.public(), &mut rng).unwrap();
    assert_eq!(site.unwrap(&wrap, &place(2), &bob().sharing, &entry), Err(KeychainError::Unauthentic));
    let wrap = keychain::wrap(&place(1), &made.key, None, bob().sharing.public(), &mut rng).unwrap();
    assert!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry).is_ok());
    entry.number = 2;
    assert_eq!(site.unwrap(&wrap, &place(1), &bob().sharing, &entry), Err(KeychainError::Unauthentic));
}

#[test]
fn fingerprints_and_commitments_are_bound_to_binding_number_and_kind() {
    let key = KeychainKey::from_slice(&[7; 32]).unwrap();
    let history = HistorySecret::from_slice(&[7; 32]).unwrap();
    let here = site(1, Algorithm::SecretBox);
    for there in [
        site(2, Algorithm::SecretBox),
        site(1, Algorithm::SealedBox),
        site(1, Algorithm::Group),
        KeySite { binding: [5; 32], ..here },
    ] {
        assert_ne!(here.fingerprint(&key), there.fingerprint(&key));
        assert_eq!(
            here.history_commitment(&history) == there.history_commitment(&history),
            (here.binding, here.number) == (there.binding, there.number)
        );
    }
    assert_ne!(here.fingerprint(&key).0, here.history_commitment(&history));
}

#[test]
fn links_lead_back_to_the_first_key_and_nowhere_else() {
    let mut rng = SeededRng::new("links");
    let mut keys = vec![site(1, Algorithm::SecretBox).generate(&name("n"), None, &mut rng).unwrap()];
    for number in 2..=5 {
        let previous = &keys.last().unwrap().0;
        let next = site(number, Algorithm::SecretBox).generate(&name("n"), Some(previous), &mut rng).unwrap();
        keys.push(next);
    }
    let mut history = HistorySecret::from_slice(keys[4].0.history.expose()).unwrap();
    for number in (2..=5).rev() {
        let (link, before) = (keys[number - 1].1.history_link.clone().unwrap(), &keys[number - 2]);
        assert_eq!(link.len(), 104);
        let site = site(number as u32, Algorithm::SecretBox);
        let opened = site.open_link(&history, &link, &before.1).unwrap();
        assert_eq!(opened, before.0);
        let wrong = &keys[(number + 1) % 5].1;
        assert_eq!(site.open_link(&history, &link, wrong), Err(KeychainError::Unauthentic));
        history = opened.history;
    }
    assert_eq!(keys[0].1.history_link, None);
}

#[test]
fn a_name_has_one_of_four_sizes_and_opens_under_its_key_and_number_only() {
    let mut rng = SeededRng::new("names");
    let (site, key) = (site(1, Algorithm::SecretBox), KeychainKey::from_slice(&[7; 32]).unwrap());
    for (len, size) in [(1, 32), (30, 32), (31, 64), (62, 64), (63, 128), (126, 128), (127, 258), (256, 258)] {
        let text = name(&"n".repeat(len));
        let sealed = site.seal_name(&key, &text, &mut rng).unwrap();
        assert_eq!(sealed.len(), size + 40, "{len}");
        assert_eq!(site.open_name(&key, &sealed).unwrap(), text);
        let elsewhere = KeySite { number: 2, ..site };
        assert_eq!(elsewhere.open_name(&key, &sealed), Err(KeychainError::Unauthentic));
        let other = KeychainKey::from_slice(&[8; 32]).unwrap();
        assert_eq!(site.open_name(&other, &sealed), Err(KeychainError::Unauthentic));
    }
}

#[test]
fn a_name_with_other_padding_or_of_another_size_is_refused() {
    let (site, key) = (site(1, Algorithm::SecretBox), KeychainKey::from_slice(&[7; 32]).unwrap());
    let open = |padded: &[u8]| {
        let place = [&site.binding[..], &1_u32.to_be_bytes()].concat();
        site.open_name(&key, &reference::seal_once(key.expose(), "KF1 name", &place, padded, [1; 24]))
    };
    let padded = |length: u16, text: &[u8], size: usize| {
        let mut bytes = [&length.to_be_bytes()[..], text].concat();
        bytes.resize(size, 0);
        bytes
    };
    assert_eq!(open(&padded(7, b"minutes", 32)), Ok(name("minutes")));
    assert_eq!(open(&padded(6, b"minutes", 32)), Err(KeychainError::Unauthentic), "padding is not zero");
    assert_eq!(open(&padded(7, b"minutes", 64)), Err(KeychainError::Unauthentic), "another size");
    assert_eq!(open(&padded(31, b"minutes", 32)), Err(KeychainError::Unauthentic), "longer than there is");
    assert_eq!(open(&padded(2, &[0xc3, 0x28], 32)), Err(KeychainError::Unauthentic), "not UTF-8");
    assert_eq!(open(&padded(0, b"", 32)).unwrap_err().code(), "BadText");
}

const NONCE: [u8; 32] = [0x99; 32];
const ACCOUNT: ScopeId = ScopeId([0xac; 32]);

fn device(byte: u8) -> DeviceKeys {
    DeviceKeys::derive(&DeviceSeed::from_slice(&[byte; 32]).unwrap()).unwrap()
}

#[test]
fn every_holder_opens_the_master_keys_and_a_stranger_does_not() {
    let mut rng = SeededRng::new("account");
    let (one, two, stranger) = (device(1), device(2), device(3));
    let keys = MasterKeys::generate(&mut rng);
    let named = keys.secrets(&NONCE).unwrap().public();
    let holders = [one.wrapping.public(), two.wrapping.public()];
    let envelope = keys.seal(ACCOUNT, &holders, &mut rng).unwrap();
    for holder in [&one, &two] {
        let (_, secrets) = MasterKeys::open(&envelope, ACCOUNT, 0, &NONCE, &holder.wrapping, &named).unwrap();
        assert_eq!(secrets.public(), named);
    }
    let refused = MasterKeys::open(&envelope, ACCOUNT, 0, &NONCE, &stranger.wrapping, &named).unwrap_err();
    assert_eq!(refused.code(), "NoSlot");
}

#[test]
fn master_keys_that_the_ledger_does_not_name_are_refused() {
    let mut rng = SeededRng::new("server");
    let holder = device(1);
    let keys = MasterKeys::generate(&mut rng);
    let named = keys.secrets(&NONCE).unwrap().public();
    // A server knows the device's public key, and seals a master key of its own to it.
    let forged = MasterKeys::generate(&mut rng).seal(ACCOUNT, &[holder.wrapping.public()], &mut rng).unwrap();
    let open = |envelope: &[u8], account, generation, nonce| {
        MasterKeys::open(envelope, account, generation, nonce, &holder.wrapping, &named).map(drop)
    };
    assert_eq!(open(&forged, ACCOUNT, 0, &NONCE).unwrap_err().code(), "Unauthentic");
    let honest = keys.seal(ACCOUNT, &[holder.wrapping.public()], &mut rng).unwrap();
    assert_eq!(open(&honest, ACCOUNT, 0, &NONCE), Ok(()));
    assert_eq!(open(&honest, ACCOUNT, 1, &NONCE).unwrap_err().code(), "Unauthentic", "another generation");
    assert_eq!(open(&honest, ScopeId([0; 32]), 0, &NONCE).unwrap_err().code(), "Unauthentic", "another account");
    assert_eq!(open(&honest, ACCOUNT, 0, &[0; 32]).unwrap_err().code(), "Unauthentic", "another nonce");
}

#[test]
fn an_envelope_holds_exactly_the_generations_it_is_for_in_canonical_form() {
    let mut rng = SeededRng::new("crafted");
    let (holder, masters) = (device(1), [[0x11_u8; 32], [0x22; 32]]);
    let named = AccountSecrets::derive(&MasterKey::from_slice(&masters[0]).unwrap(), &NONCE, 0).unwrap().public();
    let mut open = |plaintext: &[u8]| {
        let context = [&b"KF1 master key\0"[..], &ACCOUNT.0, &0_u32.to_be_bytes()].concat();
        let options = Options { context: &context, ..Options::default() };
        let writer = WriterKey::Holder { key: holder.wrapping.public(), account: ACCOUNT };
        let sealed = envelope::seal_to_vec(&options, &[writer], plaintext, None, &mut rng).unwrap();
        let opened = MasterKeys::open(&sealed, ACCOUNT, 0, &NONCE, &holder.wrapping, &named);
        opened.map(drop).map_err(|fault| fault.code())
    };
    let key = |master: &[u8; 32]| [&[0x58, 0x20][..], master].concat();
    let one = [&[0x82, 0x00, 0x81][..], &key(&masters[0])].concat();
    assert_eq!(open(&one), Ok(()));
    assert_eq!(open(&[&one[..], &[0]].concat()), Err("Unauthentic"), "a byte more");
    let long = [&[0x82, 0x18, 0x00, 0x81][..], &key(&masters[0])].concat();
    assert_eq!(open(&long), Err("Unauthentic"), "a longer integer");
    let later = [&[0x82, 0x01, 0x82][..], &key(&masters[0]), &key(&masters[1])].concat();
    assert_eq!(open(&later), Err("Unauthentic"), "a later generation");
    let more = [&[0x82, 0x00, 0x82][..], &key(&masters[0]), &key(&masters[1])].concat();
    assert_eq!(open(&more), Err("Unauthentic"), "a key more than generations");
    assert_eq!(open(&[0x82, 0x00, 0x81, 0xf6]), Err("Unauthentic"), "the newest one lost");
}

#[test]
fn a_newer_generation_still_holds_the_older_keys() {
    let mut rng = SeededRng::new("generations");
    let holder = device(1);
    let keys = MasterKeys::generate(&mut rng);
    let first = keys.secrets(&NONCE).unwrap().public();
    let keys = keys.next(&mut rng).next(&mut rng);
    let named = keys.secrets(&NONCE).unwrap().public();
    let envelope = keys.seal(ACCOUNT, &[holder.wrapping.public()], &mut rng).unwrap();
    let (opened, _) = MasterKeys::open(&envelope, ACCOUNT, 2, &NONCE, &holder.wrapping, &named).unwrap();
    assert_eq!(opened.secrets_of(0, &NONCE, &first).unwrap().public(), first);
    assert!(opened.secrets_of(1, &NONCE, &first).is_err() && opened.secrets_of(3, &NONCE, &named).is_err());
}

fn recovery(byte: u8) -> RecoveryKeys {
    let secret = RecoverySecret::from_slice(&[byte; 32]).unwrap();
    RecoveryKeys::derive(&secret, &ACCOUNT, RecoveryMethod::Paper).unwrap()
}

#[test]
fn recovery_goes_on_from_an_older_generation_over_those_that_a_thief_made() {
    let mut rng = SeededRng::new("thief");
    let (paper, owner) = (recovery(1), device(1));
    let keys = MasterKeys::generate(&mut rng).next(&mut rng);
    let named = keys.secrets(&NONCE).unwrap().public();
    let envelope = keys.seal(ACCOUNT, &[paper.wrapping.public()], &mut rng).unwrap();
    // The thief made generations 2 and 3, and sealed them to nobody else.
    let (opened, _) = MasterKeys::open(&envelope, ACCOUNT, 1, &NONCE, &paper.wrapping, &named).unwrap();
    let keys = opened.next_after(3, &mut rng);
    assert_eq!(keys.generation(), 4);
    let newest = keys.secrets(&NONCE).unwrap().public();
    let envelope = keys.seal(ACCOUNT, &[paper.wrapping.public(), owner.wrapping.public()], &mut rng).unwrap();
    for holder in [&paper.wrapping, &owner.wrapping] {
        let (keys, _) = MasterKeys::open(&envelope, ACCOUNT, 4, &NONCE, holder, &newest).unwrap();
        assert_eq!(keys.secrets_of(1, &NONCE, &named).unwrap().public(), named);
        for lost in [2, 3] {
            assert_eq!(keys.secrets_of(lost, &NONCE, &named).unwrap_err().code(), "WrapMissing");
        }
    }
}

#[test]
fn the_generation_after_one_s_own_leaves_no_hole() {
    let mut rng = SeededRng::new("next");
    let keys = MasterKeys::generate(&mut rng).next_after(0, &mut rng);
    assert_eq!(keys.generation(), 1);
    let first = keys.secrets_of(0, &NONCE, &bob().public());
    assert_eq!(first.unwrap_err().code(), "Unauthentic", "there, though not the one that is asked for");
}

#[test]
fn a_recovery_secret_has_other_keys_for_each_account_and_method() {
    let secret = RecoverySecret::from_slice(&[1; 32]).unwrap();
    let derive = |account, method| RecoveryKeys::derive(&secret, account, method).unwrap().id();
    let methods = [RecoveryMethod::Password, RecoveryMethod::Paper, RecoveryMethod::Shares, RecoveryMethod::Passkey];
    let ids: std::collections::BTreeSet<_> =
        [ACCOUNT, ScopeId([9; 32])].iter().flat_map(|account| methods.map(|method| derive(account, method))).collect();
    assert_eq!(ids.len(), 8);
}

#[test]
fn the_keys_of_an_account_differ_from_each_other_and_between_generations() {
    let master = MasterKey::from_slice(&[1; 32]).unwrap();
    let [a, b] = [0, 1].map(|generation| AccountSecrets::derive(&master, &NONCE, generation).unwrap().public());
    let keys = [a.ledger, a.publication, a.signature, b.ledger, b.publication, b.signature];
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
    assert_ne!(a.sharing, b.sharing);
}

#[test]
fn what_a_device_stores_opens_at_its_place_under_its_key_only() {
    let (ours, theirs) = (device(1).storage, device(2).storage);
    let sealed = ours.seal(b"pins", b"content", &mut SeededRng::new("storage")).unwrap();
    assert_eq!(ours.open(b"pins", &sealed).unwrap().as_slice(), b"content");
    assert!(ours.open(b"heads", &sealed).is_none() && theirs.open(b"pins", &sealed).is_none());
    assert!(ours.open(b"pins", &sealed[..39]).is_none());
    assert_eq!(ours.open_in_place(b"pins", sealed.clone()).unwrap().as_slice(), b"content");
    assert!(
        ours.open_in_place(b"heads", sealed.clone()).is_none()
            && theirs.open_in_place(b"pins", sealed.clone()).is_none()
    );
    for place in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        assert!(ours.open_in_place(b"pins", altered).is_none(), "byte {place}");
        assert!(ours.open_in_place(b"pins", sealed[..place].to_vec()).is_none(), "cut to {place}");
    }
}

#[test]
fn debug_shows_public_halves_only() {
    let DeviceKeys { signing, wrapping, storage } = device(1);
    assert_eq!(format!("{signing:?}"), format!("SigningKey(…, {})", signing.verifying_key()));
    assert_eq!(format!("{wrapping:?}"), format!("WrappingSecret(…, {:?})", wrapping.public()));
    assert_eq!(format!("{storage:?}"), "StateKey(…)");
}
