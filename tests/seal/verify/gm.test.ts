import { createHash, hash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import type { EventKind, Json } from "../../../src/model/event.ts";
import { endorsedStatement } from "../../../src/seal/epoch.ts";
import { gmSigned, gmSpanAt, gmSpanWith } from "../../../src/seal/gm.ts";
import {
  canonicalize,
  createEpochKey,
  createSealer,
  createVerifier,
  type EpochKey,
  type EpochReason,
  epochData,
} from "../../../src/seal/index.ts";
import { signStatement } from "../../../src/seal/jws.ts";
import { hashOf, leafOf } from "../../../src/seal/merkle.ts";
import { aDevice, changed, judge, place } from "../builders.ts";

let device: Identity;
beforeAll(async () => {
  device = await aDevice();
});

type Members = { readonly [member: string]: Json };

/** A chain that is signed with SM2 as well, and grows by hand. */
function aNationalLine() {
  let sealer = createSealer(place);
  let key: EpochKey;
  const lines: string[] = [];
  const add = (kind: EventKind, data: Members): string => {
    const bytes = sealer.seal({ kind, subject: undefined, at: Date.UTC(2026, 10, 23), data: canonicalize(data) }).bytes;
    return lines[lines.push(Buffer.from(bytes).toString("utf8")) - 1]!;
  };
  return {
    lines,
    key: () => key,
    add,
    read: (code: string) => add("read", { code }),
    epoch(reason: EpochReason, change: (data: Members) => Members = (data) => data) {
      key = createEpochKey("gm");
      sealer.useKey(key);
      const facts = { ...place, sequence: lines.length + 1, key, device, software: "0", configDigest: "0", reason };
      const { gm, ...data } = change(epochData(facts));
      const statement = endorsedStatement(place, String(facts.sequence), key.jwk, gm);
      return add("epoch", {
        ...data,
        ...(gm === undefined ? {} : { gm }),
        endorsement: signStatement(statement, device),
      });
    },
    check(change: (gm: Members) => Json | undefined = (gm) => gm) {
      const gm = change(sealer.endSpan()!);
      return add("checkpoint", { root: sealer.root(), size: lines.length, ...(gm === undefined ? {} : { gm }) });
    },
    /** The process is another one: of the span before nothing is known any more. */
    restart() {
      sealer = createSealer({ ...place, state: sealer.state() });
    },
  };
}

/** Three checkpoints: one over a start, one over a rotation, one over a second start. */
function aWholeLine(): ReturnType<typeof aNationalLine> {
  const line = aNationalLine();
  line.epoch("new-ledger");
  for (const code of ["a", "b", "c"]) line.read(code);
  line.check();
  line.read("d");
  line.epoch("rotation");
  line.read("e");
  line.check();
  line.read("is covered by nothing, for the process was killed behind it");
  line.restart();
  line.epoch("start");
  line.read("f");
  line.check();
  return line;
}

const verdictOf = (lines: readonly string[]) => judge(lines).chains[0]!;
const reasonsOf = (lines: readonly string[]) =>
  verdictOf(lines).findings.map((finding) => ("reason" in finding ? [finding.kind, finding.reason] : [finding.kind]));

describe("R09 the SM3 chain and its SM2 signatures", () => {
  test("prove each checkpoint, over rotations and starts", () => {
    const { lines } = aWholeLine();
    expect(verdictOf(lines)).toMatchObject({ verdict: "whole", gm: { signedCount: 3, provenCount: 3 }, findings: [] });
  });

  test("is SM3 over the value before and the SM3 of each event's bytes, from zeros on", () => {
    const { lines } = aWholeLine();
    let value: Buffer = Buffer.alloc(32);
    const sm3 = (bytes: Uint8Array): Buffer => createHash("sm3").update(bytes).digest();
    for (const line of lines.slice(0, 4)) value = sm3(Buffer.concat([value, sm3(Buffer.from(line))]));
    const { gm } = (JSON.parse(lines[4]!) as { data: { gm: Members } }).data;
    expect(gm).toMatchObject({ from: "1", to: "4", previous: "A".repeat(43), sm3: value.toString("base64url") });
    const next = (JSON.parse(lines[8]!) as { data: { gm: Members } }).data.gm;
    expect(next).toMatchObject({ from: "5", to: "8", previous: gm.sm3, profile: "gm" });
  });

  test("are told of by each start, with the profile and the identity", () => {
    const { gm } = (JSON.parse(aWholeLine().lines[0]!) as { data: { gm: Members } }).data;
    expect(gm).toEqual({ id: "1234567812345678", key: expect.stringMatching(/^MFkw/), profile: "gm" });
  });

  test("count in any order; what came before the first word of them is not proven by them", () => {
    const { lines } = aWholeLine();
    const shuffled = [lines[1]!, lines[0]!, ...lines.slice(2).reverse()];
    expect(verdictOf(shuffled)).toMatchObject({ verdict: "whole", gm: { signedCount: 3, provenCount: 2 } });
    const verifier = createVerifier();
    for (const line of shuffled) verifier.learn(line);
    for (const [index, line] of shuffled.entries()) verifier.push(line, index + 1);
    expect(verifier.finish().chains[0]).toMatchObject({ gm: { signedCount: 3, provenCount: 3 } });
  });

  test("say nothing of a span of which an event is missing, and go on behind it", () => {
    const { lines } = aWholeLine();
    const verdict = verdictOf(lines.toSpliced(2, 1));
    expect(verdict.findings).toEqual([{ kind: "missing", from: 3, to: 3 }]);
    expect(verdict.gm).toEqual({ signedCount: 3, provenCount: 2 });
  });

  test("call nothing broken where a mark stands for an erased event", () => {
    const line = aNationalLine();
    line.epoch("new-ledger");
    const erased = line.read("gone");
    line.check();
    line.read("stays");
    line.check();
    line.epoch("rotation");
    const leaf = Buffer.from(hashOf(leafOf(erased)), "latin1").toString("base64url");
    const { id, source } = JSON.parse(erased) as { id: string; source: string };
    const mark = canonicalize({ erased: { digest: hash("sha256", erased, "base64url"), id, leaf, source } });
    line.add("purge", { count: 1, reason: "erased", sequences: ["2"] });
    const verdict = verdictOf(line.lines.with(1, mark));
    expect(verdict).toMatchObject({ verdict: "whole", erasedCount: 1, gm: { signedCount: 2, provenCount: 1 } });
  });

  test("are none with the default algorithms", () => {
    const sealer = createSealer(place);
    sealer.useKey(createEpochKey());
    sealer.seal({ kind: "read", subject: undefined, at: 0, data: "{}" });
    expect([sealer.endSpan(), sealer.state().span]).toEqual([undefined, undefined]);
  });

  test("go back with a batch that was rolled back", () => {
    const sealer = createSealer(place);
    sealer.useKey(createEpochKey("gm"));
    const seal = (code: string) =>
      sealer.seal({ kind: "read", subject: undefined, at: 0, data: canonicalize({ code }) });
    seal("a");
    const before = sealer.state();
    seal("b");
    sealer.endSpan();
    sealer.restore(before);
    expect(sealer.state()).toStrictEqual(before);
    expect(sealer.endSpan()).toMatchObject({ from: "1", to: "1" });
  });
});

describe("R09 the device's word", () => {
  /** An epoch and a checkpoint by these keys, with the word that the device gave for others. */
  function lineWith(key: EpochKey, data: Members): string[] {
    const sealer = createSealer(place);
    sealer.useKey(key);
    const seal = (kind: EventKind, members: Members): string =>
      Buffer.from(sealer.seal({ kind, subject: undefined, at: 0, data: canonicalize(members) }).bytes).toString("utf8");
    const lines = [seal("epoch", data), seal("read", { code: "a" })];
    const gm = sealer.endSpan();
    return [...lines, seal("checkpoint", { root: sealer.root(), size: 2, ...(gm === undefined ? {} : { gm }) })];
  }
  const dataOf = (key: EpochKey): Members =>
    epochData({ ...place, sequence: 1, key, device, software: "0", configDigest: "0", reason: "new-ledger" });

  test("counts for the SM2 key too: with another one in its place, or none, the epoch is not endorsed", () => {
    const key = createEpochKey("gm");
    const { gm, ...plain } = dataOf(key);
    expect(verdictOf(lineWith(key, { ...plain, gm: gm! }))).toMatchObject({ verdict: "whole", trust: "consistent" });
    const other = createEpochKey("gm").gm!;
    const swapped = lineWith({ ...key, gm: other }, { ...plain, gm: { ...(gm as Members), key: other.key } });
    const { gm: _, ...withoutSm2 } = key;
    for (const lines of [swapped, lineWith(withoutSm2, plain)]) {
      expect(reasonsOf(lines)).toEqual([["endorsement", "statement"]]);
      expect(verdictOf(lines)).toMatchObject({ verdict: "broken", trust: "unproven" });
    }
  });

  test("covers all that the epoch says of the national algorithms, and with the default ones is what it was", () => {
    const endorsed = (data: Members): unknown =>
      JSON.parse(Buffer.from(String(data.endorsement).split(".")[1]!, "base64url").toString("utf8"));
    const [national, plain] = [createEpochKey("gm"), createEpochKey()];
    const same = { ...place, sequence: "1" };
    const gm = { id: "1234567812345678", key: national.gm!.key, profile: "gm" };
    expect(endorsed(dataOf(national))).toEqual({ ...same, gm, key: national.jwk });
    expect(endorsed(dataOf(plain))).toEqual({ ...same, key: plain.jwk });
    const added = { ...dataOf(plain), gm };
    expect(reasonsOf(lineWith({ ...plain, gm: national.gm! }, added))).toEqual([["endorsement", "statement"]]);
  });
});

describe("R09 a checkpoint does not hold", () => {
  function reasonOf(change: Parameters<ReturnType<typeof aNationalLine>["check"]>[0]) {
    const line = aNationalLine();
    line.epoch("new-ledger");
    line.read("a");
    line.check(change);
    line.read("b");
    line.check();
    return { reasons: reasonsOf(line.lines), gm: verdictOf(line.lines).gm };
  }

  const flipped = (text: Json | undefined, encoding: "base64" | "base64url"): string => {
    const bytes = Buffer.from(String(text), encoding);
    bytes[bytes.length - 1]! ^= 1;
    return bytes.toString(encoding);
  };

  test("whose SM2 signature is another's, or for other words", () => {
    const other = createEpochKey("gm").gm!;
    expect(reasonOf((gm) => ({ ...gm, signature: flipped(gm.signature, "base64") })).reasons).toEqual([
      ["gm", "signature"],
    ]);
    expect(reasonOf((gm) => ({ ...gm, from: "2" })).reasons).toEqual([["gm", "signature"]]);
    expect(reasonOf(() => gmSigned(place, gmSpanAt(1), 2, other)).reasons).toEqual([["gm", "signature"]]);
    // Of what nobody signed nothing is taken over: the next one is judged by the events.
    const wrong = (gm: Members) => ({ ...gm, sm3: flipped(gm.sm3, "base64url") });
    expect(reasonOf(wrong)).toEqual({ reasons: [["gm", "signature"]], gm: { signedCount: 1, provenCount: 1 } });
  });

  test("that was signed for another gateway, site or chain", () => {
    for (const member of ["gateway", "site", "chain"] as const) {
      const line = aNationalLine();
      line.epoch("new-ledger");
      line.check(() => {
        const sm3 = createHash("sm3").update(line.lines[0]!).digest();
        return gmSigned({ ...place, [member]: "0".repeat(12) }, gmSpanWith(gmSpanAt(1), sm3), 1, line.key().gm!);
      });
      expect(reasonsOf(line.lines), member).toEqual([["gm", "signature"]]);
    }
  });

  test("whose SM3 chain is that of other events: one left out, added, altered or moved", () => {
    const digestOf = (text: string): Buffer => createHash("sm3").update(text).digest();
    const variants: ((events: string[]) => string[])[] = [
      (events) => events.slice(1),
      (events) => events.slice(0, -1),
      (events) => [...events, events[0]!],
      (events) => events.with(1, events[1]!.replace('"a"', '"A"')),
      (events) => [events[1]!, events[0]!, ...events.slice(2)],
    ];
    for (const [index, variant] of variants.entries()) {
      const line = aNationalLine();
      line.epoch("new-ledger");
      line.read("a");
      line.read("b");
      const events = variant(line.lines);
      line.check(() => {
        const span = events.reduce((so, event) => gmSpanWith(so, digestOf(event)), gmSpanAt(1));
        return gmSigned(place, span, 3, line.key().gm!);
      });
      const verdict = verdictOf(line.lines);
      expect(reasonsOf(line.lines), `variant ${index}`).toEqual([["gm", "chain"]]);
      expect(verdict).toMatchObject({ verdict: "broken", gm: { signedCount: 1, provenCount: 0 } });
    }
  });

  test("that begins or ends elsewhere, or behind another value", () => {
    for (const [from, previous, to] of [
      [2, Buffer.alloc(32), 1],
      [1, Buffer.alloc(32, 1), 1],
      [1, Buffer.alloc(32), 2],
      [1, Buffer.alloc(32), 0],
    ] as const) {
      const line = aNationalLine();
      line.epoch("new-ledger");
      line.check(() => {
        const sm3 = createHash("sm3").update(line.lines[0]!).digest();
        return gmSigned(place, { ...gmSpanWith(gmSpanAt(from), sm3), previous }, to, line.key().gm!);
      });
      expect(reasonsOf(line.lines)).toEqual([["gm", "chain"]]);
    }
  });

  test("that follows an event that was altered on the way: both are told", () => {
    const { lines } = aWholeLine();
    const altered = lines.with(2, changed(lines[2]!, { data: { code: "B" } }));
    const { findings, gm } = verdictOf(altered);
    expect(findings.map(({ kind }) => kind)).toEqual(["altered", "unlinked", "gm"]);
    expect(findings.at(-1)).toEqual({ kind: "gm", sequence: 5, reason: "chain" });
    expect(gm).toEqual({ signedCount: 3, provenCount: 2 });
  });

  test("without a signature, with one that cannot be read, or of an unknown profile", () => {
    expect(reasonOf(() => undefined).reasons).toEqual([["gm", "absent"]]);
    expect(reasonOf((gm) => ({ ...gm, profile: "gm2" })).reasons).toEqual([["gm", "profile"]]);
    for (const wrong of [{}, "x", null, [], 7]) expect(reasonOf(() => wrong).reasons).toEqual([["gm", "malformed"]]);
    for (const wrong of [{ sm3: "AA" }, { previous: 1 }, { to: null }, { signature: "~" }, { more: "x" }] as Members[])
      expect(reasonOf((gm) => ({ ...gm, ...wrong })).reasons).toEqual([["gm", "malformed"]]);
  });

  test("under an epoch whose key is of an unknown profile or identity, or cannot be read", () => {
    const told = (change: (gm: Members) => Json | undefined) => {
      const line = aNationalLine();
      line.epoch("new-ledger", ({ gm, ...data }) => {
        const other = change(gm as Members);
        return other === undefined ? data : { ...data, gm: other };
      });
      line.check();
      return reasonsOf(line.lines);
    };
    expect(told((gm) => ({ ...gm, profile: "sm9" }))).toEqual([["gm", "profile"]]);
    expect(told((gm) => ({ ...gm, id: "ALICE123@YAHOO.COM" }))).toEqual([["gm", "profile"]]);
    expect(told((gm) => ({ ...gm, key: "AAAA" }))).toEqual([["gm", "key"]]);
    expect(told((gm) => ({ ...gm, key: null }))).toEqual([["gm", "key"]]);
    expect(told(() => null)).toEqual([["gm", "profile"]]);
    expect(told(() => undefined)).toEqual([["gm", "key"]]);
  });
});
