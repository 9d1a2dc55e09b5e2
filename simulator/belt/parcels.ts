import type { Expected } from "../truth.ts";
import { framedNoise, lineNoise } from "./noise.ts";
import { printPersonalLabel } from "./personal-label.ts";
import { createRandom, type Random } from "./random.ts";
import { encodeTag } from "./tags.ts";
import { type PrintedCode, printWaybill } from "./waybills.ts";

export type ScannerName = "scanner-1" | "scanner-2";

/** Bytes that a scanner sends at a moment. */
export interface Emission {
  /** Milliseconds since the belt started. */
  readonly atMs: number;
  readonly scanner: ScannerName;
  readonly bytes: Uint8Array;
  /** A frame that holds a code or a no-read; else a heartbeat or noise. */
  readonly isRead: boolean;
  /** What must come of it. Repeats of one code hold the same object. */
  readonly expected?: Expected;
}

/** A tag in the reader's field, from `atMs` to `untilMs`. */
export interface TagPass {
  readonly epcHex: string;
  readonly atMs: number;
  readonly untilMs: number;
  readonly expected: Expected;
}

export interface Parcel {
  readonly number: number;
  readonly atMs: number;
  readonly emissions: readonly Emission[];
  readonly tag?: TagPass;
}

export interface BeltSettings {
  readonly seed: number;
  readonly parcelsPerSecond: number;
  readonly readPoint: string;
}

/** Shares of parcels and of moments; each from 0 to 1. */
const shares = { noRead: 0.03, noReadOfBoth: 0.02, personal: 0.08, tagged: 0.6, noise: 0.2 };

const heartbeatEveryMs = 2_000;

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Scanner 1 ends each frame with CR LF; scanner 2 puts it between STX and ETX. */
const frames: Readonly<Record<ScannerName, (text: string) => Uint8Array>> = {
  "scanner-1": (text) => latin1(`${text}\r\n`),
  "scanner-2": (text) => latin1(`\u0002${text}\u0003`),
};

const noises: Readonly<Record<ScannerName, (random: Random) => Uint8Array>> = {
  "scanner-1": lineNoise,
  "scanner-2": framedNoise,
};

/** A code on a parcel, and what must come of it, whichever scanner sees it first. */
interface Printed {
  readonly code: PrintedCode;
  readonly expected: Expected;
}

/** The frames of one code at one scanner: two to five, a few milliseconds apart. */
function readings(
  random: Random,
  scanner: ScannerName,
  fromMs: number,
  code: PrintedCode,
  expected: Expected,
): Emission[] {
  const bytes = frames[scanner](code.symbology + code.text);
  const spacingMs = random.between(4, 16);
  return Array.from({ length: random.between(2, 5) }, (_, index) => ({
    atMs: fromMs + index * spacingMs,
    scanner,
    bytes,
    isRead: true,
    expected,
  }));
}

/**
 * The parcels of a belt with everything that the devices say of them.
 *
 * Gives:  parcel after parcel, without end; the same ones for the same settings.
 */
export function createBelt({ seed, parcelsPerSecond, readPoint }: BeltSettings): { next(): Parcel } {
  const random = createRandom(seed);
  let number = 0;
  let atMs = 0;
  let heartbeatAtMs = 0;

  const scan = (scanner: ScannerName, fromMs: number, printed: readonly Printed[]): Emission[] =>
    printed.flatMap(({ code, expected }, index) => readings(random, scanner, fromMs + 3 * index, code, expected));

  const miss = (scanner: ScannerName, fromMs: number): Emission[] => [
    {
      atMs: fromMs,
      scanner,
      bytes: frames[scanner]("NoRead"),
      isRead: true,
      expected: { kind: "no-read", readPoint, parcel: number, device: scanner },
    },
  ];

  const labels = (): Printed[] => {
    const code = printWaybill(random);
    const waybill: Printed = { code, expected: { kind: "read", readPoint, parcel: number, code: code.code } };
    if (!random.chance(shares.personal)) return [waybill];
    const label = printPersonalLabel(random);
    const { secrets } = label;
    return [
      waybill,
      { code: label, expected: { kind: "token", readPoint, parcel: number, length: label.text.length, secrets } },
    ];
  };

  const tagOf = (): TagPass | undefined => {
    if (!random.chance(shares.tagged)) return undefined;
    const epcHex = encodeTag(random);
    const fromMs = atMs + random.between(0, 100);
    const expected: Expected = { kind: "read", readPoint, parcel: number, code: epcHex };
    return { epcHex, atMs: fromMs, untilMs: fromMs + random.between(300, 700), expected };
  };

  const asides = (): Emission[] => {
    const emissions: Emission[] = [];
    for (const scanner of ["scanner-1", "scanner-2"] as const) {
      if (random.chance(shares.noise))
        emissions.push({ atMs: atMs + random.between(0, 150), scanner, bytes: noises[scanner](random), isRead: false });
      if (atMs >= heartbeatAtMs)
        emissions.push({
          atMs: atMs + random.between(0, 150),
          scanner,
          bytes: frames[scanner]("HEARTBEAT"),
          isRead: false,
        });
    }
    if (atMs >= heartbeatAtMs) heartbeatAtMs = atMs + heartbeatEveryMs;
    return emissions;
  };

  return {
    next() {
      number += 1;
      atMs += (1_000 / parcelsPerSecond) * (0.6 + 0.8 * random.fraction());
      const printed = labels();
      const missedByBoth = random.chance(shares.noReadOfBoth);
      const secondAtMs = atMs + random.between(3, 100);
      const first = missedByBoth || random.chance(shares.noRead);
      const second = missedByBoth || random.chance(shares.noRead);
      const tag = tagOf();
      const emissions = [
        ...(first ? miss("scanner-1", atMs) : scan("scanner-1", atMs, printed)),
        ...(second ? miss("scanner-2", secondAtMs) : scan("scanner-2", secondAtMs, printed)),
        ...asides(),
      ];
      return { number, atMs, emissions, ...(tag === undefined ? {} : { tag }) };
    },
  };
}
