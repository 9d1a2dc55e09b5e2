import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { aControl, aStatus, aView, waybill } from "./a-view.ts";

/** Sends bytes as they are and gives back all that comes until the daemon closes. */
async function raw(socketPath: string, ...parts: (string | Buffer)[]): Promise<string> {
  const socket = connect(socketPath);
  let text = "";
  socket.on("data", (part) => {
    text += part.toString("latin1");
  });
  socket.on("error", () => {});
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return text;
}

function get(path: string, extra = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${extra}\r\n`;
}

describe("the control socket", () => {
  let view: ReturnType<typeof aView>;
  let control: Awaited<ReturnType<typeof aControl>>;
  beforeEach(async () => {
    view = aView();
    control = await aControl(view);
  });
  afterEach(() => control.close());

  test("gives the status as the gateway has it", async () => {
    expect(await control.client.get("/status")).toEqual(view.now);
  });

  test("gives queue and brokers", async () => {
    expect(await control.client.get("/queue/stats")).toEqual({
      queue: view.now.queue,
      brokers: view.now.brokers,
      refused: {},
    });
  });

  test("shows the newest events masked, without what would betray the masked digits", async () => {
    const answer = (await control.client.get("/queue/peek?limit=3")) as { events: { sequence: string }[] };
    expect(answer).toMatchObject({ first: 1, last: 12 });
    expect(answer.events.map((event) => event.sequence)).toEqual(["10", "11", "12"]);
    expect(answer.events[0]).toMatchObject({ kind: "read", data: { code: "SF•••••••••6739", device: "scanner-1" } });
    const text = JSON.stringify(answer);
    expect(text).not.toContain(waybill);
    expect(text).not.toContain("signature");
    expect(text).not.toContain("previous");
  });

  test("shows of an erased event only that it was one, while an export has its hashes", async () => {
    await control.close();
    const line = '{"erased":{"digest":"of-the-event","leaf":"of-the-event"}}';
    view = aView([{ sequence: 1, kind: "erased", subject: undefined, bytes: Buffer.from(line) }]);
    control = await aControl(view);
    const { events } = (await control.client.get("/queue/peek")) as { events: unknown[] };
    expect(events).toEqual([{ sequence: "1", kind: "erased", data: {} }]);
    const lines: string[] = [];
    for await (const one of control.client.stream("/queue/events?reason=TICKET-1")) lines.push(one.toString());
    expect(lines).toEqual([line]);
  });

  test("shows events from a sequence on", async () => {
    const { events } = (await control.client.get("/queue/peek?from=4&limit=2")) as { events: { sequence: string }[] };
    expect(events.map((event) => event.sequence)).toEqual(["4", "5"]);
  });

  test("shows no event beyond the newest", async () => {
    expect(await control.client.get("/queue/peek?from=13")).toMatchObject({ events: [] });
  });

  test("gives the chain's key and certificate, and audits nothing for it", async () => {
    expect(await control.client.get("/keys")).toEqual(aStatus().chain);
    expect(view.audits).toEqual([]);
  });

  test("rotates the key and puts who and why into the chain", async () => {
    const answer = await control.client.post("/keys/rotate", { by: "operator", uid: "1000", reason: "TICKET-12" });
    expect(answer).toEqual({ kid: "new-kid", sequence: 13 });
    expect(view.audits).toEqual([
      { action: "keys-rotate", detail: { by: "operator", uid: "1000", reason: "TICKET-12" } },
    ]);
  });

  test("refuses a reason that may hold a parcel's number, and does nothing", async () => {
    for (const reason of [`lost ${waybill}`, "call 138 1234 5678", "021-6234-5678 9"])
      await expect(control.client.post("/keys/rotate", { reason })).rejects.toMatchObject({ code: "usage/invalid" });
    expect(view.audits).toEqual([]);
  });

  test("answers a stranger's path with the paths that there are", async () => {
    await expect(control.client.get("/../etc/passwd")).rejects.toMatchObject({
      code: "usage/unknown-name",
      hint: expect.stringContaining("/queue/stats"),
    });
    await expect(control.client.get("/__proto__")).rejects.toMatchObject({ code: "usage/unknown-name" });
  });

  test("refuses numbers that are none, unknown fields and repeated ones", async () => {
    for (const query of [
      "from=0",
      "from=-1",
      "from=1.5",
      "from=1e3",
      "from=0x10",
      "from=99999999999999999",
      "limit=",
      "limit=1001",
      "limit=5&limit=6",
      "colour=red",
    ])
      await expect(control.client.get(`/queue/peek?${query}`), query).rejects.toMatchObject({ code: "usage/invalid" });
  });

  test("says which method a page is for", async () => {
    expect(await raw(control.socket, "POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")).toMatch(
      /^HTTP\/1.1 405 [\s\S]*allow: GET/i,
    );
    expect(await raw(control.socket, get("/keys/rotate"))).toMatch(/^HTTP\/1.1 405 [\s\S]*allow: POST/i);
    expect(view.audits).toEqual([]);
  });

  test("refuses a body that is too long, that is not JSON or that is no object", async () => {
    const post = (body: string): string =>
      `POST /keys/rotate HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    expect(await raw(control.socket, post("x".repeat(limits.controlBodyBytesMax + 1)))).toMatch(/^HTTP\/1.1 413 /);
    for (const body of ["{", "[]", "7", "null", '{"reason":7}', '{"colour":"red"}', '{"reason":"a\\u0000b"}'])
      expect(await raw(control.socket, post(body)), body).toMatch(/^HTTP\/1.1 400 [\s\S]*"hint"/);
    expect(view.audits).toEqual([]);
  });

  test("refuses headers that are too long, garbage and a GET with a body", async () => {
    expect(await raw(control.socket, get("/status", `X: ${"y".repeat(20_000)}\r\n`))).toMatch(/^HTTP\/1.1 431 /);
    expect(await raw(control.socket, "\u0000\u0001\u001b[2J\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(control.socket, get("/status", "Content-Length: 9\r\n"), "123456789")).toMatch(/^HTTP\/1.1 400 /);
    expect(await control.client.get("/keys")).toEqual(aStatus().chain);
  });

  test("cuts off a client that begins a request and does not end it", async () => {
    expect(await raw(control.socket, "GET /status HTTP/1.1\r\nHost: a\r\n")).toMatch(/^HTTP\/1.1 408 /);
  });

  test("answers within its time when the gateway does not", async () => {
    view.status = () => new Promise(() => {});
    const startedAt = performance.now();
    await expect(control.client.get("/healthz")).rejects.toMatchObject({
      code: "control/refused",
      message: expect.stringContaining("1 s"),
    });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test("asks a slow gateway once, however many wait", async () => {
    let askedCount = 0;
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    view.status = async () => {
      askedCount += 1;
      await slow;
      return view.now;
    };
    const answers = Array.from({ length: 10 }, () => control.client.get("/status"));
    await expect.poll(() => askedCount).toBe(1);
    release();
    await Promise.all(answers);
    expect(askedCount).toBeLessThan(10);
  });

  test("tells a fault of the program by its kind only, and goes on", async () => {
    view.status = async () => {
      throw new TypeError(`cannot read ${waybill}`);
    };
    await expect(control.client.get("/status")).rejects.toMatchObject({
      code: "control/refused",
      message: expect.not.stringContaining(waybill),
    });
    expect(control.told).toContainEqual(
      expect.objectContaining({ name: "control/refused", level: "error", fields: { error: "TypeError" } }),
    );
    expect(JSON.stringify(control.told)).not.toContain(waybill);
    view.status = async () => view.now;
    expect(await control.client.get("/status")).toEqual(view.now);
  });
});
