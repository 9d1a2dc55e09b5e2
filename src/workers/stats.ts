import type { Ledger } from "../ledger/index.ts";
import type { EpochMs } from "../model/units.ts";
import type { LedgerStats } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import { fullnessOf, type Room } from "./room.ts";

/** What the ledger thread tells of itself. */
export function statsOf(sources: {
  readonly ledger: Ledger;
  readonly room: Room;
  readonly outbox: Outbox;
  readonly key: { readonly kid: string; readonly since: EpochMs };
  readonly hasRoom: boolean;
}): LedgerStats {
  const { ledger, room, outbox, key, hasRoom } = sources;
  const extent = ledger.extent();
  const full = room.fullness() ?? (hasRoom ? undefined : fullnessOf(extent));
  const lostAgoMs = room.lostAgoMs();
  const placeCount = extent.last === 0 ? 0 : extent.last - extent.first + 1;
  return {
    ...extent,
    lostCount: room.lostCount(),
    ...(lostAgoMs !== undefined && { lostAgoMs }),
    liveCount: placeCount - ledger.erased.count(),
    destroyedCount: ledger.erased.destroyed(),
    ...(full !== undefined && { full }),
    kid: key.kid,
    keySince: key.since,
    brokers: outbox.stats(),
  };
}
