import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { TcpSettings } from "../../../drivers/tcp/settings.ts";

export const host = "127.0.0.1";

export function tcpSettingsOf(port: number, more: Partial<TcpSettings> = {}): TcpSettings {
  return {
    name: "scanner-2",
    read_point: "tunnel-1",
    driver: "tcp",
    mode: "connect",
    host,
    port,
    profile: "line-barcode",
    ...more,
  };
}

export interface Scanner {
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly server: Server;
  dispose(): Promise<void>;
}

/** A scanner that is called: a TCP server on a free port. */
export async function openScanner(): Promise<Scanner> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    sockets.push(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    server,
    async dispose() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

/** A port at which nobody listens. */
export async function freePort(): Promise<number> {
  const scanner = await openScanner();
  await scanner.dispose();
  return scanner.port;
}

/** A scanner that calls. */
export async function call(port: number): Promise<Socket> {
  const socket = connect({ port, host });
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}
