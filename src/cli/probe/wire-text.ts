/** Bytes that were on the wire, and which of them may be shown. */
export interface WireBytes {
  readonly bytes: Buffer;
  /** One entry a byte. */
  readonly isShown: readonly boolean[];
}

/** Longer stretches are cut: the beginning says what is wrong. */
const shownBytesMax = 256;

const hidden = "•";

function character(byte: number): string {
  // The pictures of control characters, so that a CR looks like one and does nothing.
  if (byte < 0x20) return String.fromCodePoint(0x2400 + byte);
  if (byte === 0x7f) return "\u2421";
  return byte < 0x7f ? String.fromCharCode(byte) : "·";
}

const encodings = ["utf-8", "gb18030"] as const;

/** Bytes beyond ASCII as what they may say; undefined if they are ASCII, or text of none of the encodings. */
function decoded(bytes: Buffer, isCut: boolean): string | undefined {
  if (bytes.every((byte) => byte < 0x80)) return undefined;
  for (const encoding of encodings)
    try {
      // A character that is cut off is none of another encoding.
      return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut });
    } catch {
      // Bytes of another encoding.
    }
  return undefined;
}

/**
 * The bytes as hex and as text, a dot for each byte that is not shown.
 *
 * Where all are shown the text is what they say in UTF-8, else in GB18030; else a byte beyond ASCII is a point.
 */
export function wireText({ bytes, isShown }: WireBytes): { hex: string; text: string } {
  const hex: string[] = [];
  let text = "";
  const begin = bytes.subarray(0, shownBytesMax);
  for (const [index, byte] of begin.entries()) {
    const shown = isShown[index] === true;
    hex.push(shown ? byte.toString(16).padStart(2, "0").toUpperCase() : hidden.repeat(2));
    text += shown ? character(byte) : hidden;
  }
  const rest = bytes.length - shownBytesMax;
  const said = isShown.every(Boolean) ? decoded(begin, rest > 0) : undefined;
  if (said !== undefined) text = [...said].map((one) => (one < "\x80" ? character(one.charCodeAt(0)) : one)).join("");
  const more = rest > 0 ? ` … ${rest} more bytes` : "";
  return { hex: hex.join(" ") + more, text: text + more };
}

/** Whether a byte is one that only frames or separates. */
export function isFraming(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}

/** A stretch of a frame. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

const separators = " ,;=:|";

function isSeparator(character: string): boolean {
  return separators.includes(character) || isFraming(character.charCodeAt(0));
}

/**
 * Which bytes of a frame may be shown.
 *
 * Takes:   the frame as latin1; where in it codes stand that may be shown, and where ones that may not; where fields stand
 *          that the profile understands, such as an antenna.
 * Gives:   true for framing, separators, shown codes and such fields; false for all else: it might be data of a person.
 */
export function shownBytes(
  frame: string,
  codes: readonly (Stretch & { readonly isShown: boolean })[],
  fields: readonly Stretch[],
): boolean[] {
  const shown = Array.from(frame, isSeparator);
  for (const { start, end } of fields) shown.fill(true, start, end);
  for (const { start, end, isShown } of codes) shown.fill(isShown, start, end);
  // A control character says nothing about a person, and much about a wrong setting.
  return shown.map((isShown, index) => isShown || isFraming(frame.charCodeAt(index)));
}
