import type { IncomingMessage } from "node:http";
import { limits } from "../../model/limits.ts";
import { refusal } from "./reply.ts";

/** What a request asks for, checked for its form. */
export interface Asked {
  readonly path: string;
  /** A whole number from 1 up; absent if it was not given. */
  number(name: string): number | undefined;
  /** A text without control characters; empty if it was not given. */
  text(name: string): string;
}

/** The path and query of a request target; never throws. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  return mark === -1 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/**
 * The fields of a request.
 *
 * Fails:  `usage/invalid` for fields that are not among `names`, or that stand twice.
 */
export function askedFields(path: string, fields: Iterable<[string, unknown]>, names: readonly string[]): Asked {
  const values = new Map<string, unknown>();
  for (const [name, value] of fields) {
    if (!names.includes(name))
      throw refusal(400, `${path} has no such field`, names.length === 0 ? "no fields" : `one of ${names.join(", ")}`);
    if (values.has(name)) throw refusal(400, `The field ${name} was given twice`, `give ${name} once`);
    values.set(name, value);
  }
  return {
    path,
    number: (name) => wholeNumber(name, values.get(name)),
    text: (name) => shortText(name, values.get(name)),
  };
}

function wholeNumber(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number) || number < 1)
    throw refusal(400, `The field ${name} is not a whole number from 1 up`, `--${name} 1`);
  return number;
}

const textMax = 200;

function shortText(name: string, value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "string") throw refusal(400, `The field ${name} is not a text`, "a text in quotes");
  const text = value.trim();
  if (text.length > textMax || /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u.test(text))
    throw refusal(
      400,
      `The field ${name} holds control characters or is too long`,
      `at most ${textMax} characters on one line`,
    );
  return text;
}

/**
 * The body of a request: a JSON object, or nothing.
 *
 * Fails:  413 beyond `limits.controlBodyBytesMax`, 400 for what is no JSON object.
 */
export async function readBody(request: IncomingMessage): Promise<[string, unknown][]> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limits.controlBodyBytesMax)
      throw refusal(413, "The body of the request is too long", `at most ${limits.controlBodyBytesMax} bytes`);
    parts.push(part);
  }
  if (size === 0) return [];
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    throw refusal(400, "The body of the request is not JSON", 'a JSON object such as {"reason":"TICKET-12"}');
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw refusal(400, "The body of the request is not a JSON object", 'an object such as {"reason":"TICKET-12"}');
  return Object.entries(body);
}

/** A GET with a body is a mistake or an attack; refusing it spares reading it. */
export function refuseBody(request: IncomingMessage): void {
  const length = request.headers["content-length"];
  if (request.headers["transfer-encoding"] === undefined && (length === undefined || Number(length) === 0)) return;
  throw refusal(400, "A GET takes no body", "send the fields behind the ? of the path");
}
