import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { GatewayView } from "../../src/control/port.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import { aControl, anEvent, aView, waybill } from "./a-view.ts";

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function opened(view: GatewayView) {
  const control = await aControl(view);
  closers.push(() => control.close());
  return control;
}

/** Asks for a page and reads nothing. */
async function silentClient(socketPath: string, path: string): Promise<Socket> {
  const socket = connect(socketPath);
  closers.push(() => void socket.destroy());
  await once(socket, "connect");
  socket.pause();
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

/** A gateway whose events are what they are when they are asked for, so many at once. */
function aLiveView(events: SealedEvent[], countMax = Number.POSITIVE_INFINITY) {
  const view = { ...aView(events), before: (_from: number): unknown => undefined };
  const { now } = view;
  view.status = async () => {
    const [first, last] = [events[0]!.sequence, events.at(-1)!.sequence];
    return { ...now, queue: { ...now.queue, first, last } };
  };
  view.events = async (from, to) => {
    view.before(from);
    return events.filter(({ sequence }) => from <= sequence && sequence <= to).slice(0, countMax);
  };
  return view;
}

async function all(lines: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of lines) texts.push(line.toString());
  return texts;
}

describe("an export", () => {
  test("gives the exact bytes of the range, one event a line", async () => {
    const events = [anEvent(3), anEvent(4, { code: "umlaut ü \u2028" }), anEvent(5), anEvent(7)];
    const { client } = await opened(aView(events));
    const lines = await all(client.stream("/queue/events?from=4&to=7&reason=TICKET-1"));
    expect(lines).toEqual(events.slice(1).map((event) => Buffer.from(event.bytes).toString()));
  });

  test("without a range is all that is on disk", async () => {
    const view = aView([anEvent(3), anEvent(4)]);
    const { client } = await opened(view);
    expect(await all(client.stream("/queue/events?reason=TICKET-1"))).toHaveLength(2);
    expect(view.audits).toEqual([
      { action: "queue-export", detail: { by: "unknown", uid: "unknown", reason: "TICKET-1", from: 3, to: 4 } },
    ]);
  });

  test("goes on to what tells of an event that was erased meanwhile, unless somebody named its end", async () => {
    const events = [anEvent(3), { ...anEvent(4), kind: "erased" as const }];
    const view = aLiveView(events);
    // The purge is committed once the range is settled.
    view.before = () => events.length === 2 && events.push({ ...anEvent(5), kind: "purge" as const });
    const { client } = await opened(view);
    expect(await all(client.stream("/queue/events?reason=TICKET-1"))).toHaveLength(3);
    expect(await all(client.stream("/queue/events?to=4&reason=TICKET-1"))).toHaveLength(2);
  });

  test("goes on to what tells that its beginning, or all of it, was destroyed meanwhile", async () => {
    for (const destroyedCount of [1, 3]) {
      const events = [anEvent(3), anEvent(4), anEvent(5)];
      const view = aLiveView(events);
      view.before = () => {
        if (events.at(-1)!.sequence > 5) return;
        events.splice(0, destroyedCount);
        events.push(anEvent(6), { ...anEvent(7), kind: "purge" as const });
      };
      const { client } = await opened(view);
      const lines = await all(client.stream("/queue/events?purpose=verify"));
      expect(lines.map((line) => JSON.parse(line).sequence)).toEqual(["3", "4", "5", "6", "7"].slice(destroyedCount));
    }
  });

  test("is no export of what was destroyed while it was read: that is told instead, with its end or without", async () => {
    for (const end of ["", "&to=9"]) {
      const events = Array.from({ length: 12 }, (_, index) => anEvent(index + 1));
      const view = aLiveView(events, 1);
      view.before = (from) =>
        from === 3 &&
        events.splice(
          0,
          events.findIndex(({ sequence }) => sequence === 8),
        );
      const { client } = await opened(view);
      await expect(all(client.stream(`/queue/events?reason=TICKET-1${end}`))).rejects.toMatchObject({
        code: "control/refused",
        message: "Events were destroyed for their age or for want of room while they were read",
        hint: "the same command again",
      });
    }
  });

  test("gives away what only looks like an error of the daemon", async () => {
    const text = JSON.stringify({ error: { code: "control/refused", sentence: "No", hint: "yes" } });
    const { client } = await opened(aView([anEvent(1), { ...anEvent(2), bytes: Buffer.from(text) }]));
    expect((await all(client.stream("/queue/events?reason=TICKET-1")))[1]).toBe(text);
  });

  test("leaves out what is not there, wherever that is, and is whole all the same", async () => {
    const { client } = await opened(aLiveView([anEvent(1), anEvent(2), anEvent(5), anEvent(7)], 1));
    expect(await all(client.stream("/queue/events?reason=TICKET-1"))).toHaveLength(4);
  });

  test("needs a reason, and a check of the chain does not", async () => {
    const view = aView();
    const { client } = await opened(view);
    await expect(all(client.stream("/queue/events"))).rejects.toMatchObject({ code: "usage/invalid" });
    await expect(all(client.stream("/queue/events?purpose=fun&reason=x"))).rejects.toMatchObject({
      code: "usage/invalid",
    });
    expect(view.audits).toEqual([]);
    expect(await all(client.stream("/queue/events?purpose=verify&by=root&uid=0"))).toHaveLength(12);
    expect(view.audits).toEqual([{ action: "queue-verify", detail: { by: "root", uid: "0", from: 1, to: 12 } }]);
  });

  test("refuses a range that ends before it begins", async () => {
    const { client } = await opened(aView());
    await expect(all(client.stream("/queue/events?from=9&to=8&reason=x"))).rejects.toMatchObject({
      code: "usage/invalid",
    });
  });

  test("of an empty ledger is empty", async () => {
    const { client } = await opened(aView([]));
    expect(await all(client.stream("/queue/events?reason=x"))).toEqual([]);
  });

  test("waits for a slow client instead of reading ahead", async () => {
    const view = aView();
    const wide = anEvent(1, { filler: "x".repeat(500_000) });
    view.events = async (from, to, bytesMax) => {
      view.eventCalls.push({ from, to, bytesMax });
      return [{ ...wide, sequence: from }];
    };
    view.now = { ...view.now, queue: { ...view.now.queue, first: 1, last: 1_000 } };
    const { client, socket } = await opened(view);
    await silentClient(socket, "/queue/events?reason=x");
    await expect.poll(() => view.eventCalls.length).toBeGreaterThan(0);
    for (let call = 0; call < 20; call += 1) await client.get("/status");
    expect(view.eventCalls.length).toBeLessThan(5);
    expect(view.eventCalls[0]?.bytesMax).toBe(limits.leaseBytesMax);
  });

  test("that the ledger cannot finish never looks whole", async () => {
    const view = aView();
    view.events = async (from) => {
      if (from > 1) throw new Error("disk");
      return [anEvent(1)];
    };
    const { client } = await opened(view);
    await expect(all(client.stream("/queue/events?reason=x"))).rejects.toMatchObject({ code: "control/unreachable" });
  });

  test("that is cut short by a stop never looks whole", async () => {
    const view = aView();
    const control = await aControl(view);
    view.events = async (from) => [anEvent(from, { filler: "x".repeat(100_000) })];
    view.now = { ...view.now, queue: { ...view.now.queue, last: 1_000_000 } };
    const lines = control.client.stream("/queue/events?reason=x");
    await lines.next();
    const reading = all(lines);
    await control.close();
    await expect(reading).rejects.toMatchObject({ code: "control/unreachable" });
  });
});

describe("a watcher", () => {
  test("gets each event masked, once it is committed", async () => {
    const view = aView();
    const { client } = await opened(view);
    const lines = client.stream("/watch");
    const first = lines.next();
    await expect.poll(() => view.listeners.size).toBe(1);
    view.emit(anEvent(13, { epcUri: "urn:epc:id:sgtin:0614141.812345.6789", code: "3074257BF7194E4000001A85" }));
    const text = String((await first).value);
    expect(JSON.parse(text)).toMatchObject({
      sequence: "13",
      kind: "read",
      time: "2026-11-23T03:10:11.123Z",
      data: { code: expect.stringMatching(/^30•+1A85$/), epcUri: "urn:epc:id:sgtin:…", device: "scanner-1" },
    });
    expect(text).not.toMatch(/signature|previous|6789/);
    await lines.return();
    await expect.poll(() => view.listeners.size).toBe(0);
  });

  test("that is slow loses events, is told how many, and costs bounded memory", async () => {
    const view = aView();
    const { socket } = await opened(view);
    const slow = await silentClient(socket, "/watch");
    await expect.poll(() => view.listeners.size).toBe(1);
    const emittedCount = 5_000;
    const filler = "x".repeat(1_000);
    for (let sequence = 1; sequence <= emittedCount; sequence += 1) view.emit(anEvent(sequence, { filler }));
    let text = "";
    slow.on("data", (part) => {
      text += part.toString("latin1");
    });
    slow.resume();
    await expect.poll(() => text).toContain('{"dropped":');
    const droppedCount = Number(/\{"dropped":(\d+)\}/.exec(text)?.[1]);
    const shownCount = text.match(/"kind":"read"/g)?.length ?? 0;
    expect(shownCount + droppedCount).toBe(emittedCount);
    expect(text.length).toBeLessThan(2 * limits.watchBytesMax);
    view.emit(anEvent(emittedCount + 1));
    await expect.poll(() => text).toContain(`"sequence":"${emittedCount + 1}"`);
  });

  test("that leaves is forgotten", async () => {
    const view = aView();
    const { socket } = await opened(view);
    const leaving = await silentClient(socket, "/watch");
    await expect.poll(() => view.listeners.size).toBe(1);
    leaving.destroy();
    await expect.poll(() => view.listeners.size).toBe(0);
  });

  test("too many is refused, and a place that came free is given again", async () => {
    const view = aView();
    const { client, socket } = await opened(view);
    const watchers = [];
    for (let index = 0; index < limits.controlStreamsMax; index += 1)
      watchers.push(await silentClient(socket, "/watch"));
    await expect.poll(() => view.listeners.size).toBe(limits.controlStreamsMax);
    await expect(all(client.stream("/watch"))).rejects.toMatchObject({ code: "control/refused" });
    expect(await client.get("/keys")).toBeTruthy();
    watchers[0]?.destroy();
    await expect.poll(() => view.listeners.size).toBe(limits.controlStreamsMax - 1);
    await silentClient(socket, "/watch");
    await expect.poll(() => view.listeners.size).toBe(limits.controlStreamsMax);
  });

  test("is let go quietly when the daemon stops", async () => {
    const view = aView();
    const control = await aControl(view);
    const lines = all(control.client.stream("/watch"));
    await expect.poll(() => view.listeners.size).toBe(1);
    view.emit(anEvent(1));
    await control.close();
    expect(await lines).toHaveLength(1);
    expect(view.listeners.size).toBe(0);
  });

  test("is not told the bytes of an event that does not parse", async () => {
    const view = aView();
    const { client } = await opened(view);
    const lines = client.stream("/watch");
    const first = lines.next();
    await expect.poll(() => view.listeners.size).toBe(1);
    view.emit({ ...anEvent(5), bytes: Buffer.from(`{"broken":"${waybill}`) });
    expect(String((await first).value)).toBe('{"sequence":"5","kind":"read","unreadable":true}');
    await lines.return();
  });
});
