import { createServer, type Server, type Socket } from "node:net";

/** An Ethernet scanner: listens, and sends the same to everybody who calls. */
export interface VirtualScanner {
  readonly port: number;
  /** Sends bytes; false if nobody is connected, or nobody takes them. */
  write(bytes: Uint8Array): boolean;
  close(): Promise<void>;
}

const waitingBytesMax = 65_536;

/** Opens a scanner on a free port of this machine's loopback address. */
export async function openVirtualScanner(): Promise<VirtualScanner> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A caller that goes away is what callers do; the scanner waits for the next one.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.resume();
  });
  const port = await listen(server);
  return {
    port,
    write(bytes) {
      let taken = false;
      for (const socket of sockets) {
        if (!socket.writable || socket.writableLength + bytes.length > waitingBytesMax) continue;
        socket.write(bytes);
        taken = true;
      }
      return taken;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("The virtual scanner has no port"));
      else resolve(address.port);
    });
  });
}
