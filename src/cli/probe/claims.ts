import { latin1 } from "../../lib/bytes.ts";
import { maskCode } from "../../model/code/mask.ts";
import type { Claim } from "../../model/read.ts";
import { isClearable } from "./clearable.ts";

/** A claim as it is shown; made while the claim still holds. */
export type ShownClaim =
  | { readonly kind: "no-read" | "heartbeat" }
  | {
      readonly kind: "malformed";
      readonly reason: string;
      /** Length of the frame, and the control characters in it by name; absent where values came instead of bytes. */
      readonly byteCount?: number;
      readonly controls?: readonly string[];
    }
  | { readonly kind: "source-gap"; readonly reason: string; readonly count: number }
  | {
      readonly kind: "read";
      /** Its ends, as `watch` shows them; dots alone of a code that the guard would not clear; whole if all was asked for. */
      readonly code: string;
      /** Dots alone: not even an end is shown. */
      readonly isMasked: boolean;
      /** In bytes, as the device sent it. */
      readonly length: number;
      readonly symbology?: string;
      readonly antenna?: number;
      readonly rssiDbm?: number;
    };

/** A code of 3,072 bytes must not fill a screen; its length is told beside. */
const dotsMax = 24;

/** A claim and, for a read, its code in full, which must go nowhere but into the search for it in the frame. */
export interface HeardClaim {
  readonly shown: ShownClaim;
  readonly code?: string;
}

export function heardClaim(claim: Claim, carriers: readonly string[], isRaw: boolean): HeardClaim {
  switch (claim.kind) {
    case "no-read":
    case "heartbeat":
      return { shown: { kind: claim.kind } };
    case "malformed":
      return { shown: { kind: "malformed", reason: claim.reason } };
    case "source-gap":
      return { shown: { kind: "source-gap", reason: claim.reason, count: claim.count } };
    case "read": {
      const { medium, symbology, antenna, rssiDbm } = claim;
      const code = latin1(claim.bytes, claim.start, claim.end);
      const isMasked = !isRaw && !isClearable(code, medium, symbology, carriers);
      const shown: ShownClaim = {
        kind: "read",
        code: isRaw ? code : isMasked ? "•".repeat(Math.min(code.length, dotsMax)) : maskCode(code),
        isMasked,
        length: code.length,
        ...(symbology !== undefined && { symbology }),
        ...(antenna !== undefined && { antenna }),
        ...(rssiDbm !== undefined && { rssiDbm }),
      };
      return { shown, code };
    }
  }
}

/** A claim as a few words. */
export function claimText(claim: ShownClaim): string {
  switch (claim.kind) {
    case "no-read":
      return "no-read";
    case "heartbeat":
      return "heartbeat";
    case "malformed":
      return `malformed: ${claim.reason}${claim.byteCount === undefined ? "" : `  ${frameText(claim.byteCount, claim.controls)}`}`;
    case "source-gap":
      return `the source says that ${claim.count} reads were lost (${claim.reason})`;
    case "read": {
      const { code, isMasked, length, symbology, antenna, rssiDbm } = claim;
      const parts = [
        `read ${code}`,
        symbology,
        antenna !== undefined && `antenna ${antenna}`,
        rssiDbm !== undefined && `${rssiDbm} dBm`,
        isMasked && `masked, ${length} ${length === 1 ? "byte" : "bytes"}`,
      ];
      return parts.filter((part) => typeof part === "string").join("  ");
    }
  }
}

function frameText(byteCount: number, controls: readonly string[] = []): string {
  return `${byteCount} bytes, ${controls.length === 0 ? "no control character" : `with ${controls.join(", ")}`}`;
}
