import { createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { openPseudoTerminal } from "../../simulator/pseudo-terminal.ts";

/** A parcel that passed, and when. */
export interface Passed {
  readonly code: string;
  readonly at: number;
}

/** A serial and a TCP scanner that see parcels at changing rates, with repeats, no-reads and noise. */
export interface Belt {
  readonly serialPath: string;
  readonly tcpPort: number;
  readonly passed: readonly Passed[];
  /** Cuts the connection of the TCP scanner; the gateway calls it again. */
  hangUp(): void;
  /** Stops sending. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

const tickMs = 20;

function noise(random: () => number): Buffer {
  return Buffer.from(Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
}

/** Lines of one turn; noise ends with a line break, so that it spoils no parcel. */
function lines(codes: readonly string[], random: () => number): Buffer {
  const parts: Buffer[] = [];
  if (random() < 0.02) parts.push(noise(random), Buffer.from("\r\n"));
  if (random() < 0.05) parts.push(Buffer.from("NoRead\r\n"));
  for (const code of codes)
    for (let copy = 0; copy <= Math.floor(random() * 4); copy += 1) parts.push(Buffer.from(`${code}\r\n`, "latin1"));
  return Buffer.concat(parts);
}

export async function openBelt(random: () => number, rateMax: number): Promise<Belt> {
  const terminal = await openPseudoTerminal();
  let caller: Socket | undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    caller = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      if (caller === socket) caller = undefined;
    });
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const passed: Passed[] = [];
  let isRunning = true;
  let number = 0;
  let rate = rateMax / 4;

  /** False if nobody is there to take it. */
  const call = (bytes: Buffer): boolean => {
    if (caller?.writable !== true) return false;
    caller.write(bytes);
    return true;
  };
  const turn = (): void => {
    if (random() < 0.005) rate = random() * rateMax;
    const count = Math.floor((rate * tickMs) / 1_000 + random());
    const codes = Array.from({ length: count }, () => `SF1${String(++number).padStart(12, "0")}`);
    const isTcp = random() < 0.5;
    const bytes = lines(codes, random);
    if (bytes.length === 0) return;
    if (isTcp ? call(bytes) : terminal.write(bytes))
      for (const code of codes) passed.push({ code, at: performance.now() });
  };
  const running = (async () => {
    while (isRunning) {
      turn();
      await pause(tickMs);
    }
  })();
  const stop = async (): Promise<void> => {
    isRunning = false;
    await running;
  };
  return {
    serialPath: terminal.path,
    tcpPort: typeof address === "object" && address !== null ? address.port : 0,
    passed,
    hangUp: () => caller?.destroy(),
    stop,
    async close() {
      await stop();
      caller?.destroy();
      server.close();
      await terminal.close();
    },
  };
}
