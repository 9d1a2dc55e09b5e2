import { expect, it } from "vitest";
import { createSystemClock } from "../../src/lib/clock.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { createEpochKey, createSealer } from "../../src/seal/index.ts";
import { createEarly } from "../../src/workers/early.ts";
import type { ToLedger } from "../../src/workers/messages.ts";
import { type LedgerPort, serveLedger } from "../../src/workers/serve.ts";
import { createViewed } from "../../src/workers/views.ts";
import { aDevice, aLine, judge, place } from "../seal/builders.ts";
import { dataOf, drafts, ofKind, openRig } from "./core-rig.ts";

const views = { partner: { basic: "token", public: "drop" } } as const;

function textOf({ bytes }: SealedEvent): string {
  return Buffer.from(bytes).toString("utf8");
}

it("a view of an event that was saved from a damaged ledger names its chain, and counts in it", async () => {
  const device = await aDevice();
  const old = aLine(device, { ...place, chain: "aaaaaaaaaaaa" });
  const saved = [old.startEpoch(), old.add("read", { code: "SF1385628716739", codeClass: "waybill" }, "dock-7")];
  const sealer = createSealer(place);
  const now = aLine(device, place, sealer);
  const start = now.startEpoch();
  const viewed = createViewed(sealer, { views }, createSystemClock());
  const events = saved.map((line, index) => ({
    sequence: -1 - index,
    kind: index === 0 ? ("epoch" as const) : ("read" as const),
    subject: undefined,
    at: 0,
    bytes: Buffer.from(line),
    origin: { chain: "aaaaaaaaaaaa", sequence: index + 1 },
  }));
  expect(viewed.of("centre", events)).toBe(events);
  const seen = viewed.of("partner", events);
  expect(seen.map(({ sequence, origin }) => [sequence, origin?.sequence])).toEqual([
    [-1, 1],
    [-2, 2],
  ]);
  expect(textOf(seen[0]!)).toBe(saved[0]);
  expect(textOf(seen[1]!)).not.toContain("SF1385628716739");
  const { chains } = judge([start, ...seen.map(textOf)]);
  expect(chains.map(({ chain, verdict, viewCount }) => [chain, verdict, viewCount])).toEqual([
    [place.chain, "whole", 0],
    ["aaaaaaaaaaaa", "whole", 1],
  ]);
});

it("a full ledger waits for no view before its epoch: there is room for it once the others have their events", () => {
  const brokers = ["central", "partner"];
  const before = openRig({ brokers, views });
  before.core.append(drafts(3_000), {});
  before.core.flush();
  before.close();
  // Nothing fits but what gives room.
  const rig = openRig(
    { brokers, views, whenFull: "drop-newest" },
    ({ events, destroyTo }) => events.length > 0 && destroyTo === 0,
  );
  rig.core.append(drafts(1), {});
  expect(rig.core.hasKey).toBe(false);
  const { last } = rig.core.stats();
  rig.core.outbox.connect("central");
  for (
    let events = rig.core.outbox.lease("central", 500);
    events.length > 0;
    events = rig.core.outbox.lease("central", 500)
  )
    rig.core.outbox.settle(
      "central",
      events.map(({ sequence }) => sequence),
    );
  rig.advance(60_000);
  rig.core.commit();
  expect(rig.core.hasKey).toBe(true);
  const gone = ofKind(rig, "gap").map(dataOf);
  expect(gone).toMatchObject([{ reason: "queue-full" }]);
  expect(gone[0]!.count).toBeLessThan(last);
  rig.close();
});

it("of a ledger too full for the epoch of this run nobody gets a view: there is no key that anybody knows", () => {
  const before = openRig({ brokers: ["centre", "partner"] });
  before.core.append(drafts(3), {});
  before.core.flush();
  before.close();
  let isDiskFull = true;
  const rig = openRig({ brokers: ["centre", "partner"] }, () => isDiskFull);
  const served: string[] = [];
  const work: (() => void)[] = [];
  let listen: (message: ToLedger) => void = () => {};
  const port: LedgerPort = {
    post: (message) => void (message.type === "batch" && served.push(message.broker)),
    onMessage: (listener) => {
      listen = listener;
    },
    close() {},
  };
  const timers = { after: () => () => {}, every: () => () => {}, soon: (later: () => void) => void work.push(later) };
  const sealer = createSealer(place);
  sealer.useKey(createEpochKey());
  const viewed = createViewed(sealer, { views }, createSystemClock());
  const early = createEarly(port, () => {});
  const { core, ledger } = rig;
  serveLedger({ port, core, ledger, brokers: [], timers, setLive() {}, flush() {}, early, viewed });
  const serve = (): void => {
    for (const broker of ["centre", "partner"]) {
      listen({ type: "connect", broker, connection: 1 });
      listen({ type: "want", broker, connection: 1, count: 100 });
    }
    for (const next of work.splice(0)) next();
  };
  serve();
  expect(served).toEqual(["centre"]);
  isDiskFull = false;
  rig.advance(60_000);
  serve();
  expect(served).toContain("partner");
  rig.close();
});
