import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import { anOrder } from "../fakes/centre.ts";
import { aCentre } from "../fakes/policy.ts";
import { aForged, aRig, erasure, nowMs, number, token } from "./orders-rig.ts";

describe("R33 orders of the centre", () => {
  it("are carried out one at a time, and each is remembered once it is done", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(7, [token, number])));
    rig.take(`${await rig.sign(anOrder(9, [number]))}\n`, "site");
    await rig.until(() => rig.asked.length, 1);
    expect([rig.asked[0]!.subjects, rig.actions(), rig.remembered()]).toEqual([[token, number], ["order"], undefined]);
    rig.asked[0]!.done(erasure(3));
    await rig.until(() => rig.asked.length, 2);
    expect([rig.asked[1]!.subjects, rig.remembered()]).toEqual([[number], 7]);
    rig.asked[1]!.done({ ...erasure(0), unreadableCount: 2, files: ["ledger.db.damaged-1"] });
    await rig.until(rig.remembered, 9);
    expect(rig.told.map(({ kind, data }) => [kind, data.action, data.order, data.broker, data.count])).toEqual([
      ["audit", "order", 7, "central", undefined],
      ["audit", "order-done", 7, "central", 3],
      ["audit", "order", 9, "site", undefined],
      ["audit", "order-done", 9, "site", 0],
    ]);
    expect(rig.told.at(-1)?.data).toMatchObject({ subjects: 1, unreadableCount: 2, damagedFiles: 1 });
    await rig.until(() => rig.notices.map(({ level }) => level), ["info", "warn"]);
    expect(rig.notices[1]!.message).toMatch(
      /^Order 9 of the centre is carried out: 0 events erased, but 2 events cannot be read, and nothing is erased from damaged ledgers \(ledger\.db\.damaged-1\)\. Try: sortgate queue verify/,
    );
  });

  it("that come by two brokers, or again while they are carried out, are one order", async () => {
    const rig = aRig();
    const signed = await rig.sign(anOrder(7, [token]));
    rig.take(signed);
    await rig.until(() => rig.asked.length, 1);
    rig.take(signed, "site");
    rig.take(`${signed}\n`);
    // Behind them comes one that is refused: then they have been judged.
    rig.take(await rig.sign(anOrder(8, [token], { site: "HZ02" })));
    await rig.until(rig.reasons, ["site"]);
    rig.asked[0]!.done(erasure(1));
    await rig.until(rig.remembered, 7);
    rig.take(signed, "site");
    rig.take(await rig.sign(anOrder(8, [token], { gateway: "line-4" })));
    await rig.until(rig.reasons, ["site", "gateway"]);
    expect([rig.asked.length, rig.actions().filter((action) => action === "order-done").length]).toEqual([1, 1]);
  });

  it("with a number that is not above the last one done are refused, also with other content", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(7, [token])));
    await rig.until(() => rig.asked.length, 1);
    rig.asked[0]!.done(erasure(1));
    await rig.until(rig.remembered, 7);
    rig.take(await rig.sign(anOrder(7, [number])));
    await rig.until(rig.reasons, ["other-content"]);
    rig.take(await rig.sign(anOrder(6, [number])));
    await rig.until(rig.reasons, ["other-content", "older"]);
    expect(rig.told.at(-1)?.data).toMatchObject({ order: 6, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(rig.notices.at(-1)!.message).toMatch(/Try: .*have the centre sign it again as order 8$/);
    expect(rig.asked).toHaveLength(1);
  });

  it("with an extreme number are refused; where the last one done has one, what is to be done about it is told", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(Number.MAX_SAFE_INTEGER, [token])));
    await rig.until(rig.reasons, ["malformed"]);
    expect([rig.asked, rig.remembered()]).toEqual([[], undefined]);
    const done = { order: Number.MAX_SAFE_INTEGER, sha256: "0".repeat(64) };
    writeFileSync(rig.memory, JSON.stringify(done), { mode: 0o600 });
    rig.take(await rig.sign(anOrder(limits.orderNumberMax, [token])));
    await rig.until(rig.reasons, ["malformed", "older"]);
    expect(rig.notices.at(-1)!.message).toMatch(
      /above which there is none\. Try: .*move identity\/order\.json in data_dir aside/,
    );
  });

  it("wait, untold, for an erasure at the box, and with a word a minute for room; the chain tells their beginning once", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(7, [token])));
    await rig.until(() => rig.asked.length, 1);
    rig.asked[0]!.fail(new SortgateError("usage/invalid", "Another erasure goes on", { hint: "later" }));
    await rig.advance(1_000);
    await rig.until(() => rig.asked.length, 2);
    expect(rig.notices).toEqual([]);
    rig.asked[1]!.fail(new SortgateError("ledger/full", "There is no room", { hint: "df -h" }));
    await rig.until(
      () => rig.notices.map(({ name, message }) => `${name}: ${message}`),
      [
        "order/delayed: Order 7 of the centre is not done yet, and is tried again in 60 s: There is no room. Try: df -h",
      ],
    );
    rig.state.hasRoom = false;
    await rig.advance(60_000);
    await rig.until(() => rig.asked.length, 3);
    rig.asked[2]!.done(erasure(2));
    await rig.until(() => rig.notices.length, 2);
    expect(rig.remembered()).toBeUndefined();
    // It is taken, and then finds no room after all: it is told again.
    Object.assign(rig.state, { hasRoom: true, isDurable: false });
    await rig.advance(60_000);
    await rig.until(() => rig.notices.length, 3);
    expect(rig.remembered()).toBeUndefined();
    rig.state.isDurable = true;
    await rig.advance(60_000);
    await rig.until(rig.remembered, 7);
    expect(rig.actions()).toEqual(["order", "order-done", "order-done"]);
    expect([rig.asked.length, rig.told.at(-1)?.data.count]).toEqual([3, 2]);
  });

  it("are not carried out while nobody can tell which one was last, and are once that is mended", async () => {
    const rig = aRig();
    writeFileSync(rig.memory, "{}", { mode: 0o600 });
    rig.take(await rig.sign(anOrder(7, [token])));
    await rig.until(() => rig.notices.map(({ name }) => name), ["order/delayed"]);
    expect(rig.notices[0]!.message).toMatch(/order\.json is damaged\. Try: put it back from a backup/);
    expect([rig.asked.length, rig.told]).toEqual([0, []]);
    rmSync(rig.memory);
    await rig.advance(60_000);
    await rig.until(() => rig.asked.length, 1);
  });

  it("whose number cannot be remembered are not done twice for it, and not forgotten", async () => {
    const rig = aRig();
    // A folder is in the way of the file; root may write whatever the mode.
    mkdirSync(`${rig.memory}.new`);
    rig.take(await rig.sign(anOrder(7, [token])));
    await rig.until(() => rig.asked.length, 1);
    rig.asked[0]!.done(erasure(1));
    await rig.until(() => rig.notices.map(({ name }) => name), ["order/delayed"]);
    expect([rig.remembered(), rig.actions()]).toEqual([undefined, ["order", "order-done"]]);
    rmSync(`${rig.memory}.new`, { recursive: true });
    await rig.advance(60_000);
    await rig.until(rig.remembered, 7);
    expect([rig.asked.length, rig.actions()]).toEqual([1, ["order", "order-done"]]);
  });

  it("that nobody can judge, for the centre's key is not there or is none, wait for it, and are judged again", async () => {
    const rig = aRig();
    const signed = await rig.sign(anOrder(7, [token]));
    const delayed = async () => (await rig.orders.state()).delayed;
    // Whether the key is there is looked at in the beginning too, and that may come after the next line.
    const waits = () => rig.notices.filter(({ message }) => message.includes("cannot be judged yet"));
    rmSync(rig.keyFile);
    rig.take(signed);
    rig.take(await aForged(rig.sign(anOrder(8, [token]))));
    rig.take(signed, "site");
    await rig.until(() => waits().length, 1);
    expect(waits()[0]!.message).toMatch(
      /^An order by broker "central" cannot be judged yet, and is tried again in 60 s: the centre's public key .*centre\.pem cannot be read \(ENOENT\)\. Try: put it there/,
    );
    expect(await rig.orders.state()).toEqual({
      waitingCount: 2,
      delayed: {
        broker: "central",
        problem: `the centre's public key ${rig.keyFile} cannot be read (ENOENT)`,
        hint: "put it there, and let the user that runs sortgate read it",
      },
      refusedCount: {},
    });
    writeFileSync(rig.keyFile, rig.centre.privateKey);
    await rig.advance(60_000);
    await rig.until(() => waits().length, 2);
    expect((await delayed())?.problem).toBe(
      `the centre's public key ${rig.keyFile} is of no use: the file holds a private key; allowed: the public one alone`,
    );
    expect([rig.told, rig.asked]).toEqual([[], []]);
    writeFileSync(rig.keyFile, rig.centre.publicKey);
    await rig.advance(60_000);
    await rig.until(() => rig.asked.length, 1);
    await rig.until(rig.reasons, ["signature"]);
    expect(await rig.orders.state()).toEqual({ waitingCount: 1, refusedCount: { signature: 1 } });
    rig.asked[0]!.done(erasure(1));
    await rig.until(rig.remembered, 7);
  });

  it("whose turn comes while the centre's key is not there wait for it, and are lost for no reason of the box", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(7, [token])));
    rig.take(await rig.sign(anOrder(8, [number])));
    await rig.until(() => rig.asked.length, 1);
    await vi.waitFor(async () => expect((await rig.orders.state()).waitingCount).toBe(2));
    rmSync(rig.keyFile);
    rig.asked[0]!.done(erasure(1));
    await vi.waitFor(async () => expect((await rig.orders.state()).delayed).toMatchObject({ order: 8 }));
    expect([rig.reasons(), rig.remembered()]).toEqual([[], 7]);
    writeFileSync(rig.keyFile, rig.centre.publicKey);
    await rig.advance(60_000);
    await rig.until(() => rig.asked.length, 2);
    expect(rig.asked[1]!.subjects).toEqual([number]);
  });

  it("that another key signed have nobody install it: the fingerprint is compared with the centre's first", async () => {
    const rig = aRig();
    const signed = await rig.sign(anOrder(7, [token]));
    // The centre has a new key, which this box does not know yet.
    writeFileSync(rig.keyFile, aCentre().publicKey);
    rig.take(signed);
    await rig.until(rig.reasons, ["signature"]);
    expect(rig.notices[0]!.message).toMatch(
      /Try: compare that fingerprint with the one that the centre gave you; only if it is the centre's, put the centre's public key into policy_key_file; otherwise find out who may publish under the topic of orders there$/,
    );
    writeFileSync(rig.keyFile, rig.centre.publicKey);
    rig.take(signed);
    await rig.until(() => rig.asked.length, 1);
    expect(rig.told.filter(({ kind }) => kind === "alarm").map(({ data }) => data)).toEqual([
      { alarm: "order-refused", broker: "central", reason: "signature" },
    ]);
  });

  it("that nobody could prove are told of at the start already, before the first one comes", async () => {
    const rig = aRig({ hasKey: false });
    await rig.until(() => rig.notices.map(({ level }) => level), ["error"]);
    expect(rig.notices[0]!.message).toMatch(
      /^No order of the centre can be proven: the centre's public key .*centre\.pem cannot be read \(ENOENT\)\. Try: put it there/,
    );
    expect(rig.told).toEqual([]);
    const keyProblem = async () => (await rig.orders.state()).keyProblem;
    expect((await keyProblem())?.problem).toMatch(/centre\.pem cannot be read \(ENOENT\)$/);
    writeFileSync(rig.keyFile, rig.centre.privateKey);
    expect(await keyProblem()).toEqual({
      problem: `the centre's public key ${rig.keyFile} is of no use: the file holds a private key; allowed: the public one alone`,
      hint: expect.stringContaining("openssl pkey"),
    });
    writeFileSync(rig.keyFile, rig.centre.publicKey);
    expect(await rig.orders.state()).toEqual({ waitingCount: 0, refusedCount: {} });
    // Once an order waits for it, that says it.
    rmSync(rig.keyFile);
    rig.take(await rig.sign(anOrder(7, [token])));
    await vi.waitFor(async () => expect((await rig.orders.state()).delayed).toBeDefined());
    expect(await keyProblem()).toBeUndefined();
  });

  it("that have ended, are too large or too many are refused; an empty message is none", async () => {
    const rig = aRig();
    rig.take("");
    rig.take(await rig.sign(anOrder(7, [token], { notAfter: new Date(nowMs).toISOString() })));
    await rig.until(rig.reasons, ["ended"]);
    expect(rig.notices[0]!.message).toMatch(/it ended on 2026-11-28T00:00:00\.000Z\. Try: .*timedatectl/);
    rig.take("a".repeat(limits.orderBytesMax + 1));
    expect(rig.reasons()).toEqual(["ended", "too-large"]);
    for (let order = 1; order <= limits.ordersWaitingMax + 2; order += 1)
      rig.take(await rig.sign(anOrder(order, [token], { notAfter: "2026-11-28T00:00:01Z" })));
    await rig.until(rig.reasons, ["ended", "too-large", "too-many"]);
    expect(rig.told.at(-1)?.data).toMatchObject({ order: limits.ordersWaitingMax + 2 });
  });

  it("that are forged in any number are told ten times and once a minute, with how many were not, and hide no other refusal", async () => {
    const rig = aRig();
    const forged = (index: number): string => `eyJhbGciOiJub25lIn0.${index}.AA`;
    for (let index = 0; index < 500; index += 1) rig.take(forged(index));
    expect(rig.reasons()).toEqual(Array(10).fill("unsigned"));
    rig.take(await rig.sign(anOrder(7, [token], { site: "HZ02" })));
    await rig.until(rig.reasons, [...Array(10).fill("unsigned"), "site"]);
    // What was not told comes out by itself.
    await rig.advance(60_000);
    const late = (untold: number) => ({
      kind: "alarm",
      data: { alarm: "order-refused", broker: "central", reason: "unsigned", untold },
    });
    expect([rig.told.length, rig.told.at(-1)]).toEqual([12, late(489)]);
    for (let index = 500; index < 600; index += 1) rig.take(forged(index));
    expect(rig.told).toHaveLength(12);
    await rig.advance(60_000);
    expect([rig.told.length, rig.told.at(-1), rig.notices.length]).toEqual([13, late(99), 13]);
    await rig.advance(600_000);
    // What is refused for good, and comes with each connection, is told once.
    rig.take(forged(599));
    expect(rig.told).toHaveLength(13);
    rig.take(forged(0));
    expect(rig.told.at(-1)?.data).toEqual({ alarm: "order-refused", broker: "central", reason: "unsigned" });
    expect((await rig.orders.state()).refusedCount).toEqual({ unsigned: 601, site: 1 });
  });

  it("that are refused while the ledger is full, or just before the stop, are told to the chain at last, and to the log once", async () => {
    const rig = aRig();
    rig.state.hasRoom = false;
    for (let index = 0; index < 3; index += 1) rig.take(`eyJhbGciOiJub25lIn0.${index}.AA`);
    await rig.advance(60_000);
    expect([rig.told, rig.notices.length]).toEqual([[], 3]);
    rig.state.hasRoom = true;
    await rig.advance(60_000);
    expect(rig.told.map(({ data }) => data.untold)).toEqual([2]);
    for (let index = 3; index < 20; index += 1) rig.take(`eyJhbGciOiJub25lIn0.${index}.AA`);
    const count = rig.told.length;
    rig.orders.close();
    expect(rig.told.slice(count).map(({ data }) => Number(data.untold) + 1)).toEqual([17 - (count - 1)]);
    expect(rig.notices).toHaveLength(count + 3);
  });

  it("that are not proven hide no refusal of the centre's own, also where they are too large or too many to be judged", async () => {
    const rig = aRig();
    const header = (await rig.sign(anOrder(1, [token]))).split(".")[0]!;
    const [large, roomCount] = [60_000, Math.floor(limits.ordersJudgedBytesMax / 60_000) + 1];
    for (let index = 0; index < roomCount + 30; index += 1) rig.take(`${header}.e30.${"A".repeat(large + 4 * index)}`);
    for (let index = 0; index < 30; index += 1) rig.take("a".repeat(limits.orderBytesMax + 1 + index));
    expect(rig.told.map(({ kind }) => kind)).toEqual(Array(10).fill("alarm"));
    await vi.waitFor(async () =>
      expect((await rig.orders.state()).refusedCount).toEqual({
        "too-many": 30,
        "too-large": 30,
        signature: roomCount,
      }),
    );
    rig.take(await rig.sign(anOrder(7, [token], { site: "HZ02" })));
    await rig.until(
      () => rig.told.at(-1)?.data,
      expect.objectContaining({ action: "order-refused", reason: "site", order: 7 }),
    );
  });

  it("of which more come than may wait are overtaken by none: the next one is taken once those without room came again, in turn", async () => {
    const rig = aRig();
    const signed = new Map<number, string>();
    for (let order = 1; order <= 40; order += 1) signed.set(order, await rig.sign(anOrder(order, [token])));
    const take = (order: number): boolean => rig.take(signed.get(order)!);
    const refused = async (): Promise<number> => (await rig.orders.state()).refusedCount["too-many"] ?? 0;
    for (let order = 1; order <= 39; order += 1) if (order !== 20) take(order);
    const roomCount = limits.ordersWaitingMax + 1;
    await vi.waitFor(async () => expect(await refused()).toBe(38 - roomCount));
    const finish = async (from: number, to: number): Promise<void> => {
      for (let order = from; order <= to; order += 1) {
        await rig.until(() => rig.asked.length, order);
        rig.asked[order - 1]!.done(erasure(1));
        await rig.until(rig.remembered, order);
      }
    };
    await finish(1, roomCount);
    expect(await rig.orders.state()).toMatchObject({ last: roomCount, missing: roomCount + 1 });
    // There is room now, and yet none may overtake the first that found none.
    take(40);
    take(19);
    await vi.waitFor(async () => expect(await refused()).toBe(40 - roomCount));
    expect(rig.notices.at(-1)!.message).not.toMatch(/order 19/);
    take(18);
    take(19);
    // Number 20 never came, and is not waited for.
    for (let order = 21; order <= 24; order += 1) take(order);
    await finish(18, 19);
    await rig.until(() => rig.asked.length, 20);
    expect(await rig.orders.state()).toMatchObject({ last: 19, missing: 25 });
    // Each that was refused is told or counted, in chain and log.
    await rig.advance(60_000);
    const untold = rig.told.reduce((sum, { data }) => sum + Number(data.untold ?? 0), 0);
    expect(rig.reasons().length + untold).toBe(await refused());
  });

  it("that found no room keep none waiting once one with a higher number was carried out", async () => {
    const rig = aRig();
    for (let order = 11; order <= 11 + limits.ordersWaitingMax; order += 1)
      rig.take(await rig.sign(anOrder(order, [token])));
    rig.take(await rig.sign(anOrder(5, [token])));
    await rig.until(rig.reasons, ["too-many"]);
    await rig.until(() => rig.asked.length, 1);
    rig.asked[0]!.done(erasure(1));
    await rig.until(() => rig.asked.length, 2);
    rig.take(await rig.sign(anOrder(40, [token], { site: "HZ02" })));
    await rig.until(rig.reasons, ["too-many", "site"]);
    rig.take(await rig.sign(anOrder(40, [token])));
    await vi.waitFor(async () =>
      expect(await rig.orders.state()).toMatchObject({ waitingCount: limits.ordersWaitingMax + 1, last: 11 }),
    );
    expect((await rig.orders.state()).missing).toBeUndefined();
  });

  it.each([
    ["is over", "ended", 61_000],
    ["has passed to another key of the centre", "signature", 0],
  ])(
    "whose time %s while they wait are refused when their turn comes, and those that have begun go on",
    async (_, reason, passedMs) => {
      const rig = aRig();
      const notAfter = new Date(nowMs + 61_000).toISOString();
      rig.take(await rig.sign(anOrder(7, [token], { notAfter })));
      rig.take(await rig.sign(anOrder(8, [token], { notAfter })));
      await rig.until(() => rig.asked.length, 1);
      await vi.waitFor(async () => expect((await rig.orders.state()).waitingCount).toBe(2));
      await rig.advance(passedMs);
      if (passedMs === 0) writeFileSync(rig.keyFile, aCentre().publicKey);
      rig.asked[0]!.fail(new SortgateError("ledger/full", "There is no room", { hint: "df -h" }));
      await rig.until(() => rig.notices.map(({ name }) => name), ["order/delayed"]);
      expect((await rig.orders.state()).delayed).toEqual({
        broker: "central",
        order: 7,
        problem: "There is no room",
        hint: "df -h",
      });
      await rig.advance(60_000);
      await rig.until(() => rig.asked.length, 2);
      rig.asked[1]!.done(erasure(1));
      await rig.until(rig.reasons, [reason]);
      expect([rig.asked.length, rig.remembered()]).toEqual([2, 7]);
      expect(await rig.orders.state()).toEqual({ last: 7, waitingCount: 0, refusedCount: { [reason]: 1 } });
    },
  );

  it("are not carried out after their time, if nobody could tell before which one was last", async () => {
    const rig = aRig();
    writeFileSync(rig.memory, "{}", { mode: 0o600 });
    rig.take(await rig.sign(anOrder(7, [token], { notAfter: new Date(nowMs + 15_000).toISOString() })));
    await rig.until(() => rig.notices.map(({ name }) => name), ["order/delayed"]);
    rmSync(rig.memory);
    await rig.advance(60_000);
    await rig.until(rig.reasons, ["ended"]);
    expect([rig.asked.length, rig.told.at(-1)?.data.order]).toEqual([0, 7]);
  });

  it("that are spelt otherwise, with the same bytes, are not taken: one order has one digest", async () => {
    const rig = aRig();
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const signed = await rig.sign(anOrder(7, [token]));
    rig.take(signed.slice(0, -1) + letters[letters.indexOf(signed.at(-1)!) ^ 3]);
    expect(rig.reasons()).toEqual(["unsigned"]);
    rig.take(signed);
    await rig.until(() => rig.asked.length, 1);
  });

  it("of any bytes, and with any part of a signed one changed, are refused, and nothing is thrown", async () => {
    const rig = aRig();
    const parts = (await rig.sign(anOrder(7, [token]))).split(".");
    const anyPart = fc.oneof(fc.constantFrom("", "e30", "bnVsbA", ...parts), fc.base64String());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(anyPart, { maxLength: 5 }), (bytes, others) => {
        rig.take(bytes);
        rig.take(others.join("."));
      }),
    );
    // What was judged behind all of them says that they were judged; one may have been the order itself.
    rig.take(await rig.sign(anOrder(8, [token], { site: "HZ02" })));
    await rig.until(() => rig.reasons().filter((reason) => reason === "site").length, 1);
    for (const { subjects } of rig.asked) expect(subjects).toEqual([token]);
  });

  it("are not begun, and not tried again, once the gateway stops", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(7, [token])));
    await rig.until(() => rig.asked.length, 1);
    rig.orders.close();
    rig.take(await rig.sign(anOrder(8, [token])));
    rig.asked[0]!.fail(new SortgateError("ledger/io", "The ledger has ended", { hint: "none" }));
    await rig.advance(600_000);
    expect([rig.asked.length, rig.notices, rig.remembered()]).toEqual([1, [], undefined]);
  });
});
