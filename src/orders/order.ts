import { isTicket, type Subject, subjectOf } from "../control/index.ts";
import { jsonFault } from "../lib/json-fault.ts";
import { limits } from "../model/limits.ts";

/** An order of the centre to one gateway, checked for its form. */
export interface Order {
  readonly site: string;
  readonly gateway: string;
  /** Counts up with each order that is signed for this gateway; from 1. */
  readonly order: number;
  /** RFC 3339; it is not carried out from then on. Absent: it is for ever. */
  readonly notAfter?: string;
  /** The name of a ticket. */
  readonly reason: string;
  /** Whose events are erased; one or more. */
  readonly erase: readonly Subject[];
}

/** What came of reading the text of an order. */
export type ReadOrder =
  | { readonly ok: true; readonly order: Order }
  /**
   * The sentence names the member and what is allowed, and never what was found: it may be a person's. `stray` is the name
   * of a member that no order has, masked: for who wrote it, and for no log.
   */
  | { readonly ok: false; readonly sentence: string; readonly stray?: string };

const members = ["site", "gateway", "order", "notAfter", "reason", "erase"] as const;
type Members = Readonly<Record<(typeof members)[number], unknown>>;

/** RFC 3339 with its zone. */
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

const isName = (value: unknown): value is string => typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value);

const isNumber = (value: number): boolean => value >= 1 && value <= limits.orderNumberMax;
const numberAllowed = `a whole number from 1 to ${limits.orderNumberMax}; the next one that was not used for this gateway yet`;

/** What is wrong with one member; each says what is allowed. */
const faults: readonly (readonly [member: keyof Members, isWrong: (value: unknown) => boolean, allowed: string])[] = [
  ["site", (value) => !isName(value), "the site of the gateway, as in its config"],
  ["gateway", (value) => !isName(value), "the id of the gateway, as in its config"],
  ["order", (value) => !(Number.isSafeInteger(value) && isNumber(value as number)), numberAllowed],
  [
    "notAfter",
    (value) =>
      value !== undefined && !(typeof value === "string" && instant.test(value) && !Number.isNaN(Date.parse(value))),
    'a time, for example "2027-12-31T00:00:00Z", or none',
  ],
  [
    "reason",
    (value) => !(typeof value === "string" && isTicket(value)),
    'the name of a ticket, one word without a long number, for example "TICKET-4711"',
  ],
  [
    "erase",
    (value) => !Array.isArray(value) || value.length === 0 || value.length > limits.orderSubjectsMax,
    `a list of 1 to ${limits.orderSubjectsMax} tokens and numbers`,
  ],
];

/** Enough to find a slip of the pen by; digits and other scripts may be somebody's number or name. */
const masked = (name: string): string => {
  const letters = name.replace(/[^A-Za-z_-]/gu, "*");
  return letters.length > strayMax ? `${letters.slice(0, strayMax)}…` : letters;
};
const strayMax = 24;

const wrong = (sentence: string): ReadOrder => ({ ok: false, sentence });

/**
 * Proves the JSON text of an order.
 *
 * Fails:   never.
 */
export function readOrderText(text: string): ReadOrder {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong(`it is no JSON${jsonFault(text)}; allowed: one JSON object`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return wrong("it is no JSON object; allowed: one JSON object");
  const unknown = Object.keys(value).find((name) => !members.some((member) => member === name));
  if (unknown !== undefined)
    return {
      ok: false,
      sentence: `it has a member that no order has; allowed: ${members.join(", ")}`,
      stray: masked(unknown),
    };
  const given = value as Members;
  const fault = faults.find(([member, isWrong]) => isWrong(given[member]));
  if (fault !== undefined) return wrong(`${fault[0]} is missing or of another form; allowed: ${fault[2]}`);
  const subjects = (given.erase as unknown[]).map((one) => (typeof one === "string" ? subjectOf(one) : undefined));
  const stray = subjects.indexOf(undefined);
  if (stray !== -1)
    return wrong(
      `erase: number ${stray + 1} of the list is neither a token nor a number; allowed: each as it stands in events (data.token, data.tokens, data.code), in quotes`,
    );
  return { ok: true, order: { ...(given as unknown as Order), erase: subjects as Subject[] } };
}
