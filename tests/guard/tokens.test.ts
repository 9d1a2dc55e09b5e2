import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenKeys } from "../../src/guard/index.ts";

const hour = 3_600_000;
const day = 24 * hour;
const midnight = Date.UTC(2026, 10, 24);
const code = Buffer.from("13800138000");

/** Keys under a clock that is set by hand, and every secret that was drawn. */
function aLine(start: number) {
  const line = { now: start, drawn: [] as Uint8Array[] };
  let next = 1;
  const random = (count: number): Uint8Array => {
    const bytes = new Uint8Array(count).fill(next++);
    if (count === 32) line.drawn.push(bytes);
    return bytes;
  };
  return { line, keys: createTokenKeys(() => line.now, { random }) };
}

describe("a token", () => {
  it("is the first half of an HMAC over class, zero and bytes under a key of 32 random bytes", () => {
    const { line, keys } = aLine(midnight);
    const token = keys.token("unknown", code, midnight);
    const secret = line.drawn[0] ?? new Uint8Array();
    expect(secret.length).toBe(32);
    const mac = createHmac("sha256", secret)
      .update(Buffer.concat([Buffer.from("unknown\0"), code]))
      .digest();
    expect(token).toBe(`t1.${Buffer.alloc(6, 1).toString("base64url")}.${mac.subarray(0, 16).toString("base64url")}`);
  });

  it("is the same for the same bytes through a whole day", () => {
    const keys = createTokenKeys(() => midnight + hour);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_072 }), fc.integer({ min: 0, max: day - 1 }), (bytes, offset) => {
        expect(keys.token("unknown", bytes, midnight + offset)).toBe(keys.token("unknown", bytes, midnight));
      }),
    );
  });

  it("differs between codes, classes and keys", () => {
    const keys = createTokenKeys(() => midnight);
    const others = createTokenKeys(() => midnight);
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, two) => {
        const token = keys.token("unknown", one, midnight);
        expect(keys.token("gs1", one, midnight)).not.toBe(token);
        const other = others.token("unknown", one, midnight);
        expect(other.split(".")[1]).not.toBe(token.split(".")[1]);
        expect(other.split(".")[2]).not.toBe(token.split(".")[2]);
        if (Buffer.compare(one, two) !== 0) expect(keys.token("unknown", two, midnight)).not.toBe(token);
      }),
    );
  });

  it("always has one form", () => {
    const keys = createTokenKeys(() => midnight);
    expect(keys.token("unknown", new Uint8Array(), midnight)).toMatch(/^t1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{22}$/);
  });
});

describe("the key of a day", () => {
  it("serves a pass that began before midnight until it ends", () => {
    const { line, keys } = aLine(midnight - 1);
    const first = keys.token("unknown", code, midnight - 1);
    line.now = midnight + 500;
    expect(keys.token("unknown", code, midnight - 1)).toBe(first);
    expect(keys.token("unknown", code, midnight + 100)).not.toBe(first);
    expect(line.drawn.length).toBe(2);
  });

  it("is erased after the day that follows it", () => {
    const { line, keys } = aLine(midnight);
    keys.token("unknown", code, midnight);
    line.now = midnight + 2 * day - 1;
    keys.expire();
    expect(line.drawn[0]).toStrictEqual(new Uint8Array(32).fill(2));
    line.now = midnight + 2 * day;
    keys.expire();
    expect(line.drawn[0]).toStrictEqual(new Uint8Array(32));
  });

  it("is erased by the next token too", () => {
    const { line, keys } = aLine(midnight);
    keys.token("unknown", code, midnight);
    line.now = midnight + 2 * day;
    keys.token("unknown", code, line.now);
    expect(line.drawn[0]).toStrictEqual(new Uint8Array(32));
  });

  it("is never drawn for days long past or far ahead: such reads get today's", () => {
    const { line, keys } = aLine(midnight);
    const today = keys.token("unknown", code, midnight);
    expect(keys.token("unknown", code, midnight - 400 * day)).toBe(today);
    expect(keys.token("unknown", code, midnight + 60 * day)).toBe(today);
    expect(line.drawn.length).toBe(1);
  });

  it("survives a clock that is set back over midnight", () => {
    const { line, keys } = aLine(midnight - hour);
    const before = keys.token("unknown", code, line.now);
    line.now = midnight + 1_000;
    const after = keys.token("unknown", code, line.now);
    line.now = midnight - 1_000;
    expect(keys.token("unknown", code, line.now)).toBe(before);
    line.now = midnight + 2_000;
    expect(keys.token("unknown", code, line.now)).toBe(after);
  });
});
