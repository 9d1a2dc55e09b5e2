import type { Ledger, StoredEvent } from "../ledger/index.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs } from "../model/units.ts";
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
  let damagedCount = 0;
  for (let to = last; to >= bottom; to -= chunkCount) {
    const from = Math.max(bottom, to - chunkCount + 1);
    const events = ledger.readEach(from, to);
    damagedCount += to - from + 1 - events.length;
    for (const event of events.reverse()) {
      if (!mayMatter(event, lastAt - recallMs)) continue;
      const pass = parse(event);
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

function mayMatter({ kind, at, bytes }: StoredEvent, sinceAt: number): boolean {
  if (kind !== "read" && kind !== "pass") return false;
  return (
    at >= sinceAt ||
    (kind === "pass" && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(stalledMark))
  );
}

const isText = (value: unknown): value is string => typeof value === "string";

/** Which pass an event tells of; `remembered` is absent if it tells its end, or no code that could be recognised. */
function parse(event: StoredEvent): { key: string; remembered?: RememberedPass } | "damaged" {
  const data = dataOf(event);
  const { passId, readPoint, device, medium, code, codeClass, symbology, closeReason } = data ?? {};
  if (!isText(passId) || !isText(readPoint)) return "damaged";
  const key = `${readPoint}\n${passId}`;
  if (closeReason === "departed" || closeReason === "evicted" || code === undefined) return { key };
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
      at: event.at,
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
