import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineBarcodeProfile } from "../../../drivers/profiles/line-barcode/profile.ts";
import { createStxEtxBarcodeProfile } from "../../../drivers/profiles/stx-etx-barcode/profile.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";
import { pictures } from "../../guard/pictures.ts";
import { portion, singly } from "../framing/collect.ts";
import { decode, replay } from "./replay.ts";

const read = (code: string, symbology?: string) =>
  symbology === undefined
    ? { kind: "read", medium: "barcode", code }
    : { kind: "read", medium: "barcode", code, symbology };
const noRead = { kind: "no-read", medium: "barcode" };
const malformed = (reason: string) => ({ kind: "malformed", reason });

const makers = [
  ["line-barcode", createLineBarcodeProfile],
  ["stx-etx-barcode", createStxEtxBarcodeProfile],
] as const;

describe.each(makers)("%s", (_, createProfile) => {
  it("gives a code as it came", () => {
    expect(decode(createProfile(), "SF1385628716739")).toEqual([read("SF1385628716739")]);
  });

  it.each(["]C1", "]C0", "]d2", "]Q3", "]e0", "]E0", "]I0", "]z0", "]X0", "]LA"])(
    "takes %s off the code and keeps it as symbology",
    (identifier) => {
      expect(decode(createProfile(), `${identifier}0010614141234567890`)).toEqual([
        read("0010614141234567890", identifier),
      ]);
    },
  );

  it.each(["]", "]C", "]1C0", "]C-1", "[C1X"])("leaves %j on the code, for it is no AIM identifier", (code) => {
    expect(decode(createProfile(), code)).toEqual([read(code)]);
  });

  it("keeps GS, RS, EOT and bytes from 0x80 on", () => {
    const code = "0112345678901231\x1d21\xe4\xff\x80\x1e\x04";
    expect(decode(createProfile(), `]d2${code}`)).toEqual([read(code, "]d2")]);
  });

  it.each(["NoRead", "NOREAD", "ERROR", "no code!", "?", "]X0NoRead"])("takes %j for a no-read", (text) => {
    expect(decode(createProfile(), text)).toEqual([noRead]);
  });

  it("takes a text that only begins like a no-read for a code", () => {
    expect(decode(createProfile(), "NoRead1")).toEqual([read("NoRead1")]);
  });

  it("takes the technician's texts instead of its own", () => {
    const profile = createProfile({ noRead: ["LEER", "无读"], heartbeat: ["\x06"] });
    expect(decode(profile, "LEER")).toEqual([noRead]);
    expect(decode(profile, Buffer.from("无读").toString("latin1"))).toEqual([noRead]);
    expect(decode(profile, "\x06")).toEqual([{ kind: "heartbeat" }]);
    expect(decode(profile, "NoRead")).toEqual([read("NoRead")]);
  });

  it("takes a heartbeat for no code", () => {
    expect(decode(createProfile(), "HEARTBEAT")).toEqual([{ kind: "heartbeat" }]);
  });

  it.each([
    ["", "empty"],
    ["]C1", "empty"],
    ["SF\x0013", "bad-code"],
    ["\x1b[2J", "bad-code"],
    ["SF\x7f", "bad-code"],
    ["x".repeat(limits.codeBytesMax + 1), "too-long"],
  ])("calls what is no code malformed, and says why (case %#)", (frame, reason) => {
    expect(decode(createProfile(), frame)).toEqual([malformed(reason)]);
  });

  it.each(Object.entries(pictures))("R54 gives a picture to the guard, which refuses it as one: %s", (_, bytes) => {
    const frame = bytes.toString("latin1");
    expect(decode(createProfile(), frame)).toEqual([read(frame)]);
    expect(decode(createProfile(), `]Q1${frame}`)).toEqual([read(frame, "]Q1")]);
  });

  it("gives exactly one claim for any frame, and a read is a stretch of that frame", () => {
    const profile = createProfile();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const claims = decode(profile, Buffer.from(bytes).toString("latin1"));
        expect(claims).toHaveLength(1);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("stx-etx-barcode", () => {
  it("takes a code of several lines for one code", () => {
    const card = "BEGIN:VCARD\r\nN:x\tBEGIN\r\nEND:VCARD";
    expect(decode(createStxEtxBarcodeProfile(), `]Q1${card}`)).toEqual([read(card, "]Q1")]);
  });

  it("does not count the CR LF before ETX to the code", () => {
    expect(decode(createStxEtxBarcodeProfile(), "]C1SF1\r\n")).toEqual([read("SF1", "]C1")]);
    expect(decode(createStxEtxBarcodeProfile(), "NoRead\r\n")).toEqual([noRead]);
    expect(decode(createStxEtxBarcodeProfile(), "\r\n")).toEqual([malformed("empty")]);
  });
});

describe.each([
  ["line-barcode", createLineBarcodeProfile, "]C1SF1\r\nNoRead\r\r\nJT5261988016578\n\x1b[2J\r\n"],
  [
    "stx-etx-barcode",
    createStxEtxBarcodeProfile,
    "xx\x02]C1SF1\r\n\x03\r\n\x02NoRead\x03\x02JT52\x02JT5261988016578\x03\x02",
  ],
] as const)("%s", (_, createProfile, stream) => {
  const bytes = bytesOf(stream);
  const whole = replay(createProfile(), [bytes]);

  it("claims the same in whatever portions the stream arrives", () => {
    expect(whole.claims).toContainEqual(read("JT5261988016578"));
    for (let cut = 0; cut <= bytes.length; cut += 1)
      expect(replay(createProfile(), portion(bytes, [cut]))).toEqual(whole);
    expect(replay(createProfile(), singly(bytes))).toEqual(whole);
  });

  it("survives random bytes and reads the next code after them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (noise, cuts) => {
        const all = Buffer.concat([noise, bytesOf("\x03\r\n"), bytesOf("\x02SF1385628716739\x03\r\n")]);
        const profile = createProfile();
        const { claims } = replay(profile, portion(all, cuts));
        const clean = replay(createProfile(), [bytesOf("\x02SF1385628716739\x03\r\n")]).claims;
        expect(claims.slice(-clean.length)).toEqual(clean);
      }),
      { numRuns: 500 },
    );
  });
});
