import { execFileSync } from "node:child_process";
import { constants, createPublicKey, verify, X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Identity,
  importCertificates,
  inspectIdentity,
  openIdentity,
  orderMemory,
  policyMemory,
  requestForAuthority,
} from "../../src/identity/index.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Notice } from "../../src/model/notice.ts";

const now = Date.UTC(2026, 10, 23, 12);
const clockAt = (wallMs: number): Clock => ({ wallMs: () => wallMs, monotonicMs: () => 0, boot: "00000000" });

const dayMs = 86_400_000;
/** An identity that was made once; each test works on a copy, because a key takes a second. */
const original = mkdtempSync(join(tmpdir(), "sortgate-identity-"));
const notices: Notice[] = [];
let made: Identity;
let dataDir: string;

function settings(more: { gateway?: string; clock?: Clock } = {}): Parameters<typeof openIdentity>[0] {
  return { dataDir, site: "HZ_01", gateway: "line_3", clock: clockAt(now), ...more };
}

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
}

const path = (name: string): string => join(dataDir, "identity", name);
const modeOf = (name: string): number => statSync(name).mode & 0o777;

beforeAll(async () => {
  dataDir = original;
  made = await openIdentity({ ...settings(), tell: (notice) => notices.push(notice) });
});

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sortgate-identity-"));
  execFileSync("cp", ["-a", join(original, "identity"), dataDir]);
});

describe("the first start", () => {
  test("makes a private folder with a key and a certificate, and tells it", () => {
    const folder = join(original, "identity");
    expect(readdirSync(original)).toEqual(["identity"]);
    expect(readdirSync(folder).sort()).toEqual(["device.crt", "device.key"]);
    expect([folder, made.keyPath, made.certificatePath].map(modeOf)).toEqual([0o700, 0o600, 0o600]);
    expect(notices.map(({ name }) => name)).toEqual(["identity/made"]);
  });

  test("makes what openssl reads as an RSA key of 3,072 bits and verifies as its certificate", () => {
    expect(openssl("pkey", "-in", made.keyPath, "-noout", "-text")).toContain("Private-Key: (3072 bit");
    expect(openssl("verify", "-CAfile", made.certificatePath, made.certificatePath)).toContain(": OK");
    for (const purpose of ["sslclient", "sslserver"]) {
      expect(openssl("verify", "-purpose", purpose, "-CAfile", made.certificatePath, made.certificatePath)).toContain(
        "OK",
      );
    }
  });

  test("makes a certificate for TLS and for OPC UA, valid for ten years", () => {
    const text = openssl("x509", "-in", made.certificatePath, "-noout", "-text");
    expect(text).toContain("URI:urn:sortgate:HZ_01:line_3");
    expect(text).toContain("Subject: O = HZ_01, CN = line_3");
    expect(text).toContain("Digital Signature, Non Repudiation, Key Encipherment, Data Encipherment, Certificate Sign");
    expect(text).toContain("TLS Web Client Authentication, TLS Web Server Authentication");
    expect(text).toContain("CA:FALSE");
    expect(text).toContain("sha256WithRSAEncryption");
    expect(made.notAfter).toBe(now - dayMs + 3_653 * dayMs);
    expect(made.applicationUri).toBe("urn:sortgate:HZ_01:line_3");
  });

  test("with a clock that says 1970 makes a certificate that is valid today", async () => {
    rmSync(join(dataDir, "identity"), { recursive: true });
    const { notAfter } = await openIdentity(settings({ clock: clockAt(1_000) }));
    expect(notAfter).toBeGreaterThan(Date.UTC(2035, 0, 1));
  });

  test("takes an empty folder for none, and clears away what a crash left", async () => {
    rmSync(join(dataDir, "identity"), { recursive: true });
    mkdirSync(join(dataDir, "identity"));
    mkdirSync(join(dataDir, ".identity.new"));
    writeFileSync(join(dataDir, ".identity.new", "device.key"), "half a k");
    await openIdentity(settings());
    expect(readdirSync(dataDir)).toEqual(["identity"]);
    expect(modeOf(join(dataDir, "identity"))).toBe(0o700);
  });

  test("says where it cannot write", async () => {
    const file = join(dataDir, "file");
    writeFileSync(file, "");
    await expect(openIdentity({ ...settings(), dataDir: join(file, "below") })).rejects.toMatchObject({
      code: expect.stringMatching(/^identity\//),
      hint: expect.stringContaining(file),
    });
  });
});

describe("a later start", () => {
  test("loads the same identity and tells nothing", async () => {
    const told: Notice[] = [];
    const again = await openIdentity({ ...settings(), tell: (notice) => told.push(notice) });
    expect(again.fingerprint).toBe(made.fingerprint);
    expect(again).toMatchObject({ subject: "O=HZ_01, CN=line_3", notAfter: made.notAfter });
    expect(told).toEqual([]);
  });

  test("loads an expired certificate all the same", async () => {
    await expect(openIdentity(settings({ clock: clockAt(now + 20 * 365 * dayMs) }))).resolves.toBeDefined();
  });

  test.each([
    ["warned of in its last 30 days", 3_624, "warning", /self-signed device certificate ends on 2036-11-22T12:00:00/],
    ["warned of behind its end, for it is trusted by hand", 3_700, "warning", /ended on 2036-11-22T12:00:00/],
    ["warned of before it begins", -10, "warning", /begins only on 2026-11-22T12:00:00/],
    ["said nothing of before", 3_600, undefined, undefined],
  ])("has its self-signed certificate %s", async (_, day, level, sentence) => {
    const found = await inspectIdentity(dataDir, { site: "HZ_01", gateway: "line_3" }, now + day * dayMs);
    expect(found.map((finding) => finding.level)).toEqual(level === undefined ? [] : [level]);
    if (sentence !== undefined) expect(found[0]?.sentence).toMatch(sentence);
  });

  test("signs with PS256 what the certificate verifies", () => {
    const bytes = Buffer.from("some bytes");
    const key = createPublicKey(
      new X509Certificate(made.certificateChain[0] as Buffer).publicKey.export({ type: "spki", format: "pem" }),
    );
    const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify("sha256", bytes, pss, made.sign(bytes))).toBe(true);
    expect(verify("sha256", Buffer.from("other bytes"), pss, made.sign(bytes))).toBe(false);
  });

  test.each([
    ["missing", undefined],
    ["damaged", "half a k"],
  ])("of a key that is %s says how to get another, and what of policies and orders must stay", async (_, text) => {
    for (const name of ["policy.json", "order.json"]) writeFileSync(path(name), name, { mode: 0o600 });
    if (text === undefined) rmSync(path("device.key"));
    else writeFileSync(path("device.key"), text);
    const error = (await openIdentity(settings()).catch((reason: unknown) => reason)) as { hint: string };
    expect(error.hint).toMatch(
      /move device\.key and device\*\.crt in \S+ aside.*leave policy\.json and order\.json there/,
    );
    // What the hint says.
    for (const name of readdirSync(path(""))) if (name.startsWith("device")) rmSync(path(name));
    const again = await openIdentity(settings());
    expect(again.fingerprint).not.toBe(made.fingerprint);
    expect(readdirSync(path("")).sort()).toEqual(["device.crt", "device.key", "order.json", "policy.json"]);
    expect(readdirSync(dataDir)).toEqual(["identity"]);
    for (const name of ["policy.json", "order.json"]) expect(readFileSync(path(name), "utf8")).toBe(name);
    expect([path("device.key"), path("device.crt")].map(modeOf)).toEqual([0o600, 0o600]);
  });

  test("of a file without a key that is open to others says nothing of a key", async () => {
    const hintOf = async (mode: number): Promise<string> => {
      writeFileSync(path("policy.json"), "{}");
      chmodSync(path("policy.json"), mode);
      return (
        (await policyMemory(dataDir)
          .read()
          .catch((reason: unknown) => reason)) as { hint: string }
      ).hint;
    };
    expect(await hintOf(0o644)).toBe(`chmod 600 ${path("policy.json")}`);
    expect(await hintOf(0o666)).toMatch(/^chmod 600 \S+; others could change it/);
    chmodSync(path("device.key"), 0o644);
    const error = await openIdentity(settings()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ hint: expect.stringMatching(/^chmod 600 \S+; if others could read the key, move/) });
  });

  test.each([
    ["key", "device.key", 0o640],
    ["certificate", "device.crt", 0o644],
    ["folder", "", 0o750],
  ])("refuses a %s that is open to others, and says how to close it", async (_, name, mode) => {
    chmodSync(path(name), mode);
    await expect(openIdentity(settings())).rejects.toMatchObject({
      code: "identity/unreadable",
      hint: expect.stringContaining("chmod"),
    });
  });

  test.each([
    ["no key", "device.key", undefined, "identity/unreadable"],
    ["no certificate", "device.crt", undefined, "identity/unreadable"],
    ["an empty key", "device.key", "", "identity/unreadable"],
    ["garbage for a key", "device.key", "\u0000\u001b[2J".repeat(999), "identity/unreadable"],
    ["a key that is too large", "device.key", "a".repeat(70_000), "identity/unreadable"],
    ["an empty certificate", "device.crt", "", "identity/certificate"],
    [
      "garbage for a certificate",
      "device.crt",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      "identity/certificate",
    ],
  ])("refuses %s and leaves everything as it is", async (_, name, text, code) => {
    if (text === undefined) rmSync(path(name));
    else writeFileSync(path(name), text);
    const before = readdirSync(join(dataDir, "identity"));
    await expect(openIdentity(settings())).rejects.toMatchObject({ code, hint: expect.stringMatching(/\S/) });
    expect(readdirSync(join(dataDir, "identity"))).toEqual(before);
    expect(existsSync(path(name)) ? readFileSync(path(name), "utf8") : undefined).toBe(text);
  });

  test.each([
    ["device.key", () => openIdentity(settings())],
    ["device.crt", () => openIdentity(settings())],
    ["policy.json", () => policyMemory(dataDir).read()],
    ["order.json", () => orderMemory(dataDir).read()],
  ])("refuses %s at once if it is a pipe, a device or a folder", async (name, read) => {
    for (const put of [
      () => execFileSync("mkfifo", ["-m", "600", path(name)]),
      () => symlinkSync("/dev/zero", path(name)),
      () => mkdirSync(path(name)),
    ]) {
      rmSync(path(name), { force: true });
      put();
      await expect(read()).rejects.toMatchObject({
        code: "identity/unreadable",
        message: `${path(name)} is not a regular file`,
        hint: expect.stringContaining(`ls -ld ${path(name)}`),
      });
    }
  });

  test("refuses a key that is weak, of another kind, or not the certificate's, and quotes none of it", async () => {
    const kinds = [
      ["rsa", "-pkeyopt", "rsa_keygen_bits:1024"],
      ["ed25519"],
      ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
    ];
    for (const [index, [kind = "", ...options]] of kinds.entries()) {
      writeFileSync(path("device.key"), openssl("genpkey", "-algorithm", kind, ...options));
      const error = await openIdentity(settings()).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: index === 2 ? "identity/certificate" : "identity/unreadable" });
      expect(String((error as Error).stack)).not.toContain("PRIVATE");
    }
  });

  test("refuses an identity that was made for another gateway", async () => {
    await expect(openIdentity(settings({ gateway: "line_4" }))).rejects.toMatchObject({ code: "identity/certificate" });
  });
});

describe("the site's authority", () => {
  const ca = mkdtempSync(join(tmpdir(), "sortgate-authority-"));
  const inCa = (name: string): string => join(ca, name);

  beforeAll(() => {
    const base = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "900", "-subj", "/CN=site"];
    openssl(...base, "-keyout", inCa("ca.key"), "-out", inCa("ca.crt"));
  });

  /** Asks and signs as an authority would. */
  async function answer(...options: string[]): Promise<string> {
    writeFileSync(inCa("asked.csr"), await requestForAuthority(settings()));
    const by = ["-CA", inCa("ca.crt"), "-CAkey", inCa("ca.key"), "-CAcreateserial"];
    openssl("x509", "-req", "-in", inCa("asked.csr"), ...by, "-days", "365", ...options, "-out", inCa("own.crt"));
    return readFileSync(inCa("own.crt"), "latin1");
  }

  // A minute from now, because the authority below writes certificates that begin while the test runs.
  const today = { clock: clockAt(Date.now() + 60_000) };
  const authority = (): string => readFileSync(inCa("ca.crt"), "latin1");

  test("gets a request that openssl verifies and that asks for the right extensions", async () => {
    writeFileSync(inCa("seen.csr"), await requestForAuthority(settings()));
    const text = openssl("req", "-in", inCa("seen.csr"), "-noout", "-text");
    // openssl tells the outcome on stderr; it ends with 1 if the signature is wrong.
    openssl("req", "-in", inCa("seen.csr"), "-noout", "-verify");
    expect(text).toContain("Subject: O = HZ_01, CN = line_3");
    expect(text).toContain("URI:urn:sortgate:HZ_01:line_3");
    expect(text).toContain("TLS Web Client Authentication");
    expect(text).not.toContain("Certificate Sign");
  });

  test("stands behind the device once its answer was imported, and the old certificate stays", async () => {
    const pem = (await answer("-copy_extensions", "copy")) + authority();
    const { identity, keptAs, isNamed } = await importCertificates(settings(today), pem, "chain.pem");
    expect(isNamed).toBe(true);
    expect(identity.certificateChain).toHaveLength(2);
    expect(openssl("verify", "-CAfile", inCa("ca.crt"), identity.certificatePath)).toContain("OK");
    expect(readFileSync(String(keptAs), "latin1")).toBe(readFileSync(made.certificatePath, "latin1"));
    expect([keptAs as string, identity.certificatePath].map(modeOf)).toEqual([0o600, 0o600]);
    expect((await openIdentity(settings())).fingerprint).toBe(identity.fingerprint);
    expect(readFileSync(path("device.key"), "latin1")).toBe(readFileSync(made.keyPath, "latin1"));
  });

  test("may leave the names out, which is told", async () => {
    const { isNamed } = await importCertificates(settings(today), await answer(), "own.crt");
    expect(isNamed).toBe(true);
    writeFileSync(inCa("asked.csr"), openssl("req", "-new", "-key", path("device.key"), "-subj", "/CN=box-17"));
    const by = ["-CA", inCa("ca.crt"), "-CAkey", inCa("ca.key"), "-days", "9"];
    const pem = openssl("x509", "-req", "-in", inCa("asked.csr"), ...by);
    expect((await importCertificates(settings(today), pem, "own.crt")).isNamed).toBe(false);
    expect(readdirSync(join(dataDir, "identity"))).toHaveLength(4);
  });

  test("can be answered for even if the old certificate is lost", async () => {
    const pem = await answer();
    rmSync(path("device.crt"));
    const { keptAs } = await importCertificates(settings(today), pem, "own.crt");
    expect(keptAs).toBeUndefined();
  });

  test.each([
    ["nothing", async () => "nothing"],
    ["only the authority's own", async () => authority()],
    ["certificates in the wrong order", async () => authority() + (await answer())],
    ["certificates that do not issue each other", async () => (await answer()) + (await answer())],
    [
      "a certificate for another gateway",
      () => answer("-extfile", extensions("subjectAltName=URI:urn:sortgate:HZ_01:line_9")),
    ],
    ["nine certificates", async () => (await answer()) + authority().repeat(8)],
  ])("is refused with %s, and nothing changes", async (_, pem) => {
    await expect(pem().then((text) => importCertificates(settings(today), text, "own.crt"))).rejects.toMatchObject({
      code: "identity/certificate",
      hint: expect.stringMatching(/\S/),
    });
    expect(readdirSync(join(dataDir, "identity")).sort()).toEqual(["device.crt", "device.key"]);
    expect(readFileSync(path("device.crt"), "latin1")).toBe(readFileSync(made.certificatePath, "latin1"));
  });

  test("is refused with a certificate that ended or has not begun", async () => {
    const pem = await answer();
    for (const at of [Date.now() + 400 * dayMs, Date.now() - 30 * dayMs]) {
      await expect(importCertificates(settings({ clock: clockAt(at) }), pem, "own.crt")).rejects.toMatchObject({
        code: "identity/certificate",
      });
    }
  });

  test.each([
    ["in its last 30 days", 340, "warning", "ending", /keys csr .*keys import/],
    ["behind its end", 400, "problem", "ended", /keys csr .*keys import .*timedatectl/],
    ["before it begins", -30, "problem", "early", /timedatectl/],
    ["before its last 30 days", 300, undefined, undefined, undefined],
  ])("has its certificate judged %s", async (_, day, level, state, hint) => {
    const pem = (await answer("-copy_extensions", "copy")) + authority();
    await importCertificates(settings(today), pem, "chain.pem");
    const found = await inspectIdentity(dataDir, { site: "HZ_01", gateway: "line_3" }, Date.now() + day * dayMs);
    expect(found).toMatchObject(level === undefined ? [] : [{ level, state, hint: expect.stringMatching(hint) }]);
    expect(found).toHaveLength(level === undefined ? 0 : 1);
  });

  test("is not asked for a device that has no key yet", async () => {
    const pem = await answer();
    rmSync(join(dataDir, "identity"), { recursive: true });
    await expect(importCertificates(settings(today), pem, "own.crt")).rejects.toMatchObject({
      code: "identity/unreadable",
    });
  });

  function extensions(text: string): string {
    writeFileSync(inCa("ext"), text);
    return inCa("ext");
  }
});
