import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type AddressInfo, isIPv4 } from "node:net";
import { createBackoff } from "../../lib/backoff.ts";
import { pause } from "../../lib/clock.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import type { Tell } from "../../model/notice.ts";
import { refusal, sendProblem } from "../answer/reply.ts";
import { closeServer, createBoundedServer, listen, type Serve } from "./http-server.ts";

interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9477`, `[::1]:9477` or `localhost:9477`; the settings have checked its form. */
function addressOf(text: string): TcpAddress {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}

/**
 * Refuses what reached this machine under a foreign name: a web page that lets its own name point to 127.0.0.1 would
 * otherwise read this one (DNS rebinding).
 */
function expectLocalName(request: IncomingMessage): void {
  const name = (request.headers.host ?? "").replace(/:\d{1,5}$/, "").toLowerCase();
  if (name === "localhost" || name === "[::1]" || (isIPv4(name) && name.startsWith("127."))) return;
  throw refusal(
    403,
    "This page answers only to the names and addresses of this machine itself",
    "http://127.0.0.1, or http_allow_remote = true under [control]",
  );
}

function explain(address: string, error: unknown): SortgateError {
  const { host, port } = addressOf(address);
  const hints: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
    EADDRINUSE: [`port ${port} is in use`, `ss -ltnp 'sport = :${port}' shows by whom`],
    EADDRNOTAVAIL: [`this machine has no address ${host}`, 'http = "127.0.0.1:9477" under [control]'],
    EACCES: [`port ${port} is not for this user`, "a port from 1024 up as http under [control]"],
  };
  const code = systemCode(error);
  const [reason, hint] = hints[code] ?? [`the system refuses it (${code})`, "another http address under [control]"];
  return new SortgateError("control/unusable", `Cannot serve /metrics and /healthz on ${address}: ${reason}`, {
    hint,
    cause: error,
  });
}

export interface TcpListenerSettings {
  readonly address: string;
  readonly allowRemote: boolean;
  readonly serve: Serve;
  readonly tell: Tell;
  /** Called with what is in the way at each try, and with nothing once the address is served. */
  readonly onFault: (fault: SortgateError | undefined) => void;
  readonly signal: AbortSignal;
}

/**
 * Serves the http address until the signal aborts; resolves once it is closed.
 *
 * Fails:  never. What is in the way is told once as `control/refused`, and tried again with back-off.
 */
export async function keepTcpListener({
  address,
  allowRemote,
  serve,
  tell,
  onFault,
  signal,
}: TcpListenerSettings): Promise<void> {
  const backoff = createBackoff(limits.backoff);
  let told = false;
  const guarded: Serve = async (request, response) => {
    try {
      if (!allowRemote) expectLocalName(request);
    } catch (error) {
      sendProblem(response, error);
      return;
    }
    await serve(request, response);
  };
  while (!signal.aborted) {
    const server = createBoundedServer(guarded);
    try {
      await listen(server, addressOf(address));
    } catch (error) {
      const fault = explain(address, error);
      onFault(fault);
      const { message, hint, code } = fault;
      if (!told)
        tell({ name: "control/refused", level: "warn", message: `${message}. Try: ${hint}`, fields: { code } });
      told = true;
      await pause(backoff.nextMs(), signal);
      continue;
    }
    onFault(undefined);
    const { address: ip, family, port } = server.address() as AddressInfo;
    const shown = family === "IPv6" ? `[${ip}]:${port}` : `${ip}:${port}`;
    tell({
      name: "control/listening",
      level: "info",
      message: "Serving /metrics, /healthz and /readyz",
      fields: { address: shown },
    });
    if (!signal.aborted) await once(signal, "abort");
    await closeServer(server);
  }
}
