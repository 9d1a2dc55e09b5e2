import { createHash, hash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/identity/index.ts";
import { brandView, type EventKind, type Json } from "../../../src/model/event.ts";
import type { ViewDraft } from "../../../src/seal/chain.ts";
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
    view: (draft: ViewDraft) => Buffer.from(sealer.view(draft).bytes).toString("utf8"),
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

  test("are signed where the epoch event was kept and what follows went, and proven from the next checkpoint on", () => {
    const line = aNationalLine();
    line.epoch("new-ledger");
    for (const code of ["a", "b", "c"]) line.read(code);
    line.check();
    line.read("d");
    line.add("purge", { count: 3, from: "1", reason: "space", to: "3" });
    line.check();
    const left = [line.lines[0]!, ...line.lines.slice(3)];
    const whole = {
      verdict: "whole",
      gm: { signedCount: 2, provenCount: 1 },
      purged: { from: 2, to: 3 },
      findings: [],
    };
    expect(verdictOf(left)).toMatchObject(whole);
    const forged = changed(left[0]!, { data: { ...JSON.parse(left[0]!).data, gm: { profile: "gm" } } });
    expect(verdictOf(left.with(0, forged)).findings.map(({ kind }) => kind)).toContain("missing");
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

describe("R09 an erased event", () => {
  const markOf = (event: string, sm3: Json | undefined): string => {
    const { id, source } = JSON.parse(event) as { id: string; source: string };
    const leaf = Buffer.from(hashOf(leafOf(event)), "latin1").toString("base64url");
    const erased = { digest: hash("sha256", event, "base64url"), id, leaf, source };
    return canonicalize({ erased: { ...erased, ...(sm3 === undefined ? {} : { sm3 }) } });
  };
  const sm3Of = (event: string): string => createHash("sm3").update(event).digest("base64url");
  /** Whoever has the Ed25519 key alone copies what SM2 signed for these events, and makes others of them. */
  function lineOf(codes: readonly (string | "purge")[], signed?: Json) {
    const line = aNationalLine();
    line.epoch("new-ledger");
    for (const code of codes)
      if (code === "purge") line.add("purge", { count: 1, reason: "erased", sequences: ["2"] });
      else line.read(code);
    line.check((gm) => signed ?? gm);
    return line;
  }

  test("takes no proof away: its mark tells the SM3 of its bytes, and each checkpoint is computed through it", () => {
    const { lines } = lineOf(["gone", "stays", "purge"]);
    const marked = lines.with(1, markOf(lines[1]!, sm3Of(lines[1]!)));
    const proven = { verdict: "whole", erasedCount: 1, findings: [], gm: { signedCount: 1, provenCount: 1 } };
    expect(verdictOf(marked)).toMatchObject(proven);
  });

  test("is proven by its mark where a partner's view of it is there too, whichever comes first", () => {
    const line = lineOf(["gone", "stays", "purge"]);
    const [, erased] = line.lines as [string, string];
    const { type } = JSON.parse(erased) as { type: string };
    const event = { sequence: 2, kind: "read", subject: undefined, bytes: Buffer.from(erased) } as const;
    const view = line.view({ viewer: "partner", event, type, view: brandView({ kind: "read", data: {} }) });
    const mark = markOf(erased, sm3Of(erased));
    for (const both of [
      [view, mark],
      [mark, view],
    ])
      expect(verdictOf(line.lines.toSpliced(1, 1, ...both))).toMatchObject({
        verdict: "whole",
        gm: { provenCount: 1 },
      });
    // A view alone names the SHA-256 of its event and no more: there the signature counts.
    const alone = verdictOf(line.lines.with(1, view));
    expect(alone).toMatchObject({ verdict: "whole", gm: { signedCount: 1, provenCount: 0 } });
  });

  test("hides no forgery: a mark that does not tell its SM3, or that of other bytes, breaks the chain", () => {
    const { lines } = lineOf(["gone", "stays", "purge"]);
    for (const sm3 of [undefined, sm3Of("of other bytes")]) {
      const reason = sm3 === undefined ? "mark" : "chain";
      const verdict = verdictOf(lines.with(1, markOf(lines[1]!, sm3)));
      expect(verdict).toMatchObject({ verdict: "broken", gm: { signedCount: 1, provenCount: 0 } });
      expect(verdict.findings).toEqual([{ kind: "gm", sequence: reason === "mark" ? 2 : 5, reason }]);
    }
  });

  test("hides no event that was forged, nor the purge that was put in another's place", () => {
    const line = aNationalLine();
    line.epoch("new-ledger");
    for (const code of ["a", "b", "c"]) line.read(code);
    const signed: { gm?: Json } = {};
    const honest = line.lines.slice();
    const sealer = createSealer(place);
    sealer.useKey(line.key());
    const seal = (kind: EventKind, data: Members): string =>
      Buffer.from(
        sealer.seal({ kind, subject: undefined, at: Date.UTC(2026, 10, 23), data: canonicalize(data) }).bytes,
      ).toString("utf8");
    line.check((gm) => {
      signed.gm = gm;
      return gm;
    });
    const { data } = JSON.parse(honest[0]!) as { data: Members };
    const forged = [seal("epoch", data), seal("read", { code: "a" }), seal("read", { code: "FORGED" })];
    forged.push(seal("purge", { count: 1, reason: "erased", sequences: ["2"] }));
    forged.push(seal("checkpoint", { root: sealer.root(), size: 4, gm: signed.gm! }));
    expect(reasonsOf(forged)).toEqual([["gm", "chain"]]);
    for (const sm3 of [sm3Of(honest[1]!), sm3Of(forged[1]!)])
      expect(reasonsOf(forged.with(1, markOf(forged[1]!, sm3)))).toEqual([["gm", "chain"]]);
    expect(reasonsOf(forged.with(1, markOf(forged[1]!, undefined)))).toEqual([["gm", "mark"]]);
  });

  test("of before the first word of SM2 may have any mark", () => {
    const sealer = createSealer(place);
    const seal = (kind: EventKind, data: Members): string =>
      Buffer.from(sealer.seal({ kind, subject: undefined, at: 0, data: canonicalize(data) }).bytes).toString("utf8");
    const lines = [createEpochKey(), createEpochKey("gm")].flatMap((key, index) => {
      sealer.useKey(key);
      const facts = { ...place, sequence: 1 + 2 * index, key, device, software: "0", configDigest: "0" };
      return [seal("epoch", epochData({ ...facts, reason: "start" })), seal("read", { code: "a" })];
    });
    lines.push(seal("purge", { count: 1, reason: "erased", sequences: ["2"] }));
    const gm = sealer.endSpan()!;
    lines.push(seal("checkpoint", { root: sealer.root(), size: 5, gm }));
    const marked = lines.with(1, markOf(lines[1]!, undefined));
    expect(verdictOf(marked)).toMatchObject({ verdict: "whole", gm: { signedCount: 1, provenCount: 1 } });
    // The same event could be of a run whose keys are still to come: then it is looked at where it stands.
    expect(verdictOf(marked.toReversed())).toMatchObject({ verdict: "whole" });
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
