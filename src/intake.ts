import type { BackPressure } from "./back-pressure.ts";
import type { Tell } from "./model/notice.ts";
import type { LedgerThread } from "./workers/index.ts";

/** Hands events to the ledger; when it is full, tells it once a minute at most (the ledger itself counts the loss). */
export function createIntake(
  ledger: LedgerThread,
  pressure: BackPressure,
  tell: Tell,
): (event: Parameters<LedgerThread["append"]>[0]) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (event) => {
    const outcome = ledger.append(event);
    pressure.check();
    if (outcome === "taken" || performance.now() - toldAt < 60_000) return;
    toldAt = performance.now();
    tell({
      name: "read/dropped",
      level: "error",
      message: "Events are dropped because the ledger does not keep up. Check the disk: df -h, iostat",
      fields: { dropped: ledger.droppedCount() },
    });
  };
}
