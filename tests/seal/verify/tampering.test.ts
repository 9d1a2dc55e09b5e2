import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import { createEpochKey, createVerifier, type Finding } from "../../../src/seal/index.ts";
import { aChain, aDevice, aLine, changed, judge, place, renumbered } from "../builders.ts";

const count = 300;
let device: Identity;
let whole: string[];
beforeAll(async () => {
  device = await aDevice();
  whole = aChain(device, count);
});

function at(sequence: number, lines: readonly string[] = whole): string {
  return lines[sequence - 1] as string;
}

function findingsOf(lines: readonly string[]): readonly Finding[] {
  const verdict = judge(lines);
  expect(verdict.malformed).toEqual([]);
  return verdict.chains[0]?.findings ?? [];
}

/** Whole events with one at `sequence` replaced. */
function replaced(sequence: number, line: string): string[] {
  return whole.with(sequence - 1, line);
}

// Not the first of an epoch: without its key everything behind it would be told as well.
const plainSequence = fc.integer({ min: 2, max: count }).filter((sequence) => sequence % 100 !== 1);

describe("a chain of 300 events", () => {
  test("is whole as it was sealed, in any order", () => {
    expect(judge(whole).chains[0]).toMatchObject({
      verdict: "whole",
      eventCount: 300,
      epochCount: 3,
      checkpointCount: 6,
    });
    fc.assert(
      fc.property(fc.shuffledSubarray(whole, { minLength: count }), (lines) => {
        expect(judge(lines).chains[0]).toMatchObject({ verdict: "whole", eventCount: 300, checkpointCount: 6 });
      }),
      { numRuns: 5 },
    );
  });

  test("shows any event that was taken out", () => {
    fc.assert(
      fc.property(plainSequence, fc.nat(5), (from, more) => {
        const to = Math.min(from + more, count);
        fc.pre(Math.floor((from - 1) / 100) === Math.floor((to - 1) / 100));
        const lines = whole.toSpliced(from - 1, to - from + 1);
        // What is cut off at the end nobody can miss, unless a witness knows of it.
        const witness = [changed(at(count), { type: "org.sortgate.checkpoint.v1", data: { size: count, root: "" } })];
        const findings = judge(lines, { witness }).chains[0]?.findings;
        expect(findings).toContainEqual(
          to === count ? { kind: "truncated", after: from - 1, size: count } : { kind: "missing", from, to },
        );
      }),
      { numRuns: 25 },
    );
  });

  test("shows two events that changed places", () => {
    fc.assert(
      fc.property(plainSequence, plainSequence, (one, other) => {
        fc.pre(one !== other);
        const lines = whole.with(one - 1, renumbered(at(other), one)).with(other - 1, renumbered(at(one), other));
        const findings = findingsOf(lines);
        for (const sequence of [one, other]) {
          expect(findings).toContainEqual({ kind: "forged", sequence, line: sequence, reason: "other-sequence" });
        }
      }),
      { numRuns: 25 },
    );
  });

  test("shows any member that was edited, and nothing before it", () => {
    const edits = fc.constantFrom(
      { data: { code: "SF9999999999999" } },
      { subject: "other" },
      { time: "2026-11-24T00:00:00.000Z" },
      { type: "org.sortgate.audit.v1" },
      { specversion: "1.1" },
      { previous: "A".repeat(43) },
      { extra: true },
    );
    fc.assert(
      fc.property(plainSequence, edits, (sequence, edit) => {
        const findings = findingsOf(replaced(sequence, changed(at(sequence), edit)));
        expect(findings[0]).toEqual({ kind: "altered", sequence, line: sequence });
        if (sequence < count) {
          expect(findings[1]).toEqual({ kind: "unlinked", sequence: sequence + 1, line: sequence + 1 });
        }
        expect(findings.slice(2)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("shows an event that was sent again as a new one", () => {
    fc.assert(
      fc.property(plainSequence, (sequence) => {
        const findings = findingsOf([...whole, renumbered(at(sequence), count + 1)]);
        expect(findings).toEqual([{ kind: "forged", sequence: count + 1, line: count + 1, reason: "other-sequence" }]);
      }),
      { numRuns: 10 },
    );
  });

  test("counts an event that was sent again as it was", () => {
    expect(judge([...whole, at(7), ` ${at(7)} \r`]).chains[0]).toMatchObject({
      verdict: "whole",
      repeatCount: 2,
      findings: [{ kind: "repeated", sequence: 7, line: 301, count: 2 }],
    });
  });

  test("shows an event that somebody else signed", () => {
    const line = aLine(device);
    const lines = [line.startEpoch(), line.add("read", { n: 1 })];
    line.sealer.useKey(createEpochKey());
    lines.push(line.add("read", { n: "not theirs" }));
    expect(findingsOf(lines)).toEqual([{ kind: "forged", sequence: 3, line: 3, reason: "other-key" }]);
  });

  test("shows two events that were both signed for one sequence", () => {
    const line = aLine(device);
    const lines = [line.startEpoch()];
    const state = line.sealer.state();
    lines.push(line.add("read", { n: 1 }));
    line.sealer.restore(state);
    lines.push(line.add("read", { n: 2 }), line.add("read", { n: 3 }));
    expect(findingsOf(lines)).toEqual([{ kind: "forked", sequence: 2, lines: [2, 3], count: 2 }]);
  });

  test("shows an epoch event that went, and calls nobody a forger for it", () => {
    expect(findingsOf(whole.toSpliced(100, 1))).toEqual([
      { kind: "missing", from: 101, to: 101 },
      { kind: "unknown-key", from: 102, to: 200 },
    ]);
  });

  test("shows an event under a key that no epoch of the chain brought", () => {
    const stranger = aLine(device);
    stranger.startEpoch();
    const [header, body] = [JSON.parse(stranger.add("read", {})) as { signature: string }, at(50)];
    expect(findingsOf(replaced(50, changed(body, { signature: header.signature })))[0]).toEqual({
      kind: "forged",
      sequence: 50,
      line: 50,
      reason: "other-key",
    });
  });

  test("shows a checkpoint whose root or size is not that of the events", () => {
    const line = aLine(device);
    const lines = [line.startEpoch(), line.check()];
    lines.push(line.add("checkpoint", { size: 2, root: "A".repeat(43) }));
    lines.push(line.add("checkpoint", { size: 4, root: line.sealer.root() }), line.add("checkpoint", { root: "" }));
    expect(findingsOf(lines)).toEqual([
      { kind: "checkpoint", sequence: 3, reason: "root", of: "chain" },
      { kind: "checkpoint", sequence: 4, reason: "size", of: "chain" },
      { kind: "checkpoint", sequence: 5, reason: "size", of: "chain" },
    ]);
  });

  test("shows that it is not the one that the witness saw", () => {
    const other = aChain(device, count);
    const verdict = judge(whole, { witness: [at(150, other)] });
    expect(verdict.chains[0]?.findings).toEqual([
      { kind: "checkpoint", sequence: 150, reason: "root", of: "witness" },
      { kind: "forked", sequence: 150, lines: [150], count: 2 },
    ]);
    expect(judge(whole, { witness: [at(150), at(300)] }).verdict).toBe("whole");
  });

  test("is apart from other chains in the same file", () => {
    const other = aChain(device, 120, { ...place, chain: "ba9876543210" });
    const mixed = [...whole.slice(0, 120), ...other].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    const { chains, verdict } = judge(mixed);
    expect(verdict).toBe("whole");
    expect(chains.map(({ eventCount }) => eventCount)).toEqual([120, 120]);
  });
});

describe("a capture that begins in the middle", () => {
  test("lacks what came before, and the key until the next epoch", () => {
    expect(findingsOf(whole.slice(60))).toEqual([
      { kind: "missing", from: 1, to: 60 },
      { kind: "unknown-key", from: 61, to: 100 },
    ]);
  });

  /** 30 events in three epochs, and a purge of the first `to` of them; `from` is what the ledger's oldest event was then. */
  function purged(from: number | string, to: number | string): string[] {
    const line = aLine(device);
    const lines = Array.from({ length: 30 }, (_, n) => (n % 10 === 0 ? line.startEpoch() : line.add("read", { n })));
    return [...lines, line.add("purge", { from, to, count: 6, reason: "retention" })];
  }

  test("is whole if the gateway signed that it purged the rest", () => {
    const whole = { verdict: "whole", trust: "consistent", from: 7, to: 31 };
    expect(judge(purged(1, 6).slice(6)).chains[0]).toMatchObject(whole);
    expect(judge(purged("1", "6").slice(6)).chains[0]).toMatchObject(whole);
    // An earlier purge took 1 to 3, and its own event may be gone by now.
    expect(judge(purged("4", "6").slice(6)).chains[0]).toMatchObject(whole);
  });

  test("lacks what lies behind the purge, and what is missing in the middle whether it was purged or not", () => {
    const lines = purged("1", "6");
    expect(findingsOf(lines.slice(7))).toEqual([
      { kind: "missing", from: 7, to: 7 },
      { kind: "unknown-key", from: 8, to: 10 },
    ]);
    expect(findingsOf(lines.toSpliced(2, 2))).toEqual([{ kind: "missing", from: 3, to: 4 }]);
  });

  test("is not whole by a purge that somebody wrote in, or that purges what comes later", () => {
    const lines = purged("1", "6");
    const wide = changed(lines[30] as string, { data: { from: "1", to: "7", count: 7, reason: "retention" } });
    expect(findingsOf([...lines.slice(7, 30), wide])[0]).toEqual({ kind: "missing", from: 1, to: 7 });
    expect(findingsOf(purged("1", "99").slice(6))[0]).toEqual({ kind: "missing", from: 1, to: 6 });
  });

  test("stays unproven where nothing that is verified links to it", () => {
    expect(findingsOf(purged("1", "6").toSpliced(8, 1).slice(6))).toEqual([
      { kind: "unknown-key", from: 7, to: 8 },
      { kind: "missing", from: 9, to: 9 },
      { kind: "unknown-key", from: 10, to: 10 },
    ]);
  });
});

describe("one event", () => {
  test("shows each byte that is changed in it, even if no event follows", () => {
    const [epoch = "", before = "", last = ""] = whole;
    const bytes = Buffer.from(last);
    for (let index = 0; index < bytes.length; index += 1) {
      // The lowest bit, and the one that makes a small letter of a capital.
      for (const bit of [0x01, 0x20]) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (flipped[index] as number) ^ bit;
        expect(judge([epoch, before, flipped.toString("utf8")]).verdict, `byte ${index}, bit ${bit}`).toBe("broken");
      }
    }
  });
});

describe("an epoch event", () => {
  test("shows each byte that is changed in it", () => {
    const [epoch, read] = whole as [string, string];
    const bytes = Buffer.from(epoch);
    for (let index = 0; index < bytes.length; index += 7) {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] as number) ^ 0x01;
      expect(judge([flipped.toString("utf8"), read]).verdict, `byte ${index}`).toBe("broken");
    }
  });
});

describe("the verifier", () => {
  test("never throws, whatever the lines are", () => {
    const mutated = fc
      .tuple(fc.nat(99), fc.nat(10_000), fc.string({ maxLength: 8, unit: "binary" }))
      .map(([n, cut, text]) => {
        const line = whole[n] as string;
        const index = cut % line.length;
        return line.slice(0, index) + text + line.slice(index + text.length);
      });
    const odd = fc.constantFrom(
      "{}",
      "[]",
      "null",
      '{"signature":1}',
      '{"id":"a/0123456789ab/1","sequence":"1"}',
      '{"__proto__":{"id":1}}',
      `${"[".repeat(5_000)}`,
      '{"topic":"a","payload":"{"}',
      '{"topic":"a","payload":{"online":true}}',
      "\u0000\u001b[2J",
      "\uFEFF",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(mutated, odd, fc.string(), fc.json()), { maxLength: 12 }), (lines) => {
        const verifier = createVerifier({ trust: [], witness: lines });
        for (const line of lines) verifier.learn(line);
        for (const [index, line] of lines.entries()) verifier.push(line, index + 1);
        expect(["whole", "broken"]).toContain(verifier.finish().verdict);
      }),
      { numRuns: 300 },
    );
  });

  test("refuses signatures that carry more than algorithm, key and type, or bytes in another spelling", () => {
    const event = JSON.parse(at(2)) as { signature: string };
    const [header = "", , bytes = ""] = event.signature.split(".");
    const fields = JSON.parse(Buffer.from(header, "base64url").toString()) as object;
    const headerOf = (more: object): string =>
      Buffer.from(JSON.stringify({ ...fields, ...more })).toString("base64url");
    const kindOf = (signature: string): string | undefined =>
      findingsOf(replaced(2, changed(at(2), { signature })))[0]?.kind;
    expect(kindOf(`${headerOf({ alg: "EdDSA" })}..${bytes}`)).toBe("algorithm");
    expect(kindOf(`${headerOf({ alg: "HS256" })}..${bytes}`)).toBe("algorithm");
    expect(kindOf(`${headerOf({ typ: "JWT" })}..${bytes}`)).toBe("algorithm");
    expect(kindOf(`${headerOf({ crit: ["b64"], b64: false })}..${bytes}`)).toBe("algorithm");
    expect(kindOf(`${header}.e30.${bytes}`)).toBe("altered");
    expect(kindOf(`${header}..${bytes}=`)).toBe("altered");
    const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(bytes.at(-1) as string);
    const twin = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1];
    expect(kindOf(`${header}..${bytes.slice(0, -1)}${twin}`)).toBe("altered");
  });

  test("takes lines as capture tools write them", () => {
    const lines = whole.slice(0, 6);
    const wrapped = [
      `\uFEFF${lines[0]}\r`,
      "",
      `sortgate/HZ01/line-1/read/隧道-1 ${lines[1]}`,
      JSON.stringify({ tst: "2026-11-23T00:00:00Z", topic: "a/b", qos: 1, payload: lines[2] }),
      `{"tst":"2026-11-23T00:00:00Z","topic":"a/b","payload":${lines[3]}}`,
      'sortgate/HZ01/line-1/status {"online":true,"version":"0.1.0"}',
      JSON.stringify(JSON.parse(lines[4] as string), null, " ").replaceAll("\n", ""),
      lines[5] as string,
    ];
    const verdict = judge(wrapped);
    expect(verdict).toMatchObject({ verdict: "whole", lineCount: 7, statusCount: 1, malformedCount: 0 });
    expect(verdict.chains[0]).toMatchObject({ eventCount: 6 });
  });

  test("takes no order of the centre for an event, however it was captured, and no event for an order", () => {
    const order = "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoic29ydGdhdGUtb3JkZXIrandzIn0.eyJvcmRlciI6N30.AAAA-_";
    const lines = [at(1), `sortgate/HZ01/line-1/order ${order}`, order, at(2)];
    lines.push(JSON.stringify({ topic: "sortgate/HZ01/line-1/order", qos: 1, payload: order }));
    expect(judge(lines)).toMatchObject({ verdict: "whole", lineCount: 5, statusCount: 3, malformedCount: 0 });
    // Whoever makes an event look like one has taken it away.
    expect(judge([at(1), order, at(3)]).chains[0]).toMatchObject({ verdict: "broken" });
    expect(judge([`${order}!`, `${order} ${order}`]).malformedCount).toBe(2);
  });

  test("R33 takes nothing under the topic of orders for an event: an order that was cleared, or what is none, also in the last line", () => {
    const topic = "sortgate/HZ01/line-1/order";
    const envelope = (payload: unknown, under = topic): string => JSON.stringify({ topic: under, qos: 1, payload });
    // What mosquitto_sub 2.0 writes with -v, -F %j and -F %J for an empty message; with -F "%t %p" it ends behind the topic.
    const cleared = [`${topic} (null)`, envelope(null), `${topic} `, topic];
    const strays = [`${topic} {"x":1}`, `${topic} eyJh.eyJ`, envelope('{"x":1}'), envelope({ x: 1 }), envelope("eyJ")];
    const lines = [at(1), ...cleared, ...strays, at(2)];
    expect(judge(lines)).toMatchObject({ verdict: "whole", statusCount: 9, malformedCount: 0 });
    for (const line of [...cleared, ...strays])
      expect(judge([at(1), line]), line).toMatchObject({ verdict: "whole", malformedCount: 0 });
    // An event that was put there is missing; a read point called "order" is none of it.
    expect(judge([at(1), `${topic} ${at(2)}`, at(3)]).chains[0]).toMatchObject({ verdict: "broken" });
    const readPoint = "sortgate/HZ01/line-1/read/order";
    expect(judge([at(1), `${readPoint} ${at(2)}`, envelope(at(3), readPoint)]).chains[0]).toMatchObject({
      eventCount: 3,
    });
    expect(judge([`${readPoint} (null)`, envelope(null, readPoint)]).malformedCount).toBe(2);
  });

  test("R33 passes over an order's message of several lines, and no line that begins as an event does", () => {
    const topic = "sortgate/HZ01/line-1/order";
    const key = [
      `${topic} -----BEGIN PRIVATE KEY-----`,
      "MIIEvQ/BADAN+Bgkqh",
      "",
      "12345678901234567890",
      "-----END PRIVATE KEY-----",
    ];
    expect(judge([at(1), ...key, at(2), ...key])).toMatchObject({
      verdict: "whole",
      statusCount: 8,
      malformedCount: 0,
    });
    expect(judge([at(1), `${topic} [`, ' "a": { "b": 1', "]", at(2)])).toMatchObject({ verdict: "whole" });
    const cut = at(2).slice(0, -9);
    const events = [cut, ` ${cut}`, `sortgate/HZ01/line-1/read/x ${cut}`, `other/HZ02/line-2/read/x ${cut}`];
    for (const line of [...events, "sortgate/HZ01/line-1/read/x", `sortgate/HZ01/line-2/read/x ${cut.slice(1)}`])
      expect(judge([at(1), ...key, line, "stray"]), line).toMatchObject({ verdict: "broken", malformedCount: 2 });
    // What is none of an order's lines ends it, and an event behind anything stays one.
    expect(judge([at(1), ...key, at(2), "stray"])).toMatchObject({ malformed: [{ line: 8, reason: "cut-off" }] });
    expect(judge([at(1), ...key, `x ${at(2)}`]).chains[0]).toMatchObject({ eventCount: 2 });
    expect(judge(key.slice(1))).toMatchObject({ malformedCount: 3 });
  });

  test.each(["read", "log", "order", "status", "sortgate"])(
    "R33 takes nothing under the topic of orders for an event of a gateway called %s",
    (gateway) => {
      const topic = `sortgate/HZ01/${gateway}/order`;
      const envelope = (payload: unknown): string => JSON.stringify({ topic, qos: 1, payload });
      const cleared = [`${topic} (null)`, envelope(null), `${topic} `, topic, `${topic} {"x":1}`, envelope({ x: 1 })];
      expect(judge([at(1), ...cleared])).toMatchObject({ verdict: "whole", statusCount: 6, malformedCount: 0 });
      // What comes under its read points and its other topics is told by its place too.
      const others = ["read/order", "read/read", "log/audit", "status"].map((end) => `sortgate/HZ01/${gateway}/${end}`);
      expect(judge([at(1), ...others.map((other) => `${other} ${at(2)}`)]).chains[0]).toMatchObject({ eventCount: 2 });
      expect(judge(others.map((other) => `${other} (null)`)).malformedCount).toBe(4);
    },
  );

  test("tells lines that are no event by number, and the last one that is cut off", () => {
    const lines = [at(1), "Connection refused", at(2), at(3).slice(0, 200)];
    expect(judge(lines)).toMatchObject({
      verdict: "broken",
      malformed: [
        { kind: "malformed", line: 2, reason: "json" },
        { kind: "malformed", line: 4, reason: "cut-off" },
      ],
    });
    const twice = at(2).replace('"sequence":"2"', '"sequence":"2","sequence":"2"');
    expect(judge([twice]).malformed).toEqual([{ kind: "malformed", line: 1, reason: "duplicate-member" }]);
    expect(judge([changed(at(2), { sequence: "3" })]).malformed).toEqual([
      { kind: "malformed", line: 1, reason: "contradiction" },
    ]);
  });

  test("says of each line what its signature is worth as soon as its key is known", () => {
    const verifier = createVerifier();
    expect(verifier.push(at(2), 1)).toBe("no-key");
    expect(verifier.push(at(1), 2)).toBe("good");
    expect(verifier.push(changed(at(3), { subject: "x" }), 3)).toBe("bad");
    expect(verifier.push("", 4)).toBe("blank");
    expect(verifier.finish().chains[0]?.findings).toEqual([{ kind: "altered", sequence: 3, line: 3 }]);
    expect(verifier.push(at(3), 5)).toBe("good");
    expect(verifier.finish().chains[0]?.findings[0]).toMatchObject({ kind: "forked", sequence: 3 });
  });
});
