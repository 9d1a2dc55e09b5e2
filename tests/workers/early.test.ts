import { expect, it } from "vitest";
import { createEarly } from "../../src/workers/early.ts";
import type { ToLedger } from "../../src/workers/messages.ts";
import type { LedgerPort } from "../../src/workers/serve.ts";

const settle = (sequence: number): ToLedger => ({
  type: "settle",
  broker: "central",
  sequences: [sequence],
  refused: [],
});
const want = (count: number): ToLedger => ({ type: "want", broker: "central", connection: 1, count });

function portWith(messages: ToLedger[]): LedgerPort {
  return { post() {}, onMessage() {}, close() {}, poll: () => messages.shift() };
}

it("what brokers acknowledged meanwhile is taken in at once, and all else keeps its order and its turn", () => {
  const waiting = [want(1), settle(7), want(2), settle(8)];
  const settled: number[] = [];
  const early = createEarly(portWith(waiting), ({ sequences }) => settled.push(...sequences));
  early.takeSettled();
  expect(settled).toEqual([7, 8]);
  expect(waiting).toEqual([]);
  waiting.push(settle(9), want(3));
  early.takeSettled();
  expect(settled).toEqual([7, 8, 9]);
  expect([early.next(), early.next(), early.next(), early.next()]).toEqual([want(1), want(2), want(3), undefined]);
});

it("a way between threads that cannot be looked into loses nothing by it", () => {
  const early = createEarly({ post() {}, onMessage() {}, close() {} }, () => expect.unreachable());
  early.takeSettled();
  expect(early.next()).toBeUndefined();
});
