import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { configFlag, defaultConfigPath, namingConfig } from "../lib/config-flag.ts";
import { type ErrorCode, errorCodes, SortgateError, systemCode } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import { rightsHint } from "./rights.ts";

/** How a command talks to the running daemon. */
export interface ControlClient {
  /** What the daemon answers to a GET, parsed. */
  get(path: string): Promise<unknown>;
  /** What the daemon answers to a POST with this body, parsed. */
  post(path: string, body: Readonly<Record<string, string>>): Promise<unknown>;
  /**
   * The lines of a long answer, without their line breaks, as they come.
   *
   * Fails:  if the answer breaks off, with the error that its last line tells, or `control/unreachable`; leaving the loop or aborting the signal ends it well.
   */
  stream(path: string, options?: StreamOptions): AsyncGenerator<Buffer, void, undefined>;
}

export interface StreamOptions {
  /** Asks by a POST with this body; absent: by a GET. */
  readonly body?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Silence longer than this is an error; absent: the answer may be silent for ever. */
  readonly silenceMaxMs?: number;
}

/** A line longer than this is none of ours. */
const lineBytesMax = 2 * limits.eventBytesMax;
/** Nor is an answer longer than this one that is read whole. */
const answerBytesMax = 64 * 1_048_576;

function explain(socketPath: string, configPath: string, error: unknown): SortgateError {
  const code = systemCode(error);
  if (code === "EACCES" || code === "EPERM")
    return new SortgateError("control/unreachable", `The control socket ${socketPath} may not be opened by this user`, {
      hint: rightsHint(socketPath),
      cause: error,
    });
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "there is no such socket",
    ENOTDIR: "there is no such socket",
    ECONNREFUSED: "nobody answers there",
    ENOTSOCK: "it is not a socket",
    ECONNRESET: "the daemon went away while answering",
    ETIMEDOUT: `it did not answer within ${limits.controlTimeoutMs / 1_000} s`,
  };
  return new SortgateError(
    "control/unreachable",
    `The daemon cannot be reached at ${socketPath}: ${reasons[code] ?? `the connection failed (${code || "no reason given"})`}`,
    {
      hint: `systemctl status sortgate, or start it: sortgate run${configFlag(configPath)}; for another gateway name its config file with --config`,
      cause: error,
    },
  );
}

const timedOut = (): Error => Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" });

/** The error that the daemon answered with; a daemon of another version may use words that are not known here. */
function answered(status: number, body: unknown, configPath = defaultConfigPath): SortgateError {
  const error = (body as { error?: { code?: unknown; sentence?: unknown; hint?: unknown } } | undefined)?.error;
  const known = errorCodes.find((code): code is ErrorCode => code === error?.code);
  const sentence =
    typeof error?.sentence === "string" ? error.sentence : `The daemon refused with HTTP status ${status}`;
  const hint = typeof error?.hint === "string" ? error.hint : "sortgate version, and restart the daemon if it is older";
  return new SortgateError(known ?? "control/refused", sentence, { hint: namingConfig(hint, configPath) });
}

/** The error that a line of a long answer tells; undefined if it tells none. */
export function problemIn(line: unknown, configPath?: string): SortgateError | undefined {
  const error = (line as { error?: unknown } | null | undefined)?.error;
  return typeof error === "object" && error !== null ? answered(503, line, configPath) : undefined;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > answerBytesMax) throw new Error("the answer has no end");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Cuts bytes into lines, of which one is held at most. */
async function* linesOf(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of parts) {
    let bytes = rest.length === 0 ? part : Buffer.concat([rest, part]);
    let end = bytes.indexOf(0x0a);
    while (end !== -1) {
      if (end > 0) yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
      end = bytes.indexOf(0x0a);
    }
    if (bytes.length > lineBytesMax) throw new Error("the line has no end");
    rest = bytes;
  }
}

/**
 * Makes the client of the control socket. It connects anew for each question and holds nothing in between.
 *
 * Takes:  `configPath`, of the daemon behind it, for hints.
 * Fails:  each call with `control/unreachable` if nobody answers within `limits.controlTimeoutMs`, and with the daemon's
 *         own error if it refuses.
 */
export function createControlClient(socketPath: string, configPath = defaultConfigPath): ControlClient {
  const ask = async (path: string, body: string | undefined, signal?: AbortSignal): Promise<IncomingMessage> => {
    const asked = request({
      socketPath,
      path,
      method: body === undefined ? "GET" : "POST",
      // One connection a question: nothing keeps the command alive afterwards.
      agent: false,
      headers: {
        host: "localhost",
        ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      },
      ...(signal !== undefined && { signal }),
    });
    const timer = setTimeout(() => asked.destroy(timedOut()), limits.controlTimeoutMs);
    try {
      asked.end(body);
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      // From here on the answer itself carries the error.
      asked.on("error", () => response.destroy());
      return response;
    } finally {
      clearTimeout(timer);
    }
  };

  const wholeAnswer = async (path: string, body?: string): Promise<unknown> => {
    const deadline = AbortSignal.timeout(limits.controlTimeoutMs);
    try {
      const response = await ask(path, body, deadline);
      const status = response.statusCode ?? 0;
      const parsed = parse(await readAll(response));
      if (status >= 400 || parsed === undefined) throw answered(status, parsed, configPath);
      return parsed;
    } catch (error) {
      if (error instanceof SortgateError) throw error;
      throw explain(socketPath, configPath, deadline.aborted ? timedOut() : error);
    }
  };

  return {
    get: (path) => wholeAnswer(path),
    post: (path, body) => wholeAnswer(path, JSON.stringify(body)),
    async *stream(path, { body, signal, silenceMaxMs } = {}) {
      let last: Buffer | undefined;
      try {
        const response = await ask(path, body === undefined ? undefined : JSON.stringify(body), signal);
        const status = response.statusCode ?? 0;
        if (status >= 400) throw answered(status, parse(await readAll(response)), configPath);
        if (silenceMaxMs !== undefined) response.setTimeout(silenceMaxMs, () => response.destroy(timedOut()));
        for await (const line of linesOf(response as AsyncIterable<Buffer>)) {
          last = line;
          yield line;
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (error instanceof SortgateError) throw error;
        // A line like that in an answer that goes on, or ends well, is only what was asked for.
        const problem = last && problemIn(parse(last), configPath);
        throw problem ?? explain(socketPath, configPath, error);
      }
    },
  };
}
