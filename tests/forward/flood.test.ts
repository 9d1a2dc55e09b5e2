import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createInboundBudget } from "../../src/forward/inbound.ts";
import { limits } from "../../src/model/limits.ts";
import { createBacklog } from "../fakes/backlog.ts";
import { aForwarder } from "../fakes/forwarder.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const connack = Buffer.from([0x20, 3, 0, 0, 0]);
const puback = Buffer.from([0x40, 2, 0, 1]);

/** Writes the same bytes for as long as anybody takes them, and counts them. */
async function flood(socket: Socket, bytes: Uint8Array): Promise<void> {
  while (!socket.destroyed)
    if (!socket.write(bytes)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
}

async function startBroker(
  onConnect: (socket: Socket) => void,
): Promise<{ port: number; readonly takenBytes: number }> {
  let takenBytes = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => {
      takenBytes = Math.max(takenBytes, socket.bytesWritten);
    });
    socket.once("data", () => onConnect(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return {
    port: (server.address() as { port: number }).port,
    get takenBytes() {
      return takenBytes;
    },
  };
}

const pubacks = Buffer.concat(Array.from({ length: 4_096 }, () => puback));

describe("a broker that sends without end", () => {
  it.each<[what: string, onConnect: (socket: Socket) => void]>([
    [
      "acknowledgements that nobody waits for",
      (socket) => {
        socket.write(connack);
        void flood(socket, pubacks);
      },
    ],
    ["acknowledgements before it lets us in", (socket) => void flood(socket, pubacks)],
    [
      "one packet of 256 MB",
      (socket) => {
        socket.write(Buffer.concat([connack, Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])]));
        void flood(socket, Buffer.alloc(65_536));
      },
    ],
  ])("%s is left, with a sentence that says why", async (_what, onConnect) => {
    const broker = await startBroker(onConnect);
    const forwarder = aForwarder({
      settings: { url: `mqtt://127.0.0.1:${broker.port}` },
      backlog: createBacklog([]),
    });
    cleanups.push(() => forwarder.close(500));
    await vi.waitFor(() => expect(forwarder.state().problem).toMatch(/sends far more than answers/), 15_000);
    await vi.waitFor(() => expect(broker.takenBytes).toBeGreaterThan(0), 15_000);
    // What lies in the sockets of both sides comes on top of what is allowed.
    expect(broker.takenBytes).toBeLessThan(limits.inboundBytesMax + 8_388_608);
  });
});

describe("a broker's allowance", () => {
  it("grows with each publish, so that answers with a reason in words are never too many", () => {
    const budget = createInboundBudget(0);
    for (let count = 0; count < 10_000; count += 1) {
      budget.published();
      expect(budget.received(500, 0)).toBe(true);
    }
  });

  it("grows with time, so that pings of a year are never too many, and not beyond its bound", () => {
    const budget = createInboundBudget(0);
    for (let minute = 1; minute <= 525_600; minute += 1) expect(budget.received(2, minute * 60_000)).toBe(true);
    expect(budget.received(limits.inboundBytesMax, 1e12)).toBe(true);
    expect(budget.received(1, 1e12)).toBe(false);
  });
});
