import type { Truth } from "./truth.ts";
import type { LineAddresses, LineCounts } from "./virtual-line.ts";

/** What the demo says to the process of its virtual line. */
export interface ToLine {
  readonly kind: "start" | "stop";
}

/** What that process says to the demo. */
export type FromLine =
  | { readonly kind: "ready"; readonly addresses: LineAddresses }
  | { readonly kind: "truth"; readonly truth: Truth }
  | { readonly kind: "counts"; readonly counts: LineCounts }
  /** All truth was told before this. */
  | { readonly kind: "stopped"; readonly counts: LineCounts };
