import "../../drivers/opcua/environment.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numberOptionalFields, type StructureSchema } from "../../drivers/opcua/decode-fix.ts";
import { scanKindOf, scanResultOf } from "../../drivers/opcua/scan-event.ts";
import { createOpcuaAutoidProfile } from "../../drivers/profiles/opcua-autoid/profile.ts";
import { createOpcuaTagsProfile } from "../../drivers/profiles/opcua-tags/profile.ts";
import type { Profile } from "../../src/driver/port.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { Claim } from "../../src/model/read.ts";
import { pictures } from "../guard/pictures.ts";

type Values = Readonly<Record<string, unknown>>;

function decode(profile: Profile, ...chunks: readonly Values[]): Claim[] {
  const claims: Claim[] = [];
  for (const values of chunks) profile.decodeValues?.(values, (claim) => claims.push(claim));
  return claims;
}

const autoid = (values: Values): Claim[] => decode(createOpcuaAutoidProfile(), values);

const wordOf = (claim: Claim): string => {
  if (claim.kind === "read") return latin1(claim.bytes, claim.start, claim.end);
  if (claim.kind === "source-gap") return `gap ${claim.count}`;
  return claim.kind === "malformed" ? claim.reason : claim.kind;
};

const epc = Buffer.from("3074257bf7194e4000001a85", "hex");

describe("the profile opcua-autoid", () => {
  test("a strength that is no dBm and an antenna that is no number are left out", () => {
    const sightings = [
      { antenna: 3, strength: 87 },
      { antenna: -1, strength: -120 },
      { antenna: "1", strength: Number.NaN },
    ];
    const claims = autoid({ event: "rfid", results: [{ codeType: "EPC", epc, sightings }] });
    expect(claims).toHaveLength(3);
    expect(claims[0]).toMatchObject({ antenna: 3 });
    expect(claims[0]).not.toHaveProperty("rssiDbm");
    expect(claims[1]).toMatchObject({ rssiDbm: -120 });
    expect(claims[1]).not.toHaveProperty("antenna");
    expect(claims[2]).not.toHaveProperty("rssiDbm");
  });

  test("a tag without sightings is one read", () => {
    expect(autoid({ event: "rfid", results: [{ codeType: "EPC", epc }] }).map(wordOf)).toEqual([
      "3074257BF7194E4000001A85",
    ]);
  });

  test.each([
    [{ codeType: "UID", bytes: Buffer.from("e200abcd", "hex") }, "E200ABCD"],
    [{ codeType: "EPC", string: "e200abcd" }, "E200ABCD"],
    [{ codeType: "URI", string: "urn:epc:id:sscc:0614141.1234567890" }, "urn:epc:id:sscc:0614141.1234567890"],
    [{ codeType: "EPC" }, "bad-fields"],
    [{ codeType: "EPC", epc: Buffer.alloc(0) }, "empty"],
    [{ codeType: "EPC", epc: Buffer.alloc(5_000) }, "too-long"],
    [{ codeType: "NO_IDENTIFIER" }, "no-read"],
  ])("the tag %o is %s", (result, word) => {
    expect(autoid({ event: "rfid", results: [result] }).map(wordOf)).toEqual([word]);
  });

  test.each([
    [{ codeType: "RAW:STRING", string: "SF1385628716739\r\n" }, "SF1385628716739"],
    [{ codeType: "RAW:BYTES", bytes: Buffer.from("010061\u001d21\u0000\u0000", "latin1") }, "010061\u001d21"],
    [{ codeType: "RAW:STRING", string: "" }, "no-read"],
    [{ codeType: "RAW:STRING", string: "]C1" }, "no-read"],
    [{ codeType: "RAW:STRING", string: "NoRead" }, "no-read"],
    [{ codeType: "NO_IDENTIFIER", string: "x" }, "no-read"],
    [{ codeType: "RAW:STRING", string: "\u4e2d\u6587" }, Buffer.from("\u4e2d\u6587").toString("latin1")],
    [{ codeType: "RAW:STRING", string: "BEGIN:VCARD\r\nN:x" }, "BEGIN:VCARD\r\nN:x"],
    [{ codeType: "RAW:STRING", string: "a\u001b[2J" }, "bad-code"],
    [{ codeType: "RAW:STRING", string: "x".repeat(4_000) }, "too-long"],
    [{ codeType: "" }, "bad-fields"],
  ])("the camera's result %o is %s", (result, word) => {
    expect(autoid({ event: "optical", results: [result] }).map(wordOf)).toEqual([word]);
  });

  test("R54 a picture goes to the guard, which refuses it as one", () => {
    const results = [{ codeType: "RAW:BYTES", bytes: pictures.JPEG }];
    expect(autoid({ event: "optical", results }).map(wordOf)).toEqual([latin1(pictures.JPEG!)]);
  });

  test("a symbology is kept only if it is an AIM identifier, and the one in the code counts more", () => {
    const results = [
      { codeType: "RAW:STRING", string: "1", symbology: "Code 128" },
      { codeType: "RAW:STRING", string: "2", symbology: "]E0" },
      { codeType: "RAW:STRING", string: "]C13", symbology: "]E0" },
    ];
    const claims = autoid({ event: "optical", results });
    expect(claims.map(wordOf)).toEqual(["1", "2", "3"]);
    expect(claims.map((claim) => (claim.kind === "read" ? claim.symbology : ""))).toEqual([undefined, "]E0", "]C1"]);
  });

  test("an event whose results could not be read is counted, an empty one of a camera is a no-read", () => {
    expect(autoid({ event: "rfid", deviceName: "x" }).map(wordOf)).toEqual(["bad-fields"]);
    expect(autoid({ event: "optical", results: [] }).map(wordOf)).toEqual(["no-read"]);
    expect(autoid({ event: "rfid", results: [] }).map(wordOf)).toEqual(["empty"]);
  });

  test("an event of a maker's own type is judged by its results", () => {
    expect(scanKindOf(7, [scanResultOf({ codeType: "EPC", sighting: [] })])).toBe("rfid");
    expect(scanKindOf(7, [scanResultOf({ codeType: "GS1", symbology: "]C1" })])).toBe("optical");
    expect(scanKindOf(7, [scanResultOf(null)])).toBe("autoid");
    expect(autoid({ event: "autoid", results: [{ codeType: "EPC", epc }] })).toMatchObject([{ medium: "rfid" }]);
  });

  test("an overflow without a sensible count is a gap of one", () => {
    expect(autoid({ overflow: 7 }).map(wordOf)).toEqual(["gap 7"]);
    expect(autoid({ overflow: -3 }).map(wordOf)).toEqual(["gap 1"]);
  });

  test("nothing that a server sends makes the profiles throw", () => {
    const values = fc.record(
      {
        event: fc.oneof(fc.constantFrom("rfid", "optical", "autoid"), fc.anything()),
        results: fc.oneof(
          fc.array(
            fc.record(
              {
                codeType: fc.anything(),
                epc: fc.oneof(fc.uint8Array(), fc.anything()),
                string: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
                bytes: fc.oneof(fc.uint8Array(), fc.anything()),
                sightings: fc.oneof(fc.array(fc.anything()), fc.anything()),
                symbology: fc.anything(),
              },
              { requiredKeys: [] },
            ),
          ),
          fc.anything(),
        ),
        overflow: fc.anything(),
        sequence: fc.oneof(fc.nat(70_000), fc.anything()),
        code: fc.oneof(fc.string(), fc.uint8Array(), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const tags = createOpcuaTagsProfile({ sequenceMax: 65_535 });
    fc.assert(
      fc.property(values, (chunk) => {
        for (const claim of [...autoid(chunk), ...decode(tags, chunk)])
          if (claim.kind === "read") expect(claim.end).toBeGreaterThan(claim.start);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the profile opcua-tags", () => {
  const run = (...sequences: readonly number[]): string[] =>
    decode(
      createOpcuaTagsProfile({ sequenceMax: 65_535 }),
      ...sequences.map((sequence, at) => ({ sequence, code: `c${sequence}`, first: at === 0 })),
    ).map(wordOf);

  test.each<[string, number[], string[]]>([
    ["the first value is no scan", [7], []],
    ["a repeated counter is nothing new", [7, 7, 8, 8], ["c8"]],
    ["a jump is a gap before the read", [7, 10], ["gap 2", "c10"]],
    ["the counter starts again after its end", [65_535, 0, 1], ["c0", "c1"]],
    ["a few scans lost over the end are a gap", [65_534, 1], ["gap 2", "c1"]],
    ["a PLC that starts anew at 0 has not scanned yet", [500, 0, 1], ["c1"]],
    ["a PLC that starts anew at 1 has scanned once", [500, 1, 2], ["c1", "c2"]],
    ["a counter that went back lost an unknown number", [500, 498], ["gap 1", "c498"]],
  ])("%s", (_fact, sequences, words) => {
    expect(run(...sequences)).toEqual(words);
  });

  test.each<[string, number | undefined, number[], string[]]>([
    ["a counter whose type is not told has no end", undefined, [70_000, 70_001, 0, 1], ["c70001", "c1"]],
    ["the configured end counts more than that of the type", 99, [99, 0, 1], ["c0", "c1"]],
    ["a number beyond the configured end is malformed", 99, [98, 100, 99], ["bad-fields", "c99"]],
  ])("%s", (_fact, sequenceMax, sequences, words) => {
    const range = sequenceMax === undefined ? {} : { sequenceMin: 0, sequenceMax: 65_535 };
    const profile = createOpcuaTagsProfile({ sequenceMax });
    const chunks = sequences.map((sequence) => ({ sequence, code: `c${sequence}`, ...range }));
    expect(decode(profile, ...chunks).map(wordOf)).toEqual(words);
  });

  test("a signed counter is followed below 0, with what was lost on the way", () => {
    const chunks = [32_766, -32_767, -1, 0, 1].map((sequence) => ({
      sequence,
      code: `c${sequence}`,
      sequenceMin: -32_768,
      sequenceMax: 32_767,
    }));
    const claims = decode(createOpcuaTagsProfile({}), ...chunks);
    expect(claims.map(wordOf)).toEqual(["gap 2", "c-32767", "gap 32765", "c-1", "c0", "c1"]);
  });

  test("scans during an outage are a gap, and the last of them is a read", () => {
    const profile = createOpcuaTagsProfile({ sequenceMax: 65_535 });
    const claims = decode(
      profile,
      { sequence: 5, code: "a", first: true },
      { sequence: 6, code: "b", first: false },
      { sequence: 9, code: "c", first: true },
    );
    expect(claims.map(wordOf)).toEqual(["b", "gap 2", "c"]);
  });

  test("a counter outside its range is counted as malformed and forgotten", () => {
    const profile = createOpcuaTagsProfile({ sequenceMax: 255 });
    const claims = decode(
      profile,
      { sequence: 5, code: "a" },
      { sequence: 256, code: "b" },
      { sequence: 6, code: "c" },
    );
    expect(claims.map(wordOf)).toEqual(["bad-fields", "c"]);
  });
});

describe("the mending of optional fields", () => {
  const schema = (bits: readonly (number | undefined)[], base: StructureSchema | null = null): StructureSchema => ({
    fields: bits.map((switchBit) => ({ switchBit })),
    getBaseSchema: () => base,
  });

  test("optional fields are numbered base first, and fields that are always there are not counted", () => {
    const base = schema([undefined, undefined, undefined, 0]);
    const derived = schema([4, 5, undefined, 6], base);
    expect(numberOptionalFields(derived)).toBe(3);
    expect([...base.fields, ...derived.fields].map((field) => field.switchBit)).toEqual([
      undefined,
      undefined,
      undefined,
      0,
      1,
      2,
      undefined,
      3,
    ]);
  });

  test("a schema that is numbered right is left alone", () => {
    expect(numberOptionalFields(schema([1, 2], schema([undefined, 0])))).toBe(0);
  });
});
