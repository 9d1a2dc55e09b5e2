import { hash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import type { Finding } from "../../../src/seal/index.ts";
import { aDevice, aLine, changed, judge, type Line, markOf, place, viewOf } from "../builders.ts";

let device: Identity;
beforeAll(async () => {
  device = await aDevice();
});

const erased = (...sequences: string[]) => ({ count: sequences.length, reason: "erased", sequences });
const space = { from: "1", to: "4", count: 4, reason: "space" };

/** An epoch of 12 events that tells of erasures in it, and the next, which tells that the first four went. */
function aChain(told: { readonly [sequence: number]: ReturnType<typeof erased> | typeof space }): string[] {
  const line = aLine(device);
  const begin = line.startEpoch();
  const first = Array.from({ length: 11 }, (_, index) => {
    const purge = told[index + 2];
    return purge === undefined ? line.add("read", { index }) : line.add("purge", purge);
  });
  return [begin, ...first, line.startEpoch(), line.add("purge", told[14] ?? space)];
}

const marked = (lines: readonly string[], ...sequences: number[]): string[] =>
  lines.map((line, index) => (sequences.includes(index + 1) ? markOf(line) : line));

const findingsOf = (lines: readonly string[]): readonly Finding[] => judge(lines).chains[0]!.findings;

/** What somebody can write who has the file: events up to `to` of his own, which link to each other and to nothing else. */
function rewritten(lines: readonly string[], to: number): string[] {
  let previous: string | undefined;
  return lines.map((line, index) => {
    const isMark = line.startsWith('{"erased"');
    if (isMark) previous = undefined;
    if (isMark || index + 1 > to) return line;
    const own = changed(line, { subject: "elsewhere", ...(previous === undefined ? {} : { previous }) });
    previous = hash("sha256", own, "base64url");
    return own;
  });
}

describe("R33 an erasure in an epoch whose beginning was destroyed", () => {
  const lines = () => marked(aChain({ 9: erased("7") }), 7);

  test("is believed where a verified event links back to it", () => {
    expect(findingsOf(lines().slice(4))).toEqual([{ kind: "unknown-key", from: 5, to: 6 }]);
    // Where all marks are the first of what is there, all the rest is held.
    const first = marked(aChain({ 9: erased("5", "6") }), 5, 6).slice(4);
    expect(judge(first).chains[0]).toMatchObject({ verdict: "whole", erasedCount: 2, findings: [] });
    // …the purge of what went before as well.
    expect(findingsOf(aChain({ 9: space, 14: erased("99") }).slice(4))).toEqual([]);
  });

  test("accuses nobody in a part of a chain that cannot be verified", () => {
    const unsaid = lines().slice(4, 13);
    expect(findingsOf(unsaid)).toEqual([
      { kind: "missing", from: 1, to: 4 },
      { kind: "unknown-key", from: 5, to: 12 },
    ]);
    expect(findingsOf(unsaid.slice(0, 7)).map(({ kind }) => kind)).toEqual(["missing", "unknown-key"]);
    const early = marked(aChain({ 9: erased("5") }), 5).slice(4, 13);
    expect(findingsOf(early)).toEqual(findingsOf(unsaid));
  });

  test("excuses nothing by an event that somebody wrote in", () => {
    const unsaid = marked(aChain({}), 7);
    const forged = unsaid.with(8, changed(unsaid[8]!, { type: "org.sortgate.purge.v1", data: erased("7") }));
    const { verdict, findings } = judge(forged.slice(4)).chains[0]!;
    expect(verdict).toBe("broken");
    expect(findings).toContainEqual({ kind: "unlinked", sequence: 10, line: 6 });
    expect(findings).toContainEqual({ kind: "unknown-key", from: 5, to: 9 });
  });

  test("excuses nothing outside of what it stands in, unless it is believed", () => {
    const chain = marked(aChain({ 9: erased("2") }), 2);
    // The first epoch event is not that of the key: what says so is behind a gap, and links to nothing that is verified.
    const line = aLine(device);
    const begin = [line.startEpoch(), line.add("read", {}), line.add("read", {})];
    const other = [begin[0]!, markOf(begin[1]!), begin[2]!, ...chain.slice(4)];
    expect(findingsOf(other)).toEqual([
      { kind: "missing", from: 4, to: 4 },
      { kind: "unknown-key", from: 5, to: 12 },
    ]);
    expect(findingsOf(other.toSpliced(10, 1))).toContainEqual({ kind: "taken-out", sequence: 2, line: 2 });
    expect(findingsOf(other.slice(0, 10))).toContainEqual({ kind: "taken-out", sequence: 2, line: 2 });
  });

  test("says of another chain of the gateway what it says of its own", () => {
    const old = aLine(device, { ...place, chain: "ba9876543210" });
    const left = [old.startEpoch(), old.add("read", {}), old.add("read", {})].toSpliced(1, 1);
    const gap = { chain: "ba9876543210", count: 1, from: "2", reason: "erased", sequences: ["2"], to: "2" };
    const line = aLine(device);
    const lines = [line.startEpoch(), line.add("read", {}), line.add("gap", gap), line.startEpoch()];
    const oldFindings = (newer: readonly string[]) => judge([...left, ...newer]).chains[0]!.findings;
    expect(oldFindings(lines.slice(1))).toEqual([]);
    expect(oldFindings(lines.slice(1, 3))).toEqual([{ kind: "missing", from: 2, to: 2 }]);
  });
});

describe("events without their key", () => {
  test("are believed up to a mark: before it anybody may have written them", () => {
    const lines = marked(aChain({ 8: erased("6"), 11: erased("9") }), 6, 9);
    const doubt = [{ kind: "unknown-key", from: 5, to: 8 }];
    expect(findingsOf(lines.slice(4))).toEqual(doubt);
    expect(findingsOf(rewritten(lines, 8).slice(4))).toEqual(doubt);
    const [unlinked] = findingsOf(rewritten(lines, 10).slice(4)).filter(({ kind }) => kind === "unlinked");
    expect(unlinked).toMatchObject({ sequence: 11 });
    // What is told behind the last mark is told by the gateway, of the marks before it too.
    expect(findingsOf(marked(aChain({ 11: erased("6", "9") }), 6, 9).slice(4))).toEqual(doubt);
    expect(findingsOf(marked(aChain({ 11: erased("9") }), 6, 9).slice(4))).toContainEqual({
      kind: "taken-out",
      sequence: 6,
      line: 2,
    });
    // What is told before it excuses nothing else: neither what went before, nor another event.
    const early = marked(aChain({ 8: space, 11: erased("9"), 14: erased("99") }), 9).slice(4);
    expect(findingsOf(early)[0]).toEqual({ kind: "missing", from: 1, to: 4 });
    const line = aLine(device);
    const begin = [line.startEpoch(), markOf(line.add("read", {})), line.add("read", {})];
    const elsewhere = marked(aChain({ 8: erased("2"), 11: erased("9") }), 9).slice(4);
    expect(findingsOf([...begin, ...elsewhere])).toContainEqual({ kind: "taken-out", sequence: 2, line: 2 });
  });

  test("are not believed for a view that follows, which links to nothing", () => {
    const line: Line = aLine(device);
    const events = [line.startEpoch(), ...["a", "b", "c", "d"].map((code) => line.add("read", { code }))];
    const own = viewOf(line, events[4]!);
    const next = line.startEpoch();
    const purge = line.add("purge", { ...space, to: "2" });
    const lines = [...events.slice(2, 4), viewOf(line, events[4]!), next, purge];
    const doubt = [{ kind: "unknown-key", from: 3, to: 4 }];
    expect(findingsOf(lines)).toEqual(doubt);
    expect(findingsOf(rewritten(lines, 2))).toEqual(doubt);
    expect(findingsOf([...events.slice(2), next, purge])).toEqual([]);
    // Nor is a view whose own key is not there, though the next event names the event that it shows.
    expect(findingsOf([...events.slice(2, 4), own, next, purge])).toEqual([{ kind: "unknown-key", from: 3, to: 5 }]);
  });
});
