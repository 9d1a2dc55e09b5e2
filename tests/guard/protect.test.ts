import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard, createTokenKeys } from "../../src/guard/index.ts";
import { createOpener } from "../../src/guard/open.ts";
import { openSealing } from "../../src/guard/sealing.ts";
import { type GuardSettings, guardSettings } from "../../src/guard/settings.ts";
import { suiteOf } from "../../src/guard/suites/index.ts";
import type { ClearedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import { aFirstRead, cleared, clock, everything, noon } from "./build.ts";

const label = JSON.stringify({ waybillNo: "SF1385628716739", receiver: { name: "张伟", mobile: "13812345678" } });
const secrets = ["张伟", "13812345678", "85628716739"];
const symbology = "]Q1";

function dataOf(settings: Partial<GuardSettings>, code: string = label, readPoint = "tunnel-1") {
  const guard = createGuard({ settings: { ...everything, ...settings }, tokens: createTokenKeys(() => noon) });
  return cleared(aFirstRead({ code, symbology, readPoint }), guard).data;
}

describe("R18 a policy", () => {
  it("lets the number of a parcel out, and nothing of a person, unless told otherwise", () => {
    const { code, masked, tokens, sealed, token } = dataOf({});
    expect({ code, masked, tokens, sealed, token }).toEqual({ code: "SF1385628716739" });
  });

  it("masks core data", () => {
    expect(dataOf({ core: "mask" }).masked).toStrictEqual([
      { kind: "name", text: "张***" },
      { kind: "phone", text: "138***78" },
    ]);
    expect(dataOf({ core: "mask", masks: "documents" }).masked).toContainEqual({ kind: "phone", text: "138***5678" });
    expect(dataOf({ core: "mask" }, "SF1385628716739").masked).toBeUndefined();
  });

  it("gives core data tokens, the same for the same telephone however it is written, others for other kinds", () => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    const tokensOf = (code: string) =>
      cleared(aFirstRead({ code, symbology }), guard).data.tokens as { kind: string; token: string }[];
    const written = ["tel:13812345678", "tel:+86 138-1234-5678", "收件人电话：１３８１２３４５６７８"].map(tokensOf);
    expect(written.map((tokens) => tokens.map(({ kind }) => kind))).toStrictEqual([["phone"], ["phone"], ["phone"]]);
    expect(new Set(written.map(([token]) => token?.token)).size).toBe(1);
    expect(tokensOf("tel:13812345679")[0]?.token).not.toBe(written[0]?.[0]?.token);
    expect(keys.token("name", Buffer.from("13812345678"), noon)).not.toBe(written[0]?.[0]?.token);
  });

  it("R40 keeps the number of a parcel back where the site wants it", () => {
    for (const basic of ["mask", "token", "seal"] as const) {
      const data = dataOf({ basic }, "SF1385628716739");
      expect(data).toMatchObject({ codeClass: "waybill", carriers: ["sf"], length: 15 });
      expect(data.token).toMatch(/^t1\./);
      expect(data.masked).toStrictEqual(basic === "mask" ? [{ kind: "waybill", text: "SF***6739" }] : undefined);
      expect(JSON.stringify(data)).not.toContain("85628716739");
    }
    const epc = createGuard({ settings: { ...everything, basic: "token" }, tokens: createTokenKeys(() => noon) });
    const { code, epcUri } = cleared(aFirstRead({ code: "3074257BF7194E4000001A85", medium: "rfid" }), epc).data;
    expect([code, epcUri]).toStrictEqual([undefined, undefined]);
  });

  it("leaves routing out where the site wants it", () => {
    const sf = "MMM={'k1':'010W','k2':'','k3':'','k4':'T6','k5':'SF1331875979567','k6':'','k7':''}";
    expect(dataOf({}, sf).label).toStrictEqual({ format: "sf-mmm", routing: ["010W"], service: "T6" });
    expect(dataOf({ public: "drop" }, sf).label).toBeUndefined();
  });

  it("may be another at one read point", () => {
    const { policy } = guardSettings.parse({ policy: [{ read_point: "tunnel-2", core: "mask" }] });
    expect(dataOf({ policy }).masked).toBeUndefined();
    expect(dataOf({ policy }, label, "tunnel-2").masked).toHaveLength(2);
    expect(dataOf({ policy }, label, "tunnel-2").code).toBe("SF1385628716739");
  });

  it("drops what was to be sealed where nothing can be sealed", () => {
    const { sealed, code } = dataOf({ core: "seal" });
    expect([sealed, code]).toStrictEqual([undefined, "SF1385628716739"]);
  });

  it("tells sixteen pieces of one label at most", () => {
    const many = JSON.stringify({ tel: Array.from({ length: 40 }, (_, n) => `138${String(n).padStart(8, "0")}`) });
    expect(dataOf({ core: "mask" }, many).masked).toHaveLength(16);
  });
});

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-seal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Keys {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

const exported = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Keys => ({
  publicKey: Buffer.from(publicKey.export({ type: "spki", format: "pem" })),
  privateKey: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })),
});

function openssl(args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync("openssl", args, { input, stdio: ["pipe", "pipe", "pipe"] });
}

function sm2Keys(): Keys {
  const privateKey = openssl(["genpkey", "-algorithm", "SM2"]);
  return { privateKey, publicKey: openssl(["pkey", "-pubout"], privateKey) };
}

const kinds = {
  rsa: () => exported(generateKeyPairSync("rsa", { modulusLength: 2_048 })),
  "P-256": () => exported(generateKeyPairSync("ec", { namedCurve: "P-256" })),
  X25519: () => exported(generateKeyPairSync("x25519")),
  SM2: sm2Keys,
};

async function aRig(kind: keyof typeof kinds = "P-256", settings: Partial<GuardSettings> = { core: "seal" }) {
  const { publicKey, privateKey } = kinds[kind]();
  const keyFile = join(folder, "centre.pem");
  writeFileSync(keyFile, publicKey);
  const events: ClearedEvent[] = [];
  const notices: string[] = [];
  const time = { now: noon, isFull: false };
  const sealing = await openSealing({
    suite: suiteOf(kind === "SM2" ? "gm" : "intl"),
    keyFile,
    now: () => time.now,
    tell: ({ name }) => notices.push(name),
    announce(event) {
      if (time.isFull) return false;
      events.push(event);
      return true;
    },
  });
  const guard = createGuard({ settings: { ...everything, ...settings }, tokens: createTokenKeys(() => noon), sealing });
  const read = (code = label, passId = "9f0c3a1e-42"): ClearedEvent => {
    const event = guard.clear(aFirstRead({ code, symbology, passId }), clock);
    if ("refused" in event) throw new Error("refused");
    events.push(event);
    return event;
  };
  return { sealing, read, events, notices, time, keyFile, privateKey };
}

/** What the centre makes of the events that it got. */
async function opened(events: readonly ClearedEvent[], privateKey: Buffer): Promise<object[]> {
  const opener = createOpener(privateKey);
  for (const event of events) await opener.learn(event);
  return events.flatMap((event): object[] => [opener.open(event) ?? []].flat());
}

describe("R15 what is sealed", () => {
  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    "to %s opens at the centre, and shows nothing before",
    async (kind) => {
      const { read, events, privateKey, sealing } = await aRig(kind, { core: "seal", basic: "seal" });
      const event = read();
      expect(events.map(({ kind: what, data }) => [what, data.action])).toStrictEqual([
        ["audit", "seal-key"],
        ["read", undefined],
      ]);
      for (const secret of secrets) expect(JSON.stringify(event)).not.toContain(secret);
      expect(await opened(events, privateKey)).toStrictEqual([
        { kind: "waybill", value: "SF1385628716739" },
        { kind: "name", value: "张伟" },
        { kind: "phone", value: "13812345678" },
      ]);
      sealing.close();
    },
  );

  it.each(["P-256", "SM2"] as const)(
    "opens with no other key, without its content key, for no other pass, and with no bit changed (%s)",
    async (kind) => {
      const { read, events, privateKey, sealing } = await aRig(kind);
      const event = read();
      const other = kinds[kind]().privateKey;
      expect(await opened(events, other)).toStrictEqual([{ reason: "no-key" }]);
      expect(await opened([event], privateKey)).toStrictEqual([{ reason: "no-key" }]);
      const moved = { ...event, data: { ...event.data, passId: "9f0c3a1e-43" } } as ClearedEvent;
      expect(await opened([events[0]!, moved], privateKey)).toStrictEqual([{ reason: "altered" }]);
      const sealed = event.data.sealed as { text: string };
      for (let at = 0; at < sealed.text.length; at += 7) {
        const text = sealed.text.slice(0, at) + (sealed.text[at] === "A" ? "B" : "A") + sealed.text.slice(at + 1);
        const changed = { ...event, data: { ...event.data, sealed: { ...sealed, text } } } as ClearedEvent;
        expect(await opened([events[0]!, changed], privateKey)).toStrictEqual([{ reason: "altered" }]);
      }
      sealing.close();
    },
  );

  it("has a content key for ten minutes or so many labels, never a nonce twice, and opens across them", async () => {
    const { read, events, privateKey, time, sealing } = await aRig();
    read();
    await new Promise(setImmediate);
    time.now += limits.sealKeyMs - 1;
    read();
    time.now += 1;
    // The next key is wrapped meanwhile.
    await expect.poll(() => read().data.sealed).toBeDefined();
    const sealed = events.flatMap(({ data }) => (data.sealed as { key: string; nonce: string } | undefined) ?? []);
    expect(new Set(sealed.map(({ key }) => key)).size).toBe(2);
    expect(new Set(sealed.map(({ key, nonce }) => key + nonce)).size).toBe(sealed.length);
    expect((await opened(events, privateKey)).filter((one) => "reason" in one)).toStrictEqual([]);
    sealing.close();
  });

  it("is dropped while the ledger has no room for its content key, and sealed as soon as there is", async () => {
    const { read, events, privateKey, time, sealing } = await aRig();
    time.isFull = true;
    expect(read().data.sealed).toBeUndefined();
    time.isFull = false;
    expect(read().data.sealed).toBeDefined();
    expect((await opened(events, privateKey)).filter((one) => "reason" in one)).toStrictEqual([]);
    sealing.close();
  });

  it("is dropped, and told once, while there is no key that can be used; a number still leaves", async () => {
    const notices: string[] = [];
    const sealing = await openSealing({
      suite: suiteOf("intl"),
      keyFile: join(folder, "absent.pem"),
      now: () => noon,
      tell: ({ name, message }) => notices.push(`${name}: ${message}`),
      announce: () => true,
    });
    const guard = createGuard({
      settings: { ...everything, core: "seal" },
      tokens: createTokenKeys(() => noon),
      sealing,
    });
    for (let n = 0; n < 3; n += 1) {
      const { data } = cleared(aFirstRead({ code: label, symbology }), guard);
      expect([data.code, data.sealed]).toStrictEqual(["SF1385628716739", undefined]);
    }
    await new Promise(setImmediate);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(
      /^guard\/unsealed: Nothing can be sealed with .*absent\.pem \(ENOENT\).*Try: sortgate check/,
    );
    sealing.close();
  });
});

describe("R09 with the national algorithms", () => {
  it("OpenSSL opens what is sealed: SM2 unwraps the key, SM3 proves the text, SM4 reads it", async () => {
    const { read, events, privateKey, sealing } = await aRig("SM2");
    const event = read();
    const [keyEvent] = events;
    const keyPath = join(folder, "centre.key");
    writeFileSync(keyPath, privateKey);
    const wrapped = Buffer.from(keyEvent!.data.wrapped as string, "base64url");
    const secret = openssl(["pkeyutl", "-decrypt", "-inkey", keyPath], wrapped);
    expect(secret).toHaveLength(32);
    const { alg, key, nonce, text } = event.data.sealed as Record<string, string>;
    expect(alg).toBe("SM4-CTR+HMAC-SM3");
    const derived = (info: string, length: number): string =>
      openssl([
        ...["kdf", "-keylen", String(length), "-kdfopt", "digest:SM3", "-kdfopt", `hexkey:${secret.toString("hex")}`],
        ...["-kdfopt", "salt:", "-kdfopt", `info:sortgate ${info}`, "HKDF"],
      ])
        .toString()
        .replace(/[^0-9A-F]/g, "");
    const [iv, sealed] = [Buffer.from(nonce!, "base64url"), Buffer.from(text!, "base64url")];
    const context = Buffer.from(`${key} 9f0c3a1e-42`);
    const proven = Buffer.concat([Buffer.from([0, 0, 0, context.length]), context, iv, sealed.subarray(0, -32)]);
    const mac = openssl(
      ["dgst", "-sm3", "-mac", "HMAC", "-macopt", `hexkey:${derived("HMAC", 32)}`, "-binary"],
      proven,
    );
    expect(mac.equals(sealed.subarray(-32))).toBe(true);
    const cipher = ["enc", "-d", "-sm4-ctr", "-K", derived("SM4", 16), "-iv", iv.toString("hex")];
    expect(JSON.parse(openssl(cipher, sealed.subarray(0, -32)).toString())).toEqual([
      { kind: "name", value: "张伟" },
      { kind: "phone", value: "13812345678" },
    ]);
    sealing.close();
  });

  it("what OpenSSL wrapped with SM2 unwraps here, and nothing that was changed", async () => {
    const { publicKey, privateKey } = sm2Keys();
    const path = join(folder, "public.pem");
    writeFileSync(path, publicKey);
    const secret = Buffer.alloc(32, 7);
    const wrapped = openssl(["pkeyutl", "-encrypt", "-pubin", "-inkey", path], secret);
    const suite = suiteOf("gm");
    expect(Buffer.from(await suite.unwrap(privateKey, wrapped.toString("base64url"), "k"))).toEqual(secret);
    wrapped[wrapped.length - 1] = wrapped.at(-1)! ^ 1;
    await expect(suite.unwrap(privateKey, wrapped.toString("base64url"), "k")).rejects.toThrow();
    await expect(suite.wrap(kinds.rsa().publicKey, secret, "k")).rejects.toThrow("no SM2 key");
    await expect(suiteOf("intl").wrap(publicKey, secret, "k")).rejects.toThrow("RSA");
  });

  it("tokens are HMAC-SM3, and say so", () => {
    const key = Buffer.alloc(32, 5);
    const keys = createTokenKeys(() => noon, { suite: suiteOf("gm"), random: (count) => key.subarray(0, count) });
    const mac = openssl(
      ["dgst", "-sm3", "-mac", "HMAC", "-macopt", `hexkey:${key.toString("hex")}`, "-binary"],
      Buffer.from("phone\x00138"),
    );
    const expected = `t2.${key.subarray(0, 6).toString("base64url")}.${mac.subarray(0, 16).toString("base64url")}`;
    expect(keys.token("phone", Buffer.from("138"), noon)).toBe(expected);
  });
});
