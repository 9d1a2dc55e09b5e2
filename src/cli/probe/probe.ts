import type { Chunk, FrameSink, Profile } from "../../driver/index.ts";
import { latin1 } from "../../lib/bytes.ts";
import { shownEnds } from "../../model/code/mask.ts";
import { type Arrived, controlNames, createArrivals } from "./arrivals.ts";
import { claimText, type HeardClaim, heardClaim, type ShownClaim } from "./claims.ts";
import { shownValue } from "./values-text.ts";
import { createWireLog } from "./wire-log.ts";
import { isFraming, type Stretch, shownBytes, wireText } from "./wire-text.ts";

/** One thing that came from the device, ready for a screen. */
export type Heard =
  | {
      readonly kind: "frame";
      readonly hex: string;
      readonly text: string;
      readonly byteCount: number;
      readonly claims: readonly ShownClaim[];
    }
  | { readonly kind: "values"; readonly values: unknown; readonly claims: readonly ShownClaim[] }
  | {
      readonly kind: "discarded";
      readonly reason: string;
      readonly byteCount: number;
      /** Only where everything is shown. */
      readonly hex?: string;
      readonly text?: string;
    }
  | { readonly kind: "break" };

export interface Probe {
  receive(chunk: Chunk): void;
  /** What came over the wire, whatever became of it. */
  arrived(): Arrived;
  /** What came last and belongs to no frame yet. */
  rest(): { readonly hex: string; readonly text: string };
}

export interface ProbeSettings {
  readonly profile: Profile;
  /** Carriers of `[guard]`: codes of their shapes may be shown. */
  readonly carriers: readonly string[];
  /** Shows everything. */
  readonly isRaw: boolean;
  readonly hear: (heard: Heard) => void;
}

interface CodePlace extends Stretch {
  readonly isShown: boolean;
}

/** Where the codes of a frame stand. What the profile made nothing of is hidden as a whole. */
function codePlaces(frame: string, claims: readonly HeardClaim[]): CodePlace[] {
  const whole = (isShown: boolean): CodePlace[] => [{ start: 0, end: frame.length, isShown }];
  if (claims.every(({ shown }) => shown.kind === "no-read" || shown.kind === "heartbeat"))
    return whole(claims.length > 0);
  if (claims.some(({ shown }) => shown.kind === "malformed")) return whole(false);
  const upper = upperCase(frame);
  const places: CodePlace[] = [];
  for (const { shown, code } of claims) {
    if (code === undefined || shown.kind !== "read") continue;
    const wanted = upperCase(code);
    const start = upper.indexOf(wanted);
    // Not found as it was decoded, so nobody can say where it ends.
    if (start === -1) return whole(false);
    for (let at = start; at !== -1; at = upper.indexOf(wanted, at + code.length)) {
      places.push(...codeStretches(at, code.length, shown.isMasked));
      const { symbology = "" } = shown;
      if (frame.slice(0, at).endsWith(symbology)) places.push({ start: at - symbology.length, end: at, isShown: true });
    }
  }
  // What must be hidden comes last, and so wins where two codes overlap.
  return places.sort((a, b) => Number(b.isShown) - Number(a.isShown));
}

/** A code at its place: hidden, but for the ends of one that is not masked. */
function codeStretches(at: number, length: number, isMasked: boolean): CodePlace[] {
  const ends = isMasked ? [] : shownEnds(length).map(({ start, end }) => ({ start: at + start, end: at + end }));
  const [from, to] = [ends[0]?.end ?? at, ends[1]?.start ?? at + length];
  return [...ends.map((end) => ({ ...end, isShown: true })), { start: from, end: to, isShown: false }];
}

/** ASCII letters alone: `ß` becomes two letters in capitals, and every place behind it would be wrong. */
function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** A malformed frame says of itself what is safe to say: a profile that does not fit is found by its framing. */
function withFrame(claim: ShownClaim, frame: Uint8Array): ShownClaim {
  if (claim.kind !== "malformed") return claim;
  return { ...claim, byteCount: frame.length, controls: controlNames(frame) };
}

/** Decodes what one device sends and makes it fit for a screen; forwards nothing. */
export function createProbe({ profile, carriers, isRaw, hear }: ProbeSettings): Probe {
  const log = createWireLog();
  const arrivals = createArrivals();
  const sink: FrameSink = {
    frame(bytes, start, end) {
      const claims: HeardClaim[] = [];
      profile.decodeFrame?.(bytes, start, end, (claim) => claims.push(heardClaim(claim, carriers, isRaw)));
      const frame = Buffer.from(bytes.subarray(start, end));
      const wire = log.take(frame);
      const fields: Stretch[] = [];
      if (!isRaw) profile.fieldsIn?.(frame, 0, frame.length, (from, to) => fields.push({ start: from, end: to }));
      const text = latin1(frame);
      const shown = isRaw ? [] : shownBytes(text, codePlaces(text, claims), fields);
      const isShown = Array.from(
        wire.bytes,
        (_, at) => isRaw || at < wire.start || at >= wire.end || shown[at - wire.start] === true,
      );
      hear({
        kind: "frame",
        ...wireText({ bytes: wire.bytes, isShown }),
        byteCount: frame.length,
        claims: claims.map(({ shown }) => withFrame(shown, frame)),
      });
    },
    discarded(reason, byteCount) {
      const bytes = log.drop(byteCount);
      const shown = isRaw && wireText({ bytes, isShown: Array.from(bytes, () => true) });
      hear({ kind: "discarded", reason, byteCount, ...shown });
    },
  };
  const receiveValues = (values: Readonly<Record<string, unknown>>): void => {
    const claims: HeardClaim[] = [];
    profile.decodeValues?.(values, (claim) => claims.push(heardClaim(claim, carriers, isRaw)));
    const shortened = new Map(
      claims.flatMap(({ shown, code = "" }) =>
        shown.kind === "read" && !shown.isMasked ? [[code.toUpperCase(), shown.code]] : [],
      ),
    );
    const show = (text: string): string | undefined => (isRaw ? text : shortened.get(text.toUpperCase()));
    hear({ kind: "values", values: shownValue(values, show), claims: claims.map(({ shown }) => shown) });
  };
  return {
    receive(chunk) {
      if (chunk.kind === "values") return receiveValues(chunk.values);
      if (chunk.kind === "bytes") {
        log.push(chunk.bytes);
        arrivals.count(chunk.bytes);
        return profile.framer?.push(chunk.bytes, sink);
      }
      profile.framer?.reset(sink);
      hear({ kind: "break" });
    },
    arrived: arrivals.arrived,
    rest() {
      const bytes = log.rest();
      return wireText({ bytes, isShown: Array.from(bytes, (byte) => isRaw || isFraming(byte)) });
    },
  };
}

/** What was heard, as lines for a screen. */
export function heardLines(heard: Heard): string[] {
  switch (heard.kind) {
    case "frame":
      return [heard.hex, `  ${heard.text}`, ...heard.claims.map((claim) => `  → ${claimText(claim)}`)];
    case "values":
      return [JSON.stringify(heard.values), ...heard.claims.map((claim) => `  → ${claimText(claim)}`)];
    case "discarded":
      return [
        `${heard.byteCount} bytes discarded: ${heard.reason}`,
        ...(heard.hex === undefined ? [] : [`  ${heard.hex}`, `  ${heard.text ?? ""}`]),
      ];
    case "break":
      return ["the stream broke off"];
  }
}
