/** AIM identifiers by which a scanner proves that the data are GS1 element strings: FNC1 stood in first position. */
const provenBy: ReadonlySet<string> = new Set(["]C1", "]d2", "]Q3", "]e0", "]J1"]);

/** The first two digits of every application identifier that GS1 has assigned. */
const identifierStarts: ReadonlySet<string> = new Set(
  (
    "00 01 02 03 10 11 12 13 15 16 17 20 21 22 23 24 25 30 31 32 33 34 35 36 37 39 40 41 42 43 " +
    "70 71 72 80 81 82 90 91 92 93 94 95 96 97 98 99"
  ).split(" "),
);

const groupSeparator = "\x1d";

/** Whether the AIM identifier proves GS1 data. The letter's case counts: `]E0` is a product code, `]e0` is GS1. */
export function provesGs1(symbology: string | undefined): boolean {
  return symbology !== undefined && provenBy.has(symbology);
}

/**
 * Whether data that are proven to be GS1 begin as an element string does.
 *
 * Some scanners report `]C1` for plain carrier labels too; those begin with letters or with digits that are no identifier.
 */
export function startsElementString(code: string): boolean {
  return identifierStarts.has(code.slice(0, 2));
}

/**
 * The 18 digits of an element string that is AI 00 and nothing else; their check digit is not looked at.
 *
 * Gives:   undefined for anything else. One separator at the end is legal and ignored.
 */
export function loneSscc(code: string): string | undefined {
  if (code.length !== 20 && !(code.length === 21 && code.endsWith(groupSeparator))) return undefined;
  return code.startsWith("00") ? code.slice(2, 20) : undefined;
}
