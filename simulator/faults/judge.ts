import type { X509Certificate } from "node:crypto";
import { createVerifier } from "../../src/seal/index.ts";
import type { World } from "./history.ts";
import type { Committed } from "./truth.ts";

interface EventData {
  readonly code?: string;
  readonly codeClass?: string;
  readonly passId?: string;
  readonly reason?: string;
  readonly from?: string;
  readonly to?: string;
  readonly count?: number;
  readonly readPoint?: string;
  readonly clock?: { readonly boot: string; readonly monotonicMs: number };
}

interface Parsed extends Committed {
  readonly data: EventData;
  /** Kind and data as they were handed over. */
  readonly draft: string;
}

const dataStart = '{"data":'.length;
const dataEnd = ',"datacontenttype":"application/json","id":"';

function parse(event: Committed): Parsed {
  const text = event.bytes.toString("utf8");
  const data = text.slice(dataStart, text.indexOf(dataEnd));
  return { ...event, data: JSON.parse(data) as EventData, draft: `${event.kind} ${data}` };
}

/** Judges a history that has come to its end; its chain too, if it is said whom to trust. */
export function judge(world: World, trust: readonly X509Certificate[] | undefined): void {
  const events = world.truth.committed.map(parse);
  judgeDelivery(world, events);
  judgeAcceptance(world, events);
  judgePassIds(world, events);
  judgePasses(world, events);
  if (trust !== undefined) judgeChain(world, trust);
}

/** Each event is at each broker, or in its list of refused ones, or it is gone and the chain says so. */
function judgeDelivery({ truth, disk, plan, runs }: World, events: readonly Parsed[]): void {
  // What comes up during the last stop is on disk, and waits for a start that no longer comes.
  const stopAtMs = runs.at(-1)?.stoppingSinceMs ?? Number.POSITIVE_INFINITY;
  const lateFrom = truth.committed.find(({ atMs }) => atMs > stopAtMs)?.sequence ?? Number.POSITIVE_INFINITY;
  const ranges = (kind: string): (readonly [number, number])[] =>
    events
      .filter((event) => event.kind === kind && /^\d+$/.test(event.data.from ?? ""))
      .map(({ data }) => [Number(data.from), Number(data.to)]);
  const gaps = ranges("gap");
  const purges = ranges("purge");
  const isIn = (all: readonly (readonly [number, number])[], sequence: number): boolean =>
    all.some(([from, to]) => from <= sequence && sequence <= to);
  for (let sequence = 1; sequence <= truth.destroyedTo; sequence += 1)
    if (!isIn(purges, sequence)) truth.violate("purge", `event ${sequence} is gone and no purge says so`);
  for (const { name } of plan.brokers) {
    const refused = new Set(disk.refused(name).map(({ sequence }) => sequence));
    for (const { sequence } of events) {
      const receivedCount = truth.receipts.get(name)?.get(sequence)?.receivedCount ?? 0;
      if (receivedCount > 0) continue;
      if (truth.isDone(name, sequence)) {
        if (!refused.has(sequence) && sequence > truth.destroyedTo && sequence < lateFrom)
          truth.violate("refused", `event ${sequence} was refused by ${name} and is not in its list`);
      } else if (sequence < lateFrom && (sequence > truth.destroyedTo || !isIn(gaps, sequence)))
        truth.violate("delivered", `${name} never got event ${sequence}, and no gap says so`);
    }
  }
}

/** What was told to be durable is in the chain, or the chain says how much found no room. */
function judgeAcceptance({ truth, runs, endings, plan }: World, events: readonly Parsed[]): void {
  for (const [run, process] of runs.entries()) {
    const left = new Map<string, number>();
    let toldLost = 0;
    for (const event of events) {
      if (event.run !== run) continue;
      left.set(event.draft, (left.get(event.draft) ?? 0) + 1);
      const { reason, from, count } = event.data;
      if (event.kind === "gap" && reason === "queue-full" && from?.includes("T") === true) toldLost += count ?? 0;
    }
    const { drafts, toldCount } = process.handedOver();
    let missing = 0;
    for (const draft of drafts.slice(0, toldCount)) {
      const count = left.get(draft) ?? 0;
      if (count === 0) missing += 1;
      else left.set(draft, count - 1);
    }
    // What found no room is forgotten with the process if that was killed, or if not even the gap found room.
    const wasNoRoom = plan.diskPhases.some(({ kind }) => kind === "full");
    const mayForget = plan.whenFull === "drop-newest" && (endings[run] !== "stopped" || wasNoRoom);
    if (missing > toldLost && !mayForget)
      truth.violate(
        "accepted",
        `run ${run}: ${missing} events are not there that were told to be, ${toldLost} by gaps`,
      );
  }
}

/** One pass has one event of each kind. */
function judgePassIds({ truth }: World, events: readonly Parsed[]): void {
  const seen = new Set<string>();
  for (const { kind, data, sequence } of events) {
    if (kind !== "read" && kind !== "pass") continue;
    const key = `${kind} ${data.passId}`;
    if (seen.has(key)) truth.violate("one-event", `event ${sequence} is a second ${key}`);
    seen.add(key);
  }
}

interface PassSeen {
  readonly device: number;
  readonly fromMs: number;
  toMs: number;
  run: number;
}

/** The window counts in eighths of a millisecond: what is nearer than that to its bound may count either way. */
const tickMs = 1 / 8;

/** Reads of a code that belong together, over crashes too: the parcel stood there all the time. */
function passesSeen(world: World): Map<string, PassSeen[]> {
  const { plan, delivered, runs, endedAtMs } = world;
  const departMs = new Map(plan.points.map((point) => [point.name, point.departMs]));
  const passes = new Map<string, PassSeen[]>();
  for (const { point, code, device, run, atMs } of delivered) {
    const key = `${point} ${code}`;
    const known = passes.get(key) ?? [];
    const last = known.at(-1);
    const depart = departMs.get(point)!;
    let goesOn = last !== undefined && last.run === run && atMs - last.toMs < depart - tickMs;
    // Across a restart only where nothing else explains a second event: its own scanner reads it on, from the first word.
    if (last !== undefined && run === last.run + 1) {
      const wasOpen = endedAtMs[last.run]! - last.toMs < depart;
      const heardMs = runs[run]!.firstHeardMs(device) ?? atMs;
      goesOn = wasOpen && device === last.device && atMs - heardMs < depart;
    }
    if (goesOn && last !== undefined) {
      last.toMs = atMs;
      last.run = run;
    } else passes.set(key, [...known, { device, fromMs: atMs, toMs: atMs, run }]);
  }
  return passes;
}

/** No two events for one pass, also across crashes. */
function judgePasses(world: World, events: readonly Parsed[]): void {
  const { truth, runs } = world;
  const passes = passesSeen(world);
  const told = new Map<PassSeen, number>();
  const unheard = events.filter(({ kind, data }) => kind === "gap" && data.reason === "intake-full");
  /** That a pass had stalled may be among what was lost on its way to the ledger between the two events. */
  const isWordLost = (from: number, to: number): boolean =>
    unheard.some(({ sequence }) => from < sequence && sequence < to);
  for (const { kind, data, sequence } of events) {
    if (kind !== "read" || data.code === undefined || data.clock === undefined) continue;
    const run = Number.parseInt(data.clock.boot, 16);
    const atMs = runs[run]!.startedAtMs + data.clock.monotonicMs - 40;
    const key = `${data.readPoint} ${data.codeClass === "sscc" ? "00" : ""}${data.code}`;
    const pass = passes.get(key)?.find(({ fromMs, toMs }) => fromMs - 1 <= atMs && atMs <= toMs + 1);
    if (pass === undefined) {
      truth.violate("one-event", `event ${sequence} tells ${key}, which was not read then`);
      continue;
    }
    const before = told.get(pass);
    // A window cannot be rebuilt from what was destroyed to make room.
    if (before !== undefined && before > truth.destroyedTo && !isWordLost(before, sequence))
      truth.violate(
        "one-event",
        `events ${before} and ${sequence} tell one pass of ${key}, ${pass.fromMs} to ${pass.toMs}`,
      );
    told.set(pass, sequence);
  }
}

/** The chain is whole for somebody who has nothing but the events, and so is what is left of it on the disk. */
function judgeChain({ truth, disk }: World, trust: readonly X509Certificate[]): void {
  for (const events of [truth.committed, disk.left()]) {
    const verifier = createVerifier({ trust });
    for (const { sequence, bytes } of events) verifier.push(Buffer.from(bytes).toString("utf8"), sequence);
    const { verdict, chains, malformedCount } = verifier.finish();
    if (verdict !== "whole" || chains.length !== 1)
      truth.violate("chain", `${verdict}, ${malformedCount} malformed: ${JSON.stringify(chains).slice(0, 500)}`);
  }
}
