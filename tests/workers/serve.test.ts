import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSystemClock } from "../../src/lib/clock.ts";
import { createSealer } from "../../src/seal/index.ts";
import { createEarly } from "../../src/workers/early.ts";
import type { FromLedger, ToLedger } from "../../src/workers/messages.ts";
import { type LedgerPort, serveLedger } from "../../src/workers/serve.ts";
import { createViewed } from "../../src/workers/views.ts";
import { place } from "../seal/builders.ts";
import { dayMs, dir, drafts, openRig, type Rig } from "./core-rig.ts";
import { aRead, commit, deliver, filesWith, token, tokenOf, told } from "./erasing.ts";

it("a stop that comes while a commit is sealed is the end: the ledger is closed, and nothing is read from it any more", () => {
  const before = openRig();
  before.core.append(drafts(200), {});
  before.core.commit();
  before.close();
  // What a new run hands out first is read from the disk.
  const rig = openRig();
  const posted: string[] = [];
  const waiting: ToLedger[] = [];
  const work: (() => void)[] = [];
  let listen: (message: ToLedger) => void = () => {};
  const port: LedgerPort = {
    post: ({ type }: FromLedger) => posted.push(type),
    onMessage: (listener) => {
      listen = listener;
    },
    poll: () => waiting.shift(),
    close() {},
  };
  const timers = { after: () => () => {}, every: () => () => {}, soon: (later: () => void) => void work.push(later) };
  const { core, ledger } = rig;
  const early = createEarly(port, () => {});
  rig.sealed = early.takeSettled;
  serveLedger({
    port,
    core,
    ledger,
    brokers: ["central"],
    timers,
    setLive() {},
    flush() {},
    early,
    viewed: createViewed(createSealer(place), {}, createSystemClock()),
  });
  listen({ type: "connect", broker: "central", connection: 1 });
  listen({ type: "want", broker: "central", connection: 1, count: 100 });
  listen({ type: "append", drafts: drafts(1), counters: {} });
  waiting.push({ type: "stop" });
  for (let next = work.shift(); next !== undefined; next = work.shift()) next();
  expect(posted).toEqual(["stopped"]);
  expect(existsSync(join(dir, "ledger.db.suspect"))).toBe(false);
});

/** A ledger thread whose time stands still; gives what it posts and its timers by their interval. */
function serve(rig: Rig) {
  const posted: FromLedger[] = [];
  const soon: (() => void)[] = [];
  const clocks: { intervalMs: number; work: () => void }[] = [];
  let listen: (message: ToLedger) => void = () => {};
  const port: LedgerPort = {
    post: (message) => void posted.push(message),
    onMessage: (listener) => {
      listen = listener;
    },
    close() {},
  };
  const timers = {
    after: () => () => {},
    every(intervalMs: number, work: () => void) {
      clocks.push({ intervalMs, work });
      return () => {};
    },
    soon: (later: () => void) => void soon.push(later),
  };
  serveLedger({
    port,
    core: rig.core,
    ledger: rig.ledger,
    brokers: ["central"],
    timers,
    setLive() {},
    flush() {},
    early: createEarly(port, () => {}),
    viewed: createViewed(createSealer(place), {}, createSystemClock()),
  });
  const settle = (): void => {
    for (let next = soon.shift(); next !== undefined; next = soon.shift()) next();
  };
  return {
    posted,
    ask(message: ToLedger) {
      listen(message);
    },
    settle,
    /** So much time passes. */
    tick(intervalMs: number) {
      for (const clock of clocks) if (clock.intervalMs === intervalMs) clock.work();
      settle();
    },
  };
}

it("R33 an erasure is answered once it is done and overwritten, and a second one meanwhile is refused", () => {
  const rig = openRig();
  commit(rig, [aRead("p-1", { token: token("anna") })]);
  const { posted, ask, settle } = serve(rig);
  ask({ type: "ask", id: 1, question: "erase", detail: [tokenOf("anna")] });
  ask({ type: "ask", id: 2, question: "erase", detail: [tokenOf("berta")] });
  expect(posted).toMatchObject([{ type: "refusal", id: 2, failure: { code: "usage/invalid" } }]);
  settle();
  expect(posted[1]).toMatchObject({ type: "answer", id: 1, answer: { count: 1, isOverwritten: true } });
  expect(filesWith(token("anna"))).toEqual([]);
  rig.close();
});

it("R19 what is destroyed for its age is overwritten in the log within a minute", () => {
  const rig = openRig({ retainCoreMs: dayMs });
  rig.core.outbox.connect("central");
  commit(rig, [aRead("p-1", { token: token("anna"), codeClass: "unknown" })]);
  deliver(rig);
  const { ask, settle, tick } = serve(rig);
  ask({ type: "clock", state: "synchronized" });
  rig.advance(3_600_000);
  tick(600_000);
  rig.advance(2 * dayMs);
  tick(600_000);
  expect(told(rig, "purge")).toMatchObject([{ reason: "core-expired" }]);
  expect(filesWith(token("anna"))).toContain("ledger.db-wal");
  tick(60_000);
  settle();
  expect(filesWith(token("anna"))).toEqual([]);
  rig.close();
});
