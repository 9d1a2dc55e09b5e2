import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createEarly } from "../../src/workers/early.ts";
import type { FromLedger, ToLedger } from "../../src/workers/messages.ts";
import { type LedgerPort, serveLedger } from "../../src/workers/serve.ts";
import { dir, drafts, openRig } from "./core-rig.ts";

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
    viewed: { has: () => false, of: (_, events) => events, expire() {} },
  });
  listen({ type: "connect", broker: "central", connection: 1 });
  listen({ type: "want", broker: "central", connection: 1, count: 100 });
  listen({ type: "append", drafts: drafts(1), counters: {} });
  waiting.push({ type: "stop" });
  for (let next = work.shift(); next !== undefined; next = work.shift()) next();
  expect(posted).toEqual(["stopped"]);
  expect(existsSync(join(dir, "ledger.db.suspect"))).toBe(false);
});
