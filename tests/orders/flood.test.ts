import { writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { anOrder } from "../fakes/centre.ts";
import { aRig, erasure, number, token } from "./orders-rig.ts";

describe("R33 orders of the centre", () => {
  it("that come in one turn behind, and before, thousands of forged ones are carried out in turn, and none is refused unjudged", async () => {
    const rig = aRig();
    const parts = (await rig.sign(anOrder(1, [token]))).split(".");
    const forge = (from: number): void => {
      // As many as the budget of a connection lets through at once.
      for (let index = from; index < from + 1_200; index += 1)
        rig.take(`${parts[0]}.${Buffer.from(String(index)).toString("base64url")}.${parts[2]}`);
    };
    const [seventh, eighth] = [await rig.sign(anOrder(7, [token])), await rig.sign(anOrder(8, [number]))];
    forge(0);
    rig.take(seventh);
    forge(1_200);
    rig.take(eighth);
    await rig.until(() => rig.asked.length, 1);
    rig.asked[0]!.done(erasure(1));
    await rig.until(() => rig.asked.length, 2);
    rig.asked[1]!.done(erasure(1));
    await rig.until(rig.remembered, 8);
    expect((await rig.orders.state()).refusedCount).toEqual({ signature: 2_400 });
  });

  it("of which some may be among those that found no room to be judged are overtaken by none: the centre is told the number that is to come next", async () => {
    const rig = aRig({ hasKey: false });
    const signed = new Map<number, string>();
    for (const order of [3, 5, 6, 7, 9]) signed.set(order, await rig.sign(anOrder(order, [token])));
    const take = (order: number): boolean => rig.orders.take("central", Buffer.from(signed.get(order)!));
    const finish = async (count: number, order: number): Promise<void> => {
      await rig.until(() => rig.asked.length, count);
      rig.asked[count - 1]!.done(erasure(1));
      await rig.until(rig.remembered, order);
    };
    // Numbers may be left out as long as none was missed.
    expect([take(3), take(5)]).toEqual([true, true]);
    const parts = signed.get(3)!.split(".");
    const forged = (index: number): string => `${parts[0]}.e30.${"A".repeat(60_000 + 4 * index)}`;
    for (let index = 0; index < 20; index += 1) rig.take(forged(index));
    expect(rig.notices.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/is refused: more wait to be judged than there is room for\. Try: let nobody but/),
    );
    expect(take(6)).toBe(false);
    writeFileSync(rig.keyFile, rig.centre.publicKey);
    await rig.advance(60_000);
    await finish(1, 3);
    await finish(2, 5);
    take(9);
    take(7);
    const reasons = () => rig.told.filter(({ data }) => data.order !== undefined && data.reason === "too-many");
    await rig.until(
      () => reasons().map(({ kind, data }) => [kind, data.action, data.order]),
      [
        ["audit", "order-refused", 9],
        ["audit", "order-refused", 7],
      ],
    );
    expect(rig.notices.at(-1)!.message).toMatch(
      /comes behind order 6, for which .* Try: have the centre send order 6 again, or another one with that number/,
    );
    expect(await rig.orders.state()).toMatchObject({ last: 5, missing: 6 });
    take(6);
    await finish(3, 6);
    take(7);
    await finish(4, 7);
    // Whether there was an eighth nobody knows.
    take(9);
    await rig.until(() => reasons().length, 3);
    expect(rig.notices.at(-1)!.message).toMatch(
      /and order 8, which may be one of them, did not come yet\. Try: .*restart/,
    );
    expect([rig.asked.length, (await rig.orders.state()).missing]).toEqual([4, 8]);
  });

  it("that may have been lost with a connection that ended for a flood are overtaken by none either", async () => {
    const rig = aRig();
    rig.take(await rig.sign(anOrder(1, [token])));
    await rig.until(() => rig.asked.length, 1);
    rig.orders.missed();
    rig.take(await rig.sign(anOrder(3, [token])));
    await rig.until(rig.reasons, ["too-many"]);
    expect(await rig.orders.state()).toMatchObject({ waitingCount: 1, missing: 2 });
    rig.take(await rig.sign(anOrder(2, [token])));
    await vi.waitFor(async () => expect(await rig.orders.state()).toMatchObject({ waitingCount: 2 }));
    expect((await rig.orders.state()).missing).toBe(3);
  });
});
