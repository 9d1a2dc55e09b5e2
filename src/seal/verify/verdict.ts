import type { ParseRefusal } from "../canonical.ts";

/** Why a line is not an event. */
export type MalformedReason =
  | ParseRefusal
  /** The last line, which ends in the middle. */
  | "cut-off"
  | "not-an-event"
  /** `id`, `source` and `sequence` say different things. */
  | "contradiction";

/** Why an epoch's endorsement does not count. */
export type EndorsementReason =
  | "absent"
  | "malformed"
  | "algorithm"
  /** It endorses another key, SM2 key or none, chain, gateway, site or sequence. */
  | "statement"
  | "signature"
  /** None of the trusted certificates stands behind it. */
  | "untrusted"
  /** The certificate is for another gateway. */
  | "other-gateway"
  /** A certificate was not valid at the epoch's time. */
  | "not-valid-then";

/** Why what is signed by the national algorithms does not count. */
export type GmReason =
  /** A checkpoint has no SM2 signature, though its epoch brings a key for one. */
  | "absent"
  /** A profile, or an identity to sign under, that is not known here. */
  | "profile"
  /** The epoch brings no SM2 key, or none that can be read. */
  | "key"
  | "malformed"
  | "signature"
  /** The mark of an erased event does not tell its SM3. */
  | "mark"
  /** The SM3 chain is not that of the events before it. */
  | "chain";

/** One thing that is wrong, or worth knowing, by sequence or by line. Lines count from 1. */
export type Finding =
  | { readonly kind: "missing"; readonly from: number; readonly to: number }
  /** Events whose key's `epoch` event is not there: nobody can say who signed them. */
  | { readonly kind: "unknown-key"; readonly from: number; readonly to: number }
  /** The signature does not fit the event. */
  | { readonly kind: "altered"; readonly sequence: number; readonly line: number }
  /** `previous` is not the hash of the event before it. */
  | { readonly kind: "unlinked"; readonly sequence: number; readonly line: number }
  /** Signed by a key that is not the current epoch's, or signed for another sequence. */
  | {
      readonly kind: "forged";
      readonly sequence: number;
      readonly line: number;
      readonly reason: "other-key" | "other-sequence";
    }
  /** Only the mark of an erased event is there, and no signed purge says that it was erased. */
  | { readonly kind: "taken-out"; readonly sequence: number; readonly line: number }
  /** Different events claim one sequence. */
  | { readonly kind: "forked"; readonly sequence: number; readonly lines: readonly number[]; readonly count: number }
  /** The signature's header names an algorithm or type that is not accepted. */
  | { readonly kind: "algorithm"; readonly sequence: number; readonly line: number }
  | {
      readonly kind: "endorsement";
      readonly sequence: number;
      readonly line: number;
      readonly reason: EndorsementReason;
    }
  /** A checkpoint, of the chain or of the witness, does not fit the events before it. */
  | {
      readonly kind: "checkpoint";
      readonly sequence: number;
      readonly reason: "root" | "size";
      readonly of: "chain" | "witness";
    }
  /** What an epoch or a checkpoint says by the national algorithms does not hold. */
  | { readonly kind: "gm"; readonly sequence: number; readonly reason: GmReason }
  /** The witness knows `size` events, and the capture ends after `after`. */
  | { readonly kind: "truncated"; readonly after: number; readonly size: number }
  /** A note: `count` further lines say the same again; `line` is the first of them. */
  | { readonly kind: "repeated"; readonly sequence: number; readonly line: number; readonly count: number }
  /** A note: the event was serialised again on its way; its content is as it was signed. */
  | { readonly kind: "not-canonical"; readonly sequence: number; readonly line: number; readonly count: number }
  | { readonly kind: "malformed"; readonly line: number; readonly reason: MalformedReason };

/** Whether a finding means that something is wrong. */
export function isFault(finding: Finding): boolean {
  return finding.kind !== "not-canonical" && finding.kind !== "repeated";
}

/** Where a finding lies, for sorting. */
export function placeOf(finding: Finding): number {
  switch (finding.kind) {
    case "missing":
    case "unknown-key":
      return finding.from;
    case "truncated":
      return finding.after + 1;
    case "malformed":
      return finding.line;
    default:
      return finding.sequence;
  }
}

/**
 * Whose word the chain is.
 *
 * `authentic`: each epoch is endorsed by a trusted certificate; `consistent`: each is endorsed, and nobody said whom to
 * trust; `unproven`: an endorsement is missing or does not count.
 */
export type Trust = "authentic" | "consistent" | "unproven";

/** How many checkpoints the national algorithms prove. */
export interface GmCounts {
  /** Checkpoints whose SM2 signature holds. */
  readonly signedCount: number;
  /** Those of them whose SM3 chain was computed again from the events, and is the same. */
  readonly provenCount: number;
}

export interface ChainVerdict {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
  /** Different sequences that are there. */
  readonly eventCount: number;
  /** How many of them are there as one broker's view only. */
  readonly viewCount: number;
  /** …and as the mark of an event that was erased. */
  readonly erasedCount: number;
  readonly epochCount: number;
  /** Lines that say again what another line said. */
  readonly repeatCount: number;
  /** Checkpoints whose root was computed again from the events and is the same. */
  readonly checkpointCount: number;
  /** Absent where no epoch brought an SM2 key. */
  readonly gm?: GmCounts;
  /** What went lawfully between the epoch event that the chain begins with here and the events that its key signed. */
  readonly purged?: { readonly from: number; readonly to: number };
  /** First and last sequence that is there; 0 if there is none. */
  readonly from: number;
  readonly to: number;
  readonly verdict: "whole" | "broken";
  readonly trust: Trust;
  /** Subject of the certificate behind the last epoch; absent without an endorsement that holds. */
  readonly certificate: string | undefined;
  /** By sequence. Of each kind the first 1,000; `findingCount` has them all. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

export interface Verdict {
  readonly verdict: "whole" | "broken";
  readonly chains: readonly ChainVerdict[];
  /** Lines that hold something, blank ones not counted. */
  readonly lineCount: number;
  /** Lines that hold a gateway's status message: not part of any chain. */
  readonly statusCount: number;
  /** Checkpoints that the witness brought. */
  readonly witnessCount: number;
  /** Lines that are nothing known, at most 1,000 of them. */
  readonly malformed: readonly Finding[];
  readonly malformedCount: number;
}

/** Findings of one kind that are kept; more are counted. */
export const findingsMax = 1_000;
