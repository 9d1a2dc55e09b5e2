import { hash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import type { Json } from "../../../src/model/event.ts";
import { createEpochKey, createSealer, type EpochKey, type Finding } from "../../../src/seal/index.ts";
import { aDevice, aLine, changed, judge, type Line, markOf, place, viewOf } from "../builders.ts";

let device: Identity;
beforeAll(async () => {
  device = await aDevice();
});

function verdictOf(lines: readonly string[]): { verdict: string | undefined; findings: readonly Finding[] } {
  const judged = judge(lines);
  expect(judged.malformed).toEqual([]);
  return { verdict: judged.chains[0]?.verdict, findings: judged.chains[0]?.findings ?? [] };
}

describe("R33 of an erased event the chain", () => {
  function chainWith(purge: { readonly [member: string]: Json }): string[] {
    const line = aLine(device);
    const first = [line.startEpoch(), ...["a", "b", "c", "d"].map((code) => line.add("read", { code }))];
    return [...first, line.add("purge", purge), line.check()];
  }
  const told = { count: 1, reason: "erased", sequences: ["3"] };

  test("is whole with its mark, and checkpoints behind it are computed with it", () => {
    const lines = chainWith(told);
    const { chains } = judge(lines.with(2, markOf(lines[2]!)));
    expect(chains[0]).toMatchObject({ verdict: "whole", eventCount: 7, erasedCount: 1, checkpointCount: 1 });
    expect(chains[0]?.findings).toEqual([]);
  });

  test("is not whole if no signed purge tells of it, or one that somebody wrote into", () => {
    const taken = { kind: "taken-out", sequence: 3, line: 3 };
    const others = chainWith({ ...told, sequences: ["2"] });
    expect(verdictOf(others.with(2, markOf(others[2]!))).findings).toContainEqual(taken);
    const lines = chainWith({ ...told, sequences: ["4"] });
    const forged = changed(lines[5]!, { data: told });
    expect(verdictOf(lines.with(2, markOf(lines[2]!)).with(5, forged)).findings).toContainEqual(taken);
  });

  test("shows a mark that stands for something else", () => {
    const lines = chainWith(told);
    const other = markOf(lines[2]!, { digest: hash("sha256", "another", "base64url") });
    expect(verdictOf(lines.with(2, other)).findings).toContainEqual({ kind: "unlinked", sequence: 4, line: 4 });
    const leaf = markOf(lines[2]!, { leaf: hash("sha256", "another", "base64url") });
    expect(verdictOf(lines.with(2, leaf)).findings).toContainEqual({
      kind: "checkpoint",
      sequence: 7,
      reason: "root",
      of: "chain",
    });
  });

  test("misses nothing where it went before anybody had it, and misses its neighbour", () => {
    const lines = chainWith(told);
    expect(verdictOf(lines.toSpliced(2, 1))).toEqual({ verdict: "whole", findings: [] });
    expect(verdictOf(lines.toSpliced(2, 2)).findings).toEqual([{ kind: "missing", from: 4, to: 4 }]);
    expect(verdictOf(lines.toSpliced(1, 2)).findings).toEqual([{ kind: "missing", from: 2, to: 2 }]);
  });

  test("misses nothing of several that went, each in a place of its own, and what went between them", () => {
    const lines = chainWith({ count: 2, reason: "erased", sequences: ["4", "2"] });
    expect(verdictOf(lines.filter((_, index) => ![1, 3].includes(index)))).toEqual({ verdict: "whole", findings: [] });
    expect(verdictOf(lines.filter((_, index) => ![1, 3, 4].includes(index))).findings).toEqual([
      { kind: "missing", from: 5, to: 5 },
    ]);
    expect(verdictOf(lines.toSpliced(1, 3)).findings).toEqual([{ kind: "missing", from: 3, to: 3 }]);
  });

  test("may have marks of what expired, and none between them", () => {
    const lines = chainWith({ count: 2, reason: "core-expired", sequences: ["2", "4"] });
    const marked = lines.with(1, markOf(lines[1]!)).with(3, markOf(lines[3]!));
    expect(verdictOf(marked)).toEqual({ verdict: "whole", findings: [] });
    expect(verdictOf(lines.with(2, markOf(lines[2]!))).findings).toEqual([{ kind: "taken-out", sequence: 3, line: 3 }]);
    expect(verdictOf(lines.toSpliced(1, 1)).findings).toEqual([]);
    expect(verdictOf(lines.toSpliced(2, 1)).findings).toEqual([{ kind: "missing", from: 3, to: 3 }]);
  });

  test("counts the event itself where somebody has it still", () => {
    const lines = chainWith(told);
    const { chains } = judge([markOf(lines[2]!), ...lines]);
    expect(chains[0]).toMatchObject({ verdict: "whole", eventCount: 7, erasedCount: 0, checkpointCount: 1 });
    const edited = changed(lines[2]!, { subject: "elsewhere" });
    expect(verdictOf([...lines.with(2, edited), markOf(lines[2]!)]).findings.map(({ kind }) => kind)).toContain(
      "forked",
    );
  });

  test("takes no mark with a place or a hash that is none", () => {
    const lines = chainWith(told);
    for (const wrong of [
      { digest: "short" },
      { leaf: 7 },
      { sm3: "short" },
      { sm3: "A".repeat(43) },
      { id: "nowhere" },
      { source: "/sites/HZ01/gateways/other" },
    ])
      expect(judge([markOf(lines[2]!, wrong)]).malformed).toHaveLength(1);
    expect(judge(['{"erased":true}']).malformed).toEqual([{ kind: "malformed", line: 1, reason: "not-an-event" }]);
  });
});

describe("R33 of an event that was saved from a damaged ledger and erased then", () => {
  const elsewhere = { ...place, chain: "ba9876543210" };
  const gap = { chain: place.chain, count: 1, from: "3", reason: "erased", sequences: ["3"], to: "3" };
  /** What is left of the old chain, and how the new one begins. */
  function chains(told: { readonly [member: string]: Json }, where = elsewhere): { old: string[]; next: string[] } {
    const line = aLine(device);
    const old = [line.startEpoch(), ...["a", "b", "c"].map((code) => line.add("read", { code }))].toSpliced(2, 1);
    const later = aLine(device, where);
    return { old, next: [later.startEpoch(), later.add("gap", told), later.check()] };
  }
  const missing = { kind: "missing", from: 3, to: 3 };
  const findings = (lines: readonly string[]): readonly Finding[] => judge(lines).chains.flatMap((one) => one.findings);

  test("nothing is missing where the gap of the new chain names it, whichever comes first", () => {
    const { old, next } = chains(gap);
    for (const lines of [
      [...old, ...next],
      [...next, ...old],
    ])
      expect(judge(lines)).toMatchObject({ verdict: "whole", chains: [{ findings: [] }, { findings: [] }] });
    expect(findings(old)).toEqual([missing]);
    // Its neighbour is.
    expect(findings([...old.slice(0, 1), ...old.slice(2), ...next])).toEqual([{ kind: "missing", from: 2, to: 2 }]);
  });

  test("it is missing where the gap tells of another event, chain, reason or gateway", () => {
    for (const told of [
      { ...gap, sequences: ["2"] },
      { ...gap, chain: "0123456789ac" },
      { ...gap, reason: "ledger-damaged" },
    ]) {
      const { old, next } = chains(told);
      expect(findings([...old, ...next])).toEqual([missing]);
    }
    const { old, next } = chains(gap, { ...elsewhere, gateway: "line-2" });
    expect(findings([...old, ...next])).toContainEqual(missing);
  });

  test("it is missing where the gap was edited, or the key behind it is nobody's", () => {
    const { old, next } = chains(gap);
    const edited = changed(chains({ ...gap, sequences: ["2"] }).next[1]!, { data: gap });
    expect(findings([...old, ...next.with(1, edited)])).toContainEqual(missing);
    expect(findings([...old, ...next.slice(1)])).toContainEqual(missing);
    const forger = aLine(device, elsewhere);
    const forged = [forger.startEpochWith({ endorsement: undefined }), forger.add("gap", gap)];
    expect(findings([...old, ...forged])).toContainEqual(missing);
  });

  test("nothing is missing for a broker that got views of both chains", () => {
    const line = aLine(device);
    const old = [line.startEpoch(), viewOf(line, line.add("read", { code: "a" }))];
    line.add("read", { code: "b" });
    old.push(viewOf(line, line.add("read", { code: "c" })));
    const later = aLine(device, elsewhere);
    const next = [later.startEpoch(), viewOf(later, later.add("gap", gap), {}, gap)];
    expect(findings([...old, ...next])).toEqual([]);
    expect(findings([...old, next[0]!])).toEqual([missing]);
  });
});

describe("R24 a capture of views", () => {
  /** Epochs as they are, everything else as views: what a broker with a view gets. */
  function capture(): { line: Line; events: string[]; views: string[] } {
    const line = aLine(device);
    const events: string[] = [];
    const views: string[] = [];
    for (let epoch = 0; epoch < 2; epoch += 1) {
      const start = line.startEpoch();
      events.push(start);
      views.push(start);
      for (const code of ["a", "b", "c"]) {
        const event = line.add("read", { code });
        events.push(event);
        views.push(viewOf(line, event));
      }
    }
    return { line, events, views };
  }

  test("is whole, in any order, and beside the events themselves", () => {
    const { events, views } = capture();
    expect(judge(views).chains[0]).toMatchObject({ verdict: "whole", eventCount: 8, viewCount: 6, findings: [] });
    expect(judge(views.toReversed()).chains[0]).toMatchObject({ verdict: "whole", viewCount: 6, findings: [] });
    expect(judge([...views, ...events]).chains[0]).toMatchObject({ verdict: "whole", viewCount: 0, eventCount: 8 });
  });

  test("shows a view that was edited, also beside its event", () => {
    const { events, views } = capture();
    const edited = changed(views[2]!, { subject: "elsewhere" });
    const altered = { kind: "altered", sequence: 3, line: 3 };
    expect(verdictOf(views.with(2, edited)).findings).toEqual([altered]);
    expect(verdictOf([...views.with(2, edited), ...events]).findings).toContainEqual(altered);
  });

  test("shows a view that is missing, and one of another event", () => {
    const { line, events, views } = capture();
    expect(verdictOf(views.toSpliced(2, 1)).findings).toEqual([{ kind: "missing", from: 3, to: 3 }]);
    const other = viewOf(line, events[3]!, { bytes: "another" });
    expect(verdictOf(views.with(3, other)).findings).toEqual([{ kind: "unlinked", sequence: 5, line: 5 }]);
  });

  test("may be signed by the key of a later epoch, but by no earlier and no foreign one", () => {
    const { line, events, views } = capture();
    // A view that is sent again after a restart has the key of the new run.
    expect(verdictOf(views.with(2, viewOf(line, events[2]!)))).toEqual({ verdict: "whole", findings: [] });
    const keys: EpochKey[] = [];
    const sealer = createSealer(place);
    const useKey = (key: EpochKey): void => {
      keys.push(key);
      sealer.useKey(key);
    };
    const second = aLine(device, place, { ...sealer, useKey });
    const lines = [second.startEpoch(), second.startEpoch()];
    const event = second.add("read", { code: "b" });
    expect(verdictOf([...lines, viewOf(second, event)]).verdict).toBe("whole");
    sealer.useKey(keys[0]!);
    expect(verdictOf([...lines, viewOf(second, event)]).findings).toEqual([
      { kind: "forged", sequence: 3, line: 3, reason: "other-key" },
    ]);
    sealer.useKey(createEpochKey());
    expect(verdictOf([...lines, viewOf(second, event)]).findings).toEqual([{ kind: "unknown-key", from: 3, to: 3 }]);
  });

  test("misses nothing that a purge tells of in its turn, and believes no purge that was edited", () => {
    const line = aLine(device);
    const start = line.startEpoch();
    const events = ["a", "b"].map((code) => line.add("read", { code }));
    const data = { count: 1, reason: "erased", sequences: ["2"] };
    const purge = viewOf(line, line.add("purge", data), {}, data);
    const rest = [start, viewOf(line, events[1]!)];
    expect(verdictOf([...rest, purge])).toEqual({ verdict: "whole", findings: [] });
    const edited = changed(purge, { subject: "elsewhere" });
    expect(verdictOf([...rest, edited]).findings).toContainEqual({ kind: "missing", from: 2, to: 2 });
  });

  test("passes no view for an event, and no event for a view", () => {
    const line = aLine(device);
    const start = line.startEpoch();
    const event = line.add("read", { code: "a" });
    const view = JSON.parse(viewOf(line, event)) as { signature: string };
    const signedAsView = changed(event, { signature: view.signature });
    expect(verdictOf([start, signedAsView]).findings).toEqual([{ kind: "algorithm", sequence: 2, line: 2 }]);
    const { signature } = JSON.parse(event) as { signature: string };
    const signedAsEvent = changed(viewOf(line, event), { signature });
    expect(verdictOf([start, signedAsEvent]).findings).toEqual([{ kind: "algorithm", sequence: 2, line: 2 }]);
  });
});
