import { TextDecoder } from "node:util";
import { latin1 } from "../../lib/bytes.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
const gb18030 = new TextDecoder("gb18030", { fatal: true });
const shiftJis = new TextDecoder("shift_jis", { fatal: true });
const big5 = new TextDecoder("big5", { fatal: true });
const iso2022jp = new TextDecoder("iso-2022-jp", { fatal: true });
const lenient = new TextDecoder("utf-8");
const utf16le = new TextDecoder("utf-16le", { fatal: true });
const utf16be = new TextDecoder("utf-16be", { fatal: true });

/**
 * What the bytes of a label may say, the likeliest first.
 *
 * Nobody tells a scanner which encoding a shipper's printer used. Bytes that are UTF-8 are nothing else, by its make; of
 * others each reading is given that is possible, so that what is sought in any of them is found.
 *
 * Cost:    a look at each byte for each encoding.
 */
export function decodings(bytes: Uint8Array): readonly string[] {
  const plain = latin1(bytes);
  const wide = [...unmarkedUtf16(bytes)].flatMap((decoder) => attempt(decoder, bytes) ?? []);
  if (isAscii(plain)) return [...wide, ...japanese(bytes, plain), plain];
  const unicode = attempt(utf8, bytes) ?? markedUtf16(bytes);
  if (unicode !== undefined) return [unicode, ...wide];
  const { text, lostCount, otherCount } = mended(bytes);
  const isMendable = lostCount <= lostMax && otherCount > 0;
  if (isMendable && otherCount >= sureFor * lostCount) return [text, ...wide];
  const others = [gb18030, shiftJis, big5].flatMap((decoder) => attempt(decoder, bytes) ?? []);
  return [...wide, ...[...others, ...(isMendable ? [text] : []), plain].map(withLost)];
}

/** Beside a digit a control character beyond ASCII, which no printer writes, is one that was lost. */
function withLost(text: string): string {
  return text.replace(/[\x80-\x9f](?=[0-9])|(?<=[0-9])[\x80-\x9f]/g, "\ufffd");
}

/** So many characters may be lost of UTF-8. */
const lostMax = 4;
/**
 * With so many characters beyond ASCII for each that is lost, bytes are UTF-8 and nothing else: of random text in
 * Shift-JIS one in 100,000 looks so, of GB18030 and Big5 none.
 */
const sureFor = 8;

/**
 * UTF-8 in which a byte or two went wrong, or the last character was cut off. The sign for what is lost stays: it is no
 * blank, for a number that lacks a digit is another number.
 */
function mended(bytes: Uint8Array): { readonly text: string; readonly lostCount: number; readonly otherCount: number } {
  const text = lenient.decode(bytes);
  let [lostCount, otherCount] = [0, 0];
  for (let at = 0; at < text.length && lostCount <= lostMax; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0xfffd) lostCount += 1;
    else if (code > 0x7f) otherCount += 1;
  }
  return { text, lostCount, otherCount };
}

/** ISO-2022-JP is ASCII with sequences of ESC in it. */
function japanese(bytes: Uint8Array, plain: string): readonly string[] {
  const text = plain.includes("\x1b$") ? attempt(iso2022jp, bytes) : undefined;
  return text === undefined ? [] : [text];
}

const beyondAscii = /[^\0-\x7e]/;

function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}

function attempt(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function markedUtf16(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return attempt(utf16le, bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return attempt(utf16be, bytes);
  return undefined;
}

/** UTF-16 shows in its NULs, if any character of it is ASCII: they stand all in even places, or all in odd ones. */
function unmarkedUtf16(bytes: Uint8Array): readonly TextDecoder[] {
  if (bytes.length % 2 !== 0 || !bytes.includes(0)) return [];
  let [evenCount, oddCount] = [0, 0];
  for (let at = 0; at < bytes.length; at += 2) {
    if (bytes[at] === 0) evenCount += 1;
    if (bytes[at + 1] === 0) oddCount += 1;
  }
  // A NUL or two in a long text are no UTF-16: there each letter, digit and blank has one.
  if (16 * (evenCount + oddCount) < bytes.length) return [];
  return evenCount > oddCount ? [utf16be] : [utf16le];
}
