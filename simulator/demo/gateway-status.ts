import { request } from "node:http";

/** What the demo wants to know of the running gateway: a part of what `GET /status` answers. */
export interface GatewayStatus {
  readonly gateway: { readonly ready: boolean };
  readonly devices: readonly {
    readonly name: string;
    readonly state: string;
    readonly problem: string;
    readonly readCount: number;
  }[];
  readonly brokers: readonly {
    readonly name: string;
    readonly state: string;
    readonly problem: string;
    readonly queuedCount: number;
  }[];
}

const timeoutMs = 2_000;

/** Asks the gateway over its control socket; nothing if it does not answer (yet). */
export function askGateway(socketPath: string): Promise<GatewayStatus | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path: "/status", timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve(response.statusCode === 200 ? parse(Buffer.concat(chunks)) : undefined));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(undefined));
    call.end();
  });
}

function parse(body: Buffer): GatewayStatus | undefined {
  try {
    return JSON.parse(body.toString("utf8")) as GatewayStatus;
  } catch {
    return undefined;
  }
}
