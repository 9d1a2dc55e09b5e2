// The other side of a flood: sends lines over a pseudo-terminal as fast as it takes them, and counts what is published.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { lineBytes, linesOf } from "./parcels.ts";
import { subscribe } from "./subscriber.ts";
import { openTightSerialWire } from "./wires.ts";

/** What is asked of the process, as one JSON argument. */
export interface FloodOrder {
  readonly brokerPort: number;
  readonly seconds: number;
}

/** Each code many times, and the same codes again before their passes are over: it is lines that limit, not events. */
const [codesInBlock, copies, blockCount] = [30, 100, 10];

const order = JSON.parse(process.argv[2] ?? "{}") as FloodOrder;
// It is stopped so, and tidies up as at any end.
process.once("SIGTERM", () => process.exit(0));
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const wire = await openTightSerialWire();
let arrived = 0;
await subscribe(order.brokerPort, "#", () => {
  arrived += 1;
});

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

say({ address: wire.address });
await input.next();
const blocks = Array.from({ length: blockCount }, (_, index) => linesOf(index * codesInBlock, codesInBlock, copies));
const endAt = performance.now() + order.seconds * 1_000;
let taken = 0;
while (performance.now() < endAt) {
  while (wire.write(blocks[taken % blockCount]!)) taken += 1;
  await pause(1);
}
say({ sent: taken * (blocks[0]!.length / lineBytes) });
// Each line from now on asks how much has arrived.
for await (const _ of input) say({ arrived });
process.exit(0);
