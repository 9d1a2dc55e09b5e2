import type { IncomingMessage, ServerResponse } from "node:http";
import { SortgateError } from "../../model/error.ts";
import type { SealedEvent } from "../../model/event.ts";
import { limits } from "../../model/limits.ts";
import type { GatewayView } from "../port.ts";
import type { Reveals } from "../reveals.ts";
import { noSubject, subjectOf, toldSubject } from "../subject.ts";
import { cleanWho, isTicket, noTicket } from "../who.ts";
import { type Asked, askedFields, readBody, refuseBody, splitTarget } from "./asked.ts";
import { within } from "./deadline.ts";
import { answerHealth, type HealthSource, healthPaths } from "./health.ts";
import { maskedEvent } from "./masked.ts";
import { nameOf, refusal, sendJson, sendProblem } from "./reply.ts";
import { streamErasure, streamEvents, streamWatch } from "./streams.ts";

/** What the routes work with. */
export interface RouteContext extends HealthSource {
  readonly view: GatewayView;
  /** Counts the numbers that leave in clear. */
  readonly reveals: Reveals;
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal;
  /** Takes one of the places for long answers, and gives it back when called. */
  takePlace(): () => void;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly fields: readonly string[];
  /** Gives what is sent as JSON, or sends a stream itself. */
  answer(context: RouteContext, asked: Asked, response: ServerResponse): Promise<unknown>;
}

/** Stands for "the answer was sent as a stream". */
const streamed = Symbol("streamed");

const who = ["by", "uid", "reason"] as const;

/**
 * Who asks and why, for the `audit` event. The names are the client's own word: Node does not give the peer of a Unix
 * socket; that somebody may open the socket at all is what the group of the socket says.
 *
 * All of it stands in the signed chain for ever, so none of it may become the place where data of a person are written:
 * a reason that is no ticket is refused; a name that is no login is left out, since it is not the person's to choose.
 */
function auditFields(asked: Asked): ReturnType<typeof cleanWho> & { readonly reason?: string } {
  const [reason, by, uid] = [asked.text("reason"), asked.text("by"), asked.text("uid")];
  if (reason !== "" && !isTicket(reason)) throw refusal(400, noTicket.sentence, noTicket.hint);
  return { ...cleanWho(by, uid), ...(reason !== "" && { reason }) };
}

/** Runs a long answer in one of the few places for them, until it ends, the client leaves or the daemon stops. */
async function inPlace(
  context: RouteContext,
  response: ServerResponse,
  stream: (signal: AbortSignal) => Promise<void>,
): Promise<typeof streamed> {
  const giveBack = context.takePlace();
  const left = new AbortController();
  const leave = (): void => left.abort();
  response.once("close", leave);
  context.signal.addEventListener("abort", leave, { once: true });
  try {
    if (context.signal.aborted) leave();
    await stream(left.signal);
    return streamed;
  } finally {
    context.signal.removeEventListener("abort", leave);
    giveBack();
  }
}

const purposes = ["export", "verify"];

/**
 * What the chain tells beside who asks: that it was confirmed, and what somebody who is over the limit had before.
 *
 * Fails:  with 403 for an export of somebody who is, unless it is confirmed. A check of the chain is never held up.
 */
function revealFields({ reveals }: RouteContext, who: ReturnType<typeof cleanWho>, purpose: string, asked: Asked) {
  const confirm = asked.text("confirm");
  if (confirm !== "" && confirm !== "true") throw refusal(400, "The field confirm is not true", "--confirm");
  const [isConfirmed, over] = [confirm === "true", reveals.over(who)];
  if (purpose === "export" && over !== undefined && !isConfirmed)
    throw refusal(
      403,
      `${over.by} (uid ${over.uid}) was given more than ${over.max} different numbers in clear today (UTC), so an export must be confirmed`,
      "add --confirm, which the chain tells, or wait until the day ends: sortgate queue export --confirm --reason TICKET-4711",
    );
  return { ...(isConfirmed && { confirmed: true }), ...(over !== undefined && { revealedBefore: over.count }) };
}

const routes: Readonly<Record<string, Route>> = {
  "/status": { method: "GET", fields: [], answer: ({ status }) => status() },
  "/queue/stats": {
    method: "GET",
    fields: [],
    answer: async ({ status, view }) => {
      const { queue, brokers } = await status();
      return { queue, brokers, refused: await view.refused() };
    },
  },
  "/queue/peek": {
    method: "GET",
    fields: ["from", "limit"],
    async answer({ view, status }, asked) {
      const limit = asked.number("limit") ?? 20;
      if (limit > limits.peekEventsMax)
        throw refusal(
          400,
          `The limit is too high: at most ${limits.peekEventsMax} events`,
          `--limit ${limits.peekEventsMax}`,
        );
      const { first, last } = (await status()).queue;
      const from = Math.max(first, asked.number("from") ?? last - limit + 1, 1);
      const events = from > last ? [] : await view.events(from, from + limit - 1, limits.leaseBytesMax);
      return { first, last, events: events.map(maskedEvent) };
    },
  },
  "/queue/events": {
    method: "GET",
    fields: ["from", "to", "purpose", "confirm", ...who],
    async answer(context, asked, response) {
      const purpose = asked.text("purpose") || "export";
      if (!purposes.includes(purpose)) throw refusal(400, "The purpose is not known", `one of ${purposes.join(", ")}`);
      const detail = auditFields(asked);
      if (purpose === "export" && detail.reason === undefined)
        throw refusal(400, "Events leave unmasked only for a reason", "--reason TICKET-4711");
      const told = { ...detail, ...revealFields(context, detail, purpose, asked) };
      const { queue } = await within(limits.controlAnswerMs, "its status", context.status());
      if ((asked.number("from") ?? 1) > (asked.number("to") ?? Number.POSITIVE_INFINITY))
        throw refusal(400, "The range ends before it begins", "--from 1 --to 100");
      const range = {
        from: asked.number("from") ?? Math.max(queue.first, 1),
        to: Math.min(asked.number("to") ?? queue.last, queue.last),
      };
      return inPlace(context, response, async (signal) => {
        // Before the first byte: an export that breaks off has been an export too.
        context.view.audit(`queue-${purpose}`, { ...told, ...range });
        // What is asked for from its beginning on comes with the epoch event that was kept for it.
        const open = { ...range, from: asked.number("from") ?? 1, isOpen: asked.number("to") === undefined };
        const leave = (events: readonly SealedEvent[]): void => context.reveals.count(detail, events);
        await streamEvents(context.view, open, leave, response, signal);
      });
    },
  },
  "/queue/replay": {
    method: "POST",
    fields: ["broker", "from", "to", ...who],
    async answer({ view }, asked) {
      const detail = auditFields(asked);
      const [broker, from, to] = [asked.text("broker"), asked.number("from"), asked.number("to")];
      if (detail.reason === undefined)
        throw refusal(400, "Events are sent again only for a reason", "--reason TICKET-4711");
      if (broker === "" || from === undefined || to === undefined)
        throw refusal(400, "A replay needs a broker and a range", "broker=central, from=1, to=100");
      const answer = await view.replay(broker, from, to);
      view.audit("queue-replay", { ...detail, broker, from, to, count: answer.count });
      return answer;
    },
  },
  "/erase": {
    method: "POST",
    fields: ["subject", ...who],
    async answer(context, asked, response) {
      const detail = auditFields(asked);
      if (detail.reason === undefined)
        throw refusal(400, "Events are erased only for a reason", "--reason TICKET-4711");
      const text = asked.text("subject");
      const subject = subjectOf(text);
      if (subject === undefined) {
        const { sentence, hint } = noSubject(text);
        throw refusal(400, sentence, hint);
      }
      const told = { ...detail, ...toldSubject(subject) };
      return inPlace(context, response, (signal) => streamErasure(context.view, subject, told, response, signal));
    },
  },
  "/watch": {
    method: "GET",
    fields: [],
    answer: (context, _asked, response) =>
      inPlace(context, response, (signal) => streamWatch(context.view, response, signal)),
  },
  "/keys": { method: "GET", fields: [], answer: async ({ status }) => (await status()).chain },
  "/keys/rotate": {
    method: "POST",
    fields: who,
    async answer({ view }, asked) {
      view.audit("keys-rotate", auditFields(asked));
      return view.rotateKey();
    },
  },
};

const endless: ReadonlySet<string> = new Set(["/queue/events", "/erase", "/watch"]);

async function answerRoute(context: RouteContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path, query } = splitTarget(request.url ?? "/");
  const health = healthPaths.includes(path);
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!health && route === undefined)
    throw refusal(404, "The daemon has no such page", [...Object.keys(routes), ...healthPaths].join(", "));
  expectMethod(request, route?.method ?? "GET");
  if (request.method === "GET") refuseBody(request);
  const fields = request.method === "POST" ? await readBody(request) : [...new URLSearchParams(query)];
  const asked = askedFields(path, fields, route?.fields ?? []);
  if (route === undefined) return answerHealth(context, path, response);
  const answer = route.answer(context, asked, response);
  const body = await (endless.has(path) ? answer : within(limits.controlAnswerMs, "an answer", answer));
  if (body !== streamed) sendJson(response, 200, body);
}

function expectMethod(request: IncomingMessage, method: Route["method"]): void {
  if (request.method === method) return;
  throw refusal(405, `This page is not for ${method === "GET" ? "writing" : "reading"}`, `use ${method}`, method);
}

/** A fault of the program must not end it here, but it must be seen. */
function tellUnforeseen({ tell }: HealthSource, error: unknown): void {
  if (error instanceof SortgateError) return;
  tell({
    name: "control/refused",
    level: "error",
    message: "A request to the control socket failed by a fault of the program; report it with what was asked",
    fields: { error: nameOf(error) },
  });
}

/** Answers a request on the control socket; never rejects. */
export async function serveControl(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await answerRoute(context, request, response);
  } catch (error) {
    tellUnforeseen(context, error);
    sendProblem(response, error);
  }
}

/** Answers a request on the http address, where nothing but `healthPaths` is served; never rejects. */
export async function serveHealth(
  source: HealthSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { path } = splitTarget(request.url ?? "/");
    if (!healthPaths.includes(path)) throw refusal(404, "There is no such page here", healthPaths.join(", "));
    if (request.method !== "HEAD") expectMethod(request, "GET");
    refuseBody(request);
    await answerHealth(source, path, response);
  } catch (error) {
    tellUnforeseen(source, error);
    sendProblem(response, error);
  }
}
