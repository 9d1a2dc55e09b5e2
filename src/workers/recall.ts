import type { Ledger, StoredEvent } from "../ledger/index.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs, EpochMs } from "../model/units.ts";
import type { LedgerOpened, RememberedPass } from "./messages.ts";

/** Events that are read at once: a chunk of them is garbage before the next one comes. */
const chunkCount = 500;

/** What stands in the canonical bytes of the summary of a pass that stalled, and nowhere else: `"` is escaped in a value. */
const stalledMark = Buffer.from('"closeReason":"stalled"');

/**
 * What the windows are rebuilt from: the passes that may have been open when the last event was made.
 *
 * Takes:   `recallMs`, longer than which no pass lasts without a word in the ledger.
 * Gives:   for each pass the last that was told of it, oldest first, if it was not its end. A code that stalled is silent
 *          for as long as it lies there, so of those older ones are given as well.
 *          A pass that outlasted a restart lasts from that on, and is no older because the clock was set: `at` says so.
 * Cost:    one walk over the last `limits.recallEventsMax` events, whatever the size of the ledger; only the younger
 *          ones are parsed.
 * Loses:   what is damaged, counted and told: such a pass may be told twice.
 */
export function recallEvents(
  ledger: Ledger,
  recallMs: DurationMs,
  tell: Tell,
): Pick<LedgerOpened, "lastAt" | "remembered"> {
  const { first, last } = ledger.extent();
  const lastAt = last === 0 ? 0 : (ledger.readEach(last, last)[0]?.at ?? 0);
  const bottom = Math.max(first, last - limits.recallEventsMax + 1, 1);
  const ended = new Set<string>();
  const remembered: RememberedPass[] = [];
  const ages = createAges();
  let damagedCount = 0;
  for (let to = last; to >= bottom; to -= chunkCount) {
    const from = Math.max(bottom, to - chunkCount + 1);
    const events = ledger.readEach(from, to);
    damagedCount += to - from + 1 - events.length;
    for (const event of events.reverse()) {
      if (event.kind === "erased") continue;
      const at = lastAt - ages.of(event);
      if (!mayMatter(event, at >= lastAt - recallMs)) continue;
      const pass = parse(event, at);
      if (pass === "damaged") damagedCount += 1;
      if (pass === "damaged" || ended.has(pass.key)) continue;
      ended.add(pass.key);
      if (pass.remembered !== undefined) remembered.push(pass.remembered);
    }
  }
  if (damagedCount > 0)
    tell({
      name: "ledger/warning",
      level: "warn",
      message:
        "Some of the last events in the ledger cannot be read; passes that they tell of may be told twice. Try: sortgate queue verify",
      fields: { damaged: damagedCount },
    });
  return { lastAt, remembered: remembered.reverse() };
}

/**
 * How long ago events were made, walked through from the last one back, as far as a pass has aged meanwhile.
 *
 * Reads tell the monotonic time of their run, which nobody sets. What comes after the last read of a run is dated by the
 * wall clock, and by the alarms that tell of its steps.
 */
function createAges(): { of(event: StoredEvent): DurationMs } {
  let endAt = 0;
  let laterRunsMs = 0;
  let steppedMs = 0;
  /** The alarm that comes next after the event that is looked at. */
  let alarm: { readonly at: EpochMs; readonly stepMs: DurationMs } | undefined;
  let isEnd = true;
  let anchor: { readonly boot: string; readonly monotonicMs: number; readonly ageMs: DurationMs } | undefined;
  /** The age of the oldest read of the run so far: the start of the run is no younger, whatever the wall clock says. */
  let readMs = 0;

  function ageInRun(event: StoredEvent): DurationMs {
    // An alarm is told up to a second after the step: what is as young by the set clock was made after it.
    const sinceMs = alarm === undefined ? Number.NaN : alarm.at - event.at;
    const isAfterStep = sinceMs >= 0 && sinceMs < stepMsMin;
    const byWallMs = endAt - event.at - steppedMs + (isAfterStep ? alarm!.stepMs : 0);
    const clock = clockOf(event);
    if (clock === undefined) return byWallMs;
    if (anchor?.boot !== clock.boot) anchor = { ...clock, ageMs: byWallMs };
    const byReadMs = anchor.ageMs + anchor.monotonicMs - clock.monotonicMs;
    readMs = Math.max(readMs, byReadMs);
    return byReadMs;
  }

  return {
    of(event) {
      if (isEnd) endAt = event.at;
      isEnd = false;
      const ageMs = Math.max(laterRunsMs, ageInRun(event));
      if (event.kind === "alarm" && stepOf(event) !== 0) {
        alarm = { at: event.at, stepMs: stepOf(event) };
        steppedMs += alarm.stepMs;
      }
      if (event.kind === "epoch" && dataOf(event)?.reason === "start") {
        laterRunsMs = Math.max(ageMs, readMs);
        readMs = 0;
        steppedMs = 0;
        alarm = undefined;
        anchor = undefined;
        isEnd = true;
      }
      return ageMs;
    },
  };
}

/** In the canonical form nothing but carriers and antennas stands before it, and neither is text from a label. */
const clockWithin = 1_024;

function clockOf({ kind, bytes }: StoredEvent): { boot: string; monotonicMs: number } | undefined {
  if (kind !== "read" && kind !== "pass") return undefined;
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, clockWithin)).toString("latin1");
  const [, boot, monotonicMs] = /"clock":\{"boot":"([0-9a-f]{1,16})","monotonicMs":(\d+(?:\.\d+)?)/.exec(start) ?? [];
  return boot === undefined ? undefined : { boot, monotonicMs: Number(monotonicMs) };
}

/** A clock that was set by less than this is not told. */
const stepMsMin = 2_000;

/** By how much the clock had been set when this alarm was told. */
function stepOf(event: StoredEvent): DurationMs {
  const { alarm, stepMs } = dataOf(event) ?? {};
  return alarm === "clock-stepped" && typeof stepMs === "number" ? stepMs : 0;
}

function mayMatter({ kind, bytes }: StoredEvent, isYoung: boolean): boolean {
  if (kind !== "read" && kind !== "pass") return false;
  return (
    isYoung || (kind === "pass" && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(stalledMark))
  );
}

const isText = (value: unknown): value is string => typeof value === "string";

/** Which pass an event tells of; `remembered` is absent if it tells its end, or no code that could be recognised. */
function parse(event: StoredEvent, at: EpochMs): { key: string; remembered?: RememberedPass } | "damaged" {
  const data = dataOf(event);
  const { passId, readPoint, device, medium, code, codeClass, symbology, closeReason, label } = data ?? {};
  if (!isText(passId) || !isText(readPoint)) return "damaged";
  const key = `${readPoint}\n${passId}`;
  // Of a label only the parcel's number is told: the code that will be read again is not known.
  if (closeReason === "departed" || closeReason === "evicted" || code === undefined || label !== undefined)
    return { key };
  const firstReadAt = isText(data?.firstReadAt) ? Date.parse(data.firstReadAt) : Number.NaN;
  const isWhole = isText(code) && isText(codeClass) && isText(device) && Number.isFinite(firstReadAt);
  if (!isWhole || (medium !== "barcode" && medium !== "rfid")) return "damaged";
  return {
    key,
    remembered: {
      readPoint,
      passId,
      code,
      codeClass,
      device,
      medium,
      symbology: isText(symbology) ? symbology : undefined,
      firstReadAt,
      closeReason: isText(closeReason) ? closeReason : undefined,
      at,
    },
  };
}

function dataOf({ bytes }: StoredEvent): Readonly<Record<string, unknown>> | undefined {
  try {
    const event = JSON.parse(Buffer.from(bytes).toString("utf8")) as { data?: unknown } | null;
    const data = event?.data;
    return typeof data === "object" && data !== null ? (data as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
