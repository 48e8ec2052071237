//! Every label of the suite, in one file, so that no two uses can share one.
//!
//! Spec: `docs/spec/conventions.md`, "Labels".

macro_rules! labels {
    ($(#[$enum_doc:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the spec.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The bytes that stand in hashes, signatures and derivations.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

labels! {
    /// What a hash is for.
    HashLabel {
        /// Hash of a ledger entry, and a ledger's scope id.
        EntryHash = "KF1 entry hash",
        /// What the keys of a keychain or group are bound to.
        Binding = "KF1 binding",
        /// Commitment to a key.
        KeyFingerprint = "KF1 key fingerprint",
        /// Commitment to a history secret.
        HistoryCommitment = "KF1 history commitment",
        /// A device's id.
        DeviceId = "KF1 device id",
        /// A recovery method's id.
        RecoveryId = "KF1 recovery id",
        /// An account's private state, as it is sealed.
        PrivateState = "KF1 private state",
        /// The application's context of a value or an envelope.
        Context = "KF1 context",
        /// An envelope's fixed header.
        EnvelopeFixed = "KF1 envelope fixed",
        /// Fingerprint of a wrapping key.
        WrappingKey = "KF1 wrapping key",
        /// What tells a mistyped text for a new device.
        EnrolmentText = "KF1 enrolment text",
        /// A server key's id.
        ServerId = "KF1 server id",
        /// A set of recovery shares, and what comes out of it.
        ShareSet = "KF1 share set",
        /// Checksum of one recovery share.
        Share = "KF1 share",
        /// The name of an object in a storage.
        Object = "KF1 object",
        /// An index's id, from its keychain and name.
        IndexId = "KF1 index id",
        /// Hash of an index's record.
        IndexRecord = "KF1 index record",
        /// What an index's record says of its trees.
        IndexBody = "KF1 index body",
        /// Name of a record of a file that is on its way to a vault.
        Upload = "KF1 upload",
    }
}

labels! {
    /// What a signature says.
    SignatureLabel {
        /// An author's entry.
        Entry = "KF1 entry",
        /// A placed entry.
        PlacedEntry = "KF1 placed entry",
        /// A new account key, over the entry that names it.
        AccountKey = "KF1 account key",
        /// A former ledger key, over the entry that brings the next generation.
        AccountRotation = "KF1 account rotation",
        /// A new device or recovery method, over the account that it joins.
        HolderKey = "KF1 holder key",
        /// The server's word on a head.
        Receipt = "KF1 receipt",
        /// A server's next key, by the one before it.
        ServerSuccession = "KF1 server succession",
        /// An envelope's author.
        Trailer = "KF1 trailer",
        /// A device asks for events.
        Events = "KF1 events",
        /// The server answers to that.
        EventsWelcome = "KF1 events welcome",
        /// An index's record.
        IndexRoot = "KF1 index root",
        /// A statement of the application.
        Application = "KF1 application",
    }
}

labels! {
    /// What a derived key is for.
    DeriveLabel {
        /// An account's ledger key.
        AccountLedgerKey = "KF1 account ledger key",
        /// An account's sharing key.
        AccountSharingKey = "KF1 account sharing key",
        /// An account's publication key.
        AccountPublicationKey = "KF1 account publication key",
        /// An account's key for the application's statements.
        AccountSignatureKey = "KF1 account signature key",
        /// The key of an account's private state.
        AccountPrivateState = "KF1 account private state",
        /// What a device seals its store under.
        DeviceStorage = "KF1 device storage",
        /// What a device's lock seals: its key, and the device's seed.
        DeviceLock = "KF1 device lock",
        /// A device's signing key.
        DeviceSigningKey = "KF1 device signing key",
        /// A device's wrapping key.
        DeviceWrappingKey = "KF1 device wrapping key",
        /// A recovery method's signing key.
        RecoverySigningKey = "KF1 recovery signing key",
        /// A recovery method's wrapping key.
        RecoveryWrappingKey = "KF1 recovery wrapping key",
        /// The recovery secret of a password.
        RecoveryPassword = "KF1 recovery password",
        /// A data key's commitment.
        EnvelopeCommitment = "KF1 envelope commitment",
        /// The key of a header's MAC.
        EnvelopeHeader = "KF1 envelope header",
        /// The key of the segments.
        EnvelopePayload = "KF1 envelope payload",
        /// An envelope's metadata.
        EnvelopeMetadata = "KF1 envelope metadata",
        /// A data key in a slot; also the HPKE `info` of one.
        Slot = "KF1 slot",
        /// A value's key and commitment.
        Value = "KF1 value",
        /// A purpose or a group's name.
        Name = "KF1 name",
        /// The previous key, under a history secret.
        HistoryLink = "KF1 history link",
        /// HPKE `info` of a wrap.
        Wrap = "KF1 wrap",
        /// A writer's randomness, bound to what it is drawn for.
        Randomness = "KF1 randomness",
        /// HPKE `info` of what a device calls itself that asks to be let in.
        DeviceRequest = "KF1 device request",
        /// The words that two people compare.
        SafetyWords = "KF1 safety words",
        /// What one tree of an index is sealed under.
        IndexTree = "KF1 index tree",
        /// One object of an index.
        IndexObject = "KF1 index object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_label_is_used_twice_or_is_a_prefix_of_another_with_its_separator() {
        let all: Vec<&str> = HashLabel::ALL
            .iter()
            .map(|l| l.as_str())
            .chain(SignatureLabel::ALL.iter().map(|l| l.as_str()))
            .chain(DeriveLabel::ALL.iter().map(|l| l.as_str()))
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|l| l.starts_with("KF1 ") && l.is_ascii() && !l.contains('\0')));
    }

    #[test]
    fn the_spec_lists_every_label() {
        let Ok(page) = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/conventions.md"))
        else {
            return; // a packaged crate has no docs folder beside it
        };
        for label in HashLabel::ALL
            .iter()
            .map(|l| l.as_str())
            .chain(SignatureLabel::ALL.iter().map(|l| l.as_str()))
            .chain(DeriveLabel::ALL.iter().map(|l| l.as_str()))
        {
            assert!(page.contains(&format!("| `{label}` |")), "{label} is missing in the spec");
        }
    }
}
