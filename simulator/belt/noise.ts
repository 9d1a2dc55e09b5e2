import type { Random } from "./random.ts";

const nul = 0x00;
const stx = 0x02;
const etx = 0x03;
const esc = 0x1b;

function randomBytes(random: Random, count: number, allowed: (byte: number) => boolean): number[] {
  const bytes: number[] = [];
  while (bytes.length < count) {
    const byte = random.between(0, 255);
    if (allowed(byte)) bytes.push(byte);
  }
  return bytes;
}

/**
 * What interference leaves between the frames of a wire on which frames stand between STX and ETX: bytes that begin no
 * frame, or a frame that is never finished.
 */
export function framedNoise(random: Random): Uint8Array {
  const kind = random.between(0, 3);
  if (kind === 0) return Uint8Array.from([nul, nul, nul]);
  if (kind === 1) return Uint8Array.from([esc, ...Buffer.from("[2J", "latin1")]);
  if (kind === 2) return Uint8Array.from([stx, ...Buffer.from(`SF1${random.digits(5)}`, "latin1")]);
  return Uint8Array.from(randomBytes(random, random.between(1, 24), (byte) => byte !== stx && byte !== etx));
}

/**
 * The same for a wire on which each line is a frame: lines that hold what no code holds. A half frame would be a code of
 * its own there, so there is none.
 */
export function lineNoise(random: Random): Uint8Array {
  const kind = random.between(0, 2);
  const line =
    kind === 0
      ? [nul, nul, nul]
      : kind === 1
        ? [esc, ...Buffer.from("[2J", "latin1")]
        : [nul, ...randomBytes(random, random.between(1, 24), (byte) => byte !== 0x0a && byte !== 0x0d)];
  return Uint8Array.from([...line, 0x0d, 0x0a]);
}
