import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEpochKey } from "../../src/seal/epoch.ts";
import { createGmKey, gmCheckOf, gmId, sm3 } from "../../src/seal/gm.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-gm-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => join(folder, name);

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

/** Whether OpenSSL takes a signature by a key as `GmKey` has it. */
function isTaken(key: string, message: Uint8Array, signature: Uint8Array, id = gmId): boolean {
  writeFileSync(path("key.der"), Buffer.from(key, "base64"));
  writeFileSync(path("message"), message);
  writeFileSync(path("signature"), signature);
  const args = ["-sm3", "-verify", "key.der", "-keyform", "DER", "-sigopt", `distid:${id}`];
  try {
    return openssl("dgst", ...args, "-signature", "signature", "message").includes("Verified OK");
  } catch {
    return false;
  }
}

const spkiOf = (point: string): string =>
  Buffer.from(`3059301306072a8648ce3d020106082a811ccf5501822d03420004${point}`, "hex").toString("base64");

/** GM/T 0003.5, annex A: the curve that is recommended. */
const standard = {
  key: spkiOf(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
  ),
  message: Buffer.from("message digest"),
  signature: Buffer.from(
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    "hex",
  ),
};

describe("R09 SM3 and SM2", () => {
  // The first one, for whatever is loaded stays.
  it("cost nothing where they are not wanted: their library is not loaded", () => {
    const isLoaded = (): boolean =>
      Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("sm-crypto-v2"));
    expect(createEpochKey().gm).toBeUndefined();
    expect(isLoaded()).toBe(false);
    createGmKey();
    expect(isLoaded()).toBe(true);
  });

  it("give the values of GB/T 32905", () => {
    expect(sm3(Buffer.from("abc")).toString("hex")).toBe(
      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    );
    expect(sm3(Buffer.from("abcd".repeat(16))).toString("hex")).toBe(
      "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
    );
  });

  it("take the signature of GM/T 0003.5, and none over something else", () => {
    const check = gmCheckOf(standard.key)!;
    expect(check(standard.message, standard.signature)).toBe(true);
    expect(isTaken(standard.key, standard.message, standard.signature)).toBe(true);
    expect(check(Buffer.from("message digesT"), standard.signature)).toBe(false);
  });

  it("sign what OpenSSL takes, under the identity that is agreed and no other", () => {
    const key = createGmKey();
    for (let size = 0; size < 8; size += 1) {
      const message = Buffer.alloc(size * 40, "市");
      const signature = key.sign(message);
      expect(isTaken(key.key, message, signature)).toBe(true);
      expect(isTaken(key.key, message, signature, "8765432187654321")).toBe(false);
      expect(gmCheckOf(key.key)!(message, signature)).toBe(true);
      expect(gmCheckOf(createGmKey().key)!(message, signature)).toBe(false);
    }
  });

  it("take what OpenSSL signs, and only under the identity that is agreed", () => {
    openssl("genpkey", "-algorithm", "SM2", "-out", "private.pem");
    openssl("pkey", "-in", "private.pem", "-pubout", "-outform", "DER", "-out", "public.der");
    const key = openssl("base64", "-A", "-in", "public.der");
    writeFileSync(path("message"), "checkpoint");
    for (const [id, isGood] of [
      [gmId, true],
      ["8765432187654321", false],
    ] as const) {
      const signed = ["-sm3", "-sign", "private.pem", "-sigopt", `distid:${id}`, "-out", "signature", "message"];
      openssl("dgst", ...signed);
      const signature = Buffer.from(openssl("base64", "-A", "-in", "signature"), "base64");
      expect(gmCheckOf(key)!(Buffer.from("checkpoint"), signature)).toBe(isGood);
    }
  });

  it("refuse a signature with any bit changed, with something added or cut off, and never throw", () => {
    const check = gmCheckOf(standard.key)!;
    for (let bit = 0; bit < standard.signature.length * 8; bit += 1) {
      const other = Buffer.from(standard.signature);
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(check(standard.message, other), `bit ${bit}`).toBe(false);
    }
    for (let length = 0; length < standard.signature.length; length += 1)
      expect(check(standard.message, standard.signature.subarray(0, length))).toBe(false);
    expect(check(standard.message, Buffer.concat([standard.signature, Buffer.of(0)]))).toBe(false);
    const order = "00fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    for (const halves of [`020100020100`, `0201010201${"00"}`, `0221${order}020101`, `020101022${"1"}${order}`]) {
      const body = Buffer.from(halves, "hex");
      const der = Buffer.concat([Buffer.of(0x30, body.length), body]);
      expect(check(standard.message, der), halves).toBe(false);
    }
  });

  it("take no key that is not on the curve, of another curve, or written otherwise", () => {
    const bytes = Buffer.from(standard.key, "base64");
    const off = Buffer.from(bytes);
    off[90]! ^= 1;
    expect(gmCheckOf(off.toString("base64"))).toBeUndefined();
    expect(gmCheckOf(bytes.toString("base64url"))).toBeUndefined();
    expect(gmCheckOf(standard.key.slice(0, -4))).toBeUndefined();
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "other.pem");
    openssl("pkey", "-in", "other.pem", "-pubout", "-outform", "DER", "-out", "other.der");
    expect(gmCheckOf(openssl("base64", "-A", "-in", "other.der"))).toBeUndefined();
    expect(gmCheckOf("")).toBeUndefined();
  });
});
