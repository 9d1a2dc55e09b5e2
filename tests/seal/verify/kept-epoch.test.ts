import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import type { Finding } from "../../../src/seal/index.ts";
import { aDevice, aLine, changed, judge, place } from "../builders.ts";

let device: Identity;
let trust: X509Certificate[];
beforeAll(async () => {
  device = await aDevice();
  trust = [new X509Certificate(device.certificateChain[0]!)];
});

const last = 41;
/** The second of three epochs, whose event a ledger keeps, and the first event that it did not destroy. */
const [begun, first] = [11, 18];

/** 40 events in epochs of 10, of which one tells that those up to each of `purges` went; and one behind them. */
function aChain(...purges: readonly (number | string)[]): string[] {
  const line = aLine(device);
  const lines = Array.from({ length: last - purges.length - 1 }, (_, index) => {
    const isBegin = index === 0 || index === 10 || index === 30;
    return isBegin ? line.startEpoch() : line.add("read", { index });
  });
  for (const to of purges) lines.push(line.add("purge", { from: "1", to: String(to), count: 1, reason: "space" }));
  return [...lines, line.check()];
}

/** What a ledger gives away that destroyed all before `from` and keeps the event of the epoch `at`. */
const left = (lines: readonly string[], from = first, at = begun): string[] => [
  lines[at - 1] as string,
  ...lines.slice(from - 1),
];

const findingsOf = (lines: readonly string[]): readonly Finding[] => judge(lines, { trust }).chains[0]!.findings;

describe("an epoch event that was kept without the rest of its epoch", () => {
  test("makes what stays whole, where a signed purge says up to where the rest went", () => {
    const verdict = { verdict: "whole", trust: "authentic", findings: [], from: begun, to: last };
    const chain = judge(left(aChain(17)), { trust }).chains[0]!;
    expect(chain).toMatchObject({ ...verdict, purged: { from: 12, to: 17 }, eventCount: 1 + last - first + 1 });
    // The key was the first of the chain; what went before a later purge was told by an earlier one.
    expect(judge(left(aChain(7), 8, 1), { trust }).chains[0]).toMatchObject({ ...verdict, from: 1 });
    expect(findingsOf(left(aChain(13, 17)))).toEqual([]);
    // In any order, with repeats, and where the last event that stays is the purge.
    const lines = left(aChain(17));
    expect(findingsOf([...lines, ...lines.slice(0, 3)].reverse()).map(({ kind }) => kind)).toEqual(
      Array(3).fill("repeated"),
    );
    expect(findingsOf(left(aChain(39), 40, 31))).toEqual([]);
  });

  test("goes on being so when more was destroyed later than this copy lacks", () => {
    expect(findingsOf(left(aChain(17, 22)))).toEqual([]);
  });

  test("excuses nothing that no signed purge tells", () => {
    const missing = [{ kind: "missing", from: 12, to: 17 }];
    expect(findingsOf(left(aChain()))[0]).toEqual({ kind: "missing", from: 1, to: 10 });
    expect(findingsOf(left(aChain()))).toContainEqual(missing[0]);
    // One that tells of less, and one that tells of more: these events are there, so the others should be.
    expect(findingsOf(left(aChain(15)))).toEqual([{ kind: "missing", from: 16, to: 17 }]);
    expect(findingsOf(left(aChain(19)))).toEqual(missing);
    expect(findingsOf(left(aChain(11)))).toEqual(missing);
    const lines = aChain(15);
    const edited = changed(lines[39] as string, { data: { from: "1", to: "17", count: 1, reason: "space" } });
    expect(findingsOf(left(lines.with(39, edited)))[0]).toEqual({ kind: "missing", from: 1, to: 10 });
    expect(findingsOf(left(lines.with(39, edited)))).toContainEqual(missing[0]);
  });

  test("hides nothing that is wrong behind it", () => {
    const lines = left(aChain(17));
    expect(findingsOf(lines.toSpliced(1, 2))).toEqual([{ kind: "missing", from: 18, to: 19 }]);
    expect(findingsOf(lines.toSpliced(4, 1))).toEqual([{ kind: "missing", from: 21, to: 21 }]);
    const altered = changed(lines[1] as string, { subject: "elsewhere" });
    expect(findingsOf(lines.with(1, altered))[0]).toEqual({ kind: "altered", sequence: 18, line: 2 });
  });

  test("is nothing but that: behind other events, or before an epoch that begins, what is not there is missing", () => {
    const lines = aChain(17);
    const behind = [lines[begun - 2], lines[begun - 1], ...lines.slice(first - 1)] as string[];
    expect(findingsOf(behind)).toContainEqual({ kind: "missing", from: 12, to: 17 });
    const before = [lines[begun - 1], lines[begun], ...lines.slice(first - 1)] as string[];
    expect(findingsOf(before)).toEqual([{ kind: "missing", from: 13, to: 17 }]);
    expect(findingsOf(left(aChain(30), 31))).toEqual([{ kind: "missing", from: 12, to: 30 }]);
  });

  test("does not pass if it is another's, altered, or forged", () => {
    const whole = aChain(17);
    const lines = left(whole);
    // Of the epoch before: nobody knows the key of what follows until the next one.
    expect(findingsOf(lines.with(0, whole[0] as string))).toEqual([{ kind: "unknown-key", from: 18, to: 30 }]);
    // Endorsed by the device for this very place, and of a chain that it did not go on with.
    const fork = aChain(17)[begun - 1] as string;
    expect(findingsOf(lines.with(0, fork))).toContainEqual({ kind: "unknown-key", from: 18, to: 30 });
    expect(findingsOf([fork, ...lines]).slice(0, 2)).toMatchObject([
      { kind: "forked" },
      { kind: "missing", from: 12, to: 17 },
    ]);
    const other = aLine(device, { ...place, chain: "ba9876543210" }).startEpoch();
    const strange = judge(lines.with(0, other).slice(0, 8), { trust }).chains[1]!;
    expect(strange.findings).toContainEqual({ kind: "unknown-key", from: 18, to: 24 });
    const altered = findingsOf(lines.with(0, changed(lines[0] as string, { time: "2026-11-23T00:00:00.000Z" })));
    expect(altered).toContainEqual({ kind: "altered", sequence: 11, line: 1 });
    expect(altered).toContainEqual({ kind: "missing", from: 12, to: 17 });
    expect(judge(lines.with(0, "{}"), { trust }).verdict).toBe("broken");
  });

  test("needs the device's word as any other", async () => {
    const lines = left(aChain(17));
    const stranger = await aDevice();
    const verdict = judge(lines, { trust: [new X509Certificate(stranger.certificateChain[0]!)] });
    expect(verdict.chains[0]).toMatchObject({ verdict: "broken", trust: "unproven" });
    expect(verdict.chains[0]!.findings.map(({ kind }) => kind)).toEqual(["endorsement", "endorsement"]);
  });
});
