import type { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import { shared } from "./answer/deadline.ts";
import { refusal } from "./answer/reply.ts";
import { type RouteContext, serveControl, serveHealth } from "./answer/routes.ts";
import { closeServer } from "./listen/http-server.ts";
import { keepTcpListener } from "./listen/tcp-listener.ts";
import { openUnixListener } from "./listen/unix-listener.ts";
import { createMetrics } from "./metrics.ts";
import type { GatewayView } from "./port.ts";
import { createReveals } from "./reveals.ts";
import type { ControlSettings } from "./settings.ts";
import type { Status } from "./status.ts";

/** The open control socket and http address. */
export interface Control {
  /** Ends every answer and closes both; never rejects. */
  close(): Promise<void>;
}

export interface ControlOptions {
  readonly settings: ControlSettings;
  readonly view: GatewayView;
  readonly tell: Tell;
  /** How often each notice was told, for `sortgate_notices_total`. */
  readonly noticeCounts?: () => ReadonlyMap<string, number>;
}

function createPlaces(): () => () => void {
  let takenCount = 0;
  return () => {
    if (takenCount >= limits.controlStreamsMax)
      throw refusal(
        503,
        `The daemon follows ${limits.controlStreamsMax} watch and export commands already`,
        "end one of them; ss -xp shows who is connected",
      );
    takenCount += 1;
    return () => {
      takenCount -= 1;
    };
  };
}

/**
 * Opens what commands and monitoring talk to: the control socket, and the http address if there is one.
 *
 * Fails:  `control/unusable` if the socket cannot be opened. The http address is not worth a stop: it is told as
 *         `control/refused`, stands in the status, and is tried again.
 */
export async function openControl({ settings, view, tell, noticeCounts }: ControlOptions): Promise<Control> {
  const stopping = new AbortController();
  const metrics = createMetrics();
  const alarm: GatewayView["alarm"] = (name, detail) => view.alarm(name, detail);
  const reveals = createReveals({ max: settings.reveals_max, alarm, tell, nowMs: Date.now });
  let httpFault: SortgateError | undefined;
  const status = async (): Promise<Status> => {
    const over = reveals.all();
    const http = httpFault && { problem: httpFault.message, hint: httpFault.hint };
    return { ...(await view.status()), ...(over.length > 0 && { reveals: over }), ...(http && { http }) };
  };
  const context: RouteContext = {
    view,
    reveals,
    metrics,
    tell,
    status: shared(status),
    notices: noticeCounts ?? (() => new Map()),
    signal: stopping.signal,
    takePlace: createPlaces(),
  };
  const server = await openUnixListener(settings.socket, (request, response) =>
    serveControl(context, request, response),
  ).catch((error: unknown) => {
    metrics.close();
    throw error;
  });
  tell({
    name: "control/listening",
    level: "info",
    message: "Commands are answered",
    fields: { socket: settings.socket },
  });
  const tcp =
    settings.http === undefined
      ? Promise.resolve()
      : keepTcpListener({
          address: settings.http,
          allowRemote: settings.http_allow_remote,
          serve: (request, response) => serveHealth(context, request, response),
          tell,
          onFault: (fault) => (httpFault = fault),
          signal: stopping.signal,
        });
  return {
    async close() {
      stopping.abort();
      await Promise.all([closeServer(server), tcp]);
      metrics.close();
    },
  };
}
