import { describe, expect, it, vi } from "vitest";
import { askStatus, aWaybill, framed } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { type BrokerEvent, openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

const backlogCount = 20_000;
/** What is on its way when a parcel comes: the window, and as much again in the hands of the ledger thread. */
const overtakenMax = 2 * 256;

const codeOf = ({ bytes }: BrokerEvent): number => Number(/"code":"SF1(\d{12})"/.exec(bytes.toString("latin1"))?.[1]);

/** Reads parcels while the broker refuses us, then lets it in; parcels go on passing. Gives what each of these waited for. */
async function drain(main?: string): Promise<{ broker: ScriptedBroker; waited: number[] }> {
  const broker = await openScriptedBroker({ script: { connack: 136 } });
  defer(() => broker.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
  await start(main === undefined ? {} : { main });
  for (let sent = 0; sent < backlogCount; ) {
    scanner.send(Array.from({ length: 1_000 }, () => framed(aWaybill(sent++))).join(""));
    await vi.waitFor(
      async () => {
        const { queue, devices } = await askStatus(site);
        expect(devices[0]!.readCount).toBe(sent);
        expect(queue.uncommittedCount + queue.droppedCount).toBe(0);
      },
      { timeout: 60_000, interval: 20 },
    );
  }
  /** How many events the broker had when each parcel passed, by its number. */
  const hadAt = new Map<number, number>();
  const waited: number[] = [];
  let drained = 0;
  broker.onEvent = (event) => {
    const code = codeOf(event);
    if (code < backlogCount) drained += 1;
    const had = hadAt.get(code);
    // Only while the backlog is being drained is there something to wait for.
    if (had !== undefined && drained < backlogCount) waited.push(broker.events.length - had);
  };
  broker.script = {};
  await vi.waitFor(() => expect(drained).toBeGreaterThan(0), { timeout: 60_000, interval: 5 });
  let number = backlogCount;
  const timer = setInterval(() => {
    hadAt.set(number, broker.events.length);
    scanner.send(framed(aWaybill(number++)));
  }, 5);
  defer(() => clearInterval(timer));
  await vi.waitFor(() => expect(drained).toBe(backlogCount), { timeout: 120_000, interval: 50 });
  clearInterval(timer);
  await vi.waitFor(() => expect(broker.codes().size).toBe(number), 60_000);
  return { broker, waited };
}

describe("G10 a backlog", () => {
  it("G10 lets live events pass: none waits for more of it than is on its way already", async () => {
    const { waited } = await drain();
    expect(waited.length).toBeGreaterThan(10);
    expect(Math.max(...waited)).toBeLessThanOrEqual(overtakenMax);
    figure(
      "G10",
      "drain",
      `${count(waited.length)} live events while ${count(backlogCount)} drained: each waited for at most ${Math.max(...waited)} others`,
    );
  });

  it("G10 holds live events up where the oldest go first", async () => {
    const oldestFirst = breakProgram({
      file: "src/workers/outbox.js",
      from: "const live = slot.cursor.leaseLive(head, max);",
      to: "const first = slot.cursor.leaseBacklog(max); if (first.length > 0) return first.flatMap(fetch); const live = slot.cursor.leaseLive(head, max);",
    });
    defer(() => oldestFirst.remove());
    const { waited } = await drain(oldestFirst.main);
    // Those that waited for the whole backlog came after its end, and are not even counted.
    expect(Math.max(0, ...waited) > overtakenMax || waited.length < 10).toBe(true);
  });
});
