import type { Range } from "../ledger/index.ts";
import type { Json } from "../model/event.ts";
import type { AnyData, ListedKind, Unlisted } from "../model/event-fields.ts";
import type { Notice } from "../model/notice.ts";
import type { Sealer } from "../seal/index.ts";
import type { Counters, PolicyMark } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

declare const listed: unique symbol;

/** A record of the ledger's own, before it has its place in the chain. Only `ownDraft` makes one. */
export interface OwnDraft {
  readonly [listed]: true;
  readonly kind: ListedKind;
  /** Called when the events before it are sealed, so that it can tell of them. */
  readonly data: () => Json;
}

/** Takes no member that is not listed in `event-fields.ts`. */
export function ownDraft<Kind extends ListedKind, Data extends AnyData>(
  kind: Kind,
  data: () => Data & Unlisted<Kind, Data>,
): OwnDraft {
  return { kind, data: data as () => Json } as OwnDraft;
}

/** A gap that tells of events that nobody will have; `from` and `to` are sequences or times. */
export function gapOf(reason: "damaged" | "queue-full" | "stopped", count: number, from: string, to: string): OwnDraft {
  const data = { reason, count, from, to };
  return ownDraft("gap", () => data);
}

/** What a checkpoint tells; read when the events before it are sealed. */
export function checkpointOf(
  sources: {
    readonly sealer: Pick<Sealer, "endSpan" | "root" | "sequence">;
    readonly outbox: Pick<Outbox, "balances" | "delivered">;
    readonly counters: () => Counters;
    readonly lostCount: () => number;
  },
  { hash, version, signer }: PolicyMark,
): OwnDraft {
  const { sealer, outbox, counters, lostCount } = sources;
  return ownDraft("checkpoint", () => {
    const size = sealer.sequence();
    const brokers = outbox.balances(size);
    const gm = sealer.endSpan();
    return {
      counters: { ...counters(), lost: lostCount(), brokers },
      delivered: outbox.delivered(),
      ...(gm === undefined ? {} : { gm }),
      policy: hash,
      ...(version === undefined ? {} : { policyVersion: version }),
      ...(signer === undefined ? {} : { policyKey: signer }),
      root: sealer.root(),
      size,
    };
  });
}

export function damagedNotice([from, to]: Range): Notice {
  return {
    name: "ledger/damaged",
    level: "error",
    message: `Events ${from} to ${to} are damaged on the disk and are not sent; the chain says so. Check the disk: dmesg, smartctl -a`,
    fields: { from, to },
  };
}

/** At a stop: what waited is lost, for want of room or of time. */
export function refusedNotice(count: number, isFull: boolean): Notice {
  const fields = { lost: count };
  return isFull
    ? {
        name: "ledger/full",
        level: "error",
        message: "What waited found no room and is lost; the chain says so. Raise queue.bytes_max, or free the disk",
        fields,
      }
    : {
        name: "ledger/warning",
        level: "error",
        message:
          "The disk was too slow to take all that waited before the stop; the chain says what is lost. Check the disk: iostat -x 1, dmesg",
        fields,
      };
}

/** At a stop: there was no room for the gap either. */
export function untoldNotice(count: number): Notice {
  const message = `The ledger is full to the last page: ${count} events that waited are lost, and only this line says so. Raise queue.bytes_max, or free the disk`;
  return { name: "ledger/full", level: "error", message, fields: { lost: count } };
}

export function rotatedNotice(kid: string): Notice {
  return { name: "key/rotated", level: "info", message: "A new epoch key signs from here on", fields: { kid } };
}
