const characterCount = 20;
const characterBits = 7;

/** GS1's AI encodable character set 82, in which alphanumeric serial numbers are written. */
const character82 = /^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]$/;

/** Characters of that set that mean something else in a URI. */
const reserved = /["%&/<>?]/g;

/**
 * Reads an alphanumeric serial: 20 characters of seven bits, filled up with zeros.
 *
 * Gives:   undefined if it is empty, if a character is not of set 82, or if anything but zeros follows its end.
 * Source:  GS1 EPC Tag Data Standard 1.13 §14.4, the "String" method.
 */
export function serialOf(value: bigint, bitCount: number, start: number): string | undefined {
  let serial = "";
  let shift = bitCount - start;
  for (let index = 0; index < characterCount; index++) {
    shift -= characterBits;
    const code = Number((value >> BigInt(shift)) & 0x7fn);
    if (code === 0) {
      shift += characterBits;
      break;
    }
    const character = String.fromCharCode(code);
    if (!character82.test(character)) return undefined;
    serial += character;
  }
  const rest = value & ((1n << BigInt(shift)) - 1n);
  return serial === "" || rest !== 0n ? undefined : serial;
}

/** Percent-escapes what a URI cannot hold: `32a/b` becomes `32a%2Fb`. */
export function escapeSerial(serial: string): string {
  return serial.replace(reserved, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
