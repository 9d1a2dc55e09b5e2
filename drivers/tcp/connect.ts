import { connect as connectSocket, type Socket } from "node:net";
import type { DriverContext, EndReason, Session, SessionEnd } from "../../src/driver/port.ts";
import { type SortgateError, systemCode } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import { connectTimedOut, explainConnectFailure, givenUp } from "./failure.ts";
import type { TcpSettings } from "./settings.ts";

/** Calls the scanner. */
export async function connect(settings: TcpSettings, context: DriverContext): Promise<Session> {
  const { host, port } = settings;
  const socket = connectSocket({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.connectTimeoutMs,
    // A name with several addresses: each gets its share of the deadline, not the 250 ms of Node's default.
    autoSelectFamilyAttemptTimeout: limits.connectTimeoutMs / 4,
  });
  await connected(socket, host, port, context.signal);
  return createSession(socket, `${host} port ${port}`, context);
}

function connected(socket: Socket, host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error: SortgateError | undefined): void => {
      clearTimeout(deadline);
      signal.removeEventListener("abort", onAbort);
      socket.off("connect", onConnect);
      if (error === undefined) resolve();
      else {
        socket.destroy();
        reject(error);
      }
    };
    const onConnect = (): void => finish(undefined);
    const onAbort = (): void => finish(givenUp(host, port));
    const deadline = setTimeout(() => finish(connectTimedOut(host, port)), limits.connectTimeoutMs);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", onConnect);
    // Stays for good: an error after the end must not stop the program.
    socket.on("error", (error) => finish(explainConnectFailure(host, port, error)));
  });
}

function createSession(socket: Socket, peer: string, context: Pick<DriverContext, "receive" | "signal">): Session {
  let isEnding = false;
  let settle: (end: SessionEnd) => void;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });
  const end = (reason: EndReason, sentence: string): void => {
    if (isEnding) return;
    isEnding = true;
    context.signal.removeEventListener("abort", onAbort);
    socket.destroy();
    settle({ reason, sentence });
  };
  const onAbort = (): void => end("closed", `The connection to ${peer} was closed on request`);

  context.signal.addEventListener("abort", onAbort);
  socket.on("data", (bytes) => {
    if (!isEnding) context.receive({ kind: "bytes", bytes });
  });
  socket.on("end", () => end("closed", `The device at ${peer} closed the connection`));
  socket.on("close", () => end("closed", `The connection to ${peer} is closed`));
  socket.on("error", (error) => {
    if (systemCode(error) === "ETIMEDOUT") end("silent", `The device at ${peer} no longer answers`);
    else end("error", `The connection to ${peer} broke (${systemCode(error) || error.name})`);
  });
  return {
    ended,
    async close() {
      onAbort();
      await ended;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}
