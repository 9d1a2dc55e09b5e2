import type { StoredEvent } from "../ledger/index.ts";
import type { Subject } from "./messages.ts";

const kinds: ReadonlySet<string> = new Set(["read", "pass", "noread"]);

/** Whether an event tells of a parcel, and so may tell of a person. */
export const tellsOfParcel = ({ kind }: Pick<StoredEvent, "kind">): boolean => kinds.has(kind);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The `data` of an event; undefined if its bytes are none. */
function dataOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const event: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isRecord(event) && isRecord(event.data) ? event.data : undefined;
  } catch {
    return undefined;
  }
}

const tokensOf = ({ token, tokens }: Readonly<Record<string, unknown>>): unknown[] => [
  token,
  ...(Array.isArray(tokens) ? tokens.map((one: unknown) => (isRecord(one) ? one.token : undefined)) : []),
];

/** With more texts to look for than this, it takes less time to parse each event. */
const needlesMax = 16;

/**
 * Whether an event bears one of the tokens or numbers.
 *
 * Cost:    of few subjects a search over its bytes, and what seems to bear one is parsed; of many, each is parsed: 4 µs.
 */
export function createBears(subjects: readonly Subject[]): (bytes: Uint8Array) => boolean {
  // A scanner may give a number in capitals or in small letters: the parcel is the same.
  const codes = new Set<unknown>(
    subjects.flatMap(({ kind, value }) => (kind === "code" ? [value, value.toUpperCase(), value.toLowerCase()] : [])),
  );
  const tokens = new Set<unknown>(subjects.flatMap((one) => (one.kind === "token" ? [one.value] : (one.tokens ?? []))));
  const needles = [...codes, ...tokens].map((text) => Buffer.from(JSON.stringify(text)));
  const mayBear = (text: Buffer): boolean =>
    needles.length > needlesMax || needles.some((needle) => text.includes(needle));
  return (bytes) => {
    if (!mayBear(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) return false;
    const data = dataOf(bytes);
    return data !== undefined && (codes.has(data.code) || tokensOf(data).some((token) => tokens.has(token)));
  };
}

const passMark = Buffer.from('"passId":"');
const passIdMax = 64;

/** The pass of which an event tells; undefined if it names none. A text from a label cannot look like it: its quotes are escaped. */
export function passOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = text.indexOf(passMark);
  if (at === -1) return undefined;
  const start = at + passMark.length;
  const end = text.indexOf('"', start);
  return end === -1 || end > start + passIdMax ? undefined : text.toString("latin1", start, end);
}

/** What stands in the canonical bytes of an event that holds core data in some form. */
const coreMarks = ['"masked":[', '"sealed":{', '"tokens":['].map((mark) => Buffer.from(mark));
const unknownMark = Buffer.from('"codeClass":"unknown"');
const tokenMark = Buffer.from('"token":"');

/** Whether an event holds core data of a person: as a mask, a token or a sealed blob, or a token of a text of unknown meaning. */
export function holdsCore(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return coreMarks.some((mark) => text.includes(mark)) || (text.includes(unknownMark) && text.includes(tokenMark));
}
