//! S15: a signature made under one label verifies under no other, and no labelled message is a request or a COSE
//! structure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyfold_core::{SigningKey, sign};
use keyfold_format::{key::signed_message, label::SignatureLabel};

#[test]
fn s15_all_pairs_of_labels() {
    let key = SigningKey::from_seed(&[7; 32]);
    let public = key.verifying_key();
    // Messages that an attacker would choose: short ones, a hash, one that looks like the rest of another label.
    let messages: [&[u8]; 5] = [b"", b"m", &[0; 32], b" key\0", b"placed entry\0m"];
    for made in SignatureLabel::ALL {
        for read in SignatureLabel::ALL {
            for message in messages {
                let signature = key.sign(*made, &[message]);
                assert_eq!(public.verify(*read, &[message], &signature).is_ok(), made == read, "{made:?} as {read:?}");
            }
        }
    }
}

#[test]
fn s15_no_message_under_one_label_is_a_message_under_another() {
    for a in SignatureLabel::ALL {
        for b in SignatureLabel::ALL.iter().filter(|b| *b != a) {
            let (a, b) = (signed_message(*a, &[]), signed_message(*b, &[]));
            assert!(!a.starts_with(&b), "{a:?}");
        }
    }
}

#[test]
fn s15_no_labelled_message_starts_like_a_request_or_a_cose_structure() {
    for label in SignatureLabel::ALL {
        let message = signed_message(*label, &[]);
        assert_eq!(message[0], b'K', "neither a quotation mark nor a CBOR array");
    }
}

#[test]
fn s15_a_statement_of_the_application_is_nothing_else() {
    let key = SigningKey::from_seed(&[7; 32]);
    let hash = [0xab; 32];
    let statement = sign::sign_statement(&key, &[&hash]);
    for label in SignatureLabel::ALL {
        assert!(key.verifying_key().verify(*label, &[&hash], &statement).is_err(), "{label:?}");
    }
    assert!(sign::verify_statement(&key.verifying_key(), &[&hash], &statement).is_ok());
    let entry = key.sign(SignatureLabel::Entry, &[&hash]);
    assert!(sign::verify_statement(&key.verifying_key(), &[&hash], &entry).is_err());
}
