import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard, createTokenKeys, tokensOfNumber } from "../../src/guard/index.ts";
import { createOpener } from "../../src/guard/open.ts";
import { openSealing } from "../../src/guard/sealing.ts";
import { type GuardSettings, guardSettings } from "../../src/guard/settings.ts";
import { type Suite, suiteOf } from "../../src/guard/suites/index.ts";
import type { Timers } from "../../src/lib/clock.ts";
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
    const abroad = ["tel:+49 171 2345678", "tel:0049 171 2345678", "tel:+49 (0)171 2345678"].map(tokensOf);
    expect(new Set(abroad.map(([token]) => token?.token)).size).toBe(1);
    // Who is asked to erase has a number, not a token.
    expect(tokensOfNumber("138 1234 5678", noon, keys)).toContain(written[0]?.[0]?.token);
    const bare = ["8613812345678", "86013812345678", "+8613812345678", "008613812345678"].map(tokensOf);
    expect(new Set([...bare, written[0]].map((tokens) => tokens?.[0]?.token)).size).toBe(1);
    expect(tokensOfNumber("SF1385628716739", noon, keys)).toContain(
      keys.token("waybill", Buffer.from("SF1385628716739"), noon),
    );
    expect(tokensOf("tel:13812345679")[0]?.token).not.toBe(written[0]?.[0]?.token);
    expect(keys.token("name", Buffer.from("13812345678"), noon)).not.toBe(written[0]?.[0]?.token);
  });

  it("takes an address that separators cut apart for one", () => {
    expect(dataOf({ core: "token" }, "浙江省、杭州市、文三路90号").tokens).toHaveLength(1);
  });

  it("gives what is somebody's within a name, and a number that may be a carrier's, a token of its own", () => {
    const kindsOf = (code: string) =>
      (dataOf({ core: "token" }, code).tokens as { kind: string }[]).map(({ kind }) => kind);
    expect(kindsOf('{"name":"张伟 13812345678"}')).toEqual(["name", "phone"]);
    expect(kindsOf("8613800138000")).toEqual(["phone"]);
    expect(kindsOf('{"mailNo":"SF1385628716739","orderNo":"11010519491231002X"}')).toEqual(["identity"]);
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
  return { sealing, read, events, notices, time, keyFile, privateKey, publicKey };
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
    "R08 opens with no other key, without its content key, for no other pass, and with no bit changed (%s)",
    async (kind) => {
      const { read, events, privateKey, sealing } = await aRig(kind);
      const event = read();
      const other = kinds[kind]().privateKey;
      const { receiver } = events[0]!.data;
      expect(await opened(events, other)).toStrictEqual([{ reason: "other-key", wanted: [receiver] }]);
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

/** A suite that keeps what it is given, to look at it. */
function aSpy() {
  const real = suiteOf("intl");
  const secrets = new Set<Uint8Array>();
  const nonces: string[] = [];
  const suite: Suite = {
    ...real,
    wrap(publicKey, secret, id) {
      secrets.add(secret);
      return real.wrap(publicKey, secret, id);
    },
    seal(secret, nonce, context, content) {
      nonces.push(`${context.split(" ")[0]} ${Buffer.from(nonce).toString("hex")}`);
      return real.seal(secret, nonce, context, content);
    },
  };
  const wipedCount = (): number => [...secrets].filter((secret) => secret.every((byte) => byte === 0)).length;
  return { suite, nonces, secrets, wipedCount };
}

/** Timers that are turned by hand. */
function handTimers() {
  const works: (() => void)[] = [];
  const timers: Timers = {
    after: () => () => {},
    every(_, work) {
      works.push(work);
      return () => works.splice(works.indexOf(work), 1);
    },
    soon: (work) => void setImmediate(work),
  };
  return { timers, tick: () => works.forEach((work) => void work()) };
}

describe("a content key", () => {
  const fields = [{ kind: "phone", value: "13812345678" }] as const;

  async function open(spy: ReturnType<typeof aSpy>, time: { now: number }, keyFile: string, notices: string[] = []) {
    const { timers, tick } = handTimers();
    const announced: ClearedEvent[] = [];
    const sealing = await openSealing({
      suite: spy.suite,
      keyFile,
      now: () => time.now,
      tell: ({ message }) => notices.push(message),
      announce: (event) => announced.push(event) > 0,
      timers,
    });
    return { sealing, tick, announced };
  }

  it("seals 10,000 labels at most, each with a nonce of its own, and then another goes on", async () => {
    const spy = aSpy();
    const keyFile = join(folder, "centre.pem");
    writeFileSync(keyFile, kinds["P-256"]().publicKey);
    const { sealing } = await open(spy, { now: noon }, keyFile);
    // The next key may still be made when one is spent.
    while (spy.nonces.length < 2.5 * limits.sealedPerKeyMax)
      if (sealing.seal(fields, "pass") === undefined) await new Promise(setImmediate);
    expect(new Set(spy.nonces).size).toBe(spy.nonces.length);
    const perKey = new Map<string, number>();
    for (const nonce of spy.nonces) perKey.set(nonce.split(" ")[0]!, (perKey.get(nonce.split(" ")[0]!) ?? 0) + 1);
    expect(perKey.size).toBeGreaterThanOrEqual(3);
    expect(Math.max(...perKey.values())).toBe(limits.sealedPerKeyMax);
    sealing.close();
  });

  it("is overwritten after ten minutes also on an idle line, and with all others at the end", async () => {
    const spy = aSpy();
    const time = { now: noon };
    const keyFile = join(folder, "centre.pem");
    writeFileSync(keyFile, kinds["P-256"]().publicKey);
    const { sealing, tick } = await open(spy, time, keyFile);
    expect(sealing.seal(fields, "a")).toBeDefined();
    time.now += limits.sealKeyMs - 1;
    tick();
    expect(spy.wipedCount()).toBe(0);
    time.now += 1;
    tick();
    expect(spy.wipedCount()).toBe(1);
    await expect.poll(() => spy.secrets.size).toBeGreaterThanOrEqual(2);
    sealing.close();
    await expect.poll(() => spy.wipedCount()).toBe(spy.secrets.size);
    expect(sealing.seal(fields, "b")).toBeUndefined();
  });

  it("that is still being made at the end is overwritten as well", async () => {
    const spy = aSpy();
    const keyFile = join(folder, "centre.pem");
    writeFileSync(keyFile, kinds["P-256"]().publicKey);
    const { sealing } = await open(spy, { now: noon }, keyFile);
    // The first use has the next one made.
    expect(sealing.seal(fields, "a")).toBeDefined();
    sealing.close();
    await expect.poll(() => [spy.secrets.size, spy.wipedCount()]).toStrictEqual([2, 2]);
    expect(sealing.seal(fields, "b")).toBeUndefined();
  });

  it("is wiped too where the clock was set back behind its beginning by more than its time", async () => {
    const spy = aSpy();
    const time = { now: noon };
    const keyFile = join(folder, "centre.pem");
    writeFileSync(keyFile, kinds["P-256"]().publicKey);
    const { sealing, tick } = await open(spy, time, keyFile);
    sealing.seal(fields, "a");
    time.now -= limits.sealKeyMs;
    tick();
    expect(spy.wipedCount()).toBe(1);
    sealing.close();
  });

  it("comes as soon as there is a key file, within a minute; its want is told once, and by an alarm in the chain", async () => {
    const spy = aSpy();
    const notices: string[] = [];
    const keyFile = join(folder, "later.pem");
    const { sealing, tick, announced } = await open(spy, { now: noon }, keyFile, notices);
    tick();
    await new Promise(setImmediate);
    expect([sealing.isReady(), notices.length]).toStrictEqual([false, 1]);
    expect(announced.map(({ kind, data }) => [kind, data.alarm])).toStrictEqual([["alarm", "unsealed"]]);
    writeFileSync(keyFile, kinds.rsa().privateKey);
    const afterTicks = (): Promise<void> =>
      expect
        .poll(() => {
          tick();
          return spy.secrets.size;
        })
        .toBeGreaterThan(0);
    await afterTicks();
    expect(sealing.isReady()).toBe(false);
    writeFileSync(keyFile, kinds.rsa().publicKey);
    await expect
      .poll(() => {
        tick();
        return sealing.isReady();
      })
      .toBe(true);
    expect(sealing.seal(fields, "a")).toBeDefined();
    sealing.close();
  });

  it("seals what fits, and marks what was cut", async () => {
    const { read, events, privateKey, sealing } = await aRig("P-256");
    read(`name: x; memo: ${"y".repeat(3_000)}; ${"z".repeat(2_000)}`.slice(0, 3_072));
    const [name, ...others] = (await opened(events, privateKey)) as { kind: string; value: string }[];
    expect(name?.kind).toBe("name");
    const byteCount = others.reduce((sum, { value }) => sum + value.length, 0);
    expect(byteCount).toBeLessThanOrEqual(4_096 + 4);
    sealing.close();
  });
});

describe("R15 whoever has the public key", () => {
  it("can put no key in place of a gateway's own, and break no reader", async () => {
    const { read, events, privateKey, publicKey, sealing } = await aRig("P-256");
    const event = read();
    const [keyEvent] = events;
    const { key } = keyEvent!.data as { key: string };
    const secret = Buffer.alloc(32, 9);
    const suite = suiteOf("intl");
    const forgedKey = { ...keyEvent!, data: { ...keyEvent!.data, wrapped: await suite.wrap(publicKey, secret, key) } };
    const opener = createOpener(privateKey);
    for (const one of [keyEvent, forgedKey, ...Array.from({ length: 30 }, () => forgedKey)]) await opener.learn(one);
    expect(opener.open(event)).toHaveLength(2);
    for (const content of ["null", "5", '"text"', '{"a":1}', "[null]", "[1]", '[{"kind":1,"value":"x"}]', "no JSON"]) {
      const text = suite.seal(secret, Buffer.alloc(12), `${key} p`, Buffer.from(content)).toString("base64url");
      const sealed = { alg: suite.contentAlgorithm, key, nonce: Buffer.alloc(12).toString("base64url"), text };
      expect(opener.open({ data: { passId: "p", sealed } })).toStrictEqual({ reason: "altered" });
      expect(opener.open({ data: { passId: "p", sealed: { ...sealed, alg: "SM4-CTR+HMAC-SM3" } } })).toStrictEqual({
        reason: "altered",
      });
    }
    for (const odd of [null, 5, "x", [], { data: null }, { data: {} }]) expect(opener.open(odd)).toBeUndefined();
    for (const sealed of [null, 5, "x", [], {}, { key }, { key, nonce: "AA" }, { key, nonce: 5, text: "AA" }])
      expect(opener.open({ data: { passId: "p", sealed } })).toStrictEqual({ reason: "altered" });
    sealing.close();
  });

  it("can wrap no key under another name", async () => {
    const { publicKey, privateKey } = kinds["P-256"]();
    const wrapped = await suiteOf("intl").wrap(publicKey, Buffer.alloc(32, 1), "one");
    await expect(suiteOf("intl").unwrap(privateKey, wrapped, "two")).rejects.toThrow("another name");
  });
});

describe("a token", () => {
  const tokensOf = (value: object): string[] => {
    const keys = createTokenKeys(() => noon, { random: (count) => new Uint8Array(count).fill(3) });
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    const { tokens } = cleared(aFirstRead({ code: JSON.stringify(value), symbology }), guard).data;
    return (tokens as { kind: string; token: string }[]).map(({ kind, token }) => `${kind} ${token}`);
  };

  it.each([
    [{ wechat: "zhangwei" }, { wechat: "lisi_xyz" }],
    [{ phone: "٠٥٠١٢٣٤٥٦٧" }, { phone: "٠٥٠٩٩٩٩٩٩٩" }],
    [{ phone: "13812345678" }, { phone: "13812345679" }],
    [{ email: "zhang@qq.com" }, { email: "zhang@qq.cn" }],
  ])("of %j is another than that of %j", (one, other) => {
    expect(tokensOf(one)).not.toStrictEqual(tokensOf(other));
  });

  it.each([
    [{ card: "6222 0212 3456 7894 000" }, { card: "6222021234567894000" }],
    [{ phone: "+86 0571-28059570" }, { phone: "0571-28059570" }],
    [{ phone: "+86 (0)138 1234 5678" }, { phone: "13812345678" }],
    [{ address: "杭州市 文三路90号" }, { address: "杭州市文三路90号" }],
    [{ email: "Zhang@QQ.com " }, { email: "zhang@qq.com" }],
  ])("of %j is that of %j", (one, other) => {
    expect(tokensOf(one)).toStrictEqual(tokensOf(other));
  });

  it("of a number that is kept back is the same wherever it was read", () => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, basic: "token" }, tokens: keys });
    const codes = ["SF1385628716739", label, "MMM={'k1':'010W','k5':'SF1385628716739'}"];
    const data = codes.map((code) => cleared(aFirstRead({ code, symbology }), guard).data);
    expect(new Set(data.map(({ token }) => token)).size).toBe(1);
    expect(data.map(({ length }) => length)).toStrictEqual([15, 15, 15]);
  });

  it("the beginning of a number that is kept back stands in no report", () => {
    const guard = createGuard({ settings: { ...everything, basic: "token" }, tokens: createTokenKeys(() => noon) });
    guard.clear(aFirstRead({ code: label, symbology }), clock, true);
    expect(guard.labels.report(noon)?.data.leaking).toStrictEqual([
      { format: "json", kinds: ["name", "phone"], count: 1 },
    ]);
  });

  it("a policy of one read point keeps numbers and routing back there alone", () => {
    const { policy } = guardSettings.parse({ policy: [{ read_point: "tunnel-2", basic: "token", public: "drop" }] });
    const sf = "MMM={'k1':'010W','k5':'SF1331875979567'}";
    expect(dataOf({ policy }, sf)).toMatchObject({ code: "SF1331875979567", label: { routing: ["010W"] } });
    const there = dataOf({ policy }, sf, "tunnel-2");
    expect([there.code, there.label]).toStrictEqual([undefined, undefined]);
  });
});
