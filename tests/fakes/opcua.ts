import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpcuaSettings, opcuaSettings } from "../../drivers/opcua/settings.ts";
import type { Chunk, DriverContext } from "../../src/driver/port.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import type { Notice } from "../../src/model/notice.ts";

/** Settings of an OPC UA device as the config file would give them. */
export function aDevice(keys: Readonly<Record<string, unknown>>): OpcuaSettings {
  return opcuaSettings.parse({
    name: "reader-1",
    read_point: "tunnel-1",
    driver: "opcua",
    security: "none",
    publishing_interval_ms: 50,
    queue_size: 5_000,
    ...keys,
  });
}

/** A folder of its own, and how to remove it. */
export function aFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "sortgate-opcua-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Recorder {
  readonly context: DriverContext;
  readonly values: Readonly<Record<string, unknown>>[];
  readonly notices: Notice[];
  abort(): void;
}

/** A driver context that keeps what it is given. */
export function aRecorder(stateDir: string): Recorder {
  const controller = new AbortController();
  const values: Readonly<Record<string, unknown>>[] = [];
  const notices: Notice[] = [];
  return {
    values,
    notices,
    abort: () => controller.abort(),
    context: {
      device: "reader-1",
      stateDir,
      signal: controller.signal,
      clock: createSystemClock(),
      receive: (chunk: Chunk) => {
        if (chunk.kind === "values") values.push(chunk.values);
      },
      tell: (notice) => notices.push(notice),
    },
  };
}

/** A wire between a client and a server that can be frozen: connected, but nothing moves. Without a target it is mute. */
export async function aWire(targetPort?: number): Promise<{
  readonly endpoint: string;
  freeze(): void;
  close(): Promise<void>;
}> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (targetPort === undefined) return;
    const target = connect(targetPort, "127.0.0.1");
    keep(target);
    client.on("data", (bytes) => frozen || target.write(bytes));
    target.on("data", (bytes) => frozen || client.write(bytes));
    client.on("close", () => target.destroy());
    target.on("close", () => frozen || client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `opc.tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      frozen = true;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The port of an endpoint. */
export const portOf = (endpoint: string): number => Number(/:(\d+)/.exec(endpoint.slice(8))?.[1]);
