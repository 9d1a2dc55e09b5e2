import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEpc } from "../../../src/model/code/epc.ts";

/** A field of a binary encoding: value and bits. */
type Field = readonly [value: number | bigint, bits: number];

/** The hex of the fields one after the other, zeros behind. */
function encode(fields: readonly Field[], hexDigits = 24): string {
  const bits = fields.map(([value, width]) => value.toString(2).padStart(width, "0")).join("");
  return BigInt(`0b${bits.padEnd(hexDigits * 4, "0")}`)
    .toString(16)
    .toUpperCase()
    .padStart(hexDigits, "0");
}

/** By partition: bits and digits of the company prefix, bits and digits of the reference, as the standard prints them. */
type Table = readonly (readonly [number, number, number, number])[];

function table(reference: readonly (readonly [number, number])[]): Table {
  const company = [40, 37, 34, 30, 27, 24, 20];
  return reference.map(([bits, digits], partition) => [company[partition] ?? 0, 12 - partition, bits, digits]);
}

const tables: Record<string, { header: number; tail: number; table: Table }> = {
  sgtin: {
    header: 0x30,
    tail: 38,
    table: table([
      [4, 1],
      [7, 2],
      [10, 3],
      [14, 4],
      [17, 5],
      [20, 6],
      [24, 7],
    ]),
  },
  sscc: {
    header: 0x31,
    tail: 0,
    table: table([
      [18, 5],
      [21, 6],
      [24, 7],
      [28, 8],
      [31, 9],
      [34, 10],
      [38, 11],
    ]),
  },
  sgln: {
    header: 0x32,
    tail: 41,
    table: table([
      [1, 0],
      [4, 1],
      [7, 2],
      [11, 3],
      [14, 4],
      [17, 5],
      [21, 6],
    ]),
  },
  grai: {
    header: 0x33,
    tail: 38,
    table: table([
      [4, 0],
      [7, 1],
      [10, 2],
      [14, 3],
      [17, 4],
      [20, 5],
      [24, 6],
    ]),
  },
  gdti: {
    header: 0x2c,
    tail: 41,
    table: table([
      [1, 0],
      [4, 1],
      [7, 2],
      [11, 3],
      [14, 4],
      [17, 5],
      [21, 6],
    ]),
  },
  gsrn: {
    header: 0x2d,
    tail: 0,
    table: table([
      [18, 5],
      [21, 6],
      [24, 7],
      [28, 8],
      [31, 9],
      [34, 10],
      [38, 11],
    ]),
  },
};

const rows = Object.entries(tables).flatMap(([scheme, one]) =>
  one.table.map((row, partition) => ({ scheme, partition, row, header: one.header, tail: one.tail })),
);

describe("an EPC of 96 bits", () => {
  it.each([
    ["3074257BF7194E4000001A85", "sgtin-96", "sgtin:0614141.812345.6789"],
    ["30204ED9496334000000006E", "sgtin-96", "sgtin:084663228621.0.110"],
    ["3174257BF4499602D2000000", "sscc-96", "sscc:0614141.1234567890"],
    ["3274257BF46072000000162E", "sgln-96", "sgln:0614141.12345.5678"],
    ["3374257BF40C0E400000162E", "grai-96", "grai:0614141.12345.5678"],
    ["3474257BF40000000000162E", "giai-96", "giai:0614141.5678"],
    ["2D74257BF4499602D2000000", "gsrn-96", "gsrn:0614141.1234567890"],
    ["2C74257BF46072000000162E", "gdti-96", "gdti:0614141.12345.5678"],
    ["3C74257BF400C0E680003039", "cpi-96", "cpi:0614141.98765.12345"],
    ["3F74F4E4E612640000019907", "sgcn-96", "sgcn:4012345.67890.04711"],
    ["350007AB70425D4000000586", "gid-96", "gid:31415.271828.1414"],
  ])("%s is %s", (hex, scheme, identity) => {
    expect(decodeEpc(hex)).toStrictEqual({ scheme, uri: `urn:epc:id:${identity}` });
  });

  it.each(rows)(
    "has its fields where partition $partition of $scheme puts them",
    ({ scheme, partition, row, ...rest }) => {
      const [companyBits, companyDigits, referenceBits, referenceDigits] = row;
      const company = 10 ** companyDigits - 7;
      const reference = referenceDigits === 0 ? 0 : 10 ** (referenceDigits - 1);
      const start: Field[] = [
        [rest.header, 8],
        [3, 3],
        [partition, 3],
      ];
      const hex = encode([...start, [company, companyBits], [reference, referenceBits], ...tailOf(rest.tail)]);
      const digits = referenceDigits === 0 ? "" : `${reference}`;
      const serial = rest.tail === 0 ? "" : ".987654";
      expect(decodeEpc(hex)?.uri).toBe(`urn:epc:id:${scheme}:${company}.${digits}${serial}`);

      if (10 ** companyDigits < 2 ** companyBits) {
        const tooBig = encode([...start, [10 ** companyDigits, companyBits], [0, referenceBits], ...tailOf(rest.tail)]);
        expect(decodeEpc(tooBig)).toBeUndefined();
      }
      const over = encode([...start, [1, companyBits], [10 ** referenceDigits, referenceBits], ...tailOf(rest.tail)]);
      expect(decodeEpc(over)).toBeUndefined();
    },
  );

  it("has leading zeros in prefix and reference", () => {
    expect(
      decodeEpc(
        encode([
          [0x30, 8],
          [1, 3],
          [5, 3],
          [42, 24],
          [7, 20],
          [1, 38],
        ]),
      )?.uri,
    ).toBe("urn:epc:id:sgtin:0000042.000007.1");
  });

  it("of 62 bits of reference keeps every digit", () => {
    const hex = encode([
      [0x34, 8],
      [0, 3],
      [6, 3],
      [614141, 20],
      [2n ** 62n - 1n, 62],
    ]);
    expect(decodeEpc(hex)?.uri).toBe("urn:epc:id:giai:614141.4611686018427387903");
  });

  it.each([
    [
      "partition 7",
      encode([
        [0x30, 8],
        [1, 3],
        [7, 3],
        [1, 24],
        [1, 20],
        [1, 38],
      ]),
    ],
    ["a reserved bit of an SSCC", "3174257BF4499602D2000001"],
    ["a reserved bit of a GSRN", "2D74257BF4499602D2800000"],
    [
      "an SGCN serial without its leading 1",
      encode([
        [0x3f, 8],
        [3, 3],
        [5, 3],
        [1, 24],
        [1, 17],
        [4711, 41],
      ]),
    ],
    [
      "an SGCN serial that begins with 2",
      encode([
        [0x3f, 8],
        [3, 3],
        [5, 3],
        [1, 24],
        [1, 17],
        [24711, 41],
      ]),
    ],
    [
      "an SGCN without serial",
      encode([
        [0x3f, 8],
        [3, 3],
        [5, 3],
        [1, 24],
        [1, 17],
        [1, 41],
      ]),
    ],
    [
      "a CPI part of nine digits",
      encode([
        [0x3c, 8],
        [3, 3],
        [5, 3],
        [1, 24],
        [100_000_000, 27],
        [1, 31],
      ]),
    ],
    ["small letters", "3074257bf7194e4000001a85"],
    ["a missing digit", "3074257BF7194E4000001A8"],
    ["a digit too many", "3074257BF7194E4000001A850"],
    ["52 digits", "3074257BF7194E4000001A85".padEnd(52, "0")],
    ["a GID of 52 digits", "350007AB70425D4000000586".padEnd(52, "0")],
    ["an underscore that BigInt might take", "3074257BF7194E40_0001A85"],
    ["a sign", "-074257BF7194E4000001A85"],
    ["a TID", "E28068940000400A9D22A9EB"],
    ["nothing", ""],
  ])("is none with %s", (_, hex) => {
    expect(decodeEpc(hex)).toBeUndefined();
  });

  it.each(["F7", "F9", "F2", "F1", "FA", "FB", "F4", "F6", "F0", "F3", "F8", "E2", "00", "2E", "FF"])(
    "with header %s is not decoded, whatever follows",
    (header) => {
      fc.assert(
        fc.property(fc.stringMatching(/^[0-9A-F]{50}$/), (rest) => {
          expect(decodeEpc(header + rest)).toBeUndefined();
          expect(decodeEpc(header + rest.slice(0, 22))).toBeUndefined();
        }),
      );
    },
  );
});

describe("an SGTIN of 198 bits", () => {
  const start: Field[] = [
    [0x36, 8],
    [3, 3],
    [5, 3],
    [614141, 24],
    [812345, 20],
  ];
  const withSerial = (serial: string): string =>
    encode([...start, ...[...serial].map((one): Field => [one.charCodeAt(0), 7])], 52);

  it("has the URI of the standard's example", () => {
    expect(withSerial("32a/b")).toBe("3674257BF7194E59B2C2BF100000000000000000000000000000");
    expect(decodeEpc(withSerial("32a/b"))).toStrictEqual({
      scheme: "sgtin-198",
      uri: "urn:epc:id:sgtin:0614141.812345.32a%2Fb",
    });
  });

  it("escapes what a URI cannot hold, and nothing else", () => {
    expect(decodeEpc(withSerial(`"%&/<>?`))?.uri).toMatch(/\.%22%25%26%2F%3C%3E%3F$/);
    expect(decodeEpc(withSerial("!'()*+,-.:;=_aZ09"))?.uri).toMatch(/\.!'\(\)\*\+,-\.:;=_aZ09$/);
  });

  it("gives back every serial of 1 to 20 characters of set 82", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}$/), (serial) => {
        const uri = decodeEpc(withSerial(serial))?.uri ?? "";
        expect(decodeURIComponent(uri.slice("urn:epc:id:sgtin:0614141.812345.".length))).toBe(serial);
      }),
    );
  });

  it.each([
    ["no serial", withSerial("")],
    ["a character that is not of set 82", withSerial("32a#b")],
    ["a control character", withSerial("32\x1b")],
    ["something behind the serial's end", withSerial("32a\0b")],
    ["a bit set behind the last character", `${withSerial("32a/b").slice(0, -1)}1`],
    ["24 digits", withSerial("32a/b").slice(0, 24)],
    ["50 digits", withSerial("32a/b").slice(0, 50)],
  ])("is none with %s", (_, hex) => {
    expect(decodeEpc(hex)).toBeUndefined();
  });
});

it("no text makes the decoder throw", () => {
  const hex = fc.stringMatching(/^(2C|2D|3[0-6CF])[0-9A-F]{22}([0-9A-F]{28})?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), hex), (text) => {
      expect(decodeEpc(text)?.uri ?? "urn:epc:id:").toMatch(/^urn:epc:id:[\x21-\x7e]*$/);
    }),
    { numRuns: 2_000 },
  );
});

function tailOf(bits: number): Field[] {
  return bits === 0 ? [] : [[987654, bits]];
}
