import type { Notice } from "../model/notice.ts";
import { type OwnDraft, ownDraft } from "./own-records.ts";
import type { SalvageReport } from "./salvage.ts";

/** Ranges that are told one by one; beyond that the last one tells how many there are in all the rest. */
const rangesMax = 64;

/** What the chain says of a damaged ledger: that there was one, unless that was told; a gap for each range that is lost. */
export function recordsOf(
  { file, chain, readCount, salvagedCount, lost, leftCount }: SalvageReport,
  what: string | undefined,
): OwnDraft[] {
  const alarm = {
    alarm: "ledger-quarantined",
    chain,
    file,
    found: what ?? "",
    left: leftCount,
    read: readCount,
    salvaged: salvagedCount,
    unreadable: lost.reduce((sum, [from, to]) => sum + to - from + 1, 0),
  };
  const gaps = lost.slice(0, rangesMax).map(([from, to], index) => {
    const isLast = index === rangesMax - 1;
    const rest = isLast ? lost.slice(index) : [[from, to] as const];
    const count = rest.reduce((sum, [a, b]) => sum + b - a + 1, 0);
    const data = { chain, count, from: String(from), reason: "ledger-damaged", to: String(rest.at(-1)![1]) };
    return ownDraft("gap", () => data);
  });
  return what === undefined ? gaps : [ownDraft("alarm", () => alarm), ...gaps];
}

export function noticeOf(report: SalvageReport, what: string | undefined): Notice {
  const { file, salvagedCount, lost, leftCount } = report;
  const lostCount = lost.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (what === undefined)
    return {
      name: "ledger/damaged",
      level: "info",
      message: `${file} was read on: ${salvagedCount} more undelivered events were saved and are sent, ${lostCount} cannot be read`,
      fields: { file, salvaged: salvagedCount, unreadable: lostCount, left: leftCount },
    };
  return {
    name: "ledger/damaged",
    level: "error",
    message: `The ledger was damaged (${what}) and was moved to ${file}; a new one was begun, ${salvagedCount} undelivered events were saved and are sent, ${lostCount} cannot be read. Keep the file for an audit, and check the disk: dmesg, smartctl -a`,
    fields: { file, salvaged: salvagedCount, unreadable: lostCount, left: leftCount },
  };
}
