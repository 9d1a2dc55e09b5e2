import { afterEach, describe, expect, test } from "vitest";
import { createReveals } from "../../src/control/reveals.ts";
import type { Status } from "../../src/control/status.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import type { Notice } from "../../src/model/notice.ts";
import { aControl, anEvent, aView } from "./a-view.ts";

const [alice, bob] = [
  { by: "alice", uid: "1000" },
  { by: "bob", uid: "1001" },
];

const codeOf = (number: number): string => `SF1${String(number).padStart(12, "0")}`;
/** Events with the numbers of [from, to]. */
const given = (from: number, to: number): SealedEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => anEvent(index + 1, { code: codeOf(from + index) }));

function counters(max = 3) {
  const clock = { nowMs: Date.parse("2026-11-23T23:59:59.000Z") };
  const alarms: object[] = [];
  const told: Notice[] = [];
  const reveals = createReveals({
    max,
    alarm: (alarm, detail) => void alarms.push({ alarm, ...detail }),
    tell: (notice) => void told.push(notice),
    nowMs: () => clock.nowMs,
  });
  return { reveals, clock, alarms, told };
}

describe("R40 numbers that are given away in clear", () => {
  test("R40 are counted by who gets them: the 1,001st raises one alarm and one notice, without a number", () => {
    const { reveals, alarms, told } = counters(1_000);
    reveals.count(alice, given(1, 1_000));
    reveals.count(bob, given(1_001, 2_000));
    expect([reveals.over(alice), reveals.all(), alarms, told]).toEqual([undefined, [], [], []]);
    reveals.count(alice, given(1_001, 1_001));
    reveals.count(alice, given(1_002, 1_100));
    expect(alarms).toEqual([{ alarm: "reveals", ...alice, count: 1_001, day: "2026-11-23" }]);
    expect(told).toMatchObject([{ name: "control/revealed", level: "warn", fields: { ...alice, count: 1_001 } }]);
    expect(told[0]!.message).toMatch(/^alice \(uid 1000\) was given more than 1000 different numbers .*\. Try: /);
    expect(JSON.stringify([alarms, told])).not.toContain("SF1");
    expect(reveals.over(alice)).toEqual({ ...alice, count: 1_100, max: 1_000, day: "2026-11-23" });
    expect([reveals.over(bob), reveals.all()]).toEqual([undefined, [reveals.over(alice)]]);
  });

  test("R40 count once, however often and in whatever event they are given", () => {
    const { reveals } = counters();
    for (let time = 0; time < 5; time += 1) reveals.count(alice, given(1, 3));
    reveals.count(
      alice,
      given(1, 3).map((event) => ({ ...event, kind: "pass" })),
    );
    expect(reveals.over(alice)).toBeUndefined();
    reveals.count(alice, [{ ...anEvent(9, { code: codeOf(4) }), kind: "pass" }]);
    expect(reveals.over(alice)?.count).toBe(4);
  });

  test("R40 are those of reads and passes: no token, no erased or damaged event, nothing of the gateway's own", () => {
    const { reveals } = counters(1);
    const bytes = Buffer.from('{"broken');
    reveals.count(alice, [
      anEvent(1, { code: undefined, token: "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A" }),
      anEvent(2, { code: undefined, token: "t1.J8sQ0aZk.AYp0Jx4m2n8rT1vQ5kWb9A" }),
      { ...anEvent(3), kind: "audit" },
      { sequence: 4, kind: "erased", subject: undefined, bytes: Buffer.from('{"erased":{"digest":"a","leaf":"b"}}') },
      { ...anEvent(5), bytes },
      { ...anEvent(6), bytes: Buffer.from("null") },
      anEvent(7, { code: codeOf(1) }),
    ]);
    expect(reveals.over(alice)).toBeUndefined();
    reveals.count(alice, given(2, 2));
    expect(reveals.over(alice)?.count).toBe(2);
  });

  test("R40 are forgotten when the UTC day ends, and counted anew", () => {
    const { reveals, clock, alarms } = counters();
    reveals.count(alice, given(1, 4));
    expect(reveals.all()).toHaveLength(1);
    clock.nowMs += 1_000;
    expect([reveals.over(alice), reveals.all()]).toEqual([undefined, []]);
    reveals.count(alice, given(1, 3));
    expect(reveals.over(alice)).toBeUndefined();
    reveals.count(alice, given(4, 4));
    expect(alarms.map((alarm) => (alarm as { day: string }).day)).toEqual(["2026-11-23", "2026-11-24"]);
  });

  test("R40 are not watched with reveals_max = 0", () => {
    const { reveals, alarms } = counters(0);
    reveals.count(alice, given(1, 5_000));
    expect([reveals.over(alice), reveals.all(), alarms]).toEqual([undefined, [], []]);
  });

  test("R40 are counted together for names beyond those that there is room for", () => {
    const { reveals, alarms } = counters();
    const invented = (number: number) => ({ by: `name${number}`, uid: "0" });
    for (let number = 0; number < limits.revealPrincipalsMax; number += 1)
      reveals.count(invented(number), given(number, number));
    for (let number = 100; number < 104; number += 1) reveals.count(invented(number), given(number, number));
    const unknown = { by: "unknown", uid: "unknown" };
    expect(alarms).toEqual([{ alarm: "reveals", ...unknown, count: 4, day: "2026-11-23" }]);
    expect(reveals.over(invented(999))).toMatchObject({ ...unknown, count: 4 });
    expect(reveals.over(invented(0))).toBeUndefined();
  });
});

describe("R40 somebody who was given too many numbers", () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function opened() {
    const view = aView(given(1, 12));
    const control = await aControl(view, { reveals_max: 11 });
    closers.push(() => control.close());
    const ask = async (fields: string): Promise<number> => {
      let count = 0;
      for await (const _ of control.client.stream(`/queue/events?uid=1000&${fields}`)) count += 1;
      return count;
    };
    return { view, ask, control };
  }

  test("R40 gets the export that passes the limit, and no other one unless it is confirmed; the chain tells all of it", async () => {
    const { view, ask, control } = await opened();
    expect(await ask("by=alice&reason=T-1&to=11")).toBe(11);
    expect(view.alarms).toEqual([]);
    expect(await ask("by=alice&reason=T-2")).toBe(12);
    expect(view.alarms).toMatchObject([{ alarm: "reveals", ...alice, count: 12 }]);
    expect(control.told.map(({ name }) => name)).toContain("control/revealed");
    await expect(ask("by=alice&reason=T-3")).rejects.toMatchObject({
      code: "control/refused",
      message: expect.stringMatching(/^alice \(uid 1000\) was given more than 11 different numbers in clear today/),
      hint: expect.stringContaining("--confirm"),
    });
    expect(await ask("by=alice&reason=T-4&confirm=true")).toBe(12);
    expect(await ask("by=bob&reason=T-5&to=2")).toBe(2);
    expect(
      view.audits.map(({ detail: { reason, confirmed, revealedBefore } }) => [reason, confirmed, revealedBefore]),
    ).toEqual([
      ["T-1", undefined, undefined],
      ["T-2", undefined, undefined],
      ["T-4", true, 12],
      ["T-5", undefined, undefined],
    ]);
    expect(view.alarms).toHaveLength(1);
  });

  test("R40 may check the chain on and on, which is counted and told", async () => {
    const { view, ask, control } = await opened();
    const reveals = async () => ((await control.client.get("/status")) as Status).reveals;
    expect(await reveals()).toBeUndefined();
    for (let time = 0; time < 3; time += 1) expect(await ask("by=alice&purpose=verify")).toBe(12);
    expect(view.alarms).toMatchObject([{ alarm: "reveals", ...alice, count: 12 }]);
    expect(view.audits.map(({ action, detail }) => [action, detail.revealedBefore])).toEqual([
      ["queue-verify", undefined],
      ["queue-verify", 12],
      ["queue-verify", 24],
    ]);
    expect(await reveals()).toMatchObject([{ ...alice, count: 36, max: 11 }]);
    await expect(ask("by=alice&reason=T-1")).rejects.toMatchObject({ code: "control/refused" });
  });

  test("R40 is told of while the export still runs", async () => {
    const { view, control } = await opened();
    const { events } = view;
    view.now = { ...view.now, queue: { ...view.now.queue, last: 13 } };
    // The disk gives twelve events and takes its time with the next one.
    view.events = (from, to, bytesMax) => (from > 12 ? new Promise(() => {}) : events(from, to, bytesMax));
    const lines = control.client.stream("/queue/events?by=alice&uid=1000&reason=T-1");
    for (let count = 0; count < 12; count += 1) await lines.next();
    expect(view.alarms).toMatchObject([{ alarm: "reveals", ...alice, count: 12 }]);
    await lines.return();
  });

  test("R40 confirms in one word", async () => {
    const { view, ask } = await opened();
    await expect(ask("by=alice&reason=T-1&confirm=no")).rejects.toMatchObject({ code: "usage/invalid" });
    expect(view.audits).toEqual([]);
  });
});
