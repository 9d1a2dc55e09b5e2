import { describe, expect, it } from "vitest";
import { createFlood } from "../../simulator/belt/flood.ts";
import { createBelt, type Emission, type Parcel } from "../../simulator/belt/parcels.ts";
import { createRandom } from "../../simulator/belt/random.ts";
import { encodeTag, grai96, sgtin96, sscc96 } from "../../simulator/belt/tags.ts";
import { gs1CheckDigit, printWaybill, s10CheckDigit } from "../../simulator/belt/waybills.ts";
import { decodeEpc } from "../../src/model/code/epc.ts";
import { isS10 } from "../../src/model/code/s10.ts";
import { isSscc } from "../../src/model/code/sscc.ts";
import { candidates } from "../../src/model/code/waybill.ts";

const readPoint = "tunnel-1";

function parcelsOf(seed: number, count: number, parcelsPerSecond = 4): Parcel[] {
  const belt = createBelt({ seed, parcelsPerSecond, readPoint });
  return Array.from({ length: count }, () => belt.next());
}

const emissionsOf = (parcels: readonly Parcel[]): Emission[] => parcels.flatMap((parcel) => parcel.emissions);

describe("the codes of the belt", () => {
  it("have the published check digits", () => {
    expect(s10CheckDigit("47312482")).toBe(9);
    expect(s10CheckDigit("12345678")).toBe(5);
    expect(gs1CheckDigit("10614141234567890")).toBe(8);
  });

  it("have the published EPC encodings", () => {
    expect(sscc96(614_141n, 1_234_567_890n)).toBe("3174257BF4499602D2000000");
    expect(sgtin96(614_141n, 812_345n, 6_789n)).toBe("3074257BF7194E4000001A85");
    expect(grai96(614_141n, 12_345n, 5_678n)).toBe("3374257BF40C0E400000162E");
  });

  it("are all of a shape that a gateway knows", () => {
    const random = createRandom(1);
    for (let at = 0; at < 2_000; at += 1) {
      const { code, text, symbology } = printWaybill(random);
      if (symbology === "]C1") expect([text, isSscc(code)]).toEqual([`00${code}`, true]);
      else expect(isS10(code) || candidates(code).length > 0, code).toBe(true);
    }
  });

  it("are valid EPCs on tags", () => {
    const random = createRandom(2);
    const schemes = new Set(Array.from({ length: 300 }, () => decodeEpc(encodeTag(random))?.scheme));
    expect([...schemes].sort()).toEqual(["grai-96", "sgtin-96", "sscc-96"]);
  });
});

describe("the belt", () => {
  it("brings the same parcels for the same seed", () => {
    expect(parcelsOf(7, 200)).toEqual(parcelsOf(7, 200));
    expect(parcelsOf(7, 20)).not.toEqual(parcelsOf(8, 20));
  });

  it("runs at its rate", () => {
    const last = parcelsOf(3, 400, 20).at(-1);
    expect(last?.atMs).toBeGreaterThan(18_000);
    expect(last?.atMs).toBeLessThan(22_000);
  });

  it("lets each scanner that reads a parcel read it two to five times", () => {
    for (const parcel of parcelsOf(4, 300)) {
      for (const scanner of ["scanner-1", "scanner-2"]) {
        const frames = parcel.emissions.filter((one) => one.scanner === scanner && one.expected?.kind === "read");
        expect([0, 2, 3, 4, 5]).toContain(frames.length);
      }
    }
  });

  it("mixes in no-reads, tokens, tags, heartbeats, noise and half frames", () => {
    const parcels = parcelsOf(5, 500);
    const emissions = emissionsOf(parcels);
    const kinds = new Set(emissions.map(({ expected }) => expected?.kind));
    expect([...kinds].map(String).sort()).toEqual(["no-read", "read", "token", "undefined"]);
    expect(parcels.filter(({ tag }) => tag !== undefined).length).toBeGreaterThan(200);
    const asides = emissions.filter(({ isRead }) => !isRead).map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
    expect(asides).toContain("HEARTBEAT\r\n");
    expect(asides.some((text) => text.startsWith("\u0002SF1") && !text.includes("\u0003"))).toBe(true);
    for (const byte of ["\u0000", "\u001b"]) expect(asides.some((text) => text.includes(byte))).toBe(true);
  });

  it("tells the truth of a pass only once, whichever scanner sees it first", () => {
    for (const parcel of parcelsOf(6, 100)) {
      const reads = parcel.emissions.filter(({ expected }) => expected?.kind === "read");
      expect(new Set(reads.map(({ expected }) => expected)).size).toBeLessThanOrEqual(1);
    }
  });

  it("plants personal data only on labels that must come out as a token", () => {
    const tokens = emissionsOf(parcelsOf(9, 300)).filter(({ expected }) => expected?.kind === "token");
    expect(tokens.length).toBeGreaterThan(10);
    for (const { expected, bytes } of tokens) {
      expect(expected?.secrets?.length).toBeGreaterThanOrEqual(2);
      for (const secret of expected?.secrets ?? []) expect(Buffer.from(bytes).includes(Buffer.from(secret))).toBe(true);
    }
  });
});

describe("the flood of tag reads", () => {
  it("keeps its rate and reads every tag in the field at each report", () => {
    const flood = createFlood({ seed: 1, readsPerSecond: 600, readPoint });
    const parcels = parcelsOf(1, 40);
    for (const { tag } of parcels) if (tag !== undefined) flood.add(tag);
    let readCount = 0;
    const entered = new Set<string>();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 20) {
      const report = flood.next(nowMs);
      readCount += report.reads.length;
      for (const tag of report.entered) {
        expect(entered.has(tag.epcHex)).toBe(false);
        entered.add(tag.epcHex);
        expect(report.reads.map(({ epcHex }) => epcHex)).toContain(tag.epcHex);
      }
    }
    expect(readCount).toBeGreaterThan(5_500);
    expect(readCount).toBeLessThan(6_500);
  });

  it("hears the stray tag in every report, from several antennas", () => {
    const flood = createFlood({ seed: 1, readsPerSecond: 600, readPoint });
    const antennas = new Set<number>();
    flood.next(0);
    for (let nowMs = 320; nowMs < 5_000; nowMs += 20) {
      const strayReads = flood.next(nowMs).reads.filter(({ epcHex }) => epcHex === flood.stray.epcHex);
      expect(strayReads.length).toBeGreaterThan(0);
      for (const { antenna } of strayReads) antennas.add(antenna);
    }
    expect([...antennas].sort()).toEqual([1, 2, 3, 4]);
  });
});
