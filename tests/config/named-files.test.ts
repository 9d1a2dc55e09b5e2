import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { aPair, type Pair } from "./certificates.ts";
import { smallest } from "./sound.ts";

const day = 86_400_000;
const nowMs = Date.parse("2026-11-23T03:00:00Z");

let folder = "";
let good: Pair;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-files-"));
  good = aPair(nowMs - day, nowMs + 300 * day);
  for (const [name, content] of Object.entries({
    "good.pem": good.cert,
    "good.key": good.key,
    "old.pem": aPair(nowMs - 10 * day, nowMs - day).cert,
    "soon.pem": aPair(nowMs - 10 * day, nowMs + 20 * day).cert,
    "later.pem": aPair(nowMs + day, nowMs + 300 * day).cert,
    "other.key": aPair(nowMs, nowMs + day).key,
    "nonsense.pem": "hello\n",
    password: "hunter2\n",
    "with-nul": "hun\0ter2\n",
    "two-lines": "hunter2\nhunter3\n",
    blank: "\n",
    "marked-blank": "\uFEFF\n",
    "marked-password": "\uFEFFhunter2\r\n",
    "marked.pem": `\uFEFF${good.cert}`,
    "marked.key": `\uFEFF${good.key}`,
  })) {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), 0o600);
  }
  writeFileSync(join(folder, "bundle.pem"), aPair(nowMs - 10 * day, nowMs - day).cert + good.cert);
  writeFileSync(join(folder, "open.key"), good.key);
  chmodSync(join(folder, "open.key"), 0o644);
});
afterAll(() => rmSync(folder, { recursive: true }));

const absentPort = "/dev/serial/by-id/usb-a";
/** A character device below a folder of stable names, on every Linux. */
const presentPort = "/dev/pts/ptmx";

/** Checks a configuration whose broker has these keys besides its name and url, from line 7 on. */
async function told(lines: Record<string, string>): Promise<{ problems: string[]; warnings: string[] }> {
  const more = Object.entries(lines).map(([key, value]) => `${key} = "${value}"`);
  const text = smallest
    .replace('mqtt://127.0.0.1:1883"', `mqtts://broker:8883"\n${more.join("\n")}`)
    .replace(absentPort, presentPort);
  const checked = await checkConfig(join(folder, "sortgate.toml"), { text, namedFiles: true, nowMs });
  const short = (list: readonly { line?: number; key: string; sentence: string }[]): string[] =>
    list.map(({ line, key, sentence }) => `${line} ${key.split(" > ")[1]}: ${sentence.replaceAll(`${folder}/`, "")}`);
  return { problems: checked.ok ? [] : short(checked.problems), warnings: short(checked.warnings) };
}

test("good files give nothing to tell", async () => {
  const files = {
    ca_file: "good.pem",
    cert_file: "good.pem",
    key_file: "good.key",
    username: "u",
    password_file: "password",
  };
  expect(await told(files)).toEqual({ problems: [], warnings: [] });
  const marked = { ...files, cert_file: "marked.pem", key_file: "marked.key", password_file: "marked-password" };
  expect(await told(marked)).toEqual({ problems: [], warnings: [] });
});

test("a serial port that is not there now, or is none, is a warning", async () => {
  const warned = async (path: string): Promise<string[]> => {
    const text = smallest.replace(absentPort, path);
    const checked = await checkConfig(join(folder, "sortgate.toml"), { text, namedFiles: true, nowMs });
    expect(checked.ok).toBe(true);
    return checked.warnings.map(({ line, sentence }) => `${line} ${sentence}`);
  };
  expect(await warned(presentPort)).toEqual([]);
  expect(await warned(absentPort)).toEqual([
    `13 found "${absentPort}", which is not there now; it may be plugged in later`,
  ]);
  expect(await warned("/dev/pts/../pts")).toEqual(['13 found "/dev/pts/../pts", which is not a serial port']);
  expect(await warned("/dev/null")).toEqual(['13 found "/dev/null", which is not a serial port']);
});

test("a file that is not there is a problem at its line", async () => {
  expect((await told({ ca_file: "none.pem" })).problems).toEqual([
    '7 ca_file: found "none.pem", but there is no such file',
  ]);
});

test("a daemon does not look at the files: they may come later", async () => {
  const text = smallest.replace('mqtt://127.0.0.1:1883"', 'mqtts://broker:8883"\nca_file = "none.pem"');
  expect((await checkConfig(join(folder, "sortgate.toml"), { text })).ok).toBe(true);
});

test("an expired certificate is a problem, one that expires soon a warning", async () => {
  expect((await told({ ca_file: "old.pem" })).problems).toEqual(["7 ca_file: the certificate expired on 2026-11-22"]);
  expect((await told({ ca_file: "soon.pem" })).warnings).toEqual(["7 ca_file: the certificate expires on 2026-12-13"]);
  expect((await told({ ca_file: "later.pem" })).warnings).toEqual([
    "7 ca_file: the certificate is not valid before 2026-11-24",
  ]);
});

test("one good authority among expired ones is enough", async () => {
  expect(await told({ ca_file: "bundle.pem" })).toEqual({
    problems: [],
    warnings: ["7 ca_file: some certificates in the file have expired"],
  });
});

test("a file of another kind is a problem", async () => {
  expect((await told({ ca_file: "nonsense.pem" })).problems).toEqual([
    "7 ca_file: the file holds no certificate that can be read",
  ]);
  expect((await told({ cert_file: "good.pem", key_file: "nonsense.pem" })).problems).toEqual([
    "8 key_file: the file holds no private key that can be read without a password",
  ]);
  expect((await told({ ca_file: "." })).problems[0]).toContain("not a regular file");
});

test("a key that does not belong to the certificate is a problem", async () => {
  expect((await told({ cert_file: "good.pem", key_file: "other.key" })).problems).toEqual([
    "8 key_file: this key does not belong to the certificate in cert_file",
  ]);
});

test("a key that everybody can read is a warning", async () => {
  expect(await told({ cert_file: "good.pem", key_file: "open.key" })).toEqual({
    problems: [],
    warnings: ["8 key_file: everybody on this machine can read the file"],
  });
});

test("an empty password file is a problem, and so is a control character in it; a second line is a warning", async () => {
  expect((await told({ username: "u", password_file: "with-nul" })).problems).toHaveLength(1);
  expect((await told({ username: "u", password_file: "blank" })).problems).toHaveLength(1);
  expect((await told({ username: "u", password_file: "marked-blank" })).problems).toHaveLength(1);
  expect((await told({ username: "u", password_file: "two-lines" })).warnings).toHaveLength(1);
});

test("a broken configuration still has its files looked at", async () => {
  const { problems } = await told({ ca_file: "none.pem", keepalive_s: "x" });
  expect(problems.map((problem) => problem.slice(0, 13))).toEqual(["7 ca_file: fo", "8 keepalive_s"]);
});

/** What is told of a file as the centre's key. */
async function toldOfReceiver(content: string): Promise<string[]> {
  writeFileSync(join(folder, "centre.pem"), content);
  const text = `${smallest.replace(absentPort, presentPort)}[guard]\ncore = "seal"\nseal_key_file = "centre.pem"\n`;
  const checked = await checkConfig(join(folder, "sortgate.toml"), { text, namedFiles: true, nowMs });
  return checked.ok ? [] : checked.problems.map(({ line, key, sentence }) => `${line} ${key}: ${sentence}`);
}

const pem = { format: "pem" } as const;

test("R04 the centre's key may be RSA, P-256 or X25519", async () => {
  for (const { publicKey } of [
    generateKeyPairSync("rsa", { modulusLength: 2_048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("x25519"),
  ])
    expect(await toldOfReceiver(publicKey.export({ type: "spki", ...pem }) as string)).toEqual([]);
  expect(await toldOfReceiver(good.cert)).toEqual([]);
  expect(await toldOfReceiver(aPair(nowMs - 10 * day, nowMs - day).cert)).toEqual([
    "17 guard > seal_key_file: the certificate expired on 2026-11-22",
  ]);
  expect(await toldOfReceiver(aPair(nowMs + day, nowMs + 300 * day).cert)).toEqual([
    "17 guard > seal_key_file: the certificate is not valid before 2026-11-24, and nothing is sealed until then",
  ]);
});

test("R04 the end of the centre's certificate is a warning before it comes", async () => {
  writeFileSync(join(folder, "centre.pem"), aPair(nowMs - 10 * day, nowMs + 20 * day).cert);
  const text = `${smallest.replace(absentPort, presentPort)}[guard]\ncore = "seal"\nseal_key_file = "centre.pem"\n`;
  const { ok, warnings } = await checkConfig(join(folder, "sortgate.toml"), { text, namedFiles: true, nowMs });
  expect([ok, warnings.map(({ line, sentence }) => `${line} ${sentence}`)]).toEqual([
    true,
    ["17 the certificate expires on 2026-12-13"],
  ]);
});

test("R15 the private key of the centre is refused on this box, and so is a key that nothing can be sealed to", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const place = "17 guard > seal_key_file:";
  expect(await toldOfReceiver(privateKey.export({ type: "pkcs8", ...pem }) as string)).toEqual([
    `${place} the file holds a private key; allowed: the public one alone`,
  ]);
  expect(await toldOfReceiver("hello")).toEqual([`${place} the file holds no public key that can be read`]);
  for (const { publicKey } of [
    generateKeyPairSync("rsa", { modulusLength: 1_024 }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("ed25519"),
  ])
    expect(await toldOfReceiver(publicKey.export({ type: "spki", ...pem }) as string)).toEqual([
      `${place} the file holds a key that nothing can be sealed to; allowed: RSA of 2,048 bits or more, P-256, X25519`,
    ]);
});

test("R15 the centre's key is one: nobody need guess which of two is used", async () => {
  const [rsa = "", p256 = ""] = [
    generateKeyPairSync("rsa", { modulusLength: 2_048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ].map(({ publicKey }) => publicKey.export({ type: "spki", ...pem }) as string);
  const two = ["17 guard > seal_key_file: the file holds 2 different public keys; allowed: one"];
  for (const text of [rsa + p256, p256 + rsa, good.cert + rsa, rsa + good.cert])
    expect(await toldOfReceiver(text)).toEqual(two);
  const again = createPublicKey(good.cert).export({ type: "spki", ...pem }) as string;
  // The same key twice is one, and certificates behind the first vouch for it.
  const other = aPair(nowMs - day, nowMs + 300 * day).cert;
  for (const text of [rsa + rsa, good.cert + again, good.cert + other]) expect(await toldOfReceiver(text)).toEqual([]);
});

test("R09 with the national algorithms the centre's key is an SM2 key, and no other", async () => {
  const sm2 = execFileSync("openssl", ["pkey", "-pubout"], {
    input: execFileSync("openssl", ["genpkey", "-algorithm", "SM2"]),
  });
  writeFileSync(join(folder, "sm2.pem"), sm2);
  const told = async (crypto: string, file: string): Promise<string[]> => {
    const guard = `[guard]\ncore = "seal"\ncrypto = "${crypto}"\nseal_key_file = "${file}"\n`;
    const text = smallest.replace(absentPort, presentPort) + guard;
    const checked = await checkConfig(join(folder, "sortgate.toml"), { text, namedFiles: true, nowMs });
    return checked.ok ? [] : checked.problems.map(({ sentence }) => sentence);
  };
  expect(await told("gm", "sm2.pem")).toEqual([]);
  expect(await told("intl", "sm2.pem")).toEqual([expect.stringContaining("the file holds an SM2 key")]);
  expect(await told("gm", "good.pem")).toEqual([
    'the file holds a key of another kind; allowed: an SM2 key, for crypto is "gm"',
  ]);
});
