import { createServer, type Server, type Socket } from "node:net";
import type { DriverContext, Session, SessionEnd } from "../../src/driver/port.ts";
import { limits } from "../../src/model/limits.ts";
import { explainListenFailure } from "./failure.ts";
import type { TcpSettings } from "./settings.ts";

/**
 * Opens a port for the scanner to call.
 *
 * One scanner at a time: a new call replaces the older one, since a scanner that was switched off and on calls again
 * while its old connection still looks alive from here. Each change sends a `break`.
 *
 * Loses:   what an older connection still held unread, if it is replaced while the session is paused.
 */
export async function listen(settings: TcpSettings, context: DriverContext): Promise<Session> {
  const { host, port } = settings;
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: limits.connectTimeoutMs });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(explainListenFailure(host, port, error)));
    server.listen({ host, port, exclusive: true }, resolve);
  });
  return createSession(server, `${host} port ${port}`, context);
}

/** Who calls more often than this fills no log: calls in quicker succession are told at level debug. */
const quietMs = 1_000;

function createSession(server: Server, place: string, context: DriverContext): Session {
  const { device, tell } = context;
  let isEnding = false;
  let caller: Socket | undefined;
  let isPaused = false;
  let calledAt = Number.NEGATIVE_INFINITY;
  let settle: (end: SessionEnd) => void;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });

  const end = (reason: "closed" | "error", sentence: string): void => {
    if (isEnding) return;
    isEnding = true;
    context.signal.removeEventListener("abort", onAbort);
    caller?.destroy();
    // Told only once the port is free, so that the next attempt does not find it in use.
    server.close(() => settle({ reason, sentence }));
  };
  const onAbort = (): void => end("closed", `Listening on ${place} was ended on request`);

  const hangUp = (socket: Socket): void => {
    if (isEnding || caller !== socket) return;
    caller = undefined;
    context.receive({ kind: "break" });
    const message = `The device that had called ${place} hung up; waiting for its next call`;
    const isOften = context.clock.monotonicMs() - calledAt < quietMs;
    tell({ name: "device/warning", level: isOften ? "debug" : "info", message, fields: { device } });
  };
  server.on("connection", (socket) => {
    const earlier = caller;
    socket.on("error", () => socket.destroy());
    if (isEnding) return void socket.destroy();
    caller = socket;
    if (earlier !== undefined) {
      earlier.destroy();
      context.receive({ kind: "break" });
    }
    socket.on("data", (bytes) => {
      if (!isEnding && caller === socket) context.receive({ kind: "bytes", bytes });
    });
    if (isPaused) socket.pause();
    socket.on("end", () => hangUp(socket));
    socket.on("close", () => hangUp(socket));
    const isOften = context.clock.monotonicMs() - calledAt < quietMs;
    calledAt = context.clock.monotonicMs();
    const message =
      earlier === undefined
        ? `A device called ${place}`
        : `A device called ${place}; it replaces the one that was connected`;
    const remote = socket.remoteAddress ?? "gone already";
    tell({ name: "device/connected", level: isOften ? "debug" : "info", message, fields: { device, remote } });
  });
  server.on("error", () => end("error", `Listening on ${place} failed`));
  context.signal.addEventListener("abort", onAbort);
  return {
    ended,
    async close() {
      onAbort();
      await ended;
    },
    pause() {
      isPaused = true;
      caller?.pause();
    },
    resume() {
      isPaused = false;
      caller?.resume();
    },
  };
}
