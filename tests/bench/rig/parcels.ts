/** Parcels of a benchmark are waybills that count up, so that a subscriber knows each by its number. */
const prefix = Buffer.from("SF1");
const digits = 12;

/** Bytes of one line on the wire: code, CR, LF. */
export const lineBytes = prefix.length + digits + 2;

/** The lines of `count` parcels from number `first` on, each read `copies` times in a row of rounds. */
export function linesOf(first: number, count: number, copies = 1): Buffer {
  const bytes = Buffer.allocUnsafe(count * copies * lineBytes);
  for (let n = 0; n < count * copies; n += 1)
    bytes.write(`SF1${String(first + (n % count)).padStart(digits, "0")}\r\n`, n * lineBytes, "latin1");
  return bytes;
}

/** The number of the parcel whose code stands somewhere in a payload; -1 if there is none. */
export function parcelIn(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(prefix, start);
  if (at < 0 || at + prefix.length + digits > end) return -1;
  let number = 0;
  for (let index = at + prefix.length; index < at + prefix.length + digits; index += 1) {
    const digit = bytes[index]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
