import fc from "fast-check";
import { expect, it } from "vitest";
import { percentDecodedUtf8 } from "../../src/guard/label/percent.ts";

function decodedByV8(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const hex = fc.constantFrom(..."0123456789abcdefABCDEF");
const byte = fc.tuple(hex, hex).map(([high, low]) => `%${high}${low}`);
const character = fc.string({ unit: "binary", minLength: 1, maxLength: 2 }).map(encodeURIComponent);
const piece = fc.oneof(byte, character, fc.constantFrom("a", "%", "%e", "张", " ", "\n", "%ED%A0%80", "%F4%90%80%80"));

it("percent signs are decoded as V8 does it, and where V8 would throw there is nothing", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join("");
      expect(percentDecodedUtf8(text)).toBe(decodedByV8(text));
    }),
    { numRuns: 50_000 },
  );
});

it("each two, three and four bytes that begin a character are decoded as V8 does it", () => {
  const two = (value: number): string => `%${value.toString(16).padStart(2, "0")}`;
  for (let first = 0; first < 256; first += 1)
    for (let second = 0; second < 256; second += 1)
      for (const rest of ["", "%80", "%80%BF"]) {
        const text = two(first) + two(second) + rest;
        expect(percentDecodedUtf8(text), text).toBe(decodedByV8(text));
      }
});
