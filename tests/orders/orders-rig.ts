import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import type { Erasure } from "../../src/control/index.ts";
import { SortgateError } from "../../src/model/error.ts";
import type { Notice } from "../../src/model/notice.ts";
import { type Orders, openOrders } from "../../src/orders/orders.ts";
import { signOrder } from "../fakes/centre.ts";
import { aCentre } from "../fakes/policy.ts";
import { createTime } from "../fakes/time.ts";

export const token = "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A";
export const number = "SF1385628716739";
export const nowMs = Date.parse("2026-11-28T00:00:00Z");

export const erasure = (count: number): Erasure => ({
  count,
  salvagedCount: 0,
  to: 9,
  unreadableCount: 0,
  files: [],
  isOverwritten: true,
});

/** The same with another payload under its signature. */
export async function aForged(signed: Promise<string>): Promise<string> {
  const [header, , signature] = (await signed).split(".");
  return `${header}.e30.${signature}`;
}

/** A question to the ledger that the test answers. */
interface Asked {
  readonly subjects: readonly string[];
  readonly done: (erasure: Erasure) => void;
  readonly fail: (error: SortgateError) => void;
}

/** Orders over a ledger that answers when it is told to; files, keys and signatures are real. */
export function aRig({ hasKey = true } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-orders-"));
  const identity = join(dir, "identity");
  mkdirSync(identity, { mode: 0o700 });
  writeFileSync(join(identity, "device.key"), "", { mode: 0o600 });
  const centre = aCentre();
  const keyFile = join(dir, "centre.pem");
  if (hasKey) writeFileSync(keyFile, centre.publicKey);
  const time = createTime();
  const told: { kind: string; data: Readonly<Record<string, unknown>> }[] = [];
  const notices: Notice[] = [];
  const asked: Asked[] = [];
  const state = { hasRoom: true, isDurable: true };
  const orders: Orders = openOrders({
    gateway: { site: "HZ01", id: "line-3", data_dir: dir },
    keyFile,
    clock: { monotonicMs: time.nowMs, wallMs: () => nowMs + time.nowMs(), boot: "00000000" },
    timers: time.timers,
    tell: (notice) => notices.push(notice),
    announce(kind, data) {
      if (state.hasRoom) told.push({ kind, data });
      return state.hasRoom;
    },
    durable: async () => {
      if (!state.isDurable) throw new SortgateError("ledger/full", "There is no room", { hint: "df -h" });
    },
    erase: (subjects) =>
      new Promise((done, fail) => asked.push({ subjects: subjects.map(({ value }) => value), done, fail })),
  });
  onTestFinished(() => {
    orders.close();
    rmSync(dir, { recursive: true });
  });
  const memory = join(identity, "order.json");
  return {
    orders,
    centre,
    keyFile,
    identity,
    memory,
    told,
    notices,
    asked,
    state,
    advance: time.advance,
    take: (message: string | Uint8Array, broker = "central") => orders.take(broker, Buffer.from(message)),
    sign: (order: object) => signOrder(centre, order),
    remembered: () => (existsSync(memory) ? JSON.parse(readFileSync(memory, "utf8")).order : undefined),
    actions: () => told.map(({ data }) => data.action ?? data.alarm),
    reasons: () => told.flatMap(({ data }) => (/refused/.test(`${data.action}${data.alarm}`) ? [data.reason] : [])),
    until: (look: () => unknown, expected: unknown) =>
      vi.waitFor(() => expect(look()).toEqual(expected), { timeout: 5_000, interval: 5 }),
  };
}
