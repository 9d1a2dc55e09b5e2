import type { DurationMs } from "../model/units.ts";

/** One device in `sortgate status`. */
export interface DeviceStatus {
  readonly name: string;
  readonly readPoint: string;
  readonly driver: string;
  /** `paused`: it is up, and made to wait. */
  readonly state: "opening" | "up" | "paused" | "down";
  /** How long it has been up or down. */
  readonly forMs: DurationMs;
  /** Why it is down or paused, one sentence; empty while it is up. */
  readonly problem: string;
  /** What to do about it; absent while it is up. */
  readonly hint?: string;
  readonly readCount: number;
  readonly noReadCount: number;
  readonly malformedCount: number;
  readonly discardedByteCount: number;
  /** Reads a second over the last ten seconds. */
  readonly readsPerSecond: number;
  /** Time since the last read or sign of life; absent if there was none in this run. */
  readonly quietMs?: DurationMs;
}

/** One read point in `sortgate status`: reads in = opened + suppressed + refused by reason + pending. */
export interface ReadPointStatus {
  readonly name: string;
  readonly readCount: number;
  readonly openedCount: number;
  readonly suppressedCount: number;
  readonly refusedCount: { readonly [reason: string]: number };
  readonly pendingCount: number;
  readonly noReadCount: number;
  readonly evictedCount: number;
  /** Passes that are open now. */
  readonly liveCount: number;
}

/** An event that a broker will never take. */
export interface RefusedStatus {
  readonly sequence: number;
  /** Reason code of MQTT 5 and what it means. */
  readonly reason: string;
  /** When it was set aside. */
  readonly at: string;
}

/** One broker in `sortgate status`. */
export interface BrokerStatus {
  readonly name: string;
  readonly url: string;
  readonly state: "connecting" | "up" | "down";
  readonly forMs: DurationMs;
  /** Why it is down, or what is wrong although it is up, one sentence; empty if all is well. */
  readonly problem: string;
  /** What to do about it; absent if all is well. */
  readonly hint?: string;
  /** MQTT version in use; absent while down. */
  readonly protocol?: 4 | 5;
  readonly queuedCount: number;
  readonly inFlightCount: number;
  readonly acknowledgedCount: number;
  /** Whether the centre's orders come by it; absent unless the config asks for them there. */
  readonly orders?: {
    /** The broker has granted the subscription, on this connection. */
    readonly subscribed: boolean;
    /** Why none come by it, one sentence; empty if nothing is known to be wrong. */
    readonly problem: string;
    readonly hint?: string;
  };
  /** It gets views of events (`[broker.view]`). */
  readonly hasView?: boolean;
  /** Highest sequence up to which the broker has everything. */
  readonly deliveredTo: number;
  /** Events that the broker will never take, in all; they are set aside and count as done. */
  readonly refusedCount: number;
  /** The last of them; absent if there is none. */
  readonly lastRefused?: RefusedStatus;
  /** Events of the chain that it acknowledged: events = delivered + queued + refused + lost, by reason. */
  readonly deliveredCount: number;
  /** Events of the chain that it will never have. */
  readonly lostCount: { readonly [reason: string]: number };
  /** Events of damaged ledgers that it does not have yet; they are of other chains and count apart. */
  readonly salvagedCount: number;
  /** The range that was asked for again, until the broker has all of it. */
  readonly replay?: { readonly from: number; readonly to: number; readonly leftCount: number };
  /** Hours until the broker has all; 0 if it has, null: never, as things go. */
  readonly hoursUntilDrained: number | null;
  /** Age of the oldest event that the broker does not have; 0 if it has all. */
  readonly oldestQueuedMs: DurationMs;
}

export interface CertificateFacts {
  readonly subject: string;
  /** SHA-256, hex pairs with colons. */
  readonly fingerprint: string;
  readonly notAfter: string;
  /** What is to be said of its days; absent while it holds for 30 more. */
  readonly days?: {
    readonly state: "early" | "ending" | "ended";
    /** A problem: whoever trusts its authority cannot verify what is signed now. */
    readonly level: "problem" | "warning";
    readonly problem: string;
    readonly hint: string;
  };
}

/** What a file is that was read at the start. */
export type FileNow = "same" | "changed" | "gone";

/** What the guard works by. */
export interface PolicyStatus {
  /** SHA-256 in base64url of the policy in force, as in checkpoints. */
  readonly hash: string;
  /** Algorithms of tokens and sealing, as `[guard] crypto`; absent from a daemon of an older version. */
  readonly crypto?: "intl" | "gm";
  /** Of the policy that the centre signed; absent unless one is in force. */
  readonly version?: number;
  /** SHA-256 in hex of what the centre signed. */
  readonly sha256?: string;
  /** Fingerprint in hex of the key that it is signed with. */
  readonly signer?: string;
  readonly notAfter?: string;
  /** Whether that has passed since the start; the next start refuses it. */
  readonly isOver?: boolean;
  /** Why the signed policy is not in force, and all codes leave as tokens; absent if all is well. */
  readonly problem?: string;
  readonly hint?: string;
  /** The signed policy's file; absent if the config names none, or it could not be read at the start. */
  readonly file?: string;
  readonly fileNow?: FileNow;
}

/** The centre's public key that the guard seals to. */
export interface SealKeyStatus {
  readonly file: string;
  /** SHA-256 in hex of its SPKI. */
  readonly fingerprint: string;
  /** When its certificate ends; absent for a bare key. */
  readonly notAfter?: string;
  readonly fileNow: FileNow;
}

/** What the centre orders, and what becomes of it. */
export interface OrdersStatus {
  /** Number of the last order that was carried out, also before this run; absent if there was none, or it cannot be read. */
  readonly last?: number;
  /** Orders that are being carried out, or wait for it, or for the centre's key to be judged. */
  readonly waitingCount: number;
  /** The one that could not be carried out, or judged, when it was tried, and is tried again; later ones wait for it. */
  readonly delayed?: {
    readonly broker: string;
    /** Its number; absent if it could not be judged. */
    readonly order?: number;
    readonly problem: string;
    readonly hint: string;
  };
  /** Why none can be proven now, although none need have come; absent where `delayed` says it already. */
  readonly keyProblem?: { readonly problem: string; readonly hint: string };
  /** Lowest number of the orders that found no room, or may have been lost unjudged: none with a higher one is taken before it comes. */
  readonly missing?: number;
  /** Orders that were refused since the start, by reason. */
  readonly refusedCount: { readonly [reason: string]: number };
}

/** Somebody who was given more numbers in clear than `reveals_max` today. */
export interface RevealStatus {
  readonly by: string;
  readonly uid: string;
  /** Up to `max` different numbers; beyond it a number that is given again counts again. */
  readonly count: number;
  readonly max: number;
  /** In UTC, as 2026-11-23. */
  readonly day: string;
}

/** What `GET /status` on the control socket answers, and what metrics and health are made of. */
export interface Status {
  readonly gateway: {
    readonly site: string;
    readonly id: string;
    readonly software: string;
    readonly boot: string;
    readonly startedAt: string;
    readonly upMs: DurationMs;
    readonly ready: boolean;
    readonly clockSynced: boolean;
    readonly rssBytes: number;
    /** SHA-256 of the configuration that it was started with, as in its epoch events. */
    readonly configDigest: string;
  };
  readonly chain: {
    readonly chain: string;
    readonly sequence: number;
    /** Thumbprint (RFC 7638) of the epoch key; null until a full ledger has room for the event that tells it. */
    readonly kid: string | null;
    readonly keySince: string | null;
    /** Where the device key lies; a daemon of an older version does not say it. */
    readonly keyStorage?: "software";
    /** The certificate in use, and where it lay at the start. */
    readonly certificate: CertificateFacts & {
      readonly file: string;
      /** What lies there now, and is used from the next start on; absent if it cannot be read. */
      readonly onDisk?: CertificateFacts;
    };
  };
  readonly queue: {
    /** Lowest and highest sequence on disk. */
    readonly first: number;
    readonly last: number;
    readonly fileBytes: number;
    readonly walBytes: number;
    readonly usedBytes: number;
    readonly bytesMax: number;
    /** What the disk of data_dir has left for any user; a daemon of an older version does not say it. */
    readonly diskFreeBytes?: number;
    /** Hours until when_full decides what is lost; null: never, as things go. */
    readonly hoursUntilFull: number | null;
    /** What a full ledger has no more of: its own quota, or room on the disk; absent while there is room. */
    readonly full?: "bytes_max" | "disk";
    /** What then gives way. */
    readonly whenFull: "drop-oldest" | "drop-newest" | "stop-reading";
    /** Events that were destroyed, or refused for want of room, before every broker had them. */
    readonly lostCount: number;
    /** Events of the chain that are on disk, and those that are destroyed, by reason: together all of it. */
    readonly liveCount: number;
    readonly destroyedCount: { readonly [reason: string]: number };
    /** Events handed to the ledger and not committed yet. */
    readonly uncommittedCount: number;
    /** Events that could not even be handed to the ledger. */
    readonly droppedCount: number;
    /** Since an event was lost or dropped last, in this run; absent if none was, or from a daemon of an older version. */
    readonly lossAgoMs?: DurationMs;
  };
  readonly devices: readonly DeviceStatus[];
  readonly readPoints: readonly ReadPointStatus[];
  /** A daemon of an older version does not say it. */
  readonly policy?: PolicyStatus;
  /** `no-key`: what is to be sealed to the centre is dropped. */
  readonly sealing: "off" | "ready" | "no-key";
  /** Absent where nothing is sealed, or there never was a key. */
  readonly sealKey?: SealKeyStatus;
  /** Labels that were taken apart since the start, and those that showed core data of a person, by format. */
  readonly labels: readonly { readonly format: string; readonly labelCount: number; readonly leakingCount: number }[];
  /** Those that showed core data, by the beginning of their number: fifty apart, `other`, and `none`. A daemon of an older version does not say it. */
  readonly shippers?: readonly { readonly shipper: string; readonly leakingCount: number }[];
  readonly brokers: readonly BrokerStatus[];
  /** Absent unless a broker gives orders. */
  readonly orders?: OrdersStatus;
  /** Why the http address is not served, and what to do about it; absent while it is, or if the config names none. */
  readonly http?: { readonly problem: string; readonly hint: string };
  /** Absent as long as there is nobody; the control socket itself counts them. */
  readonly reveals?: readonly RevealStatus[];
}
