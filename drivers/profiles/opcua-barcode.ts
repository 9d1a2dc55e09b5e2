import { bytesOf } from "../../src/lib/bytes.ts";
import { startsPicture } from "../../src/model/code/picture.ts";
import { limits } from "../../src/model/limits.ts";
import type { Claim } from "../../src/model/read.ts";

/** What scanners and PLCs write where a code should stand, if there was none; compared in lower case. */
const noReadTexts: ReadonlySet<string> = new Set(["noread", "no read", "no-read", "no_read", "error", "no code!", "?"]);

/** The longest of them, so that a long code is not compared. */
const noReadLengthMax = 8;

/** Controls are part of no printed code, but for those between fields (EOT, FS to US), tab and line breaks. */
const allowedControls: ReadonlySet<number> = new Set([0x04, 0x09, 0x0a, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f]);
const isControl = (byte: number): boolean => byte === 0x7f || (byte < 0x20 && !allowedControls.has(byte));

/** A text's bytes: latin1 where that holds it, as for codes from a wire; else UTF-8. */
function bytesOfText(text: string): Uint8Array {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0xff) return Buffer.from(text, "utf8");
  return bytesOf(text);
}

/** Bytes that PLCs fill up a field with, and line endings. */
const isPadding = (byte: number): boolean => byte === 0 || byte === 0x0d || byte === 0x0a;

const identifier = /^\][A-Za-z][0-9A-Za-z]/;

/** Whether a text is an AIM symbology identifier and nothing else (ISO/IEC 15424). */
export function isIdentifier(text: unknown): text is string {
  return typeof text === "string" && text.length === 3 && identifier.test(text);
}

/**
 * Makes one claim of a printed code that came as a value, not as a frame.
 *
 * Takes:   the code; the identifier that the reader told beside it, if any. One that stands in the code counts more.
 * Gives:   a no-read if there is no code; a read without padding and without the identifier otherwise.
 * Fails:   never.
 */
export function barcodeClaim(code: string | Uint8Array, toldSymbology?: string): Claim {
  if (code.length > limits.frameBytesMax) return { kind: "malformed", reason: "too-long" };
  const bytes = typeof code === "string" ? bytesOfText(code) : code;
  let end = bytes.length;
  while (end > 0 && isPadding(bytes[end - 1] as number)) end -= 1;
  const head = Buffer.from(bytes.subarray(0, 3)).toString("latin1");
  const inCode = end >= 3 && identifier.test(head) ? head : undefined;
  const start = inCode === undefined ? 0 : 3;
  if (start === end) return { kind: "no-read", medium: "barcode" };
  if (end - start <= noReadLengthMax) {
    const text = Buffer.from(bytes.subarray(start, end)).toString("latin1").trim().toLowerCase();
    if (text === "" || noReadTexts.has(text)) return { kind: "no-read", medium: "barcode" };
  }
  if (end - start > limits.codeBytesMax) return { kind: "malformed", reason: "too-long" };
  // The guard refuses a picture as what it is.
  const mayControl = startsPicture(bytes, start, end);
  for (let at = start; at < end; at += 1)
    if (!mayControl && isControl(bytes[at] as number)) return { kind: "malformed", reason: "bad-code" };
  return { kind: "read", bytes, start, end, medium: "barcode", symbology: inCode ?? toldSymbology };
}
