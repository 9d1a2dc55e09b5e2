// The ledger thread: seal + ledger. The chain needs one order, SQLite one writer, the key one holder: that is one thread.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { openIdentity } from "../identity/index.ts";
import { openLedger } from "../ledger/index.ts";
import { assert } from "../lib/assert.ts";
import { createSystemClock, systemTimers } from "../lib/clock.ts";
import type { Tell } from "../model/notice.ts";
import { beginLedger } from "./begin.ts";
import type { LedgerOptions, ToLedger } from "./messages.ts";
import { failLedger, type LedgerPort } from "./serve.ts";

assert(parentPort !== null, "this file runs as a worker thread");
const thread = parentPort;
const port: LedgerPort = {
  post: (message, transfer = []) => thread.postMessage(message, transfer),
  onMessage: (listener) => thread.on("message", listener),
  poll: () => receiveMessageOnPort(thread)?.message as ToLedger | undefined,
  close: () => thread.close(),
};

async function open(options: LedgerOptions): Promise<void> {
  const { dataDir, site, gateway } = options;
  const clock = createSystemClock();
  const tell: Tell = (notice) => port.post({ type: "notice", notice });
  const identity = await openIdentity({ dataDir, gateway, site, clock, tell });
  const ledger = openLedger(join(dataDir, "ledger.db"), options.bytesMax);
  const drawChain = (): string => randomBytes(6).toString("hex");
  try {
    beginLedger({ port, ledger, identity, options, clock, timers: systemTimers, drawChain });
  } catch (error) {
    failLedger(port, error, ledger);
  }
}

// What to open comes as the first message: the thread may have been started before anybody knew.
thread.once("message", (options: LedgerOptions) => {
  open(options).catch((error: unknown) => failLedger(port, error));
});
