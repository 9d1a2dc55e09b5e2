import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Forwarder } from "../../src/forward/index.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { createBacklog } from "../fakes/backlog.ts";
import { aForwarder } from "../fakes/forwarder.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const anEvent = (sequence: number): SealedEvent => ({
  sequence,
  kind: "read",
  subject: "tunnel-1",
  bytes: Buffer.from(`{"sequence":"${sequence}"}`),
});

const connack = Buffer.from([0x20, 3, 0, 0, 0]);
/** A message with a topic alias, which nobody agreed on. */
const aliased = Buffer.from([0x30, 6, 0, 0, 3, 0x23, 0, 9]);

/** A forwarder with one event for a broker whose CONNACK has these properties; gives the first byte of what it is sent. */
async function openTo(properties: readonly number[]): Promise<{ forwarder: Forwarder; received: number[] }> {
  const received: number[] = [];
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(Buffer.from([0x20, 3 + properties.length, 0, 0, properties.length, ...properties]));
      socket.once("data", (bytes) => received.push(bytes[0]!));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const { port } = server.address() as { port: number };
  const forwarder = aForwarder({ settings: { url: `mqtt://127.0.0.1:${port}` }, backlog: createBacklog([anEvent(1)]) });
  cleanups.push(() => forwarder.close(500));
  return { forwarder, received };
}

describe("a broker that can not do all of MQTT 5", () => {
  it("gets our status without the wish to keep it, if it keeps nothing", async () => {
    // PUBLISH with QoS 1: 0x32, and 0x33 if it is to be kept.
    const { received } = await openTo([0x25, 0]);
    await vi.waitFor(() => expect(received).toEqual([0x32]), 10_000);
    const other = await openTo([]);
    await vi.waitFor(() => expect(other.received).toEqual([0x33]), 10_000);
  });

  it("gets nothing if it acknowledges nothing, and the reason is told", async () => {
    const { forwarder, received } = await openTo([0x24, 0]);
    await vi.waitFor(() => expect(forwarder.state().problem).toMatch(/takes no QoS 1/), 10_000);
    expect(received).toEqual([]);
  });
});

describe("a broker that, while events are in flight,", () => {
  it.each<[what: string, bytes: Uint8Array, problem: RegExp]>([
    ["freezes", Buffer.alloc(0), /Keepalive timeout|does not answer/],
    ["answers the connection a second time", connack, /./],
    ["sends what nobody agreed on", aliased, /./],
  ])(
    "%s costs its connection and nothing else",
    async (_what, bytes, problem) => {
      const problems: string[] = [];
      let connectionCount = 0;
      const server = createServer((socket: Socket) => {
        connectionCount += 1;
        socket.on("error", () => {});
        socket.once("data", () => {
          socket.write(connack);
          // The status message and the events are on their way then.
          socket.once("data", () => socket.write(bytes));
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      cleanups.push(() => server.close());
      const { port } = server.address() as { port: number };
      const backlog = createBacklog(Array.from({ length: 50 }, (_, index) => anEvent(index + 1)));
      const forwarder = aForwarder({
        settings: { url: `mqtt://127.0.0.1:${port}`, keepalive_s: 5 },
        backlog,
        tell: ({ name, message }) => name === "broker/down" && problems.push(message),
      });
      cleanups.push(() => forwarder.close(500));
      await vi.waitFor(() => expect(connectionCount).toBeGreaterThan(1), 30_000);
      expect(problems[0]).toMatch(problem);
      expect(backlog.settled.size).toBe(0);
    },
    40_000,
  );
});
