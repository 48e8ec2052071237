//! Why a ledger refuses an entry: one name per rule, the same on server, native and WebAssembly.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Replay", and `docs/spec/account-ledger.md`.

use crate::{error::Malformed, id::ScopeId};

macro_rules! rejections {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// A rule that an entry breaks. The state is unchanged.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Rejected {
            /// The bytes do not follow the format.
            #[error(transparent)]
            Malformed(#[from] Malformed),
            /// Not a verdict: the ledger of this account is needed first, up to the head that is cited.
            #[error("the ledger of {0} is needed first")]
            MissingLedger(ScopeId),
            /// Not a verdict: the state of this group as of the entry with this number is needed first.
            #[error("the state of the group {0} at its entry {1} is needed first")]
            MissingState(ScopeId, u64),
            $($(#[$doc])* #[error($text)] $variant,)+
        }

        impl Rejected {
            /// Every rule, for tables and tests.
            pub const RULES: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    Self::Malformed(fault) => fault.code(),
                    Self::MissingLedger(_) | Self::MissingState(..) => "MissingLedger",
                    $(Self::$variant => stringify!($variant),)+
                }
            }
        }
    };
}

rejections! {
    // What holds for every ledger.
    /// A signature is missing, superfluous, or does not verify.
    BadSignature = "a signature is missing, superfluous or wrong",
    /// The entry belongs to another ledger.
    WrongScope = "the entry belongs to another ledger",
    /// The entry's number is not the next one.
    WrongSeq = "the entry's number is not the next one",
    /// The entry does not follow the head.
    WrongPrev = "the entry follows another head",
    /// The entry's time is before that of the one it follows.
    TimeGoesBack = "the entry's time is before that of the entry it follows",
    /// The first entry is not a lone genesis, or a later one is.
    GenesisMisplaced = "a ledger starts with one genesis and has no other",
    /// A placed op in an ordinary entry, or the reverse.
    PlacedMisplaced = "this op is only valid as a placed entry, or never as one",

    // Who speaks, and what they have seen.
    /// The author is not an active device or recovery method of the account.
    NotAHolder = "the author is no holder of this account",
    /// The author is no member.
    NotAMember = "the author is not a member",
    /// The author is banned.
    AuthorBanned = "the author is banned here",
    /// A head is cited that the cited ledger does not have, or with a wrong number of exclusions.
    CitationUnknown = "a cited head is not in the cited ledger",
    /// A citation is older than an earlier one of the same principal.
    CitationGoesBack = "a citation is older than an earlier one",
    /// The same number is cited with another hash.
    CitationFork = "two different heads are cited under one number",
    /// The author or a recipient is not cited.
    CitationMissing = "the author and every new recipient must be cited",
    /// One of the groups through which the author acts is no member of the one before, or the author none of the last.
    ViaBroken = "the author does not act through these groups",
    /// Somebody is observed whom the scope does not reach.
    ObserveUnreached = "only who is reached through members is observed",
    /// An author says how far an index is, and may only read.
    AnchorReadOnly = "whoever may only read does not say how far an index is",
    /// Somebody is cited whom no op concerns.
    CitationUnneeded = "somebody is cited whom the entry does not concern",

    // Accounts: devices, recovery methods, generations.
    /// Keys are added that a holder of the account has or had.
    HolderRepeated = "these keys belong, or belonged, to a holder of this account",
    /// The account would have too many holders.
    TooManyHolders = "an account has at most 256 devices and recovery methods",
    /// There is no such device, or no such recovery method.
    NoSuchHolder = "there is no such device or recovery method",
    /// A recovery method renews its keys.
    NotADevice = "only a device has its keys renewed",
    /// The author revokes himself.
    RevocationOfOneself = "no device revokes itself: another one does",
    /// Somebody holds the account no more, and yet has its newest keys.
    RevocationWithoutRotation = "an entry that takes a holder away brings a new generation",
    /// A recovery method is removed by a device or by a younger one.
    RecoveryProtected = "a recovery method is removed by itself or by an older one only",
    /// Nobody would hold the account.
    LastHolder = "an account keeps a holder",
    /// The generation's number is not the next one.
    WrongGeneration = "a new generation has exactly the next number",
    /// The version of the private state is not the next one.
    WrongPrivateVersion = "private state has exactly the next version",

    // Share.
    /// The author lacks `allowSharing`.
    SharingNotAllowed = "sharing needs allowSharing",
    /// No principal, or no key, is named.
    ShareOfNothing = "a share names at least one principal and one key",
    /// A key is shared or dropped that the author is not entitled to, or that does not exist.
    KeyNotHeld = "a key is named that the entry's author does not hold",
    /// Following is granted by somebody who does not follow.
    FollowingNotHeld = "only a follower may let others follow",
    /// Following is granted without the current key.
    FollowingWithoutCurrentKey = "a follower gets the current key",
    /// History is granted without following.
    HistoryWithoutFollowing = "who gets history follows",
    /// History is granted beyond the author's own, without its keys, or not from where it starts.
    HistoryNotHeld = "a share grants history that its author does not hold",
    /// Permissions are granted that the author does not have.
    PermissionsNotHeld = "permissions can only be granted within one's own",
    /// Permissions are granted without `allowManagement`.
    ManagementNotAllowed = "granting permissions needs allowManagement",
    /// Rotation or deletion rights are granted to somebody who does not follow.
    RightsWithoutFollowing = "rotation and deletion rights need following",
    /// A read-only member grants writing.
    ReadOnlyNotKept = "a read-only member can only share read-only",
    /// A banned principal is shared with by somebody without `allowManagement`.
    PrincipalBanned = "a banned principal can only be shared with by allowManagement",
    /// The principal has a pending share already.
    AlreadyPending = "a share to this principal is pending already",
    /// A share to a member carries permissions, `readOnly` or an expiry.
    MemberTerms = "a share to a member grants keys, following and history only",
    /// A group is shared with that has no lower rank.
    RankTooHigh = "a group joins only what has a higher rank",
    /// The scope would have too many members.
    TooManyMembers = "the scope has as many members as it can have",

    /// The entry would need more wraps than one may.
    TooManyWraps = "an entry comes with at most 32,768 wraps",

    // Accept, Decline, Leave, CancelShare and Expire.
    /// There is no such pending share.
    NotPending = "there is no such pending share",
    /// The author is neither the sharer nor holds `allowManagement`.
    CancelNotAllowed = "only the sharer or allowManagement may cancel a share",
    /// The only owner leaves.
    LastOwner = "the only owner cannot leave",

    /// There is neither a pending share nor a membership that this entry made.
    NoSuchShare = "there is no such share, pending or taken",
    /// A share without an end is ended.
    ShareWithoutEnd = "only a share that has an end expires",
    /// The author ends his own membership.
    ExpireOfOneself = "nobody ends his own membership like this: who wants to go leaves",
    /// The entry's time is before the end of the share.
    ExpireTooEarly = "the share has not come to its end",
    /// The new key of the entry is made before somebody is out.
    ExpireAfterRotation = "in an entry that ends a share the new key comes after",
    /// The author is not the sharer and holds neither `allowDeletion` nor `allowManagement`.
    ExpireNotAllowed = "only the sharer, allowDeletion or allowManagement may end a share",

    // SetPermissions and Ban.
    /// Somebody is named who is no member.
    NoSuchMember = "there is no such member",
    /// An owner's permissions are set, or an owner is banned.
    OwnerProtected = "an owner has all permissions, and cannot be banned",
    /// The author lacks `allowDeletion`.
    DeletionNotAllowed = "banning needs allowDeletion",
    /// The author bans himself.
    BanOfOneself = "nobody bans himself: who wants to go leaves",
    /// The author bans the group through which he acts.
    BanOfOwnGroup = "nobody bans the group through which he acts",
    /// A holder of `allowManagement` is banned by somebody without it.
    ManagerProtected = "a holder of allowManagement can only be banned by another one",
    /// The entry that bans does not end with a rotation.
    BanWithoutRotation = "an entry that bans ends with a rotation",

    // Propose and Approve.
    /// The author is no owner.
    NotAnOwner = "only owners propose and approve",
    /// A group is to become an owner.
    OwnerIsGroup = "only a person can be an owner",
    /// Somebody is to become an owner who is one.
    AlreadyOwner = "this member is an owner already",
    /// Somebody is to be removed from the owners who is none.
    NoSuchOwner = "there is no such owner",
    /// An owner is for his own removal.
    RemovalOfOneself = "nobody counts for his own removal: who wants to go leaves",
    /// A scope is named as its own successor.
    SuccessorOfItself = "a scope cannot replace itself",
    /// The same is proposed already.
    AlreadyProposed = "this is proposed already: approve it",
    /// The owner has too many open proposals.
    TooManyProposals = "an owner has at most 16 open proposals",
    /// There is no such open proposal.
    NoSuchProposal = "there is no such proposal, or it has lapsed",
    /// The author is for it already.
    AlreadyApproved = "an owner counts once",

    // Rotate.
    /// The author lacks `allowRotation`, and no rotation is needed or the author does not follow.
    RotationNotAllowed = "rotation needs allowRotation",
    /// Somebody rotates through a group to which nothing is wrapped.
    GroupUnclean = "whoever rotates through a group makes it clean first",
    /// A second rotation in one entry.
    RotatedTwice = "an entry makes one key or generation at most",
    /// The key's number is not the next one.
    WrongKeyNumber = "a new key has exactly the next number",
    /// A public key is missing or superfluous.
    WrongKeyKind = "a public key stands in an entry exactly when the keys are pairs",
    /// A history link is missing or superfluous.
    WrongHistoryLink = "a history link is present exactly when the author has history",
    /// A fingerprint that a former key had, or a key of an account's former generation.
    KeyRepeated = "a new key was never one here before",
    /// The scope would have too many keys.
    TooManyKeys = "the scope has as many keys as it can have",
}
