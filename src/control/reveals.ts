import { createHmac, randomBytes } from "node:crypto";
import type { SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { EpochMs } from "../model/units.ts";
import type { GatewayView } from "./port.ts";
import type { RevealStatus } from "./status.ts";

/** Who is given numbers, as `cleanWho` leaves it. */
export interface Principal {
  readonly by: string;
  readonly uid: string;
}

/** Counts the numbers in clear that leave by the control socket, by who asks and UTC day. */
export interface Reveals {
  /** Counts what these events give away. To be called before they leave. */
  count(principal: Principal, events: readonly SealedEvent[]): void;
  /** What somebody was given today, once it is more than `reveals_max`; undefined until then. */
  over(principal: Principal): RevealStatus | undefined;
  /** All of whom that is so, today. */
  all(): readonly RevealStatus[];
}

export interface RevealsOptions {
  /** Different numbers for one principal in one UTC day; 0: nothing is counted. */
  readonly max: number;
  readonly alarm: GatewayView["alarm"];
  readonly tell: Tell;
  readonly nowMs: () => EpochMs;
}

interface Tally extends Principal {
  /** Up to `max`: different numbers. Beyond: each number that is given counts again. */
  count: number;
  /** Hashes of the numbers that were given; empty once there are more than `max`. */
  readonly known: Set<number>;
}

/** Who comes when there are too many principals shares one tally with all who have no name. */
const nameless: Principal = { by: "unknown", uid: "unknown" };

/**
 * Makes the counters. They live in memory: a restart begins anew, and so does each UTC day.
 *
 * Takes:  names that are the client's own word.
 * Cost:   at most `limits.revealPrincipalsMax` times `max` hashes of 48 bits, under a key that is never written; the
 *         chance that one number in 10,000 is taken for another is below one in a million.
 * Fails:  never. Once a day and principal it tells a notice and an alarm, with no number of a parcel in them.
 */
export function createReveals({ max, alarm, tell, nowMs }: RevealsOptions): Reveals {
  const key = randomBytes(32);
  const tallies = new Map<string, Tally>();
  let day = "";

  const nameOf = ({ by, uid }: Principal): string => `${uid} ${by}`;
  const hashOf = (code: string): number => createHmac("sha256", key).update(code).digest().readUIntBE(0, 6);
  const statusOf = ({ by, uid, count }: Tally): RevealStatus => ({ by, uid, count, max, day });
  const isOver = ({ count }: Tally): boolean => count > max;

  /** What was counted on another day is forgotten. */
  const beginDay = (): void => {
    const today = new Date(nowMs()).toISOString().slice(0, 10);
    if (today !== day) tallies.clear();
    day = today;
  };

  /** Under whose name somebody is counted. */
  const counted = (principal: Principal): Principal =>
    tallies.has(nameOf(principal)) || tallies.size < limits.revealPrincipalsMax ? principal : nameless;

  const tallyOf = (principal: Principal): Tally => {
    const { by, uid } = counted(principal);
    const tally = tallies.get(nameOf({ by, uid })) ?? { by, uid, count: 0, known: new Set<number>() };
    tallies.set(nameOf(tally), tally);
    return tally;
  };

  const raise = (tally: Tally): void => {
    const { by, uid, count } = tally;
    alarm("reveals", { by, uid, count, day });
    tell({
      name: "control/revealed",
      level: "warn",
      message: `${by} (uid ${uid}) was given more than ${max} different numbers of parcels on ${day}. Try: ask why; the audit events queue-export and queue-verify tell when`,
      fields: { by, uid, count, day },
    });
  };

  const add = (tally: Tally, code: string): void => {
    if (isOver(tally)) {
      tally.count += 1;
      return;
    }
    tally.count = tally.known.add(hashOf(code)).size;
    if (!isOver(tally)) return;
    tally.known.clear();
    raise(tally);
  };

  return {
    count(principal, events) {
      if (max === 0) return;
      beginDay();
      const codes = events.map(codeOf).filter((code) => code !== undefined);
      if (codes.length === 0) return;
      const tally = tallyOf(principal);
      for (const code of codes) add(tally, code);
    },
    over(principal) {
      beginDay();
      const tally = tallies.get(nameOf(counted(principal)));
      return tally !== undefined && isOver(tally) ? statusOf(tally) : undefined;
    },
    all() {
      beginDay();
      return [...tallies.values()].filter(isOver).map(statusOf);
    },
  };
}

/** The number in clear that an event gives away; undefined if it gives none. */
function codeOf({ kind, bytes }: SealedEvent): string | undefined {
  if (kind !== "read" && kind !== "pass") return undefined;
  try {
    const event = JSON.parse(Buffer.from(bytes).toString("utf8")) as { data?: { code?: unknown } } | null;
    const code = event?.data?.code;
    return typeof code === "string" ? code : undefined;
  } catch {
    // A damaged event: what is in it is not to be told from junk.
    return undefined;
  }
}
