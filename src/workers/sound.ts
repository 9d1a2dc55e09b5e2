import { countOf, createRangeSet, hashAt, type Ledger, linkAt, type Range, type StoredEvent } from "../ledger/index.ts";
import { createEventCheck } from "../seal/index.ts";

/** Events of a range that are as they were sealed, and the places of those that are not, or are not any more. */
export interface Sound {
  readonly events: readonly StoredEvent[];
  readonly erased: readonly Range[];
  readonly damaged: readonly Range[];
}

/**
 * Reads events from the disk and lets out only what is whole: a flipped bit must not reach a broker.
 *
 * The event behind one vouches for it, at the cost of one hash; where that one is damaged too, its signature does.
 */
export function createSoundReader(ledger: Ledger): (range: Range) => Sound {
  const check = createEventCheck();
  const learned = new Set<number>();

  function isSigned(event: StoredEvent): boolean {
    const begun = ledger.lastEpoch(1, event.sequence);
    const kept = begun === 0 ? ledger.keptEpoch() : undefined;
    const epoch = kept?.sequence ?? begun;
    if (!learned.has(epoch)) {
      learned.add(epoch);
      for (const { bytes } of kept === undefined ? ledger.readEach(epoch, epoch) : [kept]) check.learn(bytes);
    }
    return check.isSigned(event.bytes);
  }

  /** The columns beside the bytes say where an event goes, and no hash covers them. */
  function placed(event: StoredEvent): StoredEvent | undefined {
    const { bytes, kind, subject } = event;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = `"type":"org.sortgate.${kind}.v1"}`;
    const isKind = text.subarray(-end.length).toString("latin1") === end;
    if (isKind && (subject === undefined || text.includes(`,"subject":${JSON.stringify(subject)},"time":`)))
      return event;
    const place = check.read(bytes);
    return place === undefined ? undefined : { ...event, kind: place.kind, subject: place.subject };
  }

  return ([from, to]) => {
    const rows = ledger.readEach(from, to + 1);
    const chain = ledger.chain();
    const events: StoredEvent[] = [];
    const missing = createRangeSet([]);
    const erased = createRangeSet([]);
    rows.forEach((row, index) => {
      if (row.sequence > to) return;
      if (row.kind === "erased") {
        erased.add(row.sequence, row.sequence);
        missing.add(row.sequence, row.sequence);
        return;
      }
      const next = rows[index + 1];
      const isNext = next?.sequence === row.sequence + 1;
      const link = isNext ? linkAt(next) : chain?.sequence === row.sequence ? chain.previous : undefined;
      const whole = link === hashAt(row) || isSigned(row) ? placed(row) : undefined;
      if (whole === undefined) return;
      events.push(whole);
      missing.add(row.sequence, row.sequence);
    });
    const damaged: Range[] = [];
    if (countOf(missing.ranges()) < to - from + 1) missing.missing(from, to, to - from + 1, damaged);
    return { events, erased: erased.ranges(), damaged };
  };
}
