import { describe, expect, it } from "vitest";
import { createGuard, createTokenKeys } from "../../src/guard/index.ts";
import { aFirstRead, aGuard, aPass, cleared, clock, everything, noon } from "./build.ts";

const mobile = "13800138000";

describe("an event of a first read", () => {
  it("holds exactly the fields of the contract for a waybill", () => {
    const event = cleared(aFirstRead({ symbology: "]C1" }));
    expect(event).toStrictEqual({
      kind: "read",
      subject: "tunnel-1",
      at: noon + 2,
      data: {
        code: "SF1385628716739",
        codeClass: "waybill",
        carriers: ["sf"],
        medium: "barcode",
        symbology: "]C1",
        readPoint: "tunnel-1",
        device: "scanner-1",
        passId: "9f0c3a1e-42",
        firstReadAt: "2026-11-23T12:00:00.121Z",
        clock: { synced: true, boot: "9f0c3a1e", monotonicMs: 81234567.123 },
      },
    });
  });

  it("adds URI, antenna and strength for a tag", () => {
    const tag = { medium: "rfid", code: "3074257BF7194E4000001A85", antenna: 2, rssiDbm: -55.5499 } as const;
    expect(cleared(aFirstRead(tag)).data).toMatchObject({
      codeClass: "epc",
      epcUri: "urn:epc:id:sgtin:0614141.812345.6789",
      antenna: 2,
      rssiDbm: -55.5,
    });
  });

  it("holds token and length in place of a code that is not cleared", () => {
    const { data } = cleared(aFirstRead({ code: mobile }));
    expect(Object.keys(data).sort()).toStrictEqual([
      "clock",
      "codeClass",
      "device",
      "firstReadAt",
      "length",
      "medium",
      "passId",
      "readPoint",
      "token",
    ]);
    expect(data).toMatchObject({ codeClass: "unknown", length: 11 });
  });

  it("leaves out a symbology that is no AIM identifier", () => {
    for (const symbology of ["]C", "]C12", "C1", mobile, "]\x1b[", "]C\n", "]1C", ""]) {
      expect(cleared(aFirstRead({ symbology })).data).not.toHaveProperty("symbology");
    }
    expect(cleared(aFirstRead({ symbology: "]zC" })).data.symbology).toBe("]zC");
  });

  it("leaves out numbers that JSON cannot hold or no radio can measure", () => {
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, -1e308]) {
      const { data } = cleared(aFirstRead({ antenna: number, rssiDbm: number }));
      expect(data).not.toHaveProperty("antenna");
      expect(data).not.toHaveProperty("rssiDbm");
    }
  });
});

describe("an event of a pass", () => {
  it("adds the summary and keeps the code's fields", () => {
    const pass = aPass({
      devices: ["rfid-1", "rfid-2"],
      antennas: [
        { antenna: 1, readCount: 5, rssiDbmPeak: -50.04 },
        { antenna: 2, readCount: 2, rssiDbmPeak: undefined },
        { antenna: Number.NaN, readCount: 0, rssiDbmPeak: undefined },
      ],
    });
    const event = cleared(pass);
    expect(event.kind).toBe("pass");
    expect(event.data).toStrictEqual({
      ...cleared(aFirstRead()).data,
      lastReadAt: "2026-11-23T12:00:01.621Z",
      readCount: 7,
      antennas: [
        { antenna: 1, readCount: 5, rssiDbmPeak: -50 },
        { antenna: 2, readCount: 2 },
      ],
      devices: ["rfid-1", "rfid-2"],
      closeReason: "departed",
    });
  });

  it("has the token of its first read", () => {
    const guard = aGuard();
    const token = cleared(aFirstRead({ code: mobile }), guard).data.token;
    expect(cleared(aPass({ code: mobile }), guard).data.token).toBe(token);
  });
});

describe("a pass over midnight", () => {
  it("has the token of its first read although the day changed", () => {
    const midnight = Date.UTC(2026, 10, 24);
    let now = midnight - 100;
    const tokens = createTokenKeys(() => now);
    const guard = createGuard({ settings: everything, tokens });
    const first = cleared(aFirstRead({ code: mobile, firstReadAt: midnight - 100, at: midnight - 100 }), guard);
    now = midnight + 900;
    const times = { firstReadAt: midnight - 100, lastReadAt: midnight + 400, at: midnight + 900 };
    expect(cleared(aPass({ code: mobile, ...times }), guard).data.token).toBe(first.data.token);
    const next = cleared(aFirstRead({ code: mobile, firstReadAt: midnight + 900, at: midnight + 900 }), guard);
    expect(next.data.token).not.toBe(first.data.token);
  });
});

describe("a no-read", () => {
  const noRead = {
    kind: "no-read",
    readPoint: "tunnel-1",
    device: "scanner-1",
    medium: "barcode",
    at: noon,
    monotonicMs: 1.00049,
  } as const;

  it("is an event with nothing but where and when", () => {
    expect(cleared(noRead)).toStrictEqual({
      kind: "noread",
      subject: "tunnel-1",
      at: noon,
      data: {
        medium: "barcode",
        readPoint: "tunnel-1",
        device: "scanner-1",
        clock: { synced: true, boot: "9f0c3a1e", monotonicMs: 1 },
      },
    });
  });

  it("is never refused", () => {
    expect(cleared(noRead, aGuard({ unknown: "drop" })).kind).toBe("noread");
  });
});

describe("a site that drops what it does not know", () => {
  const guard = aGuard({ unknown: "drop" });

  it("refuses a code of no known shape, and says nothing of it", () => {
    for (const observation of [aFirstRead({ code: mobile }), aPass({ code: mobile })]) {
      expect(guard.clear(observation, clock)).toStrictEqual({ refused: "dropped-unknown" });
    }
  });

  it("keeps waybills in clear and GS1 data as tokens", () => {
    expect(cleared(aFirstRead(), guard).data.code).toBe("SF1385628716739");
    const label = aFirstRead({ code: "4301Zhang%20Wei", symbology: "]C1" });
    expect(cleared(label, guard).data).toMatchObject({ codeClass: "gs1", length: 15 });
  });
});
