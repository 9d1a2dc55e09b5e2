import { stat } from "node:fs/promises";
import { SerialPort } from "serialport";
import type { Driver } from "../../src/driver/port.ts";
import { pause } from "../../src/lib/clock.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import { explainOpenFailure, notASerialPort } from "./open-failure.ts";
import { readHere } from "./read-here.ts";
import { createSerialSession } from "./session.ts";
import type { SerialSettings } from "./settings.ts";

/**
 * Bytes from a serial port, a USB adapter or a pseudo-terminal.
 *
 * Fails:  with one sentence each: no such node, no permission, used by another program, not a serial port, line
 *         settings refused, no hardware behind it, no answer in time.
 */
export const serialDriver: Driver<SerialSettings> = {
  name: "serial",
  retryMsMax: limits.serialRetryMsMax,
  async open(settings, context) {
    const { path } = settings;
    throwIfLetGo(path, context.signal);
    const node = await stat(path).catch((error: unknown) => {
      throw explainOpenFailure(path, error);
    });
    if (!node.isCharacterDevice()) throw notASerialPort(path);
    throwIfLetGo(path, context.signal);
    const port = createPort(settings);
    await openInTime(port, path, context.signal);
    readHere(port);
    return createSerialSession(port, path, node, settings.flow_control !== "none", context);
  },
};

/** Opens that hang in the kernel. A second one of the same port would only take another of libuv's few threads. */
const pending = new Set<string>();

function createPort(settings: SerialSettings): SerialPort {
  const isSoftware = settings.flow_control === "software";
  const port = new SerialPort({
    path: settings.path,
    baudRate: settings.baud_rate,
    dataBits: settings.data_bits,
    parity: settings.parity,
    stopBits: settings.stop_bits,
    rtscts: settings.flow_control === "hardware",
    xon: isSoftware,
    xoff: isSoftware,
    lock: true,
    autoOpen: false,
  });
  // Without a listener any error of the port, even one after its end, would stop the program.
  port.on("error", () => undefined);
  return port;
}

async function openInTime(port: SerialPort, path: string, signal: AbortSignal): Promise<void> {
  if (pending.has(path)) throw silent(path);
  pending.add(path);
  const opening = new Promise<Error | null>((resolve) => port.open(resolve));
  const waiting = new AbortController();
  const letGo = (): void => waiting.abort();
  signal.addEventListener("abort", letGo);
  const outcome = await Promise.race([
    opening,
    pause(limits.connectTimeoutMs, waiting.signal).then(() => "not-yet" as const),
  ]);
  signal.removeEventListener("abort", letGo);
  waiting.abort();
  void opening.then(() => pending.delete(path));
  if (outcome !== "not-yet" && outcome !== null) throw explainOpenFailure(path, outcome);
  if (outcome === null && !signal.aborted) return;
  void opening.then((error) => {
    if (error === null) port.close(() => undefined);
  });
  throwIfLetGo(path, signal);
  throw silent(path);
}

function throwIfLetGo(path: string, signal: AbortSignal): void {
  if (signal.aborted)
    throw new SortgateError("device/closed", `Opening ${path} was given up on request`, { hint: "open it again" });
}

function silent(path: string): SortgateError {
  return new SortgateError("device/silent", `Opening ${path} hangs in the kernel`, {
    hint: "unplug the adapter and plug it in again; if that does not help, restart the box",
    context: { path },
  });
}
