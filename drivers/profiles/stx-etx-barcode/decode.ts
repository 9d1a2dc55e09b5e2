import type { Claim } from "../../../src/model/read.ts";
import type { TextMatcher } from "../../framing/index.ts";
import { decodeBarcode } from "../line-barcode/decode.ts";

const cr = 0x0d;
const lf = 0x0a;

/**
 * Decodes what stands between STX and ETX: as a line of a barcode scanner, but for the CR and LF around it.
 *
 * Source:  SICK CLV and Lector place their "terminator" (by default CR LF) before ETX.
 */
export function decodeEnclosedBarcode(
  bytes: Uint8Array,
  start: number,
  end: number,
  texts: { readonly isNoRead: TextMatcher; readonly isHeartbeat: TextMatcher },
): Claim {
  let from = start;
  let to = end;
  while (to > from && isLineEnd(bytes[to - 1])) to -= 1;
  while (from < to && isLineEnd(bytes[from])) from += 1;
  return decodeBarcode(bytes, from, to, texts);
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === cr || byte === lf;
}
