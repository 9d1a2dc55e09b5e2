import type { ServerResponse } from "node:http";
import { type ErrorCode, SortgateError } from "../../model/error.ts";

/** How an error of ours travels over the control socket. */
export interface ProblemBody {
  readonly error: { readonly code: ErrorCode; readonly sentence: string; readonly hint: string };
}

/** Refuses a request with this HTTP status. */
export function refusal(status: number, sentence: string, hint: string, allow?: string): SortgateError {
  const code =
    status === 404 ? "usage/unknown-name" : status < 500 && status !== 403 ? "usage/invalid" : "control/refused";
  return new SortgateError(code, sentence, { hint, context: { status, ...(allow !== undefined && { allow }) } });
}

export function problemBody(error: unknown): ProblemBody {
  const known = error instanceof SortgateError ? error : unforeseen(error);
  return { error: { code: known.code, sentence: known.message, hint: known.hint } };
}

/** The HTTP status of an error: the one it was made with, else "the daemon cannot do this now". */
export function statusOf(error: unknown): number {
  const status = error instanceof SortgateError ? error.context.status : undefined;
  if (typeof status === "number") return status;
  if (!(error instanceof SortgateError)) return 500;
  if (error.code === "usage/unknown-name") return 404;
  return error.code === "usage/invalid" ? 400 : 503;
}

/** The message of an error that nobody foresaw may hold anything, so only its kind is told. */
function unforeseen(error: unknown): SortgateError {
  return new SortgateError("control/refused", `The daemon failed while answering (${nameOf(error)})`, {
    hint: "journalctl -u sortgate",
  });
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, "application/json", `${JSON.stringify(body)}\n`);
}

export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // What a refused request still sends is not worth reading.
    ...(status >= 400 && { connection: "close" }),
  });
  response.end(text);
}

/** Answers with an error, or breaks the answer off if it has begun: half an answer must not look whole. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = statusOf(error);
  const allow = error instanceof SortgateError ? error.context.allow : undefined;
  if (typeof allow === "string") response.setHeader("allow", allow);
  sendJson(response, status, problemBody(error));
}
