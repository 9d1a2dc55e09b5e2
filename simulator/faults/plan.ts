import { createRandom, type Random } from "../belt/random.ts";

/** A stretch of simulated time in which something is as it should not be. */
export interface Phase<Kind extends string> {
  readonly kind: Kind;
  readonly fromMs: number;
  readonly toMs: number;
}

export type BrokerTrouble = "down" | "refuses" | "hangs" | "silent" | "quota";
export type DiskTrouble = "full" | "slow";
export type Ending = "kill" | "stop" | "break-before" | "break-after";

/** How one broker and the way to it behave. */
export interface BrokerPlan {
  readonly name: string;
  readonly inFlightMax: number;
  readonly receiveMax: number;
  readonly packetBytesMax: number;
  readonly knowsMqtt5: boolean;
  readonly ackMsMax: number;
  readonly phases: readonly Phase<BrokerTrouble>[];
  /** How often an acknowledgement gets lost, per publish. */
  readonly lostAck: number;
  /** How often the connection breaks, per publish: the broker has the event or has it not. */
  readonly broken: number;
  /** How often another client takes our place, per publish. */
  readonly takenOver: number;
  /** Of these kinds it will never take an event. */
  readonly refusedForGood: readonly string[];
}

export interface PointPlan {
  readonly name: string;
  readonly departMs: number;
  readonly passMaxMs: number;
  readonly emit: "first" | "pass" | "both";
  readonly readsMin: number;
}

export interface DevicePlan {
  readonly name: string;
  readonly point: string;
  /** How long it is silent after it was connected. */
  readonly warmUpMs: number;
  /** How often it says something that is no code, per read. */
  readonly noise: number;
  readonly hangUps: readonly Phase<"hung-up">[];
}

/** All that is drawn beforehand for one history. What happens within it is drawn as it comes, from the same seed. */
export interface Plan {
  readonly seed: number;
  /** When trouble ends. */
  readonly healAtMs: number;
  readonly brokers: readonly BrokerPlan[];
  readonly points: readonly PointPlan[];
  readonly devices: readonly DevicePlan[];
  readonly parcelEveryMs: number;
  /** Bytes that the ledger may hold. */
  readonly bytesMax: number;
  readonly retainMs: number;
  readonly whenFull: "drop-oldest" | "drop-newest" | "stop-reading";
  readonly uncommittedMax: number;
  readonly heldEventsMax: number;
  readonly diskPhases: readonly Phase<DiskTrouble>[];
  /** How the process ends, each time: at which step, counted from its start. */
  readonly endings: readonly { readonly kind: Ending; readonly afterStep: number; readonly downMs: number }[];
  readonly clockJumps: readonly { readonly atMs: number; readonly byMs: number }[];
  readonly rotations: readonly number[];
  readonly commitMsMax: number;
  readonly sweepMs: number;
}

/** Each part of a history draws from a stream of its own, so that one part does not shift the draws of another. */
export function streamOf(seed: number, part: string): Random {
  let mixed = seed >>> 0;
  for (const letter of part) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return createRandom(Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0);
}

function phases<Kind extends string>(
  random: Random,
  endMs: number,
  kinds: readonly Kind[],
  most: number,
): Phase<Kind>[] {
  const count = kinds.length === 0 ? 0 : random.between(0, most);
  return Array.from({ length: count }, () => {
    const fromMs = random.between(0, endMs);
    return { kind: random.pick(kinds), fromMs, toMs: Math.min(endMs, fromMs + random.between(20, 12_000)) };
  });
}

/** Some of the troubles, or none: what comes alone is found sooner than what is drowned by everything else. */
function some<Item>(random: Random, items: readonly Item[]): Item[] {
  const share = random.pick([0, 0.3, 1]);
  return items.filter(() => random.chance(share));
}

function drawBroker(random: Random, name: string, endMs: number): BrokerPlan {
  const rarely = (): number => (random.chance(0.3) ? random.pick([0.005, 0.02, 0.1]) : 0);
  return {
    name,
    inFlightMax: random.pick([1, 2, 5, 16, 256]),
    receiveMax: random.pick([1, 2, 3, 8, 65_535, 65_535]),
    packetBytesMax: random.chance(0.1) ? 2_000 : 268_435_455,
    knowsMqtt5: random.chance(0.85),
    ackMsMax: random.pick([1, 10, 100]),
    phases: phases(random, endMs, some<BrokerTrouble>(random, ["down", "refuses", "hangs", "silent", "quota"]), 4),
    lostAck: rarely(),
    broken: rarely(),
    takenOver: rarely() / 4,
    refusedForGood: random.chance(0.15) ? [random.pick(["read", "epoch", "gap", "device"])] : [],
  };
}

function drawPoint(random: Random, name: string): PointPlan {
  const departMs = random.between(150, 1_200);
  return {
    name,
    departMs,
    passMaxMs: departMs + random.pick([300, 2_000, 30_000]),
    emit: random.pick(["first", "first", "pass", "both"]),
    readsMin: random.pick([1, 1, 1, 2, 3]),
  };
}

function drawEndings(random: Random): Plan["endings"] {
  const kinds = some<Ending>(random, ["kill", "stop", "break-before", "break-after"]);
  const count = kinds.length === 0 ? 0 : random.between(0, 4);
  return Array.from({ length: count }, () => ({
    kind: random.pick(kinds),
    afterStep: random.pick([random.between(1, 60), random.between(1, 3_000)]),
    downMs: random.pick([5, 100, 2_000]) * (1 + random.fraction()),
  }));
}

const dayMs = 86_400_000;

export function drawPlan(seed: number): Plan {
  const random = streamOf(seed, "plan");
  const healAtMs = random.between(2_000, 25_000);
  const brokerCount = random.pick([1, 1, 2]);
  const pointCount = random.pick([1, 1, 2]);
  const isSmall = random.chance(0.3);
  const points = Array.from({ length: pointCount }, (_, index) => drawPoint(random, `tunnel-${index + 1}`));
  return {
    seed,
    healAtMs,
    points,
    brokers: Array.from({ length: brokerCount }, (_, index) => drawBroker(random, `broker-${index + 1}`, healAtMs)),
    devices: Array.from({ length: random.between(pointCount, 3) }, (_, index) => ({
      name: `scanner-${index + 1}`,
      point: points[index % pointCount]!.name,
      warmUpMs: random.chance(0.3) ? random.between(0, 9_000) : 0,
      noise: random.chance(0.5) ? 0.2 : 0,
      hangUps: random.chance(0.4) ? phases(random, healAtMs, ["hung-up"], 3) : [],
    })),
    parcelEveryMs: random.pick([100, 300, 1_000]),
    // A ledger has room for several of its largest commits.
    bytesMax: isSmall ? random.between(40_000, 100_000) : 100_000_000,
    retainMs: random.chance(0.2) ? random.between(1_000, 10_000) : 30 * dayMs,
    whenFull: random.pick(["drop-oldest", "drop-newest", "stop-reading"]),
    uncommittedMax: isSmall || random.chance(0.2) ? random.between(2, 20) : 20_000,
    heldEventsMax: random.chance(0.5) ? random.between(1, 4) : 256,
    diskPhases: phases(random, healAtMs, some<DiskTrouble>(random, ["full", "slow"]), 3),
    endings: drawEndings(random),
    clockJumps: random.chance(0.25)
      ? [{ atMs: random.between(0, healAtMs), byMs: random.pick([-400 * dayMs, -5_000, 5_000, 60 * dayMs]) }]
      : [],
    rotations: random.chance(0.2) ? [random.between(0, healAtMs)] : [],
    commitMsMax: random.pick([1, 5, 30]),
    sweepMs: random.pick([20, 50]),
  };
}
