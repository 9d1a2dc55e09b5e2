import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { ListenOptions } from "node:net";
import type { Duplex } from "node:stream";
import { systemCode } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { problemBody, refusal } from "../answer/reply.ts";

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers what is not even HTTP; Node has no response object for that. */
function answerGarbage(error: Error, socket: Duplex): void {
  if (!socket.writable || systemCode(error) === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[systemCode(error)] ?? 400;
  const hint = "sortgate status, or: curl --unix-socket FILE http://localhost/status";
  const body = `${JSON.stringify(problemBody(refusal(status, "The request is not one that the daemon understands", hint)))}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  // Destroyed once it is out: a peer that never closes its side would keep the connection.
  socket.end(head + body, () => socket.destroy());
}

/** A server whose every resource has a bound; it does not listen yet. */
export function createBoundedServer(serve: Serve): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.controlHeaderBytesMax,
      headersTimeout: limits.controlRequestMs,
      requestTimeout: limits.controlRequestMs,
      keepAliveTimeout: limits.controlRequestMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      // Both end with the connection; what they have to say about it is of no use to anybody.
      request.on("error", () => response.destroy());
      response.on("error", () => response.destroy());
      void serve(request, response);
    },
  );
  server.maxConnections = limits.controlConnectionsMax;
  server.on("clientError", answerGarbage);
  return server;
}

/** Resolves once the server listens; rejects with the system's error. */
export function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Long answers get this long to end by themselves. */
const closeGraceMs = 500;

/** Closes the server and every connection; never rejects. */
export async function closeServer(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(timer);
}
