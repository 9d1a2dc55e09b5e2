import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineRfidProfile } from "../../../drivers/profiles/line-rfid/profile.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";
import { portion, singly } from "../framing/collect.ts";
import { decode, replay } from "./replay.ts";

const epc = "3074257BF7194E4000001A85";
const read = (code: string, more: object = {}) => ({ kind: "read", medium: "rfid", code, ...more });
const malformed = (reason: string) => ({ kind: "malformed", reason });

describe("line-rfid", () => {
  it.each([
    [epc, [read(epc)]],
    [epc.toLowerCase(), [read(epc)]],
    [`0x${epc}`, [read(epc)]],
    [`${epc},1,-55`, [read(epc, { antenna: 1, rssiDbm: -55 })]],
    [`${epc};12;-55.5`, [read(epc, { antenna: 12, rssiDbm: -55.5 })]],
    [`${epc} , 1 ; -55`, [read(epc, { antenna: 1, rssiDbm: -55 })]],
    [`${epc},1,-55 E200,2,-60`, [read(epc, { antenna: 1, rssiDbm: -55 }), read("E200", { antenna: 2, rssiDbm: -60 })]],
    [`${epc}|E200|| 30 `, [read(epc), read("E200"), read("30")]],
    [`tag_id=0x${epc}, antenna=1, rssi=-55`, [read(epc, { antenna: 1, rssiDbm: -55 })]],
    [`rssi=-55;ANT=3;Epc=${epc};type=ISOC`, [read(epc, { antenna: 3, rssiDbm: -55 })]],
    [
      `event.tag.report tag_id=0x${epc}, type=ISOC, antenna=1, rssi=1856, time=2010-05-01T03:17:25.672`,
      [read(epc, { antenna: 1 })],
    ],
    [`${epc},,-70`, [read(epc, { rssiDbm: -70 })]],
    [`${epc},1,0`, [read(epc, { antenna: 1, rssiDbm: 0 })]],
  ])("reads %j", (line, claims) => {
    expect(decode(createLineRfidProfile(), line)).toEqual(claims);
  });

  it.each(["-121", "1", "1856", "-", "-5-5", "abc", "-55dBm", "1e3", ""])(
    "keeps the tag but no strength when that reads %j",
    (rssi) => {
      expect(decode(createLineRfidProfile(), `${epc},1,${rssi}`)).toEqual([read(epc, { antenna: 1 })]);
    },
  );

  it.each(["x", "-1", "256", "1.5"])("keeps the tag but no antenna when that reads %j", (antenna) => {
    expect(decode(createLineRfidProfile(), `${epc},${antenna}`)).toEqual([read(epc)]);
  });

  it.each([
    ["", "empty"],
    ["  | ", "empty"],
    ["E20", "bad-code"],
    ["E2G0", "bad-code"],
    ["0x", "bad-code"],
    ["E2\x0000", "bad-code"],
    [",1,-55", "bad-code"],
    ["antenna=1,rssi=-55", "bad-fields"],
    ["AA".repeat(limits.codeBytesMax / 2 + 1), "too-long"],
  ])("calls %j malformed, and says why", (line, reason) => {
    expect(decode(createLineRfidProfile(), line)).toEqual([malformed(reason)]);
  });

  it("reads the tags around one that is malformed", () => {
    expect(decode(createLineRfidProfile(), "E200|XYZ|E201")).toEqual([
      read("E200"),
      malformed("bad-code"),
      read("E201"),
    ]);
  });

  it("leaves all reads of one frame whole until the frame is done", () => {
    const held: { bytes: Uint8Array; start: number; end: number }[] = [];
    const line = bytesOf("e200 e201 e202");
    createLineRfidProfile().decodeFrame?.(line, 0, line.length, (claim) => {
      if (claim.kind === "read") held.push(claim);
    });
    expect(held.map(({ bytes, start, end }) => Buffer.from(bytes.subarray(start, end)).toString())).toEqual([
      "E200",
      "E201",
      "E202",
    ]);
  });

  it("knows no-reads and heartbeats, its own and the technician's", () => {
    expect(decode(createLineRfidProfile(), "NOTAG")).toEqual([{ kind: "no-read", medium: "rfid" }]);
    const profile = createLineRfidProfile({ noRead: ["00"], heartbeat: ["PING"] });
    expect(decode(profile, "00")).toEqual([{ kind: "no-read", medium: "rfid" }]);
    expect(decode(profile, "PING")).toEqual([{ kind: "heartbeat" }]);
  });

  it("claims the same in whatever portions the stream arrives", () => {
    const bytes = bytesOf(`${epc},1,-55 E200,2,-60\r\nNOREAD\r\n\ne2|zz\r`);
    const whole = replay(createLineRfidProfile(), [bytes]);
    expect(whole.claims).toHaveLength(6);
    for (let cut = 0; cut <= bytes.length; cut += 1)
      expect(replay(createLineRfidProfile(), portion(bytes, [cut]))).toEqual(whole);
    expect(replay(createLineRfidProfile(), singly(bytes))).toEqual(whole);
  });

  it("gives at least one claim for any frame, and only upper-case hex in its reads", () => {
    const profile = createLineRfidProfile();
    const frames = fc.array(fc.constantFrom(..."aF0,;| =xrsi-9.\x00\xff"), { maxLength: 60 });
    fc.assert(
      fc.property(frames, (characters) => {
        const claims = decode(profile, characters.join(""));
        expect(claims.length).toBeGreaterThan(0);
        for (const claim of claims) if (claim.kind === "read") expect(claim.code).toMatch(/^([0-9A-F]{2})+$/);
      }),
      { numRuns: 5_000 },
    );
  });
});
