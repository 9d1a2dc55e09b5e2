import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataOf, dir, drafts, ofKind, openRig } from "./core-rig.ts";
import { aRead, commit, deliver, erase, filesWith, token, tokenOf, told } from "./erasing.ts";

const sm3 = (bytes: Uint8Array): Buffer => createHash("sm3").update(bytes).digest();
const sha256 = (...parts: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

describe("R33 an erasure", () => {
  it("takes the events of a token and of their passes; their hashes stay, and a purge event of the same commit names them", () => {
    const rig = openRig();
    const [borne, , inList, ofPass, , number] = commit(rig, [
      aRead("p-1", { token: token("anna"), codeClass: "unknown" }),
      aRead("p-2", { token: token("berta"), codeClass: "unknown" }),
      aRead("p-3", { code: "SF1385628716739", tokens: [{ kind: "phone", token: token("anna") }] }),
      aRead("p-3", { code: "SF1385628716739", closeReason: "departed" }, "pass"),
      // Its name in another member is none.
      aRead("p-4", { device: token("anna"), token: token("berta") }),
      aRead("p-5", { code: "SF1385628716740" }),
    ]) as [number, number, number, number, number, number];
    const before = rig.ledger.readEach(1, 100);
    expect(erase(rig, tokenOf("anna"))).toEqual({
      count: 3,
      salvagedCount: 0,
      to: before.length,
      unreadableCount: 0,
      files: [],
      isOverwritten: true,
    });
    expect(told(rig, "purge")).toEqual([
      { count: 3, reason: "erased", sequences: [borne, inList, ofPass].map(String) },
    ]);
    for (const event of rig.ledger.readEach(1, before.length)) {
      const was = before[event.sequence - 1]!;
      const isErased = [borne, inList, ofPass].includes(event.sequence);
      const left = Buffer.concat([
        sha256(was.bytes),
        sha256(Buffer.of(0), was.bytes),
        sha256(before[event.sequence - 2]?.bytes ?? Buffer.alloc(0)),
        sm3(was.bytes),
      ]);
      if (isErased)
        expect(event).toEqual({ sequence: was.sequence, kind: "erased", subject: undefined, at: 0, bytes: left });
      else expect(event).toEqual(was);
    }
    expect(erase(rig, tokenOf("anna"))).toMatchObject({ count: 0 });
    expect(erase(rig, { kind: "code", value: "SF1385628716740" })).toMatchObject({ count: 1 });
    expect(told(rig, "purge").at(-1)).toMatchObject({ sequences: [String(number)] });
    // A number tells of itself alone: the token of another is none of its.
    expect(erase(rig, { kind: "code", value: token("berta") })).toMatchObject({ count: 0 });
    rig.close();
  });

  it.each(["SF1385628716739", "sf1385628716739"])(
    "R33 takes a number in capitals and in small letters where %s was given",
    (given) => {
      const rig = openRig();
      const codes = ["SF1385628716739", "sf1385628716739", "SF1385628716740"];
      const sequences = commit(
        rig,
        codes.map((code, at) => aRead(`p-${at}`, { code })),
      );
      erase(rig, { kind: "code", value: given });
      const kinds = rig.ledger.readEach(sequences[0]!, sequences[2]!).map(({ kind }) => kind);
      expect(kinds).toEqual(["erased", "erased", "read"]);
      rig.close();
    },
  );

  it("of many subjects at once takes what bears one of them, by one search, and nothing else", () => {
    const rig = openRig();
    const reads = Array.from({ length: 60 }, (_, index) =>
      aRead(`p-${index}`, index % 2 === 0 ? { code: `SF13856287${index + 10000}` } : { token: token(`n-${index}`) }),
    );
    const sequences = commit(rig, [...reads, aRead("p-60", { device: token("n-1"), token: token("other") })]);
    const wanted = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0
        ? ({ kind: "code", value: `SF13856287${index + 10000}` } as const)
        : ({ kind: "token", value: token(`n-${index}`) } as const),
    );
    // Of the last one the number is known, and the token under which it stood that day.
    const byToken = { kind: "code", value: "SF1385628716740", tokens: [token("n-59")] } as const;
    expect(erase(rig, ...wanted, byToken)).toMatchObject({ count: 41, unreadableCount: 0 });
    const erased = [...sequences.slice(0, 40), sequences[59]!].map(String);
    expect(told(rig, "purge")).toEqual([{ count: 41, reason: "erased", sequences: erased }]);
    rig.close();
  });

  it("spells out in an export what is left of an event", () => {
    const rig = openRig();
    const [sequence] = commit(rig, [aRead("p-1", { token: token("anna") })]) as [number];
    const [was] = rig.ledger.readEach(sequence, sequence);
    const digest = sha256(was!.bytes).toString("base64url");
    const leaf = sha256(Buffer.of(0), was!.bytes).toString("base64url");
    erase(rig, tokenOf("anna"));
    const row = rig.ledger.readEach(sequence, sequence)[0]!;
    const lineOf = (bytes: Uint8Array): string => Buffer.from(rig.core.givenAway({ ...row, bytes }).bytes).toString();
    const spelled = (national: string): string =>
      `{"erased":{"digest":"${digest}","id":"line-3/6f1c2a9be04d/${sequence}","leaf":"${leaf}",${national}"source":"/sites/HZ01/gateways/line-3"}}`;
    expect(lineOf(row.bytes)).toBe(spelled(`"sm3":"${sm3(was!.bytes).toString("base64url")}",`));
    // What was erased before SM3 was kept has none.
    expect(lineOf(row.bytes.subarray(0, 96))).toBe(spelled(""));
    rig.close();
  });

  it("of events that a broker has not got yet settles them as lost, from memory and from the disk, and all adds up", () => {
    const rig = openRig({ brokers: ["central", "site"] });
    rig.core.outbox.connect("central");
    rig.core.outbox.connect("site");
    const [first] = commit(rig, [aRead("p-1", { token: token("anna") }), ...drafts(3)]) as [number];
    expect(deliver(rig)).toContain(first);
    const [second] = commit(rig, [aRead("p-2", { token: token("anna") })]) as [number];
    expect(erase(rig, tokenOf("anna"))).toMatchObject({ count: 2 });
    rig.core.flush();
    const [central, site] = rig.core.stats().brokers;
    expect([central!.lostCount, site!.lostCount]).toEqual([{ erased: 1 }, { erased: 2 }]);
    expect(deliver(rig)).not.toContain(second);
    const { last } = rig.core.stats();
    for (const [name, lost] of [
      ["central", 1],
      ["site", 2],
    ] as const) {
      const balance = rig.core.outbox.balances(last)[name] as Record<string, unknown>;
      expect((balance.delivered as number) + (balance.queued as number) + lost).toBe(last);
    }
    rig.close();
    const next = openRig({ brokers: ["central", "site", "new"] });
    for (const broker of ["site", "new"]) {
      next.core.outbox.connect(broker);
      const got = deliver(next, broker);
      expect(got).toEqual(expect.arrayContaining([1, first + 1]));
      expect(got.filter((sequence) => [first, second].includes(sequence))).toEqual([]);
    }
    expect(next.core.stats().brokers.map(({ lostCount }) => lostCount.erased)).toEqual([1, 2, 2]);
    // Only what is there is sent again.
    expect(next.core.replay("central", first, second)).toBe(second - first - 1);
    expect(deliver(next)).not.toContain(first);
    expect(next.core.stats().brokers[0]).toMatchObject({ lostCount: { erased: 1 } });
    next.close();
  });

  it("leaves the bytes neither in the file nor in the log nor anywhere beside it, also after a clean end", () => {
    const rig = openRig();
    commit(rig, [
      ...drafts(50),
      aRead("p-1", { token: token("anna"), masked: [{ kind: "name", text: "secret-of-anna" }] }),
      ...drafts(50),
      aRead("p-2", { sealed: { text: `${"s".repeat(20_000)}secret-of-anna` }, tokens: [{ token: token("anna") }] }),
    ]);
    expect(filesWith(token("anna"))).not.toEqual([]);
    erase(rig, tokenOf("anna"));
    expect([filesWith(token("anna")), filesWith("secret-of-anna")]).toEqual([[], []]);
    rig.close();
    expect([filesWith(token("anna")), filesWith("secret-of-anna")]).toEqual([[], []]);
  });

  it("goes through a large ledger in parts, between which others have their turn", () => {
    const rig = openRig({ bytesMax: 60_000_000 });
    const anna = Array.from({ length: 700 }, (_, index) => aRead(`p-${index}`, { token: token("anna") }));
    for (const read of anna) rig.core.append([read, ...drafts(10)], {});
    rig.core.flush();
    let steps = 0;
    let report: unknown;
    rig.core.erasing.begin([tokenOf("anna")], (done) => (report = done));
    for (; rig.core.erasing.step(); steps += 1) {
      // What comes meanwhile is committed between two parts.
      if (steps === 3) commit(rig, drafts(1));
    }
    expect(report).toMatchObject({ count: 700 });
    expect(steps).toBeGreaterThan(2 * Math.floor((700 * 11) / 512));
    const purges = told(rig, "purge") as { count: number }[];
    expect(purges.reduce((sum, { count }) => sum + count, 0)).toBe(700);
    expect(Math.max(...purges.map(({ count }) => count))).toBe(128);
    rig.close();
  });

  it("that finds no room erases nothing and says so, and so does one beside another", () => {
    let isDiskFull = false;
    const rig = openRig({}, () => isDiskFull);
    const [sequence] = commit(rig, [aRead("p-1", { token: token("anna") })]) as [number];
    isDiskFull = true;
    expect(erase(rig, tokenOf("anna"))).toMatchObject({ code: "ledger/full" });
    isDiskFull = false;
    expect(rig.ledger.readEach(sequence, sequence)).toMatchObject([{ kind: "read" }]);
    rig.core.erasing.begin([tokenOf("anna")], () => {});
    expect(erase(rig, tokenOf("anna"))).toMatchObject({ code: "usage/invalid" });
    expect(rig.ledger.readEach(sequence, sequence)).toMatchObject([{ kind: "erased" }]);
    rig.close();
  });

  it("takes events saved from a damaged ledger too, and names the damaged files, from which it takes nothing", () => {
    const rig = openRig();
    const saved = (sequence: number, text: string) => ({
      chain: "0123456789ab",
      sequence,
      kind: "read" as const,
      subject: "tunnel-1",
      bytes: Buffer.from(text),
    });
    rig.ledger.salvage(
      [
        saved(7, `{"data":{"passId":"q-1","token":"${token("anna")}"}}`),
        saved(8, '{"data":{"passId":"q-1"}}'),
        saved(9, `{"data":{"passId":"q-2","token":"${token("berta")}"}}`),
      ],
      "damaged-ledger",
    );
    rig.core.outbox.salvageDone();
    writeFileSync(join(dir, "ledger.db.damaged-20261123T031011Z"), "");
    rig.core.outbox.connect("central");
    expect(erase(rig, tokenOf("anna"))).toMatchObject({
      count: 0,
      salvagedCount: 2,
      files: ["ledger.db.damaged-20261123T031011Z"],
    });
    expect(told(rig, "gap")).toEqual([
      { chain: "0123456789ab", count: 2, from: "7", reason: "erased", sequences: ["7", "8"], to: "8" },
    ]);
    const left = rig.core.outbox.lease("central", 100).filter(({ sequence }) => sequence < 0);
    expect(left.map(({ origin }) => origin!.sequence)).toEqual([9]);
    expect(filesWith(token("anna"))).toEqual([]);
    rig.close();
  });

  it("leaves a chain that the next start takes for whole, also where its last parcels are erased", () => {
    const rig = openRig();
    commit(
      rig,
      Array.from({ length: 30 }, (_, index) => aRead(`p-${index}`, { token: token("anna") })),
    );
    erase(rig, tokenOf("anna"));
    rig.close();
    const next = openRig();
    expect([next.ledger.moved, next.notices]).toEqual([undefined, []]);
    expect(ofKind(next, "epoch").map(dataOf)).toMatchObject([{ reason: "start" }]);
    next.close();
  });
});
