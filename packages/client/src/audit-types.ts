/** What an audit answers. Apart from the other types, because whoever does not audit never meets them. */
import type { Algorithm, OwnerProposal, PermissionFlags } from "./types.js";

/** A person in an audit. */
export interface AuditPerson {
  /** By the verified account ledger; `null` where that was not at hand. */
  readonly userId: string | null;
  readonly accountId: string;
  readonly groupId: null;
}

/** A group in an audit. Its name is sealed. */
export interface AuditGroup {
  readonly userId: null;
  readonly accountId: null;
  readonly groupId: string;
}

/** A person or a group: `groupId` tells which. */
export type AuditPrincipal = AuditPerson | AuditGroup;

/** A member, or whoever may become one. */
export type AuditMember = AuditPrincipal & {
  /** An owner has all. */
  readonly permissions: PermissionFlags;
  /** Whether others refuse what he writes. */
  readonly readOnly: boolean;
  /** Whether he gets the keys that come later. */
  readonly follows: boolean;
  readonly expiresAt: Date | null;
};

/** What somebody proposed or approved. */
export interface AuditProposal {
  readonly decision: OwnerProposal["decision"];
  /** Whom it concerns; `null` for a successor. */
  readonly person: AuditPerson | null;
  /** The keychain that takes this one's place; `null` for owners. */
  readonly successor: string | null;
  /** Whether this made it: enough owners were for it. */
  readonly decided: boolean;
}

/** What somebody did. `other` is verified, and newer than this release's words. */
export type AuditAction =
  | { readonly kind: "createAccount" | "addDevice"; readonly deviceId: string }
  | {
      readonly kind: "revokeDevice";
      readonly deviceId: string;
      /** Devices and recovery methods that stay although it had added them. */
      readonly kept: readonly string[];
    }
  | {
      readonly kind: "addRecovery";
      readonly recoveryId: string;
      readonly method: "password" | "paper" | "shares" | "passkey";
    }
  | { readonly kind: "removeRecovery"; readonly recoveryId: string }
  | { readonly kind: "rotateAccount"; readonly generation: number }
  | { readonly kind: "setPrivate"; readonly version: number }
  | { readonly kind: "genesis"; readonly algorithm: Algorithm | "group"; readonly keyFingerprint: string }
  | {
      readonly kind: "share";
      readonly to: readonly AuditPrincipal[];
      /** Ranges: the first and the last number of each. */
      readonly keyNumbers: readonly (readonly [number, number])[];
      readonly permissions: PermissionFlags;
      readonly follows: boolean;
      readonly readOnly: boolean;
      readonly expiresAt: Date | null;
    }
  | { readonly kind: "accept"; readonly sharedBy: AuditPerson | null }
  | { readonly kind: "decline" | "leave" | "rotateDevice" | "other" }
  | { readonly kind: "dropKey"; readonly keyNumber: number }
  | { readonly kind: "cancelShare" | "expire" | "ban" | "observe"; readonly person: AuditPrincipal }
  | {
      readonly kind: "setPermissions";
      readonly person: AuditPrincipal;
      readonly granted: PermissionFlags;
      readonly withdrawn: PermissionFlags;
    }
  | { readonly kind: "rotate"; readonly keyNumber: number; readonly keyFingerprint: string }
  | { readonly kind: "anchor"; readonly indexes: number }
  | { readonly kind: "propose" | "approve"; readonly proposal: AuditProposal };

/** One entry of a ledger. */
export interface AuditEntry {
  /** When it counted: of two things that contradict each other, the one with the lower number came first. */
  readonly seq: number;
  readonly entryHash: string;
  /** When it was made, as its author claims. */
  readonly time: Date;
  readonly author: AuditPerson;
  /** Of an account's entry, the device or recovery method that signed it; else `null`. */
  readonly holderId: string | null;
  /** The groups through which he acted, outermost first; mostly none. */
  readonly via: readonly AuditGroup[];
  /** Whether the server put it where it stands: an answer, or a member's leaving. */
  readonly placed: boolean;
  readonly actions: readonly AuditAction[];
  /** The keychain after it; of an account `null`. */
  readonly after: {
    readonly members: number;
    /** Of the current key. */
    readonly keyNumber: number;
    readonly needsRotation: boolean;
  } | null;
}

interface AuditedLedger {
  /** A keychain's fingerprint, a group id or an account id. */
  readonly scope: string;
  /** The key that the server signed the end of the ledger with. */
  readonly serverKey: string;
  /** Number of the newest entry. */
  readonly seq: number;
  /** Its hash. */
  readonly entryHash: string;
  /** When the server signed for it, by its clock. */
  readonly signedAt: Date;
  /** Up to which entry this device had verified the same before; of a file `null`. */
  readonly knownSeq: number | null;
  /** Oldest first. */
  readonly entries: readonly AuditEntry[];
}

/** A keychain's or group's ledger, verified from its first entry on. */
export interface KeychainAudit extends AuditedLedger {
  readonly kind: "keychain" | "group";
  /** Where the entries lead. */
  readonly state: {
    readonly members: readonly AuditMember[];
    readonly pending: readonly AuditMember[];
    readonly owners: readonly AuditPerson[];
    readonly banned: readonly AuditPrincipal[];
    /** Fingerprints, oldest first: key `n` is the `n`th. */
    readonly keys: readonly string[];
    readonly needsRotation: boolean;
    /** The keychain that takes this one's place. */
    readonly successor: string | null;
  };
}

/** An account's ledger, verified from its first entry on. */
export interface AccountAudit extends AuditedLedger {
  readonly kind: "account";
  readonly state: {
    readonly userId: string;
    readonly generation: number;
    /** Who holds its master key, by id. */
    readonly holders: readonly string[];
  };
}

/** How somebody else's view of a keychain relates to one's own. */
export interface AuditComparison {
  /** Whether one is the beginning of the other. If not, there is evidence. */
  readonly agrees: boolean;
  /** The newest entry that both have; `null` if not even the first is the same. */
  readonly commonSeq: number | null;
  readonly ownSeq: number;
  readonly otherSeq: number;
}

/** What a server signed. */
export interface AuditReceipt {
  /** Number of the entry that it called the newest. */
  readonly seq: number;
  readonly entryHash: string;
  readonly signedAt: Date;
}

/** Proof that whoever holds a server's key signed for two states of a ledger that no one ledger has. */
export interface Evidence {
  readonly kind: "evidence";
  /** The ledger that both are about. */
  readonly scope: string;
  readonly serverKey: string;
  /** The receipt for the lower number, or one of two for the same. */
  readonly earlier: AuditReceipt;
  readonly later: AuditReceipt;
  /** What stands at the earlier one's number in the ledger of the later one. */
  readonly fork: string;
}
