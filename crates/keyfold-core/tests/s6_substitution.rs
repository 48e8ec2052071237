//! S6: whatever is wrapped or sealed for one place opens in no other. Every pair of places is tried: a server that puts
//! one thing where another belongs is always found out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    MasterKey,
    account::AccountSecrets,
    keychain::{self, KeySite},
};
use keyfold_format::{
    Name, ScopeId,
    scope::Algorithm,
    wrap::{Wrap, WrapKind, WrapPlace},
};
use support::SeededRng;

/// Every combination of kind, scope, key number, recipient, his number, and history.
fn places() -> Vec<WrapPlace> {
    let mut all = Vec::new();
    for kind in [WrapKind::Keychain, WrapKind::Group] {
        for scope in [1, 2].map(|id| ScopeId([id; 32])) {
            for number in [1, 2] {
                for recipient in [3, 4].map(|id| ScopeId([id; 32])) {
                    for recipient_number in [0, 1] {
                        for history in [false, true] {
                            all.push(WrapPlace { kind, scope, number, recipient, recipient_number, history });
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn s6_a_wrap_opens_in_its_own_place_and_in_none_of_the_others() {
    let mut rng = SeededRng::new("substitution");
    // One recipient's key for all places, and one key under both numbers: nothing but the place keeps them apart.
    let bob = AccountSecrets::derive(&MasterKey::from_slice(&[0xb0; 32]).unwrap(), &[1; 32], 0).unwrap();
    let site = |number| KeySite { binding: [4; 32], number, algorithm: Algorithm::SecretBox };
    let made = [1, 2].map(|number| site(number).generate(&Name::new("notes").unwrap(), None, &mut rng).unwrap());
    let of = |number: u32| &made[number as usize - 1];
    let wraps: Vec<(WrapPlace, Wrap)> = places()
        .into_iter()
        .map(|place| {
            let (secrets, _) = of(place.number);
            let history = place.history.then_some(&secrets.history);
            let wrap = keychain::wrap(&place, &secrets.key, history, bob.sharing.public(), &mut rng).unwrap();
            (place, wrap)
        })
        .collect();
    let mut refused = 0;
    for (made_for, wrap) in &wraps {
        for (shown_at, other) in &wraps {
            // What the server can do: the sealed bytes of one, with everything that it writes beside them of another.
            let Ok(moved) = Wrap::new(shown_at, wrap.sealed().to_vec()) else {
                assert_ne!(made_for.history, shown_at.history, "only another length is seen at once");
                refused += 1;
                continue;
            };
            let opened = site(shown_at.number).unwrap(&moved, shown_at, &bob.sharing, &of(shown_at.number).1);
            assert_eq!(opened.is_ok(), made_for == shown_at, "{made_for:?} at {shown_at:?} ({})", other.number);
            refused += usize::from(opened.is_err());
        }
    }
    assert_eq!(refused, wraps.len() * (wraps.len() - 1));
}

#[test]
fn s6_a_name_and_a_link_open_under_their_own_key_number_and_scope_only() {
    let mut rng = SeededRng::new("names");
    let sites: Vec<KeySite> = [[4; 32], [5; 32]]
        .into_iter()
        .flat_map(|binding| [2, 3].map(|number| KeySite { binding, number, algorithm: Algorithm::SecretBox }))
        .collect();
    let name = Name::new("notes").unwrap();
    for made_for in &sites {
        let before = KeySite { number: made_for.number - 1, ..*made_for };
        let (previous, previous_entry) = before.generate(&name, None, &mut rng).unwrap();
        let (made, entry) = made_for.generate(&name, Some(&previous), &mut rng).unwrap();
        let link = entry.history_link.as_ref().unwrap();
        for shown_at in &sites {
            let is_own = made_for == shown_at;
            assert_eq!(shown_at.open_name(&made.key, &entry.name).is_ok(), is_own, "a name");
            assert_eq!(shown_at.open_link(&made.history, link, &previous_entry).is_ok(), is_own, "a link");
            // One kind of sealed bytes is not the other.
            assert!(shown_at.open_name(&made.key, link).is_err());
            assert!(shown_at.open_link(&made.history, &entry.name, &previous_entry).is_err());
        }
    }
}
