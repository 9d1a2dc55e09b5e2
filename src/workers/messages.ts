import type { ViewPolicy } from "../guard/view.ts";
import type { ErrorCode } from "../model/error.ts";
import type { EventKind, EventOrigin } from "../model/event.ts";
import type { Notice } from "../model/notice.ts";
import type { Medium } from "../model/read.ts";
import type { DurationMs, EpochMs } from "../model/units.ts";

/** A cleared event on its way to the ledger thread: its data is canonical JSON already. */
export interface DraftMessage {
  readonly kind: EventKind;
  readonly subject: string | undefined;
  readonly at: EpochMs;
  readonly data: string;
}

/** Counters of the main thread that stand in every checkpoint. */
export type Counters = Readonly<Record<string, number>>;

/** Sealed events in one buffer: event i is `bytes[ends[i - 1], ends[i])`. */
export interface EventBatch {
  readonly sequences: readonly number[];
  readonly kinds: readonly EventKind[];
  readonly subjects: readonly (string | undefined)[];
  readonly origins: readonly (EventOrigin | undefined)[];
  readonly ends: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

declare const portioned: unique symbol;

/** A batch for a broker: only of its portion one is made, so that no partner gets whole events. */
export interface PortionBatch extends EventBatch {
  readonly [portioned]: true;
}

/** An event that a broker will never take, and why. */
export interface RefusalMessage {
  readonly sequence: number;
  readonly reason: string;
}

/** The same, as it stands in the ledger. */
export interface RefusedRow extends RefusalMessage {
  readonly at: EpochMs;
}

/** Whether the box's clock is right: a time server sets it, does not yet, or there is none. */
export type ClockState = "synchronized" | "unsynchronized" | "unwatched";

/** Whose events go: those that bear this token, or this number in clear. */
export interface Subject {
  readonly kind: "token" | "code";
  readonly value: string;
  /** Tokens under which a number may stand as well: those of the days whose keys are there still. */
  readonly tokens?: readonly string[];
}

/** What became of the events of one subject, or of some. */
export interface ErasureReport {
  /** Events of the chain, and of damaged ledgers, that were erased. */
  readonly count: number;
  readonly salvagedCount: number;
  /** Up to this event all were looked at. */
  readonly to: number;
  /** Events that cannot be read, and may be of the subject. */
  readonly unreadableCount: number;
  /** Damaged ledgers that lie beside the ledger, by name: nothing is erased from them. */
  readonly files: readonly string[];
  /** Whether the write-ahead log is overwritten already; if not, it is tried again each minute. */
  readonly isOverwritten: boolean;
}

/** What can be asked of the ledger thread, and what it answers. */
export interface Questions {
  readonly stats: { readonly ask: null; readonly answer: LedgerStats };
  readonly events: {
    readonly ask: { readonly from: number; readonly to: number; readonly bytesMax: number };
    readonly answer: EventBatch;
  };
  /** Makes durable all that waits, and ends it with a checkpoint. */
  readonly checkpoint: {
    readonly ask: { readonly counters: Counters };
    readonly answer: { readonly sequence: number };
  };
  /** What brokers refused for good: the newest one by one, by broker, the newest first. */
  readonly refused: { readonly ask: null; readonly answer: Readonly<Record<string, readonly RefusedRow[]>> };
  /** Hands [from, to] out again to a broker that has it. Fails: usage/invalid, usage/unknown-name. */
  readonly replay: {
    readonly ask: { readonly broker: string; readonly from: number; readonly to: number };
    readonly answer: { readonly count: number };
  };
  /** Erases what belongs to these subjects, in parts. Fails: usage/invalid while another one goes on, ledger/full. */
  readonly erase: { readonly ask: readonly Subject[]; readonly answer: ErasureReport };
  /** Answered once a COMMIT has returned that is no older than `withinMs`; it makes one if nothing else did. */
  readonly beat: { readonly ask: { readonly withinMs: DurationMs }; readonly answer: null };
  readonly rotateKey: { readonly ask: null; readonly answer: { readonly kid: string; readonly sequence: number } };
}

/** What a full ledger has no more of: its own quota, or room on the disk. */
export type Fullness = "bytes_max" | "disk";

export interface LedgerStats {
  readonly first: number;
  readonly last: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly usedBytes: number;
  readonly usedBytesMax: number;
  readonly lostCount: number;
  /** Since the last of them, in this run; absent if there was none. */
  readonly lostAgoMs?: DurationMs;
  /** Events that are on disk as they were made, and those that are not any more, by reason: together all of the chain. */
  readonly liveCount: number;
  readonly destroyedCount: { readonly [reason: string]: number };
  /** What keeps new events from coming in by themselves; absent while there is room. */
  readonly full?: Fullness;
  readonly kid: string;
  readonly keySince: EpochMs;
  readonly brokers: readonly {
    readonly name: string;
    readonly queuedCount: number;
    readonly deliveredTo: number;
    /** Events that the broker will never take, in all, and the last of them. */
    readonly refusedCount: number;
    readonly lastRefused?: RefusedRow;
    /** Events of the chain that it acknowledged. */
    readonly deliveredCount: number;
    /** Events of the chain that it will never have, by reason. */
    readonly lostCount: { readonly [reason: string]: number };
    /** Events of damaged ledgers that it does not have yet. */
    readonly salvagedCount: number;
    /** The range that was asked for again, until it has all of it. */
    readonly replay?: { readonly from: number; readonly to: number; readonly leftCount: number };
    /** When the oldest event that the broker does not have was made; absent if it has all. */
    readonly oldestAt?: EpochMs;
  }[];
}

export type ToLedger =
  | { readonly type: "append"; readonly drafts: readonly DraftMessage[]; readonly counters: Counters }
  | { readonly type: "connect"; readonly broker: string; readonly connection: number }
  | { readonly type: "want"; readonly broker: string; readonly connection: number; readonly count: number }
  | {
      readonly type: "settle";
      readonly broker: string;
      readonly sequences: readonly number[];
      readonly refused: readonly RefusalMessage[];
    }
  | { readonly type: "ask"; readonly id: number; readonly question: keyof Questions; readonly detail: unknown }
  | { readonly type: "watch"; readonly on: boolean }
  | { readonly type: "clock"; readonly state: ClockState }
  | { readonly type: "stop" };

export interface LedgerFailure {
  readonly code: ErrorCode;
  readonly sentence: string;
  readonly hint: string;
}

export type FromLedger =
  | { readonly type: "opened"; readonly opened: LedgerOpened }
  | { readonly type: "committed"; readonly count: number }
  /** Told at each change; there is room at first. */
  | { readonly type: "room"; readonly hasRoom: boolean }
  | { readonly type: "batch"; readonly broker: string; readonly connection: number; readonly batch: PortionBatch }
  | { readonly type: "live"; readonly batch: EventBatch }
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "refusal"; readonly id: number; readonly failure: LedgerFailure }
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "failed"; readonly failure: LedgerFailure }
  | { readonly type: "stopped" };

/** What the main thread learns when the ledger is open. */
export interface LedgerOpened {
  readonly chain: string;
  readonly sequence: number;
  readonly certificate: {
    readonly subject: string;
    readonly fingerprint: string;
    readonly notBefore: EpochMs;
    readonly notAfter: EpochMs;
    readonly isSelfSigned: boolean;
    readonly path: string;
    readonly keyPath: string;
  };
  /** When the last event before this start was made; 0 if there is none. */
  readonly lastAt: EpochMs;
  /** Passes that may have been open when it was made, oldest first, to rebuild the windows from. */
  readonly remembered: readonly RememberedPass[];
}

/** The last that the ledger tells of a pass that it does not tell the end of. */
export interface RememberedPass {
  readonly readPoint: string;
  readonly passId: string;
  /** As the guard cleared it. */
  readonly code: string;
  readonly codeClass: string;
  readonly device: string;
  readonly medium: Medium;
  readonly symbology: string | undefined;
  readonly firstReadAt: EpochMs;
  /** Why its summary was made; absent for its first read. */
  readonly closeReason: string | undefined;
  /** When the event was made, by the clock of `lastAt`; if it was carried over into later runs, as if it was made then. */
  readonly at: EpochMs;
}

/** What the guard works by, as each checkpoint names it. */
export interface PolicyMark {
  /** SHA-256 in base64url. */
  readonly hash: string;
  /** Of the policy that the centre signed; absent if none is in force. */
  readonly version?: number;
  /** Fingerprint in hex of the key that it is signed with. */
  readonly signer?: string;
}

/** What the ledger thread is started with. */
export interface LedgerOptions {
  readonly dataDir: string;
  readonly site: string;
  readonly gateway: string;
  readonly software: string;
  readonly configDigest: string;
  readonly policy: PolicyMark;
  readonly bytesMax: number;
  readonly retainMs: number;
  /** Delivered events that hold core data stay no longer than this; absent: as long as all others. */
  readonly retainCoreMs?: number | undefined;
  /** No pass lasts longer without a word in the ledger. */
  readonly recallMs: DurationMs;
  readonly whenFull: "drop-oldest" | "drop-newest" | "stop-reading";
  readonly brokers: readonly string[];
  /** What brokers with a view may see, by name. */
  readonly views?: Readonly<Record<string, ViewPolicy>>;
  /** Algorithms of the tokens in views; with `gm` checkpoints are signed with SM2 besides. */
  readonly crypto?: "intl" | "gm";
}
